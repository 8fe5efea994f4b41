import type { Distribution, Gate, OperatingPoint, Percentile } from '../measure/summary.ts'
import {
  formatCount,
  formatInterval,
  formatNumber,
  formatPercent,
  formatPercentile,
  shownValue,
} from './format.ts'
import { gateHelp, gateNote, gateValue } from './gate-facts.ts'
import {
  bulletList,
  type HtmlColumn,
  htmlRow,
  htmlSection,
  htmlTable,
  paragraph,
  scrollBox,
} from './html-table.ts'
import { instrumentHeadings, instrumentNote, instrumentRows } from './instrument-facts.ts'
import { levelRows, noteMark, tableNotes, wideLevelColumns } from './level-table.ts'
import { html, type Markup } from './markup.ts'
import type { Report } from './report.ts'
import { rooflineLines, rooflineTable, rooflineTitle } from './roofline-facts.ts'
import { searchLines, searchTable, searchTitle } from './search-facts.ts'
import { looksLine, serverTable, serverTimeTable, type TextTable } from './server-facts.ts'
import { intervalText, steadyTable, steadyTitle, unsteadyLines } from './steady-facts.ts'
import { tokenLines, tokenTable } from './token-facts.ts'

/** One row per load level, with what its marks mean. */
export function levelSection(report: Report): Markup {
  const rows = levelRows(report)
  if (rows.length === 0) return htmlSection('Load levels', paragraph('No load level was measured.'))
  const columns = wideLevelColumns(report)
  const notes = tableNotes(columns, rows)
  const body = rows.map((row) => {
    const cells = columns.map(({ cell }, i) => {
      const content = cell(row)
      const mark = noteMark(content, notes)
      const inside = html`${content.text}${mark === '' ? undefined : html`<sup>${mark}</sup>`}`
      return i === 0 ? html`<th scope="row">${inside}</th>` : html`<td class="num">${inside}</td>`
    })
    return html`<tr${row.priced ? html` class="priced"` : undefined}>${cells}</tr>
`
  })
  const priced = rows.some((row) => row.priced) ? 'The marked row is the level that is priced.' : ''
  return htmlSection(
    'Load levels',
    scrollBox(
      'Load levels',
      html`<thead>${levelHeadings(columns)}</thead><tbody>
${body}</tbody>`,
    ),
    html`<p class="small">${notes.map(
      (note, i) => html`<span class="note">[${formatCount(i + 1)}] ${note}.</span> `,
    )}${priced}</p>
`,
  )
}

/** What the levels were to find out and did; nothing where a run had no question to them. */
export function searchSection(report: Report): Markup | undefined {
  const table = searchTable(report)
  if (table === undefined) return undefined
  return htmlSection(
    searchTitle,
    bulletList(searchLines(report)),
    textTable('Levels of the search', table),
    paragraph(table.note),
  )
}

/** How sure each throughput is, and its steady part; nothing where none was looked for. */
export function steadySection(report: Report): Markup | undefined {
  const table = steadyTable(report)
  if (table === undefined) return undefined
  const lines = unsteadyLines(report)
  return htmlSection(
    steadyTitle,
    textTable(steadyTitle, table),
    lines.length === 0 ? undefined : bulletList(lines),
    paragraph(table.note),
  )
}

/** How near each level came to the roofs of its hardware; nothing where the model was not described. */
export function rooflineSection(report: Report): Markup | undefined {
  const table = rooflineTable(report)
  if (table === undefined) return undefined
  return htmlSection(
    rooflineTitle,
    textTable(rooflineTitle, table),
    paragraph(table.note),
    bulletList(rooflineLines(report)),
  )
}

/** Two lines of headings: what is measured, and its unit or statistic. */
function levelHeadings(columns: ReturnType<typeof wideLevelColumns>): Markup {
  const groups = columns.flatMap(({ group }, i) => {
    if (i > 0 && columns[i - 1]?.group === group && group !== '') return []
    const rest = columns.slice(i)
    const end = rest.findIndex((column) => column.group !== group)
    const span = group === '' ? 1 : end === -1 ? rest.length : end
    return html`<th colspan="${formatCount(span)}" scope="colgroup">${group}</th>`
  })
  const headings = columns.map(
    ({ heading }, i) =>
      html`<th scope="col"${i === 0 ? undefined : html` class="num"`}>${heading}</th>`,
  )
  return html`<tr class="groups">${groups}</tr><tr>${headings}</tr>`
}

const percentileColumns: readonly HtmlColumn[] = [
  { heading: 'Time, ms' },
  { heading: 'n', numeric: true },
  { heading: 'mean', numeric: true },
  { heading: 'p50', numeric: true },
  { heading: 'p90', numeric: true },
  { heading: 'p95', numeric: true },
  { heading: 'p99', numeric: true },
]

