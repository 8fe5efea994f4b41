import { describe, expect, test } from 'vitest'
import { UserError } from '../../../src/errors.ts'
import type { ImportedPoint } from '../../../src/measure/imports/imported.ts'
import {
  documentsOf,
  importDocuments,
  importFormats,
  importText,
} from '../../../src/measure/imports/index.ts'
import { expectNoLoss } from './no-loss.ts'

const lines = (...values: object[]): string =>
  values.map((value) => JSON.stringify(value)).join('\n')

/** The only point of the only result. */
function pointOf(text: string): ImportedPoint {
  const { points } = importText(text)
  const [point] = points
  if (!point || points.length > 1) throw new Error(`${points.length} points`)
  return point
}

describe('vLLM bench serve', () => {
  const summary = {
    date: '20260102-030405',
    endpoint_type: 'openai-chat',
    backend: 'openai-chat',
    label: 'mine',
    model_id: 'org/model',
    tokenizer_id: 'org/tokenizer',
    num_prompts: 3,
    request_rate: 4,
    burstiness: 0.5,
    max_concurrency: 8,
    duration: 2,
    completed: 2,
    failed: 1,
    total_input_tokens: 30,
    total_output_tokens: 7,
    request_throughput: 1,
    'request_goodput:': 0.5,
    output_throughput: 3.5,
    total_token_throughput: 18.5,
    max_concurrent_requests: 3,
    mean_ttft_ms: 150,
    'p99.9_ttft_ms': 200,
    spec_decode_accepted_tokens: 3,
    spec_decode_draft_tokens: 4,
  }
  test('what its throughputs are over is told by itself and as the first note', () => {
    const { throughput, notes } = importText(lines(summary))
    expect(throughput).toContain('over the whole run')
    expect(notes[0]).toBe(throughput)
  })

  test('TTFT, TPOT and latency say how they differ, from a summary as from details', () => {
    for (const document of [{ ...summary, mean_tpot_ms: 9, mean_e2el_ms: 300 }, detailed]) {
      const { ttftMs, tpotMs, latencyMs } = pointOf(lines(document)).metrics
      expect(ttftMs?.differs).toContain('before the connection is opened')
      expect(tpotMs?.differs).toContain('empty chunks')
      expect(latencyMs?.differs).toContain('last chunk')
    }
  })

  const detailed = {
    ...summary,
    input_lens: [10, 10, 20],
    output_lens: [4, 0, 3],
    ttfts: [0.1, 0, 0.2],
    itls: [[0.01, 0.02, 0.03], [], [0.05]],
    errors: ['', 'Traceback\nTimeoutError', ''],
  }

  test('nothing is lost', () => {
    expectNoLoss([summary])
    expectNoLoss([detailed])
  })

  test('values of requests give our figures, without the failed one', () => {
    const { metrics, errors } = pointOf(lines(detailed))
    // TTFT 100 and 200 ms; gaps 10, 20, 30 and 50; TPOT 60 / 3 = 20 and 50 / 2 = 25.
    expect(metrics.ttftMs?.fromRecords).toMatchObject({ n: 2, mean: 150, min: 100, max: 200 })
    expect(metrics.interChunkMs?.fromRecords).toMatchObject({ n: 4, mean: 27.5, max: 50 })
    expect(metrics.tpotMs?.fromRecords).toMatchObject({ n: 2, mean: 22.5, min: 20, max: 25 })
    expect(metrics.latencyMs?.fromRecords).toMatchObject({ n: 2, min: 160, max: 250 })
    expect(metrics.outputTokens?.fromRecords).toMatchObject({ n: 2, mean: 3.5 })
    expect(metrics.inputTokens?.fromRecords).toMatchObject({ n: 2, mean: 15 })
    expect(errors).toEqual([{ kind: 'failed', count: 1, example: 'TimeoutError' }])
  })

  test('details of other requests than were completed are not those of the run', () => {
    const { metrics } = pointOf(lines({ ...detailed, completed: 3 }))
    expect(metrics.ttftMs?.fromRecords).toBeUndefined()
  })

  test('the older key of goodput and a p99.9 are read, gaps of burstiness 0.5 are gamma', () => {
    const point = pointOf(lines(summary))
    expect(point.goodput).toEqual({ requestsPerS: 0.5 })
    expect(point.metrics.ttftMs?.percentiles).toEqual([{ p: 99.9, value: 200 }])
    expect(point.load).toEqual({
      kind: 'open',
      ratePerS: 4,
      arrivals: 'gamma',
      shape: 0.5,
      maxInFlight: 8,
    })
    expect(point.specAcceptedRatio).toBe(0.75)
  })

  test('appended results are points, and "inf" with a limit is a closed loop', () => {
    const { points } = importText(
      lines(
        { ...summary, request_rate: 'inf', max_concurrency: 16 },
        { ...summary, request_rate: 'inf', max_concurrency: null },
      ),
    )
    expect(points.map(({ load }) => load)).toEqual([
      { kind: 'closed', concurrency: 16 },
      { kind: 'unlimited' },
    ])
  })

  test('times of a run that did not stream are unknown, not 0', () => {
    const { metrics } = pointOf(
      lines({ ...summary, mean_ttft_ms: 0, median_ttft_ms: 0, 'p99.9_ttft_ms': 0 }),
    )
    expect(metrics.ttftMs).toBeUndefined()
  })
})

