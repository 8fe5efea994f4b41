import { describe, expect, test } from 'vitest'
import type { RivalFigure } from '../../../src/measure/as/rival.ts'
import { at, reasoned, viewOf } from './few-records.ts'

/*
 * One stream, by the clock of its request: sent at 0; role event 50 ms; reasoning 60 (3 tokens) and 80
 * (3); text 100 (1), 120 (2) and 140 (1, with the finish reason); usage 141 (10 tokens); [DONE] and close
 * 150. What each tool makes of it follows from its own source, as cited in its file.
 */
const figureOf = (name: string, key: string): RivalFigure => at(viewOf(name, [reasoned]), key)

const rows: readonly (readonly [rival: string, key: string, value: number])[] = [
  ['vllm', 'mean_ttft_ms', 50],
  ['vllm', 'mean_tpot_ms', (140 - 50) / 9], // 10.0
  ['vllm', 'mean_itl_ms', (10 + 20 + 20 + 20 + 20) / 5], // 18.0
  ['vllm', 'mean_e2el_ms', 140],
  ['vllm', 'total_output_tokens', 10],
  ['aiperf', 'time_to_first_token.avg', 60],
  ['aiperf', 'time_to_first_output_token.avg', 100],
  ['aiperf', 'inter_token_latency.avg', (140 - 60) / 9], // 8.9
  ['aiperf', 'inter_chunk_latency.avg', 20],
  ['aiperf', 'request_latency.avg', 140],
  ['aiperf', 'output_sequence_length.avg', 10],
  ['guidellm', 'metrics.time_to_first_token_ms.successful.mean', 60],
  ['guidellm', 'metrics.time_to_first_output_token_ms.successful.mean', 100],
  ['guidellm', 'metrics.time_per_output_token_ms.successful.mean', 140 / 10], // 14.0
  ['guidellm', 'metrics.inter_token_latency_ms.successful.mean', (140 - 60) / 9], // 8.9
  ['guidellm', 'metrics.request_latency.successful.mean', 0.15],
  ['guidellm', 'metrics.output_token_count.successful.mean', 10],
  ['sglang', 'mean_ttft_ms', 60],
  ['sglang', 'mean_tpot_ms', (150 - 60) / (11 - 1)], // 11 tokens were asked for
  ['sglang', 'mean_itl_ms', 20],
  ['sglang', 'mean_e2e_latency_ms', 150],
  ['sglang', 'total_output_tokens', 11],
  ['inference-perf', 'successes.latency.time_to_first_token.mean', 0.1],
  ['inference-perf', 'successes.latency.time_per_output_token.mean', (0.14 - 0.1) / 3], // 13.3 ms
  ['inference-perf', 'successes.latency.inter_token_latency.mean', (0.02 + 0 + 0.02) / 3], // 13.3 ms
  ['inference-perf', 'successes.latency.request_latency.mean', 0.15],
  ['mlperf-endpoints', 'ttft.avg', 60e6],
  ['mlperf-endpoints', 'tpot.avg', (150e6 - 60e6) / 7], // 12.9 ms
  ['mlperf-endpoints', 'latency.avg', 150e6],
  ['mlperf-endpoints', 'output_sequence_lengths.avg', 10],
  ['mlperf', 'result_first_token_mean_latency_ns', 60e6],
  ['mlperf', 'result_time_to_output_token_mean', (150e6 - 60e6) / 9], // 10.0 ms
  ['mlperf', 'result_mean_latency_ns', 150e6],
]

describe('one recorded stream', () => {
  test.each(rows)('as %s: %s', (rival, key, value) => {
    expect((figureOf(rival, key).value ?? 0) / value).toBeCloseTo(1, 12)
  })

  test('has four tokens of visible text to inference-perf: 4 in 150 ms', () => {
    const rate = figureOf('inference-perf', 'successes.throughput.output_tokens_per_sec')
    expect(rate.value).toBeCloseTo(4 / 0.15, 9)
  })

  test('has ours beside each figure, and one sentence where they differ', () => {
    const ttft = figureOf('vllm', 'mean_ttft_ms')
    expect(ttft.ours).toBe(60)
    expect(ttft.why).toMatch(/^Its clock .* empty role event .*\.$/)
    // Ours is the time from the first to the last output over nine tokens, and so is AIPerf's.
    const itl = figureOf('aiperf', 'inter_token_latency.avg')
    expect(itl.ours).toBeCloseTo(80 / 9, 9)
    expect(itl.why).toBeUndefined()
  })
})
