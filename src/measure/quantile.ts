import type { Maybe } from '../arithmetic.ts'
import { createColumn } from './column.ts'
import type { Samples } from './samples.ts'
import { earlyStoppingEstimate, mlperfRule } from './statistics/early-stopping.ts'
import { equalTails } from './statistics/order-statistics.ts'
import type { Distribution, Percentile } from './summary.ts'

/**
 * Fewest samples from which a percentile may be printed: those of MLPerf's early stopping at 99 %
 * confidence with one sample over the limit (mlcommons/inference, loadgen early_stopping).
 */
const SAMPLE_FLOORS: Readonly<Record<number, number>> = { 90: 64, 95: 130, 99: 662, 99.9: 6636 }

/** Samples a percentile needs; 1 where no floor is set. */
export function sampleFloor(p: number): number {
  return SAMPLE_FLOORS[p] ?? 1
}

/** The smallest sample that at least `p` percent of the samples do not exceed. */
export function nearestRank({ n, valueAtRank }: Samples, p: number): Maybe {
  return valueAtRank(rankOf(n, p))
}

/** Rank of a percentile among `n` samples, from 1. */
export function rankOf(n: number, p: number): number {
  // Without rounding, 95 % of 20 is 19.000000000000004 and its ceiling is one rank too high.
  return Math.max(1, Math.ceil(Number(((p * n) / 100).toFixed(9))))
}

const CONFIDENCE = 0.95

/** One percentile with its interval, or withheld under its sample floor. */
export function percentile(samples: Samples, p: number): Percentile {
  const { n } = samples
  const floor = sampleFloor(p)
  if (n < floor) return { p, n, withheldUntilN: floor }
  return {
    p,
    n,
    value: nearestRank(samples, p),
    ...orderStatisticInterval(samples, p),
    ...earlyStoppingOf(samples, p),
  }
}

/** MLPerf's estimate (loadgen/results.cc): the slowest samples that may be set aside are, and the next one is it. */
function earlyStoppingOf({ n, valueAtRank }: Samples, p: number): { earlyStopping?: number } {
  const estimate = earlyStoppingEstimate(mlperfRule(p), n)
  return estimate === undefined ? {} : { earlyStopping: valueAtRank(estimate.rank) }
}

/**
 * Distribution-free interval of a quantile: with X ~ Binomial(n, p/100), from rank ppf(alpha/2) to
 * rank ppf(1 - alpha/2) + 1. A rank below 1 or above n has no sample: that end is then absent.
 */
function orderStatisticInterval(
  { n, valueAtRank }: Samples,
  p: number,
): { low?: number; high?: number } {
  const { lowRank, highRank } = orderStatisticRanks(n, p)
  return { low: valueAtRank(lowRank), high: valueAtRank(highRank) }
}

/** The ranks (from 1) between which the true percentile lies with 95 % confidence; may fall outside 1..n. */
export function orderStatisticRanks(n: number, p: number): { lowRank: number; highRank: number } {
  return equalTails(n, p, CONFIDENCE)
}

/** The usual figures of a set of samples. */
export function distributionOf(samples: Samples): Distribution {
  const { n, mean, valueAtRank } = samples
  return {
    n,
    mean,
    min: valueAtRank(1),
    max: valueAtRank(n),
    p50: percentile(samples, 50),
    p90: percentile(samples, 90),
    p95: percentile(samples, 95),
    p99: percentile(samples, 99),
  }
}

/** The same of plain values; unknowns left out beforehand. */
export function distribution(values: readonly number[]): Distribution {
  const column = createColumn()
  for (const value of values) column.add(value)
  return distributionOf(column.samples())
}
