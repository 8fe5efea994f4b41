import { difference, type Maybe, product, ratio, sum } from '../../arithmetic.ts'
import type { Benchmark, Slo } from '../../load/benchmark.ts'
import type { RequestRecord } from '../../load/record.ts'
import { MS_PER_S } from '../../units.ts'
import type { OperatingPoint } from '../summary.ts'
import {
  type DistributionView,
  distributionFigures,
  figure,
  leftOutNote,
  type Statistic,
} from './figures.ts'
import { createGapPool, createPool, inSeconds, type Pool } from './pool.ts'
import { begunMs, createSpan, gapsUs, type Span } from './record-times.ts'
import type { Rival, RivalFigure, RivalTally } from './rival.ts'
import { type VisibleOutput, visibleOutput } from './tokens.ts'

/** What one successful request comes to, times in ms. */
interface RequestMetrics {
  readonly latencyMs: Maybe
  /** Latency / output tokens; 0 for none. */
  readonly ntpotMs: Maybe
  /** Of answers of two visible tokens or more; it takes others for not streamed. */
  readonly ttftMs: Maybe
  readonly tpotMs: Maybe
  /** One for each token after the first; those of one chunk have its time. Absent where unknown. */
  readonly itlUs?: readonly number[]
  readonly outputTokens: Maybe
  readonly inputTokens: Maybe
}

function metricsOf(record: RequestRecord): RequestMetrics {
  const begun = begunMs(record)
  const visible = visibleOutput(record)
  const { tokens, chunkMs } = visible
  const latencyMs = difference(record.endMs, begun)
  const isStreamed = tokens !== undefined && tokens > 1
  return {
    latencyMs,
    ntpotMs: tokens === 0 ? 0 : ratio(latencyMs, tokens),
    ttftMs: isStreamed ? difference(chunkMs[0], begun) : undefined,
    tpotMs: isStreamed ? ratio(difference(chunkMs.at(-1), chunkMs[0]), tokens - 1) : undefined,
    itlUs: tokenGapsUs(visible),
    outputTokens: tokens,
    inputTokens: record.usage?.inputTokens ?? record.requestedInputTokens,
  }
}

function tokenGapsUs({ chunkMs, chunkTokens }: VisibleOutput): number[] | undefined {
  if (chunkTokens === undefined) return undefined
  return gapsUs(chunkMs.flatMap((ms, i) => Array<number>(chunkTokens[i] ?? 0).fill(ms)))
}

const UNKNOWN_TOKENS =
  'It counts the tokens of the visible text; records hold no text, and the server told too little to know them.'
const RATE =
  'It divides by first begin to last end of all requests of the level, failed ones, warm-up, ramp and drain included; ours is of the measured window.'

/** What of the records of a level is kept. */
interface Kept {
  readonly pools: ReturnType<typeof createPools>
  /** Of all requests, of successful ones, and of the begins of all. */
  readonly spans: Record<'all' | 'successes' | 'begins', Span>
  readonly count: Counts
}

interface Counts {
  all: number
  successful: number
  failed: number
  /** Ended by our client. */
  endless: number
  /** Of unknown visible tokens, and of unknown tokens in each chunk. */
  untold: number
  unsplit: number
  good: number
  inputTokens: Maybe
}

function createPools() {
  return {
    latency: createPool(),
    ntpot: createPool(),
    tpot: createPool(),
    ttft: createPool(),
    itl: createGapPool(),
    outputTokens: createPool(),
    failed: createPool(),
    scheduleDelay: createPool(),
  }
}

function startLevel(_log: unknown, { slo }: Benchmark): RivalTally {
  const kept: Kept = {
    pools: createPools(),
    spans: { all: createSpan(), successes: createSpan(), begins: createSpan() },
    count: {
      all: 0,
      successful: 0,
      failed: 0,
      endless: 0,
      untold: 0,
      unsplit: 0,
      good: 0,
      inputTokens: 0,
    },
  }
  return {
    add: (record) => {
      switch (record.outcome.kind) {
        case 'completed':
          addAny(kept, record)
          addSuccess(kept, record, slo)
          break
        case 'failed':
        case 'timed-out':
          addAny(kept, record)
          kept.count.failed++
          addKnown(kept.pools.failed, difference(record.closedMs, begunMs(record)))
          break
        case 'cancelled':
        case 'abandoned':
          kept.count.endless++
      }
    },
    finish: (ours) => ({
      figures: figuresOf(kept, slo, ours),
      notes: leftOutNote(kept.count.endless),
    }),
  }
}

