import type { Socket } from 'node:net'
import { US_PER_MS } from '../units.ts'
import type { Timeouts } from './benchmark.ts'
import { type Clock, MAX_TIMER_MS } from './clock.ts'
import type { EndedRequest, PlannedRequest } from './ended-request.ts'
import type { EventReader } from './event-reader.ts'
import { failureOf } from './failure.ts'
import { type ConnectionHandler, type Endpoint, openConnection } from './http/connection.ts'
import {
  createEventStream,
  type EventStream,
  endEventStream,
  readEventStream,
  resetEventStream,
} from './http/event-stream.ts'
import {
  closeResponse,
  createResponseReader,
  expectResponse,
  HttpProtocolError,
  type ResponseHandler,
  type ResponseHead,
  type ResponseReader,
  readResponse,
} from './http/response-reader.ts'
import type { FailureKind, Outcome, ServerTimings, Timer, Usage } from './record.ts'
import { addUsage } from './servers/event-values.ts'
import type { EventMeaning, OutputTokens, ServerApi } from './servers/server.ts'
import { addStamp, clearStamps, createStamps, type Stamps } from './stamps.ts'

export type OnEnded = (ended: EndedRequest) => void

/** What the flights of one sender share. */
export interface Fleet {
  readonly endpoint: Endpoint
  readonly api: Pick<ServerApi, 'contentType' | 'framing' | 'endsWith'>
  readonly readEvent: EventReader
  readonly clock: Clock
  readonly timeouts: Timeouts
  /** Must appear in no record, though a server may repeat it in an error. */
  readonly secret: string | undefined
  /** Every connection that is open or being opened. */
  readonly flights: Flight[]
  /** Those that wait for a request, the one used last at the end. */
  readonly idle: Flight[]
  /** Stamps that no request uses. */
  readonly spareStamps: Stamps[]
  /** Moment of the socket read now being worked on; `readUs` in whole microseconds. */
  readMs: number
  readUs: number
  reads: number
  chunks: number
  opened: number
  inFlight: number
}

/**
 * A keep-alive connection and the request on it, one after another. `unfinished` is an answer that
 * said it was over while its HTTP message was not.
 */
export interface Flight {
  readonly fleet: Fleet
  readonly response: ResponseReader<Flight>
  readonly events: EventStream<Flight>
  connection: Socket | undefined
  state: 'opening' | 'busy' | 'unfinished' | 'idle' | 'closed'
  /** Index in `fleet.flights`. */
  place: number
  /** When the connection was asked for. */
  issuedMs: number

  // Of the request, from its start until its end is told. Its facts are copied, as whatever is kept for as long
  // as an answer takes is moved by the garbage collector, in a pause that comes between chunks and their times.
  /** Until it is sent. */
  unsent: PlannedRequest | undefined
  id: number
  level: number
  phase: PlannedRequest['phase']
  dueMs: number | undefined
  requestedInputTokens: number | undefined
  requestedOutputTokens: number
  onEnded: OnEnded | undefined
  chunks: Stamps
  /** Where the server tells. */
  chunkTokens: number[] | undefined
  /** The chunk with which the request is given up on purpose, counted from 1. */
  lastChunk: number | undefined
  /** Of a request that is given up on purpose at a moment. */
  abandonTimer: NodeJS.Timeout | undefined
  /** Of the answer, where the server tells these. */
  tokensSoFar: number
  charactersSoFar: number
  connectMs: number | undefined
  sentMs: number | undefined
  firstByteMs: number | undefined
  /** The first event, where it brought no output. */
  firstEventMs: number | undefined
  visible: boolean
  /** The first chunk that was not reasoning, where one that was came before. */
  firstVisibleMs: number | undefined
  /** The event that told the finish reason, where it brought no output. */
  finishMs: number | undefined
  endMs: number | undefined
  httpStatus: number | undefined
  finishReason: string | undefined
  usage: Usage | undefined
  serverTimings: ServerTimings | undefined
  errorBody: Buffer | undefined
  keepAlive: boolean
  outcome: Outcome | undefined
}

