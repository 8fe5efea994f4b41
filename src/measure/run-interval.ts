import { logTInterval } from './statistics/log-t.ts'
import { ascending } from './statistics/moments.ts'
import { coverage, equalTailedRanks, smallestNForInterval } from './statistics/order-statistics.ts'

/** How an interval over runs was made. */
export type RunIntervalMethod = 'log-t' | 'order-statistics'

/** Where the median of ever so many runs of the same thing lies. */
export interface RunInterval {
  readonly low: number
  readonly high: number
  readonly method: RunIntervalMethod
  /** What is asked for by `log-t`; what the ranks really reach by `order-statistics`. */
  readonly confidence: number
}

/**
 * From figures of whole runs, one each. Order statistics of the median where there are runs enough for two ends (6 at
 * 95 %): they assume nothing of how runs scatter. Under that Student's t on logarithms, which takes it that runs scatter
 * evenly around their middle on a scale of ratios.
 *
 * @param only the method wanted; by the number of runs when absent
 * @returns nothing under two runs, and where all have the very same figure: without spread nothing tells chance
 */
export function runInterval(
  figures: readonly number[],
  confidence: number,
  only?: RunIntervalMethod,
): RunInterval | undefined {
  if (new Set(figures).size < 2) return undefined
  const method = only ?? methodFor(figures.length, confidence)
  switch (method) {
    case 'log-t': {
      const interval = logTInterval(figures, confidence)
      return interval && { ...interval, method, confidence }
    }
    case 'order-statistics':
      return byOrderStatistics(figures, confidence)
  }
}

function methodFor(runs: number, confidence: number): RunIntervalMethod {
  return runs >= smallestNForInterval(50, confidence) ? 'order-statistics' : 'log-t'
}

function byOrderStatistics(
  figures: readonly number[],
  confidence: number,
): RunInterval | undefined {
  const sorted = ascending(figures)
  const ranks = equalTailedRanks(figures.length, 50, confidence)
  const [low, high] = [sorted[ranks.lowRank - 1], sorted[ranks.highRank - 1]]
  if (low === undefined || high === undefined) return undefined
  return { low, high, method: 'order-statistics', confidence: ranks.coverage }
}

/** Chance that the median of all runs lies between the least and the most of so many: 1 - 2 / 2^n. */
export function coverageOfRange(runs: number): number {
  return coverage(runs, 50, 1, runs)
}
