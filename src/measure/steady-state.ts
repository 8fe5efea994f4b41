import { difference, type Maybe, mean, ratio } from '../arithmetic.ts'
import type { LoadLevel } from '../load/benchmark.ts'
import { MS_PER_S } from '../units.ts'
import { meanInterval } from './intervals.ts'
import { coarser, type Series } from './series.ts'
import { batchMeans } from './statistics/batch-means.ts'
import { littlesLawResidual } from './statistics/littles-law.ts'
import { variance } from './statistics/moments.ts'
import { marginalErrors } from './statistics/mser.ts'
import { overload } from './statistics/overload.ts'
import { type Point, trend } from './statistics/trend.ts'
import type { LittlesLaw, SteadyState } from './summary.ts'

export interface SteadyStateInput {
  readonly series: Series
  readonly load: LoadLevel
  /** Median of the completed requests. */
  readonly latencyMs: Maybe
}

/** MSER-5 (Spratt 1998). */
const MSER_BATCH = 5
/** Ten batches, the fewest of which a start-up can be told. */
const FEWEST_BINS = 10 * MSER_BATCH
const UNLIKE_ERRORS = 3
/** Two more chances for noise to look like a change. */
const HALF_UNLIKE_ERRORS = 4
/** Five bins, a batch, then hold a whole request: what one does first and last is no change of the system. */
const BINS_A_LATENCY = 5
const FEWEST_LATENCIES = FEWEST_BINS / BINS_A_LATENCY
/** Of the window: MSER speaks of a start-up up to its half. */
const MAX_START_RATIO = 0.5
/** A change longer before the end than this is no tail: the server went on in another way. */
const MAX_TAIL_RATIO = 0.25
const MIN_KEPT_RATIO = 0.5
/** A change that matters: MLPerf's of a result, and far above the 0.1 % that edges of bins move. */
const MIN_DRIFT_RATIO = 0.02
const DRIFT_CONFIDENCE = 0.99
/** By how much requests in flight and TTFT must both grow, over the second half of the window, to speak of a queue. */
const MIN_GROWTH_RATIO = 0.1

/**
 * The part of a window in which nothing changed but by chance, and its throughput; or why there is none.
 * In open loop, a queue that grows for as long as the load lasts leaves none, however even the throughput:
 * the rate is above capacity. Else MSER-5 cuts the start-up and, from the other end, a tail; what is left
 * must have no trend.
 */
export function steadyStateOf({ series, load, latencyMs }: SteadyStateInput): SteadyState {
  const unfit = whyNotJudged(series, load, latencyMs)
  const growth = load.kind === 'closed' || isPlannedToChange(load) ? undefined : growthOf(series)
  if (growth) return { kind: 'overloaded', ...growth }
  if (unfit !== undefined) return { kind: 'not-judged', reason: unfit }
  const times = binsInOne(series, latencyMs)
  const bins = coarser(series.outputTokens, times)
  const kept = evenPart(bins)
  const drift = driftIn(bins, kept)
  if (drift) return { kind: 'drifts', ...drift }
  if (!kept) return { kind: 'never-settles' }
  return steadyPart(series, kept.from * times, kept.until * times)
}

/** Where the rate is meant to change there is no steady state to look for. */
function isPlannedToChange({ kind }: LoadLevel): boolean {
  return kind === 'ramp' || kind === 'trace'
}

function whyNotJudged(series: Series, load: LoadLevel, latencyMs: Maybe): string | undefined {
  if (isPlannedToChange(load)) return 'the load itself changes with time'
  const requests = total(series.ended)
  if (latencyMs === undefined || total(series.outputTokens) === 0) return 'no request completed'
  const windowMs = series.binMs * series.ended.length
  if (windowMs < FEWEST_LATENCIES * latencyMs)
    return `the window is ${(windowMs / latencyMs).toFixed(1)} median latencies long, and ${FEWEST_LATENCIES} are needed`
  if (requests < FEWEST_BINS)
    return `${requests} requests ended in the window, and ${FEWEST_BINS} are needed`
  return undefined
}

/** How many bins are made one, so that it is a fifth of a latency or more and a request or more end in it. */
function binsInOne({ binMs, ended }: Series, latencyMs: Maybe): number {
  const byLatency = Math.ceil((latencyMs ?? 0) / BINS_A_LATENCY / binMs)
  const byRequests = Math.ceil(ended.length / total(ended))
  return Math.min(Math.max(1, byLatency, byRequests), Math.floor(ended.length / FEWEST_BINS))
}

