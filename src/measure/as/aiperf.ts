import { difference, type Maybe, ratio, sum } from '../../arithmetic.ts'
import type { Benchmark, Slo } from '../../load/benchmark.ts'
import type { RequestRecord } from '../../load/record.ts'
import { MS_PER_S } from '../../units.ts'
import type { OperatingPoint } from '../summary.ts'
import {
  counted,
  type DistributionView,
  distributionFigures,
  figure,
  type Statistic,
} from './figures.ts'
import { createGapPool, createPool, type Pool } from './pool.ts'
import { begunMs, createSpan, gapsUs } from './record-times.ts'
import type { Rival, RivalFigure, RivalTally, RivalUnit } from './rival.ts'
import { usageTokens, visibleOutput } from './tokens.ts'

/** What one valid record comes to, times in ms. */
interface RequestMetrics {
  readonly time_to_first_token: Maybe
  readonly time_to_second_token: Maybe
  readonly time_to_first_output_token: Maybe
  readonly request_latency: Maybe
  readonly inter_token_latency: Maybe
  readonly output_token_throughput_per_user: Maybe
  readonly output_sequence_length: Maybe
  readonly reasoning_token_count: Maybe
  readonly output_token_count: Maybe
  readonly input_sequence_length: Maybe
}

type Tag = keyof RequestMetrics

/** By the formulas of `src/aiperf/metrics/types`. */
function metricsOf(record: RequestRecord): RequestMetrics {
  const { chunkMs, usage } = record
  const begun = begunMs(record)
  const ttft = difference(chunkMs[0], begun)
  const latency = difference(chunkMs.at(-1), begun)
  const tokens = usageTokens(record)
  const itl =
    tokens !== undefined && tokens >= 2 ? ratio(difference(latency, ttft), tokens - 1) : undefined
  return {
    time_to_first_token: ttft,
    time_to_second_token: difference(chunkMs[1], chunkMs[0]),
    time_to_first_output_token: difference(visibleOutput(record).chunkMs[0], begun),
    request_latency: latency,
    inter_token_latency: itl,
    output_token_throughput_per_user: ratio(MS_PER_S, itl),
    output_sequence_length: tokens,
    reasoning_token_count: usage?.reasoningTokens,
    output_token_count: difference(tokens, usage?.reasoningTokens ?? 0),
    input_sequence_length: usage?.inputTokens,
  }
}

const units: Record<Tag, RivalUnit> = {
  time_to_first_token: 'ms',
  time_to_second_token: 'ms',
  time_to_first_output_token: 'ms',
  request_latency: 'ms',
  inter_token_latency: 'ms',
  output_token_throughput_per_user: 'tokens/s',
  output_sequence_length: 'tokens',
  reasoning_token_count: 'tokens',
  output_token_count: 'tokens',
  input_sequence_length: 'tokens',
}

const tags = Object.keys(units) as Tag[]

/** Made of the answer's token count, so unknown for all where it is for one. */
const ofTokens: ReadonlySet<Tag> = new Set([
  'inter_token_latency',
  'output_token_throughput_per_user',
  'output_sequence_length',
  'output_token_count',
])

const CLOCK =
  'Its clock starts before the connection is opened, whenever the request was due; ours at the send, or at the due time in open loop.'

const why: Partial<Record<Tag, string>> = {
  time_to_first_token: CLOCK,
  time_to_first_output_token:
    'It has one for every request, ours only where reasoning came first; and its clock starts before the connection is opened.',
  request_latency:
    'It ends at the last output, ours with the stream; and its clock starts before the connection is opened.',
  inter_token_latency:
    'The formula is that of our TPOT; it keeps answers that came all at once, as 0.',
  output_sequence_length: 'It leaves out answers without a usage count; we count their chunks.',
}

const UNKNOWN_TOKENS =
  'It counts the tokens of the text where the server told none; records hold no text.'
const RATE =
  'It counts requests issued in the measured phase, and divides by their first begin to their last output; ours is what arrived inside the measured window.'

function startLevel(_log: unknown, { slo }: Benchmark): RivalTally {
  const pools = new Map(tags.map((tag) => [tag, createPool()]))
  const chunkGaps = createGapPool()
  const run = createSpan()
  const count = { valid: 0, failed: 0, cancelled: 0, uncounted: 0, good: 0 }
  let tokens: Maybe = 0

  const addValid = (record: RequestRecord): void => {
    const metrics = metricsOf(record)
    count.valid++
    tokens = sum([tokens, metrics.output_sequence_length])
    if (metrics.output_sequence_length === undefined) count.uncounted++
    for (const [tag, pool] of pools) {
      const value = metrics[tag]
      if (value !== undefined) pool.add(value)
    }
    for (const us of gapsUs(record.chunkMs)) chunkGaps.add(us)
    run.add(begunMs(record), record.chunkMs.at(-1))
    if (isGood(metrics, slo)) count.good++
  }

  return {
    add: (record) => {
      if (record.phase === 'warm-up') return
      switch (record.outcome.kind) {
        case 'completed':
          addValid(record)
          break
        case 'failed':
        case 'timed-out':
          count.failed++
          break
        case 'cancelled':
        case 'abandoned':
          count.cancelled++
      }
    },
    finish: (ours) => {
      const durationS = ratio(run.lengthMs(), MS_PER_S)
      return {
        figures: [
          ...rateFigures({ ...count, tokens, durationS }, slo, ours),
          ...requestFigures(pools, count.uncounted === 0, ours),
          ...chunkGapFigures(chunkGaps, ours),
        ],
        notes:
          count.cancelled === 0
            ? []
            : [
                `${counted(count.cancelled, 'request')} cut off or given up left out of everything, as what it cancels is an error to it.`,
              ],
      }
    },
  }
}