const DETAIL_CHARACTERS = 300
/** More than the detail holds, so that a key in it is seen whole before it is cut. */
const MAX_ERROR_BODY_BYTES = 4096
/** Room for so many chunks is made at first; answers of more get it as they come. */
const LIKELY_CHUNKS = 1024
/** An answer that is over may take so long to end its HTTP message; then its connection is closed. */
const UNFINISHED_MS = 100
const COMPLETED: Outcome = { kind: 'completed' }
const ABANDONED: Outcome = { kind: 'abandoned' }
const NO_STAMPS = createStamps(0)

/** Opens a connection for a request. `onEnded` is called exactly once, and never before this returns. */
export function openFlight(fleet: Fleet, request: PlannedRequest, onEnded: OnEnded): void {
  const flight = createFlight(fleet)
  prepare(flight, request, onEnded)
  try {
    flight.connection = openConnection(fleet.endpoint, connectionHandler, flight)
  } catch (error) {
    setImmediate(connectionHandler.onLost, flight, error as Error)
  }
}

/** Sends a request over an idle connection, in this tick. As `openFlight` otherwise. */
export function flyAgain(flight: Flight, request: PlannedRequest, onEnded: OnEnded): void {
  prepare(flight, request, onEnded)
  depart(flight, request)
}

export function isUsable({ state, connection }: Flight): boolean {
  return state === 'idle' && connection !== undefined && connection.writable
}

/** Ends the request as cancelled, if there is one. */
export function cancelFlight(flight: Flight): void {
  end(flight, { kind: 'cancelled' })
  tell(flight)
}

/** Ends what took too long. */
export function checkFlight(flight: Flight, nowMs: number): void {
  switch (flight.state) {
    case 'opening':
    case 'busy': {
      const timer = expiredTimer(flight, nowMs)
      if (timer === undefined) return
      end(flight, { kind: 'timed-out', timer })
      tell(flight)
      return
    }
    case 'unfinished':
      if (nowMs - (flight.endMs ?? nowMs) >= UNFINISHED_MS) closeFlight(flight)
      return
    case 'idle':
    case 'closed':
  }
}

/** Closes the connection, and tells nobody. */
export function closeFlight(flight: Flight): void {
  if (flight.state === 'closed') return
  const { flights, idle } = flight.fleet
  const waiting = flight.state === 'idle' ? idle.lastIndexOf(flight) : -1
  if (waiting >= 0) idle.splice(waiting, 1)
  flight.state = 'closed'
  const last = flights.pop()
  if (last !== undefined && last !== flight) {
    flights[flight.place] = last
    last.place = flight.place
  }
  flight.connection?.destroy()
}

function createFlight(fleet: Fleet): Flight {
  const flight: Flight = {
    fleet,
    response: createResponseReader(responseHandler),
    events: createEventStream(fleet.api.framing, onEvent),
    connection: undefined,
    state: 'opening',
    place: fleet.flights.length,
    issuedMs: fleet.clock.nowMs(),
    unsent: undefined,
    id: 0,
    level: 0,
    phase: 'warm-up',
    dueMs: undefined,
    requestedInputTokens: undefined,
    requestedOutputTokens: 0,
    onEnded: undefined,
    chunks: NO_STAMPS,
    chunkTokens: undefined,
    lastChunk: undefined,
    abandonTimer: undefined,
    tokensSoFar: 0,
    charactersSoFar: 0,
    connectMs: undefined,
    sentMs: undefined,
    firstByteMs: undefined,
    firstEventMs: undefined,
    visible: false,
    firstVisibleMs: undefined,
    finishMs: undefined,
    endMs: undefined,
    httpStatus: undefined,
    finishReason: undefined,
    usage: undefined,
    serverTimings: undefined,
    errorBody: undefined,
    keepAlive: true,
    outcome: undefined,
  }
  fleet.flights.push(flight)
  return flight
}

