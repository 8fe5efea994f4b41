import type { ApiName } from '../api-names.ts'
import type { Framing } from '../http/event-stream.ts'
import type { ServerTimings, Usage } from '../record.ts'
import type { Message, Prompt } from '../workloads/planned.ts'

/** A request to be put into a server's words. */
export interface Ask {
  readonly model: string
  readonly prompt: Prompt
  readonly outputTokens: number
  /** Also ask the server to produce exactly that many tokens, in fields that not every server knows. */
  readonly forceLength: boolean
  /** Where the server refuses `max_tokens`, as OpenAI's own models do since o1. */
  readonly maxTokensField?: 'max_completion_tokens'
}

/** What one stream event means. Several may hold at once; all absent is an event of no interest. */
export interface EventMeaning {
  /** Model output: visible text, reasoning, or the text of a tool call. */
  readonly output?: 'content' | 'reasoning' | 'tool'
  /** How many tokens the output is, where the server tells. */
  readonly tokens?: OutputTokens
  /** What this event tells of it; what an earlier one told holds for the rest. */
  readonly usage?: Usage
  readonly serverTimings?: ServerTimings
  readonly finishReason?: string
  /** The server reports an error inside the stream. */
  readonly error?: string
  /** The API's own end mark. */
  readonly done?: true
}

/** The tokens of an output event, as a server counts them. */
export type OutputTokens =
  /** Those that it brings. */
  | { readonly kind: 'chunk'; readonly tokens: number }
  /**
   * All of the answer so far. Where each event also repeats the whole text, `characters` is its
   * length: then it is output only if it has more tokens or more text than the one before.
   */
  | { readonly kind: 'answer'; readonly tokens?: number; readonly characters?: number }

/** How to speak with one kind of server: two translations, and what surrounds them. */
export interface ServerApi {
  readonly name: ApiName
  /** May hold `{model}`: see `pathOf`. */
  readonly path: string
  readonly contentType: string
  readonly framing: Framing
  /**
   * What ends an answer: an event (its own end mark, or a finish reason), or nothing but the proper
   * end of the HTTP message.
   */
  readonly endsWith: 'event' | 'message'
  /** Whether `forceLength` changes the request. */
  readonly canForceLength: boolean
  /** Header lines, other than `authorization: Bearer` for the key. */
  readonly headers?: (apiKey: string | undefined) => readonly string[]
  /** Names of the JSON fields that can hold output text, the one that counts first. */
  readonly outputFields: readonly string[]
  /** Names of JSON fields that differ from answer to answer and that `readEvent` never looks at. */
  readonly freeFields: readonly string[]
  readonly body: (ask: Ask) => string
  /** @throws SyntaxError when the event is not what this API sends */
  readonly readEvent: (data: string) => EventMeaning
}

/** The path to ask a model at. */
export function pathOf({ path }: Pick<ServerApi, 'path'>, model: string): string {
  return path.replace('{model}', () => encodeURIComponent(model))
}

/** The header lines that hold the key, and whatever else the API wants. */
export function headersOf(
  { headers }: Pick<ServerApi, 'headers'>,
  apiKey: string | undefined,
): readonly string[] {
  if (headers) return headers(apiKey)
  return apiKey === undefined ? [] : [`authorization: Bearer ${apiKey}`]
}

/** A prompt as a conversation. */
export function messagesOf(prompt: Prompt): readonly Message[] {
  return typeof prompt === 'string' ? [{ role: 'user', content: prompt }] : prompt
}

/** A prompt for an API without a chat template; a benchmark with conversations is refused before. */
export function textOf(prompt: Prompt): string {
  if (typeof prompt !== 'string') throw new Error('this API takes no messages')
  return prompt
}
