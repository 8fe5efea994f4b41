import { US_PER_MS } from '../units.ts'
import type { Timeouts } from './benchmark.ts'
import type { Clock } from './clock.ts'
import type { EndedRequest, PlannedRequest } from './ended-request.ts'
import { createEventReader, type EventReader } from './event-reader.ts'
import { failureOf } from './failure.ts'
import type { Connection, Endpoint } from './http/connection.ts'
import { createPool } from './http/pool.ts'
import type { ResponseHead } from './http/response-reader.ts'
import { createSseReader } from './http/sse.ts'
import type { FailureKind, Outcome, RequestRecord, Timer, Usage } from './record.ts'
import type { EventMeaning, ServerApi } from './servers/server.ts'
import { addStamp, createStamps, type Stamps } from './stamps.ts'

export type Send = (request: PlannedRequest) => Promise<RequestRecord>

export interface Sender {
  readonly send: (request: PlannedRequest, onEnd: (ended: EndedRequest) => void) => void
  readonly inFlight: () => number
  /** Ends every request in flight as cancelled. */
  readonly cancelAll: () => void
  readonly connectionsOpened: () => number
  /** Socket reads so far, and chunks of the requests that ended. */
  readonly traffic: () => Traffic
  /** Cancels what is in flight and closes every connection. */
  readonly close: () => void
}

interface Traffic {
  readonly reads: number
  readonly chunks: number
}

interface SenderOptions {
  readonly endpoint: Endpoint
  readonly api: ServerApi
  readonly clock: Clock
  readonly timeouts: Timeouts
  /** Must appear in no record, though a server may repeat it in an error. */
  readonly secret?: string
  readonly onSweep?: (nowMs: number) => void
}

/** How often timers are looked at; a request may overrun its limit by this much. */
const TIMER_CHECK_MS = 100
const DETAIL_CHARACTERS = 300
/** More than the detail holds, so that a key in it is seen whole before it is cut. */
const MAX_ERROR_BODY_BYTES = 4096
/** Room for so many chunks is made at first; answers of more get it as they come. */
const LIKELY_CHUNKS = 1024

export function createSender({
  endpoint,
  api,
  clock,
  timeouts,
  secret,
  onSweep,
}: SenderOptions): Sender {
  let readMs = 0
  let reads = 0
  let chunks = 0
  const pool = createPool(endpoint, clock, (nowMs) => {
    readMs = nowMs
    reads++
  })
  const inFlight = new Set<Flight>()
  // One timer for all requests: a timer of its own per chunk would cost more than the chunk.
  const checker = setInterval(() => {
    const nowMs = clock.nowMs()
    for (const flight of inFlight) flight.checkTimers(nowMs)
    onSweep?.(nowMs)
  }, TIMER_CHECK_MS)
  checker.unref()

  const cancelAll = (): void => {
    for (const flight of inFlight) flight.close({ kind: 'cancelled' })
  }

  return {
    send: (request, onEnd) => {
      const flight = createFlight(request, {
        api,
        clock,
        timeouts,
        secret,
        readMs: () => readMs,
        giveBack: pool.giveBack,
      })
      inFlight.add(flight)
      flight.start(() => pool.take(flight.connecting))
      void flight.record.then((record) => {
        chunks += record.chunks.count
        inFlight.delete(flight)
        onEnd(record)
      })
    },
    cancelAll,
    inFlight: () => inFlight.size,
    connectionsOpened: pool.opened,
    traffic: () => ({ reads, chunks }),
    close: () => {
      clearInterval(checker)
      cancelAll()
      pool.close()
    },
  }
}

interface Flight {
  readonly record: Promise<EndedRequest>
  /** Aborts the opening of a connection. */
  readonly connecting: AbortSignal
  readonly start: (take: () => TakenConnection | Promise<TakenConnection>) => void
  readonly checkTimers: (nowMs: number) => void
  readonly close: (outcome: Outcome) => void
}