function addAny({ pools, spans, count }: Kept, record: RequestRecord): void {
  const begun = begunMs(record)
  count.all++
  spans.begins.add(begun, begun)
  spans.all.add(begun, record.endMs ?? record.closedMs)
  addKnown(pools.scheduleDelay, difference(begun, record.dueMs))
}

function addSuccess({ pools, spans, count }: Kept, record: RequestRecord, slo: Slo): void {
  const metrics = metricsOf(record)
  count.successful++
  count.inputTokens = sum([count.inputTokens, metrics.inputTokens])
  if (metrics.outputTokens === undefined) count.untold++
  if (metrics.itlUs === undefined) count.unsplit++
  if (isGood(metrics, slo)) count.good++
  addKnown(pools.latency, metrics.latencyMs)
  addKnown(pools.ntpot, metrics.ntpotMs)
  addKnown(pools.tpot, metrics.tpotMs)
  addKnown(pools.ttft, metrics.ttftMs)
  addKnown(pools.outputTokens, metrics.outputTokens)
  for (const us of metrics.itlUs ?? []) pools.itl.add(us)
  spans.successes.add(begunMs(record), record.endMs)
}

const ALL = 'It counts every request of the level, ours those of the measured phase.'

function figuresOf(
  { pools, spans, count }: Kept,
  slo: Slo,
  ours: OperatingPoint | undefined,
): RivalFigure[] {
  const secondsOf = (span: Span): Maybe => ratio(span.lengthMs(), MS_PER_S)
  const totals = {
    ...count,
    outputTokens: count.untold === 0 ? pools.outputTokens.finish().total : undefined,
    totalS: secondsOf(spans.all),
  }
  return [
    ...loadFigures(count.all, pools.scheduleDelay, secondsOf(spans.begins), ours),
    figure('successes.count', 'requests', count.successful, {
      ours: ours?.requests.completed,
      why: ALL,
    }),
    ...latencyFigures(pools, count, ours),
    ...throughputFigures(totals, ours),
    ...goodputFigures(count, slo, secondsOf(spans.successes), ours),
    figure('failures.count', 'requests', count.failed, {
      ours: ours && ours.requests.failed + ours.requests.timedOut,
      why: ALL,
    }),
    ...secondsFigures('failures.request_latency', pools.failed, {}),
  ]
}

function addKnown(pool: Pool, value: Maybe): void {
  if (value !== undefined) pool.add(value)
}

/** An answer of one visible token has neither TTFT nor TPOT, and so misses a limit on either. */
function isGood({ ttftMs, tpotMs, latencyMs }: RequestMetrics, slo: Slo): boolean {
  const within = (value: Maybe, limit: Maybe): boolean =>
    limit === undefined || (value !== undefined && value <= limit)
  return (
    within(ttftMs, slo.ttftMs) && within(tpotMs, slo.tpotMs) && within(latencyMs, slo.latencyMs)
  )
}

const told: readonly Statistic[] = ['mean', 'min', 'median', 90, 95, 99, 'max']

/** Nothing where there are no samples: it then writes null. */
function secondsFigures(
  prefix: string,
  pool: Pool,
  { isKnown = true, ...beside }: Partial<DistributionView> & { isKnown?: boolean },
): RivalFigure[] {
  const statistics = pool.finish()
  if (isKnown && statistics.n === 0) return []
  return distributionFigures({
    unit: 's',
    keyOf: (statistic) =>
      `${prefix}.${typeof statistic === 'number' ? `p${statistic}` : statistic}`,
    told,
    percentiles: 'linear',
    statistics: isKnown ? inSeconds(statistics) : undefined,
    missing: UNKNOWN_TOKENS,
    ...beside,
  })
}

function loadFigures(
  all: number,
  scheduleDelay: Pool,
  sendS: Maybe,
  ours: OperatingPoint | undefined,
): RivalFigure[] {
  return [
    figure('load_summary.count', 'requests', all),
    ...secondsFigures('load_summary.schedule_delay', scheduleDelay, {
      ours: ours?.latenessMs,
      why: 'It takes every request of the level, ours those of the measured phase that completed.',
    }),
    figure('load_summary.send_duration', 's', sendS),
    figure('load_summary.achieved_rate', 'requests/s', ratio(all, sendS) ?? 0, {
      ours: ours?.rate?.sentPerS,
      why: 'It divides all requests by the time from the first to the last begin; ours is what was sent in the measured window.',
    }),
  ]
}

