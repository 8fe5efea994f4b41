import { difference, type Maybe, ratio } from '../../arithmetic.ts'
import { DAYS_PER_YEAR, HOURS_PER_DAY, MS_PER_S, S_PER_HOUR } from '../../units.ts'
import { requireNotNegative, requirePositive } from '../requirements.ts'

/** What a seller's own commitments say of the prices to come. */
export interface ForwardPrices {
  /** Mean of the second and third year: (3 x threeYear - oneYear) / 2. */
  readonly meanOfYears2And3: Maybe
  /** Price of a year / price of the year before: the positive q of 1 + q + q^2 = 3 x threeYear / oneYear. */
  readonly ratioPerYear: Maybe
  readonly year2: Maybe
  readonly year3: Maybe
}

/**
 * The prices at which a buyer would be indifferent between a three-year commitment and a one-year one twice
 * renewed, undiscounted (comment on The Next Platform's article on AWS P5 prices, Hacker News, May 2024).
 * No decline has this sum where three years cost less than a third of one: then the ratio is unknown.
 *
 * @param oneYear price of an hour committed to for one year, USD
 * @param threeYear price of an hour committed to for three years, USD
 */
export function forwardPrices(oneYear: Maybe, threeYear: Maybe): ForwardPrices {
  requirePositive('oneYear', oneYear)
  requirePositive('threeYear', threeYear)
  const relative = ratio(threeYear, oneYear)
  const ratioPerYear = relative === undefined ? undefined : yearlyRatio(3 * relative)
  const year2 = scaled(oneYear, ratioPerYear)
  const year3 = scaled(year2, ratioPerYear)
  const later = difference(threeYear === undefined ? undefined : 3 * threeYear, oneYear)
  return { meanOfYears2And3: ratio(later, 2), ratioPerYear, year2, year3 }
}

function scaled(price: Maybe, factor: Maybe): Maybe {
  return price === undefined || factor === undefined ? undefined : price * factor
}

function yearlyRatio(sumOfThree: number): Maybe {
  const q = (-1 + Math.sqrt(4 * sumOfThree - 3)) / 2
  return q > 0 ? q : undefined
}

/**
 * How a price goes on from today's. `geometric`: it is `ratioPerYear` of itself a year later, changing all the
 * time. `steps`: in year i it is `ratios[i]` of today's, and from then on the last of them.
 */
export type PriceCurve =
  | { readonly kind: 'flat' }
  | { readonly kind: 'geometric'; readonly ratioPerYear: number }
  | { readonly kind: 'steps'; readonly ratios: readonly number[] }

/**
 * Paid for `years` at a price of 1 a year today: the integral of the curve. For `geometric`
 * (q^t - 1) / ln q.
 *
 * @throws UserError for a ratio of 0 or less, or no ratio at all
 */
export function paidOver(curve: PriceCurve, years: number): number {
  switch (curve.kind) {
    case 'flat':
      return years
    case 'geometric': {
      requirePositive('ratioPerYear', curve.ratioPerYear)
      const log = Math.log(curve.ratioPerYear)
      return log === 0 ? years : Math.expm1(log * years) / log
    }
    case 'steps': {
      let paid = 0
      for (let year = 0; year < years; year++) {
        paid += stepRatio(curve.ratios, year) * Math.min(1, years - year)
      }
      return paid
    }
  }
}

function stepRatio(ratios: readonly number[], year: number): number {
  const value = ratios[Math.min(year, ratios.length - 1)]
  requirePositive('ratios', value ?? 0)
  return value as number
}

/** A purchase against something paid by the year whose price moves. */
export interface FallingPriceCase {
  readonly capexUsd: Maybe
  readonly runningUsdPerYear: Maybe
  /** What the same work costs a year at the alternative's price of today. */
  readonly alternativeUsdPerYear: Maybe
  /** Years the hardware serves: a break-even after its end is none. */
  readonly lifeYears: number
}

export type FallingPriceBreakEven =
  | { readonly kind: 'at'; readonly years: number }
  | { readonly kind: 'never'; readonly mostSavedUsd: number }
  | { readonly kind: 'unknown' }

