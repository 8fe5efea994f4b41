import { US_PER_MS } from '../units.ts'
import type { EndedRequest } from './ended-request.ts'
import type { RequestRecord, ServerTimings, Usage } from './record.ts'
import type { Stamps } from './stamps.ts'

/**
 * A line of `requests.jsonl`: a record whose chunk times are whole microseconds, the first since the
 * run's epoch and each other since the one before. A third of the bytes of plain times in ms.
 */
type StoredRecord = Omit<RequestRecord, 'chunkMs'> & { readonly chunkGapsUs: readonly number[] }

/** Takes the lines of records and hands them on in blocks of bytes. */
export interface LineWriter {
  readonly write: (ended: EndedRequest) => void
  /** Hands on what there is. */
  readonly flush: () => void
}

const BLOCK_BYTES = 128 * 1024
/** More than a line holds beside its texts and chunk times. */
const NUMBERS_BYTES = 2048
const DIGITS_AND_COMMA = 17
/** Three bytes hold any UTF-16 unit in UTF-8; an escape is six characters of one byte. */
const MOST_BYTES_A_CHARACTER = 6
const COMMA = 44
const MINUS = 45
const POINT = 46
const ZERO = 48
const OPENING_BRACE = 123
const CLOSING_BRACE = 125

/** Gets a full block, which is its own from then on, and how many lines are in it. */
export type HandOn = (block: Uint8Array<ArrayBuffer>, lines: number) => void

/**
 * Lines are written into a block as bytes: no object, array or text is made of what every answer has,
 * as this is done on the measuring thread.
 */
export function createLineWriter(handOn: HandOn): LineWriter {
  let line: Line = { bytes: Buffer.allocUnsafeSlow(BLOCK_BYTES), at: 0 }
  let lines = 0

  const flush = (): void => {
    if (line.at === 0) return
    const full = line.bytes.subarray(0, line.at)
    line = { bytes: Buffer.allocUnsafeSlow(BLOCK_BYTES), at: 0 }
    handOn(full as Uint8Array<ArrayBuffer>, lines)
    lines = 0
  }

  const write = (ended: EndedRequest): void => {
    const most = mostBytes(ended)
    if (line.at + most > line.bytes.length) {
      flush()
      if (most > line.bytes.length) line = { bytes: Buffer.allocUnsafeSlow(most), at: 0 }
    }
    putHead(line, ended)
    put(line, keys.chunkGapsUs)
    putChunks(line, ended.chunks)
    put(line, LINE_END)
    lines++
  }

  return { write, flush }
}

/** Where the next byte goes. */
interface Line {
  readonly bytes: Buffer
  at: number
}

const key = (name: string): Buffer => Buffer.from(`,"${name}":`)
const keys = {
  id: Buffer.from('{"id":'),
  level: key('level'),
  dueMs: key('dueMs'),
  sentMs: key('sentMs'),
  connectMs: key('connectMs'),
  firstByteMs: key('firstByteMs'),
  firstEventMs: key('firstEventMs'),
  firstVisibleMs: key('firstVisibleMs'),
  finishMs: key('finishMs'),
  endMs: key('endMs'),
  closedMs: key('closedMs'),
  outcome: key('outcome'),
  httpStatus: key('httpStatus'),
  finishReason: key('finishReason'),
  requestedInputTokens: key('requestedInputTokens'),
  requestedOutputTokens: key('requestedOutputTokens'),
  usage: key('usage'),
  inputTokens: key('inputTokens'),
  outputTokens: key('outputTokens'),
  cachedInputTokens: key('cachedInputTokens'),
  reasoningTokens: key('reasoningTokens'),
  serverTimings: key('serverTimings'),
  promptMs: key('promptMs'),
  decodeMs: key('decodeMs'),
  queueMs: key('queueMs'),
  totalMs: key('totalMs'),
  chunkTokens: Buffer.from(',"chunkTokens":['),
  chunkGapsUs: Buffer.from(',"chunkGapsUs":['),
}
const WARM_UP = Buffer.from(',"phase":"warm-up"')
const MEASURED = Buffer.from(',"phase":"measured"')
const ARRAY_END = Buffer.from(']')
const LINE_END = Buffer.from(']}\n')
const COMPLETED = Buffer.from('{"kind":"completed"}')

