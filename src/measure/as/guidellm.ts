import { difference, type Maybe, ratio } from '../../arithmetic.ts'
import type { RequestRecord } from '../../load/record.ts'
import type { LevelLog } from '../../load/run-log.ts'
import { MS_PER_S } from '../../units.ts'
import { outputTokens } from '../metrics.ts'
import type { Distribution, OperatingPoint } from '../summary.ts'
import { figure, inUnit, oursOf, type Statistic } from './figures.ts'
import { begunMs, createSpan } from './record-times.ts'
import type { Rival, RivalFigure, RivalTally, RivalUnit } from './rival.ts'
import { visibleOutput } from './tokens.ts'
import { createWeightedPool, type WeightedStatistics } from './weighted.ts'

/** A value of a request and its weight in the distribution. */
type Weighted = readonly [value: number, weight: number]

/** What one successful request comes to. What it cannot have is 0, as GuideLLM makes it. */
interface RequestMetrics {
  readonly request_latency: Weighted
  readonly time_to_first_token_ms: Weighted
  readonly time_to_first_output_token_ms: Weighted
  readonly time_per_output_token_ms: Weighted
  readonly inter_token_latency_ms: Weighted
  readonly prompt_token_count: Weighted
  readonly output_token_count: Weighted
}

type Name = keyof RequestMetrics

/** By `schemas/request_stats.py`: where usage is absent, each chunk is taken for a token. */
function metricsOf(record: RequestRecord): RequestMetrics {
  const { chunkMs, endMs, usage } = record
  const begun = begunMs(record)
  const tokens = outputTokens(record)
  const since = (ms: Maybe): number => difference(ms, begun) ?? 0
  const decodeMs = difference(chunkMs.at(-1), chunkMs[0])
  return {
    request_latency: [since(endMs) / MS_PER_S, 1],
    time_to_first_token_ms: [since(chunkMs[0]), 1],
    time_to_first_output_token_ms: [since(visibleOutput(record).chunkMs[0]), 1],
    time_per_output_token_ms: [ratio(since(chunkMs.at(-1)), tokens) ?? 0, tokens],
    inter_token_latency_ms: [ratio(decodeMs, tokens - 1) ?? 0, tokens - 1],
    prompt_token_count: [usage?.inputTokens ?? 0, 1],
    output_token_count: [tokens, 1],
  }
}

const units: Record<Name, RivalUnit> = {
  request_latency: 's',
  time_to_first_token_ms: 'ms',
  time_to_first_output_token_ms: 'ms',
  time_per_output_token_ms: 'ms',
  inter_token_latency_ms: 'ms',
  prompt_token_count: 'tokens',
  output_token_count: 'tokens',
}

const names = Object.keys(units) as Name[]

const WHO =
  'It takes requests that were under way in the window, ours those that began in it; and its clock starts before the connection is opened, whenever a request was due.'

const why: Record<Name, string> = {
  request_latency: WHO,
  time_to_first_token_ms: WHO,
  time_to_first_output_token_ms:
    'It has one for every request, ours only where reasoning came first; and it takes requests that were under way in the window.',
  time_per_output_token_ms:
    'It divides the time from the begin to the last output by all tokens, TTFT included, and weighs each request by its tokens; ours is from the first to the last output.',
  inter_token_latency_ms:
    'The formula is that of our TPOT, but each request weighs as much as it has tokens.',
  prompt_token_count: WHO,
  output_token_count: WHO,
}

const RATE =
  'It divides the tokens of successful requests by the time from their first to their last token; ours is what arrived inside the window.'

function startLevel({ windowStartMs, windowEndMs }: LevelLog): RivalTally {
  const pools = new Map(names.map((name) => [name, createWeightedPool()]))
  const tokenSpan = createSpan()
  const count = { successful: 0, incomplete: 0, errored: 0, endedInside: 0 }
  let tokens = 0

  const isUnderWay = (record: RequestRecord): boolean => {
    const begun = begunMs(record)
    return (
      begun !== undefined &&
      begun <= windowEndMs &&
      (record.endMs ?? record.closedMs) >= windowStartMs
    )
  }

  const addSuccessful = (record: RequestRecord): void => {
    const metrics = metricsOf(record)
    for (const [name, pool] of pools) pool.add(...metrics[name])
    const { chunkMs, endMs = Number.NaN } = record
    count.successful++
    if (endMs >= windowStartMs && endMs <= windowEndMs) count.endedInside++
    tokens += outputTokens(record)
    // All at once, or a single chunk, counts at its last.
    tokenSpan.add(chunkMs[0], chunkMs.at(-1))
  }

  return {
    add: (record) => {
      if (!isUnderWay(record)) return
      switch (record.outcome.kind) {
        case 'completed':
          addSuccessful(record)
          break
        case 'failed':
        case 'timed-out':
          count.errored++
          break
        case 'cancelled':
        case 'abandoned':
          count.incomplete++
      }
    },
    finish: (ours) => {
      const windowS = (windowEndMs - windowStartMs) / MS_PER_S
      return {
        figures: [
          ...totalFigures(count, ours),
          figure(
            'metrics.requests_per_second.successful.mean',
            'requests/s',
            ratio(count.endedInside, windowS),
            { ours: ours?.requestsPerS },
          ),
          figure(
            'metrics.output_tokens_per_second.successful.mean',
            'tokens/s',
            ratio(tokens, ratio(tokenSpan.lengthMs(), MS_PER_S)),
            { ours: ours?.outputTokensPerS, why: RATE, missing: 'no two tokens apart in time' },
          ),
          ...[...pools].flatMap(([name, pool]) => weightedFigures(name, pool.finish(), ours)),
        ],
        notes: [
          'The rates are of its mean; it merges events that are 0.1 ms apart or less, so the span of its tokens may be 0.1 ms shorter than here.',
        ],
      }
    },
  }
}

