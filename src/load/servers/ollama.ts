import { type Answers, asObject, asText, fieldsOf, objectAt, objectsOf, told } from './answers.ts'
import type { ServerFacts, ServerKind } from './server-kind.ts'

const versionPath = '/api/version'
const loadedPath = '/api/ps'

/** https://github.com/ollama/ollama, docs/api.md. */
export const ollama: ServerKind = {
  name: 'ollama',
  label: 'Ollama',
  paths: [versionPath, loadedPath],
  recognise: (answers) => {
    const version = asText(objectAt(answers, versionPath)?.version)
    const loaded = Array.isArray(objectAt(answers, loadedPath)?.models)
    return version !== undefined && loaded
      ? `GET ${versionPath}: version, and GET ${loadedPath}: models`
      : undefined
  },
  describe,
  length: { kind: 'capped', reason: 'Ollama takes max_tokens (num_predict) as a cap only.' },
  metrics: { none: 'Ollama has no metrics.' },
  traps: [
    'A model is loaded by the first request and dropped after five idle minutes: warm up, and keep pauses short.',
    'Prompt tokens are missing or too few in an answer whose prompt was cached.',
    'The context is 4,096 tokens or so unless set, and longer prompts are cut without a word.',
  ],
}

function describe(answers: Answers, model: string | undefined): ServerFacts {
  const loaded = objectsOf(objectAt(answers, loadedPath)?.models)
  const own = loaded.find(({ name }) => name === model || name === `${model}:latest`)
  const facts = fieldsOf(own, `GET ${loadedPath}: models[]`)
  const level = asText(asObject(own?.details)?.quantization_level)
  return {
    version: fieldsOf(objectAt(answers, versionPath), `GET ${versionPath}:`).text('version'),
    contextTokens: facts.count('context_length'),
    launch: {
      quantisation: told(level, `GET ${loadedPath}: models[].details.quantization_level`),
    },
  }
}
