import { binomialQuantile } from '../binomial.ts'

/**
 * How often comparisons of a thing with itself may find a difference if the test keeps what it promises: the middle
 * `confidence` of Binomial(comparisons, alpha). 33 to 69 of 1,000 at alpha 0.05.
 */
export function selfComparisonBand(
  comparisons: number,
  alpha: number,
  confidence = 0.99,
): { readonly min: number; readonly max: number } {
  const tail = (1 - confidence) / 2
  return {
    min: binomialQuantile(tail, comparisons, alpha),
    max: binomialQuantile(1 - tail, comparisons, alpha),
  }
}
