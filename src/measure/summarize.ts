import type { Telemetry } from '../detect/telemetry/sample.ts'
import type { RequestRecord } from '../load/record.ts'
import type { RunLog } from '../load/run-log.ts'
import type { ServerSample } from '../load/server-metrics.ts'
import { frontierOf, latencyFrontiersOf } from './frontier.ts'
import { purposeOf } from './gate-rule.ts'
import { judgeRunGates } from './gates.ts'
import { type Certificate, certificateUse, judgeCertificate } from './instrument-certificate.ts'
import { machineSummary, watchedMachine } from './machine-summary.ts'
import { startOperatingPoint } from './operating-point.ts'
import { rooflineInputs } from './roofline.ts'
import { countedPoints, summarizeSearch, usablePoints } from './search/search.ts'
import { serverTimeline, wholeRunFigures } from './server-figures.ts'
import { servingGpus } from './serving-gpus.ts'
import type { Summary } from './summary.ts'
import type { Tally } from './tally.ts'
import { startTokenCounts } from './token-counts.ts'
import { judgeRun } from './verdict.ts'
import { warningsOf } from './warnings.ts'

/**
 * Everything a run came to, from its log, its records, the certificate of its instrument, what its
 * server said of itself and what was seen of the machine alone. Of a
 * record only its figures are kept: 8 bytes (up to 16) for each request metric it has, and its gaps in
 * a histogram. Records of a level that the log does not know are left out: such a level has no end, and
 * so no window.
 */
export function startSummary(
  run: RunLog,
  certificate?: Certificate,
  samples: readonly ServerSample[] = [],
  telemetry?: Telemetry,
): Tally<Summary> {
  const judged = judgeCertificate(run, certificate)
  const machine = watchedMachine(run, telemetry)
  const purpose = purposeOf(run)
  const server = wholeRunFigures(samples)
  const roofline = rooflineInputs(run, server?.specAcceptedRatio !== undefined)
  const evidence = { samples, run, machine, roofline }
  const levels = new Map(
    run.levels.map((log) => [
      log.level,
      startOperatingPoint(log, run.config.benchmark, judged, evidence),
    ]),
  )
  const counts = startTokenCounts(run, server)
  return {
    add: (record) => {
      counts.add(record)
      levels.get(record.level)?.add(record)
    },
    finish: () => {
      const points = [...levels.values()].map(({ finish }) => finish())
      const plan = run.config.search
      const search = plan && summarizeSearch(plan, points)
      const usable = usablePoints(points, search)
      const tokens = counts.finish()
      const gates = judgeRunGates({ tokens, run, purpose, machine, server })
      const timeline = serverTimeline(samples)
      const gpus = servingGpus(run)?.count
      return {
        points,
        frontier: frontierOf(usable, gpus),
        latencyFrontiers: latencyFrontiersOf(usable, gpus),
        search,
        gates,
        tokens,
        server,
        serverTimeline: timeline.length > 0 ? timeline : undefined,
        machine: machine && machineSummary(machine),
        roofline: roofline?.basis,
        ...judgeRun(countedPoints(points, search), gates, run.state, purpose),
        warnings: warningsOf(run, points, tokens, machine),
        instrument: certificateUse(judged),
      }
    },
  }
}

/** The same of records that are at hand. */
export function summarize(
  run: RunLog,
  records: readonly RequestRecord[],
  certificate?: Certificate,
  samples?: readonly ServerSample[],
  telemetry?: Telemetry,
): Summary {
  const { add, finish } = startSummary(run, certificate, samples, telemetry)
  for (const record of records) add(record)
  return finish()
}
