import type { GroupMetric } from '../measure/group-metrics.ts'
import { documentMarkdown, documentText } from './compare-formats.ts'
import { comment, field, type Value } from './csv.ts'
import { groupDocument } from './group-document.ts'
import { groupHtml, groupStamp } from './group-html.ts'
import type { GroupReport } from './group-report.ts'
import { refuseNonNumbers } from './json.ts'

/** One output format: the report of a group in, text out. */
interface GroupFormat {
  readonly name: string
  readonly fileName: string
  readonly render: (report: GroupReport) => string
}

/** The same as of one run, under the same names. */
export const groupFormats: readonly GroupFormat[] = [
  {
    name: 'text',
    fileName: 'report.txt',
    render: (report) => documentText(groupDocument(report)),
  },
  {
    name: 'md',
    fileName: 'report.md',
    render: (report) => documentMarkdown(groupDocument(report)),
  },
  { name: 'csv', fileName: 'report.csv', render: groupCsv },
  { name: 'json', fileName: 'summary.json', render: groupJson },
  { name: 'html', fileName: 'report.html', render: groupHtml },
]

/** The report as a document; `notice` comes first so that no reader misses it. */
export interface GroupDocument extends GroupReport {
  readonly notice: readonly string[]
}

function groupJson(report: GroupReport): string {
  const document: GroupDocument = { notice: groupDocument(report).notices, ...report }
  return `${JSON.stringify(document, refuseNonNumbers, 2)}\n`
}

/** A row per load level and metric, figures as measured and not rounded, a column per run at the end. */
function groupCsv(report: GroupReport): string {
  const { notices } = groupDocument(report)
  const { runs, levels } = report.summary
  const names = runs.map(({ name }) => name)
  const stamp = groupStamp(report).join(', ')
  const rows = levels.flatMap(({ label, metrics }) =>
    metrics.map((figure) => [
      stamp,
      report.summary.verdict,
      report.group.groupId,
      report.group.startedAt,
      report.subject.find(({ name }) => name === 'Model')?.text,
      label,
      ...figureValues(figure),
      ...names.map((name) => figure.figures.find(({ run }) => run === name)?.value),
    ]),
  )
  const lines = [
    ...notices.map(comment),
    ...[[...columns, ...names], ...rows].map((row: readonly Value[]) => row.map(field).join(',')),
  ]
  return lines.map((line) => `${line}\r\n`).join('')
}

const columns = [
  'notice',
  'verdict',
  'group_id',
  'started_at',
  'model',
  'load',
  'metric',
  'runs',
  'median',
  'low',
  'high',
  'interval_method',
  'confidence',
  'min',
  'max',
  'spread_ratio',
]

function figureValues(figure: GroupMetric): Value[] {
  const { metric, figures, median, interval, min, max, spreadRatio } = figure
  return [
    metric,
    figures.length,
    median,
    interval?.low,
    interval?.high,
    interval?.method,
    interval?.confidence,
    min,
    max,
    spreadRatio,
  ]
}
