import type { Maybe } from '../../arithmetic.ts'
import { ascending, median } from './moments.ts'
import { percentileDefinitions } from './percentile-definitions.ts'

/**
 * Outliers are told, never left out: a slow request happened. Each rule gives the places, from 0, of
 * the values it finds.
 */

/** Ten deviations of a normal law, whose deviation is 1.4826 median absolute deviations. */
const MODIFIED_Z_LIMIT = 14.826

/**
 * Values whose distance from the median is over 14.826 median absolute deviations (sharkdp/hyperfine
 * src/outlier_detection.rs, after Iglewicz and Hoaglin 1993). Where more than half are equal, any other is one.
 */
export function modifiedZOutliers(values: readonly number[]): number[] {
  const centre = median(values) ?? 0
  const deviation = medianAbsoluteDeviation(values) || Number.EPSILON
  return places(values, (value) => Math.abs(value - centre) / deviation > MODIFIED_Z_LIMIT)
}

/** Median distance from the median, not scaled; unknown for no values. */
export function medianAbsoluteDeviation(values: readonly number[]): Maybe {
  const centre = median(values)
  return centre === undefined ? undefined : median(values.map((value) => Math.abs(value - centre)))
}

/** Tukey's fences (Exploratory Data Analysis, 1977): beyond the inner ones mild, beyond the outer ones severe. */
export interface TukeyFences {
  readonly lowSevere: number
  readonly lowMild: number
  readonly highMild: number
  readonly highSevere: number
}

/** Quartiles (linear) less and plus 1.5 and 3 times their distance; unknown for no values. */
export function tukeyFences(values: readonly number[]): TukeyFences | undefined {
  const sorted = ascending(values)
  const q25 = percentileDefinitions.linear.of(sorted, 25)
  const q75 = percentileDefinitions.linear.of(sorted, 75)
  if (q25 === undefined || q75 === undefined) return undefined
  const range = q75 - q25
  return {
    lowSevere: q25 - 3 * range,
    lowMild: q25 - 1.5 * range,
    highMild: q75 + 1.5 * range,
    highSevere: q75 + 3 * range,
  }
}

/** Of softdevteam/warmup_stats: a window of 200, and three times the distance of p10 and p90. */
export const localOutlierRule = { windowN: 200, spreads: 3 } as const

/**
 * Values far from the median of those around them, so that a slow rise makes none (Barrett et al., OOPSLA
 * 2017): outside median +- 3 (p90 - p10) of a window centred on each, shifted inwards at the ends.
 */
export function localOutliers(
  values: readonly number[],
  { windowN, spreads } = localOutlierRule as { windowN: number; spreads: number },
): number[] {
  const { of } = percentileDefinitions.linear
  return places(values, (value, index) => {
    const from = Math.max(0, Math.min(index - Math.floor(windowN / 2), values.length - windowN))
    const around = ascending(values.slice(from, from + windowN))
    const [p10, p50, p90] = [of(around, 10), of(around, 50), of(around, 90)]
    if (p10 === undefined || p50 === undefined || p90 === undefined) return false
    return Math.abs(value - p50) > spreads * (p90 - p10)
  })
}

function places(
  values: readonly number[],
  holds: (value: number, index: number) => boolean,
): number[] {
  return values.flatMap((value, index) => (holds(value, index) ? [index] : []))
}
