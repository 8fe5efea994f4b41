import { countOf, errorText, type Fields, parseObject, reasonOf, usageOf } from './event-values.ts'
import { type LlamaCppTimings, readLlamaCppTimings } from './llama-cpp-timings.ts'
import { type EventMeaning, type ServerApi, textOf } from './server.ts'

type CompletionEvent = Fields<{
  error: unknown
  content: string
  stop: boolean
  stop_type: string
  /** Of the answer so far. */
  tokens_predicted: number
  /** Of the whole prompt, cached or not. */
  tokens_evaluated: number
}> & { readonly timings?: LlamaCppTimings | null }

/** llama.cpp's own completion: the prompt goes to the model without a chat template. */
export const llamaCppCompletion: ServerApi = {
  name: 'llama-cpp-completion',
  path: '/completion',
  contentType: 'text/event-stream',
  framing: 'sse',
  endsWith: 'event',
  canForceLength: true,
  outputFields: ['content'],
  freeFields: [],
  body: ({ prompt, outputTokens, forceLength }) =>
    JSON.stringify({
      prompt: textOf(prompt),
      stream: true,
      n_predict: outputTokens,
      ...(forceLength ? { ignore_eos: true } : {}),
    }),
  readEvent: (data) => {
    const event = parseObject<CompletionEvent>(data)
    if (event.error) return { error: errorText(event.error) }
    const tokens = countOf(event.tokens_predicted)
    return {
      ...(event.content ? { output: 'content', tokens: { kind: 'answer', tokens } } : {}),
      ...(event.stop === true ? endOf(event) : {}),
    }
  },
}

function endOf(event: CompletionEvent): EventMeaning {
  return {
    done: true,
    finishReason: reasonOf(event.stop_type),
    usage: usageOf({
      inputTokens: event.tokens_evaluated,
      outputTokens: event.tokens_predicted,
      // `tokens_cached` is another thing: all that the slot holds in the end.
      cachedInputTokens: event.timings?.cache_n,
    }),
    serverTimings: event.timings ? readLlamaCppTimings(event.timings) : undefined,
  }
}
