import { fieldsOf, modelsPath, offerOf } from './answers.ts'
import type { ServerKind } from './server-kind.ts'

/** Any other server: all that is believed of it is that it speaks OpenAI's API. */
export const openAi: ServerKind = {
  name: 'openai',
  label: 'an OpenAI-compatible server',
  paths: [modelsPath],
  recognise: () => 'nothing tells it from other OpenAI-compatible servers',
  describe: (answers, model) => ({
    contextTokens: fieldsOf(offerOf(answers, model), `GET ${modelsPath}: data[]`).count(
      'max_model_len',
    ),
    launch: {},
  }),
  length: {
    kind: 'tried',
    fields: (outputTokens) => ({ ignore_eos: true, min_tokens: outputTokens }),
  },
  metrics: { none: 'It is not known what metrics this server has.' },
  traps: ['How an answer gets a wanted length is found out by trying.'],
}
