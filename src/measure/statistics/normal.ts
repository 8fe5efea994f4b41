import { bisect } from './bisect.ts'

/** P(Z <= z) of the standard normal law. */
export function normalCdf(z: number): number {
  return normalUpperTail(-z)
}

/**
 * P(Z > z) of the standard normal law, small tails without loss of digits: the series of DLMF 7.6.2
 * near the middle, the continued fraction of Abramowitz and Stegun 26.2.14 from 3 on.
 */
export function normalUpperTail(z: number): number {
  if (z < 0) return 1 - normalUpperTail(-z)
  if (z === Infinity) return 0
  const density = Math.exp((-z * z) / 2) / Math.sqrt(2 * Math.PI)
  return z < 3 ? 0.5 - density * middleSeries(z) : density / tailFraction(z)
}

/** The value that a standard normal variable stays at or under with this probability, 0 < p < 1. */
export function normalQuantile(probability: number): number {
  if (probability > 0.5) return -normalQuantile(1 - probability)
  if (!(probability > 0)) throw new RangeError(`no normal quantile at ${probability}`)
  return -bisect((z) => normalUpperTail(z) > probability, 0, 40)
}

/** Sum of z^(2k+1) / (1 * 3 * 5 ... (2k+1)). */
function middleSeries(z: number): number {
  let term = z
  let total = z
  for (let odd = 3; term > total * 1e-17; odd += 2) {
    term *= (z * z) / odd
    total += term
  }
  return total
}

const FRACTION_TERMS = 100

/** z + 1/(z + 2/(z + 3/(z + ...))), from its far end. */
function tailFraction(z: number): number {
  let value = z
  for (let k = FRACTION_TERMS; k >= 1; k--) value = z + k / value
  return value
}
