import { describe, expect, test } from 'vitest'
import { at, failed, few, pair, reasoned, single, values, viewOf, warm } from './few-records.ts'

const closeTo = (value: number) => expect.closeTo(value, 9)

describe('vLLM', () => {
  test('counts the warm-up too, and its clock ends at events without output', () => {
    // Begun at -40, 0, 10, 15 (a connection of 5 ms before the send at 20) and 100; the last end is 250.
    // TTFT: -20 + 40 = 20; 50 - 10 = 40 (role event); 70 - 15 = 55; 150 - 100 = 50 (role event).
    // Latency: -10 + 40 = 30; 60 - 10 = 50; 115 - 15 = 100 (finish event); 240 - 100 = 140.
    // TPOT: (30 - 20) / 1 = 10; none for one token; (100 - 55) / 3 = 15; (140 - 50) / 9 = 10.
    // ITL: 10; 10; 20, 20, 5; 10, 20, 20, 20, 20.
    const view = viewOf('vllm', few)
    expect(
      values(view, [
        ...['duration', 'completed', 'failed', 'total_input_tokens', 'total_output_tokens'],
        ...['request_throughput', 'output_throughput', 'total_token_throughput'],
        ...['mean_ttft_ms', 'median_ttft_ms', 'std_ttft_ms', 'p99_ttft_ms'],
        ...['mean_tpot_ms', 'mean_itl_ms', 'median_itl_ms', 'mean_e2el_ms'],
      ]),
    ).toEqual({
      duration: closeTo(0.29),
      completed: 4,
      failed: 1,
      total_input_tokens: 22,
      total_output_tokens: 17,
      request_throughput: closeTo(4 / 0.29),
      output_throughput: closeTo(17 / 0.29),
      total_token_throughput: closeTo(39 / 0.29),
      mean_ttft_ms: closeTo(165 / 4),
      median_ttft_ms: 45,
      // 21.25^2 + 1.25^2 + 13.75^2 + 8.75^2 = 718.75
      std_ttft_ms: closeTo(Math.sqrt(718.75 / 4)),
      // Index 0.99 x 3 = 2.97 of 20, 40, 50, 55.
      p99_ttft_ms: closeTo(54.85),
      mean_tpot_ms: closeTo(35 / 3),
      mean_itl_ms: closeTo(155 / 10),
      median_itl_ms: 20,
      mean_e2el_ms: 80,
    })
  })

  test('an answer of one token has a TPOT of 0 for goodput and none elsewhere', () => {
    // Within 50 ms of TTFT: all but the pair (55). Within 12 ms of TPOT: 10, 0 and 10.
    const view = viewOf('vllm', few, { slo: { ttftMs: 50, tpotMs: 12 } })
    expect(at(view, 'request_goodput').value).toBeCloseTo(3 / 0.29, 9)
  })

  test('an answer without an end mark is completed, with whatever came', () => {
    const view = viewOf('vllm', [
      single,
      {
        ...pair,
        endMs: undefined,
        outcome: { kind: 'failed', failure: 'no-end-mark', detail: '' },
      },
    ])
    expect(values(view, ['completed', 'failed', 'mean_ttft_ms'])).toEqual({
      completed: 2,
      failed: 0,
      mean_ttft_ms: (40 + 55) / 2,
    })
    expect(view.notes).toEqual([expect.stringMatching(/^1 request that we call failed counted/)])
  })

  test('what it would count by the text is not known, and says so', () => {
    const view = viewOf('vllm', [single, { ...pair, usage: undefined }])
    expect(at(view, 'output_throughput').value).toBeUndefined()
    expect(at(view, 'output_throughput').missing).toMatch(/records hold no text/)
    expect(at(view, 'mean_tpot_ms').missing).toMatch(/records hold no text/)
    expect(at(view, 'mean_ttft_ms').value).toBe((40 + 55) / 2)
  })

  test('writes 0 where nothing was measured, which is no time of ours', () => {
    const view = viewOf('vllm', [failed])
    expect(at(view, 'mean_ttft_ms')).toMatchObject({ value: 0, ours: undefined })
  })

  test('says so where no record tells of an event without output, as older ones never do', () => {
    const { notes } = viewOf('vllm', [{ ...single, firstEventMs: undefined }])
    expect(notes).toEqual([expect.stringMatching(/^No record tells of an event without output/)])
    expect(viewOf('vllm', [single]).notes).toEqual([])
  })

  test('says so where the API is none that it speaks', () => {
    const { notes } = viewOf('vllm', [single], { api: 'anthropic-messages' })
    expect(notes).toEqual([expect.stringMatching(/^It speaks no such API/)])
  })

  test('what our client cut off is neither completed nor failed', () => {
    const view = viewOf('vllm', [single, { ...pair, outcome: { kind: 'cancelled' } }])
    expect(values(view, ['completed', 'failed'])).toEqual({ completed: 1, failed: 0 })
    expect(view.notes).toEqual([expect.stringMatching(/^1 request cut off/)])
  })
})

