import { type Maybe, mean } from '../../arithmetic.ts'
import { type Random, randomInteger } from '../../random.ts'
import { median, variance } from './moments.ts'

/**
 * Measurements within repetitions within repetitions: requests of runs of server starts, say. Each level
 * has as many parts everywhere.
 */
export type Nested = readonly number[] | readonly Nested[]

/** What the repetitions of one level contribute, level 1 the innermost. */
export interface VarianceLevel {
  /** Repetitions inside each part of the level above. */
  readonly repetitions: number
  /** S²: variance of this level's means, all lower levels' share included. */
  readonly biased: number
  /** T²: this level's own, S² less the lower level's S² over its repetitions; under 0 it is as good as 0. */
  readonly own: number
}

/**
 * Where variation comes from, level by level (Kalibera and Jones, Rigorous Benchmarking in Reasonable
 * Time, ISMM 2013, section 6).
 *
 * @throws RangeError where a level has fewer than two repetitions or not as many everywhere
 */
export function varianceLevels(data: Nested): VarianceLevel[] {
  const found: { repetitions: number; variances: number[] }[] = []
  collectVariances(data, found)
  let lower = 0
  return found.map(({ repetitions, variances }) => {
    const biased = mean(variances) ?? Number.NaN
    const own = biased - lower
    lower = biased / repetitions
    return { repetitions, biased, own }
  })
}

/**
 * Repetitions of each level but the outermost that tell the mean best for the time they take:
 * r_i = ceil(sqrt(c_{i+1} / c_i * T²_i / T²_{i+1})) (the same, equation 3).
 *
 * @param levels innermost first
 * @param costs time of one repetition at each level, innermost first
 * @returns before and after rounding up; a level's are unknown where the level above has no variance of
 *   its own: more of it then gains nothing over repeating below
 */
export function optimalRepetitions(
  levels: readonly VarianceLevel[],
  costs: readonly number[],
): { readonly exact: Maybe; readonly repetitions: Maybe }[] {
  return levels.slice(0, -1).map(({ own }, i) => {
    const above = levels[i + 1]?.own ?? 0
    const costRatio = (costs[i + 1] ?? Number.NaN) / (costs[i] ?? Number.NaN)
    if (!(above > 0 && costRatio > 0)) return { exact: undefined, repetitions: undefined }
    const exact = Math.sqrt((costRatio * Math.max(0, own)) / above)
    return { exact, repetitions: Math.max(1, Math.ceil(exact)) }
  })
}

/** Mean over all levels, which is that of all values. */
export function nestedMean(data: Nested): number {
  return average(data.map((part) => (typeof part === 'number' ? part : nestedMean(part))))
}

/** Mean of one redraw: at every level as many parts as there are, with replacement. */
function resampledMean(data: Nested, random: Random): number {
  return average(
    data.map(() => {
      const part = data[randomInteger(random, data.length)]
      return typeof part === 'object' ? resampledMean(part, random) : (part ?? Number.NaN)
    }),
  )
}

/**
 * Interval of the ratio of two nested means by redrawing every level (the same, section 7). For ten runs
 * a side and more; with fewer it is too narrow, and `logWelch` is not.
 */
export function nestedRatioInterval(
  before: Nested,
  after: Nested,
  {
    resamples,
    confidence = 0.95,
    random,
  }: { resamples: number; confidence?: number; random: Random },
): { readonly ratio: number; readonly low: Maybe; readonly high: Maybe } {
  const ratios = Float64Array.from(
    { length: resamples },
    () => resampledMean(after, random) / resampledMean(before, random),
  ).sort()
  const { low, high } = middlePart(ratios, confidence)
  return { ratio: nestedMean(after) / nestedMean(before), low, high }
}

/** Places, from 0, of the middle part of n sorted values: its first, its middle or middle two, and one after its last. */
export interface MiddleSlice {
  readonly from: number
  readonly middle: readonly number[]
  readonly until: number
}

/** As many left out at either end: floor(n (1 - confidence) / 2) (softdevteam/libkalibera). */
export function middleSlice(n: number, confidence: number): MiddleSlice {
  // In binary, (1 - 0.8) / 2 of 10 is a bit under 1.
  const left = Math.floor(Number(((n * (1 - confidence)) / 2).toFixed(9)))
  const half = Math.floor(n / 2)
  return { from: left, middle: n % 2 === 1 ? [half] : [half - 1, half], until: n - left }
}

/** Ends and median of the middle part of sorted values; unknown for none. */
export function middlePart(
  sorted: ArrayLike<number>,
  confidence: number,
): { readonly low: Maybe; readonly median: Maybe; readonly high: Maybe } {
  const { from, until } = middleSlice(sorted.length, confidence)
  return { low: sorted[from], median: median(Array.from(sorted)), high: sorted[until - 1] }
}

/** Notes the variance among the parts of every node by its height; gives the node's mean. */
function collectVariances(
  data: Nested,
  found: { repetitions: number; variances: number[] }[],
): { mean: number; height: number } {
  const parts = data.map((part) =>
    typeof part === 'number' ? { mean: part, height: 0 } : collectVariances(part, found),
  )
  const height = parts[0]?.height ?? 0
  const means = parts.map(({ mean }) => mean)
  const spread = variance(means)
  if (spread === undefined) throw new RangeError('a level of under two repetitions')
  found[height] ??= { repetitions: means.length, variances: [] }
  if (found[height].repetitions !== means.length || parts.some((part) => part.height !== height))
    throw new RangeError('levels of unequal repetitions')
  found[height].variances.push(spread)
  return { mean: average(means), height: height + 1 }
}

function average(values: readonly number[]): number {
  return mean(values) ?? Number.NaN
}
