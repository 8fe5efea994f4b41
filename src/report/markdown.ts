import type { Gate } from '../measure/summary.ts'
import {
  allocationTable,
  assumptions,
  breakEvenTable,
  decisionTable,
  figureTable,
  fleetText,
  investmentTable,
  type OptionRow,
  optionRows,
  requirementLines,
} from './cost-facts.ts'
import {
  errorLines,
  type Fact,
  hardwareTitle,
  identityFacts,
  methodFacts,
  pricingBasis,
  sentence,
  systemLine,
} from './facts.ts'
import { formatStated, formatUsd, notAvailable } from './format.ts'
import { frontMatter } from './front-matter.ts'
import { gateHelp, gateValue } from './gate-facts.ts'
import {
  findingLine,
  findingsOf,
  gpuAccount,
  hashText,
  hostAccount,
  type ReadingAccount,
} from './hardware-facts.ts'
import { instrumentHeadings, instrumentNote, instrumentRows } from './instrument-facts.ts'
import { levelRows, noteMark, tableNotes, wideLevelColumns } from './level-table.ts'
import {
  deviceTable,
  energyReasons,
  energyTable,
  energyTitle,
  scopeTable,
  sensorTable,
  watchLines,
} from './machine-facts.ts'
import { plainText } from './plain-text.ts'
import type { Report, ReportFormat } from './report.ts'
import { rooflineLines, rooflineTable, rooflineTitle } from './roofline-facts.ts'
import { searchLines, searchTable, searchTitle } from './search-facts.ts'
import { looksLine, serverTable, serverTimeTable, type TextTable } from './server-facts.ts'
import { steadyLines, steadyTitle } from './steady-facts.ts'
import { tokenLines, tokenTable } from './token-facts.ts'

/** Fits a comment on a pull request. */
export const markdownFormat: ReportFormat = {
  name: 'md',
  fileName: 'report.md',
  render: renderMarkdown,
}

function renderMarkdown(report: Report): string {
  const blocks = [
    frontBlock(report),
    `### ${escapeMarkdown(systemLine(report.run))}`,
    bullets(identityFacts(report).map(factLine)),
    levelBlock(report),
    searchBlock(report),
    steadyBlock(report),
    rooflineBlock(report),
    errorBlock(report),
    findingBlock(report),
    costBlock(report),
    details('Validity gates', gateTable(report)),
    energyBlock(report),
    serverBlock(report),
    tokenBlock(report),
    details('Instrument error', instrumentTable(report)),
    details(hardwareTitle(report.run), hardwareBlock(report)),
    details('Assumptions', assumptionTable(report)),
    details('Method', bullets(methodFacts(report).map(factLine))),
  ]
  return `${blocks.filter((block) => block !== '').join('\n\n')}\n`
}

function frontBlock(report: Report): string {
  const { notices, verdictLine, fitnessLine, instrumentLine, reasons, warnings } =
    frontMatter(report)
  const list = (title: string, items: readonly string[]) =>
    items.length === 0 ? [] : [`${title}:\n\n${bullets(items.map(escapeMarkdown))}`]
  return [
    ...[...notices, verdictLine].map((line) => `**${escapeMarkdown(line)}**`),
    ...list('Reasons', reasons),
    escapeMarkdown(fitnessLine),
    escapeMarkdown(instrumentLine),
    ...list('Warnings', warnings),
  ].join('\n\n')
}

function levelBlock(report: Report): string {
  const rows = levelRows(report)
  if (rows.length === 0) return 'No load level was measured.'
  const columns = wideLevelColumns(report)
  const notes = tableNotes(columns, rows)
  const head = columns.map(({ group, heading }) => (group === '' ? heading : `${group} ${heading}`))
  const body = rows.map((row) =>
    columns.map(({ cell }) => {
      const content = cell(row)
      return escapeMarkdown(`${content.text} ${noteMark(content, notes)}`)
    }),
  )
  const marks = notes.map((note, i) => escapeMarkdown(`[${i + 1}] ${note}`))
  return [table(head, body, 'right'), ...marks].join('\n\n')
}

/** Empty where a run had no question to its levels. */
function searchBlock(report: Report): string {
  const levels = searchTable(report)
  if (levels === undefined) return ''
  const lines = bullets(searchLines(report).map(escapeMarkdown))
  const each = details(
    'Levels of the search',
    `${textTable(levels)}\n\n${escapeMarkdown(levels.note)}`,
  )
  return `${searchTitle}:\n\n${lines}\n\n${each}`
}

