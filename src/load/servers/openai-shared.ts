import type { Usage } from '../record.ts'
import type { Ask, EventMeaning } from './server.ts'

/** The parts of an OpenAI stream event that both of its text APIs share. */
export interface OpenAiEvent {
  readonly error?: unknown
  readonly usage?: OpenAiUsage | null
  readonly choices?: readonly { readonly finish_reason?: string | null }[]
}

interface OpenAiUsage {
  readonly prompt_tokens?: number | null
  readonly completion_tokens?: number | null
  readonly prompt_tokens_details?: { readonly cached_tokens?: number | null } | null
  readonly completion_tokens_details?: { readonly reasoning_tokens?: number | null } | null
}

/** What names an answer and says when it began. */
export const freeFields = ['id', 'created'] as const

/** The fields of a request that are the same in both APIs. */
export function sharedFields(ask: Ask): object {
  return {
    model: ask.model,
    stream: true,
    stream_options: { include_usage: true },
    max_tokens: ask.outputTokens,
    ...(ask.forceLength ? { ignore_eos: true, min_tokens: ask.outputTokens } : {}),
  }
}

/** Reads what both APIs share, and asks `outputOf` for the rest. */
export function readOpenAiEvent<E extends OpenAiEvent>(
  data: string,
  outputOf: (event: E) => EventMeaning['output'],
): EventMeaning {
  if (data === '[DONE]') return { done: true }
  const event: unknown = JSON.parse(data)
  if (typeof event !== 'object' || event === null)
    throw new SyntaxError('the event is not an object')
  const known = event as E
  if (known.error) return { error: errorText(known.error) }
  const meaning: { -readonly [K in keyof EventMeaning]: EventMeaning[K] } = {}
  const output = outputOf(known)
  if (output) meaning.output = output
  if (known.usage) meaning.usage = readUsage(known.usage)
  const finishReason = known.choices?.[0]?.finish_reason
  // A server may send anything here; a record holds text.
  if (finishReason) meaning.finishReason = String(finishReason)
  return meaning
}

function readUsage(usage: OpenAiUsage): Usage {
  return {
    inputTokens: count(usage.prompt_tokens),
    outputTokens: count(usage.completion_tokens),
    cachedInputTokens: count(usage.prompt_tokens_details?.cached_tokens),
    reasoningTokens: count(usage.completion_tokens_details?.reasoning_tokens),
  }
}

/** What is no count, such as text or a negative number, is not taken for one. */
function count(value: unknown): number | undefined {
  return Number.isSafeInteger(value) && Number(value) >= 0 ? Number(value) : undefined
}

function errorText(error: unknown): string {
  const message = (error as { message?: unknown }).message
  return typeof message === 'string' ? message : JSON.stringify(error)
}
