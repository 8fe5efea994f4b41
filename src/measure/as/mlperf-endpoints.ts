import { difference, type Maybe, ratio, sum } from '../../arithmetic.ts'
import type { RequestRecord } from '../../load/record.ts'
import type { LevelLog } from '../../load/run-log.ts'
import { MS_PER_S, NS_PER_MS } from '../../units.ts'
import type { OperatingPoint } from '../summary.ts'
import { type DistributionView, distributionFigures, figure, type Statistic } from './figures.ts'
import { createPool, type Pool } from './pool.ts'
import { begunMs, createSpan } from './record-times.ts'
import type { Rival, RivalFigure, RivalTally } from './rival.ts'
import { usageTokens } from './tokens.ts'

const UNKNOWN_TOKENS =
  'It counts the tokens of the text after the first chunk; records hold no text, and the server did not tell the tokens of every chunk.'

/** Tokens after the first chunk, 0 where it was the only one; unknown where no chunk's tokens are told. */
function tokensAfterFirst(record: RequestRecord): Maybe {
  if (record.chunkMs.length < 2) return 0
  return difference(usageTokens(record), record.chunkTokens?.[0])
}

function startLevel({ load }: LevelLog): RivalTally {
  const pools = { ttft: createPool(), tpot: createPool(), latency: createPool(), osl: createPool() }
  const all = createSpan()
  const count = { issued: 0, completed: 0, failed: 0, uncounted: 0, unsplit: 0 }
  let tokens: Maybe = 0
  let final: { begunMs: number; endMs: Maybe } | undefined

  const addNs = (pool: Pool, ms: Maybe): void => {
    if (ms !== undefined) pool.add(ms * NS_PER_MS)
  }

  const addCompleted = (record: RequestRecord): void => {
    const begun = begunMs(record)
    const told = usageTokens(record)
    const after = tokensAfterFirst(record)
    count.completed++
    tokens = sum([tokens, told])
    if (told === undefined) count.uncounted++
    else pools.osl.add(told)
    if (after === undefined) count.unsplit++
    if (after !== undefined && after > 0)
      addNs(pools.tpot, ratio(difference(record.endMs, record.chunkMs[0]), after))
    addNs(pools.ttft, difference(record.chunkMs[0], begun))
    addNs(pools.latency, difference(record.endMs, begun))
    if (begun !== undefined && begun >= (final?.begunMs ?? begun))
      final = { begunMs: begun, endMs: record.endMs }
  }

  return {
    add: (record) => {
      if (record.phase === 'warm-up') return
      const begun = begunMs(record)
      count.issued++
      all.add(begun, record.outcome.kind === 'completed' ? record.endMs : undefined)
      if (record.outcome.kind === 'completed') addCompleted(record)
      else count.failed++
    },
    finish: (ours) => {
      const isLegacy = load.kind === 'poisson' && count.completed >= 2
      const windowMs = isLegacy ? difference(final?.endMs, all.beginMs()) : all.lengthMs()
      return {
        figures: [
          ...totalFigures(
            {
              ...count,
              tokens,
              windowS: ratio(windowMs, MS_PER_S),
              counted: isLegacy ? count.completed - 1 : count.completed,
            },
            ours,
          ),
          ...series('ttft', pools.ttft, { ours: ours?.ttftMs, why: CLOCK }),
          ...series('tpot', pools.tpot, {
            known: count.unsplit === 0,
            ours: ours?.tpotMs,
            why: 'It divides the time from the first output to the end of the stream by the tokens after the first chunk; ours is from the first to the last output.',
          }),
          ...series('latency', pools.latency, { ours: ours?.latencyMs, why: CLOCK }),
          ...series('output_sequence_lengths', pools.osl, {
            unit: 'tokens',
            known: count.uncounted === 0,
            ours: ours?.outputTokens,
          }),
        ],
        notes: [],
      }
    },
  }
}

const CLOCK =
  'Its clock starts when it issues the request, before the connection is opened; ours at the send, or at the due time in open loop.'
const RATE =
  'It divides by the time from the first issue to the last end (Poisson: the end of the request issued last, and one request fewer); ours is of the measured window.'

interface Totals {
  readonly issued: number
  readonly completed: number
  readonly failed: number
  readonly tokens: Maybe
  readonly windowS: Maybe
  /** Requests in the rate. */
  readonly counted: number
}

function totalFigures(
  { issued, completed, failed, tokens, windowS, counted }: Totals,
  ours: OperatingPoint | undefined,
): RivalFigure[] {
  return [
    figure('n_samples_issued', 'requests', issued, { ours: ours?.requests.issued }),
    figure('n_samples_completed', 'requests', completed, { ours: ours?.requests.completed }),
    figure('n_samples_failed', 'requests', failed),
    figure('qps', 'requests/s', ratio(counted, windowS), { ours: ours?.requestsPerS, why: RATE }),
    figure('tps', 'tokens/s', ratio(tokens, windowS), {
      ours: ours?.outputTokensPerS,
      why: RATE,
      missing: UNKNOWN_TOKENS,
    }),
  ]
}

const told: readonly Statistic[] = ['mean', 'min', 'max', 50, 90, 95, 97, 99, 99.9]

function series(
  name: string,
  pool: Pool,
  { known = true, ...beside }: Partial<DistributionView> & { known?: boolean },
): RivalFigure[] {
  const statistics = pool.finish()
  if (known && statistics.n === 0) return []
  return distributionFigures({
    unit: 'ns',
    keyOf: (statistic) => `${name}.${keyOf(statistic)}`,
    told,
    percentiles: 'lower',
    statistics: known ? statistics : undefined,
    missing: UNKNOWN_TOKENS,
    ...beside,
  })
}

function keyOf(statistic: Statistic): string {
  if (statistic === 'mean') return 'avg'
  return typeof statistic === 'number' ? `percentiles.${statistic.toFixed(1)}` : statistic
}

/** Definitions of MLCommons' endpoints, the client of MLPerf for servers behind an HTTP API. */
export const mlperfEndpoints: Rival = {
  name: 'mlperf-endpoints',
  tool: 'MLCommons endpoints',
  version: '0.5',
  source:
    'mlcommons/endpoints: src/inference_endpoint/metrics/report.py at 03cd909097ca, src/inference_endpoint/async_utils/services/metrics_aggregator/metrics_table.py at 0479710d65ff and registry.py at 021c223cd202',
  definitions: [
    'Counts requests of the measured phase.',
    'The clock of a request starts when it is issued, before the connection is opened, whenever it was due; latency ends with the stream.',
    'TTFT ends at the first output: text, reasoning or a tool call.',
    'TPOT = (end of the stream - first output) / tokens after the first chunk.',
    "Tokens are its own count of the text; here they are the server's count of the same.",
    'Percentiles: numpy, lower. Times in nanoseconds.',
  ],
  startLevel,
}
