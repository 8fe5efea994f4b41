import { mean } from '../../arithmetic.ts'
import { UserError } from '../../errors.ts'
import { HOURS_PER_DAY, HOURS_PER_YEAR, S_PER_HOUR } from '../../units.ts'
import { requireBetween, requireNotNegative, requirePositive } from '../requirements.ts'
import { type LoadDuration, loadDuration } from './load-duration.ts'

const DAYS_PER_WEEK = 7

/** How many tokens are wanted, and when in the week. Only the proportions of the shapes count. */
export interface DemandProfile {
  /** Mean over the week. */
  readonly tokensPerDay: number
  /** One weight for each hour from midnight; absent is as much at night as by day. */
  readonly hourWeights?: readonly number[]
  /** One weight for each day from Monday; absent is every day alike. */
  readonly weekdayWeights?: readonly number[]
}

/**
 * Tokens/s wanted in each of the 168 hours of a week from Monday, midnight:
 * tokensPerDay / 86,400 s x hour weight / mean hour weight x day weight / mean day weight.
 *
 * @throws UserError for weights that are not 24 or 7, negative, or all 0
 */
export function weekOfDemand({
  tokensPerDay,
  hourWeights,
  weekdayWeights,
}: DemandProfile): number[] {
  requireNotNegative('tokensPerDay', tokensPerDay)
  const meanTokensPerS = tokensPerDay / (HOURS_PER_DAY * S_PER_HOUR)
  const hours = relativeToMean('hourWeights', hourWeights, HOURS_PER_DAY)
  const days = relativeToMean('weekdayWeights', weekdayWeights, DAYS_PER_WEEK)
  return days.flatMap((day) => hours.map((hour) => meanTokensPerS * day * hour))
}

function relativeToMean(name: string, weights: readonly number[] | undefined, n: number): number[] {
  if (weights === undefined) return Array.from({ length: n }, () => 1)
  for (const weight of weights) requireNotNegative(name, weight)
  const average = mean(weights)
  if (weights.length !== n || average === undefined || average === 0) {
    throw new UserError(`${name} has ${weights.length} weights with a mean of ${average}.`, {
      remedy: `Give ${n} weights, not all 0.`,
    })
  }
  return weights.map((weight) => weight / average)
}

/** A year of such weeks as a load-duration curve: each of the 168 hours stands for 8,760 / 168 h. */
export function yearOfDemand(profile: DemandProfile): LoadDuration {
  const week = weekOfDemand(profile)
  const hours = HOURS_PER_YEAR / week.length
  return loadDuration(week.map((tokensPerS) => ({ tokensPerS, hours })))
}

/** Tokens that were asked for at a moment. */
export interface TraceEvent {
  readonly atS: number
  readonly tokens: number
}

/**
 * A recorded trace as a load-duration curve: tokens of each bucket of equal length, from the first event's
 * time to the last one's bucket. Short buckets keep peaks that long ones average away.
 *
 * @throws UserError when the bucket is not above 0
 */
export function traceOfDemand(events: readonly TraceEvent[], bucketS: number): LoadDuration {
  requirePositive('bucketS', bucketS)
  const firstS = events.reduce((first, { atS }) => Math.min(first, atS), Number.POSITIVE_INFINITY)
  const tokens = new Map<number, number>()
  let buckets = 0
  for (const event of events) {
    const index = Math.floor((event.atS - firstS) / bucketS)
    tokens.set(index, (tokens.get(index) ?? 0) + event.tokens)
    buckets = Math.max(buckets, index + 1)
  }
  const hours = bucketS / S_PER_HOUR
  const busy = [...tokens.values()].map((inBucket) => ({ tokensPerS: inBucket / bucketS, hours }))
  const idle = { tokensPerS: 0, hours: (buckets - tokens.size) * hours }
  return loadDuration([...busy, idle])
}

/**
 * Demand after some years of steady growth: tokensPerDay x (1 + growth)^years.
 *
 * @param growthRatioPerYear 0.5 for half as much again each year
 * @throws UserError for a growth of -1 or less
 */
export function grownTokensPerDay(
  tokensPerDay: number,
  growthRatioPerYear: number,
  years: number,
): number {
  requireBetween('growthRatioPerYear', growthRatioPerYear, -1, Number.MAX_VALUE)
  return tokensPerDay * (1 + growthRatioPerYear) ** years
}
