import { type Answers, asObject, asText, fieldsOf, objectAt, objectsOf, told } from './answers.ts'
import type { ServerFacts, ServerKind } from './server-kind.ts'

/** As of 0.4. */
const newPath = '/api/v1/models'
/** As of 0.3.6. */
const oldPath = '/api/v0/models'

/** https://lmstudio.ai/docs/developer/rest. */
export const lmStudio: ServerKind = {
  name: 'lm-studio',
  label: 'LM Studio',
  paths: [newPath, oldPath],
  recognise: (answers) => {
    const models = objectsOf(objectAt(answers, newPath)?.models)
    if (models.some((model) => Array.isArray(model.loaded_instances)))
      return `GET ${newPath}: models[].loaded_instances`
    const old = objectsOf(objectAt(answers, oldPath)?.data)
    return old.some((model) => 'compatibility_type' in model && 'state' in model)
      ? `GET ${oldPath}: data[].state, compatibility_type`
      : undefined
  },
  describe,
  length: { kind: 'capped', reason: 'LM Studio takes max_tokens as a cap only.' },
  metrics: { none: 'LM Studio has no metrics.' },
  traps: [
    'It answers 200 with {"error": ...} to paths that it does not have.',
    'It loads a model that is asked for, and may drop it again when idle.',
  ],
}

function describe(answers: Answers, model: string | undefined): ServerFacts {
  return describeNew(answers, model) ?? describeOld(answers, model)
}

function describeNew(answers: Answers, model: string | undefined): ServerFacts | undefined {
  for (const listed of objectsOf(objectAt(answers, newPath)?.models)) {
    const instances = objectsOf(listed.loaded_instances)
    const instance = instances.find(({ id }) => id === model) ?? instances[0]
    if (listed.key !== model && instance?.id !== model) continue
    const config = fieldsOf(
      asObject(instance?.config),
      `GET ${newPath}: models[].loaded_instances[].config`,
    )
    const quantisation = asText(asObject(listed.quantization)?.name)
    return {
      contextTokens: config.count('context_length'),
      launch: {
        quantisation: told(quantisation, `GET ${newPath}: models[].quantization.name`),
        maxRunning: config.count('parallel'),
      },
    }
  }
  return undefined
}

function describeOld(answers: Answers, model: string | undefined): ServerFacts {
  const listed = objectsOf(objectAt(answers, oldPath)?.data).find(({ id }) => id === model)
  const facts = fieldsOf(listed, `GET ${oldPath}: data[]`)
  return {
    contextTokens: facts.count('loaded_context_length'),
    launch: { quantisation: facts.text('quantization') },
  }
}
