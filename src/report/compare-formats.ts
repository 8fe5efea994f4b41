import { type CompareDocument, type CompareResult, compareDocument } from './compare-document.ts'
import { bullets, escapeMarkdown, table } from './markdown.ts'
import { alignColumns, wrap } from './text.ts'

/** For a terminal, at most 100 columns. */
export function compareText(result: CompareResult): string {
  return documentText(compareDocument(result))
}

/** A document of notices and blocks, at most 100 columns wide. */
export function documentText({ notices, blocks }: CompareDocument): string {
  const parts = [
    ...(notices.length === 0 ? [] : [notices.flatMap((notice) => wrap(notice, '', '  '))]),
    ...blocks.map(({ title, table: content, lines }) => [
      `${title}:`,
      ...(content ? alignColumns([content.headings, ...content.rows]) : []),
      ...lines.flatMap((line) => wrap(line, '  - ', '    ')),
    ]),
  ]
  return `${parts.map((lines) => lines.join('\n')).join('\n\n')}\n`
}

/** For a comment on a pull request. */
export function compareMarkdown(result: CompareResult): string {
  return documentMarkdown(compareDocument(result))
}

/** A document of notices and blocks, with nothing in it that Markdown would read as more than text. */
export function documentMarkdown({ notices, blocks }: CompareDocument): string {
  const parts = [
    ...notices.map((notice) => `**${escapeMarkdown(notice)}**`),
    ...blocks.flatMap(({ title, table: content, lines }) => [
      `### ${escapeMarkdown(title)}`,
      ...(content ? [escapedTable(content.headings, content.rows)] : []),
      ...(lines.length === 0 ? [] : [bullets(lines.map(escapeMarkdown))]),
    ]),
  ]
  return `${parts.join('\n\n')}\n`
}

function escapedTable(headings: readonly string[], rows: readonly (readonly string[])[]): string {
  return table(
    headings.map(escapeMarkdown),
    rows.map((row) => row.map(escapeMarkdown)),
    'right',
  )
}

/** A result as a document; `notice` comes first so that no reader misses it. */
export type CompareJson<Result extends CompareResult> = Result & {
  readonly notice: readonly string[]
}

/** For programs. An absent key is an unknown value, never zero. */
export function compareJson<Result extends CompareResult>(result: Result): string {
  const json: CompareJson<Result> = { notice: compareDocument(result).notices, ...result }
  return `${JSON.stringify(json, undefined, 2)}\n`
}
