/** One message of a conversation, as OpenAI's chat API has it. */
export interface Message {
  readonly role: 'system' | 'user' | 'assistant'
  readonly content: string
}

/** A text for a model as it is, or a conversation for a server's chat template. */
export type Prompt = string | readonly Message[]

/**
 * One request as a workload plans it: plain data, drawn from the seed, the same for every server and
 * API. A request source turns it into bytes.
 */
export interface WorkloadRequest {
  readonly prompt: Prompt
  /** Length of the prompt in tokens, template included, by the count that made it; absent where nobody counted. */
  readonly inputTokens?: number
  readonly outputTokens: number
  /** Requests of one conversation share a session; turns count from 0. */
  readonly session?: number
  readonly turn?: number
  /** When the trace had it, ms after the trace's first request. */
  readonly dueOffsetMs?: number
  /** When it is to be given up on purpose; absent when it is to run to its end. */
  readonly cancelAfter?: CancelAfter
}

/** After so many chunks of output, or so long after it was sent. */
export type CancelAfter = { readonly chunks: number } | { readonly ms: number }

/** A conversation: its turns go out one after the other, each when the one before was answered. */
export interface PlannedSession {
  readonly turns: number
  /** @param turn from 0 */
  readonly requestAt: (turn: number) => WorkloadRequest
}

/**
 * The requests of one load level, each made from its number alone, so that measuring threads can
 * share them out without talking: thread `index` of `count` takes every `count`th.
 */
export type RequestPlan =
  | {
      readonly kind: 'requests'
      readonly requestAt: (number: number) => WorkloadRequest
    }
  | {
      readonly kind: 'sessions'
      readonly sessionAt: (number: number) => PlannedSession
    }
