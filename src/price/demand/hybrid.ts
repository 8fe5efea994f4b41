import { type Maybe, ratio } from '../../arithmetic.ts'
import { S_PER_HOUR, TOKENS_PER_MILLION } from '../../units.ts'
import { requireNotNegative, requirePositive } from '../requirements.ts'
import { wholeUp } from '../whole.ts'
import {
  hoursOf,
  type LoadDuration,
  millionTokensOf,
  millionTokensWithin,
  peakTokensPerS,
} from './load-duration.ts'

/** What serves the base: machines of one's own or rented ones, in the smallest amount that can be had. */
export interface BaseCapacity {
  /** The smallest amount: one server, an 8-GPU box, a rack. */
  readonly tokensPerSPerUnit: number
  /** Each unit, used or not. */
  readonly usdPerUnitHour: Maybe
  /** What a million tokens cost on top, mostly energy. */
  readonly usdPerMillionTokens: Maybe
  /** Due once there is a unit at all, whatever their number: staff, a spare, a contract's minimum. */
  readonly usdPerHourWithAny: Maybe
}

/** A base of so many units with the rest sent to an API. */
export interface HybridPlan {
  readonly units: number
  readonly baseMillionTokens: number
  readonly apiMillionTokens: number
  /** Of the base; unknown without a unit. */
  readonly baseUtilisationRatio: Maybe
  readonly baseUsd: number
  readonly apiUsd: number
  readonly usd: number
}

/** The best mix and the two pure ways beside it. */
export interface Hybrid {
  readonly best: HybridPlan
  readonly allApi: HybridPlan
  /** The fewest units that serve the peak. */
  readonly allOwn: HybridPlan
}

/**
 * The cheapest number of units for the base of a demand, the rest going to an API by the token; ties go to fewer
 * units. Exact: between two loads of the curve the total is a straight line in the units, so a cheapest
 * whole number lies next to a load's own capacity, or is none; all of those are tried.
 * Never dearer than the API alone or the units alone, which are among them. Unknown where a price is.
 *
 * @throws UserError when a unit has no capacity or a price is negative
 */
export function cheapestHybrid(
  curve: LoadDuration,
  base: BaseCapacity,
  apiUsdPerMillionTokens: Maybe,
): Hybrid | undefined {
  const units = candidateUnits(curve, base.tokensPerSPerUnit)
  const plans = units.flatMap((count) => {
    const plan = hybridPlan(curve, base, apiUsdPerMillionTokens, count)
    return plan === undefined ? [] : [plan]
  })
  const [allApi] = plans
  const allOwn = plans.at(-1)
  if (allApi === undefined || allOwn === undefined) return undefined
  const best = plans.reduce((cheapest, plan) => (plan.usd < cheapest.usd ? plan : cheapest))
  return { best, allApi, allOwn }
}

function candidateUnits(curve: LoadDuration, tokensPerSPerUnit: number): number[] {
  requirePositive('tokensPerSPerUnit', tokensPerSPerUnit)
  const most = wholeUp(peakTokensPerS(curve) / tokensPerSPerUnit)
  const near = curve.flatMap(({ tokensPerS }) => {
    const exact = tokensPerS / tokensPerSPerUnit
    return [Math.floor(exact), Math.ceil(exact)]
  })
  const wanted = [0, ...near, most].filter((count) => count <= most)
  return [...new Set(wanted)].sort((a, b) => a - b)
}

/**
 * The bill of a given number of units: hours x (any + units x price) + base tokens x own price + rest x API price.
 *
 * @throws UserError when a unit has no capacity or a price is negative
 */
export function hybridPlan(
  curve: LoadDuration,
  base: BaseCapacity,
  apiUsdPerMillionTokens: Maybe,
  units: number,
): HybridPlan | undefined {
  const { usdPerUnitHour, usdPerMillionTokens, usdPerHourWithAny } = base
  requirePrices(base, apiUsdPerMillionTokens)
  if (
    usdPerUnitHour === undefined ||
    usdPerMillionTokens === undefined ||
    usdPerHourWithAny === undefined ||
    apiUsdPerMillionTokens === undefined
  )
    return undefined
  const hours = hoursOf(curve)
  const capacityTokensPerS = units * base.tokensPerSPerUnit
  const baseMillionTokens = millionTokensWithin(curve, capacityTokensPerS)
  const apiMillionTokens = Math.max(0, millionTokensOf(curve) - baseMillionTokens)
  const standingUsd = units === 0 ? 0 : hours * (usdPerHourWithAny + units * usdPerUnitHour)
  const baseUsd = standingUsd + baseMillionTokens * usdPerMillionTokens
  const apiUsd = apiMillionTokens * apiUsdPerMillionTokens
  const capacityMillionTokens = (capacityTokensPerS * hours * S_PER_HOUR) / TOKENS_PER_MILLION
  return {
    units,
    baseMillionTokens,
    apiMillionTokens,
    baseUtilisationRatio: ratio(baseMillionTokens, capacityMillionTokens),
    baseUsd,
    apiUsd,
    usd: baseUsd + apiUsd,
  }
}

function requirePrices(base: BaseCapacity, apiUsdPerMillionTokens: Maybe): void {
  requirePositive('tokensPerSPerUnit', base.tokensPerSPerUnit)
  requireNotNegative('usdPerUnitHour', base.usdPerUnitHour)
  requireNotNegative('usdPerMillionTokens', base.usdPerMillionTokens)
  requireNotNegative('usdPerHourWithAny', base.usdPerHourWithAny)
  requireNotNegative('apiUsdPerMillionTokens', apiUsdPerMillionTokens)
}
