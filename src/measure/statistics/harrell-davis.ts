import type { Maybe } from '../../arithmetic.ts'
import { regularizedBeta } from '../binomial.ts'
import { ascending } from './moments.ts'

/**
 * Harrell and Davis's quantile (Biometrika 69, 1982): the mean of all order statistics, each weighted
 * I_{i/n}(a, b) - I_{(i-1)/n}(a, b) with a = (n + 1) q, b = (n + 1)(1 - q). Smoother than one sample in
 * the middle of a law; not for tails (above p90), where it leans on the few largest.
 *
 * @param p percent, above 0 and under 100
 * @returns unknown for no values
 */
export function harrellDavis(values: readonly number[], p: number): Maybe {
  const n = values.length
  if (n === 0) return undefined
  const a = ((n + 1) * p) / 100
  const b = (n + 1) * (1 - p / 100)
  let total = 0
  let before = 0
  for (const [index, value] of ascending(values).entries()) {
    const upTo = regularizedBeta((index + 1) / n, a, b)
    total += (upTo - before) * value
    before = upTo
  }
  return total
}
