import type { Fields } from './event-values.ts'
import { type OllamaEvent, ollamaShared, readOllamaEvent, sharedFields } from './ollama-shared.ts'
import { type EventMeaning, messagesOf, type ServerApi } from './server.ts'

type ChatEvent = OllamaEvent & {
  readonly message?: Fields<{ content: string; thinking: string }> & {
    readonly tool_calls?: readonly unknown[] | null
  }
}

/** Ollama's own chat. */
export const ollamaChat: ServerApi = {
  ...ollamaShared,
  name: 'ollama-chat',
  path: '/api/chat',
  outputFields: ['content', 'thinking'],
  body: (ask) => JSON.stringify({ messages: messagesOf(ask.prompt), ...sharedFields(ask) }),
  readEvent: (data) => readOllamaEvent<ChatEvent>(data, outputOf),
}

function outputOf({ message }: ChatEvent): EventMeaning['output'] {
  if (message?.content) return 'content'
  if (message?.thinking) return 'reasoning'
  return message?.tool_calls?.length ? 'tool' : undefined
}
