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
  inUnit,
  leftOutNote,
  type Statistic,
} from './figures.ts'
import { createGapPool, createPool, type Pool, type Statistics } from './pool.ts'
import { begunMs, createSpan } from './record-times.ts'
import type { RivalFigure, RivalTally, RivalUnit } from './rival.ts'

/** A request that counts, as one of these scripts sees it. */
interface ServedRequest {
  readonly ttftMs: number
  /** From the begin to the last event that the script counts. */
  readonly latencyMs: number
  readonly gapsUs: readonly number[]
  /** Unknown where the script would count the text's tokens itself. */
  readonly outputTokens: Maybe
  readonly inputTokens: Maybe
}

/** Why the figures of a script differ from ours, one sentence each. */
interface Reasons {
  readonly completed: string
  readonly rate: string
  readonly ttft: string
  readonly tpot: string
  readonly itl: string
  readonly e2e: string
  /** Why a figure made of tokens is not known. */
  readonly unknownTokens: string
}

/** vLLM's benchmark script, or one that was made of it: the same arithmetic on other events. */
export interface ServingScript {
  /** What counts and what it came to; nothing for a request that the script calls failed. */
  readonly serve: (record: RequestRecord) => ServedRequest | undefined
  readonly keys: {
    readonly e2e: string
    readonly inputTokensPerS?: string
    readonly totalTokensPerS: string
    readonly goodput?: string
    readonly failed?: string
    readonly concurrency?: string
  }
  readonly told: readonly Statistic[]
  readonly why: Reasons
  /** Whether its clocks stop at events that hold no output. */
  readonly countsEmptyEvents: boolean
  /** Keys that no record can tell, and why. */
  readonly untold?: readonly RivalFigure[]
}

/**
 * The figures of one level, over every request of it: these scripts know no warm-up under load, and
 * wait for every answer. Samples that are missing make them write 0.
 */
export function startServing(script: ServingScript, benchmark: Benchmark): RivalTally {
  const { slo } = benchmark
  const run = createSpan()
  const pools = {
    ttft: createPool(),
    tpot: createPool(),
    itl: createGapPool(),
    e2e: createPool(),
  }
  const count: Counts = {
    completed: 0,
    failed: 0,
    endless: 0,
    uncounted: 0,
    good: 0,
    disputed: 0,
    emptyEvents: 0,
  }
  let outputTokens: Maybe = 0
  let inputTokens: Maybe = 0

  const addServed = (served: ServedRequest): void => {
    const tpot = tpotMs(served)
    count.completed++
    if (served.outputTokens === undefined) count.uncounted++
    outputTokens = sum([outputTokens, served.outputTokens])
    inputTokens = sum([inputTokens, served.inputTokens])
    pools.ttft.add(served.ttftMs)
    pools.e2e.add(served.latencyMs)
    if (tpot !== undefined) pools.tpot.add(tpot)
    for (const us of served.gapsUs) pools.itl.add(us)
    if (isGood(served, tpot, slo)) count.good++
  }

  return {
    add: (record) => {
      const { outcome } = record
      if (outcome.kind === 'cancelled' || outcome.kind === 'abandoned') {
        count.endless++
        return
      }
      run.add(begunMs(record), record.endMs ?? record.closedMs)
      const served = script.serve(record)
      if (served === undefined) count.failed++
      else addServed(served)
      if (served !== undefined && outcome.kind !== 'completed') count.disputed++
      if ((record.firstEventMs ?? record.finishMs) !== undefined) count.emptyEvents++
    },
    finish: (ours) => {
      const durationS = ratio(run.lengthMs(), MS_PER_S)
      const tokensKnown = count.uncounted === 0
      const finished = finishPools(pools)
      const totals = { ...count, outputTokens, inputTokens, durationS }
      return {
        figures: [
          ...totalFigures(script, totals, slo, ours),
          ...timeFigures(script, finished, tokensKnown, ours),
          ...concurrencyFigure(script, finished.e2e, durationS),
          ...(script.untold ?? []),
        ],
        notes: notesOf(script, count, benchmark),
      }
    },
  }
}

/** Requests of a level, as the script sees them. */
interface Counts {
  completed: number
  failed: number
  /** Ended by our client. */
  endless: number
  /** Of unknown tokens. */
  uncounted: number
  good: number
  /** Completed to the script, failed to us. */
  disputed: number
  /** With an event that held no output, before or after it. */
  emptyEvents: number
}

const OTHER_API =
  'It speaks no such API; the first event of any kind stands for the first one with a choice.'
const NO_EMPTY_EVENTS =
  'No record tells of an event without output: none came, or the run is older than the keeping of them, and then its clocks start too late and stop too early here.'

interface Totals {
  readonly completed: number
  readonly failed: number
  readonly good: number
  readonly uncounted: number
  readonly outputTokens: Maybe
  readonly inputTokens: Maybe
  readonly durationS: Maybe
}

/** Unknown for one token or where tokens are unknown: the script then leaves the request out. */
function tpotMs({ ttftMs, latencyMs, outputTokens = 0 }: ServedRequest): Maybe {
  return outputTokens > 1 ? (latencyMs - ttftMs) / (outputTokens - 1) : undefined
}

/** A request without a TPOT counts as one of 0. */
function isGood({ ttftMs, latencyMs }: ServedRequest, tpot: Maybe, slo: Slo): boolean {
  const within = (value: number, limit: Maybe): boolean => limit === undefined || value <= limit
  return (
    within(ttftMs, slo.ttftMs) && within(tpot ?? 0, slo.tpotMs) && within(latencyMs, slo.latencyMs)
  )
}

