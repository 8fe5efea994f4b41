import type { Finding } from '../detect/preflight/preflight.ts'
import { configurationFacts, hardwareTitle, methodFacts } from './facts.ts'
import { formatMs, notAvailable } from './format.ts'
import {
  type DifferingField,
  findingsOf,
  gpuAccount,
  gpuLabels,
  hashText,
  hostAccount,
  partitionRows,
  processNote,
  processRows,
  type ReadingAccount,
  topologyTable,
} from './hardware-facts.ts'
import {
  bulletList,
  factList,
  type HtmlCell,
  htmlRow,
  htmlSection,
  htmlTable,
  paragraph,
  scrollBox,
} from './html-table.ts'
import { html, type Markup } from './markup.ts'
import type { Report } from './report.ts'

/** What the machine says of itself, what was found wrong with it, and why anything is not known. */
export function hardwareSection(report: Report): Markup {
  const { run } = report
  const { hardware } = run
  return htmlSection(
    hardwareTitle(run),
    run.target.loopback
      ? undefined
      : paragraph(
          'The server is on another machine, which was not looked at. What follows is the machine that sent the requests.',
        ),
    changeNotice(run.stateChanges),
    ...findings(report),
    ...(hardware.gpus.length === 0 ? [paragraph('No GPU was detected.')] : gpuParts(report)),
    titled('Host'),
    ...accountParts('Host', hostAccount(hardware)),
    titled('Tools asked'),
    toolTable(report),
    smallText(hashText(hardware)),
  )
}

export function configurationSection(report: Report): Markup {
  return htmlSection('Effective configuration', factList(configurationFacts(report)))
}

export function methodSection(report: Report): Markup {
  return htmlSection('How the figures were made', factList(methodFacts(report)))
}

function titled(title: string): Markup {
  return html`<h3>${title}</h3>
`
}

function smallText(text: string): Markup {
  return html`<p class="small">${text}</p>
`
}

/** Levels before and after such a change may not compare. */
function changeNotice(changes: readonly string[] | undefined): Markup | undefined {
  if (changes === undefined || changes.length === 0) return undefined
  return html`<div class="remark" role="note"><strong>Set up anew while it was measured</strong>
${bulletList(changes)}</div>
`
}

const severityClass: Readonly<Record<Finding['severity'], string>> = {
  blocker: 'fail',
  warning: 'doubtful',
  note: 'not-measured',
}

/** Nothing of a run that did not look. */
function findings(report: Report): Markup[] {
  if (report.run.preflight === undefined) return []
  const found = findingsOf(report)
  if (found.length === 0) return [paragraph('Nothing was found wrong with it before the run.')]
  const columns = [
    { heading: 'Check' },
    { heading: 'How bad' },
    { heading: 'Found' },
    { heading: 'What to do' },
  ]
  const rows = found.map(({ check, severity, text, remedy = '' }) => [
    check,
    html`<span class="status ${severityClass[severity]}">${severity.toUpperCase()}</span>`,
    html`<span class="why">${text}</span>`,
    html`<span class="why">${remedy}</span>`,
  ])
  return [titled('Found before the run'), htmlTable('Found before the run', columns, rows)]
}

function gpuParts({ run: { hardware } }: Report): Markup[] {
  const labels = gpuLabels(hardware.gpus)
  const title = labels.length === 1 ? 'GPU' : `GPUs (${labels.length.toFixed(0)})`
  const account = gpuAccount(hardware)
  const processes = processRows(hardware)
  const partitions = partitionRows(hardware)
  const topology = topologyTable(hardware)
  const none = processNote(hardware)
  return [
    titled(title),
    ...accountParts(title, account, labels),
    ...(topology === undefined
      ? []
      : [
          titled('Links between GPUs'),
          htmlTable(
            'Links between GPUs',
            topology.headings.map((heading) => ({ heading })),
            topology.rows,
          ),
          smallText('As the vendor’s tool names them.'),
        ]),
    ...listTable('Programs on the GPUs', ['GPU', 'Program', 'Process', 'Memory'], processes),
    ...(none === undefined ? [] : [smallText(none)]),
    ...listTable('Parts of GPUs', ['GPU', 'Profile', 'Memory', 'In use'], partitions),
  ]
}

function listTable(
  title: string,
  headings: readonly string[],
  rows: readonly (readonly string[])[],
): Markup[] {
  if (rows.length === 0) return []
  const columns = headings.map((heading) => ({ heading }))
  return [titled(title), htmlTable(title, columns, rows)]
}

/** What devices share, grouped; then what differs, a row a device; then what none of them tells. */
function accountParts(
  title: string,
  { groups, differing, notTold }: ReadingAccount,
  labels: readonly string[] = [],
): Markup[] {
  const columns = [{ heading: 'Field' }, { heading: 'Value' }, { heading: 'Source' }]
  const bodies = groups.map(
    (
      group,
    ) => html`<tbody><tr class="level"><th colspan="3" scope="rowgroup">${group.title}</th></tr>
${group.rows.map(({ label, value, source }) => htmlRow(columns, [label, value, sourceCell(source)]))}</tbody>
`,
  )
  const shared = scrollBox(
    title,
    html`<thead><tr>${columns.map(({ heading }) => html`<th scope="col">${heading}</th>`)}</tr></thead>
${bodies}`,
  )
  return [
    ...(groups.length > 0 ? [shared] : []),
    ...(differing.length > 0 ? [differingTable(title, differing, labels)] : []),
    ...(notTold === undefined ? [] : [smallText(notTold)]),
  ]
}

function differingTable(
  title: string,
  differing: readonly DifferingField[],
  labels: readonly string[],
): Markup {
  const columns = [{ heading: 'Differs' }, ...differing.map(({ label }) => ({ heading: label }))]
  const rows = labels.map((label, i) => [
    label,
    ...differing.map(({ values }) => valueCell(values[i] ?? '')),
  ])
  const sources = ['Source', ...differing.map(({ source }) => sourceCell(source))]
  return htmlTable(`${title}: what differs`, columns, [...rows, sources])
}

function valueCell(value: string): HtmlCell {
  return value.startsWith(`${notAvailable}: `) ? html`<span class="absent">${value}</span>` : value
}

function sourceCell(source: string): Markup {
  return html`<span class="absent">${source}</span>`
}

function toolTable({ run: { hardware } }: Report): Markup {
  const headings = ['Tool asked', 'Outcome', 'Took', 'Detail']
  return htmlTable(
    'Tools asked',
    headings.map((heading) => ({ heading })),
    hardware.tools.map(({ tool, outcome, tookMs, detail }) => [
      tool,
      outcome,
      formatMs(tookMs),
      detail ?? '',
    ]),
  )
}
