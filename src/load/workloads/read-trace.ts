import { MS_PER_S } from '../../units.ts'
import { brokenPiece, type Piece, parsePiece, readLines } from './read-file.ts'
import { isCount, isObject } from './read-items.ts'

/** Whose traces they are: Moonshot's Mooncake (JSONL), BurstGPT (CSV), Azure's LLM inference traces (CSV). */
export type TraceFormat = 'mooncake' | 'burstgpt' | 'azure'

/** One request of a trace. */
export interface TraceRow {
  /** By the trace's own clock, ms; where its zero is differs from trace to trace. */
  readonly atMs: number
  readonly inputTokens: number
  readonly outputTokens: number
  /** Ids of the blocks that the prompt is made of: the same id, the same tokens. */
  readonly blocks?: readonly number[]
}

/**
 * Streams the rows of a trace. A request that got no answer there (0 tokens) is none to replay and
 * comes as nothing.
 *
 * @returns SHA-256 of the file
 * @throws UserError naming file and line of a row that cannot be used
 */
export function readTrace(
  file: string,
  format: TraceFormat,
  onRow: (row: TraceRow | undefined) => void,
): Promise<string> {
  const readRow = rowReader(file, format)
  return readLines(file, (piece) => {
    const row = readRow(piece)
    if (row === 'header') return
    if (typeof row === 'string') throw brokenPiece(file, piece.line, row)
    onRow(row.inputTokens > 0 && row.outputTokens > 0 ? row : undefined)
  })
}

/** A row, `header` for a line that is none, or what is wrong with it. */
type RowReader = (piece: Piece) => TraceRow | string

function rowReader(file: string, format: TraceFormat): RowReader {
  switch (format) {
    case 'mooncake':
      return (piece) => mooncakeRow(parsePiece(piece, file))
    case 'burstgpt':
      return csvReader(file, ['Timestamp', 'Request tokens', 'Response tokens'], secondsOf)
    case 'azure':
      return csvReader(file, ['TIMESTAMP', 'ContextTokens', 'GeneratedTokens'], dateMsOf)
  }
}

function mooncakeRow(value: unknown): TraceRow | string {
  if (!isObject(value)) return 'expected an object'
  const { timestamp, input_length, output_length, hash_ids } = value
  if (typeof timestamp !== 'number' || !Number.isFinite(timestamp))
    return 'expected "timestamp" in ms'
  if (!isWhole(input_length)) return 'expected "input_length" in tokens'
  if (!isWhole(output_length)) return 'expected "output_length" in tokens'
  if (hash_ids !== undefined && !(Array.isArray(hash_ids) && hash_ids.every(isBlockId)))
    return 'expected "hash_ids" as a list of whole numbers'
  return {
    atMs: timestamp,
    inputTokens: input_length,
    outputTokens: output_length,
    ...(hash_ids === undefined ? {} : { blocks: hash_ids as number[] }),
  }
}

function isWhole(value: unknown): value is number {
  return value === 0 || isCount(value)
}

const MAX_BLOCK_ID = 2 ** 32 - 1

function isBlockId(value: unknown): boolean {
  return isWhole(value) && value <= MAX_BLOCK_ID
}

/** Reads rows by the names in the first line: time, input tokens, output tokens. */
function csvReader(
  file: string,
  names: readonly [string, string, string],
  timeOf: (text: string) => number | undefined,
): RowReader {
  let columns: number[] | undefined
  return ({ bytes, line }) => {
    const cells = cellsOf(bytes.toString('utf8'))
    if (!columns) {
      const header = cells.map((cell) => cell.toLowerCase())
      columns = names.map((name) => header.indexOf(name.toLowerCase()))
      if (columns.includes(-1))
        throw brokenPiece(file, line, `expected the columns ${names.join(', ')}`)
      return 'header'
    }
    const [time = '', input = '', output = ''] = columns.map((column) => cells[column] ?? '')
    const atMs = timeOf(time)
    if (atMs === undefined) return `"${time}" is no time`
    const [inputTokens, outputTokens] = [wholeOf(input), wholeOf(output)]
    if (inputTokens === undefined) return `"${input}" is no number of tokens`
    if (outputTokens === undefined) return `"${output}" is no number of tokens`
    return { atMs, inputTokens, outputTokens }
  }
}

/** Of a line without quotes: no column that is read here needs them. */
function cellsOf(line: string): string[] {
  return line.split(',').map((cell) => cell.trim().replace(/^"(.*)"$/, '$1'))
}

/** `12` or, as some tables write it, `12.0`. */
function wholeOf(text: string): number | undefined {
  return /^\d{1,9}(\.0*)?$/.test(text) ? Number(text) : undefined
}

function secondsOf(text: string): number | undefined {
  return /^\d+(\.\d+)?$/.test(text) ? Number(text) * MS_PER_S : undefined
}

/** `2023-11-16 18:15:46.6805900`: UTC, to 100 ns; a zone of `+00:00` may follow. */
function dateMsOf(text: string): number | undefined {
  const [, day, time, fraction = '0'] =
    /^(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(?:Z|\+00:?00)?$/.exec(text) ?? []
  const atMs = Date.parse(`${day}T${time}Z`)
  return Number.isNaN(atMs) ? undefined : atMs + Number(`0.${fraction}`) * MS_PER_S
}