function totalFigures(
  { keys, why }: ServingScript,
  totals: Totals,
  slo: Slo,
  ours: OperatingPoint | undefined,
): RivalFigure[] {
  const { completed, failed, good, outputTokens, inputTokens, durationS } = totals
  const missing = why.unknownTokens
  const rate = (key: string, unit: RivalUnit, amount: Maybe, our: Maybe): RivalFigure =>
    figure(key, unit, ratio(amount, durationS), { ours: our, why: why.rate, missing })
  const hasSlo = Object.values(slo).some((limit) => limit !== undefined)
  const goodIsKnown = slo.tpotMs === undefined || totals.uncounted === 0
  return [
    figure('duration', 's', durationS, { ours: ours?.windowS, why: why.rate }),
    figure('completed', 'requests', completed, {
      ours: ours?.requests.completed,
      why: why.completed,
    }),
    ...(keys.failed === undefined
      ? []
      : [
          figure(keys.failed, 'requests', failed, {
            ours: ours && ours.requests.failed + ours.requests.timedOut,
            why: why.completed,
          }),
        ]),
    figure('total_input_tokens', 'tokens', inputTokens, { missing }),
    figure('total_output_tokens', 'tokens', outputTokens, { missing }),
    rate('request_throughput', 'requests/s', completed, ours?.requestsPerS),
    ...(keys.goodput === undefined || !hasSlo
      ? []
      : [
          rate(
            keys.goodput,
            'requests/s',
            goodIsKnown ? good : undefined,
            ours?.goodput?.requestsPerS,
          ),
        ]),
    ...(keys.inputTokensPerS === undefined
      ? []
      : [rate(keys.inputTokensPerS, 'tokens/s', inputTokens, ours?.inputTokensPerS)]),
    rate('output_throughput', 'tokens/s', outputTokens, ours?.outputTokensPerS),
    rate(
      keys.totalTokensPerS,
      'tokens/s',
      sum([inputTokens, outputTokens]),
      sum([ours?.inputTokensPerS, ours?.outputTokensPerS]),
    ),
  ]
}

interface FinishedPools {
  readonly ttft: Statistics
  readonly tpot: Statistics
  readonly itl: Statistics
  readonly e2e: Statistics
}

function finishPools(pools: Record<keyof FinishedPools, Pool>): FinishedPools {
  return {
    ttft: pools.ttft.finish(),
    tpot: pools.tpot.finish(),
    itl: pools.itl.finish(),
    e2e: pools.e2e.finish(),
  }
}

function timeFigures(
  { keys, told, why }: ServingScript,
  pools: FinishedPools,
  tokensKnown: boolean,
  ours: OperatingPoint | undefined,
): RivalFigure[] {
  const base = { unit: 'ms', told, percentiles: 'linear', whenEmpty: 0 } as const
  const view = (
    name: string,
    parts: Pick<DistributionView, 'statistics' | 'ours' | 'why' | 'missing'>,
  ): RivalFigure[] =>
    distributionFigures({ ...base, keyOf: (statistic) => keyOf(statistic, name), ...parts })
  return [
    ...view('ttft', { statistics: pools.ttft, ours: ours?.ttftMs, why: why.ttft }),
    ...view('tpot', {
      statistics: tokensKnown ? pools.tpot : undefined,
      ours: ours?.tpotMs,
      why: why.tpot,
      missing: why.unknownTokens,
    }),
    ...view('itl', { statistics: pools.itl, ours: ours?.interChunkMs, why: why.itl }),
    ...view(keys.e2e, { statistics: pools.e2e, ours: ours?.latencyMs, why: why.e2e }),
  ]
}

/** `mean_ttft_ms`, `p99_ttft_ms`. */
function keyOf(statistic: Statistic, name: string): string {
  return `${typeof statistic === 'number' ? `p${statistic}` : statistic}_${name}_ms`
}

function concurrencyFigure(
  { keys }: ServingScript,
  e2e: Statistics,
  durationS: Maybe,
): RivalFigure[] {
  if (keys.concurrency === undefined) return []
  const busyS = inUnit(e2e.total, 's')
  return [figure(keys.concurrency, 'requests at once', ratio(busyS, durationS))]
}

function notesOf(
  { countsEmptyEvents }: ServingScript,
  { endless, disputed, completed, emptyEvents }: Counts,
  { api }: Benchmark,
): string[] {
  const speaksIt = api === 'openai-chat' || api === 'openai-completions'
  return [
    ...leftOutNote(endless),
    ...(disputed === 0
      ? []
      : [
          `${counted(disputed, 'request')} that we call failed counted as completed, as far as recorded: it asks for no end mark, and passes over error events.`,
        ]),
    ...(countsEmptyEvents && completed > 0 && emptyEvents === 0 ? [NO_EMPTY_EVENTS] : []),
    ...(countsEmptyEvents && emptyEvents > 0 && !speaksIt ? [OTHER_API] : []),
  ]
}

/** A status of 200, and the whole of the HTTP message: these scripts ask for no more. */
export function endedProperly({ outcome }: RequestRecord): boolean {
  switch (outcome.kind) {
    case 'completed':
      return true
    case 'failed':
      return ['no-end-mark', 'error-event', 'empty-output'].includes(outcome.failure)
    case 'timed-out':
    case 'cancelled':
    case 'abandoned':
      return false
  }
}

/** Times of a request against when it was begun; nothing where it never got that far. */
export function sinceBegun(record: RequestRecord, ms: Maybe): Maybe {
  return difference(ms, begunMs(record))
}
