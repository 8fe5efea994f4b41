import { normalQuantile } from '../../measure/statistics/normal.ts'
import { requireBetween, requireNotNegative } from '../requirements.ts'

/** Probabilities nearer to 0 or 1 would ask for more of the tails than is added up. */
const LEAST_TAIL = 1e-12
/** Of a count's probability relative to that of the mode: what lies beyond is under 1e-25 of the whole. */
const LEAST_WEIGHT = 1e-30
/** Above it, adding up takes too long, and the expansion is right to the count but for one in some cases. */
const MOST_ADDED_UP = 100_000

/**
 * Smallest count that a Poisson variable does not exceed with probability `p`: how many requests to expect in the
 * worst seconds when on average `mean` arrive (NVIDIA sizes for the 95 % quantile: 224 for a mean of 200).
 * Probabilities relative to that of the mode, added upwards and divided by their own sum. For means above 100,000 the Cornish-Fisher
 * expansion to the third cumulant's square (Abramowitz and Stegun 26.2.49), which may be one count off.
 *
 * @throws UserError for a negative mean or a probability nearer than 1e-12 to 0 or 1
 */
export function poissonQuantile(mean: number, p: number): number {
  requireNotNegative('mean', mean)
  requireBetween('p', p, LEAST_TAIL, 1 - LEAST_TAIL)
  return mean > MOST_ADDED_UP ? expandedQuantile(mean, p) : summedQuantile(mean, p)
}

function summedQuantile(mean: number, p: number): number {
  const mode = Math.floor(mean)
  let first = mode
  let below = 0
  // P(k - 1) = P(k) x k / mean; P(k) = P(k - 1) x mean / k.
  for (let weight = 1; first > 0; below += weight) {
    const next = (weight * first) / mean
    if (next < LEAST_WEIGHT) break
    weight = next
    first--
  }
  let above = 1
  for (let k = mode + 1, weight = mean / k; weight >= LEAST_WEIGHT; k++, weight *= mean / k)
    above += weight
  return countReaching(mean, p * (below + above), first, mode)
}

/** The first count up to which the weights add up to a goal. */
function countReaching(mean: number, goal: number, first: number, mode: number): number {
  let weight = 1
  for (let k = mode; k > first; k--) weight *= k / mean
  let reached = weight
  let count = first
  while (reached < goal && weight >= LEAST_WEIGHT / mean) {
    count++
    weight *= mean / count
    reached += weight
  }
  return count
}

/** With skewness 1 / sqrt(mean) and excess 1 / mean. */
function expandedQuantile(mean: number, p: number): number {
  const z = normalQuantile(p)
  const deviation = Math.sqrt(mean)
  const exact = mean + deviation * z + (z * z - 1) / 6 + (z - z ** 3) / (72 * deviation)
  return Math.ceil(exact - HALF)
}

/** A count k is reached at k + 1/2 of the continuous variable. */
const HALF = 0.5
