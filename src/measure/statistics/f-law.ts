import { regularizedBeta } from '../binomial.ts'

/**
 * P(F >= f) of the law of F, the ratio of two variances: I_x(d2/2, d1/2) with x = d2 / (d2 + d1 f) (DLMF 8.17,
 * Abramowitz and Stegun 26.6.2).
 *
 * @param over degrees of freedom of the variance above the line
 * @param under of the one below it
 */
export function fTail(f: number, over: number, under: number): number {
  return regularizedBeta(under / (under + over * f), under / 2, over / 2)
}