describe('SGLang bench_serving', () => {
  const run = {
    tag: null,
    backend: 'sglang',
    max_concurrency: 4,
    random_input_len: 100,
    server_info: { model_path: 'org/model', version: '0.5', tp_size: 1 },
    duration: 10,
    completed: 20,
    total_input_tokens: 2000,
    total_output_tokens: 1000,
    total_output_tokens_retokenized: 990,
    request_throughput: 2,
    input_throughput: 200,
    output_throughput: 100,
    total_throughput: 300,
    mean_e2e_latency_ms: 2000,
    p95_e2e_latency_ms: 2500,
    median_ttft_ms: 80,
    mean_tpot_ms: 20,
    p95_itl_ms: 30,
    max_itl_ms: 90,
    concurrency: 3.9,
    max_concurrent_requests: 4,
    accept_length: null,
  }
  const text = `${JSON.stringify({ ...run, request_rate: null }).replace('"request_rate":null', '"request_rate":Infinity')}\n`

  test('nothing is lost', () => expectNoLoss([{ ...run, request_rate: 2 }]))

  test('an Infinity of Python with a limit is a closed loop', () => {
    const point = pointOf(text)
    expect(point.load).toEqual({ kind: 'closed', concurrency: 4 })
    expect(point.metrics.latencyMs).toMatchObject({
      n: 20,
      mean: 2000,
      percentiles: [{ p: 95, value: 2500 }],
    })
    expect(point.metrics.interChunkMs).toMatchObject({ max: 90 })
    expect(point.metrics.inputTokens?.mean).toBe(100)
  })
})

describe('InferenceX', () => {
  const aggregate = {
    hw: 'b200',
    tp: 8,
    ep: 1,
    conc: 32,
    model: 'org/model',
    framework: 'sglang',
    precision: 'fp4',
    tput_per_gpu: 1000,
    output_tput_per_gpu: 400,
    input_tput_per_gpu: 600,
    median_ttft: 0.5,
    p99_tpot: 0.02,
    median_intvty: 60,
  }

  test('nothing is lost', () => expectNoLoss([aggregate]))

  test('throughput of a GPU is multiplied by the GPUs', () => {
    expect(pointOf(lines(aggregate))).toMatchObject({
      gpu: { name: 'b200', count: 8 },
      totalTokensPerS: 8000,
      outputTokensPerS: 3200,
      inputTokensPerS: 4800,
      metrics: { ttftMs: { percentiles: [{ p: 50, value: 500 }] } },
    })
  })

  test('of a split server output is of the GPUs that decode, input of those that prefill', () => {
    const { tp, ...split } = { ...aggregate, num_prefill_gpu: 4, num_decode_gpu: 12 }
    expect(tp).toBe(8)
    expect(pointOf(lines(split))).toMatchObject({
      gpu: { count: 16 },
      totalTokensPerS: 16_000,
      outputTokensPerS: 4800,
      inputTokensPerS: 2400,
    })
  })
})

