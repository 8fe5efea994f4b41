import { readMetrics } from '../server-readings.ts'
import { type Answers, asObject, fieldsOf, modelsPath, offeredModels, offerOf } from './answers.ts'
import type { ServerKind } from './server-kind.ts'
import { ignoreEosAndMinTokens, vllmMetrics } from './vllm.ts'

/** The server of `baremark serve`. Its metrics are named as vLLM's, so it is asked before vLLM. */
export const baremark: ServerKind = {
  name: 'baremark',
  label: "baremark's own server",
  paths: [modelsPath],
  recognise: (answers) =>
    offeredModels(answers).some((offer) => asObject(offer.baremark) !== undefined)
      ? `GET ${modelsPath}: data[].baremark`
      : undefined,
  describe: (answers: Answers, model) => {
    const offer = offerOf(answers, model)
    const own = fieldsOf(asObject(offer?.baremark), `GET ${modelsPath}: data[].baremark`)
    return {
      engine: own.text('engine'),
      contextTokens: fieldsOf(offer, `GET ${modelsPath}: data[]`).count('max_model_len'),
      launch: {},
    }
  },
  length: ignoreEosAndMinTokens,
  metrics: {
    places: [{ path: '/metrics', read: (text, model) => readMetrics(text, vllmMetrics, model) }],
  },
  traps: [],
}