/** Every percentile with its interval and the number of samples behind it. */
export function percentileSection({ summary }: Report): Markup {
  const head = percentileColumns.map(
    ({ heading, numeric }) =>
      html`<th scope="col"${numeric ? html` class="num"` : undefined}>${heading}</th>`,
  )
  const bodies = summary.points.map(
    (
      point,
    ) => html`<tbody><tr class="level"><th colspan="7" scope="rowgroup">${point.label}</th></tr>
${distributionsOf(point).map(([name, distribution]) =>
  htmlRow(percentileColumns, distributionCells(name, distribution)),
)}</tbody>
`,
  )
  return htmlSection(
    'Percentiles and how sure they are',
    paragraph(
      'Under each percentile stands its exact 95 % interval, and under that what it does not exceed with 99 % confidence by MLPerf’s early stopping; under each mean its 95 % interval by batch means. n is the number of samples.',
    ),
    scrollBox(
      'Percentiles by load level',
      html`<thead><tr>${head}</tr></thead>
${bodies}`,
    ),
  )
}

function distributionsOf(point: OperatingPoint): [string, Distribution][] {
  const optional = (
    name: string,
    distribution: Distribution | undefined,
  ): [string, Distribution][] => (distribution === undefined ? [] : [[name, distribution]])
  const open = point.load.kind !== 'closed'
  return [
    ['TTFT', point.ttftMs],
    ...optional('TTFT from the send', open ? point.ttftFromSentMs : undefined),
    ...optional('First visible token', point.ttfvMs),
    ['TPOT', point.tpotMs],
    ['Inter-chunk gap', point.interChunkMs],
    ...optional('ITL', point.itlMs),
    ['Latency', point.latencyMs],
    ...optional('Lateness of the send', point.latenessMs),
  ]
}

function distributionCells(name: string, distribution: Distribution): (string | Markup)[] {
  const { n, p50, p90, p95, p99 } = distribution
  const percentiles = [p50, p90, p95, p99].map(percentileCell)
  return [name, formatCount(n), meanCell(distribution), ...percentiles]
}

function meanCell({ mean, meanInterval }: Distribution): Markup {
  const value = formatNumber(mean)
  if (meanInterval === undefined) return html`${value}`
  return html`${value}<br><span class="interval">${intervalText(meanInterval)}</span>`
}

function percentileCell(percentile: Percentile): Markup {
  const value = formatPercentile(percentile)
  if (shownValue(percentile) === undefined) return html`<span class="absent">${value}</span>`
  const { earlyStopping } = percentile
  const atMost =
    earlyStopping === undefined
      ? undefined
      : html`<br><span class="interval">99 %: ≤ ${formatNumber(earlyStopping)}</span>`
  return html`${value}<br><span class="interval">${formatInterval(percentile)}</span>${atMost}`
}

const statusWords = {
  pass: 'PASS',
  fail: 'FAIL',
  'not-measured': 'NOT MEASURED',
  'does-not-apply': 'DOES NOT APPLY',
} as const
const statusOrder = ['fail', 'not-measured', 'pass', 'does-not-apply'] as const

/** Every check, what failed first; a remedy only where one is needed. */
export function gateSection({ summary }: Report): Markup {
  const gates = gatesAlike([{ label: 'whole run', gates: summary.gates }, ...summary.points])
  const sorted = statusOrder.flatMap((status) => gates.filter((gate) => gate.status === status))
  return htmlSection(
    'Validity gates',
    paragraph(gateNote(summary.purpose)),
    htmlTable(
      'Validity gates',
      [
        { heading: 'Gate' },
        { heading: 'Load' },
        { heading: 'Result' },
        { heading: 'Value' },
        { heading: 'Limit' },
        { heading: 'If it fails' },
        { heading: 'Why, or what to do' },
      ],
      sorted.map(({ labels, ...gate }) => [
        gate.gate,
        labels.length === summary.points.length ? 'all' : labels.join(', '),
        statusBadge(gate.status),
        gateValue(gate),
        gate.limit,
        gate.severity === 'note' ? 'only told' : gate.severity.toUpperCase(),
        gateHelp(gate),
      ]),
    ),
  )
}

/** One row for the levels at which a gate came to the same. */
function gatesAlike(
  points: readonly Pick<OperatingPoint, 'label' | 'gates'>[],
): (Gate & { labels: string[] })[] {
  const rows = new Map<string, Gate & { labels: string[] }>()
  for (const { label, gates } of points) {
    for (const gate of gates) {
      const key = JSON.stringify([gate.gate, gate.status, gate.value, gate.limit, gate.reason])
      const row = rows.get(key) ?? { ...gate, labels: [] }
      row.labels.push(label)
      rows.set(key, row)
    }
  }
  const order = [...new Set([...rows.values()].map(({ gate }) => gate))]
  return [...rows.values()].sort((a, b) => order.indexOf(a.gate) - order.indexOf(b.gate))
}