/** Forgets the request before and takes the next one. */
function prepare(flight: Flight, request: PlannedRequest, onEnded: OnEnded): void {
  const { fleet } = flight
  fleet.inFlight++
  flight.unsent = request
  flight.id = request.id
  flight.level = request.level
  flight.phase = request.phase
  flight.dueMs = request.dueMs
  flight.requestedInputTokens = request.requestedInputTokens
  flight.requestedOutputTokens = request.requestedOutputTokens
  flight.onEnded = onEnded
  flight.chunks =
    fleet.spareStamps.pop() ?? createStamps(Math.min(request.requestedOutputTokens, LIKELY_CHUNKS))
  flight.chunkTokens = undefined
  flight.lastChunk = lastChunkOf(request)
  flight.tokensSoFar = 0
  flight.charactersSoFar = 0
  flight.connectMs = undefined
  flight.sentMs = undefined
  flight.firstByteMs = undefined
  flight.firstEventMs = undefined
  flight.visible = false
  flight.firstVisibleMs = undefined
  flight.finishMs = undefined
  flight.endMs = undefined
  flight.httpStatus = undefined
  flight.finishReason = undefined
  flight.usage = undefined
  flight.serverTimings = undefined
  flight.errorBody = undefined
  flight.keepAlive = true
  flight.outcome = undefined
  resetEventStream(flight.events)
}

function lastChunkOf({ cancelAfter }: PlannedRequest): number | undefined {
  return cancelAfter !== undefined && 'chunks' in cancelAfter ? cancelAfter.chunks : undefined
}

function depart(flight: Flight, { bytes, cancelAfter }: PlannedRequest): void {
  flight.unsent = undefined
  flight.state = 'busy'
  expectResponse(flight.response)
  const sentMs = flight.fleet.clock.nowMs()
  flight.sentMs = sentMs
  flight.connection?.write(bytes)
  if (cancelAfter !== undefined && 'ms' in cancelAfter)
    setAbandonTimer(flight, sentMs + cancelAfter.ms)
}

/** Of its own, as the sweep that looks after time-outs would be up to 100 ms late. */
function setAbandonTimer(flight: Flight, dueMs: number): void {
  const leftMs = dueMs - flight.fleet.clock.nowMs()
  const delayMs = Math.min(Math.max(1, Math.ceil(leftMs)), MAX_TIMER_MS)
  flight.abandonTimer = setTimeout(onAbandonTimer, delayMs, flight, dueMs)
}

function onAbandonTimer(flight: Flight, dueMs: number): void {
  // A timer may fire a millisecond early.
  if (flight.fleet.clock.nowMs() < dueMs) {
    setAbandonTimer(flight, dueMs)
    return
  }
  end(flight, ABANDONED)
  tell(flight)
}

const connectionHandler: ConnectionHandler<Flight> = {
  onOpen: (flight) => {
    const { fleet, unsent } = flight
    if (flight.state !== 'opening' || unsent === undefined) return
    fleet.opened++
    flight.connectMs = fleet.clock.nowMs() - flight.issuedMs
    depart(flight, unsent)
  },
  onRead: (flight, bytes, length) => {
    if (flight.state === 'closed') return
    flight.fleet.reads++
    stamp(flight.fleet)
    try {
      readResponse(flight.response, flight, bytes, 0, length)
    } catch (error) {
      // What is not the peer's fault is ours, and must not pass for a failed request.
      if (!(error instanceof HttpProtocolError)) throw error
      lose(flight, error)
    }
    tell(flight)
  },
  onPeerEnd: (flight) => {
    if (flight.state === 'closed') return
    stamp(flight.fleet)
    // Where no event tells the end of an answer, a close is no proof of one.
    if (flight.fleet.api.endsWith === 'event') closeResponse(flight.response, flight)
    lose(flight, undefined)
    tell(flight)
  },
  onLost: (flight, error) => {
    if (flight.state === 'closed') return
    lose(flight, error)
    tell(flight)
  },
}

/** Once for all that a read brings, and before any of it is parsed. */
function stamp(fleet: Fleet): void {
  fleet.readMs = fleet.clock.nowMs()
  fleet.readUs = Math.round(fleet.readMs * US_PER_MS)
}

const responseHandler: ResponseHandler<Flight> = {
  onHead: (flight, head) => {
    flight.firstByteMs = flight.fleet.readMs
    flight.httpStatus = head.status
    flight.keepAlive = head.keepAlive
    const outcome = judgeHead(head, flight.fleet.api.contentType)
    if (outcome) end(flight, outcome)
  },
  onBody: (flight, bytes, start, end) => {
    if (flight.outcome !== undefined) return
    if (isSuccess(flight.httpStatus)) readEventStream(flight.events, flight, bytes, start, end)
    else keepErrorBody(flight, bytes, start, end)
  },
  onEnd: (flight) => {
    if (flight.outcome === undefined) endEventStream(flight.events, flight)
    end(flight, judgeEnd(flight))
    if (flight.state === 'closed') return
    flight.state = 'idle'
    if (flight.keepAlive && isUsable(flight)) flight.fleet.idle.push(flight)
    else closeFlight(flight)
  },
}

