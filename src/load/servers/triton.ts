import { type MetricTable, readMetrics } from '../server-readings.ts'
import {
  type Answers,
  asCount,
  asObject,
  asText,
  fieldsOf,
  objectAt,
  objectsOf,
  told,
} from './answers.ts'
import type { ServerFacts, ServerKind } from './server-kind.ts'

const serverPath = '/v2'
const METRICS_PORT = 8002

const metricTable: MetricTable = {
  modelLabel: 'model',
  // A model on several GPUs has a series for each.
  gauges: {
    running: {
      names: ['nv_trt_llm_request_metrics'],
      labels: { request_type: 'scheduled' },
      anyModel: true,
    },
    waiting: { names: ['nv_inference_pending_request_count'] },
    kvCacheUsedRatio: {
      names: ['nv_trt_llm_kv_cache_block_metrics'],
      labels: { kv_cache_block_type: 'fraction' },
      anyModel: true,
      over: 'mean',
    },
    requestsEndedTotal: { names: ['nv_inference_request_success'] },
  },
  times: {
    ttftMs: { names: ['nv_inference_first_response_histogram_ms'], unit: 'ms' },
    queueMs: {
      names: ['nv_inference_queue_duration_us'],
      countName: 'nv_inference_request_success',
      unit: 'us',
    },
    latencyMs: {
      names: ['nv_inference_request_duration_us'],
      countName: 'nv_inference_request_success',
      unit: 'us',
    },
  },
}

/** Triton Inference Server; docs/user_guide/metrics.md and KServe's protocol. */
export const triton: ServerKind = {
  name: 'triton',
  label: 'Triton Inference Server',
  paths: [serverPath],
  recognise: (answers) =>
    objectAt(answers, serverPath)?.name === 'triton'
      ? `GET ${serverPath}: name is "triton"`
      : undefined,
  metricPrefix: 'nv_inference_',
  morePaths: (model) => (model === undefined ? [] : [configPath(model)]),
  describe,
  length: { kind: 'capped', reason: 'It depends on the backend behind Triton.' },
  metrics: {
    places: [
      {
        path: '/metrics',
        port: METRICS_PORT,
        read: (text, model) => readMetrics(text, metricTable, model),
      },
      { path: '/metrics', read: (text, model) => readMetrics(text, metricTable, model) },
    ],
  },
  traps: [
    'Metrics are on a port of their own (8002), which may not be reachable where the API is.',
    'Triton counts requests, not tokens.',
    "Its own API is not OpenAI's: baremark drives the OpenAI frontend of Triton.",
  ],
}

function configPath(model: string): string {
  return `${serverPath}/models/${encodeURIComponent(model)}/config`
}

function describe(answers: Answers, model: string | undefined): ServerFacts {
  const config = objectAt(answers, configPath(model ?? ''))
  const source = `GET ${configPath(model ?? '')}:`
  const facts = fieldsOf(config, source)
  const copies = objectsOf(config?.instance_group).map((group) => asCount(group.count))
  const running = copies.length === 1 ? copies[0] : undefined
  return {
    version: fieldsOf(objectAt(answers, serverPath), `GET ${serverPath}:`).text('version'),
    engine: facts.text('backend') ?? facts.text('platform'),
    contextTokens: undefined,
    launch: {
      quantisation: told(
        asText(asObject(asObject(config?.parameters)?.quantization)?.string_value),
        `${source} parameters.quantization`,
      ),
      dataParallel: told(running, `${source} instance_group[].count`),
    },
  }
}
