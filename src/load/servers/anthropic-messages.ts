import { countOf, errorText, type Fields, parseObject, reasonOf, usageOf } from './event-values.ts'
import { type EventMeaning, messagesOf, type ServerApi } from './server.ts'

type MessagesEvent = Fields<{ type: string; error: unknown }> & {
  readonly message?: { readonly usage?: AnthropicUsage | null } | null
  readonly content_block?: Fields<{ type: string; text: string; thinking: string }> | null
  readonly delta?: Fields<{
    text: string
    thinking: string
    partial_json: string
    stop_reason: string
  }> | null
  readonly usage?: AnthropicUsage | null
}

type AnthropicUsage = Fields<{
  /** Neither read from the cache nor written to it. */
  input_tokens: number
  cache_creation_input_tokens: number
  cache_read_input_tokens: number
  output_tokens: number
}>

/** Anthropic's messages: events have names, which their data repeat as `type`. */
export const anthropicMessages: ServerApi = {
  name: 'anthropic-messages',
  path: '/v1/messages',
  contentType: 'text/event-stream',
  framing: 'sse',
  endsWith: 'event',
  canForceLength: false,
  headers: (apiKey) => [
    'anthropic-version: 2023-06-01',
    ...(apiKey === undefined ? [] : [`x-api-key: ${apiKey}`]),
  ],
  outputFields: ['text', 'thinking', 'partial_json'],
  freeFields: [],
  body: ({ model, prompt, outputTokens }) => {
    const messages = messagesOf(prompt)
    const system = messages.filter(({ role }) => role === 'system').map(({ content }) => content)
    return JSON.stringify({
      model,
      // No role here: a field of its own.
      ...(system.length > 0 ? { system: system.join('\n\n') } : {}),
      messages: messages.filter(({ role }) => role !== 'system'),
      stream: true,
      max_tokens: outputTokens,
    })
  },
  readEvent: (data) => {
    const event = parseObject<MessagesEvent>(data)
    switch (event.type) {
      case 'message_start':
        return event.message?.usage ? { usage: inputOf(event.message.usage) } : {}
      case 'content_block_start':
        return event.content_block?.type === 'tool_use'
          ? { output: 'tool' }
          : outputOf(event.content_block ?? {})
      case 'content_block_delta':
        return outputOf(event.delta ?? {})
      case 'message_delta':
        return endOf(event)
      case 'message_stop':
        return { done: true }
      default:
        return event.error ? { error: errorText(event.error) } : {}
    }
  },
}

function outputOf(part: NonNullable<MessagesEvent['delta']>): EventMeaning {
  if (part.text) return { output: 'content' }
  if (part.thinking) return { output: 'reasoning' }
  return part.partial_json ? { output: 'tool' } : {}
}

/** The first event's output count is no count: it stands for what is still to come. */
function inputOf(usage: AnthropicUsage): EventMeaning['usage'] {
  const cached = countOf(usage.cache_read_input_tokens)
  const others = countOf(usage.input_tokens)
  const written = countOf(usage.cache_creation_input_tokens) ?? 0
  return usageOf({
    inputTokens: others === undefined ? undefined : others + written + (cached ?? 0),
    cachedInputTokens: cached,
  })
}

function endOf({ delta, usage }: MessagesEvent): EventMeaning {
  const finishReason = reasonOf(delta?.stop_reason)
  return {
    ...(finishReason === undefined ? {} : { finishReason }),
    ...(usage ? { usage: { ...inputOf(usage), outputTokens: countOf(usage.output_tokens) } } : {}),
  }
}
