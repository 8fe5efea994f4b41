import type { Imported, ImportedDistribution, ImportedPoint } from '../measure/imports/imported.ts'
import { type ImportedSummary, toSummary } from '../measure/imports/to-summary.ts'
import { formatCount, formatNumber, notAvailable } from './format.ts'
import { refuseNonNumbers } from './json.ts'
import { plainText, shorten } from './plain-text.ts'
import { alignColumns, wrap } from './text.ts'

const LONGEST_LABEL = 30

interface Column {
  readonly heading: string
  readonly of: (point: ImportedPoint, summary: ImportedSummary['points'][number]) => string
}

const columns: readonly Column[] = [
  { heading: 'Load', of: (point) => shorten(point.label || loadText(point), LONGEST_LABEL) },
  { heading: 'out tok/s', of: (_, { outputTokensPerS }) => formatNumber(outputTokensPerS) },
  { heading: 'per user', of: (_, { tokensPerSPerUser }) => formatNumber(tokensPerSPerUser) },
  { heading: 'TTFT p50', of: ({ metrics }) => percentile(metrics.ttftMs, 50) },
  { heading: 'p95', of: ({ metrics }) => percentile(metrics.ttftMs, 95) },
  { heading: 'TPOT p50', of: ({ metrics }) => percentile(metrics.tpotMs, 50) },
  { heading: 'p95', of: ({ metrics }) => percentile(metrics.tpotMs, 95) },
  { heading: 'done', of: ({ requests }) => formatCount(requests.completed) },
  { heading: 'failed', of: ({ requests }) => formatCount(requests.failed) },
]

function loadText({ load }: ImportedPoint): string {
  switch (load?.kind) {
    case undefined:
      return notAvailable
    case 'closed':
      return `${formatCount(load.concurrency)} users`
    case 'open':
      return `${formatNumber(load.ratePerS)} requests/s`
    case 'unlimited':
      return 'all at once'
    case 'trace':
      return 'a trace'
  }
}

/** As the file has it: a percentile that it does not tell is not worked out from others. */
function percentile(distribution: ImportedDistribution | undefined, p: number): string {
  const found = distribution?.percentiles.find((each) => each.p === p)
  return found ? formatNumber(found.value) : notAvailable
}

/** What other tools' files say, for a terminal: what it is not first, then a row a load. */
export function importedText(imported: readonly Imported[]): string {
  return `${imported.map((each) => blockOf(each).join('\n')).join('\n\n')}\n`
}

function blockOf(imported: Imported): string[] {
  const summary = toSummary(imported)
  const rows = imported.points.map((point, i) => {
    const judged = summary.points[i]
    return judged ? columns.map(({ of }) => of(point, judged)) : []
  })
  return [
    `${summary.verdict}: ${plainText(imported.tool.name)}${versionOf(imported)}`,
    ...summary.reasons.flatMap((reason) => wrap(reason, '  - ', '    ')),
    ...modelLines(imported),
    ...alignColumns([columns.map(({ heading }) => heading), ...rows]),
    '  Times in ms. Percentiles are the tool’s own.',
    ...differences(imported).flatMap((line) => wrap(line, '  - ', '    ')),
    ...imported.notes.flatMap((note) => wrap(note, '  - ', '    ')),
  ]
}

function versionOf({ tool }: Imported): string {
  return tool.version === undefined ? '' : ` ${plainText(tool.version)}`
}

function modelLines({ points }: Imported): string[] {
  const models = new Set(points.flatMap(({ model }) => model ?? []))
  return models.size === 0 ? [] : wrap(`Model: ${[...models].join(', ')}`, '  ', '  ')
}

/** Where a word of theirs means another thing than ours, once each. */
function differences({ points }: Imported): string[] {
  const told = points.flatMap(({ metrics }) =>
    Object.values(metrics).flatMap((metric: ImportedDistribution | undefined) =>
      metric?.differs === undefined ? [] : [`${metric.key}: ${metric.differs}`],
    ),
  )
  return [...new Set(told)]
}

/** The same for programs: what the files say, and what of it can be priced and compared. */
export function importedJson(imported: readonly Imported[]): string {
  const document = imported.map((each) => ({ ...each, summary: toSummary(each) }))
  return `${JSON.stringify(document, refuseNonNumbers, 2)}\n`
}