interface TakenConnection {
  readonly connection: Connection
  readonly connectMs?: number
}

interface FlightContext {
  readonly api: ServerApi
  readonly clock: Clock
  readonly timeouts: Timeouts
  readonly secret: string | undefined
  /** Moment of the socket read now being worked on. */
  readonly readMs: () => number
  readonly giveBack: (connection: Connection) => void
}

/** What is known of a request so far. */
interface Draft {
  sentMs?: number
  connectMs?: number
  firstByteMs?: number
  /** The first chunk that was not reasoning, where one that was came before. */
  firstVisibleMs?: number
  visible: boolean
  endMs?: number
  httpStatus?: number
  finishReason?: string
  usage?: Usage
  errorBody: Buffer
  readonly chunks: Stamps
}

/** One request from its issue to its record. */
function createFlight(request: PlannedRequest, context: FlightContext): Flight {
  const { api, clock, timeouts, readMs } = context
  const issuedMs = clock.nowMs()
  const abortConnecting = new AbortController()
  const draft: Draft = {
    chunks: createStamps(Math.min(request.requestedOutputTokens, LIKELY_CHUNKS)),
    errorBody: Buffer.alloc(0),
    visible: false,
  }
  let connection: Connection | undefined
  let settled = false
  let reusable = true
  let resolve: (record: EndedRequest) => void = () => {}
  const record = new Promise<EndedRequest>((done) => {
    resolve = done
  })

  const close = (outcome: Outcome): void => {
    if (settled) return
    settled = true
    if (outcome.kind !== 'completed') {
      abortConnecting.abort(new Error('closed'))
      connection?.destroy()
    }
    resolve(toRecord(request, draft, clock.nowMs(), presentable(outcome, context.secret)))
  }
  const closeIf = (outcome: Outcome | undefined): void => {
    if (outcome) close(outcome)
  }

  const readEvent = createEventReader(api)
  const events = createSseReader((bytes, start, end) => {
    if (!settled) closeIf(applyEvent(draft, readEvent, bytes, start, end, readMs()))
  })

  const onHead = (head: ResponseHead): void => {
    draft.firstByteMs ??= readMs()
    draft.httpStatus = head.status
    reusable = head.keepAlive
    closeIf(judgeHead(head, api.contentType))
  }

  const onBody = (bytes: Buffer, start: number, end: number): void => {
    if (isSuccess(draft.httpStatus)) events.push(bytes, start, end)
    else if (draft.errorBody.length < MAX_ERROR_BODY_BYTES)
      draft.errorBody = Buffer.concat([draft.errorBody, bytes.subarray(start, end)])
  }

  const onEnd = (): void => {
    if (!settled) close(judgeEnd(draft, readMs()))
    if (connection && reusable) context.giveBack(connection)
    else connection?.destroy()
  }

  const begin = (taken: TakenConnection): void => {
    if (settled) {
      taken.connection.destroy()
      return
    }
    connection = taken.connection
    draft.connectMs = taken.connectMs
    draft.sentMs = clock.nowMs()
    connection.exchange(request.bytes, {
      onHead,
      onBody,
      onEnd,
      onLost: (error) => close(judgeLoss(draft, error)),
    })
  }

  /** No promise in the way when an idle connection is at hand: the request leaves in the same tick. */
  const start: Flight['start'] = (take) => {
    const taken = take()
    if ('connection' in taken) begin(taken)
    else taken.then(begin, (error: unknown) => close({ kind: 'failed', ...failureOf(error) }))
  }

  return {
    record,
    connecting: abortConnecting.signal,
    start,
    close,
    checkTimers: (nowMs) => {
      const timer = expiredTimer(draft, issuedMs, nowMs, timeouts)
      if (timer) close({ kind: 'timed-out', timer })
    },
  }
}

function failed(failure: FailureKind, detail: string): Outcome {
  return { kind: 'failed', failure, detail }
}