function statusBadge(status: Gate['status']): Markup {
  return html`<span class="status ${status}">${statusWords[status]}</span>`
}

/** What the server said of itself, with pictures of it; nothing where it said nothing. */
export function serverSection(report: Report, pictures: Markup): Markup | undefined {
  const figures = serverTable(report)
  const times = serverTimeTable(report)
  if (figures === undefined && times === undefined) return undefined
  return htmlSection(
    'What the server says',
    paragraph(looksLine(report)),
    figures && textTable('What the server says', figures),
    figures && paragraph(figures.note),
    pictures,
    times && textTable('Times by the server’s clock', times),
    times && paragraph(times.note),
  )
}

/** The tokens of the run by everybody who counted them; nothing where nobody did. */
export function tokenSection(report: Report): Markup | undefined {
  const counts = tokenTable(report)
  if (counts === undefined) return undefined
  const lines = tokenLines(report)
  return htmlSection(
    'Token counts by source',
    paragraph(counts.note),
    textTable('Token counts by source', counts),
    lines.length === 0 ? undefined : bulletList(lines),
  )
}

function textTable(label: string, { headings, rows }: TextTable): Markup {
  const columns = headings.map((heading, i) => ({ heading, numeric: i > 0 }))
  return htmlTable(label, columns, rows)
}

/** What the measuring client itself was doing, so that its share of the figures can be judged. */
export function clientSection(report: Report): Markup {
  const { summary } = report
  const headings = [
    'Loop delay p50, ms',
    'p99, ms',
    'max, ms',
    'Threads',
    'Busiest, cores',
    'All CPU, cores',
    'Machine busy',
    'GC max, ms',
    'Reads a chunk',
    'Connections opened',
  ]
  return htmlSection(
    'The client while it measured',
    htmlTable(
      'Client',
      [{ heading: 'Load' }, ...headings.map((heading) => ({ heading, numeric: true }))],
      summary.points.map(({ label, health }) => [
        label,
        formatNumber(health.loopDelayP50Ms),
        formatNumber(health.loopDelayP99Ms),
        formatNumber(health.loopDelayMaxMs),
        formatCount(health.workers.length),
        formatNumber(health.busiestWorkerCores),
        formatNumber(health.cpuCores),
        formatPercent(health.machineCpuRatio),
        formatNumber(health.gcPauseMaxMs),
        formatNumber(health.readsPerChunk),
        formatCount(health.connectionsOpened),
      ]),
    ),
    htmlTable(
      'Instrument error',
      instrumentHeadings.map((heading, i) => ({ heading, numeric: i > 0 && i !== 3 })),
      instrumentRows(report),
    ),
    paragraph(instrumentNote),
  )
}

const requestColumns = [
  ['Sent', 'issued'],
  ['Completed', 'completed'],
  ['Failed', 'failed'],
  ['Timed out', 'timedOut'],
  ['Cancelled', 'cancelled'],
  ['Abandoned', 'abandoned'],
  ['Lost', 'lost'],
  ['Warm-up', 'warmUp'],
] as const

/** How many requests ended how, and what the failures said. */
export function errorSection({ summary }: Report): Markup {
  const errors = summary.points.flatMap(({ label, errors }) =>
    errors.map((error) => ({ ...error, label })),
  )
  return htmlSection(
    'Requests and errors',
    htmlTable(
      'Requests',
      [{ heading: 'Load' }, ...requestColumns.map(([heading]) => ({ heading, numeric: true }))],
      summary.points.map(({ label, requests: of }) => [
        label,
        ...requestColumns.map(([, key]) => formatCount(of[key])),
      ]),
    ),
    errors.length === 0
      ? paragraph('No request failed.')
      : htmlTable(
          'Errors',
          [
            { heading: 'Error' },
            { heading: 'Load' },
            { heading: 'Side' },
            { heading: 'Count', numeric: true },
            { heading: 'The first one said' },
          ],
          errors.map(({ kind, label, side, count, example }) => [
            kind,
            label,
            side,
            formatCount(count),
            example,
          ]),
        ),
  )
}

/** Doubts as a list, under a heading of their own. */
export function listUnder(heading: string, items: readonly string[]): Markup | undefined {
  return items.length === 0
    ? undefined
    : html`<h3>${heading}</h3>
${bulletList(items)}`
}
