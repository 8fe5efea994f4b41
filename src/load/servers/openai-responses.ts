import { errorText, type Fields, parseObject, reasonOf, usageOf } from './event-values.ts'
import type { EventMeaning, ServerApi } from './server.ts'

type ResponsesEvent = Fields<{ type: string; delta: string; message: string; error: unknown }> & {
  readonly item?: Fields<{ type: string }> | null
  readonly response?: ResponseObject | null
}

type ResponseObject = Fields<{ status: string; error: unknown }> & {
  readonly incomplete_details?: Fields<{ reason: string }> | null
  readonly usage?:
    | (Fields<{ input_tokens: number; output_tokens: number }> & {
        readonly input_tokens_details?: Fields<{ cached_tokens: number }> | null
        readonly output_tokens_details?: Fields<{ reasoning_tokens: number }> | null
      })
    | null
}

/** OpenAI responses: events have names, which their data repeat as `type`. */
export const openAiResponses: ServerApi = {
  name: 'openai-responses',
  path: '/v1/responses',
  contentType: 'text/event-stream',
  framing: 'sse',
  endsWith: 'event',
  canForceLength: true,
  outputFields: ['delta'],
  freeFields: ['sequence_number', 'item_id', 'obfuscation'],
  body: ({ model, prompt, outputTokens, forceLength }) =>
    JSON.stringify({
      model,
      input: prompt,
      stream: true,
      store: false,
      max_output_tokens: outputTokens,
      ...(forceLength ? { ignore_eos: true, min_tokens: outputTokens } : {}),
    }),
  readEvent: (data) => {
    // OpenAI sends none; some servers do.
    if (data === '[DONE]') return { done: true }
    const event = parseObject<ResponsesEvent>(data)
    switch (event.type) {
      case 'response.output_text.delta':
      case 'response.refusal.delta':
        return event.delta ? { output: 'content' } : {}
      case 'response.reasoning_text.delta':
      case 'response.reasoning_summary_text.delta':
        return event.delta ? { output: 'reasoning' } : {}
      case 'response.function_call_arguments.delta':
        return event.delta ? { output: 'tool' } : {}
      case 'response.output_item.added':
        return event.item?.type === 'function_call' ? { output: 'tool' } : {}
      case 'response.completed':
      case 'response.incomplete':
        return endOf(event.response ?? {})
      case 'response.failed':
        return { error: errorText(event.response?.error ?? 'the response failed') }
      case 'error':
        return { error: errorText(event.error ?? event) }
      default:
        return event.error ? { error: errorText(event.error) } : {}
    }
  },
}

function endOf({ status, usage, incomplete_details }: ResponseObject): EventMeaning {
  return {
    done: true,
    finishReason: reasonOf(incomplete_details?.reason ?? status),
    ...(usage
      ? {
          usage: usageOf({
            inputTokens: usage.input_tokens,
            outputTokens: usage.output_tokens,
            cachedInputTokens: usage.input_tokens_details?.cached_tokens,
            reasoningTokens: usage.output_tokens_details?.reasoning_tokens,
          }),
        }
      : {}),
  }
}