/** A failure's detail without the key, and of a length fit for a line. */
function presentable(outcome: Outcome, secret: string | undefined): Outcome {
  if (outcome.kind !== 'failed') return outcome
  const { detail } = outcome
  const clean = secret === undefined ? detail : detail.replaceAll(secret, '***')
  return { ...outcome, detail: clean.slice(0, DETAIL_CHARACTERS) }
}

/** Notes what an event says; gives an outcome when the event ends the request. */
function applyEvent(
  draft: Draft,
  readEvent: EventReader,
  bytes: Buffer,
  start: number,
  end: number,
  nowMs: number,
): Outcome | undefined {
  let meaning: EventMeaning
  try {
    meaning = readEvent(bytes, start, end)
  } catch {
    return failed('malformed-event', bytes.toString('utf8', start, end))
  }
  if (meaning.error !== undefined) return failed('error-event', meaning.error)
  if (meaning.output !== undefined) {
    if (meaning.output !== 'reasoning' && !draft.visible) {
      draft.visible = true
      if (draft.chunks.count > 0) draft.firstVisibleMs = nowMs
    }
    addStamp(draft.chunks, Math.round(nowMs * US_PER_MS))
  }
  if (meaning.usage) draft.usage = meaning.usage
  if (meaning.finishReason !== undefined) draft.finishReason = meaning.finishReason
  return meaning.done ? completed(draft, nowMs) : undefined
}

function completed(draft: Draft, nowMs: number): Outcome {
  draft.endMs = nowMs
  return draft.chunks.count > 0
    ? { kind: 'completed' }
    : failed('empty-output', 'the stream held no output')
}

function isSuccess(status: number | undefined): boolean {
  return status !== undefined && status >= 200 && status < 300
}

function judgeHead(head: ResponseHead, contentType: string): Outcome | undefined {
  const type = head.headers.get('content-type') ?? 'none'
  if (!isSuccess(head.status) || type.toLowerCase().startsWith(contentType)) return undefined
  return failed('wrong-content-type', `expected ${contentType}, got ${type}`)
}

/** The HTTP message ended as it should; whether the stream in it did is another matter. */
function judgeEnd(draft: Draft, nowMs: number): Outcome {
  if (!isSuccess(draft.httpStatus)) return httpFailure(draft)
  if (draft.finishReason !== undefined) return completed(draft, nowMs)
  return failed('no-end-mark', 'the stream ended without an end mark or a finish reason')
}

function httpFailure(draft: Draft): Outcome {
  return failed('http-status', `${draft.httpStatus} ${draft.errorBody}`.trim())
}

function judgeLoss(draft: Draft, error: Error | undefined): Outcome {
  // A status that is no success says more than how the connection ended after it.
  if (draft.httpStatus !== undefined && !isSuccess(draft.httpStatus)) return httpFailure(draft)
  if (error) return { kind: 'failed', ...failureOf(error) }
  return failed(
    'early-close',
    draft.firstByteMs === undefined ? 'closed before any answer' : 'closed before the answer ended',
  )
}

function expiredTimer(
  draft: Draft,
  issuedMs: number,
  nowMs: number,
  timeouts: Timeouts,
): Timer | undefined {
  if (draft.sentMs === undefined)
    return nowMs - issuedMs > timeouts.connectMs ? 'connect' : undefined
  if (nowMs - draft.sentMs > timeouts.totalMs) return 'total'
  if (draft.chunks.count === 0)
    return nowMs - draft.sentMs > timeouts.firstTokenMs ? 'first-token' : undefined
  return nowMs - draft.chunks.lastUs / US_PER_MS > timeouts.idleMs ? 'idle' : undefined
}

function toRecord(
  request: PlannedRequest,
  draft: Draft,
  closedMs: number,
  outcome: Outcome,
): EndedRequest {
  return {
    request,
    ...draft,
    endMs: outcome.kind === 'completed' ? draft.endMs : undefined,
    closedMs,
    outcome,
  }
}
