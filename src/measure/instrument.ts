import { difference, type Maybe, product, ratio, sum } from '../arithmetic.ts'
import { describeLevel, type LoadLevel } from '../load/benchmark.ts'
import type { RequestRecord } from '../load/record.ts'
import type { LevelLog } from '../load/run-log.ts'
import { US_PER_MS } from '../units.ts'
import { clientLoad } from './instrument-load.ts'
import { valuesOf } from './metrics.ts'
import { distribution } from './quantile.ts'
import type { ClientLoad, Distribution } from './summary.ts'

/**
 * What a server that tells the truth wrote down about one request. Times are of the operating
 * system's monotonic clock, in ms, which the client of the same machine can read too.
 */
export interface ServerStamp {
  /** The `x-request-id` that came with the request; absent when none did. */
  readonly requestId?: string
  /** The request's head was read. */
  readonly receivedMonotonicMs: number
  /** Of a stream: just before its head was written and, in a chat, the event that names the role. */
  readonly openedMonotonicMs?: number
  /**
   * Each chunk of output, taken just before its bytes were written to the socket: nobody can have
   * them earlier. After the write would be too late, for the kernel may run the reader first.
   */
  readonly chunkMonotonicMs: readonly number[]
  /** Of a stream that ended properly: just before its last bytes: reason, usage and end mark. */
  readonly closedMonotonicMs?: number
  readonly ended: 'length' | 'stop' | 'aborted' | 'refused'
}

/** Both sides of the same requests. */
export interface InstrumentInput {
  readonly records: readonly RequestRecord[]
  readonly stamps: readonly ServerStamp[]
  /** What comes before `-<record id>` in a stamp's `requestId`. */
  readonly idPrefix: string
  /** Where the records' times have their zero on the stamps' clock. */
  readonly epochMonotonicMs: number
}

/** How far what the client saw is from what the server did. Errors are the client's figure minus the server's, in ms. */
export interface InstrumentError {
  readonly requests: RequestMatches
  readonly chunks: ChunkCounts
  /** Per chunk: from just before the server's write to the client's stamp. */
  readonly delayMs: Distribution
  /** Delays below zero by more than rounding explains: the clocks or the matching are wrong. */
  readonly negativeDelays: number
  /** Per request: TTFT from the send, against the server's time from the request to the first chunk. */
  readonly ttftErrorMs: Distribution
  /** Per gap between two chunks, without its sign: client's gap against server's gap. */
  readonly gapErrorMs: Distribution
  /** How late the schedule was acted on, without the opening of a connection; open loop only. */
  readonly latenessMs?: Distribution
}

/** `compared + miscounted + recordsWithoutStamp + unsent` are the records given. */
interface RequestMatches {
  /** Both sides are known and their chunks can be paired. */
  readonly compared: number
  /** Of these, requests the client did not complete: only the chunks it has are paired. */
  readonly incomplete: number
  /** Both sides are known, but chunks were lost or invented, so that no chunk can be paired. */
  readonly miscounted: number
  /** Sent, but the server knows nothing of them. */
  readonly recordsWithoutStamp: number
  /** The server answered what no record tells of; a second stamp of one request is such an answer. */
  readonly stampsWithoutRecord: number
  /** Never sent; the server cannot know them. */
  readonly unsent: number
}

interface ChunkCounts {
  readonly compared: number
  /** Sent to requests that completed, and not seen by the client. */
  readonly lost: number
  /** Seen by the client, and never sent. */
  readonly invented: number
  /** Chunks that share their stamp with another of their answer: they came in one read. */
  readonly coalesced: number
}

/** A record is kept to the microsecond and an epoch is read to some; what is further below zero is no rounding. */
const CLOCK_TOLERANCE_MS = 0.05

/** Compares what the client recorded with what the server wrote down. Nothing is dropped: what cannot be compared is counted. */
export function instrumentError(input: InstrumentInput): InstrumentError {
  const { pairs, recordsWithoutStamp, stampsWithoutRecord, unsent } = match(input)
  const compared = pairs.filter((pair) => lost(pair) === 0 && invented(pair) === 0)
  const delays = compared.flatMap((pair) => delaysMs(pair, input.epochMonotonicMs))
  const lateness = valuesOf(input.records, 'latenessMs')
  return {
    requests: {
      compared: compared.length,
      incomplete: compared.filter(({ record }) => !isComplete(record)).length,
      miscounted: pairs.length - compared.length,
      recordsWithoutStamp,
      stampsWithoutRecord,
      unsent,
    },
    chunks: {
      compared: delays.length,
      lost: total(pairs.map(lost)),
      invented: total(pairs.map(invented)),
      coalesced: total(pairs.map(({ record }) => coalesced(record.chunkMs))),
    },
    delayMs: distribution(delays),
    negativeDelays: delays.filter((delayMs) => delayMs < -CLOCK_TOLERANCE_MS).length,
    ttftErrorMs: distribution(compared.map(ttftErrorMs).filter((error) => error !== undefined)),
    gapErrorMs: distribution(compared.flatMap(gapErrorsMs)),
    ...(lateness.length > 0 ? { latenessMs: distribution(lateness) } : {}),
  }
}

interface Pair {
  readonly record: RequestRecord
  readonly stamp: ServerStamp
}

interface Matched {
  readonly pairs: readonly Pair[]
  readonly recordsWithoutStamp: number
  readonly stampsWithoutRecord: number
  readonly unsent: number
}

