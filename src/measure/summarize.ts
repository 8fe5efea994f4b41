import type { RequestRecord } from '../load/record.ts'
import type { RunLog } from '../load/run-log.ts'
import { frontierOf } from './frontier.ts'
import { judgeRun } from './gates.ts'
import { type Certificate, certificateUse, judgeCertificate } from './instrument-certificate.ts'
import { startOperatingPoint } from './operating-point.ts'
import type { Summary } from './summary.ts'
import type { Tally } from './tally.ts'
import { warningsOf } from './warnings.ts'

/**
 * Everything a run came to, from its log, its records and the certificate of its instrument alone. Of a
 * record only its figures are kept: 8 bytes (up to 16) for each request metric it has, and its gaps in
 * a histogram. Records of a level that the log does not know are left out: such a level has no end, and
 * so no window.
 */
export function startSummary(run: RunLog, certificate?: Certificate): Tally<Summary> {
  const judged = judgeCertificate(run, certificate)
  const levels = new Map(
    run.levels.map((log) => [log.level, startOperatingPoint(log, run.config.benchmark, judged)]),
  )
  return {
    add: (record) => levels.get(record.level)?.add(record),
    finish: () => {
      const points = [...levels.values()].map(({ finish }) => finish())
      return {
        points,
        frontier: frontierOf(points),
        ...judgeRun(points, run.state),
        warnings: warningsOf(run, points),
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
): Summary {
  const { add, finish } = startSummary(run, certificate)
  for (const record of records) add(record)
  return finish()
}
