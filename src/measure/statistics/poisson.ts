import type { Maybe } from '../../arithmetic.ts'
import { coefficientOfVariation } from './moments.ts'
import { normalQuantile } from './normal.ts'

/** Whether gaps between arrivals are those of a Poisson process, which are exponential. */
export interface PoissonCheck {
  /** Largest distance between the gaps' distribution and the exponential. */
  readonly distance: number
  readonly distanceLimit: number
  /** Standard deviation over mean of the gaps: 1 for exponential ones, less where too regular, more in bursts. */
  readonly variation: Maybe
  readonly variationBand: { readonly low: number; readonly high: number }
  readonly passed: boolean
}

/**
 * Kolmogorov and Smirnov's test of gaps against an exponential law of the rate that was asked, and their
 * coefficient of variation. The rate must be the schedule's: estimated from the same gaps, the limit is too wide.
 *
 * @param gapsMs between successive arrivals
 * @param alpha chance, for either check, that a true Poisson process fails
 * @returns unknown for no gaps
 */
export function poissonCheck(
  gapsMs: readonly number[],
  meanGapMs: number,
  alpha = 0.01,
): PoissonCheck | undefined {
  const n = gapsMs.length
  if (n === 0) return undefined
  const distance = exponentialDistance(gapsMs, meanGapMs)
  const distanceLimit = kolmogorovLimit(n, alpha)
  const variation = coefficientOfVariation(gapsMs)
  const variationBand = variationBandOf(n, alpha)
  const isVaried =
    variation !== undefined && variation >= variationBand.low && variation <= variationBand.high
  const passed = distance < distanceLimit && isVaried
  return { distance, distanceLimit, variation, variationBand, passed }
}

/** sup |F_n(x) - (1 - exp(-x / mean))|, reached at a gap or right before it. */
export function exponentialDistance(gapsMs: readonly number[], meanGapMs: number): number {
  const n = gapsMs.length
  let distance = 0
  for (const [index, gapMs] of Float64Array.from(gapsMs).sort().entries()) {
    const expected = -Math.expm1(-gapMs / meanGapMs)
    distance = Math.max(distance, (index + 1) / n - expected, expected - index / n)
  }
  return distance
}

/** Kolmogorov's limit for large n, sqrt(ln(2 / alpha) / 2) / sqrt(n): 1.628 / sqrt(n) at 1 %. */
export function kolmogorovLimit(n: number, alpha: number): number {
  return Math.sqrt(Math.log(2 / alpha) / 2 / n)
}

/** Where the coefficient of variation of n exponential gaps lies: its standard deviation is about 1 / sqrt(n). */
export function variationBandOf(n: number, alpha: number): { low: number; high: number } {
  const half = normalQuantile(1 - alpha / 2) / Math.sqrt(n)
  return { low: 1 - half, high: 1 + half }
}