describe('SGLang', () => {
  test('takes the tokens asked for, and the end of the stream', () => {
    // TTFT: 20; 60 - 10 = 50; 70 - 15 = 55; 160 - 100 = 60. E2E: 35; 52; 117 - 15 = 102; 150.
    // TPOT: (35 - 20) / 1; none; (102 - 55) / 3; (150 - 60) / 10, as eleven were asked for.
    // ITL: 10; none; 20, 20; 20, 20, 20, 20.
    const view = viewOf('sglang', few)
    expect(
      values(view, [
        ...['completed', 'total_output_tokens', 'output_throughput', 'concurrency'],
        ...['mean_ttft_ms', 'mean_tpot_ms', 'mean_itl_ms', 'mean_e2e_latency_ms'],
      ]),
    ).toEqual({
      completed: 4,
      total_output_tokens: 2 + 1 + 4 + 11,
      output_throughput: closeTo(18 / 0.29),
      concurrency: closeTo((35 + 52 + 102 + 150) / 290),
      mean_ttft_ms: closeTo(185 / 4),
      mean_tpot_ms: closeTo((15 + 47 / 3 + 9) / 3),
      mean_itl_ms: closeTo(130 / 7),
      mean_e2e_latency_ms: closeTo(339 / 4),
    })
    expect(at(view, 'total_output_tokens_retokenized').missing).toMatch(/records hold no text/)
  })

  test('asks for usage in conversations of several turns, and takes it', () => {
    const workload = { kind: 'multi-turn', turns: 2, turnInputTokens: 16, outputTokens: 8 }
    const view = viewOf('sglang', [reasoned], { workload })
    expect(at(view, 'total_output_tokens').value).toBe(10)
  })
})

