import type { Maybe } from '../../arithmetic.ts'
import { ratio } from '../../arithmetic.ts'
import { median } from './moments.ts'
import { normalQuantile, normalUpperTail } from './normal.ts'

/** A reading and when it was taken. */
export interface Point {
  readonly atMs: number
  readonly value: number
}

/** How a series rises or falls, in the unit of its values for each ms. */
export interface Trend {
  readonly slopePerMs: number
  readonly lowPerMs: number
  readonly highPerMs: number
  /** Two-sided, of no trend. */
  readonly pValue: number
  readonly batches: number
  /** Rise over the whole series as a share of its median; unknown for a median of 0. */
  readonly changeRatio: Maybe
  readonly changeLowRatio: Maybe
  readonly changeHighRatio: Maybe
}

const BATCHES = 20
/** From 10 on Kendall's sum is close to normal (Kendall, Rank Correlation Methods). */
const MIN_BATCHES = 10

/**
 * The trend of a series: Theil and Sen's slope, the median of the slopes between any two of 20 batch
 * means, with Sen's interval and Mann and Kendall's test (Sen, JASA 63, 1968). Batch means, as neighbours
 * are alike and would each count as news: least squares on raw readings finds a trend in two of three
 * series that have none. A median of slopes, as one stall must not tilt the line.
 *
 * @param points in any order; batches are of equal counts, in order of time
 * @returns unknown under 10 points, or where all were taken at once
 */
export function trend(
  points: readonly Point[],
  { batches = BATCHES, confidence = 0.95 }: { batches?: number; confidence?: number } = {},
): Trend | undefined {
  const means = batchPoints(points, Math.min(batches, points.length))
  const slopes = pairSlopes(means)
  if (means.length < MIN_BATCHES || slopes.length === 0) return undefined
  const deviation = kendallDeviation(means)
  const slopePerMs = median([...slopes]) ?? 0
  const margin = normalQuantile(1 - (1 - confidence) / 2) * deviation
  // Ranks outward to the next whole one: the interval is rather too wide than too narrow.
  const lowRank = Math.max(1, Math.floor((slopes.length - margin) / 2))
  const lowPerMs = slopes[lowRank - 1] ?? slopePerMs
  const highPerMs = slopes[slopes.length - lowRank] ?? slopePerMs
  const spanMs = spanOf(points)
  const level = median(means.map(({ value }) => value))
  const asShare = (perMs: number): Maybe => ratio(perMs * spanMs, level && Math.abs(level))
  return {
    slopePerMs,
    lowPerMs,
    highPerMs,
    pValue: kendallPValue(means, deviation),
    batches: means.length,
    changeRatio: asShare(slopePerMs),
    changeLowRatio: asShare(lowPerMs),
    changeHighRatio: asShare(highPerMs),
  }
}

/** Mean time and mean value of successive batches of equal counts; the first points over are left out. */
function batchPoints(points: readonly Point[], batches: number): Point[] {
  if (batches < 1) return []
  const inOrder = points.toSorted((a, b) => a.atMs - b.atMs)
  const size = Math.floor(inOrder.length / batches)
  const first = inOrder.length - size * batches
  return Array.from({ length: batches }, (_, batch) => {
    const from = first + batch * size
    return meanPoint(inOrder.slice(from, from + size))
  })
}

function meanPoint(points: readonly Point[]): Point {
  let atMs = 0
  let value = 0
  for (const point of points) {
    atMs += point.atMs / points.length
    value += point.value / points.length
  }
  return { atMs, value }
}

/** Slopes between any two points of different times, ascending. */
function pairSlopes(points: readonly Point[]): Float64Array {
  const slopes: number[] = []
  for (const [i, later] of points.entries()) {
    for (const earlier of points.slice(0, i)) {
      if (later.atMs > earlier.atMs)
        slopes.push((later.value - earlier.value) / (later.atMs - earlier.atMs))
    }
  }
  return Float64Array.from(slopes).sort()
}

/** Standard deviation of Kendall's sum where there is no trend: n(n-1)(2n+5)/18, less t(t-1)(2t+5)/18 for t equal values. */
function kendallDeviation(points: readonly Point[]): number {
  const counts = new Map<number, number>()
  for (const { value } of points) counts.set(value, (counts.get(value) ?? 0) + 1)
  const term = (n: number): number => (n * (n - 1) * (2 * n + 5)) / 18
  let square = term(points.length)
  for (const count of counts.values()) square -= term(count)
  return Math.sqrt(Math.max(0, square))
}

/** Two-sided, by the normal law with a correction of 1 as the sum is whole (Mann, Econometrica 13, 1945). */
function kendallPValue(points: readonly Point[], deviation: number): number {
  if (deviation === 0) return 1
  let sum = 0
  for (const [i, later] of points.entries())
    for (const earlier of points.slice(0, i)) sum += Math.sign(later.value - earlier.value)
  return Math.min(1, 2 * normalUpperTail(Math.max(0, Math.abs(sum) - 1) / deviation))
}

function spanOf(points: readonly Point[]): number {
  let [first, last] = [Infinity, -Infinity]
  for (const { atMs } of points) {
    first = Math.min(first, atMs)
    last = Math.max(last, atMs)
  }
  return last - first
}
