import { findByte } from './find-byte.ts'
import {
  dropLine,
  growLine,
  keepLine,
  type OnEvent,
  takeLine,
  type UnfinishedLine,
} from './unfinished-line.ts'

/** Where the reading of a stream of lines of JSON stands, however its bytes are split. */
export interface NdjsonReader<Owner> extends UnfinishedLine {
  readonly framing: 'ndjson'
  readonly onEvent: OnEvent<Owner>
}

const LF = 10
const CR = 13
const SPACE = 32
const TAB = 9
const EMPTY = Buffer.alloc(0)

export function createNdjsonReader<Owner>(onEvent: OnEvent<Owner>): NdjsonReader<Owner> {
  return { framing: 'ndjson', onEvent, pending: EMPTY, pendingBytes: 0 }
}

/** Makes a reader ready for another stream. */
export function resetNdjsonReader<Owner>(reader: NdjsonReader<Owner>): void {
  dropLine(reader)
}

/**
 * Takes the next bytes of a stream. A line is an event and ends with LF or CRLF; one of nothing but
 * spaces, tabs and CR is none. No text is made of the bytes: this runs for every token. Bytes beyond `end` never
 * count, but a search is quicker when an LF lies there to stop it.
 *
 * @throws HttpProtocolError for a line of over 16 MiB
 */
export function readNdjson<Owner>(
  reader: NdjsonReader<Owner>,
  owner: Owner,
  read: Buffer,
  readStart: number,
  readEnd: number,
): void {
  if (reader.pendingBytes === 0) {
    readLines(reader, owner, read, readStart, readEnd)
    return
  }
  if (findByte(read, LF, readStart, readEnd) < 0) {
    growLine(reader, read, readStart, readEnd)
    return
  }
  const joined = takeLine(reader, read, readStart, readEnd)
  readLines(reader, owner, joined, 0, joined.length)
}

/** Call at the proper end of a stream: its last line needs no LF. */
export function endNdjson<Owner>(reader: NdjsonReader<Owner>, owner: Owner): void {
  const { pending, pendingBytes } = reader
  dropLine(reader)
  tellLine(reader, owner, pending, 0, pendingBytes)
}

function readLines<Owner>(
  reader: NdjsonReader<Owner>,
  owner: Owner,
  bytes: Buffer,
  start: number,
  end: number,
): void {
  let from = start
  while (from < end) {
    const lf = findByte(bytes, LF, from, end)
    if (lf < 0) break
    tellLine(reader, owner, bytes, from, lf)
    from = lf + 1
  }
  keepLine(reader, bytes, from, end)
}

function tellLine<Owner>(
  reader: NdjsonReader<Owner>,
  owner: Owner,
  bytes: Buffer,
  lineStart: number,
  lineEnd: number,
): void {
  let start = lineStart
  let end = lineEnd
  while (start < end && isBlank(bytes[start])) start++
  while (end > start && isBlank(bytes[end - 1])) end--
  if (start < end) reader.onEvent(owner, bytes, start, end)
}

/** What JSON allows around a value, but for LF. */
function isBlank(byte: number | undefined): boolean {
  return byte === SPACE || byte === CR || byte === TAB
}