function match({ records, stamps, idPrefix }: InstrumentInput): Matched {
  const stampOf = new Map<string | undefined, ServerStamp>()
  for (const stamp of stamps) {
    if (!stampOf.has(stamp.requestId)) stampOf.set(stamp.requestId, stamp)
  }
  const pairs = records.flatMap((record) => {
    const stamp = stampOf.get(`${idPrefix}-${record.id}`)
    return stamp ? [{ record, stamp }] : []
  })
  const paired = new Set(pairs.map(({ record }) => record))
  const alone = records.filter((record) => !paired.has(record))
  const unsent = alone.filter(({ sentMs }) => sentMs === undefined).length
  return {
    pairs,
    recordsWithoutStamp: alone.length - unsent,
    stampsWithoutRecord: stamps.length - pairs.length,
    unsent,
  }
}

function isComplete({ outcome }: RequestRecord): boolean {
  return outcome.kind === 'completed'
}

/** What was still on its way to a client that left is not lost. */
function lost({ record, stamp }: Pair): number {
  const missing = stamp.chunkMonotonicMs.length - record.chunkMs.length
  return isComplete(record) ? Math.max(0, missing) : 0
}

function invented({ record, stamp }: Pair): number {
  return Math.max(0, record.chunkMs.length - stamp.chunkMonotonicMs.length)
}

function delaysMs({ record, stamp }: Pair, epochMonotonicMs: number): number[] {
  return record.chunkMs.flatMap((ms, i) => {
    const writtenMs = stamp.chunkMonotonicMs[i]
    return writtenMs === undefined ? [] : [epochMonotonicMs + ms - writtenMs]
  })
}

function ttftErrorMs({ record, stamp }: Pair): Maybe {
  return difference(
    difference(record.chunkMs[0], record.sentMs),
    difference(stamp.chunkMonotonicMs[0], stamp.receivedMonotonicMs),
  )
}

function gapErrorsMs({ record, stamp }: Pair): number[] {
  const truth = gaps(stamp.chunkMonotonicMs)
  return gaps(record.chunkMs).map((gap, i) => Math.abs(gap - (truth[i] ?? gap)))
}

function gaps(times: readonly number[]): number[] {
  return times.slice(1).map((ms, i) => ms - (times[i] ?? ms))
}

function coalesced(chunkMs: readonly number[]): number {
  return chunkMs.filter((ms, i) => ms === chunkMs[i - 1] || ms === chunkMs[i + 1]).length
}

function total(counts: readonly number[]): number {
  return sum(counts) ?? 0
}

/** What one load level says about the instrument. */
export interface InstrumentLevel extends ClientLoad {
  readonly load: LoadLevel
  readonly label: string
  /** Over the requests of the measured phase. */
  readonly error: InstrumentError
  /** Over every request of the level, warm-up too. */
  readonly agreement: Agreement
  /** CPU time of the client per output chunk, over the whole level. */
  readonly cpuUsPerEvent?: number
  /** CPU time of the client / wall time, over the whole level; 1 is one core. */
  readonly cpuCores?: number
  /** Share of all the machine's cores that was busy, whoever used it: client, server and strangers. */
  readonly machineCpuRatio?: number
  readonly loopDelayP99Ms?: number
  readonly ended: LevelLog['ended']
}

/** Whether both sides tell of the same requests and chunks. */
type Agreement = Pick<InstrumentError, 'requests' | 'chunks' | 'negativeDelays'>

/** The figures of one level, from the records and stamps of a run of one or more. */
export function instrumentLevel(log: LevelLog, run: InstrumentInput): InstrumentLevel {
  const records = run.records.filter(({ level }) => level === log.level)
  const measured = records.filter(({ phase }) => phase === 'measured')
  const { requests, chunks, negativeDelays } = errorAmong(records, run)
  const { cpuCores, machineCpuRatio, loopDelayP99Ms } = log.health
  const cpuUs = product([cpuCores, log.endMs - log.startMs, US_PER_MS])
  return {
    load: log.load,
    label: describeLevel(log.load),
    ...clientLoad(records, { startMs: log.windowStartMs, endMs: log.windowEndMs }),
    error: errorAmong(measured, run),
    agreement: { requests, chunks, negativeDelays },
    cpuUsPerEvent: ratio(cpuUs, total(records.map(({ chunkMs }) => chunkMs.length))),
    cpuCores,
    machineCpuRatio,
    loopDelayP99Ms,
    ended: log.ended,
  }
}

/** The error over some requests of a run. */
function errorAmong(records: readonly RequestRecord[], run: InstrumentInput): InstrumentError {
  const ids = new Set(records.map(({ id }) => `${run.idPrefix}-${id}`))
  const stamps = run.stamps.filter(({ requestId }) => ids.has(requestId ?? ''))
  return instrumentError({ ...run, records, stamps })
}

/** The fastest level whose p99 of the detection delay is under a limit. */
export type RateUnder =
  | { readonly kind: 'reached'; readonly eventsPerS: number }
  /** No level was over the limit: the rate at which the instrument breaks is higher than this, and unknown. */
  | { readonly kind: 'all-under'; readonly eventsPerS: number }
  | { readonly kind: 'none' }
  /** No level had the samples that a p99 needs. */
  | { readonly kind: 'unknown' }

export function highestRateUnder(levels: readonly InstrumentLevel[], limitMs: number): RateUnder {
  const known = levels.flatMap(({ eventsPerS: rate, error }) => {
    const p99 = error.delayMs.p99.value
    return rate === undefined || p99 === undefined ? [] : [{ rate, p99 }]
  })
  const under = known.filter(({ p99 }) => p99 < limitMs)
  if (known.length === 0) return { kind: 'unknown' }
  if (under.length === 0) return { kind: 'none' }
  const eventsPerS = Math.max(...under.map(({ rate }) => rate))
  return { kind: under.length === known.length ? 'all-under' : 'reached', eventsPerS }
}
