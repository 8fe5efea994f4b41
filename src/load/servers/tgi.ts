import { parsePrometheus } from '../prometheus.ts'
import { type MetricTable, readMetrics } from '../server-readings.ts'
import { type Answers, asCount, fieldsOf, objectAt, textAt, told } from './answers.ts'
import type { ServerFacts, ServerKind } from './server-kind.ts'

const infoPath = '/info'
const metricsPath = '/metrics'

const metricTable: MetricTable = {
  modelLabel: 'model_name',
  gauges: {
    running: { names: ['tgi_batch_current_size'] },
    waiting: { names: ['tgi_queue_size'] },
    inputTokensTotal: { names: ['tgi_request_input_length_sum'] },
    outputTokensTotal: { names: ['tgi_request_generated_tokens_sum'] },
    requestsEndedTotal: { names: ['tgi_request_success'] },
  },
  times: {
    queueMs: { names: ['tgi_request_queue_duration'], unit: 's' },
    latencyMs: { names: ['tgi_request_duration'], unit: 's' },
    tpotMs: { names: ['tgi_request_mean_time_per_token_duration'], unit: 's' },
  },
}

/** Text Generation Inference; router/src/lib.rs and server.rs of huggingface/text-generation-inference. */
export const tgi: ServerKind = {
  name: 'tgi',
  label: 'Text Generation Inference',
  paths: [infoPath],
  recognise: (answers) => {
    const info = objectAt(answers, infoPath)
    if (info?.router === 'text-generation-router')
      return `GET ${infoPath}: router is "text-generation-router"`
    // Versions before 2.1 do not name the router.
    return info && 'model_id' in info && 'max_concurrent_requests' in info && 'version' in info
      ? `GET ${infoPath}: model_id, max_concurrent_requests`
      : undefined
  },
  metricPrefix: 'tgi_',
  morePaths: () => [metricsPath],
  describe,
  length: { kind: 'capped', reason: 'Text Generation Inference has no public field for it.' },
  tokenize: {
    path: '/tokenize',
    body: ({ text }) => ({ inputs: text }),
    count: (answer) => (Array.isArray(answer) ? answer.length : undefined),
  },
  metrics: {
    places: [{ path: metricsPath, read: (text, model) => readMetrics(text, metricTable, model) }],
  },
  traps: [
    'Output tokens are counted when a request ends, not as they come.',
    'Metrics appear with the first request that touches them.',
  ],
}

function describe(answers: Answers): ServerFacts {
  const info = objectAt(answers, infoPath)
  const facts = fieldsOf(info, `GET ${infoPath}:`)
  const name = 'tgi_batch_max_total_tokens'
  const [most] = parsePrometheus(
    textAt(answers, metricsPath) ?? '',
    (given) => given === name,
  ).series
  return {
    version: facts.text('version'),
    model: facts.text('model_id'),
    contextTokens: facts.count('max_total_tokens'),
    launch: { kvCacheTokens: told(asCount(most?.value), `GET ${metricsPath}: ${name}`) },
  }
}
