import type { Maybe } from '../../arithmetic.ts'
import { leastP, mannWhitney, smallestNForU } from './mann-whitney.ts'
import { type MedianInterval, medianInterval } from './order-statistics.ts'

/** A median as Go's benchstat prints it (golang/perf cmd/benchstat). */
export interface BenchstatCentre extends MedianInterval {
  /** The farther end of the interval from the median, as a share of it: its `±`. Unknown (`∞`) where an end is open. */
  readonly rangeRatio: Maybe
}

export function benchstatCentre(values: readonly number[], confidence = 0.95): BenchstatCentre {
  const interval = medianInterval(values, confidence)
  const { median, low, high } = interval
  const isShare = median !== undefined && median !== 0 && low !== undefined && high !== undefined
  return {
    ...interval,
    rangeRatio: isShare ? Math.max(high / median - 1, 1 - low / median) : undefined,
  }
}

/** A change as benchstat prints it. */
export interface BenchstatChange {
  /** Change of the median as a share; unknown (`~`) where p is over alpha. */
  readonly deltaRatio: Maybe
  readonly pValue: number
  /** Runs a side below which no difference can be told; absent where there are as many. */
  readonly neededN?: number
}

/** Old against new by Mann and Whitney's test. */
export function benchstatChange(
  before: readonly number[],
  after: readonly number[],
  alpha = 0.05,
): BenchstatChange {
  const pValue = mannWhitney(before, after).pTwoSided
  const [from, to] = [benchstatCentre(before).median, benchstatCentre(after).median]
  const isTold = pValue <= alpha && from !== undefined && from !== 0 && to !== undefined
  return {
    deltaRatio: isTold ? to / from - 1 : undefined,
    pValue,
    ...(leastP(before.length, after.length) > alpha && { neededN: smallestNForU(alpha) }),
  }
}
