import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { parse } from 'yaml'
import {
  documentsOf,
  formatOf,
  importDocuments,
  importText,
} from '../../../src/measure/imports/index.ts'
import type { JsonValue } from '../../../src/measure/imports/json-text.ts'
import { objectsAt } from '../../../src/measure/imports/values.ts'
import { expectNoLoss } from './no-loss.ts'

// Result files of the tools themselves. They lie outside the repository: where they are missing, nothing is tested here.
const samples =
  process.env.BAREMARK_SAMPLES ??
  fileURLToPath(new URL('../../../../shared/samples', import.meta.url))
const onSamples = test.skipIf(!existsSync(samples))

const read = (file: string): string => readFileSync(join(samples, file), 'utf8')

function documentsIn(file: string): JsonValue[] {
  return file.endsWith('.yaml') ? [parse(read(file))] : documentsOf(read(file))
}

/** Each file, the format that should recognise it, and its points. */
const files: [file: string, format: string, points: number][] = [
  ['vllm/bench_serve_random_1qps_success.json', 'vllm-bench-serve', 1],
  ['vllm/bench_serve_random_1qps_one_failed.PARTIAL.json', 'vllm-bench-serve', 1],
  ['sglang/SCHEMA_NOT_A_SAMPLE.json', 'sglang-bench-serving', 1],
  ['inferencex/glm5_fp8_vllm_tp8_isl1024_osl128_conc32.json', 'inferencex', 1],
  ['aiperf/profile_export.sample.jsonl', 'aiperf', 1],
  ['aiperf/profile_export_aiperf.fixture.json', 'aiperf', 1],
  ['aiperf/profile_export_aiperf_collated.doc_example.json', 'aiperf', 1],
  ['guidellm/guidellm_report_v2.json', 'guidellm', 2],
  ['llama-bench/llama_bench_pp512_tg128.json', 'llama-bench', 2],
  ['inference-perf/stage_0_lifecycle_metrics.json', 'inference-perf', 1],
  ['inference-perf/summary_lifecycle_metrics.json', 'inference-perf', 1],
  ['inference-perf/summary_prometheus_metrics.json', 'inference-perf', 1],
  ['genai-bench/mock_experiment_data.json', 'genai-bench', 0],
  ['genai-bench/mock_run_data.json', 'genai-bench', 1],
  ['hf-inference-benchmarker/SCHEMA_NOT_A_SAMPLE.json', 'inference-benchmarker', 1],
  ['llm-d-benchmark/br_v0_1_example.yaml', 'llm-d-benchmark', 1],
  ['llm-d-benchmark/br_v0_2_1_example.yaml', 'llm-d-benchmark', 1],
]

onSamples.each(files)('%s is a file of %s', (file, format, points) => {
  const documents = documentsIn(file)
  expect(documents.map((document) => formatOf(document)?.name)).toEqual(documents.map(() => format))
  const imported = importDocuments(documents)
  expect(imported).toHaveLength(1)
  expect(imported[0]?.points).toHaveLength(points)
  expect(imported[0]?.notes.filter((note) => note.includes('does not know'))).toEqual([])
})

/** Of a schema without values nothing can be lost, and nothing changes by itself. */
const withValues = files
  .map(([file]) => file)
  .filter((file) => !file.includes('SCHEMA') && !file.endsWith('mock_experiment_data.json'))

/** Values that are not needed, because others of the same file say it better. */
const shadowed: Readonly<Record<string, readonly string[]>> = {
  // A closed loop has no arrivals.
  'inferencex/glm5_fp8_vllm_tp8_isl1024_osl128_conc32.json': ['burstiness'],
  // Two of 32 requests: not those of the run.
  'genai-bench/mock_run_data.json': [
    'individual_request_metrics.*.{ttft,tpot,e2e_latency,num_input_tokens,num_output_tokens,output_inference_speed,error_code}',
    'api_backend',
  ],
  // A router: no engine.
  'llm-d-benchmark/br_v0_2_1_example.yaml': [
    'scenario.stack.1.standardized.{kind,tool,tool_version}',
  ],
}

onSamples.each(withValues)('nothing that has a name here is lost of %s', (file) => {
  // The file about a genai-bench experiment is of use with its runs only; both benchmarks of the
  // GuideLLM report have the same keys; the second line of the AIPerf records is of a failed request.
  const documents = file.startsWith('genai-bench')
    ? ['mock_run_data', 'mock_experiment_data'].flatMap((name) =>
        documentsIn(`genai-bench/${name}.json`),
      )
    : documentsIn(file).map(withOneBenchmark)
  expectNoLoss(file.endsWith('.jsonl') ? documents.slice(0, 1) : documents, shadowed[file])
})