describe('AIPerf', () => {
  test('leaves the warm-up out, and ends at the last output', () => {
    // TTFT: 50; 70 - 15 = 55; 60. Latency: 50; 110 - 15 = 95; 140. ITL: none; 40 / 3; 80 / 9.
    // From the begin at 10 to the last output at 240.
    const view = viewOf('aiperf', few)
    expect(
      values(view, [
        ...['request_count.avg', 'error_request_count.avg', 'benchmark_duration.avg'],
        ...['request_throughput.avg', 'output_token_throughput.avg'],
        ...['time_to_first_token.avg', 'time_to_first_token.p50', 'time_to_first_token.p90'],
        ...['time_to_first_output_token.avg', 'request_latency.avg', 'inter_token_latency.avg'],
        ...['inter_chunk_latency.avg', 'output_token_count.avg', 'reasoning_token_count.avg'],
      ]),
    ).toEqual({
      'request_count.avg': 3,
      'error_request_count.avg': 1,
      'benchmark_duration.avg': closeTo(0.23),
      'request_throughput.avg': closeTo(3 / 0.23),
      'output_token_throughput.avg': closeTo(15 / 0.23),
      'time_to_first_token.avg': closeTo(55),
      'time_to_first_token.p50': 55,
      // Index 1.8 of 50, 55, 60.
      'time_to_first_token.p90': closeTo(59),
      'time_to_first_output_token.avg': closeTo((50 + 55 + 100) / 3),
      'request_latency.avg': closeTo(95),
      'inter_token_latency.avg': closeTo((40 / 3 + 80 / 9) / 2),
      'inter_chunk_latency.avg': closeTo(20),
      'output_token_count.avg': closeTo((1 + 4 + 4) / 3),
      'reasoning_token_count.avg': 6,
    })
  })

  test('an answer of one token misses a limit on a metric it does not have', () => {
    const view = viewOf('aiperf', few, { slo: { tpotMs: 100 } })
    expect(at(view, 'good_request_count.avg').value).toBe(2)
    // Ours cannot miss it, over the window of 300 ms.
    expect(at(view, 'goodput.avg')).toMatchObject({ ours: 10, why: expect.any(String) })
  })

  test('without usage it would count the text, which records do not hold', () => {
    const view = viewOf('aiperf', [single, { ...pair, usage: undefined }])
    expect(at(view, 'inter_token_latency.avg').missing).toMatch(/records hold no text/)
    expect(at(view, 'output_token_throughput.avg').value).toBeUndefined()
    expect(at(view, 'time_to_first_token.avg').value).toBe(52.5)
  })
})

describe('GuideLLM', () => {
  test('takes what was under way in the window, and weighs by tokens', () => {
    // TPOT: 50 / 1, 95 / 4, 140 / 10, weighed 1, 4, 10. ITL: 40 / 3 and 80 / 9, weighed 3 and 9.
    // Tokens came from 60 to 240.
    const key = (name: string) => `metrics.${name}`
    const view = viewOf('guidellm', few)
    expect(
      values(view, [
        ...['request_totals.successful', 'request_totals.errored'].map(key),
        ...['requests_per_second.successful.mean', 'output_tokens_per_second.successful.mean'].map(
          key,
        ),
        ...['mean', 'median', 'percentiles.p90'].map((statistic) =>
          key(`time_per_output_token_ms.successful.${statistic}`),
        ),
        ...['inter_token_latency_ms', 'request_latency', 'time_to_first_token_ms'].map((name) =>
          key(`${name}.successful.mean`),
        ),
      ]),
    ).toEqual({
      'metrics.request_totals.successful': 3,
      'metrics.request_totals.errored': 1,
      'metrics.requests_per_second.successful.mean': closeTo(10),
      'metrics.output_tokens_per_second.successful.mean': closeTo(15 / 0.18),
      'metrics.time_per_output_token_ms.successful.mean': closeTo(285 / 15),
      // 14 has 10 of 15 tokens, 23.75 reaches 14 of 15.
      'metrics.time_per_output_token_ms.successful.median': 14,
      'metrics.time_per_output_token_ms.successful.percentiles.p90': 23.75,
      'metrics.inter_token_latency_ms.successful.mean': closeTo(120 / 12),
      'metrics.request_latency.successful.mean': closeTo(0.304 / 3),
      'metrics.time_to_first_token_ms.successful.mean': closeTo(55),
    })
  })

  test('a request that began in the warm-up counts when it ends in the window', () => {
    const view = viewOf('guidellm', [{ ...warm, endMs: 0, closedMs: 0 }, single])
    expect(at(view, 'metrics.request_totals.successful')).toMatchObject({
      value: 2,
      ours: 1,
      why: expect.stringMatching(/under way/),
    })
  })

  test('without usage each chunk is a token', () => {
    const view = viewOf('guidellm', [{ ...pair, usage: undefined }])
    expect(at(view, 'metrics.output_token_count.successful.mean').value).toBe(3)
  })

  test('what a request lacks is 0', () => {
    const view = viewOf('guidellm', [single])
    expect(at(view, 'metrics.inter_token_latency_ms.successful.mean').value).toBe(0)
  })
})

