import { type Maybe, product } from '../arithmetic.ts'
import { type Benchmark, describeLevel, type LoadLevel } from '../load/benchmark.ts'
import type { LevelLog, RunLog } from '../load/run-log.ts'
import type { ServerSample } from '../load/server-metrics.ts'
import { startCounts } from './counts.ts'
import { startDistributions } from './distributions.ts'
import type { WindowWork } from './energy-scopes.ts'
import { purposeOf } from './gate-rule.ts'
import { judgeGates } from './gates.ts'
import { startGoodput } from './goodput.ts'
import { errorAt, type JudgedCertificate, noCertificate } from './instrument-certificate.ts'
import { startLoadMeter } from './instrument-load.ts'
import { startLevelEvidence } from './level-evidence.ts'
import { machineFigures, type WatchedMachine } from './machine-summary.ts'
import { startModelWork } from './model-work.ts'
import { type RooflineInputs, rooflineOf } from './roofline.ts'
import { startSeries } from './series.ts'
import { serverFigures } from './server-figures.ts'
import { littlesLawOf, steadyStateOf, throughputInterval } from './steady-state.ts'
import type { OperatingPoint } from './summary.ts'
import type { Tally } from './tally.ts'
import {
  isInside,
  perSecond,
  startThroughput,
  type Throughput,
  type Window,
  windowSeconds,
} from './throughput.ts'
import { startUsageParts } from './usage-parts.ts'

/** What is known of the server and the machine beside the records. */
interface Evidence {
  readonly samples?: readonly ServerSample[]
  readonly run?: RunLog
  readonly machine?: WatchedMachine
  readonly roofline?: RooflineInputs
}

/** What one load level comes to. Takes the records of the level, warm-up included. */
export function startOperatingPoint(
  log: LevelLog,
  benchmark: Benchmark,
  judged: JudgedCertificate = noCertificate,
  { samples = [], run, machine, roofline }: Evidence = {},
): Tally<OperatingPoint> {
  const window: Window = { startMs: log.windowStartMs, endMs: log.windowEndMs }
  const counts = startCounts(log.issued)
  const distributions = startDistributions()
  const throughput = startThroughput(window)
  const goodput = startGoodput(window, benchmark.slo)
  const meter = startLoadMeter(window)
  const usageParts = startUsageParts()
  const series = startSeries(window)
  const left = startLevelEvidence(log, benchmark)
  const work =
    roofline && startModelWork(window, roofline.model.cachedLayers, roofline.promptsMayShare)
  const parts = [counts, distributions, throughput, goodput, meter, usageParts, series, left]
  let sentInside = 0
  let due = log.neverSent ?? 0
  return {
    add: (record) => {
      for (const part of parts) part.add(record)
      work?.add(record)
      if (isInside(window, record.sentMs)) sentInside++
      if (isInside(window, record.dueMs)) due++
    },
    finish: () => {
      const { requests, errors } = counts.finish()
      const load = meter.finish()
      const rates = throughput.finish()
      const times = distributions.finish()
      const evidence = left.finish()
      const overTime = series.finish(rates.tokensPerChunk ?? 1)
      const steadyState = steadyStateOf({
        series: overTime,
        load: log.load,
        latencyMs: times.latencyMs.p50.value,
      })
      const point = {
        level: log.level,
        load: log.load,
        label: describeLevel(log.load),
        windowS: windowSeconds(window),
        requests,
        errors,
        ...times,
        finishReasons: evidence.finishReasons,
        ...rates,
        outputTokensPerSInterval:
          rates.outputTokensPerS === undefined ? undefined : throughputInterval(overTime),
        steadyState,
        littlesLaw: littlesLawOf(overTime, steadyState),
        ...usageParts.finish(),
        goodput: goodput.finish(requests.issued - requests.abandoned + (log.neverSent ?? 0)),
        heldBack: log.heldBack,
        neverSent: log.neverSent,
        rate: rateOf(log.load, perSecond(due, window), perSecond(sentInside, window)),
        server: serverFigures(samples, window.startMs, window.endMs),
        machine: machine && machineFigures(machine, window, workOf(rates, window)),
        roofline: work && rooflineOf(work.finish(), windowSeconds(window), roofline),
        health: log.health,
        instrument: { ...load, error: errorAt({ load: log.load, ...load }, judged) },
        ended: log.ended,
      }
      const gates = judgeGates({ point, benchmark, evidence, run, purpose: purposeOf(run) })
      return { ...point, gates }
    },
  }
}

/** What was done in the window, back from its rates. */
function workOf(rates: Throughput, window: Window): Omit<WindowWork, 'windowS'> {
  const inWindow = (perS: Maybe): Maybe => product([perS, windowSeconds(window)])
  return {
    outputTokens: inWindow(rates.outputTokensPerS),
    inputTokens: inWindow(rates.inputTokensPerS),
    completedRequests: inWindow(rates.requestsPerS),
  }
}

function rateOf(load: LoadLevel, duePerS: Maybe, sentPerS: Maybe): OperatingPoint['rate'] {
  switch (load.kind) {
    case 'closed':
      return undefined
    case 'constant':
    case 'poisson':
    case 'gamma':
      return { askedPerS: load.ratePerS, duePerS, sentPerS }
    case 'ramp':
    case 'trace': // Asked for what was due: no one number says it otherwise.
      return duePerS === undefined ? undefined : { askedPerS: duePerS, duePerS, sentPerS }
  }
}
