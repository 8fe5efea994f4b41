import type { Benchmark } from '../../load/benchmark.ts'
import type { RequestRecord } from '../../load/record.ts'
import { figure } from './figures.ts'
import { gapsUs, lastEventMs } from './record-times.ts'
import type { Rival } from './rival.ts'
import { endedProperly, type ServingScript, sinceBegun, startServing } from './serving.ts'

/** @param usageIsAskedFor as it is for conversations of several turns, and for nothing else */
function scriptOf(usageIsAskedFor: boolean): ServingScript {
  return {
    serve: (record) => serve(record, usageIsAskedFor),
    keys: {
      e2e: 'e2e_latency',
      inputTokensPerS: 'input_throughput',
      totalTokensPerS: 'total_throughput',
      concurrency: 'concurrency',
    },
    countsEmptyEvents: false,
    told: ['mean', 'median', 'std', 90, 95, 99],
    why: {
      completed:
        'It counts every request of the level, ours those of the measured phase; and it calls any HTTP message that ended properly an answer.',
      rate: 'It counts the tokens that were asked for, and divides by the time from the first request to the last answer of the level, warm-up, ramp and drain included; ours is of the measured window.',
      ttft: 'Its clock starts before the connection is opened, over every request of the level; ours at the send, or when the request was due in open loop, of measured requests.',
      tpot: 'It takes the end of the stream less TTFT over the tokens asked for; ours is from the first to the last output over the tokens that came.',
      itl: 'It pools the gaps of every request of the level, ours those of measured requests.',
      e2e: 'Its clock starts before the connection is opened, over every request of the level; ours at the send, or when the request was due in open loop, of measured requests.',
      unknownTokens: 'The records do not tell how many tokens were asked for.',
    },
    untold: [
      figure('total_output_tokens_retokenized', 'tokens', undefined, {
        missing: 'It counts the tokens of the text again; records hold no text.',
      }),
    ],
  }
}

function serve(
  record: RequestRecord,
  usageIsAskedFor: boolean,
): ReturnType<ServingScript['serve']> {
  const { chunkMs, endMs, usage, requestedInputTokens, requestedOutputTokens } = record
  const latencyMs = sinceBegun(record, endMs ?? lastEventMs(record))
  if (!endedProperly(record) || latencyMs === undefined) return undefined
  const counted = usageIsAskedFor ? usage?.outputTokens : undefined
  return {
    // It writes 0 where nothing came, and counts it.
    ttftMs: sinceBegun(record, chunkMs[0]) ?? 0,
    latencyMs,
    gapsUs: gapsUs(chunkMs),
    outputTokens: counted ?? requestedOutputTokens,
    inputTokens: requestedInputTokens,
  }
}

function asksForUsage({ workload }: Benchmark): boolean {
  return workload.kind === 'multi-turn'
}

/** Definitions of `sglang.bench_serving` with its OpenAI chat backend, whatever server is measured. */
export const sglang: Rival = {
  name: 'sglang',
  tool: 'SGLang bench_serving',
  version: 'main, mid-2026',
  source: 'sgl-project/sglang: python/sglang/benchmark/serving.py at 00f9ec472fff',
  definitions: [
    'Counts every request; any HTTP message of status 200 that ended properly is completed.',
    'The clock of a request starts before its connection is opened. It opens one for each request, which a record tells only where ours did.',
    'TTFT ends at the first content or reasoning; latency at the last line, [DONE] included.',
    'Output tokens are those asked for: usage is asked for in conversations of several turns only.',
    'TPOT = (latency - TTFT) / (output tokens - 1), left out for one token. ITL is the gap between chunks, pooled.',
    'Rates divide by first request to last answer; it also asks for /server_info before that clock stops, which no record tells.',
    'Percentiles: numpy, linear. No samples: 0.',
  ],
  startLevel: (_log, benchmark) => startServing(scriptOf(asksForUsage(benchmark)), benchmark),
}
