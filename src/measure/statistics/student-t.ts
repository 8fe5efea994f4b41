import { regularizedBeta } from '../binomial.ts'
import { bisect } from './bisect.ts'

/**
 * P(|T| >= |t|) of Student's t law: I_x(df/2, 1/2) with x = df / (df + t²) (DLMF 8.17, Abramowitz and
 * Stegun 26.7.1).
 *
 * @param df degrees of freedom, above 0; need not be whole (Welch)
 */
export function studentTTwoSided(t: number, df: number): number {
  return regularizedBeta(df / (df + t * t), df / 2, 0.5)
}

/** The value that a t variable stays at or under with this probability, 0 < p < 1. */
export function studentTQuantile(probability: number, df: number): number {
  if (!(probability > 0 && probability < 1 && df > 0))
    throw new RangeError(`no t quantile at ${probability} with ${df} degrees of freedom`)
  if (probability < 0.5) return -studentTQuantile(1 - probability, df)
  const isBelow = (t: number): boolean => studentTTwoSided(t, df) > 2 * (1 - probability)
  let high = 1
  while (isBelow(high)) high *= 2
  return bisect(isBelow, 0, high)
}
