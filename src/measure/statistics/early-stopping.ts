import type { Maybe } from '../../arithmetic.ts'
import { regularizedBeta } from '../binomial.ts'
import { firstInteger } from './bisect.ts'

/** Which percentile is claimed, and how sure one must be. */
export interface EarlyStoppingRule {
  /** Percent, above 0 and under 100. */
  readonly p: number
  /** Share; MLPerf's is 0.99. */
  readonly confidence: number
  /** By how much the percentile may be missed, as a share; MLPerf's is 0. */
  readonly tolerance?: number
}

/** MLPerf's: 99 % sure, no tolerance (mlcommons/inference loadgen/results.cc). */
export function mlperfRule(p: number): EarlyStoppingRule {
  return { p, confidence: 0.99 }
}

/**
 * Confidence that each of so many looks needs for all of them together to have the rule's. Running on
 * until it passes is optional stopping: a system just at the limit then passes ten times too often.
 * Bonferroni: what is left to doubt is divided by the looks, whose number is fixed beforehand.
 */
export function ruleForLooks(rule: EarlyStoppingRule, looks: number): EarlyStoppingRule {
  if (!(Number.isInteger(looks) && looks >= 1)) throw new RangeError(`${looks} looks`)
  return { ...rule, confidence: 1 - (1 - rule.confidence) / looks }
}

/**
 * Fewest requests within the limit that make up for `over` beyond it: the smallest h >= 1 with
 * I_{p-d}(h, over + 1) < 1 - c, I the regularised incomplete beta function (MLPerf inference rules,
 * appendix on early stopping; loadgen/early_stopping.cc).
 */
export function minUnderLimit(rule: EarlyStoppingRule, over: number): number {
  const isProof = proofOf(rule)
  let high = 1
  while (!isProof(high, over)) high *= 2
  return firstInteger((h) => isProof(h, over), 1, high)
}

/** Fewest requests in all with `over` of them beyond the limit. */
export function minRequests(rule: EarlyStoppingRule, over: number): number {
  return minUnderLimit(rule, over) + over
}

/**
 * Most requests that may lie beyond the limit among `n`; unknown where not even none may.
 */
export function overLimitBudget(rule: EarlyStoppingRule, n: number): Maybe {
  const isProof = proofOf(rule)
  const firstTooMany = firstInteger((over) => over >= n || !isProof(n - over, over), 0, n)
  return firstTooMany === 0 ? undefined : firstTooMany - 1
}

/** Whether a limit was met for sure, and what is missing. */
export interface EarlyStoppingVerdict {
  readonly passed: boolean
  /** Requests needed with as many beyond the limit. */
  readonly neededN: number
  /** Further requests, all within the limit, that would do; 0 where it passed. */
  readonly additionalN: number
}

/** MLPerf's verdict of the server scenario: `over` of `n` requests lay beyond the limit. */
export function earlyStopping(
  rule: EarlyStoppingRule,
  n: number,
  over: number,
): EarlyStoppingVerdict {
  const neededN = minRequests(rule, over)
  return { passed: n >= neededN, neededN, additionalN: Math.max(0, neededN - n) }
}

/** A percentile not exceeded for sure. */
export interface EarlyStoppingEstimate {
  /** Rank of the sample, from 1. */
  readonly rank: number
  /** Slower samples set aside. */
  readonly discarded: number
}

/**
 * MLPerf's estimate of the single-stream and multi-stream scenarios: with t = max{i >= 1 : h(i) + i <= n},
 * the t-th slowest sample. Unknown under h(1) + 1 samples.
 */
export function earlyStoppingEstimate(
  rule: EarlyStoppingRule,
  n: number,
): EarlyStoppingEstimate | undefined {
  const t = overLimitBudget(rule, n)
  return t === undefined || t < 1 ? undefined : { rank: n - t + 1, discarded: t - 1 }
}

/** Whether `under` within and `over` beyond the limit prove the percentile. */
function proofOf({
  p,
  confidence,
  tolerance = 0,
}: EarlyStoppingRule): (under: number, over: number) => boolean {
  const share = p / 100 - tolerance
  // Outside these the number sought is infinite and looking for it never ends.
  if (!(share > 0 && share < 1 && confidence > 0 && confidence < 1))
    throw new RangeError(`no early stopping at p${p} - ${tolerance} with confidence ${confidence}`)
  return (under, over) => regularizedBeta(share, under, over + 1) < 1 - confidence
}