interface Part {
  readonly from: number
  readonly until: number
}

/**
 * What MSER-5 leaves from the start and, on what is left in reverse, from the end; again until neither
 * cuts, as a tail can hide a start-up from it.
 */
function evenPart(bins: readonly number[]): Part | undefined {
  let part: Part = { from: 0, until: bins.length }
  const tail = MAX_TAIL_RATIO * bins.length
  for (;;) {
    const from = part.from + cutAtStart(bins.slice(part.from, part.until))
    const most = tail - (bins.length - part.until)
    const until = part.until - cutAtStart(bins.slice(from, part.until).reverse(), most)
    if (isTooMuch({ from, until }, bins.length)) return undefined
    if (from === part.from && until === part.until) return part
    part = { from, until }
  }
}

function isTooMuch({ from, until }: Part, n: number): boolean {
  return (
    from > MAX_START_RATIO * n ||
    n - until > MAX_TAIL_RATIO * n ||
    until - from < MIN_KEPT_RATIO * n
  )
}

/**
 * Bins that MSER-5 cuts, half of them at most. Of noise alone it often cuts some, so what it would cut, or a half of
 * it, must be unlike the rest. Not only all of it: a slow start and what comes before a decline are like the rest
 * together.
 *
 * @param most that may be cut: of a longer cut the end next to the rest is given back as far as it is like it, as the
 * rule's least value is flat and may lie far beyond the change
 */
function cutAtStart(bins: readonly number[], most: number = bins.length): number {
  const means = batchMeans(bins, MSER_BATCH)
  const tried = marginalErrors(means).subarray(0, Math.ceil(means.length / 2))
  const least = tried.indexOf(Math.min(...tried))
  const rest = means.slice(least)
  const half = Math.floor(least / 2)
  const halves = [means.slice(0, half), means.slice(half, least)]
  const isUnlike =
    areUnlike(means.slice(0, least), rest) ||
    halves.some((part) => areUnlike(part, rest, HALF_UNLIKE_ERRORS))
  if (!isUnlike) return 0
  return MSER_BATCH * (least * MSER_BATCH > most ? unlikeOf(means, least) : least)
}

/** Of the batches cut, how many are left when as much as possible of their end, together like the rest, is given back. */
function unlikeOf(means: readonly number[], cut: number): number {
  const rest = means.slice(cut)
  let left = 0
  while (left < cut && areUnlike(means.slice(left, cut), rest)) left++
  return left
}

function areUnlike(
  cut: readonly number[],
  rest: readonly number[],
  errors: number = UNLIKE_ERRORS,
): boolean {
  const apart = difference(mean(cut), mean(rest))
  const spread = variance(rest)
  if (apart === undefined || spread === undefined) return false
  return Math.abs(apart) > errors * Math.sqrt(spread * (1 / cut.length + 1 / rest.length))
}

/**
 * The drift of an even part, or of what stands before its cuts are given back as far as they are like it: MSER cuts
 * a slow drift at both ends, and what it leaves is the flattest of it. Where no part is even, a tail is too long to be
 * one, and the window may change throughout, or what its start-up leaves.
 */
function driftIn(bins: readonly number[], kept: Part | undefined) {
  const within = ({ from, until }: Part) => driftOf(bins.slice(from, until), bins.length)
  const whole = { from: 0, until: bins.length }
  return kept
    ? (within(kept) ?? within(givenBack(bins, kept)))
    : (within(whole) ?? within({ ...whole, from: cutAtStart(bins) }))
}

function givenBack(bins: readonly number[], { from, until }: Part): Part {
  const cut = (of: readonly number[], length: number): number =>
    MSER_BATCH * unlikeOf(batchMeans(of, MSER_BATCH), Math.floor(length / MSER_BATCH))
  const tail = cut(bins.slice(from).reverse(), bins.length - until)
  return { from: cut(bins.slice(0, until), from), until: bins.length - tail }
}

