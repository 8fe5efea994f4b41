import { type Maybe, product, ratio } from '../../arithmetic.ts'
import { hoursPerMonth, type MonthBase } from '../month-base.ts'
import { requireNotNegative, requirePositive } from '../requirements.ts'

/** Space, power delivery and cooling by contracted power. Energy is billed beside it unless the quote says otherwise. */
export interface Colocation {
  readonly contractedKw: Maybe
  /** Per month, never per year: 184 is CBRE's North American average of H2 2024; "450-900 per kW" is a year's. */
  readonly usdPerKwMonth: Maybe
  /** Dearer dense racks; absent where the quote knows none. */
  readonly dense?: {
    readonly racks: Maybe
    /** Power of one rack above which all of it is dense. */
    readonly aboveKwPerRack: Maybe
    /** What a dense kW costs on top, e.g. 0.25 for a quarter more. */
    readonly surchargeRatio: Maybe
  }
}

/**
 * Colocation a month: kW x price, times 1 + surcharge where kW / racks is above the limit.
 *
 * @throws UserError for a negative power or price, or no rack
 */
export function colocationUsdPerMonth(colocation: Colocation): Maybe {
  const { contractedKw, usdPerKwMonth } = colocation
  requireNotNegative('contractedKw', contractedKw)
  requireNotNegative('usdPerKwMonth', usdPerKwMonth)
  return product([contractedKw, usdPerKwMonth, densityFactor(colocation)])
}

function densityFactor({ contractedKw, dense }: Colocation): Maybe {
  if (dense === undefined) return 1
  requirePositive('racks', dense.racks)
  requireNotNegative('surchargeRatio', dense.surchargeRatio)
  const kwPerRack = ratio(contractedKw, dense.racks)
  if (kwPerRack === undefined || dense.aboveKwPerRack === undefined) return undefined
  if (kwPerRack <= dense.aboveKwPerRack) return 1
  return dense.surchargeRatio === undefined ? undefined : 1 + dense.surchargeRatio
}

/** The same an hour, by the hours of the stated month. */
export function colocationUsdPerHour(colocation: Colocation, base: MonthBase): Maybe {
  return ratio(colocationUsdPerMonth(colocation), hoursPerMonth[base])
}
