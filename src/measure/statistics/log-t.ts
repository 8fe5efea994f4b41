import { mean } from '../../arithmetic.ts'
import { variance } from './moments.ts'
import { studentTQuantile } from './student-t.ts'

/**
 * Student's t interval of the mean of logarithms, as an interval of the figures themselves: of their geometric
 * mean, which is their median where the logarithms scatter evenly to both sides. As `logWelch` is for two sides.
 *
 * @returns nothing under two values, for a value not above 0, without any spread, and where an end is beyond
 *   what numbers can hold
 */
export function logTInterval(
  values: readonly number[],
  confidence: number,
): { readonly low: number; readonly high: number } | undefined {
  if (values.some((value) => !(value > 0 && value < Infinity))) return undefined
  // Rounding would leave a trace of spread where there is none.
  if (new Set(values).size < 2) return undefined
  const logs = values.map(Math.log)
  const [centre, spread] = [mean(logs), variance(logs)]
  if (centre === undefined || spread === undefined) return undefined
  const half = logTHalfWidth(values.length, Math.sqrt(spread), confidence)
  const [low, high] = [Math.exp(centre - half), Math.exp(centre + half)]
  return Number.isFinite(high) ? { low, high } : undefined
}

/** Half of its width on the scale of logarithms. @param logDeviation standard deviation of the logarithms */
export function logTHalfWidth(n: number, logDeviation: number, confidence: number): number {
  return (studentTQuantile(1 - (1 - confidence) / 2, n - 1) * logDeviation) / Math.sqrt(n)
}
