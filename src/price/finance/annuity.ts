import { difference, type Maybe, product, ratio, sum } from '../../arithmetic.ts'
import { MONTHS_PER_YEAR } from '../../units.ts'
import { requirePositive } from '../requirements.ts'

/**
 * Capital recovery factor: the level payment a year, for `years` years, that repays 1 with interest
 * `ratePerYear`. r / (1 - (1 + r)^-n), and 1 / n without interest.
 */
export function capitalRecoveryFactor(ratePerYear: number, years: number): number {
  // Under this, interest is lost in rounding, and the formula with it.
  if (ratePerYear * years < 1e-12) return 1 / years
  return ratePerYear / -Math.expm1(-years * Math.log1p(ratePerYear))
}

/**
 * Cost a year of owning something that costs `price` now and is worth `residual` after `years`:
 * (price - residual / (1 + r)^n) x capital recovery factor.
 */
export function annualCapitalCost(
  price: number,
  residual: number,
  ratePerYear: number,
  years: number,
): number {
  const presentResidual = residual / (1 + ratePerYear) ** years
  return (price - presentResidual) * capitalRecoveryFactor(ratePerYear, years)
}

/** Something bought: what it costs, what is left of it, and when. */
export interface Asset {
  readonly priceUsd: Maybe
  /** What it sells for at the end of its life. */
  readonly residualUsd: Maybe
  readonly lifeYears: Maybe
}

/**
 * Cost a year of owning things that are replaced at different times (servers after 3 to 5 years, the
 * building after 10 to 15): the sum, in their order, of each one's annuity over its own life, as in
 * J. Hamilton's data-centre cost model (2010).
 *
 * @throws UserError when a life is not above 0
 */
export function annualCostOfAssetsUsd(assets: readonly Asset[], ratePerYear: Maybe): Maybe {
  return sum(assets.map((asset) => annualCostOfAssetUsd(asset, ratePerYear)))
}

function annualCostOfAssetUsd(
  { priceUsd, residualUsd, lifeYears }: Asset,
  ratePerYear: Maybe,
): Maybe {
  requirePositive('lifeYears', lifeYears)
  if (
    priceUsd === undefined ||
    residualUsd === undefined ||
    lifeYears === undefined ||
    ratePerYear === undefined
  )
    return undefined
  return annualCapitalCost(priceUsd, residualUsd, ratePerYear, lifeYears)
}

/**
 * Straight line, without interest: (price - residual) / life.
 *
 * @throws UserError when the life is not above 0
 */
export function straightLineUsdPerYear({ priceUsd, residualUsd, lifeYears }: Asset): Maybe {
  requirePositive('lifeYears', lifeYears)
  return ratio(difference(priceUsd, residualUsd), lifeYears)
}

export function straightLineUsdPerMonth(asset: Asset): Maybe {
  return ratio(straightLineUsdPerYear(asset), MONTHS_PER_YEAR)
}

/**
 * Straight line an hour. Spread over useful hours alone (6,100 a year in ComputeTape's example) it is
 * dearer than over all 8,760.
 *
 * @param hoursPerYear hours of a year that carry the cost
 */
export function straightLineUsdPerHour(asset: Asset, hoursPerYear: Maybe): Maybe {
  return ratio(straightLineUsdPerYear(asset), hoursPerYear)
}

/** Bills of a purchase in parts, and each machine's and GPU's part of the sum. */
export interface CapexShares {
  readonly totalUsd: Maybe
  readonly usdPerNode: Maybe
  readonly usdPerGpu: Maybe
}

/** Sum of the parts (nodes, facility, switches, cables ...) in their order, a node and a GPU. */
export function capexShares(
  partsUsd: readonly Maybe[],
  nodes: Maybe,
  gpusPerNode: Maybe,
): CapexShares {
  const totalUsd = sum(partsUsd)
  return {
    totalUsd,
    usdPerNode: ratio(totalUsd, nodes),
    usdPerGpu: ratio(totalUsd, product([nodes, gpusPerNode])),
  }
}