describe('AIPerf', () => {
  const block = (avg: number, unit = 'ms') => ({ unit, avg, p50: avg, p99: avg * 2, count: 2 })
  const summary = {
    aiperf_version: '0.9.0',
    start_time: '2026-01-02T03:04:05',
    input_config: {
      endpoint: { model_names: ['org/model'], type: 'chat' },
      loadgen: { concurrency: 4 },
    },
    time_to_first_token: block(100),
    request_latency: block(0.5, 'sec'),
    inter_token_latency: block(20),
    input_sequence_length: block(50, 'tokens'),
    output_sequence_length: block(40, 'tokens'),
    reasoning_token_count: { unit: 'tokens', avg: 10 },
    request_throughput: { unit: 'requests/sec', avg: 2 },
    output_token_throughput: { unit: 'tokens/sec', avg: 80 },
    request_count: { unit: 'requests', avg: 2 },
    error_request_count: { unit: 'requests', avg: 1 },
    benchmark_duration: { unit: 'ms', avg: 1000 },
    good_request_count: { unit: 'requests', avg: 1 },
    goodput: { unit: 'requests/sec', avg: 1 },
    error_summary: [{ error_details: { code: 503, type: 'HTTPError', message: 'no' }, count: 1 }],
    telemetry_data: {
      endpoints: {
        'localhost:9400': {
          gpus: {
            gpu_0: { gpu_name: 'GPU A', metrics: { gpu_power_usage: { unit: 'W', avg: 300 } } },
            gpu_1: { gpu_name: 'GPU A', metrics: { gpu_power_usage: { unit: 'W', avg: 310 } } },
          },
        },
      },
    },
  }
  const line = (startMs: number, ttftMs: number) => ({
    metadata: {
      benchmark_phase: 'profiling',
      was_cancelled: false,
      request_start_ns: startMs * 1e6,
      request_end_ns: (startMs + 200) * 1e6,
    },
    metrics: {
      time_to_first_token: { value: ttftMs, unit: 'ms' },
      inter_chunk_latency: { value: [10, 20], unit: 'ms' },
      input_sequence_length: { value: 50, unit: 'tokens' },
      output_sequence_length: { value: 5, unit: 'tokens' },
    },
    error: null,
  })
  const warmUp = {
    ...line(0, 900),
    metadata: { ...line(0, 900).metadata, benchmark_phase: 'warmup' },
  }

  test('nothing is lost', () => {
    expectNoLoss([summary])
    expectNoLoss([line(0, 100)])
    expectNoLoss([
      {
        aiperf_version: '0.9',
        metadata: { aggregation_type: 'confidence', num_successful_runs: 3 },
        metrics: {
          time_to_first_token_avg: { mean: 90, std: 1, ci_low: 80, unit: 'ms' },
          time_to_first_token_p99: { mean: 190 },
          request_throughput_avg: { mean: 3 },
        },
      },
    ])
  })

  test('units are converted, GPUs counted and their power added up', () => {
    expect(pointOf(lines(summary))).toMatchObject({
      durationS: 1,
      inputTokensPerS: 100,
      reasoningRatio: 0.25,
      requests: { issued: 3, completed: 2, failed: 1 },
      gpu: { name: 'GPU A', count: 2 },
      gpuPowerW: 610,
      load: { kind: 'closed', concurrency: 4 },
      metrics: { latencyMs: { mean: 500 }, tpotMs: { key: 'inter_token_latency', mean: 20 } },
      errors: [{ kind: 'HTTPError 503', count: 1, example: 'no' }],
    })
  })

  test('lines beside a summary add our figures to it, without the warm-up', () => {
    const [imported, ...others] = importDocuments(
      documentsOf(lines(summary, warmUp, line(0, 100), line(300, 140))),
    )
    expect(others).toEqual([])
    expect(imported?.points).toHaveLength(1)
    expect(imported?.points[0]?.metrics.ttftMs).toMatchObject({
      mean: 100,
      fromRecords: { n: 2, mean: 120 },
    })
    expect(imported?.points[0]?.metrics.interChunkMs?.fromRecords).toMatchObject({ n: 4, mean: 15 })
    expect(imported?.points[0]?.requests).toMatchObject({ issued: 3, warmUp: 1 })
  })

  test('lines of other requests than the summary are not used, and that is said', () => {
    const { points, notes } = importText(lines(summary, line(0, 100)))
    expect(points[0]?.metrics.ttftMs?.fromRecords).toBeUndefined()
    expect(notes.join()).toContain('lines of requests were not used')
  })

  test('lines alone give throughput from the first send to the last end', () => {
    // 10 tokens from 0 to 500 ms.
    expect(pointOf(lines(line(0, 100), line(300, 140)))).toMatchObject({
      durationS: 0.5,
      outputTokensPerS: 20,
      inputTokensPerS: 200,
      requestsPerS: 4,
    })
  })

  test('a rate says how its gaps are drawn, and models may be told as items', () => {
    const config = {
      models: { items: [{ name: 'org/model' }] },
      loadgen: { request_rate: 3, arrival_pattern: 'gamma', arrival_smoothness: 2 },
    }
    const document = { ...summary, input_config: config }
    expectNoLoss([document])
    expect(pointOf(lines(document))).toMatchObject({
      model: 'org/model',
      load: { kind: 'open', ratePerS: 3, arrivals: 'gamma', shape: 2 },
    })
  })

  test('genai-perf before it wrote the same blocks', () => {
    const { aiperf_version, ...older } = summary
    expect(aiperf_version).toBe('0.9.0')
    const imported = importText(
      lines({ ...older, input_config: { model: ['org/model'], concurrency: 2 } }),
    )
    expect(imported.points[0]).toMatchObject({
      model: 'org/model',
      load: { kind: 'closed', concurrency: 2 },
    })
  })
})

