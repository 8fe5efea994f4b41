import type { CostOption, CostReport } from '../price/cost-report.ts'
import {
  breakEvenTable,
  fleetText,
  investmentTable,
  type OptionRow,
  optionRows,
} from './cost-facts.ts'
import {
  errorLines,
  type Fact,
  identityFacts,
  pricedPoint,
  pricingBasis,
  sentence,
} from './facts.ts'
import { formatCount, formatUsd, notAvailable } from './format.ts'
import { frontMatter } from './front-matter.ts'
import { findingLine, findingsOf } from './hardware-facts.ts'
import { levelColumns, levelRows, noteMark, tableNotes } from './level-table.ts'
import {
  energyReasons,
  energyTable,
  energyTitle,
  otherScopesLine,
  watchLines,
} from './machine-facts.ts'
import { plainText, shorten } from './plain-text.ts'
import type { Report, ReportFormat } from './report.ts'
import { rooflineLines, rooflineTable, rooflineTitle } from './roofline-facts.ts'
import { searchLines, searchTable, searchTitle } from './search-facts.ts'
import { looksLine, serverTable, type TextTable } from './server-facts.ts'
import { steadyLines, steadyTitle } from './steady-facts.ts'
import { tokenLines, tokensAreTelling, tokenTable } from './token-facts.ts'

/** For a terminal: plain characters, at most 100 columns. */
export const textFormat: ReportFormat = { name: 'text', fileName: 'report.txt', render: renderText }

const COLUMNS = 100

function renderText(report: Report): string {
  const blocks = [
    frontBlock(report),
    identityFacts(report).flatMap(factLines),
    levelBlock(report),
    ...searchBlock(report),
    ...steadyBlock(report),
    ...rooflineBlock(report),
    ...errorBlock(report),
    ...findingBlock(report),
    ...energyBlock(report),
    ...serverBlock(report),
    ...tokenBlock(report),
    costLines(report.cost, pricingBasis(report)),
  ]
  return `${blocks.map((lines) => lines.join('\n')).join('\n\n')}\n`
}

function frontBlock(report: Report): string[] {
  const { notices, verdictLine, fitnessLine, instrumentLine, reasons, warnings } =
    frontMatter(report)
  return [
    ...notices.flatMap((notice) => wrap(notice, '', '  ')),
    ...wrap(verdictLine, '', '  '),
    ...reasons.flatMap((reason) => wrap(reason, '  - ', '    ')),
    ...wrap(fitnessLine, '', '  '),
    ...wrap(instrumentLine, '', '  '),
    ...(warnings.length === 0 ? [] : ['Warnings:']),
    ...warnings.flatMap((warning) => wrap(warning, '  - ', '    ')),
  ]
}

function factLines([name, text]: Fact): string[] {
  return wrap(text, `${name}:`.padEnd(FACT_INDENT), ' '.repeat(FACT_INDENT))
}

const FACT_INDENT = 19

function levelBlock(report: Report): string[] {
  const rows = levelRows(report)
  if (rows.length === 0) return ['No load level was measured.']
  const notes = tableNotes(levelColumns, rows)
  const cells = rows.map((row) =>
    levelColumns.map(({ cell }) => {
      const content = cell(row)
      return `${shorten(content.text, LONGEST_CELL)}${noteMark(content, notes)}`
    }),
  )
  const headings = [groupHeadings(), levelColumns.map(({ heading }) => heading)]
  return [
    ...alignColumns([...headings, ...cells]),
    ...notes.flatMap((note, i) => wrap(note, `  [${i + 1}] `, '      ')),
  ]
}

const LONGEST_CELL = 18

/** A heading is written once, over the first of the columns that share it. */
function groupHeadings(): string[] {
  return levelColumns.map(({ group }, i) => (levelColumns[i - 1]?.group === group ? '' : group))
}

