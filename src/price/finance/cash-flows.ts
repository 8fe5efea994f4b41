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
  return findRoots((rate) => netPresentValueUsd(flowsUsd, rate), rateGrid)
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