/**
 * First moment at which the purchase has cost no more than the alternative, the price of which moves:
 * alternative x (integral of the curve) - running x t = capex. Undiscounted. With falling prices the saving
 * a year shrinks and may turn, so `never` says how much was saved at best before the hardware's end.
 *
 * @throws UserError when the life is not above 0 or a price is negative
 */
export function breakEvenUnder(
  curve: PriceCurve,
  { capexUsd, runningUsdPerYear, alternativeUsdPerYear, lifeYears }: FallingPriceCase,
): FallingPriceBreakEven {
  requirePositive('lifeYears', lifeYears)
  requireNotNegative('capexUsd', capexUsd)
  requireNotNegative('runningUsdPerYear', runningUsdPerYear)
  requireNotNegative('alternativeUsdPerYear', alternativeUsdPerYear)
  if (
    capexUsd === undefined ||
    runningUsdPerYear === undefined ||
    alternativeUsdPerYear === undefined
  )
    return { kind: 'unknown' }
  const savedUsd = (years: number): number =>
    alternativeUsdPerYear * paidOver(curve, years) - runningUsdPerYear * years
  const turns = turnsYears(curve, runningUsdPerYear / alternativeUsdPerYear, lifeYears)
  let from = 0
  for (const to of turns) {
    if (savedUsd(to) >= capexUsd)
      return { kind: 'at', years: firstReach(savedUsd, capexUsd, from, to) }
    from = to
  }
  return { kind: 'never', mostSavedUsd: Math.max(0, ...turns.map(savedUsd)) }
}

/** Ascending moments up to `lifeYears` between which the saving only rises or only falls. */
function turnsYears(curve: PriceCurve, breakEvenRatio: number, lifeYears: number): number[] {
  switch (curve.kind) {
    case 'flat':
      return [lifeYears]
    case 'geometric': {
      const turn = Math.log(breakEvenRatio) / Math.log(curve.ratioPerYear)
      return turn > 0 && turn < lifeYears ? [turn, lifeYears] : [lifeYears]
    }
    case 'steps': {
      const years = Array.from({ length: Math.ceil(lifeYears) - 1 }, (_, i) => i + 1)
      return [...years, lifeYears]
    }
  }
}

/** The saving rises from under `goal` at `low` to at least it at `high`: where it gets there, by halving. */
function firstReach(
  savedUsd: (years: number) => number,
  goal: number,
  from: number,
  to: number,
): number {
  if (savedUsd(from) >= goal) return from
  let low = from
  let high = to
  for (;;) {
    const middle = low + (high - low) / 2
    if (middle <= low || middle >= high) return high
    if (savedUsd(middle) >= goal) high = middle
    else low = middle
  }
}

/**
 * The answer for an uncertain decline. `band`: from the earlier to the later; `at-least`: with the kinder
 * curve after so many years, with the harsher one never.
 */
export type BreakEvenBand =
  | { readonly kind: 'band'; readonly earliestYears: number; readonly latestYears: number }
  | { readonly kind: 'at-least'; readonly earliestYears: number }
  | { readonly kind: 'never' }
  | { readonly kind: 'unknown' }

/** Break-even under two views of the prices to come, in either order. */
export function breakEvenBand(
  one: PriceCurve,
  other: PriceCurve,
  purchase: FallingPriceCase,
): BreakEvenBand {
  const outcomes = [breakEvenUnder(one, purchase), breakEvenUnder(other, purchase)]
  if (outcomes.some(({ kind }) => kind === 'unknown')) return { kind: 'unknown' }
  const years = outcomes.flatMap((each) => (each.kind === 'at' ? [each.years] : []))
  if (years.length === 0) return { kind: 'never' }
  const earliestYears = Math.min(...years)
  return years.length === 1
    ? { kind: 'at-least', earliestYears }
    : { kind: 'band', earliestYears, latestYears: Math.max(...years) }
}

const MS_PER_YEAR = DAYS_PER_YEAR * HOURS_PER_DAY * S_PER_HOUR * MS_PER_S

/**
 * The day so many years of 365 days after another, as ISO 8601.
 *
 * @param startDate ISO 8601 date; unknown when it is none
 */
export function dateAfter(startDate: string, years: number): string | undefined {
  const startMs = Date.parse(startDate)
  if (Number.isNaN(startMs)) return undefined
  return new Date(startMs + years * MS_PER_YEAR).toISOString().slice(0, 'YYYY-MM-DD'.length)
}
