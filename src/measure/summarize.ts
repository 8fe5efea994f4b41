import { ratio } from '../arithmetic.ts'
import { type Benchmark, describeLevel, type LoadLevel } from '../load/benchmark.ts'
import type { RequestRecord } from '../load/record.ts'
import type { LevelLog, RunLog } from '../load/run-log.ts'
import { MS_PER_S } from '../units.ts'
import { countErrors, countRequests } from './counts.ts'
import { frontierOf } from './frontier.ts'
import { judgeGates, judgeRun } from './gates.ts'
import { goodput } from './goodput.ts'
import { interChunkGapsMs, type RequestMetricName, valuesOf } from './metrics.ts'
import { distribution } from './quantile.ts'
import type { Distribution, OperatingPoint, Summary } from './summary.ts'
import {
  inputTokensInside,
  isCompleted,
  isInside,
  outputTokensInside,
  perSecond,
  tokensPerChunk,
  type Window,
  wholeRunOutputTokensPerS,
  windowSeconds,
} from './throughput.ts'
import { warningsOf } from './warnings.ts'

/** Everything a run came to, from its log and its records alone. */
export function summarize(run: RunLog, records: readonly RequestRecord[]): Summary {
  const points = run.levels.map((log) =>
    operatingPoint(
      log,
      records.filter(({ level }) => level === log.level),
      run.config.benchmark,
    ),
  )
  return {
    points,
    frontier: frontierOf(points),
    ...judgeRun(points, run.state),
    warnings: warningsOf(run, points),
  }
}

/** What one load level came to. `records` are those of the level, warm-up included. */
export function operatingPoint(
  log: LevelLog,
  records: readonly RequestRecord[],
  benchmark: Benchmark,
): OperatingPoint {
  const window: Window = { startMs: log.windowStartMs, endMs: log.windowEndMs }
  const requests = countRequests(records, log.issued)
  const point = {
    level: log.level,
    load: log.load,
    label: describeLevel(log.load),
    windowS: windowSeconds(window),
    requests,
    errors: countErrors(records.filter(({ phase }) => phase === 'measured')),
    ...distributions(records),
    ...rates(records, window),
    goodput: goodput(records, requests.issued + (log.neverSent ?? 0), window, benchmark.slo),
    heldBack: log.heldBack,
    neverSent: log.neverSent,
    rate: offeredRate(log.load, records, window),
    health: log.health,
    ended: log.ended,
  }
  return { ...point, gates: judgeGates({ point, benchmark }) }
}

type Distributions = Pick<
  OperatingPoint,
  | 'ttftMs'
  | 'ttftFromSentMs'
  | 'ttfvMs'
  | 'tpotMs'
  | 'interChunkMs'
  | 'latencyMs'
  | 'latenessMs'
  | 'inputTokens'
  | 'outputTokens'
  | 'tokenSource'
  | 'tokensPerSPerUser'
>

/** Over completed requests of the measured phase. */
function distributions(records: readonly RequestRecord[]): Distributions {
  const measured = records.filter((record) => record.phase === 'measured' && isCompleted(record))
  const of = (metric: RequestMetricName): Distribution => distribution(valuesOf(measured, metric))
  const ifAny = (metric: RequestMetricName): Distribution | undefined => {
    const values = valuesOf(measured, metric)
    return values.length > 0 ? distribution(values) : undefined
  }
  const tpotMs = of('tpotMs')
  return {
    ttftMs: of('ttftMs'),
    ttftFromSentMs: of('ttftFromSentMs'),
    ttfvMs: ifAny('ttfvMs'),
    tpotMs,
    interChunkMs: distribution(interChunkGapsMs(measured)),
    latencyMs: of('latencyMs'),
    latenessMs: ifAny('latenessMs'),
    inputTokens: of('inputTokens'),
    outputTokens: of('outputTokens'),
    tokenSource: measured.every(({ usage }) => (usage?.outputTokens ?? 0) > 0) ? 'usage' : 'chunks',
    tokensPerSPerUser: ratio(MS_PER_S, tpotMs.p50.value),
  }
}

type Rates = Pick<
  OperatingPoint,
  | 'tokensPerChunk'
  | 'outputTokensPerS'
  | 'inputTokensPerS'
  | 'wholeRunOutputTokensPerS'
  | 'requestsPerS'
>

/** Over everything that happened inside the window, whichever phase it was issued in. */
function rates(records: readonly RequestRecord[], window: Window): Rates {
  const completed = records.filter(isCompleted)
  const ended = completed.filter(({ endMs }) => isInside(window, endMs)).length
  const any = completed.length > 0
  return {
    tokensPerChunk: tokensPerChunk(completed),
    outputTokensPerS: any ? perSecond(outputTokensInside(records, window), window) : undefined,
    inputTokensPerS: any ? perSecond(inputTokensInside(records, window), window) : undefined,
    wholeRunOutputTokensPerS: wholeRunOutputTokensPerS(records),
    requestsPerS: any ? perSecond(ended, window) : undefined,
  }
}

function offeredRate(
  load: LoadLevel,
  records: readonly RequestRecord[],
  window: Window,
): OperatingPoint['rate'] {
  switch (load.kind) {
    case 'closed':
      return undefined
    case 'constant':
    case 'poisson':
    case 'gamma': {
      const sent = records.filter(({ sentMs }) => isInside(window, sentMs)).length
      return { askedPerS: load.ratePerS, sentPerS: perSecond(sent, window) }
    }
    case 'ramp':
    case 'trace':
      return undefined // One number does not say what was asked of the window.
  }
}
