import { type MetricTable, readMetrics, type ServerReadings } from '../server-readings.ts'
import { type Answers, asObject, fieldsOf, objectAt, textAt, told } from './answers.ts'
import type { ServerFacts, ServerKind } from './server-kind.ts'
import { sglangMetrics } from './sglang.ts'
import { describeVllm, tokenizePrompt, vllmMetrics } from './vllm.ts'

const versionPath = '/v1/version'
const metadataPath = '/v1/metadata'
const metricsPaths = ['/v1/metrics', '/metrics'] as const

/** NIM 1.x prints vLLM's metrics of 2024 without their prefix. */
const unprefixed: MetricTable = {
  modelLabel: 'model_name',
  gauges: {
    running: { names: ['num_requests_running'] },
    waiting: { names: ['num_requests_waiting'] },
    kvCacheUsedRatio: { names: ['gpu_cache_usage_perc'], over: 'mean' },
    inputTokensTotal: { names: ['prompt_tokens_total'] },
    outputTokensTotal: { names: ['generation_tokens_total'] },
    requestsEndedTotal: { names: ['request_success_total'] },
  },
  times: {
    ttftMs: { names: ['time_to_first_token_seconds'], unit: 's' },
    latencyMs: { names: ['e2e_request_latency_seconds'], unit: 's' },
    itlMs: { names: ['time_per_output_token_seconds'], unit: 's' },
  },
}

/** NVIDIA NIM for large language models; docs.nvidia.com/nim. */
export const nim: ServerKind = {
  name: 'nim',
  label: 'NVIDIA NIM',
  paths: [versionPath, metadataPath],
  // Around vLLM or SGLang, whose pages it answers too: so it is asked before them.
  recognise: (answers) => {
    const metadata = objectAt(answers, metadataPath)
    if (metadata && 'modelInfo' in metadata) return `GET ${metadataPath}: modelInfo`
    const version = objectAt(answers, versionPath)
    return version && 'release' in version && 'api' in version
      ? `GET ${versionPath}: release, api`
      : undefined
  },
  morePaths: () => metricsPaths,
  describe,
  length: {
    kind: 'tried',
    fields: (outputTokens) => ({ ignore_eos: true, min_tokens: outputTokens }),
  },
  tokenize: tokenizePrompt,
  metrics: { places: metricsPaths.map((path) => ({ path, read: readNimMetrics })) },
  ownGateway: 'nginx',
  traps: [
    'Which engine runs inside depends on the version and the profile chosen for the GPU.',
    'nginx in front of it is part of NIM.',
  ],
}

function readNimMetrics(text: string, model: string): ServerReadings {
  if (text.includes('vllm:')) return readMetrics(text, vllmMetrics, model)
  if (text.includes('sglang:')) return readMetrics(text, sglangMetrics, model)
  return readMetrics(text, unprefixed, model)
}

function describe(answers: Answers, model: string | undefined): ServerFacts {
  const inner = describeVllm(answers, model)
  const version = fieldsOf(objectAt(answers, versionPath), `GET ${versionPath}:`).text('release')
  const metadata = fieldsOf(asObject(objectAt(answers, metadataPath)), `GET ${metadataPath}:`)
  return {
    ...inner,
    version: version ?? metadata.text('version'),
    engine: engineInside(answers),
  }
}

function engineInside(answers: Answers) {
  for (const path of metricsPaths) {
    const text = textAt(answers, path) ?? ''
    for (const [prefix, name] of [
      ['vllm:', 'vLLM'],
      ['sglang:', 'SGLang'],
      ['trtllm', 'TensorRT-LLM'],
    ] as const) {
      if (text.includes(`\n${prefix}`)) return told(name, `GET ${path}: metrics named ${prefix}...`)
    }
  }
  return undefined
}
