import { frontLines } from './front-matter.ts'
import type { Report, ReportFormat } from './report.ts'

/** The report as a document; `notice` comes first so that no reader misses it. */
export interface ReportDocument extends Report {
  readonly notice: readonly string[]
}

/** For programs, and for making every other format again. */
export const jsonFormat: ReportFormat = {
  name: 'json',
  fileName: 'summary.json',
  render: renderJson,
}

function renderJson(report: Report): string {
  const { schemaVersion, run, summary, cost } = report
  const document: ReportDocument = { notice: frontLines(report), schemaVersion, run, summary, cost }
  return `${JSON.stringify(document, refuseNonNumbers, 2)}\n`
}

/** JSON would write these as null, and so lose why a figure is missing. */
export function refuseNonNumbers(key: string, value: unknown): unknown {
  if (typeof value === 'number' && !Number.isFinite(value)) {
    throw new Error(`the report holds ${value} under "${key}"`)
  }
  return value
}
