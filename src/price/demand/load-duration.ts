import { type Maybe, ratio } from '../../arithmetic.ts'
import { S_PER_HOUR, TOKENS_PER_MILLION } from '../../units.ts'
import { requireNotNegative } from '../requirements.ts'

/** Hours in which so much is wanted. */
export interface LoadStep {
  readonly tokensPerS: number
  readonly hours: number
}

/** Load against the hours it lasts, highest load first, each load once. Only `loadDuration` makes one. */
export type LoadDuration = readonly LoadStep[] & { readonly [ordered]: true }
declare const ordered: unique symbol

/**
 * The load-duration curve of hours in any order: what power planners sort demand into to see how long each
 * bit of capacity is busy. Hours of the same load are added up; steps of no hours are left out.
 *
 * @throws UserError for a negative load or time
 */
export function loadDuration(steps: readonly LoadStep[]): LoadDuration {
  const hours = new Map<number, number>()
  for (const step of steps) {
    requireNotNegative('tokensPerS', step.tokensPerS)
    requireNotNegative('hours', step.hours)
    if (step.hours > 0) hours.set(step.tokensPerS, (hours.get(step.tokensPerS) ?? 0) + step.hours)
  }
  const curve = [...hours].map(([tokensPerS, lasting]) => ({ tokensPerS, hours: lasting }))
  return curve.sort((a, b) => b.tokensPerS - a.tokensPerS) as unknown as LoadDuration
}

export function hoursOf(curve: LoadDuration): number {
  return curve.reduce((total, { hours }) => total + hours, 0)
}

/** Highest load; 0 for no demand at all. */
export function peakTokensPerS(curve: LoadDuration): number {
  return curve[0]?.tokensPerS ?? 0
}

/** Million tokens wanted over the curve. */
export function millionTokensOf(curve: LoadDuration): number {
  return millionTokensWithin(curve, Number.POSITIVE_INFINITY)
}

/** Million tokens of them that so much capacity serves: sum of min(load, capacity) x hours. */
export function millionTokensWithin(curve: LoadDuration, tokensPerS: number): number {
  const tokens = curve.reduce(
    (total, step) => total + Math.min(step.tokensPerS, tokensPerS) * step.hours * S_PER_HOUR,
    0,
  )
  return tokens / TOKENS_PER_MILLION
}

/** Highest load / mean load; unknown without demand. */
export function peakFactor(curve: LoadDuration): Maybe {
  const meanTokensPerS = ratio(
    millionTokensOf(curve) * TOKENS_PER_MILLION,
    hoursOf(curve) * S_PER_HOUR,
  )
  return ratio(peakTokensPerS(curve), meanTokensPerS)
}
