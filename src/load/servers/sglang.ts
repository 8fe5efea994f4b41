import { type MetricTable, readMetrics } from '../server-readings.ts'
import {
  type Answers,
  asCount,
  asTruth,
  fieldsOf,
  modelsPath,
  objectAt,
  offeredModels,
  offerOf,
  serverInfoPath,
  told,
} from './answers.ts'
import type { ServerFacts, ServerKind } from './server-kind.ts'
import { ignoreEosAndMinTokens, tokenizePrompt } from './vllm.ts'

/** The newer name first. */
const infoPaths = [serverInfoPath, '/get_server_info'] as const
const modelPath = '/get_model_info'

export const sglangMetrics: MetricTable = {
  modelLabel: 'model_name',
  copyLabels: ['tp_rank', 'pp_rank', 'moe_ep_rank'],
  gauges: {
    running: { names: ['sglang:num_running_reqs'] },
    waiting: { names: ['sglang:num_queue_reqs'] },
    kvCacheUsedRatio: { names: ['sglang:token_usage'], over: 'mean' },
    specAcceptedRatio: { names: ['sglang:spec_accept_rate'], over: 'mean' },
    inputTokensTotal: { names: ['sglang:prompt_tokens_total'] },
    outputTokensTotal: { names: ['sglang:generation_tokens_total'] },
    prefixCacheHitTokensTotal: {
      names: ['sglang:cached_tokens_total'],
      aggregate: { label: 'cache_source', value: 'total' },
    },
    // Every prompt token is looked for.
    prefixCacheQueryTokensTotal: { names: ['sglang:prompt_tokens_total'] },
    preemptionsTotal: { names: ['sglang:num_retracted_requests_total'] },
    requestsEndedTotal: { names: ['sglang:num_requests_total'] },
  },
  times: {
    ttftMs: { names: ['sglang:time_to_first_token_seconds'], unit: 's' },
    queueMs: { names: ['sglang:queue_time_seconds'], unit: 's' },
    latencyMs: { names: ['sglang:e2e_request_latency_seconds'], unit: 's' },
    itlMs: { names: ['sglang:inter_token_latency_seconds'], unit: 's' },
    tpotMs: { names: ['sglang:time_per_output_token_seconds'], unit: 's' },
  },
}

/** https://docs.sglang.ai; python/sglang/srt/entrypoints/http_server.py. */
export const sglang: ServerKind = {
  name: 'sglang',
  label: 'SGLang',
  paths: [modelsPath, ...infoPaths, modelPath],
  recognise: (answers) => {
    const info = serverInfo(answers)
    if (info) return `GET ${info.path}: mem_fraction_static`
    const model = objectAt(answers, modelPath)
    if (model && 'model_path' in model && 'is_generation' in model)
      return `GET ${modelPath}: model_path, is_generation`
    return offeredModels(answers).some((offer) => offer.owned_by === 'sglang')
      ? `GET ${modelsPath}: data[].owned_by is "sglang"`
      : undefined
  },
  metricPrefix: 'sglang:',
  describe,
  length: ignoreEosAndMinTokens,
  tokenize: tokenizePrompt,
  resetPrefixCache: {
    requests: () => [{ method: 'POST', path: '/flush_cache' }],
    succeeded: (status) => status === 200,
  },
  metrics: {
    places: [{ path: '/metrics', read: (text, model) => readMetrics(text, sglangMetrics, model) }],
    needs: '--enable-metrics',
  },
  traps: [
    'A GET of /health has the model generate a token; baremark does not ask it.',
    'The prefix cache is on by default; /flush_cache refuses while requests run.',
    'Ranks of one engine repeat the same gauges in /metrics.',
  ],
}

/** The page of the server's arguments, where it is SGLang's. */
function serverInfo(answers: Answers) {
  for (const path of infoPaths) {
    const info = objectAt(answers, path)
    if (info && 'mem_fraction_static' in info) return { path, info }
  }
  return undefined
}

/** What SGLang tells of itself; the arguments it was started with are in one flat object. */
function describe(answers: Answers, model: string | undefined): ServerFacts {
  const { path = infoPaths[0], info } = serverInfo(answers) ?? {}
  const facts = fieldsOf(info, `GET ${path}:`)
  const offer = fieldsOf(offerOf(answers, model), `GET ${modelsPath}: data[]`)
  const disabled = asTruth(info?.disable_radix_cache)
  const copies = asCount(info?.dp_size) ?? 1
  const tokensOfOne = asCount(info?.max_total_num_tokens)
  return {
    version: facts.text('version'),
    model: fieldsOf(objectAt(answers, modelPath), `GET ${modelPath}:`).text('model_path'),
    contextTokens: offer.count('max_model_len') ?? facts.count('context_length'),
    launch: {
      quantisation: facts.text('quantization'),
      tensorParallel: facts.count('tp_size'),
      pipelineParallel: facts.count('pp_size'),
      dataParallel: facts.count('dp_size'),
      prefixCaching: told(
        disabled === undefined ? undefined : !disabled,
        `GET ${path}: disable_radix_cache`,
      ),
      speculativeDecoding:
        info?.speculative_algorithm === null
          ? told('none', `GET ${path}: speculative_algorithm`)
          : facts.text('speculative_algorithm'),
      kvCacheTokens: told(
        tokensOfOne === undefined ? undefined : tokensOfOne * copies,
        `GET ${path}: max_total_num_tokens, dp_size`,
      ),
      kvCacheType: facts.text('kv_cache_dtype'),
      maxRunning: facts.count('max_running_requests'),
    },
  }
}