/** First column to the left, the rest to the right; columns draw together when the page is full. */
export function alignColumns(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((row) => row[column]?.length ?? 0)),
  )
  const used = widths.reduce((total, width) => total + width, 0)
  const gap = ' '.repeat(used + 2 * (widths.length - 1) <= COLUMNS ? 2 : 1)
  return rows.map((row) =>
    row
      .map((cell, column) => {
        const width = widths[column] ?? 0
        return column === 0 ? cell.padEnd(width) : cell.padStart(width)
      })
      .join(gap)
      .trimEnd(),
  )
}

/** Nothing where a run had no question to its levels. */
function searchBlock(report: Report): string[][] {
  const table = searchTable(report)
  if (table === undefined) return []
  const lines = searchLines(report).flatMap((line) => wrap(line, '  - ', '    '))
  return [[`${searchTitle}:`, ...lines, ...tableLines(table), ...wrap(table.note, '  ', '  ')]]
}

/** Nothing where no steady state was looked for. */
function steadyBlock(report: Report): string[][] {
  const lines = steadyLines(report)
  if (lines.length === 0) return []
  return [[`${steadyTitle}:`, ...lines.flatMap((line) => wrap(line, '  - ', '    '))]]
}

/** Nothing where the model was not described. */
function rooflineBlock(report: Report): string[][] {
  const table = rooflineTable(report)
  if (table === undefined) return []
  return [
    [
      `${rooflineTitle}:`,
      ...tableLines(table),
      ...wrap(table.note, '  ', '  '),
      ...rooflineLines(report).flatMap((line) => wrap(line, '  - ', '    ')),
    ],
  ]
}

/** Nothing where nothing went wrong. */
function errorBlock(report: Report): string[][] {
  const lines = errorLines(report)
  if (lines.length === 0) return []
  return [['Errors:', ...lines.flatMap((line) => wrap(line, '  - ', '    '))]]
}

/** What stands in the way of a good run; of what is good to know only how much there is. */
function findingBlock(report: Report): string[][] {
  const findings = findingsOf(report)
  if (findings.length === 0) return []
  const told = findings.filter(({ severity }) => severity !== 'note')
  const notes = findings.length - told.length
  const rest =
    notes === 0 ? [] : [`Good to know: ${formatCount(notes)} more, in report.md and report.html.`]
  const lines = [...told.map(findingLine), ...rest]
  return [['The machine before the run:', ...lines.flatMap((line) => wrap(line, '  - ', '    '))]]
}

/** Nothing where nothing of the machine was recorded. */
function energyBlock(report: Report): string[][] {
  const table = energyTable(report)
  if (table === undefined) return []
  const other = otherScopesLine(report, pricedPoint(report))
  return [
    [
      `${energyTitle(report)}:`,
      ...tableLines(table),
      ...wrap(table.note, '  ', '  '),
      ...[
        ...energyReasons(report),
        ...(other === undefined ? [] : [other]),
        ...watchLines(report),
      ].flatMap((line) => wrap(line, '  - ', '    ')),
    ],
  ]
}

/** Nothing where the server said nothing. */
function serverBlock(report: Report): string[][] {
  const table = serverTable(report)
  if (table === undefined) return []
  return [
    [
      'What the server says:',
      ...tableLines(table),
      ...wrap(`${looksLine(report)} ${table.note}`, '  ', '  '),
    ],
  ]
}

const LONGEST_LABEL = 14

function tableLines({ headings, rows }: TextTable): string[] {
  return foldColumns(
    [headings, ...rows].map(([first = '', ...rest]) => [
      `  ${shorten(first, LONGEST_LABEL)}`,
      ...rest,
    ]),
  )
}

/** One table, or where the page is too narrow two halves of it, one below the other. */
function foldColumns(rows: readonly (readonly string[])[]): string[] {
  const whole = alignColumns(rows)
  if (whole.every((line) => line.length <= COLUMNS)) return whole
  const half = Math.ceil((rows[0]?.length ?? 0) / 2)
  const left = rows.map((row) => row.slice(0, half))
  const right = rows.map((row) => [...row.slice(0, 1), ...row.slice(half)])
  return [...alignColumns(left), ...alignColumns(right)]
}