/** A trend for sure, and of a size that matters if the whole window had it: cut short by its own doing it is no smaller. */
function driftOf(bins: readonly number[], windowBins: number) {
  const points = bins.map((value, i): Point => ({ atMs: i, value }))
  const found = trend(points, { confidence: DRIFT_CONFIDENCE })
  const { changeRatio, changeLowRatio, changeHighRatio } = found ?? {}
  if (changeRatio === undefined || changeLowRatio === undefined || changeHighRatio === undefined)
    return undefined
  const isSure = changeLowRatio > 0 || changeHighRatio < 0
  const overWindow = Math.abs(changeRatio) * (windowBins / bins.length)
  return isSure && overWindow >= MIN_DRIFT_RATIO
    ? { changeRatio, lowRatio: changeLowRatio, highRatio: changeHighRatio }
    : undefined
}

/** By how much the queue grew, if it did all the time: over the window, and over its second half, when no start-up is left. */
function growthOf(series: Series) {
  const whole = overload(...queueOf(series, 0))
  const half = overload(...queueOf(series, Math.floor(series.inFlight.length / 2)))
  const inFlightRatio = half.inFlight?.changeRatio
  const ttftRatio = half.ttft?.changeRatio
  if (inFlightRatio === undefined || ttftRatio === undefined) return undefined
  const grows = Math.min(inFlightRatio, ttftRatio) >= MIN_GROWTH_RATIO
  return grows && whole.verdict === 'overloaded' && half.verdict === 'overloaded'
    ? { inFlightRatio, ttftRatio }
    : undefined
}

/** Requests in flight bin by bin, and the mean TTFT of the requests that began in each. */
function queueOf(
  { inFlight, firstTokens, ttftTotalMs, binMs }: Series,
  from: number,
): [Point[], Point[]] {
  const queue: Point[] = []
  const ttft: Point[] = []
  for (let i = from; i < inFlight.length; i++) {
    const atMs = i * binMs
    queue.push({ atMs, value: inFlight[i] ?? 0 })
    const meanMs = ratio(ttftTotalMs[i], firstTokens[i])
    if (meanMs !== undefined) ttft.push({ atMs, value: meanMs })
  }
  return [queue, ttft]
}

function steadyPart(series: Series, from: number, until: number): SteadyState {
  const { startMs, binMs } = series
  const perBin = [...series.outputTokens.subarray(from, until)]
  const rates = perBin.map((tokens) => (tokens * MS_PER_S) / binMs)
  return {
    kind: 'steady',
    startMs: startMs + from * binMs,
    endMs: startMs + until * binMs,
    outputTokensPerS: mean(rates) ?? 0,
    interval: meanInterval(rates),
  }
}

/** The throughput of the whole window, bin by bin. */
export function throughputInterval({ outputTokens, binMs }: Series) {
  return meanInterval([...outputTokens].map((tokens) => (tokens * MS_PER_S) / binMs))
}

/** Between two ways to the same figure; beside it stands what the edges of a stretch may hold. */
const MAX_RESIDUAL_RATIO = 0.05

/**
 * L = lambda W over a steady stretch (Little, Operations Research 9, 1961): requests in flight, from their
 * beginnings to when their records closed, against those that ended x the time they took, however they
 * ended. At each of its two edges requests are cut in two, which may hold a mean latency / the length of the
 * stretch, so as much is allowed for.
 *
 * @returns nothing where no steady state is known: it holds for none other
 */
export function littlesLawOf(series: Series, steady: SteadyState): LittlesLaw | undefined {
  if (steady.kind !== 'steady') return undefined
  const bin = (ms: number): number => Math.round((ms - series.startMs) / series.binMs)
  const inside = (values: Float64Array): Float64Array =>
    values.subarray(bin(steady.startMs), bin(steady.endMs))
  const lengthMs = steady.endMs - steady.startMs
  const ended = total(inside(series.ended))
  const meanInFlight = mean([...inside(series.inFlight)])
  const endedPerS = (ended * MS_PER_S) / lengthMs
  const meanLatencyMs = ratio(total(inside(series.latencyTotalMs)), ended)
  const residualRatio = littlesLawResidual(meanInFlight, endedPerS, meanLatencyMs)
  if (meanInFlight === undefined || meanLatencyMs === undefined || residualRatio === undefined)
    return undefined
  const limitRatio = MAX_RESIDUAL_RATIO + (2 * meanLatencyMs) / lengthMs
  return { meanInFlight, endedPerS, meanLatencyMs, residualRatio, limitRatio }
}

function total(values: Float64Array): number {
  return values.reduce((sum, value) => sum + value, 0)
}