function keepErrorBody(flight: Flight, bytes: Buffer, start: number, end: number): void {
  const { errorBody } = flight
  if (errorBody !== undefined && errorBody.length >= MAX_ERROR_BODY_BYTES) return
  const more = bytes.subarray(start, end)
  flight.errorBody = errorBody === undefined ? Buffer.from(more) : Buffer.concat([errorBody, more])
}

/** Notes what an event says; it may end the request. */
function onEvent(flight: Flight, bytes: Buffer, start: number, eventEnd: number): void {
  if (flight.outcome !== undefined) return
  let meaning: EventMeaning
  try {
    meaning = flight.fleet.readEvent(bytes, start, eventEnd)
  } catch {
    end(flight, failed('malformed-event', textOf(bytes, start, eventEnd)))
    return
  }
  if (meaning.error !== undefined) {
    end(flight, failed('error-event', meaning.error))
    return
  }
  if (meaning.output !== undefined) addChunk(flight, meaning.output !== 'reasoning', meaning.tokens)
  else noteEmptyEvent(flight, meaning)
  if (meaning.usage !== undefined) flight.usage = addUsage(flight.usage, meaning.usage)
  if (meaning.serverTimings !== undefined) flight.serverTimings = meaning.serverTimings
  if (meaning.finishReason !== undefined) flight.finishReason = meaning.finishReason
  if (meaning.done) end(flight, completed(flight))
}

function textOf(bytes: Buffer, start: number, end: number): string {
  return bytes.toString('utf8', start, Math.min(end, start + MAX_ERROR_BODY_BYTES))
}

function addChunk(flight: Flight, visible: boolean, told: OutputTokens | undefined): void {
  if (told !== undefined && !addTokens(flight, told)) return
  const { fleet, chunks } = flight
  if (visible && !flight.visible) {
    flight.visible = true
    if (chunks.count > 0) flight.firstVisibleMs = fleet.readMs
  }
  fleet.chunks++
  addStamp(chunks, fleet.readUs)
  if (chunks.count === flight.lastChunk) end(flight, ABANDONED)
}

/** Others start and stop their clocks at such events, so they are kept for comparing with theirs. */
function noteEmptyEvent(flight: Flight, { finishReason, done }: EventMeaning): void {
  const { fleet } = flight
  if (finishReason !== undefined) flight.finishMs ??= fleet.readMs
  else if (flight.chunks.count === 0 && done === undefined) flight.firstEventMs ??= fleet.readMs
}

/** Notes the tokens of a chunk. False when it holds nothing that was not there before. */
function addTokens(flight: Flight, told: OutputTokens): boolean {
  if (told.kind === 'chunk') {
    flight.chunkTokens ??= []
    flight.chunkTokens.push(told.tokens)
    return true
  }
  const { tokens, characters } = told
  const tokensMore = tokens === undefined ? 0 : tokens - flight.tokensSoFar
  const grows = tokensMore > 0 || characters === undefined || characters > flight.charactersSoFar
  if (!grows) return false
  flight.charactersSoFar = characters ?? 0
  if (tokens === undefined) return true
  flight.tokensSoFar = tokens
  flight.chunkTokens ??= []
  flight.chunkTokens.push(Math.max(0, tokensMore))
  return true
}

/** Settles what came of the request; the first word counts. It is told when the read is worked through. */
function end(flight: Flight, outcome: Outcome): void {
  if (flight.outcome !== undefined || flight.onEnded === undefined) return
  flight.outcome = presentable(outcome, flight.fleet.secret)
  if (outcome.kind === 'completed') flight.state = 'unfinished'
  else closeFlight(flight)
}

function lose(flight: Flight, error: Error | undefined): void {
  if (flight.outcome === undefined) end(flight, judgeLoss(flight, error))
  closeFlight(flight)
}

