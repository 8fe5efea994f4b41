import type { Fields } from './event-values.ts'
import { type OllamaEvent, ollamaShared, readOllamaEvent, sharedFields } from './ollama-shared.ts'
import { type EventMeaning, type ServerApi, textOf } from './server.ts'

type GenerateEvent = OllamaEvent & Fields<{ response: string; thinking: string }>

/** Ollama's own text completion: raw, so the prompt goes to the model without a template. */
export const ollamaGenerate: ServerApi = {
  ...ollamaShared,
  name: 'ollama-generate',
  path: '/api/generate',
  outputFields: ['response', 'thinking'],
  body: (ask) => JSON.stringify({ prompt: textOf(ask.prompt), raw: true, ...sharedFields(ask) }),
  readEvent: (data) => readOllamaEvent<GenerateEvent>(data, outputOf),
}

function outputOf({ response, thinking }: GenerateEvent): EventMeaning['output'] {
  if (response) return 'content'
  return thinking ? 'reasoning' : undefined
}
