import type { RivalLevel, RivalView } from '../measure/as/index.ts'
import type { RivalFigure } from '../measure/as/rival.ts'
import { formatStated, notAvailable } from './format.ts'
import { frontLines } from './front-matter.ts'
import { refuseNonNumbers } from './json.ts'
import { bullets, escapeMarkdown, table } from './markdown.ts'
import { plainText } from './plain-text.ts'
import type { Report } from './report.ts'
import { alignColumns, wrap } from './text.ts'

/** One output format of a run by another tool's definitions. */
export interface RivalFormat {
  readonly name: string
  readonly render: (report: Report, view: RivalView) => string
}

/** All of them; the figures are too many for a row of a spreadsheet or a page. */
export const rivalFormats: readonly RivalFormat[] = [
  { name: 'text', render: renderText },
  { name: 'md', render: renderMarkdown },
  { name: 'json', render: renderJson },
]

/** What must be read before any figure; doubts about money say nothing of these. */
function doubtsOf(report: Report): string[] {
  return frontLines({ ...report, cost: { ...report.cost, warnings: [] } })
}

function titleOf({ rival }: RivalView): string {
  return `What ${rival.tool} (${rival.version}) would say of these answers, by its own definitions, ours beside it. It did not run: other load, prompts and clients give other answers.`
}

function renderText(report: Report, view: RivalView): string {
  const blocks = [
    doubtsOf(report).flatMap((line) => wrap(line, '', '  ')),
    [
      ...wrap(titleOf(view), '', '  '),
      ...view.rival.definitions.flatMap((line) => wrap(line, '  - ', '    ')),
      ...wrap(`Source: ${view.rival.source}`, '  ', '  '),
    ],
    ...view.levels.map((level) => levelLines(level, view)),
  ]
  return `${blocks.map((lines) => lines.join('\n')).join('\n\n')}\n`
}

function levelLines(level: RivalLevel, view: RivalView): string[] {
  const notes = notesOf(level)
  const headings = ['', view.rival.name, 'ours', 'unit', '']
  const rows = level.figures.map((figure) => cellsOf(figure, notes))
  return [
    `${plainText(level.label)}:`,
    ...alignColumns([headings, ...rows]),
    ...notes.flatMap((note, i) => wrap(note, `  [${i + 1}] `, '      ')),
    ...level.notes.flatMap((note) => wrap(note, '  - ', '    ')),
  ]
}

function cellsOf(figure: RivalFigure, notes: readonly string[]): string[] {
  const { key, unit, value, ours } = figure
  const marks = remarksOf(figure).map((remark) => `[${notes.indexOf(remark) + 1}]`)
  return [key, formatStated(value), oursText(ours, figure), unit, marks.join('')]
}

/** Empty where we have no such figure at all. */
function oursText(ours: number | undefined, { oursMissing }: RivalFigure): string {
  return ours === undefined && oursMissing === undefined ? '' : formatStated(ours)
}

/** What is to be said of a figure, each a sentence. */
function remarksOf({ why, missing, oursMissing }: RivalFigure): string[] {
  return [
    ...(why === undefined ? [] : [why]),
    ...(missing === undefined ? [] : [`${notAvailable}: ${missing}`]),
    ...(oursMissing === undefined ? [] : [`Ours ${notAvailable}: ${oursMissing}`]),
  ]
}

/** Each once, in reading order; a mark is the place in this list. */
function notesOf({ figures }: RivalLevel): string[] {
  return [...new Set(figures.flatMap(remarksOf))]
}

function renderMarkdown(report: Report, view: RivalView): string {
  const blocks = [
    ...doubtsOf(report).map((line) => `**${escapeMarkdown(line)}**`),
    escapeMarkdown(titleOf(view)),
    bullets(view.rival.definitions.map(escapeMarkdown)),
    `Source: ${escapeMarkdown(view.rival.source)}`,
    ...view.levels.flatMap((level) => levelBlocks(level, view)),
  ]
  return `${blocks.join('\n\n')}\n`
}

function levelBlocks(level: RivalLevel, view: RivalView): string[] {
  const rows = level.figures.map((figure) => {
    const { key, unit, value, ours } = figure
    const cells = [key, formatStated(value), oursText(ours, figure), unit]
    return [...cells, remarksOf(figure).join(' ')].map(escapeMarkdown)
  })
  return [
    `### ${escapeMarkdown(level.label)}`,
    table(['Figure', escapeMarkdown(view.rival.name), 'ours', 'unit', 'why they differ'], rows),
    ...(level.notes.length === 0 ? [] : [bullets(level.notes.map(escapeMarkdown))]),
  ]
}

function renderJson(report: Report, { rival, levels }: RivalView): string {
  const document = {
    notice: doubtsOf(report),
    schemaVersion: 1,
    runId: report.run.runId,
    rival,
    levels,
  }
  return `${JSON.stringify(document, refuseNonNumbers, 2)}\n`
}
