import { difference, type Maybe, ratio, sum } from '../../arithmetic.ts'
import { type RequestRecord, startMs } from '../../load/record.ts'
import { MS_PER_S, NS_PER_MS, US_PER_MS } from '../../units.ts'
import type { OperatingPoint } from '../summary.ts'
import {
  counted,
  type DistributionView,
  distributionFigures,
  figure,
  type Statistic,
} from './figures.ts'
import { createPool, type Pool, type Statistics } from './pool.ts'
import type { Rival, RivalFigure, RivalTally, RivalUnit } from './rival.ts'
import { usageTokens } from './tokens.ts'

const NS_PER_US = NS_PER_MS / US_PER_MS

/** Records hold whole microseconds. */
function toNs(ms: Maybe): Maybe {
  return ms === undefined ? undefined : Math.round(ms * US_PER_MS) * NS_PER_US
}

/**
 * `AsyncLog::RecordSampleCompletion`: integer division, and a single token is an error after which the
 * count is 0, so that what is divided by is -1.
 */
function tpotNs(latencyNs: number, firstTokenNs: number, tokens: number): number {
  return Math.trunc((latencyNs - firstTokenNs) / (countOf(tokens) - 1))
}

function countOf(tokens: number): number {
  return tokens === 1 ? 0 : tokens
}

const UNKNOWN_TOKENS =
  'The system under test reports its tokens to it; here the server told none for some answers.'
const RATE =
  'It divides by the time from the start of the level to the end of the query issued last, warm-up included; ours is of the measured window.'

/** The query that was issued last, as it is the one whose times rates divide by. */
interface FinalQuery {
  readonly id: number
  readonly dueMs: Maybe
  readonly endMs: Maybe
}

function startLevel(): RivalTally {
  const pools = { latency: createPool(), firstToken: createPool(), tpot: createPool() }
  const count = { complete: 0, incomplete: 0, uncounted: 0, singles: 0 }
  let tokens: Maybe = 0
  let firstMs: Maybe
  let final: FinalQuery | undefined

  const addComplete = (record: RequestRecord): void => {
    const start = startMs(record)
    const latencyNs = toNs(difference(record.endMs, start))
    const firstTokenNs = toNs(difference(record.chunkMs[0], start))
    const told = usageTokens(record)
    if (latencyNs === undefined || firstTokenNs === undefined) return
    count.complete++
    pools.latency.add(latencyNs)
    pools.firstToken.add(firstTokenNs)
    tokens = sum([tokens, told === undefined ? undefined : countOf(told)])
    if (told === undefined) count.uncounted++
    else pools.tpot.add(tpotNs(latencyNs, firstTokenNs, told))
    if (told === 1) count.singles++
  }

  return {
    add: (record) => {
      const start = startMs(record)
      if (start !== undefined) firstMs = Math.min(firstMs ?? start, start)
      if (final === undefined || record.id > final.id) {
        final = { id: record.id, dueMs: record.dueMs, endMs: record.endMs }
      }
      if (record.outcome.kind === 'completed') addComplete(record)
      else count.incomplete++
    },
    finish: (ours) => {
      const known = count.uncounted === 0
      const since = (ms: Maybe): Maybe => ratio(difference(ms, firstMs), MS_PER_S)
      const totals = {
        issued: count.complete + count.incomplete,
        complete: count.complete,
        tokens,
        scheduledS: since(final?.dueMs),
        doneS: since(final?.endMs),
      }
      return {
        figures: [...rateFigures(totals, ours), ...timeFigures(pools, known, ours)],
        notes: notesOf(count),
      }
    },
  }
}

interface Totals {
  readonly issued: number
  readonly complete: number
  readonly tokens: Maybe
  /** Of the query issued last, since the start. */
  readonly scheduledS: Maybe
  readonly doneS: Maybe
}

/** One sample fewer than there were: the begin of the last is the open end of the time. */
function rateFigures(
  { issued, complete, tokens, scheduledS, doneS }: Totals,
  ours: OperatingPoint | undefined,
): RivalFigure[] {
  const rate = (
    key: string,
    unit: RivalUnit,
    value: Maybe,
    our: Maybe,
    missing: string,
  ): RivalFigure => figure(key, unit, value, { ours: our, why: RATE, missing })
  const unfinished = 'The query issued last did not complete.'
  return [
    figure('result_query_count', 'requests', issued, {
      ours: ours?.requests.issued,
      why: 'It counts every request of the level, ours those of the measured phase.',
    }),
    rate(
      'result_scheduled_samples_per_sec',
      'requests/s',
      ratio(complete - 1, scheduledS),
      ours?.rate?.sentPerS,
      'In closed loop nothing is scheduled.',
    ),
    rate(
      'result_completed_samples_per_sec',
      'requests/s',
      ratio(complete - 1, doneS),
      ours?.requestsPerS,
      unfinished,
    ),
    rate(
      'result_completed_tokens_per_second',
      'tokens/s',
      ratio(tokens, doneS),
      ours?.outputTokensPerS,
      tokens === undefined ? UNKNOWN_TOKENS : unfinished,
    ),
  ]
}

