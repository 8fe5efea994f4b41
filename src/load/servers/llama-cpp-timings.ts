import type { ServerTimings } from '../record.ts'
import { countOf, durationMs, type Fields, someTimings } from './event-values.ts'

/** What llama.cpp's server adds to the last event of an answer, in its own API and in OpenAI's. */
export type LlamaCppTimings = Fields<{
  /** Prompt tokens taken from the cache; older versions do not say. */
  cache_n: number
  /** The others. */
  prompt_n: number
  prompt_ms: number
  predicted_n: number
  predicted_ms: number
}>

export function readLlamaCppTimings(timings: LlamaCppTimings): ServerTimings | undefined {
  return someTimings({
    promptMs: durationMs(timings.prompt_ms, 1),
    decodeMs: durationMs(timings.predicted_ms, 1),
    inputTokens: countOf(timings.prompt_n),
    outputTokens: countOf(timings.predicted_n),
    cachedInputTokens: countOf(timings.cache_n),
  })
}