/** Empty where no steady state was looked for. */
function steadyBlock(report: Report): string {
  const lines = steadyLines(report)
  return lines.length === 0 ? '' : `${steadyTitle}:\n\n${bullets(lines.map(escapeMarkdown))}`
}

/** Empty where the model was not described. */
function rooflineBlock(report: Report): string {
  const of = rooflineTable(report)
  if (of === undefined) return ''
  const lines = bullets(rooflineLines(report).map(escapeMarkdown))
  return [`${rooflineTitle}:`, textTable(of), escapeMarkdown(of.note), lines].join('\n\n')
}

function errorBlock(report: Report): string {
  const lines = errorLines(report)
  return lines.length === 0 ? '' : `Errors:\n\n${bullets(lines.map(escapeMarkdown))}`
}

function costBlock(report: Report): string {
  const { cost } = report
  const head = ['Option', 'USD per M output tokens', 'At full use', 'USD a year', 'Machines']
  const missing = cost.options.flatMap(({ name, missing, excluded }) => [
    ...missing.map((text) => `${notAvailable} for ${name}: ${sentence(text)}`),
    ...excluded.map(
      ({ requirement, why }) => `${name} is excluded by ${requirement}: ${sentence(why)}`,
    ),
  ])
  return [
    escapeMarkdown(pricingBasis(report)),
    ...(cost.options.length === 0 ? [] : [table(head, optionRows(cost).map(optionCells), 'right')]),
    bullets(missing.map(escapeMarkdown)),
    plainTable(breakEvenTable(cost)),
    plainTable(investmentTable(cost)),
    plainTable(figureTable(cost)),
    plainTable(allocationTable(cost)),
    plainTable(decisionTable(cost)),
    bullets(requirementLines(cost).map(escapeMarkdown)),
  ]
    .filter((block) => block !== '')
    .join('\n\n')
}

/** Nothing without rows. */
function plainTable({ headings, rows }: { headings: string[]; rows: string[][] }): string {
  if (rows.length === 0) return ''
  return table(
    headings,
    rows.map((cells) => cells.map(escapeMarkdown)),
    'right',
  )
}

function optionCells(row: OptionRow): string[] {
  const { id, kind, name } = row.option
  return [
    escapeMarkdown(`${id}: ${name}`),
    formatUsd(row.usdPerMillionOutputTokens),
    kind === 'api' || kind === 'hybrid' ? '' : formatUsd(row.fullUseUsdPerMillionOutputTokens),
    formatUsd(row.usdPerYear),
    escapeMarkdown(fleetText(row)),
  ]
}

const statusWords: Record<Gate['status'], string> = {
  pass: 'PASS',
  fail: '**FAIL**',
  'not-measured': 'NOT MEASURED',
  'does-not-apply': 'DOES NOT APPLY',
}

function gateTable({ summary }: Report): string {
  const judged = [{ label: 'whole run', gates: summary.gates }, ...summary.points]
  const rows = judged.flatMap(({ label, gates }) =>
    gates.map((gate) => [
      ...[label, gate.gate].map(escapeMarkdown),
      statusWords[gate.status],
      ...[gateValue(gate), gate.limit, gateHelp(gate)].map(escapeMarkdown),
    ]),
  )
  return table(['Load', 'Gate', 'Result', 'Value', 'Limit', 'Why, or what to do'], rows)
}

/** Empty where nothing was found. */
function findingBlock(report: Report): string {
  const findings = findingsOf(report)
  if (findings.length === 0) return ''
  const lines = findings.map((finding) => escapeMarkdown(findingLine(finding)))
  return `The machine before the run:\n\n${bullets(lines)}`
}

/** Empty where nothing of the machine was recorded. */
function energyBlock(report: Report): string {
  const tables = [energyTable, scopeTable, sensorTable, deviceTable].flatMap(
    (of) => of(report) ?? [],
  )
  if (tables.length === 0) return ''
  const lines = [...energyReasons(report), ...watchLines(report)]
  const blocks = [
    bullets(lines.map(escapeMarkdown)),
    ...tables.flatMap((each) => [textTable(each), escapeMarkdown(each.note)]),
  ]
  return details(energyTitle(report), blocks.filter((block) => block !== '').join('\n\n'))
}

