import type { Maybe } from '../../arithmetic.ts'
import { MS_PER_S, NS_PER_MS } from '../../units.ts'
import type { Distribution, Percentile } from '../summary.ts'
import { type PercentileDefinition, percentileBy } from './percentile-by.ts'
import type { Statistics } from './pool.ts'
import type { RivalFigure, RivalUnit } from './rival.ts'

/** Apart by less than this, two figures are one: floating-point noise. */
const SAME_RATIO = 1e-9

/** What stands beside a value. */
interface Beside {
  readonly ours?: Maybe
  readonly oursMissing?: string
  /** Why the two differ; told only where they do. */
  readonly why?: string
  /** Why there is no value; told only where there is none. */
  readonly missing?: string
}

/** One figure; `ours` in the rival's unit. */
export function figure(
  key: string,
  unit: RivalUnit,
  value: Maybe,
  { ours, oursMissing, why, missing }: Beside = {},
): RivalFigure {
  const differs = value !== undefined && ours !== undefined && !areSame(value, ours)
  return {
    key,
    unit,
    value,
    missing: value === undefined ? missing : undefined,
    ours,
    oursMissing: ours === undefined ? oursMissing : undefined,
    why: differs ? why : undefined,
  }
}

function areSame(a: number, b: number): boolean {
  return Math.abs(a - b) <= SAME_RATIO * Math.max(Math.abs(a), Math.abs(b))
}

/** What a tool tells of a set of samples; a number is a percentile, in percent. */
export type Statistic = 'mean' | 'std' | 'median' | 'min' | 'max' | number

/** A set of samples as a rival tells of it. */
export interface DistributionView extends Pick<Beside, 'why' | 'missing'> {
  readonly unit: RivalUnit
  readonly keyOf: (statistic: Statistic) => string
  readonly told: readonly Statistic[]
  readonly percentiles: PercentileDefinition
  /** In the rival's unit; absent where our records cannot tell them all. */
  readonly statistics: Statistics | undefined
  /** Ours, times in ms. */
  readonly ours?: Distribution
  /** What the rival writes where there are no samples; absent where it writes nothing. */
  readonly whenEmpty?: number
}

/** A figure for each statistic that the rival tells. */
export function distributionFigures(view: DistributionView): RivalFigure[] {
  const { unit, keyOf, told, statistics, ours, whenEmpty, missing } = view
  const isEmpty = statistics?.n === 0
  return told.map((statistic) => {
    const value = statistics && statisticOf(statistics, statistic, view.percentiles)
    const { value: our, why: oursMissing } = oursOf(ours, statistic)
    return figure(keyOf(statistic), unit, isEmpty ? whenEmpty : value, {
      ours: inUnit(our, unit),
      oursMissing,
      why: isEmpty ? EMPTY : whyOf(view, statistic),
      missing: isEmpty ? 'no samples' : missing,
    })
  })
}

const EMPTY = 'It writes 0 where nothing was measured.'

const percentileReasons: Record<PercentileDefinition, string> = {
  linear:
    'The samples are the same; it interpolates between two of them, we take the nearest rank.',
  'floor-np':
    'The samples are the same; it takes the one at index floor(n p), we take the nearest rank.',
  lower:
    'The samples are the same; it takes the one at index floor((n - 1) p), we take the nearest rank.',
}

/** Where the samples are the same ones, only the definition of the percentile is left. */
function whyOf(
  { unit, statistics, ours, percentiles, why }: DistributionView,
  statistic: Statistic,
): string | undefined {
  const isSameSet =
    statistics !== undefined &&
    statistics.n === ours?.n &&
    [
      [statistics.mean, ours.mean],
      [statistics.min, ours.min],
      [statistics.max, ours.max],
    ].every(([theirs, our]) => {
      const scaled = inUnit(our, unit)
      return theirs !== undefined && scaled !== undefined && areSame(theirs, scaled)
    })
  const isRank = statistic === 'median' || typeof statistic === 'number'
  return isSameSet && isRank ? percentileReasons[percentiles] : why
}

function statisticOf(
  statistics: Statistics,
  statistic: Statistic,
  definition: PercentileDefinition,
): Maybe {
  switch (statistic) {
    case 'mean':
    case 'std':
    case 'min':
    case 'max':
      return statistics[statistic]
    case 'median':
      return percentileBy(definition, statistics.samples, 50)
    default:
      return percentileBy(definition, statistics.samples, statistic)
  }
}

/** Ours of a distribution, times in ms; or why it is withheld. */
export function oursOf(
  ours: Distribution | undefined,
  statistic: Statistic,
): { value?: Maybe; why?: string } {
  if (ours === undefined) return {}
  switch (statistic) {
    case 'mean':
    case 'min':
    case 'max':
      return { value: ours[statistic] }
    case 'std':
      return {}
    case 'median':
      return percentileOf(ours.p50)
    case 50:
      return percentileOf(ours.p50)
    case 90:
      return percentileOf(ours.p90)
    case 95:
      return percentileOf(ours.p95)
    case 99:
      return percentileOf(ours.p99)
    default:
      return {}
  }
}

function percentileOf({ value, n, withheldUntilN }: Percentile): { value?: Maybe; why?: string } {
  return withheldUntilN === undefined
    ? { value }
    : { why: `needs ${withheldUntilN} samples, has ${n}` }
}

/** Our times, which are in ms, as the rival's unit has them; anything else as it is. */
export function inUnit(value: Maybe, unit: RivalUnit): Maybe {
  if (value === undefined) return undefined
  switch (unit) {
    case 's':
      return value / MS_PER_S
    case 'ns':
      return value * NS_PER_MS
    case 'ms':
    case 'tokens':
    case 'requests':
    case '%':
    case 'requests/s':
    case 'tokens/s':
    case 'requests at once':
      return value
  }
}

/** What to say of requests that our client ended and a tool that waits for every answer would not have. */
export function leftOutNote(endless: number): string[] {
  if (endless === 0) return []
  return [
    `${counted(endless, 'request')} cut off or given up by our client left out: it would have waited for the answer.`,
  ]
}

/** A count of something, as a word a sentence begins with: `1 answer`, `2 answers`. */
export function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`
}
