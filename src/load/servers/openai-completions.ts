import { freeFields, type OpenAiEvent, readOpenAiEvent, sharedFields } from './openai-shared.ts'
import { type ServerApi, textOf } from './server.ts'

interface CompletionsEvent extends OpenAiEvent {
  readonly choices?: readonly { readonly finish_reason?: string | null; readonly text?: string }[]
}

/** OpenAI text completions: the prompt goes to the model without a chat template. */
export const openAiCompletions: ServerApi = {
  name: 'openai-completions',
  path: '/v1/completions',
  contentType: 'text/event-stream',
  framing: 'sse',
  endsWith: 'event',
  canForceLength: true,
  outputFields: ['text'],
  freeFields,
  body: (ask) => JSON.stringify({ prompt: textOf(ask.prompt), ...sharedFields(ask) }),
  readEvent: (data) =>
    readOpenAiEvent<CompletionsEvent>(data, (event) =>
      event.choices?.[0]?.text ? 'content' : undefined,
    ),
}