function withOneBenchmark(document: JsonValue): JsonValue {
  const [first] = objectsAt(document, 'benchmarks')
  return first ? { ...(document as object), benchmarks: [first] } : document
}

onSamples('vLLM: milliseconds stay, and the rate is Poisson', () => {
  const { tool, points, cannotTell } = importText(read('vllm/bench_serve_random_1qps_success.json'))
  expect(tool).toEqual({ name: 'vLLM bench serve' })
  expect(points[0]).toMatchObject({
    load: { kind: 'open', ratePerS: 1, arrivals: 'poisson' },
    durationS: 203.5104987300001,
    requests: { issued: 200, completed: 200, failed: 0 },
    outputTokensPerS: 125.79203608539055,
    metrics: {
      ttftMs: {
        n: 200,
        mean: 95.6344293046277,
        std: 12.71286480609931,
        percentiles: [
          { p: 50, value: 95.6995899323374 },
          { p: 99, value: 143.32562107359988 },
        ],
      },
    },
  })
  expect(cannotTell).toContain('the GPU')
})

onSamples('InferenceX: seconds become milliseconds, and 32 at a time is a closed loop', () => {
  const [point] = importText(read('inferencex/glm5_fp8_vllm_tp8_isl1024_osl128_conc32.json')).points
  expect(point?.load).toEqual({ kind: 'closed', concurrency: 32 })
  expect(point?.metrics.tpotMs?.percentiles[0]?.value).toBeCloseTo(42.8536575, 6)
  // 5186.142 + 648.268
  expect(point?.totalTokensPerS).toBeCloseTo(5834.40983, 4)
})

onSamples('GuideLLM: its ITL is our TPOT, and its TPOT is not', () => {
  const [point] = importText(read('guidellm/guidellm_report_v2.json')).points
  expect(point?.metrics.tpotMs).toMatchObject({
    key: 'inter_token_latency_ms',
    mean: 1.1508464813232422,
    n: 14,
  })
  expect(point?.metrics.latencyPerTokenMs).toMatchObject({ key: 'time_per_output_token_ms' })
  expect(point?.metrics.latencyMs?.mean).toBeCloseTo(19.7890997, 6)
  expect(point?.load).toEqual({
    kind: 'open',
    ratePerS: 2,
    arrivals: 'constant',
    maxInFlight: 10240,
  })
  // Asked for 2 a second, it delivered 0.398.
  expect(point?.requestsPerS).toBeCloseTo(0.398434, 6)
})

onSamples('AIPerf: figures of the lines are ours, a cancelled request is none of them', () => {
  const [point] = importText(read('aiperf/profile_export.sample.jsonl')).points
  expect(point?.requests).toEqual({
    issued: 2,
    completed: 1,
    failed: 0,
    cancelled: 1,
    warmUp: 0,
  })
  expect(point?.metrics.interChunkMs?.fromRecords).toMatchObject({
    n: 2,
    min: 4.898437,
    max: 5.316006,
  })
  // 9 tokens in 297.525 ms.
  expect(point?.outputTokensPerS).toBeCloseTo(30.2496, 3)
})

onSamples('genai-bench: server and GPU come from the file beside', () => {
  const [imported] = importDocuments([
    ...documentsIn('genai-bench/mock_run_data.json'),
    ...documentsIn('genai-bench/mock_experiment_data.json'),
  ])
  expect(imported?.points).toHaveLength(1)
  expect(imported?.points[0]).toMatchObject({
    model: 'Meta-Llama-3.1-70B-Instruct',
    backend: 'SGLang',
    backendVersion: 'v0.6.0',
    gpu: { name: 'H100', count: 4 },
  })
  // Two of its 32 requests are in the file: not enough to compute anything again.
  expect(imported?.points[0]?.metrics.ttftMs?.fromRecords).toBeUndefined()
})

onSamples('llm-d: GPUs of all replicas count, and ms and s both become ms', () => {
  const [old] = importDocuments(documentsIn('llm-d-benchmark/br_v0_1_example.yaml'))
  expect(old?.points[0]?.gpu).toEqual({ name: 'H100', count: 17 })
  expect(old?.points[0]?.metrics.ttftMs?.mean).toBeCloseTo(0.800974, 6)
  const [report] = importDocuments(documentsIn('llm-d-benchmark/br_v0_2_1_example.yaml'))
  expect(report?.points[0]?.gpu).toEqual({ name: 'NVIDIA-H100-80GB-HBM3', count: 16 })
  expect(report?.points[0]?.metrics.ttftMs?.mean).toBeCloseTo(36.857823, 6)
})
