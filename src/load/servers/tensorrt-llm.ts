import { type Maybe, product, ratio, sum } from '../../arithmetic.ts'
import { parsePrometheus } from '../prometheus.ts'
import { type MetricTable, readMetrics, type ServerReadings } from '../server-readings.ts'
import {
  type Answers,
  asCount,
  asObject,
  asText,
  asTruth,
  fieldsOf,
  modelsPath,
  objectAt,
  objectsOf,
  offeredModels,
  textAt,
  told,
} from './answers.ts'
import type { ServerFacts, ServerKind } from './server-kind.ts'
import { ignoreEosAndMinTokens } from './vllm.ts'

const prometheusPath = '/prometheus/metrics'

/** Versions differ in what stands before a name. */
const named = (name: string): string[] => [`trtllm_${name}`, `trtllm:${name}`]

const metricTable: MetricTable = {
  // Always "undefined" in some versions; the server has a single model anyway.
  modelLabel: 'model_name',
  gauges: {
    running: { names: named('num_requests_running') },
    waiting: { names: named('num_requests_waiting') },
    kvCacheUsedRatio: { names: named('kv_cache_utilization') },
    inputTokensTotal: { names: named('prompt_tokens_total') },
    outputTokensTotal: { names: named('generation_tokens_total') },
    prefixCacheHitTokensTotal: { names: named('prompt_cached_tokens_total') },
    prefixCacheQueryTokensTotal: { names: named('prompt_tokens_total') },
    specAcceptedTokensTotal: { names: named('spec_decode_num_accepted_tokens_total') },
    specDraftedTokensTotal: { names: named('spec_decode_num_draft_tokens_total') },
    requestsEndedTotal: { names: named('request_success_total') },
  },
  times: {
    ttftMs: { names: named('time_to_first_token_seconds'), unit: 's' },
    queueMs: { names: named('request_queue_time_seconds'), unit: 's' },
    latencyMs: { names: named('e2e_request_latency_seconds'), unit: 's' },
    tpotMs: { names: named('time_per_output_token_seconds'), unit: 's' },
  },
}

/** `trtllm-serve`; tensorrt_llm/serve/openai_server.py of NVIDIA/TensorRT-LLM. */
export const tensorRtLlm: ServerKind = {
  name: 'tensorrt-llm',
  label: 'TensorRT-LLM (trtllm-serve)',
  paths: [modelsPath, '/version'],
  recognise: (answers) =>
    offeredModels(answers).some((offer) => offer.owned_by === 'tensorrt_llm')
      ? `GET ${modelsPath}: data[].owned_by is "tensorrt_llm"`
      : undefined,
  metricPrefix: 'trtllm',
  morePaths: () => [prometheusPath],
  describe,
  length: ignoreEosAndMinTokens,
  tokenize: {
    path: '/_internal/tokenize',
    body: ({ text }) => ({ prompt: text }),
    count: (answer) => {
      const object = asObject(answer)
      const tokens = object?.tokens
      return asCount(object?.count, 0) ?? (Array.isArray(tokens) ? tokens.length : undefined)
    },
  },
  metrics: {
    places: [
      { path: prometheusPath, read: (text, model) => readMetrics(text, metricTable, model) },
      { path: '/metrics', read: readIterations },
    ],
    needs:
      'return_perf_metrics: true (for /prometheus/metrics) or enable_iter_perf_stats: true (for /metrics)',
  },
  traps: [
    'A field it does not know is an error: requests hold only fields it has.',
    'Reading /metrics takes the statistics away from whoever reads next, and waits up to 2 s while the server is idle.',
  ],
}

function describe(answers: Answers): ServerFacts {
  const page = parsePrometheus(textAt(answers, prometheusPath) ?? '')
  const label = <T>(metric: string, name: string, read: (value: unknown) => T | undefined) => {
    const series = page.series.find((one) => named(metric).includes(one.name))
    return told(read(series?.labels.get(name)), `GET ${prometheusPath}: ${metric}{${name}}`)
  }
  const value = (metric: string): number | undefined =>
    asCount(page.series.find((one) => named(metric).includes(one.name))?.value)
  const given = (text: unknown) => (text === 'None' ? undefined : asText(text))
  const count = (text: unknown) => asCount(text)
  const speculating = label('speculative_config_info', 'spec_method', given)
  return {
    version: fieldsOf(objectAt(answers, '/version'), 'GET /version:').text('version'),
    launch: {
      quantisation: label('model_config_info', 'quantization', given),
      tensorParallel: label('parallel_config_info', 'tensor_parallel_size', count),
      pipelineParallel: label('parallel_config_info', 'pipeline_parallel_size', count),
      prefixCaching: label('kv_cache_config_info', 'enable_block_reuse', asTruth),
      speculativeDecoding: speculating,
      kvCacheTokens: told(
        product([value('kv_cache_max_blocks'), value('kv_cache_tokens_per_block')]),
        `GET ${prometheusPath}: kv_cache_max_blocks, kv_cache_tokens_per_block`,
      ),
      kvCacheType: label('kv_cache_config_info', 'cache_dtype', given),
      maxRunning: told(
        value('max_num_active_requests'),
        `GET ${prometheusPath}: max_num_active_requests`,
      ),
    },
  }
}

/**
 * `/metrics` as JSON: a list of what happened in each iteration since somebody last asked; empty
 * while nothing runs. Blocks are counted since the server started.
 */
function readIterations(text: string): ServerReadings {
  const list: unknown = JSON.parse(text)
  if (!Array.isArray(list)) throw new SyntaxError('not a list of iterations')
  const last = objectsOf(list).at(-1)
  if (last === undefined) return {}
  const cache = asObject(last.kvCacheStats)
  const blocks = (field: string): Maybe => asCount(cache?.[field], 0)
  const hits = product([blocks('reusedBlocks'), blocks('tokensPerBlock')])
  const misses = product([blocks('missedBlocks'), blocks('tokensPerBlock')])
  return {
    running: asCount(last.numActiveRequests, 0),
    waiting: asCount(last.numQueuedRequests, 0),
    kvCacheUsedRatio: ratio(blocks('usedNumBlocks'), blocks('maxNumBlocks')),
    prefixCacheHitTokensTotal: hits,
    prefixCacheQueryTokensTotal: sum([hits, misses]),
  }
}