function latencyFigures(
  pools: Record<'latency' | 'ntpot' | 'tpot' | 'ttft' | 'itl', Pool>,
  { untold, unsplit }: Pick<Counts, 'untold' | 'unsplit'>,
  ours: OperatingPoint | undefined,
): RivalFigure[] {
  const isKnown = untold === 0
  const key = (name: string): string => `successes.latency.${name}`
  return [
    ...secondsFigures(key('request_latency'), pools.latency, {
      ours: ours?.latencyMs,
      why: 'Its clock starts before the connection is opened, over every request of the level; ours at the send, or when the request was due in open loop.',
    }),
    ...secondsFigures(key('normalized_time_per_output_token'), pools.ntpot, { isKnown }),
    ...secondsFigures(key('time_per_output_token'), pools.tpot, {
      isKnown,
      ours: ours?.tpotMs,
      why: 'It passes over reasoning, both its time and its tokens, and takes every request of the level.',
    }),
    ...secondsFigures(key('time_to_first_token'), pools.ttft, {
      isKnown,
      ours: ours?.ttftMs,
      why: 'It passes over reasoning, leaves out answers of one visible token, and starts before the connection is opened, over every request of the level.',
    }),
    ...secondsFigures(key('inter_token_latency'), pools.itl, {
      isKnown: unsplit === 0,
      ours: ours?.interChunkMs,
      why: 'Every token of a chunk has its time, so the gaps inside a chunk are 0; and it passes over reasoning.',
    }),
  ]
}

interface Totals {
  readonly successful: number
  readonly inputTokens: Maybe
  readonly outputTokens: Maybe
  readonly totalS: Maybe
}

function throughputFigures(
  { successful, inputTokens, outputTokens, totalS }: Totals,
  ours: OperatingPoint | undefined,
): RivalFigure[] {
  const rate = (name: string, unit: 'tokens/s' | 'requests/s', amount: Maybe, our: Maybe) =>
    figure(`successes.throughput.${name}`, unit, ratio(amount, totalS), {
      ours: our,
      why: RATE,
      missing: UNKNOWN_TOKENS,
    })
  return [
    rate('input_tokens_per_sec', 'tokens/s', inputTokens, ours?.inputTokensPerS),
    rate('output_tokens_per_sec', 'tokens/s', outputTokens, ours?.outputTokensPerS),
    rate(
      'total_tokens_per_sec',
      'tokens/s',
      sum([inputTokens, outputTokens]),
      sum([ours?.inputTokensPerS, ours?.outputTokensPerS]),
    ),
    rate('requests_per_sec', 'requests/s', successful, ours?.requestsPerS),
  ]
}

function goodputFigures(
  { successful, good, untold }: Pick<Counts, 'successful' | 'good' | 'untold'>,
  slo: Slo,
  successesS: Maybe,
  ours: OperatingPoint | undefined,
): RivalFigure[] {
  if (Object.values(slo).every((limit) => limit === undefined)) return []
  const isKnown = untold === 0 || (slo.ttftMs === undefined && slo.tpotMs === undefined)
  const known = isKnown ? good : undefined
  const key = (name: string): string => `successes.goodput_metrics.${name}`
  const missing = UNKNOWN_TOKENS
  return [
    figure(key('goodput_percentage'), '%', ratio(product([known, 100]), successful), {
      ours: product([ours?.goodput?.goodRatio, 100]),
      why: 'It divides by successful requests, ours by those issued; and an answer of one visible token misses limits on TTFT and TPOT.',
      missing,
    }),
    figure(key('request_goodput'), 'requests/s', ratio(known, successesS), {
      ours: ours?.goodput?.requestsPerS,
      why: 'It divides by first begin to last end of successful requests; and an answer of one visible token misses limits on TTFT and TPOT.',
      missing,
    }),
    figure(key('good_requests'), 'requests', known, { missing }),
  ]
}

/** Definitions of inference-perf's request lifecycle metrics. */
export const inferencePerf: Rival = {
  name: 'inference-perf',
  tool: 'inference-perf',
  version: '0.6.1 and later',
  source: 'kubernetes-sigs/inference-perf: inference_perf/reportgen/base.py at 010d12fb62cc',
  definitions: [
    'Counts every request: it has no warm-up. Latency and throughput are of successful ones, but the time that rates divide by is of all.',
    'The clock of a request starts before its connection is opened, whenever it was due; latency ends with the stream.',
    'Only visible text counts: reasoning has neither time nor tokens.',
    "Output tokens are those of the visible text. It counts them with a tokenizer; here they are the server's count of the same chunks, or usage less reasoning.",
    'TTFT is of answers of two visible tokens or more. TPOT = (last - first visible chunk) / (visible tokens - 1).',
    'ITL: every token of a chunk has the time of the chunk, so there are gaps of 0.',
    'Percentiles: numpy, linear. Times in seconds.',
  ],
  startLevel,
}
