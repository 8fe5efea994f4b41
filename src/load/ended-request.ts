import type { Outcome, RequestRecord, ServerTimings, Usage } from './record.ts'
import { type Stamps, stampsMs } from './stamps.ts'
import type { CancelAfter } from './workloads/planned.ts'

/** What a record says of a request as it was planned. */
interface RequestFacts {
  readonly id: number
  readonly level: number
  readonly phase: RequestRecord['phase']
  readonly dueMs?: number
  readonly requestedInputTokens?: number
  readonly requestedOutputTokens: number
}

/** A request ready to go: its bytes are made before it is due. */
export interface PlannedRequest extends RequestFacts {
  readonly bytes: Buffer
  /** When it is given up on purpose; absent when it runs to its end. */
  readonly cancelAfter?: CancelAfter
}

/**
 * What came of one request, for the length of a callback: its stamps are reused by the next. Times in
 * ms since the run's epoch, as in `RequestRecord`.
 */
export interface EndedRequest {
  readonly request: RequestFacts
  readonly outcome: Outcome
  readonly sentMs?: number
  readonly connectMs?: number
  readonly firstByteMs?: number
  /** The first event, where it brought no output. */
  readonly firstEventMs?: number
  readonly chunks: Stamps
  readonly chunkTokens?: readonly number[]
  /** First chunk that was visible text, where reasoning came first. */
  readonly firstVisibleMs?: number
  /** The event that told the finish reason, where it brought no output. */
  readonly finishMs?: number
  /** Only of a completed request. */
  readonly endMs?: number
  readonly closedMs: number
  readonly httpStatus?: number
  readonly finishReason?: string
  readonly usage?: Usage
  readonly serverTimings?: ServerTimings
}

/** A record of its own, to keep. */
export function toRecord(ended: EndedRequest): RequestRecord {
  const { request } = ended
  return {
    id: request.id,
    level: request.level,
    phase: request.phase,
    dueMs: toMicroseconds(request.dueMs),
    sentMs: toMicroseconds(ended.sentMs),
    connectMs: toMicroseconds(ended.connectMs),
    firstByteMs: toMicroseconds(ended.firstByteMs),
    firstEventMs: toMicroseconds(ended.firstEventMs),
    chunkMs: stampsMs(ended.chunks),
    chunkTokens: ended.chunkTokens,
    firstVisibleMs: toMicroseconds(ended.firstVisibleMs),
    finishMs: toMicroseconds(ended.finishMs),
    endMs: toMicroseconds(ended.endMs),
    closedMs: toMicroseconds(ended.closedMs),
    outcome: ended.outcome,
    httpStatus: ended.httpStatus,
    finishReason: ended.finishReason,
    requestedInputTokens: request.requestedInputTokens,
    requestedOutputTokens: request.requestedOutputTokens,
    usage: ended.usage,
    serverTimings: ended.serverTimings,
  }
}

/** The journal keeps microseconds, so figures made from memory and from the journal are the same. */
function toMicroseconds<T extends number | undefined>(ms: T): T {
  return (ms === undefined ? undefined : Math.round(ms * 1000) / 1000) as T
}