/** A limit on a metric that a request does not have is not met: an answer of one token misses one on ITL. */
function isGood(metrics: RequestMetrics, slo: Slo): boolean {
  const within = (value: Maybe, limit: Maybe): boolean =>
    limit === undefined || (value !== undefined && value <= limit)
  return (
    within(metrics.time_to_first_token, slo.ttftMs) &&
    within(metrics.inter_token_latency, slo.tpotMs) &&
    within(metrics.request_latency, slo.latencyMs)
  )
}

interface Totals {
  readonly valid: number
  readonly failed: number
  readonly good: number
  readonly uncounted: number
  readonly tokens: Maybe
  readonly durationS: Maybe
}

function rateFigures(
  { valid, failed, good, uncounted, tokens, durationS }: Totals,
  slo: Slo,
  ours: OperatingPoint | undefined,
): RivalFigure[] {
  const goodIsKnown = slo.tpotMs === undefined || uncounted === 0
  const known = goodIsKnown ? good : undefined
  const hasSlo = Object.values(slo).some((limit) => limit !== undefined)
  const goodput = [
    figure('good_request_count.avg', 'requests', known, { missing: UNKNOWN_TOKENS }),
    figure('goodput.avg', 'requests/s', ratio(known, durationS), {
      ours: ours?.goodput?.requestsPerS,
      why: RATE,
      missing: UNKNOWN_TOKENS,
    }),
  ]
  return [
    figure('request_count.avg', 'requests', valid, { ours: ours?.requests.completed }),
    figure('error_request_count.avg', 'requests', failed, {
      ours: ours && ours.requests.failed + ours.requests.timedOut,
    }),
    figure('benchmark_duration.avg', 's', durationS, { ours: ours?.windowS, why: RATE }),
    figure('request_throughput.avg', 'requests/s', ratio(valid, durationS), {
      ours: ours?.requestsPerS,
      why: RATE,
    }),
    figure('output_token_throughput.avg', 'tokens/s', ratio(tokens, durationS), {
      ours: ours?.outputTokensPerS,
      why: RATE,
      missing: UNKNOWN_TOKENS,
    }),
    ...(hasSlo ? goodput : []),
  ]
}

const told: readonly Statistic[] = ['mean', 'min', 'max', 'std', 50, 90, 95, 99]

function keyOf(tag: string): (statistic: Statistic) => string {
  return (statistic) => {
    const name = statistic === 'mean' ? 'avg' : statistic
    return `${tag}.${typeof name === 'number' ? `p${name}` : name}`
  }
}

function requestFigures(
  pools: ReadonlyMap<Tag, Pool>,
  tokensKnown: boolean,
  ours: OperatingPoint | undefined,
): RivalFigure[] {
  const same: Partial<Record<Tag, DistributionView['ours']>> = {
    time_to_first_token: ours?.ttftMs,
    time_to_first_output_token: ours?.ttfvMs,
    request_latency: ours?.latencyMs,
    inter_token_latency: ours?.tpotMs,
    output_sequence_length: ours?.outputTokens,
    input_sequence_length: ours?.inputTokens,
  }
  return [...pools].flatMap(([tag, pool]) => {
    const statistics = tokensKnown || !ofTokens.has(tag) ? pool.finish() : undefined
    // It leaves a metric out that no request has.
    if (statistics?.n === 0) return []
    return distributionFigures({
      unit: units[tag],
      keyOf: keyOf(tag),
      told,
      percentiles: 'linear',
      statistics,
      ours: same[tag],
      why: why[tag],
      missing: UNKNOWN_TOKENS,
    })
  })
}

function chunkGapFigures(gaps: Pool, ours: OperatingPoint | undefined): RivalFigure[] {
  const statistics = gaps.finish()
  if (statistics.n === 0) return []
  return distributionFigures({
    unit: 'ms',
    keyOf: keyOf('inter_chunk_latency'),
    told,
    percentiles: 'linear',
    statistics,
    ours: ours?.interChunkMs,
  })
}

/** Definitions of `aiperf profile` with streaming and the server's token counts. */
export const aiperf: Rival = {
  name: 'aiperf',
  tool: 'AIPerf',
  version: '0.13',
  source:
    'ai-dynamo/aiperf: docs/metrics-reference.md, src/aiperf/metrics/types (inter_token_latency_metric.py at 58dd5dea729c, ttft_metric.py and inter_chunk_latency_metric.py at 58028d5ba1cb, request_latency_metric.py at 4f7ccffdf964)',
  definitions: [
    'Counts requests of the measured phase that ended without an error; warm-up is a phase of its own.',
    'The clock of a request starts before its connection is opened, whenever it was due.',
    'TTFT ends at the first output, reasoning too; latency at the last output, not at the end of the stream.',
    'Its inter_token_latency is a TPOT: (latency - TTFT) / (output tokens - 1), for two tokens or more.',
    'Output tokens are those of usage, as with its --use-server-token-count; by default it counts the text itself, which records do not hold.',
    'Rates divide by first begin to last output of valid requests. Percentiles: numpy, linear. No samples: the key is left out.',
    'An answer of reasoning alone has no first output token to it; records can tell such an answer only where usage counts reasoning.',
  ],
  startLevel,
}
