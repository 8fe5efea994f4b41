import { type Maybe, product, ratio, sum } from '../../arithmetic.ts'
import { HOURS_PER_YEAR } from '../../units.ts'
import { energyUsd } from '../electricity/node-power.ts'
import { hoursPerMonth, type MonthBase } from '../month-base.ts'
import { requireNotNegative, requirePositive, requireRatio } from '../requirements.ts'
import { type Comparison, compareBills } from '../unit-cost.ts'
import { type Asset, straightLineUsdPerHour, straightLineUsdPerYear } from './annuity.ts'

/** Owning against renting around the clock for years of 8,760 h, undiscounted and without a residual. */
export function compareOverYears(
  capexUsd: Maybe,
  runningUsdPerHour: Maybe,
  rentUsdPerHour: Maybe,
  years: Maybe,
): Comparison {
  requirePositive('years', years)
  const hours = product([years, HOURS_PER_YEAR])
  return compareBills(
    [capexUsd, product([runningUsdPerHour, hours])],
    [product([rentUsdPerHour, hours])],
  )
}

/** What running a machine costs an hour, in its parts. */
export interface RunningCost {
  readonly supportUsdPerHour: Maybe
  readonly powerUsdPerHour: Maybe
  readonly colocationUsdPerHour: Maybe
  /** Their sum in this order. */
  readonly usdPerHour: Maybe
}

/**
 * Support as a share of the price a year, electricity, and space by the month (Lenovo Press LP2368):
 * support x capex / 8,760 + power + colocation / hours of a month. 0 for what is not paid, unknown for what is not known.
 *
 * @param base hours of the colocation's month; LP2368 takes 720 here though it breaks even in months of 730
 */
export function runningCost(
  capexUsd: Maybe,
  supportRatioPerYear: Maybe,
  powerUsdPerHour: Maybe,
  colocationUsdPerMonth: Maybe,
  base: MonthBase,
): RunningCost {
  requireRatio('supportRatioPerYear', supportRatioPerYear)
  const supportUsdPerHour = ratio(product([capexUsd, supportRatioPerYear]), HOURS_PER_YEAR)
  const colocationUsdPerHour = ratio(colocationUsdPerMonth, hoursPerMonth[base])
  const usdPerHour = sum([supportUsdPerHour, powerUsdPerHour, colocationUsdPerHour])
  return { supportUsdPerHour, powerUsdPerHour, colocationUsdPerHour, usdPerHour }
}

/** A machine's hour, all 8,760 a year carrying its price: straight line + what running it costs. */
export function ownedUsdPerHour(asset: Asset, runningUsdPerHour: Maybe): Maybe {
  return sum([straightLineUsdPerHour(asset, HOURS_PER_YEAR), runningUsdPerHour])
}

/** A server's year as NVIDIA's TCO notebook counts it: straight line + yearly bills (hosting, licences) in their order. */
export function ownedUsdPerYear(asset: Asset, billsUsdPerYear: readonly Maybe[]): Maybe {
  return sum([straightLineUsdPerYear(asset), ...billsUsdPerYear])
}

/** Machines bought, and the power they draw. */
export interface PoweredUnits {
  readonly units: Maybe
  readonly usdPerUnit: Maybe
  readonly powerWPerUnit: Maybe
  readonly pueRatio: Maybe
  /** Share of the time at that power; the rest counts as drawing nothing. */
  readonly utilisationRatio: Maybe
  readonly usdPerKwh: Maybe
  readonly years: Maybe
}

export interface PurchaseAndEnergy {
  readonly capexUsd: Maybe
  readonly energyUsd: Maybe
  readonly usd: Maybe
}

/**
 * The thin total of GPU calculators such as aiinframap's: purchase and energy over the years, nothing else.
 *
 * @throws UserError when the PUE is under 1 or the utilisation over it
 */
export function purchaseAndEnergy(bought: PoweredUnits): PurchaseAndEnergy {
  requireNotNegative('units', bought.units)
  requirePositive('years', bought.years)
  const capexUsd = product([bought.units, bought.usdPerUnit])
  const energy = energyUsd(
    product([bought.units, bought.powerWPerUnit]),
    bought.pueRatio,
    bought.utilisationRatio,
    bought.usdPerKwh,
    product([bought.years, HOURS_PER_YEAR]),
  )
  return { capexUsd, energyUsd: energy, usd: sum([capexUsd, energy]) }
}
