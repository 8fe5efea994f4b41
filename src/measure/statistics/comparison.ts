import type { Maybe } from '../../arithmetic.ts'
import { logWelch, type RatioOfMeans } from './log-welch.ts'
import { type Adjustment, adjustedPValues } from './multiple-testing.ts'

/** One figure of every run, before and after. */
export interface MetricRuns {
  readonly name: string
  readonly before: readonly number[]
  readonly after: readonly number[]
}

/**
 * - `higher`, `lower`: a difference is there and at least as large as matters
 * - `same`: whatever difference there is, it is smaller than matters
 * - `unclear`: these runs tell neither
 * - `too-few-runs`: no interval can be given
 */
type ComparisonVerdict = 'higher' | 'lower' | 'same' | 'unclear' | 'too-few-runs'

export interface MetricComparison extends RatioOfMeans {
  readonly name: string
  /** p adjusted for the metrics compared beside it. */
  readonly adjustedPValue: Maybe
  readonly verdict: ComparisonVerdict
}

export interface ComparisonOptions {
  /** Chance to find a difference where there is none; 0.05 by default. Intervals are of 1 - alpha. */
  readonly alpha?: number
  /** Smallest difference that matters, as a share; 0.02 by default (MLPerf's "materially different"). */
  readonly minimumEffect?: number
  readonly adjustment?: Adjustment
}

/**
 * Compares metrics run by run with Welch's test on logarithms. Holm's adjustment over the metrics given, by
 * default: name those that count before the run. The intervals are not adjusted.
 */
export function compareMetrics(
  metrics: readonly MetricRuns[],
  { alpha = 0.05, minimumEffect = 0.02, adjustment = 'holm' }: ComparisonOptions = {},
): MetricComparison[] {
  const tested = metrics.map(({ name, before, after }) => ({
    name,
    ...logWelch(before, after, { confidence: 1 - alpha }),
  }))
  const pValues = tested.map(({ pValue }) => pValue)
  const adjusted = adjustedKnown(pValues, adjustment)
  return tested.map((each, i) => ({
    ...each,
    adjustedPValue: adjusted[i],
    verdict: verdictOf(each, adjusted[i], alpha, 1 + minimumEffect),
  }))
}

function verdictOf(
  { ratio, low, high }: RatioOfMeans,
  adjustedPValue: Maybe,
  alpha: number,
  mattersFrom: number,
): ComparisonVerdict {
  if (ratio === undefined || low === undefined || high === undefined) return 'too-few-runs'
  const isThere = adjustedPValue !== undefined && adjustedPValue <= alpha
  if (isThere && ratio >= mattersFrom) return 'higher'
  if (isThere && ratio <= 1 / mattersFrom) return 'lower'
  return low > 1 / mattersFrom && high < mattersFrom ? 'same' : 'unclear'
}

/** Adjusted among those that are known; a test that was not made does not count. */
function adjustedKnown(pValues: readonly Maybe[], adjustment: Adjustment): Maybe[] {
  const known = pValues.filter((p) => p !== undefined)
  const adjusted = adjustedPValues(known, adjustment)
  let next = 0
  return pValues.map((p) => (p === undefined ? undefined : adjusted[next++]))
}
