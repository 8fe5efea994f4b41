import { GOOD_RATIO } from './slo.ts'
import type { PricedPoint } from './subject.ts'

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
