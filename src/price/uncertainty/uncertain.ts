import { UserError } from '../../errors.ts'
import { normalCdf, normalQuantile } from '../../measure/statistics/normal.ts'
import { requireBetween } from '../requirements.ts'

/**
 * What is known of an input. `normal` and `lognormal` are given by the interval that holds it with some confidence, in
 * equal shares below and above; they reach beyond it, so a share or a price that must not passes `least` and `most`, at
 * which the distribution is cut (and stretched, not heaped up).
 */
export type Uncertain =
  | { readonly kind: 'value'; readonly value: number }
  | { readonly kind: 'uniform'; readonly low: number; readonly high: number }
  | {
      readonly kind: 'triangular'
      readonly low: number
      readonly mode: number
      readonly high: number
    }
  | {
      readonly kind: 'normal' | 'lognormal'
      readonly low: number
      readonly high: number
      /** Probability that the value lies from `low` to `high`, above 0 and under 1. */
      readonly confidenceRatio: number
      readonly least?: number
      readonly most?: number
    }

/**
 * The value that an input does not exceed with probability `p`, as a function of `p` inside 0..1: one uniform
 * number makes one draw.
 *
 * @throws UserError for an interval that is none, a mode outside it, or a lognormal that reaches 0
 */
export function quantileFunction(input: Uncertain): (p: number) => number {
  switch (input.kind) {
    case 'value':
      return () => input.value
    case 'uniform':
      requireOrder(input.low, input.high)
      return (p) => input.low + p * (input.high - input.low)
    case 'triangular':
      return triangularQuantile(input.low, input.mode, input.high)
    case 'normal':
      return cutNormal(
        input,
        (value) => value,
        (value) => value,
      )
    case 'lognormal':
      return cutNormal(input, logOf, Math.exp)
  }
}

function triangularQuantile(low: number, mode: number, high: number): (p: number) => number {
  requireOrder(low, high)
  requireBetween('mode', mode, low, high)
  const width = high - low
  if (width === 0) return () => low
  const belowMode = (mode - low) / width
  return (p) =>
    p < belowMode
      ? low + Math.sqrt(p * width * (mode - low))
      : high - Math.sqrt((1 - p) * width * (high - mode))
}

/** Mean and deviation from the interval: z deviations on either side of its middle, z the quantile of (1 + confidence) / 2. */
function cutNormal(
  input: Extract<Uncertain, { confidenceRatio: number }>,
  toNormal: (value: number) => number,
  fromNormal: (value: number) => number,
): (p: number) => number {
  const { low, high, confidenceRatio, least, most } = input
  requireOrder(low, high)
  requireBetween('confidenceRatio', confidenceRatio, 1e-6, 1 - 1e-6)
  const from = toNormal(low)
  const to = toNormal(high)
  const middle = (from + to) / 2
  const deviation = (to - from) / 2 / normalQuantile((1 + confidenceRatio) / 2)
  if (deviation === 0) return () => fromNormal(middle)
  const cdf = (value: number): number => normalCdf((toNormal(value) - middle) / deviation)
  const below = least === undefined ? 0 : cdf(least)
  const above = most === undefined ? 1 : cdf(most)
  requireSomeLeft(below, above)
  return (p) => fromNormal(middle + deviation * normalQuantile(below + p * (above - below)))
}

function logOf(value: number): number {
  if (value > 0) return Math.log(value)
  throw new UserError(`A lognormal input reaches ${value}.`, {
    remedy: 'Give an interval above 0, or another distribution.',
  })
}

function requireOrder(low: number, high: number): void {
  if (Number.isFinite(low) && Number.isFinite(high) && low <= high) return
  throw new UserError(`A range goes from ${low} to ${high}.`, {
    remedy: 'Give its low end first.',
  })
}

function requireSomeLeft(below: number, above: number): void {
  if (below < above) return
  throw new UserError('least and most leave nothing of a distribution.', {
    remedy: 'Give limits around its interval, least first.',
  })
}
