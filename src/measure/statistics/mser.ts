import { batchMeans } from './batch-means.ts'

/** Where the start-up ends, or that it does not. */
export type Truncation =
  | {
      readonly kind: 'steady'
      /** First value of the steady state, from 0. */
      readonly startIndex: number
      readonly keptN: number
      /** Mean of what is kept. */
      readonly mean: number
    }
  | { readonly kind: 'no-steady-state'; readonly reason: 'too-short' | 'minimum-in-second-half' }

/** Batches of five: MSER-5 (Spratt 1998). */
const BATCH_SIZE = 5
/** Last batches not tried as a start: few and alike by chance, they would win (openkim/kim-convergence, ignore_end). */
const END_BATCHES = 5

/**
 * Marginal standard error rule (White, Simulation 69, 1997): cut where the squared standard error of the
 * mean of what is kept, g(d) = sum_{i >= d} (Z_i - mean_d)² / (k - d)², is least, Z the k batch means.
 * Where that lies in the second half, the start-up fills too much of the run for a steady state to be
 * told. It finds a bias of the start, not a late drift: see `trend`.
 *
 * @param batchSize 5 for MSER-5, 1 for MSER
 * @throws RangeError for values that are not finite
 */
export function mser(
  values: readonly number[],
  { batchSize = BATCH_SIZE }: { batchSize?: number } = {},
): Truncation {
  if (!values.every(Number.isFinite)) throw new RangeError('a value is not finite')
  const means = batchMeans(values, batchSize)
  if (means.length < 1) return { kind: 'no-steady-state', reason: 'too-short' }
  const start = leastIndex(marginalErrors(means))
  if (start >= Math.max(1, means.length / 2))
    return { kind: 'no-steady-state', reason: 'minimum-in-second-half' }
  const startIndex = start * batchSize
  const kept = values.slice(startIndex)
  const total = kept.reduce((sum, value) => sum + value, 0)
  return { kind: 'steady', startIndex, keptN: kept.length, mean: total / kept.length }
}

/** g(d) of every start d that is tried, by Welford's recurrence from the end: one pass, no cancellation. */
export function marginalErrors(means: readonly number[]): Float64Array {
  const tried = means.length - Math.min(END_BATCHES, Math.floor(means.length / 4))
  const errors = new Float64Array(tried)
  let mean = 0
  let squares = 0
  for (let d = means.length - 1, n = 1; d >= 0; d--, n++) {
    const value = means[d] ?? Number.NaN
    const step = value - mean
    mean += step / n
    squares += step * (value - mean)
    if (d < tried) errors[d] = squares / n ** 2
  }
  return errors
}

/** The first of the least. */
function leastIndex(values: Float64Array): number {
  let least = 0
  for (const [index, value] of values.entries()) if (value < (values[least] ?? 0)) least = index
  return least
}
