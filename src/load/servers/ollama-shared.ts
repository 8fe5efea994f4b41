import { NS_PER_MS } from '../../units.ts'
import {
  countOf,
  durationMs,
  errorText,
  type Fields,
  parseObject,
  reasonOf,
  someTimings,
  usageOf,
} from './event-values.ts'
import type { Ask, EventMeaning, ServerApi } from './server.ts'

/** The parts of a line that both of Ollama's APIs share. Durations are in ns; what is 0 is left out. */
export type OllamaEvent = Fields<{
  error: string
  done: boolean
  done_reason: string
  total_duration: number
  prompt_eval_count: number
  prompt_eval_duration: number
  eval_count: number
  eval_duration: number
}>

/** What is the same in both APIs. `num_predict` is a cap: nothing makes Ollama ignore the end of text. */
export const ollamaShared = {
  contentType: 'application/x-ndjson',
  framing: 'ndjson',
  endsWith: 'event',
  canForceLength: false,
  freeFields: ['created_at'],
} as const satisfies Partial<ServerApi>

export function sharedFields({ model, outputTokens }: Ask): object {
  return { model, stream: true, options: { num_predict: outputTokens } }
}

/** Reads what both APIs share, and asks `outputOf` for the rest. */
export function readOllamaEvent<E extends OllamaEvent>(
  data: string,
  outputOf: (event: E) => EventMeaning['output'],
): EventMeaning {
  const event = parseObject<E>(data)
  if (event.error) return { error: errorText(event.error) }
  const output = outputOf(event)
  return {
    ...(output ? { output } : {}),
    ...(event.done === true ? endOf(event) : {}),
  }
}

function endOf(event: OllamaEvent): EventMeaning {
  return {
    done: true,
    finishReason: reasonOf(event.done_reason),
    usage: usageOf({ inputTokens: event.prompt_eval_count, outputTokens: event.eval_count }),
    serverTimings: someTimings({
      promptMs: durationMs(event.prompt_eval_duration, NS_PER_MS),
      decodeMs: durationMs(event.eval_duration, NS_PER_MS),
      totalMs: durationMs(event.total_duration, NS_PER_MS),
      inputTokens: countOf(event.prompt_eval_count),
      outputTokens: countOf(event.eval_count),
    }),
  }
}