describe('LoadGen', () => {
  test('counts from the send in closed loop, and a single token for none', () => {
    // Latency: 35; 52; 97; 150. First token: 20; 50; 50; 60.
    // TPOT: 15 / 1; (52 - 50) / (0 - 1) = -2; 47 / 3, cut to the nanosecond; 90 / 9.
    // The query issued last ends at 250, 290 ms after the first send.
    const view = viewOf('mlperf', few)
    expect(
      values(view, [
        ...['result_query_count', 'result_completed_samples_per_sec'],
        ...['result_completed_tokens_per_second', 'result_mean_latency_ns'],
        ...['result_first_token_50.00_percentile_latency_ns', 'result_99.00_percentile_latency_ns'],
        ...['result_time_to_output_token_min', 'result_time_to_output_token_mean'],
        ...['result_time_per_output_token_50.00_percentile_ns'],
      ]),
    ).toEqual({
      result_query_count: 5,
      result_completed_samples_per_sec: closeTo(3 / 0.29),
      result_completed_tokens_per_second: closeTo((2 + 0 + 4 + 10) / 0.29),
      result_mean_latency_ns: 83_500_000,
      // Index floor(4 x 0.5) = 2 of 20, 50, 50, 60.
      'result_first_token_50.00_percentile_latency_ns': 50e6,
      'result_99.00_percentile_latency_ns': 150e6,
      result_time_to_output_token_min: -2e6,
      // (15,000,000 - 2,000,000 + 15,666,666 + 10,000,000) / 4 = 9,666,666.5
      result_time_to_output_token_mean: 9_666_666,
      // Index 2 of -2, 10, 15, 15.67.
      'result_time_per_output_token_50.00_percentile_ns': 15e6,
    })
    expect(view.notes).toHaveLength(3)
    expect(at(view, 'result_scheduled_samples_per_sec').missing).toMatch(/closed loop/)
  })

  test('counts from the time a query was due in open loop', () => {
    const load = { kind: 'poisson', ratePerS: 10 }
    const due = [
      { ...single, dueMs: 5 },
      { ...reasoned, dueMs: 90 },
    ]
    const view = viewOf('mlperf', due, { log: { load } })
    // First token: 60 - 5 and 160 - 90. The second was due 85 ms after the first, and done after 245.
    expect(at(view, 'result_first_token_min_latency_ns').value).toBe(55e6)
    expect(at(view, 'result_first_token_max_latency_ns').value).toBe(70e6)
    expect(at(view, 'result_scheduled_samples_per_sec').value).toBeCloseTo(1 / 0.085, 9)
    expect(at(view, 'result_completed_samples_per_sec').value).toBeCloseTo(1 / 0.245, 9)
  })
})

describe('endpoints', () => {
  test('divides by the tokens after the first chunk', () => {
    // TPOT: none for one chunk; (117 - 70) / (4 - 1); (250 - 160) / (10 - 3).
    const view = viewOf('mlperf-endpoints', few)
    expect(
      values(view, ['n_samples_issued', 'n_samples_failed', 'qps', 'tps', 'tpot.avg', 'ttft.avg']),
    ).toEqual({
      n_samples_issued: 4,
      n_samples_failed: 1,
      // From the first issue at 0 to the last end at 250.
      qps: closeTo(12),
      tps: closeTo(60),
      'tpot.avg': expect.closeTo((47e6 / 3 + 90e6 / 7) / 2, 3),
      'ttft.avg': 55e6,
    })
  })

  test('Poisson arrivals have the window of LoadGen, and one request fewer', () => {
    const view = viewOf('mlperf-endpoints', [single, reasoned], {
      log: { load: { kind: 'poisson', ratePerS: 10 } },
    })
    expect(at(view, 'qps').value).toBeCloseTo(1 / 0.24, 9)
  })

  test('does not know TPOT where the server does not tell the tokens of chunks', () => {
    const view = viewOf('mlperf-endpoints', [{ ...pair, chunkTokens: undefined }])
    expect(at(view, 'tpot.avg').missing).toMatch(/tokens of every chunk/)
  })
})

