import { errorText, parseObject, reasonOf, usageOf } from './event-values.ts'
import { type LlamaCppTimings, readLlamaCppTimings } from './llama-cpp-timings.ts'
import type { Ask, EventMeaning } from './server.ts'

/** The parts of an OpenAI stream event that both of its text APIs share. */
export interface OpenAiEvent {
  readonly error?: unknown
  readonly usage?: OpenAiUsage | null
  readonly choices?: readonly { readonly finish_reason?: string | null }[]
  /** Of llama.cpp. */
  readonly timings?: LlamaCppTimings | null
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
    [ask.maxTokensField ?? 'max_tokens']: ask.outputTokens,
    ...(ask.forceLength ? { ignore_eos: true, min_tokens: ask.outputTokens } : {}),
  }
}

/** Reads what both APIs share, and asks `outputOf` for the rest. */
export function readOpenAiEvent<E extends OpenAiEvent>(
  data: string,
  outputOf: (event: E) => EventMeaning['output'],
): EventMeaning {
  if (data === '[DONE]') return { done: true }
  const event = parseObject<E>(data)
  if (event.error) return { error: errorText(event.error) }
  const meaning: { -readonly [K in keyof EventMeaning]: EventMeaning[K] } = {}
  const output = outputOf(event)
  if (output) meaning.output = output
  if (event.usage) {
    meaning.usage = readUsage(event.usage)
    // Where every event has its usage, each tells the tokens so far.
    if (output) meaning.tokens = { kind: 'answer', tokens: meaning.usage.outputTokens }
  }
  const finishReason = reasonOf(event.choices?.[0]?.finish_reason)
  if (finishReason !== undefined) meaning.finishReason = finishReason
  const timings = event.timings ? readLlamaCppTimings(event.timings) : undefined
  if (timings) meaning.serverTimings = timings
  return meaning
}

function readUsage(usage: OpenAiUsage): EventMeaning['usage'] & object {
  return usageOf({
    inputTokens: usage.prompt_tokens,
    outputTokens: usage.completion_tokens,
    cachedInputTokens: usage.prompt_tokens_details?.cached_tokens,
    reasoningTokens: usage.completion_tokens_details?.reasoning_tokens,
  })
}
