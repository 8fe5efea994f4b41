import { type RequestRecord, startMs } from '../load/record.ts'
import { MS_PER_S } from '../units.ts'
import { outputTokens } from './metrics.ts'
import { isCompleted, isInside, type Window } from './throughput.ts'

/** What happened in a window, in equal stretches of time one after the other. */
export interface Series {
  readonly startMs: number
  readonly binMs: number
  /** That arrived in the bin, from whichever requests count for throughput. */
  readonly outputTokens: Float64Array
  /** Requests between the start of their clock and their end: mean over the time of the bin. */
  readonly inFlight: Float64Array
  /** Of the requests whose clock started in the bin: how many had a first token, and their TTFTs together. */
  readonly firstTokens: Float64Array
  readonly ttftTotalMs: Float64Array
  /** Requests that ended in the bin, however they did, and the times they had been in flight together. */
  readonly ended: Float64Array
  readonly latencyTotalMs: Float64Array
}

/** Adds up a series from the records of a level, of any phase, given one at a time. */
export interface SeriesTally {
  readonly add: (record: RequestRecord) => void
  /** @param tokensPerChunk what a chunk of a given-up answer counts where nobody told its tokens */
  readonly finish: (tokensPerChunk: number) => Series
}

/** A multiple of five times twenty, so that no bin is left over by batches of 5 or by 20 batches. */
const BIN_STEP = 100
const FEWEST_BINS = 200
/** Two hours of a second each; then bins grow longer, and memory does not: 58 KB for each of eight columns. */
const MOST_BINS = 7200

/** Bins of a window: of a second, shorter in windows under 200 s and longer in those over two hours. */
export function binCount({ startMs, endMs }: Window): number {
  const seconds = (endMs - startMs) / MS_PER_S
  const steps = Math.ceil(seconds / BIN_STEP)
  return Math.min(MOST_BINS, Math.max(FEWEST_BINS, steps * BIN_STEP))
}

/** A series of a window of some length, in memory that does not grow with the records. */
export function startSeries(window: Window): SeriesTally {
  const n = binCount(window)
  const binMs = (window.endMs - window.startMs) / n
  const column = (): Float64Array => new Float64Array(n)
  const [tokens, givenUpChunks, firstTokens, ttftTotalMs] = [column(), column(), column(), column()]
  const [ended, latencyTotalMs] = [column(), column()]
  const inFlight = startInFlight(window, n, binMs)
  const put = (to: Float64Array, ms: number, amount: number): void => {
    if (!isInside(window, ms)) return
    // Rounded, the last moment of the window may be one bin too far.
    const bin = Math.min(n - 1, Math.floor((ms - window.startMs) / binMs))
    to[bin] = (to[bin] ?? 0) + amount
  }

  const addCompleted = (record: RequestRecord): void => {
    const { chunkMs, chunkTokens } = record
    const told = chunkTokens?.reduce((total, each) => total + each, 0) ?? 0
    const all = outputTokens(record)
    const even = all / chunkMs.length
    let i = 0
    for (const ms of chunkMs) {
      put(tokens, ms, told > 0 ? (all * (chunkTokens?.[i] ?? 0)) / told : even)
      i++
    }
  }
  const addGivenUp = ({ chunkMs, chunkTokens }: RequestRecord): void => {
    for (const [i, ms] of chunkMs.entries()) {
      if (chunkTokens === undefined) put(givenUpChunks, ms, 1)
      else put(tokens, ms, chunkTokens[i] ?? 0)
    }
  }

  return {
    add: (record) => {
      if (isCompleted(record)) addCompleted(record)
      else if (wasGivenUp(record)) addGivenUp(record)
      const from = startMs(record)
      if (from === undefined) return
      const to = record.endMs ?? record.closedMs
      inFlight.add(from, record.closedMs)
      put(ended, to, 1)
      put(latencyTotalMs, to, to - from)
      const [firstMs] = record.chunkMs
      if (firstMs === undefined) return
      put(firstTokens, from, 1)
      put(ttftTotalMs, from, firstMs - from)
    },
    finish: (tokensPerChunk) => ({
      startMs: window.startMs,
      binMs,
      outputTokens: tokens.map((amount, i) => amount + (givenUpChunks[i] ?? 0) * tokensPerChunk),
      inFlight: inFlight.finish(),
      firstTokens,
      ttftTotalMs,
      ended,
      latencyTotalMs,
    }),
  }
}

function wasGivenUp({ outcome: { kind } }: RequestRecord): boolean {
  return kind === 'cancelled' || kind === 'abandoned'
}

/** Requests in flight as time goes by: each adds what it has of its own bin, and one to all bins after it. */
export function startInFlight({ startMs }: Window, n: number, binMs: number) {
  const ownMs = new Float64Array(n)
  const after = new Float64Array(n)
  const step = (ms: number, by: 1 | -1): void => {
    const bin = Math.max(0, Math.floor((ms - startMs) / binMs))
    if (bin >= n) return
    const leftMs = Math.min(binMs, startMs + (bin + 1) * binMs - ms)
    ownMs[bin] = (ownMs[bin] ?? 0) + by * leftMs
    after[bin] = (after[bin] ?? 0) + by
  }
  return {
    add: (fromMs: number, toMs: number): void => {
      step(fromMs, 1)
      step(toMs, -1)
    },
    finish: (): Float64Array => {
      let before = 0
      return ownMs.map((ms, i) => {
        const mean = before + ms / binMs
        before += after[i] ?? 0
        return mean
      })
    },
  }
}

/** Sums of successive bins, so many at a time; last bins that do not fill one are left out. */
export function coarser(values: Float64Array, times: number): number[] {
  const sums: number[] = []
  for (let from = 0; from + times <= values.length; from += times) {
    let total = 0
    for (let i = from; i < from + times; i++) total += values[i] ?? 0
    sums.push(total)
  }
  return sums
}
