import { checkEventBytes, type OnEvent } from './event-limits.ts'

/** Where the reading of a stream of lines of JSON stands, however its bytes are split. */
export interface NdjsonReader<Owner> {
  readonly framing: 'ndjson'
  readonly onEvent: OnEvent<Owner>
  /** An unfinished line. */
  pending: Buffer
}

const LF = 10
const CR = 13
const SPACE = 32
const TAB = 9
const EMPTY = Buffer.alloc(0)

export function createNdjsonReader<Owner>(onEvent: OnEvent<Owner>): NdjsonReader<Owner> {
  return { framing: 'ndjson', onEvent, pending: EMPTY }
}

/** Makes a reader ready for another stream. */
export function resetNdjsonReader<Owner>(reader: NdjsonReader<Owner>): void {
  reader.pending = EMPTY
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
  if (reader.pending.length === 0) {
    readLines(reader, owner, read, readStart, readEnd)
    return
  }
  const joined = Buffer.concat([reader.pending, read.subarray(readStart, readEnd)])
  readLines(reader, owner, joined, 0, joined.length)
}

/** Call at the proper end of a stream: its last line needs no LF. */
export function endNdjson<Owner>(reader: NdjsonReader<Owner>, owner: Owner): void {
  const { pending } = reader
  reader.pending = EMPTY
  tellLine(reader, owner, pending, 0, pending.length)
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
    const lf = bytes.indexOf(LF, from)
    if (lf < 0 || lf >= end) break
    tellLine(reader, owner, bytes, from, lf)
    from = lf + 1
  }
  checkEventBytes(end - from)
  // The socket's buffer is overwritten by the next read.
  reader.pending = from === end ? EMPTY : Buffer.from(bytes.subarray(from, end))
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
