import { difference, type Maybe, product } from '../../arithmetic.ts'
import { HOURS_PER_DAY } from '../../units.ts'
import { hoursPerMonth, type MonthBase } from '../month-base.ts'
import { requireNotNegative, requirePositive } from '../requirements.ts'

/**
 * Where two costs meet. `never`: whatever the value, the alternative stays cheaper (or, for a limit such as
 * a capacity, it would have to be beyond it: then `at` says where).
 */
export type Meeting =
  | { readonly kind: 'at'; readonly value: number }
  | { readonly kind: 'never'; readonly beyondLimitAt?: number }
  | { readonly kind: 'unknown' }

const NO_LIMIT = Number.POSITIVE_INFINITY

function meeting(fixed: Maybe, savedPerUnit: Maybe, limit: Maybe): Meeting {
  if (fixed === undefined || savedPerUnit === undefined || limit === undefined)
    return { kind: 'unknown' }
  if (fixed <= 0 && savedPerUnit >= 0) return { kind: 'at', value: 0 }
  if (savedPerUnit <= 0) return { kind: 'never' }
  const value = fixed / savedPerUnit
  return value > limit ? { kind: 'never', beyondLimitAt: value } : { kind: 'at', value }
}

/**
 * Hours after which a purchase has cost what renting would have: capex / (rent - running cost an hour).
 * Lenovo Press LP2225 and LP2368. Undiscounted, both used the same hours.
 */
export function breakEvenHours(
  capexUsd: Maybe,
  runningUsdPerHour: Maybe,
  rentUsdPerHour: Maybe,
): Meeting {
  requireNotNegative('capexUsd', capexUsd)
  return meeting(capexUsd, difference(rentUsdPerHour, runningUsdPerHour), NO_LIMIT)
}

/** The same in months of a stated base: Lenovo's 8,556 h are 11.9 months of 720 h and 11.7 of 730 h. */
export function monthsOf(hours: Meeting, base: MonthBase): Meeting {
  if (hours.kind !== 'at') return hours
  return { kind: 'at', value: hours.value / hoursPerMonth[base] }
}

/** Months until what is saved each month has paid for a purchase: capex / (alternative - running cost). */
export function paybackMonths(
  capexUsd: Maybe,
  runningUsdPerMonth: Maybe,
  alternativeUsdPerMonth: Maybe,
): Meeting {
  requireNotNegative('capexUsd', capexUsd)
  return meeting(capexUsd, difference(alternativeUsdPerMonth, runningUsdPerMonth), NO_LIMIT)
}

/**
 * Utilisation above which a bill that is due used or not beats one by use:
 * usdPerMillionAtFullUse / alternativeUsdPerMillion (OpenCost 1.121, docs/inference-cost-tracking.md).
 * Over 1 it is `never`: the machine has no more tokens to give.
 */
export function breakEvenUtilisationRatio(
  usdPerMillionAtFullUse: Maybe,
  alternativeUsdPerMillion: Maybe,
): Meeting {
  requireNotNegative('usdPerMillionAtFullUse', usdPerMillionAtFullUse)
  return meeting(usdPerMillionAtFullUse, alternativeUsdPerMillion, 1)
}

/**
 * Million tokens a month above which a fixed bill beats an API:
 * fixed / (API price - own variable cost). Beyond the capacity it is `never`.
 *
 * @param capacityMillionTokensPerMonth what the machines can make; infinite where that is no limit
 */
export function breakEvenMillionTokensPerMonth(
  fixedUsdPerMonth: Maybe,
  variableUsdPerMillion: Maybe,
  apiUsdPerMillion: Maybe,
  capacityMillionTokensPerMonth: Maybe,
): Meeting {
  requireNotNegative('fixedUsdPerMonth', fixedUsdPerMonth)
  return meeting(
    fixedUsdPerMonth,
    difference(apiUsdPerMillion, variableUsdPerMillion),
    capacityMillionTokensPerMonth,
  )
}

/**
 * Hours a day of renting above which owning is cheaper over the days:
 * total of owning / (rent an hour x days). Lenovo Press LP2368, case 3. Over 24 it is `never`.
 */
export function thresholdHoursPerDay(
  ownedTotalUsd: Maybe,
  rentUsdPerHour: Maybe,
  days: Maybe,
): Meeting {
  requirePositive('days', days)
  return meeting(ownedTotalUsd, product([rentUsdPerHour, days]), HOURS_PER_DAY)
}
