import type { Maybe } from '../arithmetic.ts'
import type { OperatingPoint, Percentile } from '../measure/summary.ts'
import type { LevelCost } from '../price/cost-report.ts'
import { ownOption } from './cost-facts.ts'
import { errorCount, sentence } from './facts.ts'
import {
  type Formatter,
  formatCount,
  formatNumber,
  formatPercent,
  formatStated,
  formatUsd,
  notAvailable,
  whyWithheld,
} from './format.ts'
import { plainText } from './plain-text.ts'
import type { Report } from './report.ts'
import { levelMark } from './search-facts.ts'

/** One cell of the table of load levels. `note` says why it is unknown or what limits it. */
export interface Cell {
  readonly text: string
  readonly note?: string
}

/** One load level as the table needs it. */
export interface LevelRow {
  readonly point: OperatingPoint
  readonly cost: LevelCost | undefined
  /** Why this level has no cost, when it has none. */
  readonly costMissing: string
  readonly priced: boolean
  /** What a search says of it. */
  readonly mark?: string
}

export interface LevelColumn {
  /** Columns side by side with the same group share a heading. */
  readonly group: string
  readonly heading: string
  readonly cell: (row: LevelRow) => Cell
}

/** The table that every format for people shows; narrow enough for a terminal. */
export const levelColumns: readonly LevelColumn[] = [
  { group: '', heading: 'Load', cell: loadCell },
  {
    group: 'Output',
    heading: 'tok/s',
    cell: ({ point }) => figure(point.outputTokensPerS, formatNumber, whyNoRate(point)),
  },
  {
    group: 'Per user',
    heading: 'tok/s',
    cell: ({ point }) =>
      figure(
        point.tokensPerSPerUser,
        formatNumber,
        whyWithheld(point.tpotMs.p50) ?? 'not measured',
      ),
  },
  { group: 'TTFT, ms', heading: 'p50', cell: ({ point }) => percentile(point.ttftMs.p50) },
  { group: 'TTFT, ms', heading: 'p95', cell: ({ point }) => percentile(point.ttftMs.p95) },
  { group: 'TPOT, ms', heading: 'p50', cell: ({ point }) => percentile(point.tpotMs.p50) },
  { group: 'TPOT, ms', heading: 'p95', cell: ({ point }) => percentile(point.tpotMs.p95) },
  { group: 'Requests', heading: 'done/sent', cell: requestsCell },
  { group: '', heading: 'Errors', cell: ({ point }) => ({ text: formatCount(errorCount(point)) }) },
  {
    group: 'USD per M',
    heading: 'output tok',
    cell: ({ cost, costMissing }) =>
      figure(cost?.usdPerMillionOutputTokens, formatUsd, costMissing),
  },
]

/** As `levelColumns`, and whether the service level was met where one was set. */
export function wideLevelColumns({ summary }: Report): readonly LevelColumn[] {
  const hasSlo = summary.points.some(({ goodput }) => goodput !== undefined)
  return hasSlo ? [...levelColumns, sloColumn] : levelColumns
}

export function levelRows(report: Report): LevelRow[] {
  return report.summary.points.map((point) => ({
    point,
    cost: report.cost.levels.find(({ level }) => level === point.level),
    costMissing: whyNoCost(report, point),
    priced: point.level === report.cost.pricedLevel,
    mark: levelMark(report, point.level),
  }))
}

/** What the marked cells say, each once, in reading order; a mark is the place in this list. */
export function tableNotes(columns: readonly LevelColumn[], rows: readonly LevelRow[]): string[] {
  const notes = rows.flatMap((row) => columns.flatMap(({ cell }) => cell(row).note ?? []))
  return [...new Set(notes)]
}

/** The mark of a cell, e.g. `[2]`; empty where there is nothing to say. */
export function noteMark({ note }: Cell, notes: readonly string[]): string {
  return note === undefined ? '' : `[${formatCount(notes.indexOf(note) + 1)}]`
}

const sloColumn: LevelColumn = {
  group: 'Requests',
  heading: 'within SLO',
  cell: ({ point }) => figure(point.goodput?.goodRatio, formatPercent, 'not measured'),
}

const endedNotes = {
  interrupted: 'interrupted: figures are of what had run',
  'too-many-failures': 'stopped early because too many requests failed',
  'worker-died': 'stopped early because a measuring thread died',
  'no-progress': 'stopped early because nothing came any more',
} as const

function loadCell({ point, mark }: LevelRow): Cell {
  const text = plainText(point.label)
  const ended = point.ended === 'complete' ? undefined : endedNotes[point.ended]
  const notes = [ended, mark].filter((note) => note !== undefined)
  return notes.length === 0 ? { text } : { text, note: notes.join('; ') }
}

function requestsCell({ point: { requests } }: LevelRow): Cell {
  const text = `${formatCount(requests.completed)}/${formatCount(requests.issued)}`
  const { cancelled, abandoned } = requests
  const said = [
    ...(cancelled > 0 ? [`${formatCount(cancelled)} unfinished when the level ended`] : []),
    ...(abandoned > 0 ? [`${formatCount(abandoned)} given up on purpose`] : []),
  ]
  return said.length === 0 ? { text } : { text, note: said.join(', ') }
}

function percentile(value: Percentile): Cell {
  const why = whyWithheld(value)
  if (why === undefined) return { text: formatNumber(value.value) }
  const note = value.n === 0 ? why : `p${formatStated(value.p)}: ${why}`
  return { text: notAvailable, note }
}

function figure(value: Maybe, format: Formatter, why: string): Cell {
  const text = format(value)
  return text === notAvailable ? { text, note: why } : { text }
}

function whyNoRate({ requests }: OperatingPoint): string {
  return requests.completed === 0 ? 'no request completed' : 'not measured'
}

function whyNoCost(report: Report, point: OperatingPoint): string {
  const owned = ownOption(report.cost)
  if (!owned) return 'no owned hardware is priced'
  if (point.outputTokensPerS === undefined) return 'no output throughput to divide the bill by'
  return owned.missing.length === 0 ? 'not priced' : sentence(owned.missing.join('; '))
}