describe('GuideLLM before version 2', () => {
  const statistics = (mean: number, count: number) => ({
    successful: {
      mean,
      median: mean,
      std_dev: 1,
      min: mean - 1,
      max: mean + 1,
      count,
      total_sum: mean * count,
      percentiles: { p001: mean - 1, p50: mean, p95: mean + 1, p999: mean + 2 },
    },
    errored: { mean: 0, count: 0 },
  })
  const request = (ttftMs: number) => ({
    time_to_first_token_ms: ttftMs,
    inter_token_latency_ms: 10,
    request_latency: 0.2,
    prompt_tokens: 100,
    output_tokens: 11,
    output: 'words',
  })
  const report = {
    benchmarks: [
      {
        type_: 'generative_benchmark',
        args: { strategy: { type_: 'concurrent', streams: 2 }, max_number: 2 },
        run_stats: {
          requests_made: { successful: 2, errored: 1, incomplete: 3, total: 6 },
          request_start_time_targeted_delay_avg: 0.002,
        },
        worker: { backend_type: 'openai_http', backend_model: 'org/model' },
        duration: 5,
        start_time: 1_767_323_045,
        metrics: {
          requests_per_second: statistics(0.4, 2),
          request_latency: statistics(3, 2),
          prompt_token_count: statistics(100, 2),
          output_token_count: statistics(11, 2),
          output_tokens_per_second: statistics(4.4, 22),
          time_to_first_token_ms: statistics(60, 2),
          inter_token_latency_ms: statistics(12, 20),
          time_per_output_token_ms: statistics(18, 22),
          time_to_first_output_token_ms: statistics(0, 0),
        },
        requests: { successful: [request(50), request(70)], errored: [], incomplete: [] },
      },
    ],
  }

  test('nothing is lost', () => {
    // A metric of nothing: no figure of it counts, unless it had samples.
    expectNoLoss(
      [report],
      [
        'benchmarks.*.metrics.time_to_first_output_token_ms.successful.{mean,std_dev,min,max}',
        'benchmarks.*.metrics.time_to_first_output_token_ms.successful.percentiles.*',
      ],
    )
  })

  test('percentile keys leave out the dot, and no samples are no zeros', () => {
    const { metrics, load, date, requests, totalOutputTokens } = pointOf(lines(report))
    expect(metrics.ttftMs?.percentiles.map(({ p }) => p)).toEqual([0.1, 50, 95, 99.9])
    expect(metrics.ttftMs?.fromRecords).toMatchObject({ n: 2, mean: 60 })
    expect(metrics.latencyMs?.fromRecords).toMatchObject({ mean: 200 })
    expect(metrics.ttfvMs).toBeUndefined()
    expect(load).toEqual({ kind: 'closed', concurrency: 2 })
    expect(date).toBe('2026-01-02T03:04:05.000Z')
    expect(requests).toEqual({ issued: 6, completed: 2, failed: 1, cancelled: 3 })
    expect(totalOutputTokens).toBe(22)
    expect(metrics.latenessMs?.mean).toBe(2)
  })

  test('the first versions counted requests beside the other figures', () => {
    const [benchmark] = report.benchmarks
    const first = {
      ...benchmark,
      run_stats: { total_successful: 2, total_errored: 1, total_incomplete: 3 },
    }
    expect(pointOf(lines({ benchmarks: [first] })).requests).toEqual({
      completed: 2,
      failed: 1,
      cancelled: 3,
    })
  })

  test('a sample of the requests is not used for figures of the run', () => {
    const [benchmark] = report.benchmarks
    const sampled = { ...benchmark, requests: { successful: [request(50)] } }
    const { metrics } = pointOf(lines({ benchmarks: [sampled] }))
    expect(metrics.ttftMs?.fromRecords).toBeUndefined()
  })
})

