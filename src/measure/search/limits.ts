import type { Limit, PercentileLimit } from '../../load/search-plan.ts'
import { sampleFloor } from '../quantile.ts'
import { minRequests, mlperfRule } from '../statistics/early-stopping.ts'
import type { Distribution, OperatingPoint, Percentile } from '../summary.ts'
import type { LimitCheck } from './search-summary.ts'

/** Holds one limit against a level. A percentile under its sample floor holds nothing, however low. */
export function checkLimit(limit: Limit, point: OperatingPoint): LimitCheck {
  switch (limit.kind) {
    case 'percentile':
      return checkPercentile(limit, point[limit.metric])
    case 'goodput':
      return checkGoodput(limit, point)
  }
}

/** Requests that a level needs before this limit can be judged. */
export function neededRequests(limit: Limit): number {
  switch (limit.kind) {
    case 'percentile':
      return sampleFloor(limit.p)
    case 'goodput':
      // As for the percentile of that share: with one request over the limit.
      return minRequests(mlperfRule(100 * limit.atLeastRatio), 1)
  }
}

type PercentileKey = 'p50' | 'p90' | 'p95' | 'p99'

function percentileOf(distribution: Distribution, p: PercentileLimit['p']): Percentile {
  return distribution[`p${p}` satisfies PercentileKey]
}

function checkPercentile(limit: PercentileLimit, distribution: Distribution): LimitCheck {
  const { value, n, earlyStopping } = percentileOf(distribution, limit.p)
  const neededN = neededRequests(limit)
  const shared = { limit, value, n, neededN }
  if (value === undefined) {
    // A lower percentile that is known and over the limit settles it: a higher one is no lower.
    const lower = [distribution.p50, distribution.p90, distribution.p95].filter(
      (each) => each.p < limit.p && each.value !== undefined && !isWithin(each.value, limit),
    )
    if (lower.length > 0) return { ...shared, outcome: 'missed' }
    return { ...shared, outcome: n === 0 ? 'not-told' : 'too-few-samples' }
  }
  if (!isWithin(value, limit)) return { ...shared, outcome: 'missed' }
  if (!limit.needsEarlyStopping) return { ...shared, outcome: 'held' }
  const proven = { ...shared, earlyStoppingMs: earlyStopping }
  if (earlyStopping === undefined) return { ...proven, outcome: 'too-few-samples' }
  return { ...proven, outcome: isWithin(earlyStopping, limit) ? 'held' : 'not-proven' }
}

function isWithin(valueMs: number, { limitMs, isStrict }: PercentileLimit): boolean {
  return isStrict ? valueMs < limitMs : valueMs <= limitMs
}

/** Under the floor a share says something only where most requests missed. */
function checkGoodput(
  limit: Extract<Limit, { kind: 'goodput' }>,
  { goodput, requests, neverSent = 0 }: OperatingPoint,
): LimitCheck {
  const n = requests.issued - requests.abandoned + neverSent
  const neededN = neededRequests(limit)
  const value = goodput?.goodRatio
  const shared = { limit, value, n, neededN }
  if (value === undefined) return { ...shared, outcome: 'not-told' }
  if (n < neededN) return { ...shared, outcome: value < 0.5 ? 'missed' : 'too-few-samples' }
  return { ...shared, outcome: value >= limit.atLeastRatio ? 'held' : 'missed' }
}
