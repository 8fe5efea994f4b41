import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import type { ServerKindName } from '../../src/load/server-identity.ts'
import type { ServerReadings } from '../../src/load/server-readings.ts'
import { serverKindOf } from '../../src/load/servers/kinds.ts'
import {
  sglangMetricsText,
  tgiReplay,
  tritonMetricsText,
  trtllmPrometheusText,
  trtllmReplay,
  vllmMetricsText,
  vllmModel,
} from './replays.ts'

/** What a kind reads from a page, without what it does not tell. */
function readAs(kind: ServerKindName, text: string, model: string, place = 0): ServerReadings {
  const { metrics } = serverKindOf(kind)
  if ('none' in metrics) throw new Error(metrics.none)
  const readings = metrics.places[place]?.read(text, model) ?? {}
  return Object.fromEntries(Object.entries(readings).filter(([, value]) => value !== undefined))
}

describe('one vocabulary', () => {
  test('vLLM: engines are added up, caches averaged, other models left out', () => {
    expect(readAs('vllm', vllmMetricsText, vllmModel)).toEqual({
      running: 7,
      waiting: 1,
      kvCacheUsedRatio: 0.5,
      inputTokensTotal: 1_500,
      outputTokensTotal: 300,
      prefixCacheHitTokensTotal: 320,
      prefixCacheQueryTokensTotal: 1_500,
      preemptionsTotal: 2,
      specAcceptedTokensTotal: 60,
      specDraftedTokensTotal: 80,
      requestsEndedTotal: 12,
      ttftMs: {
        sumMs: 4_500,
        count: 12,
        buckets: [
          [100, 6],
          [1_000, 10],
        ],
      },
    })
  })

  test('vLLM: one model under another alias is the one that is measured', () => {
    const text = 'vllm:num_requests_running{model_name="served-as"} 3\n'
    expect(readAs('vllm', text, 'alias')).toEqual({ running: 3 })
    const two = `${text}vllm:num_requests_running{model_name="second"} 4\n# TYPE x gauge\n`
    expect(readAs('vllm', two, 'alias')).toEqual({})
    expect(readAs('vllm', two, 'second')).toEqual({ running: 4 })
  })

  test.each([
    ['vllm:gpu_cache_usage_perc 0.5', { kvCacheUsedRatio: 0.5 }],
    ['vllm:kv_cache_usage_perc 0.25\nvllm:gpu_cache_usage_perc 0.5', { kvCacheUsedRatio: 0.25 }],
    ['vllm:prompt_tokens 7', { inputTokensTotal: 7 }],
    ['vllm:gpu_prefix_cache_hits_total 3', { prefixCacheHitTokensTotal: 3 }],
    [
      'vllm:time_per_output_token_seconds_sum 2\nvllm:time_per_output_token_seconds_count 4',
      { itlMs: { sumMs: 2_000, count: 4, buckets: [] } },
    ],
  ])('vLLM of another version: %s', (text, readings) => {
    expect(readAs('vllm', text, 'm')).toEqual(readings)
  })

  test('SGLang: ranks repeat each other, copies of the model do not', () => {
    expect(readAs('sglang', sglangMetricsText, 'm')).toEqual({
      running: 16,
      kvCacheUsedRatio: 0.3,
      inputTokensTotal: 2_000,
      outputTokensTotal: 900,
      prefixCacheHitTokensTotal: 400,
      prefixCacheQueryTokensTotal: 2_000,
      latencyMs: { sumMs: 30_000, count: 9, buckets: [[1_000, 4]] },
    })
  })

  test('SGLang: the total of cached tokens counts where it is alone', () => {
    const text = 'sglang:cached_tokens_total{cache_source="total",model_name="m"} 9\n'
    expect(readAs('sglang', text, 'm')).toEqual({ prefixCacheHitTokensTotal: 9 })
  })

  test('llama.cpp, with --metrics and without', () => {
    const text = `# TYPE llamacpp:prompt_tokens_total counter
llamacpp:prompt_tokens_total 51
# TYPE llamacpp:tokens_predicted_total counter
llamacpp:tokens_predicted_total 340
# TYPE llamacpp:requests_processing gauge
llamacpp:requests_processing 2
# TYPE llamacpp:requests_deferred gauge
llamacpp:requests_deferred 1
`
    expect(readAs('llama.cpp', text, 'm')).toEqual({
      running: 2,
      waiting: 1,
      inputTokensTotal: 51,
      outputTokensTotal: 340,
    })
    const slots = '[{"id":0,"is_processing":true},{"id":1,"is_processing":false}]'
    expect(readAs('llama.cpp', slots, 'm', 1)).toEqual({ running: 1 })
    expect(() => readAs('llama.cpp', '{"error":{}}', 'm', 1)).toThrow(SyntaxError)
  })

  test('TGI: tokens are the sums of its histograms', () => {
    const text = String(tgiReplay.pages['/metrics']?.body)
    expect(readAs('tgi', text, 'm')).toEqual({
      running: 5,
      waiting: 2,
      inputTokensTotal: 8_200,
      outputTokensTotal: 5_120,
      requestsEndedTotal: 40,
      queueMs: { sumMs: 250, count: 40, buckets: [[0.1, 30]] },
    })
  })

  test('TensorRT-LLM: metrics, or the latest iteration', () => {
    expect(readAs('tensorrt-llm', trtllmPrometheusText, 'm')).toEqual({
      running: 12,
      waiting: 3,
      kvCacheUsedRatio: 0.4,
      outputTokensTotal: 777,
      ttftMs: { sumMs: 2_000, count: 8, buckets: [] },
    })
    const list = JSON.stringify(trtllmReplay.pages['/metrics']?.body)
    // 3 of 12 blocks of 32 tokens were there before.
    expect(readAs('tensorrt-llm', list, 'm', 1)).toEqual({
      running: 2,
      waiting: 1,
      kvCacheUsedRatio: 0.25,
      prefixCacheHitTokensTotal: 96,
      prefixCacheQueryTokensTotal: 384,
    })
    expect(readAs('tensorrt-llm', '[]', 'm', 1)).toEqual({})
    expect(readAs('tensorrt-llm', 'trtllm:num_requests_running 3', 'm')).toEqual({ running: 3 })
  })

  test('Triton: microseconds, and the engine under its own name in an ensemble', () => {
    expect(readAs('triton', tritonMetricsText, 'ensemble')).toEqual({
      running: 6,
      waiting: 3,
      kvCacheUsedRatio: 0.3,
      requestsEndedTotal: 40,
      queueMs: { sumMs: 80, count: 40, buckets: [] },
    })
  })

  test('a page with nothing to tell yet tells nothing; another page is none', () => {
    expect(readAs('tgi', '', 'm')).toEqual({})
    expect(readAs('vllm', '# TYPE python_gc gauge\npython_gc 1\n', 'm')).toEqual({})
    expect(() => readAs('vllm', '<html></html>', 'm')).toThrow('not a page of metrics')
    expect(() => readAs('vllm', '{"detail":"Not Found"}', 'm')).toThrow(SyntaxError)
  })

  test('NaN and infinity are no readings', () => {
    const text = 'vllm:num_requests_running NaN\nvllm:num_requests_waiting +Inf\n'
    expect(readAs('vllm', text, 'm')).toEqual({})
  })

  test.each(['ollama', 'lm-studio', 'openai'] as const)('%s says why there are none', (kind) => {
    expect(() => readAs(kind, '', 'm')).toThrow(/metrics/)
  })
})