describe('inference-perf', () => {
  test('passes over reasoning, and leaves answers of one token out of TTFT', () => {
    // Visible tokens: 2, 1, 4, 4. TTFT: 20; none; 55; 200 - 100. TPOT: 10; none; 40 / 3; 40 / 3.
    // ITL: 10; none; 20, 0, 20; 20, 0, 20. Latency: 35, 52, 102, 150.
    const latency = (name: string) => `successes.latency.${name}.mean`
    const throughput = (name: string) => `successes.throughput.${name}`
    const view = viewOf('inference-perf', few)
    expect(
      values(view, [
        ...['load_summary.count', 'load_summary.achieved_rate', 'failures.count'],
        ...['time_to_first_token', 'time_per_output_token', 'inter_token_latency'].map(latency),
        ...['request_latency', 'normalized_time_per_output_token'].map(latency),
        ...['output_tokens_per_sec', 'total_tokens_per_sec', 'requests_per_sec'].map(throughput),
      ]),
    ).toEqual({
      'load_summary.count': 5,
      // Begun from -40 to 100.
      'load_summary.achieved_rate': closeTo(5 / 0.14),
      'failures.count': 1,
      'successes.latency.time_to_first_token.mean': closeTo(0.175 / 3),
      'successes.latency.time_per_output_token.mean': closeTo((0.01 + 0.08 / 3) / 3),
      'successes.latency.inter_token_latency.mean': closeTo(0.09 / 7),
      'successes.latency.request_latency.mean': closeTo(0.339 / 4),
      'successes.latency.normalized_time_per_output_token.mean': closeTo(
        (0.035 / 2 + 0.052 + 0.102 / 4 + 0.15 / 4) / 4,
      ),
      'successes.throughput.output_tokens_per_sec': closeTo(11 / 0.29),
      'successes.throughput.total_tokens_per_sec': closeTo(33 / 0.29),
      'successes.throughput.requests_per_sec': closeTo(4 / 0.29),
    })
  })

  test('an answer of one visible token misses limits on TTFT and TPOT', () => {
    const view = viewOf('inference-perf', few, { slo: { ttftMs: 60 } })
    // The warm one (20) and the pair (55); the reasoned one takes 100 to its first text.
    expect(at(view, 'successes.goodput_metrics.good_requests').value).toBe(2)
    expect(at(view, 'successes.goodput_metrics.goodput_percentage').value).toBe(50)
  })

  test('does not know visible tokens where neither chunks nor reasoning are told', () => {
    const untold = { ...reasoned, chunkTokens: undefined, usage: { outputTokens: 10 } }
    const view = viewOf('inference-perf', [untold])
    expect(at(view, 'successes.latency.time_per_output_token.mean').missing).toMatch(/no text/)
    expect(at(view, 'successes.latency.request_latency.mean').value).toBeCloseTo(0.15, 9)
  })

  test('does not know which chunk was the first text where one read brought it with reasoning', () => {
    const blurred = { ...reasoned, chunkMs: [160, 200, 200, 220, 240] }
    const view = viewOf('inference-perf', [blurred])
    // Usage less reasoning is 4 tokens all the same; their gaps are not known.
    expect(at(view, 'successes.latency.time_to_first_token.mean').value).toBeCloseTo(0.1, 9)
    expect(at(view, 'successes.latency.time_per_output_token.mean').value).toBeCloseTo(0.04 / 3, 9)
    expect(at(view, 'successes.latency.inter_token_latency.mean').value).toBeUndefined()
  })
})