const told: readonly Statistic[] = ['min', 'max', 'mean', 50, 90, 95, 97, 99, 99.9]

/** Keys of the detail log. A percentile is always written with two decimals. */
const keys = {
  latency: (statistic: Statistic) => keyOf('result', statistic, 'latency_ns'),
  firstToken: (statistic: Statistic) =>
    typeof statistic === 'number'
      ? keyOf('result_first_token', statistic, 'latency_ns')
      : `result_first_token_${statistic}_latency_ns`,
  tpot: (statistic: Statistic) =>
    typeof statistic === 'number'
      ? `result_time_per_output_token_${statistic.toFixed(2)}_percentile_ns`
      : `result_time_to_output_token_${statistic}`,
}

function keyOf(prefix: string, statistic: Statistic, suffix: string): string {
  const name = typeof statistic === 'number' ? `${statistic.toFixed(2)}_percentile` : statistic
  return `${prefix}_${name}_${suffix}`
}

function timeFigures(
  pools: Record<'latency' | 'firstToken' | 'tpot', Pool>,
  tokensKnown: boolean,
  ours: OperatingPoint | undefined,
): RivalFigure[] {
  const view = (
    parts: Pick<DistributionView, 'keyOf' | 'ours' | 'why' | 'missing'> & {
      pool: Pool
      known?: boolean
    },
  ): RivalFigure[] => {
    const { pool, known = true, ...rest } = parts
    const statistics = pool.finish()
    if (statistics.n === 0) return []
    return distributionFigures({
      unit: 'ns',
      told,
      percentiles: 'floor-np',
      statistics: known ? withIntegerMean(statistics) : undefined,
      ...rest,
    })
  }
  return [
    ...view({
      keyOf: keys.latency,
      pool: pools.latency,
      ours: ours?.latencyMs,
      why: 'It takes every request of the level, ours those of the measured phase.',
    }),
    ...view({
      keyOf: keys.firstToken,
      pool: pools.firstToken,
      ours: ours?.ttftMs,
      why: 'It takes every request of the level, ours those of the measured phase.',
    }),
    ...view({
      keyOf: keys.tpot,
      pool: pools.tpot,
      known: tokensKnown,
      ours: ours?.tpotMs,
      why: 'It takes the end of the stream less the first token, in whole nanoseconds; ours is from the first to the last output.',
      missing: UNKNOWN_TOKENS,
    }),
  ]
}

/**
 * Sums are divided as integers, by an unsigned count: a sum below 0 (answers of one token) makes no
 * number worth telling.
 */
function withIntegerMean(statistics: Statistics): Statistics {
  const { total, n } = statistics
  return { ...statistics, mean: total < 0 ? undefined : Math.trunc(total / n) }
}

function notesOf({ incomplete, singles }: { incomplete: number; singles: number }): string[] {
  return [
    'Not a result of MLPerf: nobody reviewed it, and none of its rules but these definitions was kept.',
    ...(incomplete === 0
      ? []
      : [
          `${counted(incomplete, 'request')} did not complete: LoadGen waits for every query, and a run with an error has no valid result.`,
        ]),
    ...(singles === 0
      ? []
      : [
          `${counted(singles, 'answer')} of one token: an error to LoadGen, which takes such an answer for none and divides by -1, so its time per output token is below 0.`,
        ]),
  ]
}

/** Definitions of MLPerf's LoadGen, Server scenario with token latencies. */
export const mlperf: Rival = {
  name: 'mlperf',
  tool: 'MLPerf LoadGen',
  version: '6.0.17',
  source:
    'mlcommons/inference: loadgen/results.cc, loadgen/logging.cc and loadgen/loadgen.cc at b66003e10e2d',
  definitions: [
    'Counts every query, of the Server scenario; it waits for all of them.',
    'The clock of a query starts when it was scheduled; in closed loop, which the scenario is not, at the send.',
    'First token: the first output, reasoning too. Latency: the end of the stream.',
    'Time per output token = (latency - first token latency) / (tokens - 1) in whole nanoseconds.',
    'Samples per second = (samples - 1) / the time at which the query issued last was scheduled, or completed; tokens per second is over the latter.',
    'Percentiles: the sample at index floor(n p), no interpolation. Means are cut to whole nanoseconds.',
  ],
  startLevel,
}
