import { HttpProtocolError } from './response-reader.ts'

/** Reads server-sent events from bytes, however they are split. */
export interface SseReader {
  readonly push: (bytes: Buffer, start: number, end: number) => void
}

/** Hears of one event's data: a stretch of bytes in a buffer that is reused, so copy to keep. */
export type OnEvent = (bytes: Buffer, start: number, end: number) => void

const LF = 10
const CR = 13
const SPACE = 32
const COLON = 58
const BOM = Buffer.from('\uFEFF')
const DATA = Buffer.from('data')
const EMPTY = Buffer.alloc(0)
const NONE = -1
const MAX_LINE_BYTES = 16 * 1024 * 1024

/**
 * Lines end with LF, CRLF or CR; comments and fields other than `data` are skipped; several data
 * lines of one event are joined by LF; an event ends with an empty line (WHATWG HTML, section 9.2.6).
 * An event that the stream never finished is not reported. No text is made of the bytes: this runs
 * for every token.
 */
export function createSseReader(onEvent: OnEvent): SseReader {
  /** An unfinished line. */
  let pending: Buffer = EMPTY
  /** Data of the event so far: a stretch of `held`; no data while `dataStart` is `NONE`. */
  let held: Buffer = EMPTY
  let dataStart = NONE
  let dataEnd = NONE
  let skipLf = false
  let first = true

  const line = (bytes: Buffer, lineStart: number, end: number): void => {
    const start =
      first && startsWith(bytes, lineStart, end, BOM) ? lineStart + BOM.length : lineStart
    first = false
    if (start === end) dispatch()
    else if (isData(bytes, start, end)) addData(bytes, valueStart(bytes, start, end), end)
  }

  const dispatch = (): void => {
    if (dataStart === NONE) return
    const start = dataStart
    dataStart = NONE
    onEvent(held, start, dataEnd)
  }

  const addData = (bytes: Buffer, start: number, end: number): void => {
    if (dataStart === NONE) {
      held = bytes
      dataStart = start
      dataEnd = end
      return
    }
    held = Buffer.concat([
      held.subarray(dataStart, dataEnd),
      Buffer.from([LF]),
      bytes.subarray(start, end),
    ])
    dataStart = 0
    dataEnd = held.length
  }

  /** What is kept beyond a read is copied: the socket's buffer is overwritten by the next. */
  const keep = (bytes: Buffer, from: number, end: number): void => {
    if (end - from > MAX_LINE_BYTES) throw new HttpProtocolError('an event of over 16 MiB')
    pending = from === end ? EMPTY : Buffer.from(bytes.subarray(from, end))
    if (dataStart === NONE || held !== bytes) return
    held = Buffer.from(bytes.subarray(dataStart, dataEnd))
    dataStart = 0
    dataEnd = held.length
  }

  const push = (read: Buffer, readStart: number, readEnd: number): void => {
    const joined = pending.length > 0
    const bytes = joined ? Buffer.concat([pending, read.subarray(readStart, readEnd)]) : read
    const end = joined ? bytes.length : readEnd
    let from = joined ? 0 : readStart
    if (skipLf && from < end) {
      skipLf = false
      if (bytes[from] === LF) from++
    }
    let cr = find(bytes, CR, from, end)
    for (;;) {
      if (cr !== NONE && cr < from) cr = find(bytes, CR, from, end)
      const lf = find(bytes, LF, from, end)
      const lineEnd = nearest(lf, cr)
      if (lineEnd === NONE) break
      line(bytes, from, lineEnd)
      from = lineEnd + 1
      if (lineEnd === cr) {
        // The LF of a CRLF may only come with the next read.
        if (from === end) skipLf = true
        else if (bytes[from] === LF) from++
      }
    }
    keep(bytes, from, end)
  }

  return { push }
}

function find(bytes: Buffer, byte: number, from: number, end: number): number {
  const at = bytes.indexOf(byte, from)
  return at < end ? at : NONE
}

function nearest(a: number, b: number): number {
  if (a === NONE) return b
  return b === NONE ? a : Math.min(a, b)
}

function startsWith(bytes: Buffer, start: number, end: number, what: Buffer): boolean {
  if (end - start < what.length) return false
  for (let i = 0; i < what.length; i++) if (bytes[start + i] !== what[i]) return false
  return true
}

/** Whether the line is of the field `data`, with a value or without. */
function isData(bytes: Buffer, start: number, end: number): boolean {
  const after = start + DATA.length
  return startsWith(bytes, start, end, DATA) && (after === end || bytes[after] === COLON)
}

/** One space after the colon is not part of the value. */
function valueStart(bytes: Buffer, start: number, end: number): number {
  const colon = start + DATA.length
  if (colon === end) return end
  return colon + 1 < end && bytes[colon + 1] === SPACE ? colon + 2 : colon + 1
}
