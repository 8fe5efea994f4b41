import { difference, largest, type Maybe, mean, ratio } from '../arithmetic.ts'
import type { ServerSample } from './server-metrics.ts'
import type {
  ServerGauges,
  ServerHistogram,
  ServerReadings,
  ServerTimes,
} from './server-readings.ts'

/** What a server counted between two of its samples. Absent is not told. */
export interface ServerCounts {
  /** Of the first and the last sample that count, ms since the run's epoch. */
  readonly fromMs: number
  readonly toMs: number
  readonly samples: number
  /** Looks in between that failed. */
  readonly gaps: number
  /** Times that a counter went back: the server started anew, and what it did since its last sample is lost. */
  readonly resets: number
  /** Of whoever asked, not of this client alone. */
  readonly inputTokens?: number
  readonly outputTokens?: number
  readonly requestsEnded?: number
  readonly preemptions?: number
  /** Prompt tokens found in the prefix cache / looked for. */
  readonly prefixCacheHitRatio?: number
  /** Drafted tokens accepted / drafted. */
  readonly specAcceptedRatio?: number
  readonly runningMean?: number
  readonly runningMax?: number
  readonly waitingMean?: number
  readonly waitingMax?: number
  readonly kvCacheUsedRatioMax?: number
  readonly ttftMs?: ServerHistogram
  readonly queueMs?: ServerHistogram
  readonly latencyMs?: ServerHistogram
  readonly itlMs?: ServerHistogram
  readonly tpotMs?: ServerHistogram
}

type Read = Extract<ServerSample, { readings: ServerReadings }>

/**
 * What the server counted inside a window: from the first to the last sample in it, whose moments
 * come along, so that a client's own counts can be taken over the same stretch.
 *
 * @returns undefined when fewer than two samples are in the window
 */
export function serverCounts(
  samples: readonly ServerSample[],
  fromMs: number,
  toMs: number,
): ServerCounts | undefined {
  const inside = samples.filter(({ atMs }) => atMs >= fromMs && atMs <= toMs)
  const read = inside.filter((sample): sample is Read => 'readings' in sample)
  const [first] = read
  const last = read.at(-1)
  if (first === undefined || last === undefined || first === last) return undefined
  const between = inside.filter(({ atMs }) => atMs > first.atMs && atMs < last.atMs)
  const moved = (key: keyof ServerGauges): Maybe => increase(read.map((one) => one.readings[key]))
  const now = (key: keyof ServerGauges): number[] =>
    read.map((one) => one.readings[key]).filter((value) => value !== undefined)
  const times = (key: keyof ServerTimes) => histogramIncrease(read.map((one) => one.readings[key]))
  const accepted = ratio(moved('specAcceptedTokensTotal'), moved('specDraftedTokensTotal'))
  return {
    fromMs: first.atMs,
    toMs: last.atMs,
    samples: read.length,
    gaps: between.filter((sample) => 'gap' in sample).length,
    resets: countResets(read),
    inputTokens: moved('inputTokensTotal'),
    outputTokens: moved('outputTokensTotal'),
    requestsEnded: moved('requestsEndedTotal'),
    preemptions: moved('preemptionsTotal'),
    prefixCacheHitRatio: ratio(
      moved('prefixCacheHitTokensTotal'),
      moved('prefixCacheQueryTokensTotal'),
    ),
    specAcceptedRatio: accepted ?? mean(now('specAcceptedRatio')),
    runningMean: mean(now('running')),
    runningMax: largest(now('running')),
    waitingMean: mean(now('waiting')),
    waitingMax: largest(now('waiting')),
    kvCacheUsedRatioMax: largest(now('kvCacheUsedRatio')),
    ttftMs: times('ttftMs'),
    queueMs: times('queueMs'),
    latencyMs: times('latencyMs'),
    itlMs: times('itlMs'),
    tpotMs: times('tpotMs'),
  }
}

/** By how much a counter grew; after a reset it counts from 0. Unknown where it was not told at both ends. */
function increase(values: readonly Maybe[]): Maybe {
  if (values[0] === undefined || values.at(-1) === undefined) return undefined
  const told = values.filter((value) => value !== undefined)
  let total = 0
  for (let i = 1; i < told.length; i++) total += step(told[i - 1] ?? 0, told[i] ?? 0)
  return total
}

function step(before: number, after: number): number {
  return after < before ? after : after - before
}

function histogramIncrease(
  values: readonly (ServerHistogram | undefined)[],
): ServerHistogram | undefined {
  if (values[0] === undefined || values.at(-1) === undefined) return undefined
  const told = values.filter((value) => value !== undefined)
  let total: ServerHistogram | undefined
  for (let i = 1; i < told.length; i++) {
    const [before, after] = [told[i - 1], told[i]]
    if (before && after) total = addHistograms(total, subtractHistograms(after, before))
  }
  return total
}

function subtractHistograms(after: ServerHistogram, before: ServerHistogram): ServerHistogram {
  if (after.count < before.count) return after
  const had = new Map(before.buckets)
  return {
    sumMs: after.sumMs - before.sumMs,
    count: after.count - before.count,
    buckets: after.buckets.map(([bound, count]) => [bound, count - (had.get(bound) ?? 0)]),
  }
}

function addHistograms(total: ServerHistogram | undefined, more: ServerHistogram): ServerHistogram {
  if (total === undefined) return more
  const had = new Map(total.buckets)
  return {
    sumMs: total.sumMs + more.sumMs,
    count: total.count + more.count,
    buckets: more.buckets.map(([bound, count]) => [bound, count + (had.get(bound) ?? 0)]),
  }
}

const counters = [
  'inputTokensTotal',
  'outputTokensTotal',
  'requestsEndedTotal',
  'preemptionsTotal',
  'prefixCacheQueryTokensTotal',
  'specDraftedTokensTotal',
] as const

/** A restart sets all counters back together, and is one. */
function countResets(samples: readonly Read[]): number {
  const wentBack = ({ readings }: Read, i: number): boolean =>
    counters.some((key) => (difference(readings[key], samples[i - 1]?.readings[key]) ?? 0) < 0)
  return samples.filter(wentBack).length
}
