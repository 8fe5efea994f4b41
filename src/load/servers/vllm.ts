import { parsePrometheus } from '../prometheus.ts'
import type { LaunchConfiguration, Told } from '../server-identity.ts'
import { type MetricTable, readMetrics } from '../server-readings.ts'
import {
  type Answers,
  asCount,
  asObject,
  asText,
  asTruth,
  fieldsOf,
  modelsPath,
  objectAt,
  offeredModels,
  offerOf,
  serverInfoPath,
  textAt,
  told,
} from './answers.ts'
import type { LengthForcing, ServerFacts, ServerKind, Tokenizer } from './server-kind.ts'

const metricsPath = '/metrics'

/** As of vLLM 0.26; the second names are those of versions before 0.9 and of engine version 0. */
export const vllmMetrics: MetricTable = {
  modelLabel: 'model_name',
  gauges: {
    running: { names: ['vllm:num_requests_running'] },
    waiting: { names: ['vllm:num_requests_waiting'] },
    kvCacheUsedRatio: {
      names: ['vllm:kv_cache_usage_perc', 'vllm:gpu_cache_usage_perc'],
      over: 'mean',
    },
    inputTokensTotal: { names: ['vllm:prompt_tokens_total'] },
    outputTokensTotal: { names: ['vllm:generation_tokens_total'] },
    prefixCacheHitTokensTotal: {
      names: ['vllm:prefix_cache_hits_total', 'vllm:gpu_prefix_cache_hits_total'],
    },
    prefixCacheQueryTokensTotal: {
      names: ['vllm:prefix_cache_queries_total', 'vllm:gpu_prefix_cache_queries_total'],
    },
    preemptionsTotal: { names: ['vllm:num_preemptions_total'] },
    specAcceptedTokensTotal: { names: ['vllm:spec_decode_num_accepted_tokens_total'] },
    specDraftedTokensTotal: { names: ['vllm:spec_decode_num_draft_tokens_total'] },
    requestsEndedTotal: { names: ['vllm:request_success_total'] },
  },
  times: {
    ttftMs: { names: ['vllm:time_to_first_token_seconds'], unit: 's' },
    queueMs: { names: ['vllm:request_queue_time_seconds'], unit: 's' },
    latencyMs: { names: ['vllm:e2e_request_latency_seconds'], unit: 's' },
    // The old name said "per output token" and held the gaps between tokens all the same.
    itlMs: {
      names: ['vllm:inter_token_latency_seconds', 'vllm:time_per_output_token_seconds'],
      unit: 's',
    },
    tpotMs: { names: ['vllm:request_time_per_output_token_seconds'], unit: 's' },
  },
}

/** The fields that vLLM, and whoever took them over, reads. */
export const ignoreEosAndMinTokens: LengthForcing = {
  kind: 'forced',
  fields: (outputTokens) => ({ ignore_eos: true, min_tokens: outputTokens }),
}

/** `{"count": 3, ...}` for a prompt, as vLLM and SGLang answer. */
export const tokenizePrompt: Tokenizer = {
  path: '/tokenize',
  body: ({ model, text }) => ({ model, prompt: text }),
  count: (answer) => asCount(asObject(answer)?.count, 0),
}

/** https://docs.vllm.ai, vllm/entrypoints; endpoints as of 0.26. */
export const vllm: ServerKind = {
  name: 'vllm',
  label: 'vLLM',
  paths: [modelsPath, '/version', serverInfoPath],
  recognise: (answers) =>
    offeredModels(answers).some((offer) => offer.owned_by === 'vllm')
      ? `GET ${modelsPath}: data[].owned_by is "vllm"`
      : undefined,
  metricPrefix: 'vllm:',
  morePaths: () => [metricsPath],
  describe: describeVllm,
  length: ignoreEosAndMinTokens,
  tokenize: tokenizePrompt,
  resetPrefixCache: {
    requests: () => [{ method: 'POST', path: '/reset_prefix_cache' }],
    // A refusal is a 200 too: blocks are held while requests run.
    succeeded: (status, body) => status === 200 && !/"success"\s*:\s*false/.test(body),
    needs: 'VLLM_SERVER_DEV_MODE=1 in the environment of the server',
  },
  metrics: {
    places: [{ path: metricsPath, read: (text, model) => readMetrics(text, vllmMetrics, model) }],
  },
  traps: [
    'The prefix cache is on by default and stays filled from one run to the next.',
    '--api-key guards only paths under /v1: /metrics and /version answer anyone.',
  ],
}

