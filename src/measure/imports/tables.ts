import type { JsonObject } from './json-text.ts'

/**
 * Rows of a CSV with a header line, each under the header's names, cells as text; quoting as RFC 4180 has
 * it. Empty where the text is no such table: a row has another number of cells than the header.
 */
export function csvRows(text: string): JsonObject[] {
  const [header = [], ...rows] = csvCells(text)
  if (header.length < 2 || rows.some((row) => row.length !== header.length)) return []
  return rows.map((row) => named(header, row))
}

function csvCells(text: string): string[][] {
  const rows: string[][] = []
  let row: string[] = []
  for (const [, quoted, bare = '', end = ''] of text.matchAll(
    /(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r?\n|$)/g,
  )) {
    row.push(quoted?.replaceAll('""', '"') ?? bare)
    if (end === ',') continue
    if (row.length > 1 || row[0] !== '') rows.push(row)
    row = []
  }
  return rows
}

/** Rows of the first pipe table of a Markdown text, each under the header's names, cells as text. */
export function markdownRows(text: string): JsonObject[] {
  const lines = text.split(/\r?\n/)
  const rule = lines.findIndex((line) => /^\s*\|(?:\s*:?-+:?\s*\|)+\s*$/.test(line))
  if (rule < 1) return []
  const header = markdownCells(lines[rule - 1] ?? '')
  const end = lines.findIndex((line, i) => i > rule && !line.trim().startsWith('|'))
  return lines
    .slice(rule + 1, end === -1 ? undefined : end)
    .map((line) => named(header, markdownCells(line)))
}

const markdownCells = (line: string): string[] =>
  line
    .trim()
    .replace(/^\||\|$/g, '')
    .split('|')
    .map((cell) => cell.trim())

const named = (header: readonly string[], cells: readonly string[]): JsonObject =>
  Object.fromEntries(header.map((name, i) => [name, cells[i] ?? '']))