describe('llama-bench', () => {
  const row = {
    build_commit: 'abc1234',
    build_number: 1,
    cpu_info: 'CPU',
    gpu_info: 'GPU A',
    backends: 'CUDA',
    model_type: 'llama 8B Q4_K',
    n_batch: 2048,
    n_prompt: 0,
    n_gen: 100,
    n_depth: 512,
    test_time: '2026-01-02T03:04:05Z',
    avg_ns: 1e9,
    stddev_ns: 1e7,
    avg_ts: 100.5,
    stddev_ts: 1,
    samples_ns: [9e8, 1.1e9],
    samples_ts: [111, 90],
  }
  const prompt = { ...row, n_prompt: 512, n_gen: 0, avg_ts: 5000 }

  test('nothing is lost', () => expectNoLoss([row, prompt]))

  test('a generation test gives output tokens/s and TPOT, a prompt test input tokens/s', () => {
    const { points, tool, clockStart } = importText(JSON.stringify([row, prompt]))
    expect(tool.version).toBe('abc1234')
    expect(clockStart).toBe('engine')
    expect(points[0]).toMatchObject({
      label: 'tg100 @ d512',
      outputTokensPerS: 100.5,
      gpu: { name: 'GPU A' },
      // 0.9 s and 1.1 s for 100 tokens.
      metrics: { tpotMs: { mean: 10, fromRecords: { n: 2, min: 9, max: 11 } } },
    })
    expect(points[0]?.inputTokensPerS).toBeUndefined()
    expect(points[1]).toMatchObject({ label: 'pp512 @ d512', inputTokensPerS: 5000 })
    expect(points[1]?.outputTokensPerS).toBeUndefined()
    expect(points[1]?.metrics.ttftMs).toBeUndefined()
  })

  test('of a test of both, the rate is of all tokens', () => {
    const { outputTokensPerS, inputTokensPerS, totalTokensPerS } = pointOf(
      lines({ ...row, n_prompt: 300, n_gen: 100, avg_ts: 200 }),
    )
    expect([inputTokensPerS, outputTokensPerS, totalTokensPerS]).toEqual([150, 50, 200])
  })

  test('CSV says the same, quoted commas included', () => {
    const csv =
      '"build_commit","model_type","gpu_info","n_prompt","n_gen","avg_ns","avg_ts"\r\n"abc","llama 8B ""it""","A, B","0","128","1280000000","100"\r\n'
    expect(pointOf(csv)).toMatchObject({
      model: 'llama 8B "it"',
      gpu: { name: 'A, B' },
      outputTokensPerS: 100,
      metrics: { tpotMs: { mean: 10 } },
    })
  })

  test('the Markdown table says less: rates, and no times', () => {
    const { points, cannotTell } = importText(`some words before

| model          |     size | backend | ngl | test          |               t/s |
| -------------- | -------: | ------- | --: | ------------: | ----------------: |
| llama 8B Q4_K  | 4.36 GiB | CUDA    |  99 | pp512         |  7100.00 ± 140.34 |
| llama 8B Q4_K  | 4.36 GiB | CUDA    |  99 | tg128 @ d1024 |     118.88 ± 1.04 |

build: abc1234 (1)
`)
    expect(points.map(({ label }) => label)).toEqual(['pp512', 'tg128 @ d1024'])
    expect(points.map(({ inputTokensPerS }) => inputTokensPerS)).toEqual([7100, undefined])
    expect(points.map(({ outputTokensPerS }) => outputTokensPerS)).toEqual([undefined, 118.88])
    expect(cannotTell).toContain('the GPU')
  })
})

