import { csvFormat } from './csv.ts'
import { htmlFormat } from './html.ts'
import { jsonFormat } from './json.ts'
import { markdownFormat } from './markdown.ts'
import type { ReportFormat } from './report.ts'
import { textFormat } from './text.ts'

/** To add a report format, add it here. */
export const reportFormats: readonly ReportFormat[] = [
  textFormat,
  markdownFormat,
  csvFormat,
  jsonFormat,
  htmlFormat,
]
