import type { RunLog } from '../load/run-log.ts'
import type { Summary } from '../measure/summary.ts'
import type { CostReport } from '../price/cost-report.ts'

/** All that a format may use; `summary.json` of a results directory. */
export interface Report {
  readonly schemaVersion: 1
  readonly run: RunLog
  readonly summary: Summary
  readonly cost: CostReport
}

/** One output format: a report in, text out. */
export interface ReportFormat {
  readonly name: string
  readonly fileName: string
  readonly render: (report: Report) => string | Promise<string>
}
