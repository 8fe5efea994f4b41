import { requireBetween, requireNotNegative } from '../requirements.ts'

/** Standard deviations of a Poisson count beyond which what is left is under 1e-30. */
const FAR_DEVIATIONS = 12
const FAR_COUNTS = 40
/** Probabilities nearer to 0 or 1 would ask for more of the tails than that. */
const LEAST_TAIL = 1e-12

/**
 * Smallest count that a Poisson variable does not exceed with probability `p`: how many requests to expect in the
 * worst seconds when on average `mean` arrive (NVIDIA sizes for the 95 % quantile: 224 for a mean of 200).
 * Probabilities relative to that of the mode, added upwards and divided by their own sum.
 *
 * @throws UserError for a negative mean or a probability nearer than 1e-12 to 0 or 1
 */
export function poissonQuantile(mean: number, p: number): number {
  requireNotNegative('mean', mean)
  requireBetween('p', p, LEAST_TAIL, 1 - LEAST_TAIL)
  const first = Math.max(0, Math.floor(mean - reach(mean)))
  const weights = relativeWeights(mean, first, Math.ceil(mean + reach(mean)))
  const goal = p * weights.reduce((total, weight) => total + weight, 0)
  let reached = 0
  for (const [index, weight] of weights.entries()) {
    reached += weight
    if (reached >= goal) return first + index
  }
  return first + weights.length - 1
}

function reach(mean: number): number {
  return FAR_DEVIATIONS * Math.sqrt(mean) + FAR_COUNTS
}

/** P(k) / P(mode) for k from `first` to `last`: P(k) = P(k - 1) x mean / k. */
function relativeWeights(mean: number, first: number, last: number): number[] {
  const mode = Math.floor(mean)
  const weights = new Array<number>(last - first + 1).fill(0)
  let weight = 1
  for (let k = mode; k >= first; weight *= k / mean, k--) weights[k - first] = weight
  weight = 1
  for (let k = mode + 1; k <= last; k++) {
    weight *= mean / k
    weights[k - first] = weight
  }
  return weights
}
