import type { Imported, ImportedDistribution, ImportedPoint } from '../measure/imports/imported.ts'
import { type ImportedSummary, toSummary } from '../measure/imports/to-summary.ts'
import type { CostReport } from '../price/cost-report.ts'
import type { Subject } from '../price/subject.ts'
import { pricingBasisAt } from './facts.ts'
import { formatCount, formatNumber, formatUsd, notAvailable } from './format.ts'
import { refuseNonNumbers } from './json.ts'
import { plainText, shorten } from './plain-text.ts'
import { alignColumns, costLines, wrap } from './text.ts'

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
  const { headings, rows, notes } = importedTable(imported)
  return [
    verdictOf(imported),
    ...toSummary(imported).reasons.flatMap((reason) => wrap(reason, '  - ', '    ')),
    ...modelLines(imported),
    ...alignColumns([headings, ...rows]),
    ...notes.flatMap((note, i) => wrap(note, i === 0 ? '  ' : '  - ', '    ')),
  ]
}

/** What a file says of each load, as text; the first note is of the table as a whole. */
export function importedTable(imported: Imported): {
  readonly headings: readonly string[]
  readonly rows: readonly (readonly string[])[]
  readonly notes: readonly string[]
} {
  const { points } = toSummary(imported)
  const rows = imported.points.map((point, i) => {
    const judged = points[i]
    return judged ? columns.map(({ of }) => of(point, judged)) : []
  })
  return {
    headings: columns.map(({ heading }) => heading),
    rows,
    notes: [
      'Times in ms. Percentiles are the tool’s own.',
      ...differences(imported),
      ...imported.notes,
    ],
  }
}

function verdictOf(imported: Imported): string {
  return `${toSummary(imported).verdict}: ${plainText(imported.tool.name)}${versionOf(imported)}`
}

/** What must be read before any price made of it. */
export function importedNotice(imported: Imported, cost: CostReport): string[] {
  return [
    verdictOf(imported),
    ...toSummary(imported).reasons.map((reason) => `Reason: ${plainText(reason)}`),
    ...warningLines(cost).map((line) => `Warning: ${line}`),
  ]
}

/** The same of what is neither a run nor a file. */
export function subjectNotice({ verdict, what }: Subject, cost: CostReport): string[] {
  return [`${verdict}: ${what}`, ...warningLines(cost).map((line) => `Warning: ${line}`)]
}

function warningLines({ warnings }: CostReport): string[] {
  return warnings.map(({ text }) => `Cost: ${plainText(text)}`)
}

/** Another tool's result, and what it costs: what it is not first, as its prices rest on it. */
export function pricedImportText(imported: Imported, cost: CostReport): string {
  const { points } = toSummary(imported)
  return pricedText(blockOf(imported), warningLines(cost), points, cost)
}

/** The same of a throughput that is stated. */
export function pricedSubjectText(subject: Subject, cost: CostReport): string {
  const head = [`${subject.verdict}: ${subject.what}`]
  return pricedText(head, warningLines(cost), subject.points, cost)
}

type Labelled = readonly { readonly level: number; readonly label: string }[]

/** What is priced, every doubt about it, and its prices. @param head what it is, in lines */
export function pricedText(
  head: readonly string[],
  warnings: readonly string[],
  points: Labelled,
  cost: CostReport,
): string {
  const label = points.find(({ level }) => level === cost.pricedLevel)?.label
  const blocks = [
    head,
    ['Warnings:', ...warnings.flatMap((line) => wrap(line, '  - ', '    '))],
    ...levelPriceBlock(points, cost),
    costLines(cost, pricingBasisAt(cost, label)),
  ]
  return `${blocks.map((lines) => lines.join('\n')).join('\n\n')}\n`
}

/** Nothing where one load was measured, or no machine is priced. */
function levelPriceBlock(points: Labelled, { levels }: CostReport): string[][] {
  const priced = levels.filter(({ usdPerMillionOutputTokens: usd }) => usd !== undefined)
  if (points.length < 2 || priced.length === 0) return []
  const rows = levels.map(({ level, usdPerMillionOutputTokens }) => [
    `  ${shorten(points.find((each) => each.level === level)?.label ?? '', LONGEST_LABEL)}`,
    formatUsd(usdPerMillionOutputTokens),
  ])
  return [alignColumns([['USD per million output tokens, at each load', ''], ...rows])]
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
