import type { Maybe } from '../arithmetic.ts'

/** A quantity over time, linear between its points, which are in the order of time. */
export interface Curve {
  readonly atMs: readonly number[]
  readonly values: readonly number[]
}

/** Place of the last moment that is not after `ms`; -1 where all are. */
export function lastUpTo(atMs: readonly number[], ms: number): number {
  let low = 0
  let high = atMs.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((atMs[middle] as number) <= ms) low = middle + 1
    else high = middle
  }
  return low - 1
}

/** Unknown before the first point and after the last. */
export function valueAt({ atMs, values }: Curve, ms: number): Maybe {
  const i = lastUpTo(atMs, ms)
  const [fromMs, toMs, from, to] = [atMs[i], atMs[i + 1], values[i], values[i + 1]]
  if (fromMs === undefined || from === undefined) return undefined
  if (fromMs === ms) return from
  if (toMs === undefined || to === undefined) return undefined
  return from + ((to - from) * (ms - fromMs)) / (toMs - fromMs)
}

/** The same, but the first and the last value hold beyond the ends; unknown for a curve without a point. */
export function heldValueAt(curve: Curve, ms: number): Maybe {
  const [firstMs, lastMs] = [curve.atMs[0], curve.atMs.at(-1)]
  if (firstMs === undefined || lastMs === undefined) return undefined
  return valueAt(curve, Math.min(Math.max(ms, firstMs), lastMs))
}

/** Trapezoids under the curve between two moments, in its unit x ms. The first and the last value hold beyond the ends. */
export function areaUnder(curve: Curve, fromMs: number, toMs: number): Maybe {
  let [beforeMs, before] = [fromMs, heldValueAt(curve, fromMs)]
  const last = heldValueAt(curve, toMs)
  if (before === undefined || last === undefined) return undefined
  let area = 0
  const { atMs, values } = curve
  for (let i = lastUpTo(atMs, fromMs) + 1; i < atMs.length; i++) {
    const [ms, value] = [atMs[i] as number, values[i] as number]
    if (ms >= toMs) break
    area += ((before + value) / 2) * (ms - beforeMs)
    ;[beforeMs, before] = [ms, value]
  }
  return area + ((before + last) / 2) * (toMs - beforeMs)
}

/** The area under a curve from its first point on, at its points. */
export function cumulative({ atMs, values }: Curve): Curve {
  let area = 0
  const areas = atMs.map((ms, i) => {
    const [beforeMs = ms, before = 0] = [atMs[i - 1], values[i - 1]]
    area += ((before + (values[i] as number)) / 2) * (ms - beforeMs)
    return area
  })
  return { atMs, values: areas }
}

/** The middle one of the values in order, the lower of two; unknown for none. */
export function median(values: readonly number[]): Maybe {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.floor((sorted.length - 1) / 2)]
}

/** Changes that must be seen before a period is told. */
const MIN_CHANGES = 5

/**
 * Time between two updates of something, from the moments at which it was seen to change. A value that
 * is published anew and happens to be the same is no change, so a steady one seems to be slow: the
 * period is the median of only those times between changes that are under 1.5 times the shortest (but
 * a tenth, which may be chance).
 *
 * @returns ms; undefined where there are under 5 times to go by
 */
export function updatePeriodMs(changesMs: readonly number[]): Maybe {
  const times = changesMs.slice(1).map((ms, i) => ms - (changesMs[i] as number))
  if (times.length < MIN_CHANGES) return undefined
  times.sort((a, b) => a - b)
  const shortest = times[Math.floor(times.length / 10)] as number
  return median(times.filter((ms) => ms >= shortest && ms <= 1.5 * shortest))
}

/**
 * Part of a window that looks cover, 0 to 1: the time between two looks that are no farther apart than
 * `longestGapMs`. What lies before the first look or after the last is not covered.
 */
export function coverageRatio(
  looksMs: readonly number[],
  fromMs: number,
  toMs: number,
  longestGapMs: number,
): number {
  if (toMs <= fromMs) return 0
  let coveredMs = 0
  for (let i = Math.max(lastUpTo(looksMs, fromMs), 0); i + 1 < looksMs.length; i++) {
    const [startMs, endMs] = [looksMs[i] as number, looksMs[i + 1] as number]
    if (startMs >= toMs) break
    if (endMs - startMs > longestGapMs) continue
    coveredMs += Math.min(endMs, toMs) - Math.max(startMs, fromMs)
  }
  return coveredMs / (toMs - fromMs)
}
