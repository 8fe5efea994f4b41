import { normalQuantile } from './normal.ts'

/** MLPerf's margin: a twentieth of what lies beyond the percentile. */
const MARGIN_PARTS = 20

/**
 * Queries that tell a percentile to within a margin, by the normal approximation of a share:
 * n = z² p (1 - p) / m², rounded to the nearest (MLPerf inference rules, section 3).
 *
 * @param p percent
 * @param confidence two-sided, share
 * @param margin share of the requests; MLPerf's by default
 */
export function sampleSizeForPercentile(
  p: number,
  confidence = 0.99,
  margin = (1 - p / 100) / MARGIN_PARTS,
): number {
  const share = p / 100
  const z = normalQuantile(1 - (1 - confidence) / 2)
  return Math.round((z ** 2 * share * (1 - share)) / margin ** 2)
}

/** Rounded up to a multiple, as MLPerf does to 8,192. */
export function roundedUpTo(n: number, multiple = 8192): number {
  return Math.ceil(n / multiple) * multiple
}
