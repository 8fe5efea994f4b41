import type { RequestRecord } from '../../load/record.ts'
import { gapsUs, lastEventMs } from './record-times.ts'
import type { Rival } from './rival.ts'
import { endedProperly, type ServingScript, sinceBegun, startServing } from './serving.ts'

const RATE =
  'It divides by the time from the first request to the last answer of the level, warm-up, ramp and drain included; ours is of the measured window.'

const script: ServingScript = {
  serve,
  keys: {
    e2e: 'e2el',
    failed: 'failed',
    goodput: 'request_goodput',
    totalTokensPerS: 'total_token_throughput',
  },
  countsEmptyEvents: true,
  told: ['mean', 'median', 'std', 90, 95, 99],
  why: {
    completed:
      'It counts every request of the level, ours those of the measured phase; and it calls an answer completed once one event with a choice came.',
    rate: RATE,
    ttft: 'Its clock runs from before the connection is opened to the first event with a choice, an empty role event too, over every request of the level; ours to the first output of measured requests, from the due time in open loop.',
    tpot: 'It takes latency less TTFT, so an empty role event and an empty finish event are part of it; ours is from the first to the last output.',
    itl: 'It takes the gaps between all events with a choice, so those after an empty role event and before an empty finish event too.',
    e2e: 'It ends at the last event with a choice and begins before the connection is opened; ours ends with the stream, and begins at the due time in open loop.',
    unknownTokens:
      'Where the server tells no usage it counts the tokens of the text itself; records hold no text.',
  },
}

/**
 * `vllm bench serve`. An answer is a success once an event with a non-empty `choices` came and the HTTP
 * message ended properly: no end mark, no finish reason asked for; error events are passed over.
 */
function serve(record: RequestRecord): ReturnType<ServingScript['serve']> {
  const { firstEventMs, chunkMs, finishMs, usage } = record
  const ttftMs = sinceBegun(record, firstEventMs ?? chunkMs[0] ?? finishMs)
  const latencyMs = sinceBegun(record, lastEventMs(record))
  if (!endedProperly(record) || ttftMs === undefined || latencyMs === undefined) return undefined
  return {
    ttftMs,
    latencyMs,
    gapsUs: gapsUs([firstEventMs, ...chunkMs, finishMs].filter((ms) => ms !== undefined)),
    // A count of 0 is none to it.
    outputTokens: usage?.outputTokens || undefined,
    inputTokens: usage?.inputTokens ?? record.requestedInputTokens,
  }
}

/** Definitions of `vllm bench serve` with its chat backend. */
export const vllm: Rival = {
  name: 'vllm',
  tool: 'vLLM bench serve',
  version: 'main, mid-2026',
  source:
    'vllm-project/vllm: vllm/benchmarks/serve.py at 009e6d4a1cd6, vllm/benchmarks/lib/endpoint_request_func.py at 02cfb534df56',
  definitions: [
    'Counts every request; an answer is completed once one event with a choice came and the HTTP message ended properly.',
    'The clock of a request starts before its connection is opened, whenever it was due.',
    'TTFT ends at the first event with a choice, even one without output; latency at the last.',
    'TPOT = (latency - TTFT) / (output tokens - 1), left out for one token, and 0 for it in goodput.',
    'ITL is the gap between such events, whatever the tokens in them, pooled.',
    'Tokens: usage, else its own count of the text.',
    'Rates divide by first request to last answer. Percentiles: numpy, linear. No samples: 0.',
  ],
  startLevel: (_log, benchmark) => startServing(script, benchmark),
}