/** Tells the end of a request, if it has ended and was not told yet. By then its connection may take the next. */
function tell(flight: Flight): void {
  const { outcome, onEnded } = flight
  if (outcome === undefined || onEnded === undefined) return
  const { fleet, chunks } = flight
  const ended: EndedRequest = {
    request: {
      id: flight.id,
      level: flight.level,
      phase: flight.phase,
      dueMs: flight.dueMs,
      requestedInputTokens: flight.requestedInputTokens,
      requestedOutputTokens: flight.requestedOutputTokens,
    },
    outcome,
    sentMs: flight.sentMs,
    connectMs: flight.connectMs,
    firstByteMs: flight.firstByteMs,
    firstEventMs: flight.firstEventMs,
    chunks,
    chunkTokens: flight.chunkTokens?.length === chunks.count ? flight.chunkTokens : undefined,
    firstVisibleMs: flight.firstVisibleMs,
    finishMs: flight.finishMs,
    endMs: outcome.kind === 'completed' ? flight.endMs : undefined,
    closedMs: fleet.clock.nowMs(),
    httpStatus: flight.httpStatus,
    finishReason: flight.finishReason,
    usage: flight.usage,
    serverTimings: flight.serverTimings,
  }
  if (flight.abandonTimer !== undefined) {
    clearTimeout(flight.abandonTimer)
    flight.abandonTimer = undefined
  }
  flight.unsent = undefined
  flight.onEnded = undefined
  flight.chunks = NO_STAMPS
  fleet.inFlight--
  onEnded(ended)
  clearStamps(chunks)
  fleet.spareStamps.push(chunks)
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

function completed(flight: Flight): Outcome {
  flight.endMs = flight.fleet.readMs
  return flight.chunks.count > 0 ? COMPLETED : failed('empty-output', 'the stream held no output')
}

function isSuccess(status: number | undefined): boolean {
  return status !== undefined && status >= 200 && status < 300
}

function judgeHead(head: ResponseHead, contentType: string): Outcome | undefined {
  const encoding = head.headers.get('content-encoding') ?? 'identity'
  // Its bytes say nothing, whatever the status: nobody asked for it.
  if (encoding.toLowerCase() !== 'identity')
    return failed('encoded-body', `${head.status} with a body encoded as ${encoding}`)
  const type = head.headers.get('content-type') ?? 'none'
  if (!isSuccess(head.status) || type.toLowerCase().startsWith(contentType)) return undefined
  return failed('wrong-content-type', `expected ${contentType}, got ${type}`)
}

/** The HTTP message ended as it should; whether the stream in it did is another matter. */
function judgeEnd(flight: Flight): Outcome {
  if (flight.outcome !== undefined) return flight.outcome
  if (!isSuccess(flight.httpStatus)) return httpFailure(flight)
  if (flight.finishReason !== undefined || flight.fleet.api.endsWith === 'message')
    return completed(flight)
  return failed('no-end-mark', 'the stream ended without an end mark or a finish reason')
}

function httpFailure({ httpStatus, errorBody }: Flight): Outcome {
  return failed('http-status', `${httpStatus} ${errorBody ?? ''}`.trim())
}

function judgeLoss(flight: Flight, error: Error | undefined): Outcome {
  const { httpStatus, firstByteMs } = flight
  // A status that is no success says more than how the connection ended after it.
  if (httpStatus !== undefined && !isSuccess(httpStatus)) return httpFailure(flight)
  if (error) return { kind: 'failed', ...failureOf(error) }
  return failed(
    'early-close',
    firstByteMs === undefined ? 'closed before any answer' : 'closed before the answer ended',
  )
}

function expiredTimer(flight: Flight, nowMs: number): Timer | undefined {
  const { sentMs, chunks } = flight
  const { connectMs, firstTokenMs, idleMs, totalMs } = flight.fleet.timeouts
  if (sentMs === undefined) return nowMs - flight.issuedMs > connectMs ? 'connect' : undefined
  if (nowMs - sentMs > totalMs) return 'total'
  if (chunks.count === 0) return nowMs - sentMs > firstTokenMs ? 'first-token' : undefined
  return nowMs - chunks.lastUs / US_PER_MS > idleMs ? 'idle' : undefined
}