/** What vLLM tells of itself; of engines built around it too. */
export function describeVllm(answers: Answers, model: string | undefined): ServerFacts {
  const offer = fieldsOf(offerOf(answers, model), `GET ${modelsPath}: data[]`)
  return {
    version: fieldsOf(objectAt(answers, '/version'), 'GET /version:').text('version'),
    contextTokens: offer.count('max_model_len'),
    launch: { ...fromServerInfo(answers), ...known(fromCacheConfig(answers, metricsPath)) },
  }
}

/** The metric whose labels are the cache's configuration; one series an engine. */
function fromCacheConfig(answers: Answers, path: string): LaunchConfiguration {
  const name = 'vllm:cache_config_info'
  const { series } = parsePrometheus(textAt(answers, path) ?? '', (given) => given === name)
  const [first] = series
  if (first === undefined) return {}
  const source = (label: string): string => `GET ${path}: ${name}{${label}}`
  const blocks = series.map(({ labels }) => asCount(labels.get('num_gpu_blocks')))
  const blockTokens = asCount(first.labels.get('block_size'))
  const tokens = blocks.reduce<number | undefined>(
    (all, count) =>
      all === undefined || count === undefined || blockTokens === undefined
        ? undefined
        : all + count * blockTokens,
    0,
  )
  return {
    kvCacheTokens: told(tokens, source('num_gpu_blocks, block_size')),
    kvCacheType: told(asText(first.labels.get('cache_dtype')), source('cache_dtype')),
    prefixCaching: told(
      asTruth(first.labels.get('enable_prefix_caching')),
      source('enable_prefix_caching'),
    ),
  }
}

/** Only there with VLLM_SERVER_DEV_MODE=1; older versions print the configuration as one text. */
function fromServerInfo(answers: Answers): LaunchConfiguration {
  const config = objectAt(answers, serverInfoPath)?.vllm_config
  const whole = asObject(config)
  return whole === undefined
    ? fromConfigText(asText(config) ?? longText(config))
    : fromConfig(whole)
}

function longText(value: unknown): string {
  return typeof value === 'string' ? value : ''
}

const infoSource = 'GET /server_info: vllm_config'

function fromConfig(config: Readonly<Record<string, unknown>>): LaunchConfiguration {
  const part = (name: string) => fieldsOf(asObject(config[name]), `${infoSource}.${name}`)
  const parallel = part('parallel_config')
  const speculative = asObject(config.speculative_config)
  return {
    quantisation: part('model_config').text('quantization'),
    tensorParallel: parallel.count('tensor_parallel_size'),
    pipelineParallel: parallel.count('pipeline_parallel_size'),
    dataParallel: parallel.count('data_parallel_size'),
    prefixCaching: part('cache_config').truth('enable_prefix_caching'),
    kvCacheType: part('cache_config').text('cache_dtype'),
    maxRunning: part('scheduler_config').count('max_num_seqs'),
    speculativeDecoding:
      config.speculative_config === null
        ? told('none', `${infoSource}.speculative_config`)
        : told(asText(speculative?.method), `${infoSource}.speculative_config.method`),
  }
}

/** `..., tensor_parallel_size=2, quantization=fp8, speculative_config=None, ...` */
function fromConfigText(text: string): LaunchConfiguration {
  const field = (name: string): string | undefined => {
    const value = new RegExp(`(?:^|[\\s,(])${name}=('[^']*'|[^,\\s)]+)`).exec(text)?.[1]
    return value?.replaceAll("'", '')
  }
  const fact = <T>(name: string, read: (value: unknown) => T | undefined): Told<T> | undefined =>
    told(read(field(name)), `${infoSource} ${name}`)
  const unlessNone = (value: unknown) => (value === 'None' ? undefined : asText(value))
  return {
    quantisation: fact('quantization', unlessNone),
    tensorParallel: fact('tensor_parallel_size', (value) => asCount(value)),
    pipelineParallel: fact('pipeline_parallel_size', (value) => asCount(value)),
    dataParallel: fact('data_parallel_size', (value) => asCount(value)),
    prefixCaching: fact('enable_prefix_caching', asTruth),
    kvCacheType: fact('kv_cache_dtype', asText),
    speculativeDecoding: fact('speculative_config', (value) =>
      value === 'None' ? 'none' : undefined,
    ),
  }
}

/** Without what is absent, so that it does not hide what another source told. */
function known(launch: LaunchConfiguration): LaunchConfiguration {
  return Object.fromEntries(Object.entries(launch).filter(([, fact]) => fact !== undefined))
}
