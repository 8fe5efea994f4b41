import { findByte } from './find-byte.ts'
import {
  checkEventBytes,
  dropLine,
  growLine,
  keepLine,
  type OnEvent,
  takeLine,
  type UnfinishedLine,
} from './unfinished-line.ts'

/** Where the reading of a stream of server-sent events stands, however its bytes are split. */
export interface SseReader<Owner> extends UnfinishedLine {
  readonly framing: 'sse'
  readonly onEvent: OnEvent<Owner>
  /** Data of the event so far: a stretch of `held`; no data while `dataStart` is `NONE`. */
  held: Buffer
  dataStart: number
  dataEnd: number
  /** The LF of a CRLF may come with the next read. */
  skipLf: boolean
  /** Nothing of the stream was read yet. */
  first: boolean
}

const LF = 10
const CR = 13
const SPACE = 32
const COLON = 58
const BOM = Buffer.from('\uFEFF')
const EMPTY = Buffer.alloc(0)
const NONE = -1
const [D = 0, A = 0, T = 0] = Buffer.from('dat')
const DATA_LENGTH = 4

export function createSseReader<Owner>(onEvent: OnEvent<Owner>): SseReader<Owner> {
  return {
    framing: 'sse',
    onEvent,
    pending: EMPTY,
    pendingBytes: 0,
    held: EMPTY,
    dataStart: NONE,
    dataEnd: NONE,
    skipLf: false,
    first: true,
  }
}

/** Makes a reader ready for another stream. */
export function resetSseReader<Owner>(reader: SseReader<Owner>): void {
  dropLine(reader)
  reader.held = EMPTY
  reader.dataStart = NONE
  reader.dataEnd = NONE
  reader.skipLf = false
  reader.first = true
}

/**
 * Takes the next bytes of a stream. Lines end with LF, CRLF or CR; comments and fields other than
 * `data` are skipped; several data lines of one event are joined by LF; an event ends with an empty
 * line (WHATWG HTML, section 9.2.6). An event that the stream never finished is not reported. No text
 * is made of the bytes: this runs for every token. Bytes beyond `end` never count, but a search is
 * quicker when an LF and a CR lie there to stop it.
 *
 * @throws HttpProtocolError for an event of over 16 MiB
 */
export function readEvents<Owner>(
  reader: SseReader<Owner>,
  owner: Owner,
  read: Buffer,
  readStart: number,
  readEnd: number,
): void {
  if (reader.pendingBytes === 0) {
    readLines(reader, owner, read, readStart, readEnd)
    return
  }
  if (
    findByte(read, LF, readStart, readEnd) === NONE &&
    findByte(read, CR, readStart, readEnd) === NONE
  ) {
    growLine(reader, read, readStart, readEnd)
    return
  }
  const joined = takeLine(reader, read, readStart, readEnd)
  readLines(reader, owner, joined, 0, joined.length)
}

function readLines<Owner>(
  reader: SseReader<Owner>,
  owner: Owner,
  bytes: Buffer,
  start: number,
  end: number,
): void {
  let from = start
  if (reader.skipLf && from < end) {
    reader.skipLf = false
    if (bytes[from] === LF) from++
  }
  let cr = findByte(bytes, CR, from, end)
  while (from < end) {
    if (cr !== NONE && cr < from) cr = findByte(bytes, CR, from, end)
    // The second line end of an event follows the first: no search is needed for it.
    const lf = bytes[from] === LF ? from : findByte(bytes, LF, from, end)
    const lineEnd = nearest(lf, cr)
    if (lineEnd === NONE) break
    readLine(reader, owner, bytes, from, lineEnd)
    from = lineEnd + 1
    if (lineEnd === cr) {
      if (from === end) reader.skipLf = true
      else if (bytes[from] === LF) from++
    }
  }
  keep(reader, bytes, from, end)
}

function readLine<Owner>(
  reader: SseReader<Owner>,
  owner: Owner,
  bytes: Buffer,
  lineStart: number,
  end: number,
): void {
  let start = lineStart
  if (reader.first) {
    reader.first = false
    if (startsWithBom(bytes, start, end)) start += BOM.length
  }
  if (start === end) dispatch(reader, owner)
  else if (isData(bytes, start, end)) addData(reader, bytes, valueStart(bytes, start, end), end)
}

function dispatch<Owner>(reader: SseReader<Owner>, owner: Owner): void {
  if (reader.dataStart === NONE) return
  const start = reader.dataStart
  reader.dataStart = NONE
  reader.onEvent(owner, reader.held, start, reader.dataEnd)
}

function addData<Owner>(reader: SseReader<Owner>, bytes: Buffer, start: number, end: number): void {
  if (reader.dataStart === NONE) {
    reader.held = bytes
    reader.dataStart = start
    reader.dataEnd = end
    return
  }
  const needed = reader.dataEnd - reader.dataStart + 1 + end - start
  checkEventBytes(needed)
  // Twice the room, so that an event of very many lines is not copied for each of them.
  if (reader.held === bytes || needed > reader.held.length) moveData(reader, 2 * needed)
  reader.held[reader.dataEnd] = LF
  bytes.copy(reader.held, reader.dataEnd + 1, start, end)
  reader.dataEnd = needed
}

/** To the start of a buffer of its own, which no read overwrites. */
function moveData<Owner>(reader: SseReader<Owner>, room: number): void {
  const { held, dataStart, dataEnd } = reader
  reader.held = Buffer.allocUnsafe(room)
  reader.dataStart = 0
  reader.dataEnd = held.copy(reader.held, 0, dataStart, dataEnd)
}

/** What is kept beyond a read is copied: the socket's buffer is overwritten by the next. */
function keep<Owner>(reader: SseReader<Owner>, bytes: Buffer, from: number, end: number): void {
  keepLine(reader, bytes, from, end)
  if (reader.dataStart === NONE) {
    reader.held = EMPTY
    return
  }
  if (reader.held === bytes) moveData(reader, reader.dataEnd - reader.dataStart)
}

function nearest(a: number, b: number): number {
  if (a === NONE) return b
  return b === NONE ? a : Math.min(a, b)
}

function startsWithBom(bytes: Buffer, start: number, end: number): boolean {
  if (end - start < BOM.length) return false
  for (let i = 0; i < BOM.length; i++) if (bytes[start + i] !== BOM[i]) return false
  return true
}

/** Whether the line is of the field `data`, with a value or without. */
function isData(bytes: Buffer, start: number, end: number): boolean {
  const after = start + DATA_LENGTH
  return (
    after <= end &&
    bytes[start] === D &&
    bytes[start + 1] === A &&
    bytes[start + 2] === T &&
    bytes[start + 3] === A &&
    (after === end || bytes[after] === COLON)
  )
}

/** One space after the colon is not part of the value. */
function valueStart(bytes: Buffer, start: number, end: number): number {
  const colon = start + DATA_LENGTH
  if (colon === end) return end
  return colon + 1 < end && bytes[colon + 1] === SPACE ? colon + 2 : colon + 1
}