function totalFigures(
  { successful, incomplete, errored }: Record<'successful' | 'incomplete' | 'errored', number>,
  ours: OperatingPoint | undefined,
): RivalFigure[] {
  const requests = ours?.requests
  const total = (status: string, value: number, our: Maybe): RivalFigure =>
    figure(`metrics.request_totals.${status}`, 'requests', value, {
      ours: our,
      why: 'It counts requests that were under way in the window, ours those that began in it.',
    })
  return [
    total('successful', successful, requests?.completed),
    total('incomplete', incomplete, requests && requests.cancelled + requests.abandoned),
    total('errored', errored, requests && requests.failed + requests.timedOut),
  ]
}

const told: readonly (readonly [key: string, statistic: Statistic])[] = [
  ['mean', 'mean'],
  ['median', 'median'],
  ['std_dev', 'std'],
  ['min', 'min'],
  ['max', 'max'],
  ['percentiles.p90', 90],
  ['percentiles.p95', 95],
  ['percentiles.p99', 99],
]

function weightedFigures(
  name: Name,
  statistics: WeightedStatistics,
  ours: OperatingPoint | undefined,
): RivalFigure[] {
  const unit = units[name]
  const our = ourDistribution(name, ours)
  return told.map(([key, statistic]) => {
    const { value, why: oursMissing } = oursOf(our, statistic)
    return figure(
      `metrics.${name}.successful.${key}`,
      unit,
      // It writes 0 where nothing was measured.
      statisticOf(statistics, statistic) ?? 0,
      { ours: inUnit(value, unit), oursMissing, why: why[name] },
    )
  })
}

function statisticOf(statistics: WeightedStatistics, statistic: Statistic): Maybe {
  switch (statistic) {
    case 'mean':
    case 'std':
    case 'min':
    case 'max':
      return statistics[statistic]
    case 'median':
      return statistics.valueAtShare(0.5)
    default:
      return statistics.valueAtShare(statistic / 100)
  }
}

function ourDistribution(name: Name, ours: OperatingPoint | undefined): Distribution | undefined {
  switch (name) {
    case 'request_latency':
      return ours?.latencyMs
    case 'time_to_first_token_ms':
      return ours?.ttftMs
    case 'time_to_first_output_token_ms':
      return ours?.ttfvMs
    case 'time_per_output_token_ms':
    case 'inter_token_latency_ms':
      return ours?.tpotMs
    case 'prompt_token_count':
      return ours?.inputTokens
    case 'output_token_count':
      return ours?.outputTokens
  }
}

/** Definitions of `guidellm benchmark`, its measured window being ours. */
export const guidellm: Rival = {
  name: 'guidellm',
  tool: 'GuideLLM',
  version: '0.7.3',
  source:
    'vllm-project/guidellm: src/guidellm/schemas/request_stats.py at 06cef2910dc1, src/guidellm/schemas/statistics.py at 03820eba155d, src/guidellm/benchmark/schemas/generative/metrics.py',
  definitions: [
    'Counts requests that were under way at any time of the window, by how they ended; the window is ours.',
    'The clock of a request starts before its connection is opened, whenever it was due; latency ends with the stream.',
    'TTFT ends at the first output, reasoning too.',
    'Its time per output token is (last output - begin) / output tokens, TTFT included; its ITL is (last - first output) / (output tokens - 1). Both are weighed by those tokens.',
    'Output tokens: usage, else a token a chunk.',
    'Percentiles: the smallest value that reaches the share of all weight. Whatever a request lacks, and whatever nothing was measured of, is 0.',
  ],
  startLevel,
}
