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
import { type EventMeaning, type ServerApi, textOf } from './server.ts'

interface SglangEvent {
  readonly error?: unknown
  /** The whole answer so far. */
  readonly text?: unknown
  readonly meta_info?: MetaInfo | null
}

type MetaInfo = Fields<{
  prompt_tokens: number
  completion_tokens: number
  cached_tokens: number
  /** In seconds, as the next. In the last event. */
  e2e_latency: number
  /** Where the server runs with metrics. */
  queue_time: number
}> & { readonly finish_reason?: FinishReason | string | null }

type FinishReason = Fields<{ type: string; message: string }>

const S_PER_MS = 1e-3

/** SGLang's own generate: every event repeats the whole text and tells the tokens so far. */
export const sglangGenerate: ServerApi = {
  name: 'sglang-generate',
  path: '/generate',
  contentType: 'text/event-stream',
  framing: 'sse',
  endsWith: 'event',
  canForceLength: true,
  outputFields: [],
  freeFields: [],
  body: ({ prompt, outputTokens, forceLength }) =>
    JSON.stringify({
      text: textOf(prompt),
      stream: true,
      sampling_params: {
        max_new_tokens: outputTokens,
        ...(forceLength ? { ignore_eos: true } : {}),
      },
    }),
  readEvent: (data) => {
    if (data === '[DONE]') return { done: true }
    const event = parseObject<SglangEvent>(data)
    if (event.error) return { error: errorText(event.error) }
    const meta = event.meta_info ?? {}
    const reason = meta.finish_reason
    if (typeof reason === 'object' && reason?.type === 'abort') return { error: abortText(reason) }
    const finishReason = reasonOf(typeof reason === 'object' ? reason?.type : reason)
    return {
      ...outputOf(event.text, countOf(meta.completion_tokens)),
      usage: usageOf({
        inputTokens: meta.prompt_tokens,
        outputTokens: meta.completion_tokens,
        cachedInputTokens: meta.cached_tokens,
      }),
      ...(finishReason === undefined ? {} : { finishReason, serverTimings: timingsOf(meta) }),
    }
  },
}

/** Whether it is more than the event before had is for the reader of the stream to say. */
function outputOf(text: unknown, tokens: number | undefined): EventMeaning {
  const characters = typeof text === 'string' ? text.length : 0
  if (characters === 0 && !tokens) return {}
  return { output: 'content', tokens: { kind: 'answer', tokens, characters } }
}

function timingsOf(meta: MetaInfo): EventMeaning['serverTimings'] {
  return someTimings({
    queueMs: durationMs(meta.queue_time, S_PER_MS),
    totalMs: durationMs(meta.e2e_latency, S_PER_MS),
    inputTokens: countOf(meta.prompt_tokens),
    outputTokens: countOf(meta.completion_tokens),
    cachedInputTokens: countOf(meta.cached_tokens),
  })
}

function abortText({ message }: FinishReason): string {
  return typeof message === 'string' ? message : 'aborted by the server'
}
