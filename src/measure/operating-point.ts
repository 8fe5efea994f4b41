import type { Maybe } from '../arithmetic.ts'
import { type Benchmark, describeLevel, type LoadLevel } from '../load/benchmark.ts'
import type { LevelLog } from '../load/run-log.ts'
import type { ServerSample } from '../load/server-metrics.ts'
import { startCounts } from './counts.ts'
import { startDistributions } from './distributions.ts'
import { judgeGates } from './gates.ts'
import { startGoodput } from './goodput.ts'
import { errorAt, type JudgedCertificate, noCertificate } from './instrument-certificate.ts'
import { startLoadMeter } from './instrument-load.ts'
import { serverFigures } from './server-figures.ts'
import type { OperatingPoint } from './summary.ts'
import type { Tally } from './tally.ts'
import { isInside, perSecond, startThroughput, type Window, windowSeconds } from './throughput.ts'
import { startUsageParts } from './usage-parts.ts'

/** What is known of the server beside the records. */
interface ServerEvidence {
  readonly samples?: readonly ServerSample[]
  /** Tokens that each prompt costs before its first word, the same every time. */
  readonly templateTokens?: number
}

/** What one load level comes to. Takes the records of the level, warm-up included. */
export function startOperatingPoint(
  log: LevelLog,
  benchmark: Benchmark,
  judged: JudgedCertificate = noCertificate,
  { samples = [], templateTokens = 0 }: ServerEvidence = {},
): Tally<OperatingPoint> {
  const window: Window = { startMs: log.windowStartMs, endMs: log.windowEndMs }
  const counts = startCounts(log.issued)
  const distributions = startDistributions()
  const throughput = startThroughput(window)
  const goodput = startGoodput(window, benchmark.slo)
  const meter = startLoadMeter(window)
  const usageParts = startUsageParts()
  const parts = [counts, distributions, throughput, goodput, meter, usageParts]
  let sentInside = 0
  let due = log.neverSent ?? 0
  return {
    add: (record) => {
      for (const part of parts) part.add(record)
      if (isInside(window, record.sentMs)) sentInside++
      if (isInside(window, record.dueMs)) due++
    },
    finish: () => {
      const { requests, errors } = counts.finish()
      const load = meter.finish()
      const point = {
        level: log.level,
        load: log.load,
        label: describeLevel(log.load),
        windowS: windowSeconds(window),
        requests,
        errors,
        ...distributions.finish(),
        ...throughput.finish(),
        ...usageParts.finish(),
        goodput: goodput.finish(requests.issued - requests.abandoned + (log.neverSent ?? 0)),
        heldBack: log.heldBack,
        neverSent: log.neverSent,
        rate: rateOf(log.load, perSecond(due, window), perSecond(sentInside, window)),
        server: serverFigures(samples, window.startMs, window.endMs),
        health: log.health,
        instrument: { ...load, error: errorAt({ load: log.load, ...load }, judged) },
        ended: log.ended,
      }
      return { ...point, gates: judgeGates({ point, benchmark, templateTokens }) }
    },
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