/** Nothing where there is only one count. */
function tokenBlock(report: Report): string[][] {
  const table = tokenTable(report)
  if (table === undefined || !tokensAreTelling(report)) return []
  const rows = [table.headings, ...table.rows].map(([first = '', ...rest]) => [
    `  ${first}`,
    ...rest,
  ])
  return [
    [
      'Token counts by source, over the whole run:',
      ...alignColumns(rows),
      ...tokenLines(report).flatMap((line) => wrap(line, '  - ', '    ')),
    ],
  ]
}

/** What every option costs. @param basis what the prices rest on */
export function costLines(cost: CostReport, basis: string): string[] {
  return [
    ...wrap(basis, '', ''),
    ...optionTable(optionRows(cost)),
    ...cost.options.flatMap(missingLines),
    ...figureLines(breakEvenTable(cost)),
    ...figureLines(investmentTable(cost)),
  ]
}

/** Nothing without rows. */
function figureLines({ headings, rows }: { headings: string[]; rows: string[][] }): string[] {
  if (rows.length === 0) return []
  const lines = alignColumns([
    headings,
    ...rows.map(([pair = '', ...cells]) => [`  ${pair}`, ...cells]),
  ])
  if (lines.every((line) => line.length <= COLUMNS)) return lines
  // A table too wide for a terminal is told row by row.
  return rows.flatMap(([pair = '', ...cells]) => {
    const told = cells.flatMap((cell, i) => (cell === '' ? [] : [`${headings[i + 1]}: ${cell}`]))
    return wrap(`${pair}: ${told.join('; ')}`, '  - ', '    ')
  })
}

/** Names give way where figures are long. */
function optionTable(rows: readonly OptionRow[]): string[] {
  const headings = ['USD per million output tokens', 'at demand', 'at full use', 'USD a year', '']
  const withNames = (longest: number) =>
    alignColumns([headings, ...rows.map((row) => optionCells(row, longest))])
  const over = Math.max(0, ...withNames(LONGEST_NAME).map((line) => line.length - COLUMNS))
  return withNames(Math.max(SHORTEST_NAME, LONGEST_NAME - over))
}

function optionCells(row: OptionRow, longestName: number): string[] {
  const { id, kind, name, excluded } = row.option
  return [
    `  ${shorten(`${id}: ${name}`, longestName)}`,
    formatUsd(row.usdPerMillionOutputTokens),
    kind === 'api' || kind === 'hybrid' ? '' : formatUsd(row.fullUseUsdPerMillionOutputTokens),
    formatUsd(row.usdPerYear),
    excluded.length > 0 ? 'EXCLUDED' : fleetText(row),
  ]
}

const LONGEST_NAME = 42
const SHORTEST_NAME = 16

function missingLines({ name, missing, excluded }: CostOption): string[] {
  return [
    ...missing.flatMap((text) =>
      wrap(`${name}: ${sentence(text)}`, `  ${notAvailable} `, '      '),
    ),
    ...excluded.flatMap(({ requirement, why }) =>
      wrap(`${name} fails ${requirement}: ${sentence(why)}`, '  EXCLUDED ', '      '),
    ),
  ]
}

/** Breaks text into lines; words longer than a line, such as an address, are broken too. */
export function wrap(text: string, first: string, next: string): string[] {
  const lines: string[] = []
  let line = first
  let empty = true
  for (const word of plainText(text).split(' ')) {
    for (const piece of pieces(word, COLUMNS - Math.max(first.length, next.length))) {
      if (!empty && line.length + 1 + piece.length > COLUMNS) {
        lines.push(line)
        line = next
        empty = true
      }
      line += empty ? piece : ` ${piece}`
      empty = false
    }
  }
  return [...lines, line.trimEnd()]
}

function pieces(word: string, length: number): string[] {
  const characters = [...word]
  const count = Math.max(1, Math.ceil(characters.length / length))
  return Array.from({ length: count }, (_, i) =>
    characters.slice(i * length, (i + 1) * length).join(''),
  )
}
