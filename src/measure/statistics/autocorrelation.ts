import { type Maybe, mean, ratio } from '../../arithmetic.ts'

/**
 * Correlation of a series with itself `lag` later: the products of distances from the mean over the
 * squares of all (Box and Jenkins). Unknown for a constant series.
 */
export function autocorrelation(values: readonly number[], lag: number): Maybe {
  const centred = aroundMean(values)
  return ratio(laggedProduct(centred, lag), laggedProduct(centred, 0))
}

/** Of neighbours. */
export function lagOne(values: readonly number[]): Maybe {
  return autocorrelation(values, 1)
}

/** Sokal's factor: sum until the lag is five times the sum (Monte Carlo Methods, 1996). */
const WINDOW_FACTOR = 5
/** Fewest values for each unit of autocorrelation time below which the time is not to be trusted (emcee, autocorrelation). */
const VALUES_PER_TIME = 50

/**
 * How many neighbours tell as much as one independent value: 1 + 2 (rho_1 + ... + rho_M), M the first
 * lag of at least five times the sum so far (Sokal). 1 for independent values.
 *
 * @returns unknown for a constant series, and where the values are too few for how long they hang
 *   together: a series that drifts, say. Takes up to n²/10 steps then.
 */
export function autocorrelationTime(values: readonly number[]): Maybe {
  const centred = aroundMean(values)
  const squares = laggedProduct(centred, 0)
  if (squares === 0) return undefined
  let time = 1
  const lastLag = (WINDOW_FACTOR * values.length) / VALUES_PER_TIME
  for (let lag = 1; lag <= lastLag; lag++) {
    time += (2 * laggedProduct(centred, lag)) / squares
    if (lag >= WINDOW_FACTOR * time) return time
  }
  return undefined
}

/** Independent values that would tell the mean as well; never more than there are. */
export function effectiveSampleSize(values: readonly number[]): Maybe {
  const time = autocorrelationTime(values)
  // Neighbours that avoid each other can bring the sum under 1 and even under 0.
  return time === undefined ? undefined : values.length / Math.max(1, time)
}

function aroundMean(values: readonly number[]): Float64Array {
  const centre = mean(values) ?? 0
  return Float64Array.from(values, (value) => value - centre)
}

/** Sum of products of values `lag` apart. */
export function laggedProduct(centred: Float64Array, lag: number): number {
  let total = 0
  for (let i = lag; i < centred.length; i++) total += (centred[i] ?? 0) * (centred[i - lag] ?? 0)
  return total
}
