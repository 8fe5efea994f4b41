import { difference, type Maybe, product, ratio } from '../arithmetic.ts'
import {
  DAYS_PER_YEAR,
  HOURS_PER_MONTH,
  HOURS_PER_YEAR,
  MONTHS_PER_YEAR,
  S_PER_HOUR,
  TOKENS_PER_MILLION,
} from '../units.ts'
import type { BreakEven } from './cost-report.ts'

/** What owning costs an hour, as a straight line in the utilisation. */
export interface OwnedLine {
  readonly usdPerHourIdle: Maybe
  readonly usdPerHourFull: Maybe
}

/**
 * Utilisation at which owning costs what an alternative costs that is paid per use:
 * idle + u x (full - idle) = u x alternative, so u = idle / (alternative - (full - idle)).
 *
 * @param alternativeUsdPerHourFull what the alternative would bill for a full hour's tokens
 */
export function breakEvenUtilisation(
  against: string,
  owned: OwnedLine,
  alternativeUsdPerHourFull: Maybe,
  outputTokensPerS: Maybe,
): BreakEven {
  const shared = { against, kind: 'utilisation' } as const
  const slope = difference(
    alternativeUsdPerHourFull,
    difference(owned.usdPerHourFull, owned.usdPerHourIdle),
  )
  if (slope === undefined || owned.usdPerHourIdle === undefined) {
    return { ...shared, outcome: 'unknown', explanation: 'An input is missing.' }
  }
  const value = slope > 0 ? owned.usdPerHourIdle / slope : undefined
  if (value === undefined || value > 1) {
    const explanation = 'Even with the hardware full around the clock, the alternative is cheaper.'
    return { ...shared, outcome: 'never', value, explanation }
  }
  const outputTokensPerDay = product([outputTokensPerS, value, SECONDS_PER_DAY])
  const explanation =
    'Above this share of the capacity owning is cheaper, below it the alternative.'
  return { ...shared, outcome: 'at', value, outputTokensPerDay, explanation }
}

const SECONDS_PER_DAY = (HOURS_PER_YEAR / DAYS_PER_YEAR) * S_PER_HOUR

/**
 * Months of 730 h until the rent saved has paid for the hardware, undiscounted:
 * capex / ((rent - running cost) x 730).
 */
export function breakEvenMonths(
  against: string,
  capexUsd: Maybe,
  rentUsdPerHour: Maybe,
  runningUsdPerHour: Maybe,
  lifeYears: Maybe,
): BreakEven {
  const shared = { against, kind: 'months' } as const
  const saved = difference(rentUsdPerHour, runningUsdPerHour)
  if (saved === undefined || capexUsd === undefined || lifeYears === undefined) {
    return { ...shared, outcome: 'unknown', explanation: 'An input is missing.' }
  }
  if (saved <= 0) {
    return {
      ...shared,
      outcome: 'never',
      explanation: 'Running the hardware alone costs more than the rent.',
    }
  }
  const value = capexUsd / (saved * HOURS_PER_MONTH)
  if (value > lifeYears * MONTHS_PER_YEAR) {
    const explanation = `The hardware would be replaced before the rent saved had paid for it.`
    return { ...shared, outcome: 'never', value, explanation }
  }
  const explanation = 'Undiscounted: the purchase price divided by the rent saved a month.'
  return { ...shared, outcome: 'at', value, explanation }
}

/** What an API bills for an hour of the measured throughput. */
export function apiUsdPerHourFull(
  usdPerMillionOutputTokens: Maybe,
  outputTokensPerS: Maybe,
): Maybe {
  return ratio(
    product([usdPerMillionOutputTokens, outputTokensPerS, S_PER_HOUR]),
    TOKENS_PER_MILLION,
  )
}