const fixtures =
  process.env.BAREMARK_FIXTURES ??
  fileURLToPath(new URL('../../../shared/fixtures', import.meta.url))
const metrics = join(fixtures, 'server-metrics')
const capture = (file: string): string => readFileSync(join(metrics, file), 'utf8')

describe.skipIf(!existsSync(metrics))('captures of real servers', () => {
  test('NIM 1.0, without a prefix', () => {
    const readings = readAs(
      'nim',
      capture('nim-1.0-llama31-8b.abridged.prom'),
      'meta/llama-3.1-8b-instruct',
    )
    expect(readings).toMatchObject({
      running: 1,
      waiting: 0,
      inputTokensTotal: 109,
      outputTokensTotal: 174,
      requestsEndedTotal: 5,
    })
    expect(readings.ttftMs?.count).toBe(5)
    expect(readings.ttftMs?.sumMs).toBeCloseTo(611.984, 3)
    expect(readings.itlMs?.buckets.at(-1)).toEqual([2_500, 169])
  })

  test('vLLM of 2024', () => {
    expect(
      readAs('vllm', capture('vllm-v0-2024-06-opt125m.abridged.prom'), 'facebook/opt-125m'),
    ).toMatchObject({
      running: 0,
      kvCacheUsedRatio: 0,
      inputTokensTotal: 5,
      outputTokensTotal: 7,
      requestsEndedTotal: 1,
      itlMs: { count: 6 },
    })
  })

  test('Triton 19.09', () => {
    expect(
      readAs('triton', capture('triton-19.09-onnx.metrics.txt'), 'onnx_zero_1_float32'),
    ).toMatchObject({
      requestsEndedTotal: 109_671,
      queueMs: { sumMs: 1_242.949, count: 109_671 },
      latencyMs: { sumMs: 9_520.368 },
    })
  })

  test.each([
    [
      'vllm',
      'llmkube-vllm-metric-names.txt',
      'kvCacheUsedRatio preemptionsTotal prefixCacheHitTokensTotal ttftMs queueMs latencyMs itlMs',
    ],
    [
      'sglang',
      'llmkube-sglang-metric-names.txt',
      'kvCacheUsedRatio ttftMs queueMs latencyMs itlMs',
    ],
    ['llama.cpp', 'llmkube-llamacpp-metric-names.txt', ''],
  ] as const)('%s prints under the names that are looked for', (kind, file, more) => {
    const names = capture(file).split('\n')
    const page = names.filter((name) => name !== '').map((name) => `${name} 1`)
    const always = 'running waiting inputTokensTotal outputTokensTotal'
    const wanted = `${always} ${more}`.trim().split(' ')
    expect(Object.keys(readAs(kind, page.join('\n'), 'm'))).toEqual(expect.arrayContaining(wanted))
  })
})
