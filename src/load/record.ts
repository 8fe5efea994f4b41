/** Token counts as the server told them. */
export interface Usage {
  readonly inputTokens?: number
  readonly outputTokens?: number
  /** Part of `inputTokens` that came from the server's prefix cache. */
  readonly cachedInputTokens?: number
  /** Part of `outputTokens` spent on reasoning. */
  readonly reasoningTokens?: number
}

/**
 * What the server says of its own work on a request. Its clock, not ours: to compare with, not to
 * measure by. What it does not say is absent.
 */
export interface ServerTimings {
  /** Working on the prompt. */
  readonly promptMs?: number
  /** Generating, by most servers from the first token on. */
  readonly decodeMs?: number
  /** Waiting before any work. */
  readonly queueMs?: number
  readonly totalMs?: number
  /** Prompt tokens worked on in `promptMs`; those from a cache are left out by servers that tell them apart. */
  readonly inputTokens?: number
  /** Tokens generated in `decodeMs`. */
  readonly outputTokens?: number
  readonly cachedInputTokens?: number
}

/** Which of a request's timers ran out. */
export type Timer = 'connect' | 'first-token' | 'idle' | 'total'

/** Everything that can go wrong with a request, by the side it went wrong on. */
export const failureSides = {
  'connection-refused': 'network',
  'no-such-socket': 'network',
  'connection-reset': 'network',
  'name-not-found': 'network',
  'network-unreachable': 'network',
  'tls-error': 'network',
  'network-other': 'network',
  'http-status': 'server',
  'wrong-content-type': 'server',
  'encoded-body': 'server',
  'error-event': 'server',
  'empty-output': 'server',
  'early-close': 'server',
  'no-end-mark': 'server',
  'malformed-http': 'protocol',
  'malformed-event': 'protocol',
  'permission-denied': 'client',
  'too-many-open-files': 'client',
  'no-free-port': 'client',
  'client-other': 'client',
} as const

export type FailureKind = keyof typeof failureSides
export type FailureSide = (typeof failureSides)[FailureKind]

/**
 * How a request ended. What the server did wrong is data here, never an exception.
 * A success is a 2xx status, the right content type, at least one output token, a clean end and no
 * error event in the stream. `cancelled` is what the end of a level or an interrupt cut off;
 * `abandoned` what the benchmark gives up on purpose, as users do: neither success nor failure.
 */
export type Outcome =
  | { readonly kind: 'completed' }
  | { readonly kind: 'failed'; readonly failure: FailureKind; readonly detail: string }
  | { readonly kind: 'timed-out'; readonly timer: Timer }
  | { readonly kind: 'cancelled' }
  | { readonly kind: 'abandoned' }

/** Whether a request ended as it was meant to: answered, or given up on purpose. */
export function endedAsMeant({ kind }: Outcome): boolean {
  switch (kind) {
    case 'completed':
    case 'abandoned':
      return true
    case 'failed':
    case 'timed-out':
    case 'cancelled':
      return false
  }
}

/**
 * Everything known about one request; the raw material of every figure. Each request ends in
 * exactly one record. All times are ms since the run's epoch, on one monotonic clock.
 */
export interface RequestRecord {
  /** Unique in the run, in the order of issue. */
  readonly id: number
  /** Index of the load level in the run. */
  readonly level: number
  /** Issued before the level's window opened, or inside it. */
  readonly phase: 'warm-up' | 'measured'
  /** When the schedule wanted it (open loop); absent in closed loop. */
  readonly dueMs?: number
  /** First byte handed to the socket; absent when it never got that far. */
  readonly sentMs?: number
  /** Whether it had to open a connection of its own, and how long that took. */
  readonly connectMs?: number
  /** The socket read that completed the response's head. */
  readonly firstByteMs?: number
  /** The first stream event, where it carried no output: an empty role chunk, as a rule. */
  readonly firstEventMs?: number
  /** Arrival of every stream event that carried model output. A chunk is not a token. */
  readonly chunkMs: readonly number[]
  /** Tokens that each chunk brought, where the server told of every one. */
  readonly chunkTokens?: readonly number[]
  /** First chunk that was visible text and not reasoning, where reasoning came first. */
  readonly firstVisibleMs?: number
  /** The event that told the finish reason, where it carried no output. */
  readonly finishMs?: number
  /** The stream ended cleanly. */
  readonly endMs?: number
  /** When the record was closed, however it ended. */
  readonly closedMs: number
  readonly outcome: Outcome
  readonly httpStatus?: number
  readonly finishReason?: string
  readonly requestedInputTokens?: number
  readonly requestedOutputTokens?: number
  readonly usage?: Usage
  readonly serverTimings?: ServerTimings
}

/** When the clock of a request starts: waiting to be sent is part of waiting, so due before sent. */
export function startMs(record: Pick<RequestRecord, 'dueMs' | 'sentMs'>): number | undefined {
  return record.dueMs ?? record.sentMs
}
