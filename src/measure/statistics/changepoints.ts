/** A stretch of a series with one mean and one variance. */
export interface Segment {
  readonly fromIndex: number
  readonly untilIndex: number
  readonly mean: number
  readonly variance: number
}

/** Of softdevteam/warmup_stats: penalty 15 ln n, and a last segment of 500 to speak of a steady state. */
export const warmupRule = { penaltyFactor: 15, steadyTailN: 500 } as const

/**
 * Where a series changes in mean or variance: the segments that least cost sum m (ln(2 pi s²) + 1) + penalty for each
 * change, found by PELT (Killick, Fearnhead and Eckley, JASA 107, 2012). Up to n² / 2 steps where there
 * is no change: bin long series first.
 *
 * @param penaltyFactor times ln n for each change
 */
export function segments(
  values: readonly number[],
  { penaltyFactor = warmupRule.penaltyFactor }: { penaltyFactor?: number } = {},
): Segment[] {
  const n = values.length
  const stretch = stretchOf(values)
  const penalty = penaltyFactor * Math.log(Math.max(2, n))
  const least = new Float64Array(n + 1).fill(Infinity)
  const lastChange = new Uint32Array(n + 1)
  least[0] = -penalty
  let starts = [0]
  for (let end = MIN_SEGMENT; end <= n; end++) {
    const costs = starts.map((start) => (least[start] ?? 0) + costOf(stretch(start, end)))
    const [best, at] = smallest(costs)
    least[end] = best + penalty
    lastChange[end] = starts[at] ?? 0
    // What costs more already, its penalty aside, can never be the better start later on.
    starts = starts.filter((_, i) => (costs[i] ?? 0) <= best + penalty)
    if (end - MIN_SEGMENT + 1 >= MIN_SEGMENT) starts.push(end - MIN_SEGMENT + 1)
  }
  return n < MIN_SEGMENT
    ? []
    : tracedBack(lastChange, n).map(([from, until]) => stretch(from, until))
}

/** Barrett et al.'s classes (OOPSLA 2017) of a series of times. */
export type WarmupClass = 'flat' | 'warmup' | 'slowdown' | 'no-steady-state'

/**
 * What its segments say of a series of times: the last one is the steady state if it is long enough. Segments
 * are alike where mean +- max(variance, delta) overlap, as there.
 *
 * @param delta difference of times that does not matter, in their unit: there 0.001 s
 */
export function warmupClass(
  found: readonly Segment[],
  delta: number,
  steadyTailN: number = warmupRule.steadyTailN,
): WarmupClass {
  const tail = found.at(-1)
  if (!tail || tail.untilIndex - tail.fromIndex < steadyTailN) return 'no-steady-state'
  const unlike = found.filter((segment) => !areAlike(segment, tail, delta))
  if (unlike.length === 0) return 'flat'
  return unlike.every(({ mean }) => mean > tail.mean) ? 'warmup' : 'slowdown'
}

function areAlike(a: Segment, b: Segment, delta: number): boolean {
  const reach = Math.max(a.variance, delta) + Math.max(b.variance, delta)
  return Math.abs(a.mean - b.mean) <= reach
}

/** A variance needs two values. */
const MIN_SEGMENT = 2
/** Equal values have no variance, and its logarithm no end. */
const LEAST_VARIANCE_RATIO = 1e-12

/** Mean and variance of any stretch from sums kept once, of values around their mean. */
function stretchOf(values: readonly number[]): (from: number, until: number) => Segment {
  const n = values.length
  const centre = values.reduce((sum, value) => sum + value, 0) / n
  const sums = new Float64Array(n + 1)
  const squares = new Float64Array(n + 1)
  for (const [i, value] of values.entries()) {
    sums[i + 1] = (sums[i] ?? 0) + (value - centre)
    squares[i + 1] = (squares[i] ?? 0) + (value - centre) ** 2
  }
  const floor = LEAST_VARIANCE_RATIO * ((squares[n] ?? 0) / n || 1)
  return (fromIndex, untilIndex) => {
    const m = untilIndex - fromIndex
    const mean = ((sums[untilIndex] ?? 0) - (sums[fromIndex] ?? 0)) / m
    const square = ((squares[untilIndex] ?? 0) - (squares[fromIndex] ?? 0)) / m
    return {
      fromIndex,
      untilIndex,
      mean: mean + centre,
      variance: Math.max(floor, square - mean ** 2),
    }
  }
}

/** Twice the negative log likelihood of normal values with their own mean and variance. */
function costOf({ fromIndex, untilIndex, variance }: Segment): number {
  return (untilIndex - fromIndex) * (Math.log(2 * Math.PI * variance) + 1)
}

function smallest(values: readonly number[]): [value: number, index: number] {
  let at = 0
  for (const [i, value] of values.entries()) if (value < (values[at] ?? 0)) at = i
  return [values[at] ?? Infinity, at]
}

function tracedBack(lastChange: Uint32Array, n: number): [from: number, until: number][] {
  const found: [number, number][] = []
  for (let until = n; until > 0; until = lastChange[until] ?? 0)
    found.unshift([lastChange[until] ?? 0, until])
  return found
}
