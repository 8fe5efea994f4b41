import type { OperatingPoint } from '../measure/summary.ts'

/** A level meets its SLO when this share of its requests met every limit. */
export const GOOD_RATIO = 0.95

/** Whether a level met the SLO; unknown where none was set or no request counted. */
export function meetsSloLevel(point: Pick<OperatingPoint, 'goodput'>): boolean | undefined {
  const goodRatio = point.goodput?.goodRatio
  return goodRatio === undefined ? undefined : goodRatio >= GOOD_RATIO
}