/** Bytes that a line cannot exceed. */
function mostBytes({ outcome, finishReason, chunks, chunkTokens }: EndedRequest): number {
  const detail = outcome.kind === 'failed' ? outcome.detail.length : 0
  const characters = detail + (finishReason?.length ?? 0)
  const numbers = chunks.count + (chunkTokens?.length ?? 0)
  return NUMBERS_BYTES + MOST_BYTES_A_CHARACTER * characters + DIGITS_AND_COMMA * numbers
}

/** As `toRecord` has it: times to the microsecond, and nothing where it is absent. */
function putHead(line: Line, ended: EndedRequest): void {
  const { request, outcome } = ended
  putNumber(line, keys.id, request.id)
  putNumber(line, keys.level, request.level)
  // Not looked up by name: code compiled while there was but one would be thrown away when the window begins.
  put(line, request.phase === 'measured' ? MEASURED : WARM_UP)
  putMs(line, keys.dueMs, request.dueMs)
  putMs(line, keys.sentMs, ended.sentMs)
  putMs(line, keys.connectMs, ended.connectMs)
  putMs(line, keys.firstByteMs, ended.firstByteMs)
  putMs(line, keys.firstEventMs, ended.firstEventMs)
  putMs(line, keys.firstVisibleMs, ended.firstVisibleMs)
  putMs(line, keys.finishMs, ended.finishMs)
  putMs(line, keys.endMs, ended.endMs)
  putMs(line, keys.closedMs, ended.closedMs)
  if (outcome.kind === 'completed') {
    put(line, keys.outcome)
    put(line, COMPLETED)
  } else putJson(line, keys.outcome, outcome)
  putNumber(line, keys.httpStatus, ended.httpStatus)
  if (ended.finishReason !== undefined) putJson(line, keys.finishReason, ended.finishReason)
  putNumber(line, keys.requestedInputTokens, request.requestedInputTokens)
  putNumber(line, keys.requestedOutputTokens, request.requestedOutputTokens)
  if (ended.usage !== undefined) putUsage(line, ended.usage)
  if (ended.serverTimings !== undefined) putServerTimings(line, ended.serverTimings)
  if (ended.chunkTokens !== undefined) putChunkTokens(line, ended.chunkTokens)
}

function putUsage(line: Line, usage: Usage): void {
  put(line, keys.usage)
  const start = line.at
  putNumber(line, keys.inputTokens, usage.inputTokens)
  putNumber(line, keys.outputTokens, usage.outputTokens)
  putNumber(line, keys.cachedInputTokens, usage.cachedInputTokens)
  putNumber(line, keys.reasoningTokens, usage.reasoningTokens)
  putBraces(line, start)
}

function putServerTimings(line: Line, timings: ServerTimings): void {
  put(line, keys.serverTimings)
  const start = line.at
  putMs(line, keys.promptMs, timings.promptMs)
  putMs(line, keys.decodeMs, timings.decodeMs)
  putMs(line, keys.queueMs, timings.queueMs)
  putMs(line, keys.totalMs, timings.totalMs)
  putNumber(line, keys.inputTokens, timings.inputTokens)
  putNumber(line, keys.outputTokens, timings.outputTokens)
  putNumber(line, keys.cachedInputTokens, timings.cachedInputTokens)
  putBraces(line, start)
}

function putChunkTokens(line: Line, tokens: readonly number[]): void {
  put(line, keys.chunkTokens)
  for (let i = 0; i < tokens.length; i++) {
    if (i > 0) line.bytes[line.at++] = COMMA
    line.at = writeInteger(line.bytes, line.at, tokens[i] ?? 0)
  }
  put(line, ARRAY_END)
}