describe('inference-perf', () => {
  const stage = (rate: number | undefined) => ({
    load_summary: { count: 11, requested_rate: rate, achieved_rate: 2.1, send_duration: 5 },
    successes: {
      count: 10,
      latency: {
        request_latency: { mean: 0.5, 'p99.9': 0.9 },
        time_to_first_token: { mean: 0.05, median: 0.04 },
        inter_token_latency: { mean: 0.01, median: 0.00001 },
      },
      throughput: { output_tokens_per_sec: 100, requests_per_sec: 2 },
      prompt_len: { mean: 100 },
      output_len: { mean: 50 },
    },
    failures: { count: 1, request_latency: null },
  })

  test('nothing is lost', () => expectNoLoss([stage(2)]))

  test('seconds become milliseconds, and its ITL is named as not ours', () => {
    const point = pointOf(lines(stage(2)))
    expect(point).toMatchObject({
      load: { kind: 'open', ratePerS: 2 },
      sentPerS: 2.1,
      durationS: 5,
      requests: { issued: 11, completed: 10, failed: 1 },
      metrics: { latencyMs: { mean: 500, n: 10, percentiles: [{ p: 99.9, value: 900 }] } },
    })
    expect(point.metrics.itlMs?.differs).toContain('percentiles cannot')
  })

  test('the report of the whole run is left out beside its stages', () => {
    const { points, notes } = importText(lines(stage(1), stage(undefined), stage(2)))
    expect(points.map(({ load }) => load)).toEqual([
      { kind: 'open', ratePerS: 1 },
      { kind: 'open', ratePerS: 2 },
    ])
    expect(notes.join()).toContain('left out: it mixes the loads')
    expect(pointOf(lines(stage(undefined))).load).toBeUndefined()
  })
})

describe('genai-bench', () => {
  const request = (ttft: number, error_code: number | null = null) => ({
    ttft,
    tpot: 0.02,
    e2e_latency: 2,
    num_input_tokens: 100,
    num_output_tokens: 90,
    output_inference_speed: 50,
    error_code,
    error_message: null,
  })
  const run = {
    aggregated_metrics: {
      scenario: 'D(100,90)',
      num_concurrency: 4,
      mean_output_throughput_tokens_per_s: 180,
      mean_input_throughput_tokens_per_s: 200,
      requests_per_minute: 120,
      num_completed_requests: 2,
      num_error_requests: 1,
      num_requests: 3,
      run_duration: 1,
      error_codes_frequency: { 503: 1 },
      stats: {
        ttft: { mean: 0.2, stddev: 0.1, p99: 0.3 },
        tpot: { mean: 0.02 },
        output_inference_speed: { mean: 50 },
        num_output_tokens: { mean: 90, sum: 180 },
      },
    },
    individual_request_metrics: [request(0.1), request(0.3), request(0, 503)],
  }

  test('nothing is lost', () => {
    const failed =
      'individual_request_metrics.2.{ttft,tpot,e2e_latency,num_input_tokens,num_output_tokens,output_inference_speed,error_code}'
    expectNoLoss([run], [failed])
  })

  test('values of requests give our figures, without the failed one', () => {
    const point = pointOf(lines(run))
    expect(point.metrics.ttftMs?.fromRecords).toMatchObject({ n: 2, mean: 200 })
    expect(point.requestsPerS).toBe(2)
    expect(point.errors).toEqual([{ kind: 'HTTP 503', count: 1 }])
  })

  test('a file in milliseconds is known by its speed, which is 1 / TPOT', () => {
    const { aggregated_metrics, individual_request_metrics } = run
    const inMs = {
      individual_request_metrics: individual_request_metrics.slice(0, 1),
      aggregated_metrics: {
        ...aggregated_metrics,
        stats: { ...aggregated_metrics.stats, ttft: { mean: 200 }, tpot: { mean: 20 } },
      },
    }
    const { metrics } = pointOf(lines(inMs))
    expect([metrics.ttftMs?.mean, metrics.tpotMs?.mean]).toEqual([200, 20])
  })
})

