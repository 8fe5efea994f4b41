import type { OperatingPoint } from '../measure/summary.ts'
import type { PricedPoint } from './subject.ts'

/** A level meets its SLO when this share of its requests met every limit. */
const GOOD_RATIO = 0.95

/** Whether a level met the SLO; unknown where none was set or no request counted. */
export function meetsSloLevel(point: Pick<OperatingPoint, 'goodput'>): boolean | undefined {
  const goodRatio = point.goodput?.goodRatio
  return goodRatio === undefined ? undefined : goodRatio >= GOOD_RATIO
}

/** The measured level that the options are priced at, and why. Never a point between levels, never beyond them. */
export function choosePoint(
  points: readonly PricedPoint[],
  hasSlo: boolean,
): { point?: PricedPoint; reason: string } {
  const known = points.filter(({ outputTokensPerS = 0 }) => outputTokensPerS > 0)
  if (known.length === 0) return { reason: 'no level has a measured throughput' }
  const eligible = hasSlo ? known.filter(({ meetsSlo }) => meetsSlo === true) : known
  const point = highestThroughput(eligible)
  if (!point)
    return { reason: `no measured level let ${GOOD_RATIO * 100} % of its requests meet the SLO` }
  const reason = hasSlo
    ? `highest measured throughput at which ${GOOD_RATIO * 100} % of requests met the SLO`
    : 'highest measured throughput; no SLO was set'
  return { point, reason }
}

function highestThroughput(points: readonly PricedPoint[]): PricedPoint | undefined {
  return points.reduce<PricedPoint | undefined>(
    (best, point) =>
      (point.outputTokensPerS ?? 0) > (best?.outputTokensPerS ?? -1) ? point : best,
    undefined,
  )
}
