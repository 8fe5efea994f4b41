import type { Maybe } from '../../arithmetic.ts'
import { requireBetween } from '../requirements.ts'
import { findRoots, type Roots } from '../roots.ts'

/**
 * Net present value of payments at the ends of periods, the first one now:
 * sum of flow_t / (1 + r)^t, in the order of time.
 *
 * @param flowsUsd money in is positive, money out negative; `flowsUsd[0]` is today's
 * @param ratePerPeriod cost of capital over one period, above -1
 * @throws UserError for a rate of -1 or less
 */
export function netPresentValueUsd(flowsUsd: readonly Maybe[], ratePerPeriod: Maybe): Maybe {
  requireBetween('ratePerPeriod', ratePerPeriod, LEAST_RATE, Number.MAX_VALUE)
  if (ratePerPeriod === undefined) return undefined
  let total = 0
  for (const [t, flow] of flowsUsd.entries()) {
    if (flow === undefined) return undefined
    total += flow / (1 + ratePerPeriod) ** t
  }
  return total
}

const LEAST_RATE = -0.999_999
const MOST_RATE = 1000
const RATE_STEPS = 4000

/**
 * Internal rates of return: the rates a period at which the net present value is 0, from -99.9999 % to
 * 100,000 %. Payments that change sign more than once can have several: then there is no such thing as the
 * rate of return, and the net present value has to decide.
 */
export function internalRates(flowsUsd: readonly Maybe[]): Roots {
  const grid = signChanges(flowsUsd) > 1 ? rateGrid : [LEAST_RATE, 0, MOST_RATE]
  return findRoots((rate) => netPresentValueUsd(flowsUsd, rate), grid)
}

/** Descartes' rule: a polynomial, here in 1 / (1 + r), has no more positive roots than its coefficients change sign. One change is one root. */
function signChanges(flowsUsd: readonly Maybe[]): number {
  const signs = flowsUsd.flatMap((flow) => (flow === undefined || flow === 0 ? [] : [flow > 0]))
  return signs.filter((sign, index) => index > 0 && sign !== signs[index - 1]).length
}

/** Even in ln(1 + r), so that rates near 0 lie close and high ones far apart; 0 itself is among them. */
const rateGrid = ratesBetween(LEAST_RATE, 0).concat(ratesBetween(0, MOST_RATE).slice(1))

function ratesBetween(low: number, high: number): number[] {
  const from = Math.log1p(low)
  const width = Math.log1p(high) - from
  const inside = Array.from({ length: RATE_STEPS - 1 }, (_, i) =>
    Math.expm1(from + (width * (i + 1)) / RATE_STEPS),
  )
  return [low, ...inside, high]
}

/** When the money is back for the first time: after so many periods, or not within the payments listed. */
export type Payback =
  | { readonly kind: 'after'; readonly periods: number }
  | { readonly kind: 'never' }
  | { readonly kind: 'unknown' }

/**
 * Periods until the payments have summed to 0, each taken as spread evenly over the period it ends.
 * What follows, such as disposal, is not looked at: that is what the net present value is for.
 */
export function payback(flowsUsd: readonly Maybe[]): Payback {
  return discountedPayback(flowsUsd, 0)
}

/**
 * The same with each payment brought to today: flow_t / (1 + r)^t.
 *
 * @throws UserError for a rate of -1 or less
 */
export function discountedPayback(flowsUsd: readonly Maybe[], ratePerPeriod: Maybe): Payback {
  requireBetween('ratePerPeriod', ratePerPeriod, LEAST_RATE, Number.MAX_VALUE)
  let balance = 0
  for (const [t, flow] of flowsUsd.entries()) {
    if (flow === undefined || ratePerPeriod === undefined) return { kind: 'unknown' }
    const present = flow / (1 + ratePerPeriod) ** t
    if (balance + present >= 0)
      return { kind: 'after', periods: t === 0 ? 0 : t - 1 - balance / present }
    balance += present
  }
  return { kind: 'never' }
}

/** Money of years, the first one first: what moves at the start of each, and what comes evenly over it and is due at its end. */
export interface YearlyFlows {
  readonly startUsd: readonly number[]
  readonly endUsd: readonly number[]
}

/** The same as payments now and at the ends of years: the end of one year is the start of the next. */
export function flowsAtYearEnds({ startUsd, endUsd }: YearlyFlows): number[] {
  return Array.from(
    { length: endUsd.length + 1 },
    (_, t) => (startUsd[t] ?? 0) + (t === 0 ? 0 : (endUsd[t - 1] as number)),
  )
}

/**
 * Years until the money is back for the first time. What is due at the end of a year counts as spread evenly over it; unlike
 * `payback`, what is bought at the start of the next year is not netted against it.
 *
 * @param ratePerYear what flows are brought to today with; 0 for the undiscounted time
 */
export function paybackOfYears({ startUsd, endUsd }: YearlyFlows, ratePerYear: number): Payback {
  let balance = 0
  for (const [year, end] of endUsd.entries()) {
    balance += (startUsd[year] as number) / (1 + ratePerYear) ** year
    if (balance >= 0) return { kind: 'after', periods: year }
    const present = end / (1 + ratePerYear) ** (year + 1)
    if (balance + present >= 0) return { kind: 'after', periods: year - balance / present }
    balance += present
  }
  return { kind: 'never' }
}
