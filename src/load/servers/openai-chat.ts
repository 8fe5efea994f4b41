import { freeFields, type OpenAiEvent, readOpenAiEvent, sharedFields } from './openai-shared.ts'
import { type EventMeaning, messagesOf, type ServerApi } from './server.ts'

interface ChatEvent extends OpenAiEvent {
  readonly choices?: readonly {
    readonly finish_reason?: string | null
    readonly delta?: {
      readonly content?: string | null
      readonly reasoning?: string | null
      readonly reasoning_content?: string | null
      readonly tool_calls?: readonly {
        readonly function?: { readonly name?: string; readonly arguments?: string }
      }[]
    }
  }[]
}

/** OpenAI chat completions, as vLLM, SGLang, llama.cpp, Ollama and others offer it. */
export const openAiChat: ServerApi = {
  name: 'openai-chat',
  path: '/v1/chat/completions',
  contentType: 'text/event-stream',
  framing: 'sse',
  endsWith: 'event',
  canForceLength: true,
  outputFields: ['content', 'reasoning_content', 'reasoning'],
  freeFields,
  body: (ask) => JSON.stringify({ messages: messagesOf(ask.prompt), ...sharedFields(ask) }),
  readEvent: (data) => readOpenAiEvent<ChatEvent>(data, outputOf),
}

/** An empty role chunk is not output. */
function outputOf(event: ChatEvent): EventMeaning['output'] {
  const delta = event.choices?.[0]?.delta
  if (!delta) return undefined
  if (delta.content) return 'content'
  if (delta.reasoning_content || delta.reasoning) return 'reasoning'
  const call = delta.tool_calls?.[0]?.function
  return call?.name || call?.arguments ? 'tool' : undefined
}