describe('Hugging Face inference-benchmarker', () => {
  const times = (p50: number) => ({ p50, p60: p50 + 1, p99: p50 + 9, avg: p50 })
  const result = {
    id: 'constant@2.00req/s',
    executor_type: 'ConstantArrivalRate',
    config: { max_vus: 128, duration: 120, rate: 2 },
    total_requests: 12,
    total_tokens: 500,
    token_throughput_secs: 50,
    duration_ms: 10_000,
    time_to_first_token_ms: times(40),
    inter_token_latency_ms: times(10),
    e2e_latency_ms: times(900),
    failed_requests: 2,
    successful_requests: 10,
    request_rate: 1,
    total_tokens_sent: 1000,
  }
  const file = {
    config: { max_vus: 128, tokenizer: 'org/tokenizer', model_name: 'org/model' },
    results: [{ ...result, id: 'other' }, result],
    start_time: '2026-01-02T03:04:05Z',
    end_time: '2026-01-02T03:05:05Z',
    system: { cpu: ['Core', 'Core'], memory: '1', hostname: 'h' },
  }

  test('nothing is lost', () => expectNoLoss([file]))

  test('its own warm-up is no point', () => {
    const warmUp = { ...result, id: 'warmup' }
    const point = pointOf(lines({ ...file, results: [warmUp, result] }))
    expect(point).toMatchObject({
      label: 'constant@2.00req/s',
      load: { kind: 'open', ratePerS: 2, arrivals: 'constant', maxInFlight: 128 },
      durationS: 10,
      inputTokensPerS: 100,
      outputTokensPerS: 50,
      processor: 'Core',
      metrics: { ttftMs: { n: 10, mean: 40 } },
    })
    expect(point.metrics.tpotMs).toBeUndefined()
  })
})

describe('llm-d benchmark report', () => {
  const report = {
    version: '0.2.1',
    run: { time: { duration: 'PT1M30.5S', start: '2026-01-02T03:04:05Z' }, user: 'me' },
    scenario: {
      load: { standardized: { tool: 'inference-perf', tool_version: '1', rate_qps: 3 } },
      stack: [
        {
          standardized: {
            kind: 'inference_engine',
            tool: 'vllm',
            tool_version: '1',
            replicas: 2,
            accelerator: { model: 'GPU A', count: 4 },
            model: { name: 'org/model' },
          },
        },
      ],
    },
    results: {
      request_performance: {
        aggregate: {
          requests: { total: 10, failures: 1, input_length: { mean: 5, units: 'count' } },
          latency: {
            time_to_first_token: { mean: 0.1, p0p1: 0.05, p99p9: 0.3, units: 's' },
            time_per_output_token: { mean: 20, units: 'ms/token' },
            request_latency: { mean: 20, units: 'percent' },
          },
          throughput: { output_token_rate: { mean: 70, units: 'tokens/s' } },
        },
      },
    },
  }

  test('nothing is lost', () => {
    // A unit that is none of a time makes its figures unknown.
    expectNoLoss([report], ['results.request_performance.aggregate.latency.request_latency.mean'])
  })

  test('units are read, replicas multiply GPUs, and a time in per cent is unknown', () => {
    const point = pointOf(lines(report))
    expect(point).toMatchObject({
      label: 'inference-perf 1',
      durationS: 90.5,
      gpu: { name: 'GPU A', count: 8 },
      requests: { issued: 10, completed: 9, failed: 1 },
      metrics: {
        ttftMs: {
          mean: 100,
          percentiles: [
            { p: 0.1, value: 50 },
            { p: 99.9, value: 300 },
          ],
        },
        tpotMs: { mean: 20 },
      },
    })
    expect(point.metrics.latencyMs).toBeUndefined()
  })
})

describe('what is no result', () => {
  test.each(['', 'words', '{"a": 1}', '[]', 'a,b\n1,2\n', '| a |\n| - |\n| 1 |\n'])(
    '%j is not recognised, and the known formats are named',
    (text) => {
      const error = caught(() => importText(text))
      expect(error.message).toBe('The file holds no result of a known format.')
      for (const { tool } of importFormats) expect(error.remedy).toContain(tool)
    },
  )

  test('results of two tools are not one', () => {
    const llama = { n_prompt: 0, n_gen: 1, avg_ts: 1 }
    const infx = { conc: 1, tput_per_gpu: 1 }
    expect(caught(() => importText(lines(llama, infx))).message).toContain('more than one tool')
  })

  test('keys that nobody knows are named', () => {
    const { notes } = importText(lines({ n_prompt: 0, n_gen: 1, avg_ts: 1, brand_new: 1 }))
    expect(notes.at(-1)).toBe('Keys that this version does not know were not used: brand_new.')
  })
})

function caught(run: () => unknown): UserError {
  try {
    run()
  } catch (error) {
    if (error instanceof UserError) return error
    throw error
  }
  throw new Error('nothing was thrown')
}