function hardwareBlock({ run: { hardware, stateChanges = [] } }: Report): string {
  const accounts = [
    { name: 'Host', account: hostAccount(hardware) },
    ...(hardware.gpus.length > 0 ? [{ name: 'GPU', account: gpuAccount(hardware) }] : []),
  ]
  const rows = accounts.flatMap(({ name, account }) => accountRows(name, account))
  const changes = stateChanges.map((change) => `Changed during the run: ${change}`)
  const lines = [
    ...changes,
    ...accounts.flatMap(({ name, account: { notTold } }) =>
      notTold === undefined ? [] : [`${name}. ${notTold}`],
    ),
    hashText(hardware),
  ]
  return [table(['', 'What', 'Value'], rows), bullets(lines.map(escapeMarkdown))].join('\n\n')
}

function accountRows(name: string, { groups, differing }: ReadingAccount): string[][] {
  const shared = groups.flatMap(({ title, rows }) =>
    rows.map(({ label, value }) => [`${name}: ${title}`, label, value]),
  )
  const each = differing.map(({ label, values }) => [`${name}: each`, label, values.join('; ')])
  return [...shared, ...each].map((cells) => cells.map(escapeMarkdown))
}

/** Empty where the server said nothing. */
function serverBlock(report: Report): string {
  const figures = serverTable(report)
  const times = serverTimeTable(report)
  if (figures === undefined && times === undefined) return ''
  const blocks = [
    escapeMarkdown(looksLine(report)),
    ...(figures ? [textTable(figures), escapeMarkdown(figures.note)] : []),
    ...(times ? [textTable(times), escapeMarkdown(times.note)] : []),
  ]
  return details('What the server says', blocks.join('\n\n'))
}

/** Empty where nobody counted. */
function tokenBlock(report: Report): string {
  const counts = tokenTable(report)
  if (counts === undefined) return ''
  const lines = tokenLines(report)
  const blocks = [
    escapeMarkdown(counts.note),
    textTable(counts),
    ...(lines.length > 0 ? [bullets(lines.map(escapeMarkdown))] : []),
  ]
  return details('Token counts by source', blocks.join('\n\n'))
}

function textTable({ headings, rows }: TextTable): string {
  const escaped = rows.map((cells) => cells.map(escapeMarkdown))
  return table(headings, escaped, 'right')
}

function instrumentTable(report: Report): string {
  const rows = instrumentRows(report).map((cells) => cells.map(escapeMarkdown))
  return `${table(instrumentHeadings, rows, 'right')}\n\n${escapeMarkdown(instrumentNote)}`
}

function assumptionTable({ cost }: Report): string {
  const rows = assumptions(cost).map(({ path, label, value, unit, origin, source, date, note }) => [
    escapeMarkdown(`${label} (${path})`),
    escapeMarkdown(`${formatStated(value)} ${unit}`),
    origin === 'placeholder' ? '**PLACEHOLDER**' : (origin ?? ''),
    escapeMarkdown(source ?? ''),
    escapeMarkdown(date ?? 'not given'),
    escapeMarkdown(note ?? ''),
  ])
  return table(['Input', 'Value', 'Kind', 'Source', 'Date', 'Note'], rows)
}

export function table(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  align: 'left' | 'right' = 'left',
): string {
  const rule = head.map((_, i) => (i > 0 && align === 'right' ? '---:' : '---'))
  return [head, rule, ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n')
}

/** The blank lines are needed: without them the table inside is not read as one. */
function details(summary: string, content: string): string {
  return `<details>\n<summary>${summary}</summary>\n\n${content}\n\n</details>`
}

export function bullets(items: readonly string[]): string {
  return items.map((item) => `- ${item}`).join('\n')
}

function factLine([name, text]: Fact): string {
  return `${name}: ${escapeMarkdown(text)}`
}

/** Text from outside stays text: no table cell, tag, link, mention or emphasis begins in it. */
export function escapeMarkdown(text: string): string {
  return plainText(text)
    .replace(/[\\`*_[\]|~#!$]/g, '\\$&')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('@', '@<!-- -->')
    .replaceAll(/:\/\/|www\./gi, (start) => `${start[0]}<!-- -->${start.slice(1)}`)
}
