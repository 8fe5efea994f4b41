import { type Maybe, mean, ratio } from '../../arithmetic.ts'
import { lagOne } from './autocorrelation.ts'
import { variance } from './moments.ts'
import { studentTQuantile } from './student-t.ts'

/** Means of successive batches of so many values; a last batch that is not full is left out. */
export function batchMeans(values: readonly number[], batchSize: number): number[] {
  const means: number[] = []
  for (let start = 0; start + batchSize <= values.length; start += batchSize) {
    let total = 0
    for (let i = start; i < start + batchSize; i++) total += values[i] ?? Number.NaN
    means.push(total / batchSize)
  }
  return means
}

/** A mean of values that hang together, and how far it may be off. */
export interface BatchMeansInterval {
  readonly mean: number
  readonly low: number
  readonly high: number
  readonly batches: number
  readonly batchSize: number
  /** Lag-1 autocorrelation between batches: near 0 where the batches are long enough. */
  readonly batchLagOne: Maybe
}

/** Between the 10 and 30 that Schmeiser (Operations Research 30, 1982) found to serve. */
const BATCHES = 20

/**
 * Interval of the mean of a series whose neighbours are alike: batch means are nearly independent, and
 * Student's t with batches - 1 degrees of freedom holds for them (Law and Kelton, Simulation Modeling
 * and Analysis, section 9.5.3). The values of the first, unfilled part are left out.
 *
 * @returns unknown where there is less than one value for each batch, or under two batches
 */
export function batchMeansInterval(
  values: readonly number[],
  { batches = BATCHES, confidence = 0.95 }: { batches?: number; confidence?: number } = {},
): BatchMeansInterval | undefined {
  const batchSize = Math.floor(values.length / batches)
  if (batchSize < 1 || batches < 2) return undefined
  const means = batchMeans(values.slice(values.length - batches * batchSize), batchSize)
  const centre = mean(means)
  const standardError = Math.sqrt(ratio(variance(means), batches) ?? Number.NaN)
  if (centre === undefined || Number.isNaN(standardError)) return undefined
  const half = studentTQuantile(1 - (1 - confidence) / 2, batches - 1) * standardError
  return {
    mean: centre,
    low: centre - half,
    high: centre + half,
    batches,
    batchSize,
    batchLagOne: lagOne(means),
  }
}
