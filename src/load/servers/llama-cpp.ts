import { type MetricTable, readMetrics, type ServerReadings } from '../server-readings.ts'
import {
  type Answers,
  asObject,
  asText,
  fieldsOf,
  jsonAt,
  modelsPath,
  objectAt,
  objectsOf,
  offerOf,
  told,
} from './answers.ts'
import type { ServerFacts, ServerKind } from './server-kind.ts'

const propsPath = '/props'
const slotsPath = '/slots'

const metricTable: MetricTable = {
  modelLabel: 'model',
  gauges: {
    running: { names: ['llamacpp:requests_processing'] },
    waiting: { names: ['llamacpp:requests_deferred'] },
    // Gone since May 2025.
    kvCacheUsedRatio: { names: ['llamacpp:kv_cache_usage_ratio'] },
    inputTokensTotal: { names: ['llamacpp:prompt_tokens_total'] },
    outputTokensTotal: { names: ['llamacpp:tokens_predicted_total'] },
  },
  times: {},
}

/** llama-server; https://github.com/ggml-org/llama.cpp, tools/server/README.md. */
export const llamaCpp: ServerKind = {
  name: 'llama.cpp',
  label: 'llama.cpp server',
  paths: [propsPath, modelsPath],
  // It has pages that look like Ollama's, so it is asked before.
  recognise: (answers) => {
    const props = objectAt(answers, propsPath)
    if (props?.default_generation_settings) return `GET ${propsPath}: default_generation_settings`
    return props?.build_info ? `GET ${propsPath}: build_info` : undefined
  },
  metricPrefix: 'llamacpp:',
  morePaths: () => [slotsPath],
  describe,
  length: {
    kind: 'forced',
    fields: (outputTokens) => ({ ignore_eos: true, n_predict: outputTokens }),
  },
  tokenize: {
    path: '/tokenize',
    body: ({ text }) => ({ content: text, add_special: true }),
    count: (answer) => {
      const tokens = asObject(answer)?.tokens
      return Array.isArray(tokens) ? tokens.length : undefined
    },
  },
  resetPrefixCache: {
    requests: ({ maxRunning }) =>
      Array.from({ length: maxRunning?.value ?? 1 }, (_, slot) => ({
        method: 'POST',
        path: `${slotsPath}/${slot}?action=erase`,
      })),
    succeeded: (status) => status === 200,
    needs: '--slot-save-path',
  },
  coldFields: { cache_prompt: false },
  metrics: {
    places: [
      { path: '/metrics', read: (text, model) => readMetrics(text, metricTable, model) },
      { path: slotsPath, read: readSlots },
    ],
    needs: '--metrics',
  },
  traps: [
    'More requests than slots wait: --parallel sets the slots, and the context is divided among them.',
    'Prompt tokens found in a cache are not in llamacpp:prompt_tokens_total.',
    'A router in front of several models tells nothing of the model behind it.',
  ],
}

function describe(answers: Answers, model: string | undefined): ServerFacts {
  const props = objectAt(answers, propsPath)
  const facts = fieldsOf(props, `GET ${propsPath}:`)
  const settings = asObject(props?.default_generation_settings)
  const ofSlot = fieldsOf(settings, `GET ${propsPath}: default_generation_settings`)
  const offer = fieldsOf(asObject(offerOf(answers, model)?.meta), `GET ${modelsPath}: data[].meta`)
  const slots = objectsOf(jsonAt(answers, slotsPath))
  const speculative = slots
    .map((slot) => slot.speculative)
    .find((flag) => typeof flag === 'boolean')
  return {
    version: facts.text('build_info'),
    model: facts.text('model_alias') ?? facts.text('model_path'),
    // Of one slot: what a single request can use.
    contextTokens: ofSlot.count('n_ctx') ?? offer.count('n_ctx'),
    launch: {
      quantisation: offer.text('ftype') ?? fileType(props?.model_path),
      maxRunning: facts.count('total_slots'),
      speculativeDecoding: told(
        speculative === undefined ? undefined : speculative ? 'draft' : 'none',
        `GET ${slotsPath}: speculative`,
      ),
    },
  }
}

/** The quantisation that GGUF files carry in their names: `model-Q4_K_M.gguf`. */
function fileType(path: unknown) {
  const match = /[-._]((?:I?Q\d\w*|BF16|F16|F32|MXFP4\w*))\.gguf$/i.exec(asText(path) ?? '')
  return told(match?.[1]?.toUpperCase(), `GET ${propsPath}: the file name in model_path`)
}

/** Where --metrics is missing: how many slots work. */
function readSlots(text: string): ServerReadings {
  const slots: unknown = JSON.parse(text)
  if (!Array.isArray(slots)) throw new SyntaxError('not a list of slots')
  return { running: objectsOf(slots).filter((slot) => slot.is_processing === true).length }
}
