import { type Maybe, ratio } from '../arithmetic.ts'
import { serverCounts } from '../load/server-counts.ts'
import type { ServerSample } from '../load/server-metrics.ts'
import type { ServerHistogram } from '../load/server-readings.ts'
import { rankOf, sampleFloor } from './quantile.ts'
import type { PercentileBounds, ServerFigures, ServerMoment, ServerTime } from './summary.ts'

/**
 * What the server said of itself between two moments, ms since the run's epoch.
 *
 * @returns undefined when it was read less than twice in between
 */
export function serverFigures(
  samples: readonly ServerSample[],
  fromMs: number,
  toMs: number,
): ServerFigures | undefined {
  const counts = serverCounts(samples, fromMs, toMs)
  if (counts === undefined) return undefined
  const { ttftMs, queueMs, latencyMs, itlMs, tpotMs } = counts
  return {
    ...counts,
    ttftMs: serverTime(ttftMs),
    queueMs: serverTime(queueMs),
    latencyMs: serverTime(latencyMs),
    itlMs: serverTime(itlMs),
    tpotMs: serverTime(tpotMs),
  }
}

/** The same of all that was read. */
export function wholeRunFigures(samples: readonly ServerSample[]): ServerFigures | undefined {
  return serverFigures(samples, Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY)
}

function serverTime(histogram: ServerHistogram | undefined): ServerTime | undefined {
  if (histogram === undefined || histogram.count === 0) return undefined
  const { count: n, sumMs, buckets } = histogram
  const meanMs = ratio(sumMs, n)
  if (buckets.length === 0) return { n, meanMs }
  return { n, meanMs, p50: percentileBounds(histogram, 50), p95: percentileBounds(histogram, 95) }
}

/** A bucket tells how many times are at most its bound, so its percentile is only known to lie in it. */
export function percentileBounds({ count, buckets }: ServerHistogram, p: number): PercentileBounds {
  const floor = sampleFloor(p)
  if (count < floor) return { p, withheldUntilN: floor }
  const at = buckets.findIndex(([, atMost]) => atMost >= rankOf(count, p))
  const below = at === -1 ? buckets.length - 1 : at - 1
  return { p, aboveMs: buckets[below]?.[0] ?? 0, upToMs: buckets[at]?.[0] }
}

/** A chart shows no more, and a summary need not be as long as what it sums up. */
const MAX_MOMENTS = 240

/**
 * How busy the server was over the run: the looks as they were made, or for a long run the largest of
 * each of 240 equal stretches of time. Empty where nothing of it was told.
 */
export function serverTimeline(samples: readonly ServerSample[]): ServerMoment[] {
  const moments = samples.flatMap(momentOf)
  if (moments.length <= MAX_MOMENTS) return moments
  const firstMs = moments[0]?.atMs ?? 0
  const lastMs = moments.at(-1)?.atMs ?? firstMs
  const stretchMs = (lastMs - firstMs) / MAX_MOMENTS
  const stretches = new Map<number, ServerMoment>()
  for (const moment of moments) {
    const stretch = Math.min(MAX_MOMENTS - 1, Math.floor((moment.atMs - firstMs) / stretchMs))
    const before = stretches.get(stretch)
    stretches.set(stretch, before === undefined ? moment : largestOf(before, moment))
  }
  return [...stretches.values()]
}

function momentOf(sample: ServerSample): ServerMoment[] {
  if ('gap' in sample) return []
  const { running, waiting, kvCacheUsedRatio } = sample.readings
  const told = [running, waiting, kvCacheUsedRatio].some((value) => value !== undefined)
  return told ? [{ atMs: sample.atMs, running, waiting, kvCacheUsedRatio }] : []
}

function largestOf(one: ServerMoment, other: ServerMoment): ServerMoment {
  return {
    atMs: one.atMs,
    running: larger(one.running, other.running),
    waiting: larger(one.waiting, other.waiting),
    kvCacheUsedRatio: larger(one.kvCacheUsedRatio, other.kvCacheUsedRatio),
  }
}

function larger(one: Maybe, other: Maybe): Maybe {
  if (one === undefined || other === undefined) return one ?? other
  return Math.max(one, other)
}