/** Around the fields written since `start`, each of which has a comma before it. */
function putBraces(line: Line, start: number): void {
  if (line.at === start) line.at++
  // In place of the comma before the first.
  line.bytes[start] = OPENING_BRACE
  line.bytes[line.at++] = CLOSING_BRACE
}

function put(line: Line, text: Buffer): void {
  const { bytes, at } = line
  for (let i = 0; i < text.length; i++) bytes[at + i] = text[i] ?? 0
  line.at = at + text.length
}

function putNumber(line: Line, name: Buffer, value: number | undefined): void {
  if (value === undefined) return
  put(line, name)
  line.at = writeInteger(line.bytes, line.at, value)
}

function putMs(line: Line, name: Buffer, ms: number | undefined): void {
  if (ms === undefined) return
  put(line, name)
  const us = Math.round(ms * US_PER_MS)
  const wholeMs = Math.trunc(us / US_PER_MS)
  const { bytes } = line
  if (us < 0) bytes[line.at++] = MINUS
  line.at = writeInteger(bytes, line.at, Math.abs(wholeMs))
  const restUs = Math.abs(us - wholeMs * US_PER_MS)
  bytes[line.at++] = POINT
  bytes[line.at++] = ZERO + Math.floor(restUs / 100)
  bytes[line.at++] = ZERO + (Math.floor(restUs / 10) % 10)
  bytes[line.at++] = ZERO + (restUs % 10)
}

/** JSON leaves U+2028 and U+2029 as they are, and newer versions of Node read them as line ends. */
function putJson(line: Line, name: Buffer, value: string | object): void {
  put(line, name)
  const json = JSON.stringify(value).replaceAll('\u2028', '\\u2028').replaceAll('\u2029', '\\u2029')
  line.at += line.bytes.write(json, line.at)
}

function putChunks(line: Line, { count, firstUs, gapsUs }: Stamps): void {
  if (count === 0) return
  const { bytes } = line
  let at = writeInteger(bytes, line.at, firstUs)
  for (let i = 0; i < count - 1; i++) {
    bytes[at++] = COMMA
    at = writeInteger(bytes, at, gapsUs[i] ?? 0)
  }
  line.at = at
}

/** Decimal digits of a whole number. */
function writeInteger(bytes: Buffer, from: number, value: number): number {
  if (value < 0) {
    bytes[from] = MINUS
    return writeInteger(bytes, from + 1, -value)
  }
  let digits = 1
  for (let power = 10; value >= power; power *= 10) digits++
  let left = value
  for (let at = from + digits - 1; at >= from; at--) {
    const tenth = Math.floor(left / 10)
    bytes[at] = ZERO + (left - 10 * tenth)
    left = tenth
  }
  return from + digits
}

/** The record of a line, or nothing when the line is none: a crash cuts the last one. */
export function parseLine(line: string): RequestRecord | undefined {
  let stored: StoredRecord | null
  try {
    stored = JSON.parse(line) as StoredRecord | null
  } catch {
    return undefined
  }
  if (!isStoredRecord(stored)) return undefined
  const { chunkGapsUs, ...head } = stored
  const chunkMs = new Array<number>(chunkGapsUs.length)
  let us = 0
  for (let i = 0; i < chunkMs.length; i++) {
    us += chunkGapsUs[i] ?? 0
    chunkMs[i] = us / US_PER_MS
  }
  return { ...head, chunkMs }
}

/** Enough of a record's shape that figures can be made of it. */
function isStoredRecord(stored: StoredRecord | null): stored is StoredRecord {
  return (
    typeof stored?.id === 'number' &&
    typeof stored.level === 'number' &&
    typeof stored.outcome?.kind === 'string' &&
    isNumbers(stored.chunkGapsUs) &&
    (stored.chunkTokens === undefined || isNumbers(stored.chunkTokens))
  )
}

function isNumbers(value: unknown): value is readonly number[] {
  return Array.isArray(value) && value.every((each) => typeof each === 'number')
}
