import type { Maybe } from '../../arithmetic.ts'
import { binomialCdf, binomialQuantile } from '../binomial.ts'
import { ascending, median } from './moments.ts'

/**
 * Ranks, from 1, between which a quantile lies whatever the law of the samples. Rank 0 and rank
 * `n + 1` have no sample: that end is open.
 */
export interface RankInterval {
  readonly lowRank: number
  readonly highRank: number
  /** The confidence really reached, at least what was asked where n allows it. */
  readonly coverage: number
}

/**
 * Equal tails: with X ~ Binomial(n, p/100), from rank ppf(alpha/2) to rank ppf(1 - alpha/2) + 1, so
 * that either end is missed with at most alpha/2 (David and Nagaraja, Order Statistics, 7.1).
 *
 * @param p percent
 * @param confidence share, e.g. 0.95
 */
export function equalTails(
  n: number,
  p: number,
  confidence: number,
): Omit<RankInterval, 'coverage'> {
  const tail = (1 - confidence) / 2
  const lowRank = binomialQuantile(tail, n, p / 100)
  const highRank = binomialQuantile(1 - tail, n, p / 100) + 1
  return { lowRank, highRank }
}

/** The same with the confidence that they really reach. */
export function equalTailedRanks(n: number, p: number, confidence: number): RankInterval {
  const { lowRank, highRank } = equalTails(n, p, confidence)
  return { lowRank, highRank, coverage: coverage(n, p, lowRank, highRank) }
}

/** P(x_(low) <= quantile < x_(high)) of a continuous law. */
export function coverage(n: number, p: number, lowRank: number, highRank: number): number {
  return binomialCdf(highRank - 1, n, p / 100) - binomialCdf(lowRank - 1, n, p / 100)
}

/**
 * As narrow as may be: from the likeliest gap between neighbours outwards, the likelier side first
 * (aclements/go-moremath stats/quantileci.go, which benchstat uses). `ambiguous` where another
 * interval of as many ranks is as likely: the lower one is given.
 */
export function narrowestRanks(
  n: number,
  p: number,
  confidence: number,
): RankInterval & { readonly ambiguous: boolean } {
  // Gap k lies between the samples of rank k and k + 1; no quantile lies outside gaps 0..n.
  const mass = (k: number): number =>
    k < 0 || k > n ? 0 : binomialCdf(k, n, p / 100) - binomialCdf(k - 1, n, p / 100)
  const mode = Math.min(n, Math.floor(((n + 1) * p) / 100))
  let ambiguous = isTie(mass(mode - 1), mass(mode))
  let low = ambiguous ? mode - 1 : mode
  let high = low
  // A confidence reached but for rounding is reached.
  while (coverage(n, p, low, high + 1) < confidence - 1e-12 && high - low < n) {
    ambiguous = isTie(mass(low - 1), mass(high + 1))
    if (ambiguous || mass(low - 1) > mass(high + 1)) low -= 1
    else high += 1
  }
  return { lowRank: low, highRank: high + 1, coverage: coverage(n, p, low, high + 1), ambiguous }
}

/** Equal but for rounding. */
function isTie(a: number, b: number): boolean {
  return a > 0 && Math.abs(a - b) < 1e-9 * a
}

/**
 * Fewest samples whose equal-tailed interval has two ends: (p/100)^n and (1 - p/100)^n are both at most
 * half of what is left to doubt.
 */
export function smallestNForInterval(p: number, confidence: number): number {
  const share = Math.max(p, 100 - p) / 100
  return Math.ceil(Math.log((1 - confidence) / 2) / Math.log(share) - 1e-9)
}

/** A median and where it may lie; an end is absent where too few samples were taken. */
export interface MedianInterval {
  readonly median: Maybe
  readonly low: Maybe
  readonly high: Maybe
  readonly coverage: number
  /** Samples that an interval with two ends needs; absent where there are as many. */
  readonly neededN?: number
}

/** The median of few runs with its exact interval, as benchstat gives it (golang/perf benchmath). */
export function medianInterval(values: readonly number[], confidence: number): MedianInterval {
  const n = values.length
  const sorted = ascending(values)
  const { lowRank, highRank, coverage } = narrowestRanks(n, 50, confidence)
  const neededN = smallestNForInterval(50, confidence)
  return {
    median: median(values),
    low: sorted[lowRank - 1],
    high: sorted[highRank - 1],
    coverage,
    ...(n < neededN && { neededN }),
  }
}
