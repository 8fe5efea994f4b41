import { type Maybe, mean, ratio } from '../../arithmetic.ts'

/** Sample variance, divided by n - 1, in two passes; unknown under two values. */
export function variance(values: readonly number[]): Maybe {
  const centre = mean(values)
  if (centre === undefined || values.length < 2) return undefined
  return ratio(squaresAround(values, centre), values.length - 1)
}

/** Sum of squared distances from `centre`. */
function squaresAround(values: readonly number[], centre: number): number {
  let total = 0
  for (const value of values) total += (value - centre) ** 2
  return total
}

/** Standard deviation over mean, of the sample; unknown under two values and for a mean of 0. */
export function coefficientOfVariation(values: readonly number[]): Maybe {
  const spread = variance(values)
  return ratio(spread === undefined ? undefined : Math.sqrt(spread), mean(values))
}

/** Middle value, or the mean of the middle two; unknown for no values. */
export function median(values: readonly number[]): Maybe {
  const sorted = ascending(values)
  const upper = sorted[Math.floor(sorted.length / 2)]
  const lower = sorted[Math.ceil(sorted.length / 2) - 1]
  return upper === undefined || lower === undefined ? undefined : (lower + upper) / 2
}

/** A sorted copy. */
export function ascending(values: readonly number[]): Float64Array {
  return Float64Array.from(values).sort()
}

/**
 * Geometric mean, exp(mean(ln x)): for ratios and normalised scores, whose arithmetic mean depends on
 * the baseline. Unknown for no values, or where one is not above 0.
 */
export function geometricMean(values: readonly number[]): Maybe {
  if (values.some((value) => !(value > 0))) return undefined
  const logMean = mean(values.map(Math.log))
  return logMean === undefined ? undefined : Math.exp(logMean)
}
