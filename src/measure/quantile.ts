import { mean } from '../arithmetic.ts'
import { binomialQuantile } from './binomial.ts'
import type { Distribution, Percentile } from './summary.ts'

declare const sorted: unique symbol
/** Ascending. Only `sortSamples` makes one, so whoever holds it need not check. */
export type SortedSamples = readonly number[] & { readonly [sorted]: true }

export function sortSamples(samples: readonly number[]): SortedSamples {
  return Float64Array.from(samples).sort() as unknown as SortedSamples
}

/**
 * Fewest samples from which a percentile may be printed: those of MLPerf's early stopping at 99 %
 * confidence with one sample over the limit (mlcommons/inference, loadgen early_stopping).
 */
const SAMPLE_FLOORS: Readonly<Record<number, number>> = { 90: 64, 95: 130, 99: 662, 99.9: 6636 }

/** Samples a percentile needs; 1 where no floor is set. */
function sampleFloor(p: number): number {
  return SAMPLE_FLOORS[p] ?? 1
}

/** The smallest sample that at least `p` percent of the samples do not exceed. */
export function nearestRank(samples: SortedSamples, p: number): number | undefined {
  // Without rounding, 95 % of 20 is 19.000000000000004 and its ceiling is one rank too high.
  const rank = Math.ceil(Number(((p * samples.length) / 100).toFixed(9)))
  return samples[Math.max(1, rank) - 1]
}

const CONFIDENCE = 0.95

/** One percentile with its interval, or withheld under its sample floor. */
export function percentile(samples: SortedSamples, p: number): Percentile {
  const n = samples.length
  const floor = sampleFloor(p)
  if (n < floor) return { p, n, withheldUntilN: floor }
  return { p, n, value: nearestRank(samples, p), ...orderStatisticInterval(samples, p) }
}

/**
 * Distribution-free interval of a quantile: with X ~ Binomial(n, p/100), from rank ppf(alpha/2) to
 * rank ppf(1 - alpha/2) + 1. A rank below 1 or above n has no sample: that end is then absent.
 */
function orderStatisticInterval(
  samples: SortedSamples,
  p: number,
): { low?: number; high?: number } {
  const { lowRank, highRank } = orderStatisticRanks(samples.length, p)
  return { low: samples[lowRank - 1], high: samples[highRank - 1] }
}

/** The ranks (from 1) between which the true percentile lies with 95 % confidence; may fall outside 1..n. */
export function orderStatisticRanks(n: number, p: number): { lowRank: number; highRank: number } {
  const alpha = 1 - CONFIDENCE
  return {
    lowRank: binomialQuantile(alpha / 2, n, p / 100),
    highRank: binomialQuantile(1 - alpha / 2, n, p / 100) + 1,
  }
}

/** The usual figures of a set of samples; unknowns left out beforehand. */
export function distribution(samples: readonly number[]): Distribution {
  const ordered = sortSamples(samples)
  return {
    n: ordered.length,
    mean: mean(samples),
    min: ordered[0],
    max: ordered[ordered.length - 1],
    p50: percentile(ordered, 50),
    p90: percentile(ordered, 90),
    p95: percentile(ordered, 95),
    p99: percentile(ordered, 99),
  }
}
