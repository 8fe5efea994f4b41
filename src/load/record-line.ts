import { US_PER_MS } from '../units.ts'
import { type EndedRequest, recordHead } from './ended-request.ts'
import type { RequestRecord } from './record.ts'
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
const DIGITS_AND_COMMA = 17
const COMMA = 44
const ZERO = 48
const END = ']}\n'

/** Gets a full block, which is its own from then on, and how many lines are in it. */
export type HandOn = (block: Uint8Array<ArrayBuffer>, lines: number) => void

/**
 * Lines are written into a block as bytes: no array and no text is made of an answer's chunk times,
 * which are most of a line.
 */
export function createLineWriter(handOn: HandOn): LineWriter {
  let block = Buffer.allocUnsafeSlow(BLOCK_BYTES)
  let used = 0
  let lines = 0

  const flush = (): void => {
    if (used === 0) return
    const full = block.subarray(0, used)
    block = Buffer.allocUnsafeSlow(BLOCK_BYTES)
    used = 0
    handOn(full as Uint8Array<ArrayBuffer>, lines)
    lines = 0
  }

  const write = (ended: EndedRequest): void => {
    const head = lineHead(ended)
    // Three bytes hold any UTF-16 unit in UTF-8.
    const most = 3 * head.length + DIGITS_AND_COMMA * ended.chunks.count + END.length
    if (used + most > block.length) {
      flush()
      if (most > block.length) block = Buffer.allocUnsafeSlow(most)
    }
    used += block.write(head, used)
    used = writeChunks(block, used, ended.chunks)
    used += block.write(END, used, 'latin1')
    lines++
  }

  return { write, flush }
}

/** JSON leaves U+2028 and U+2029 as they are, and newer versions of Node read them as line ends. */
function lineHead(ended: EndedRequest): string {
  const json = JSON.stringify(recordHead(ended))
    .replaceAll('\u2028', '\\u2028')
    .replaceAll('\u2029', '\\u2029')
  return `${json.slice(0, -1)},"chunkGapsUs":[`
}

function writeChunks(bytes: Buffer, from: number, { count, firstUs, gapsUs }: Stamps): number {
  if (count === 0) return from
  let at = writeInteger(bytes, from, firstUs)
  for (let i = 0; i < count - 1; i++) {
    bytes[at++] = COMMA
    at = writeInteger(bytes, at, gapsUs[i] ?? 0)
  }
  return at
}

/** Decimal digits of a whole number, 0 or more. */
function writeInteger(bytes: Buffer, from: number, value: number): number {
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
  let us = 0
  const chunkMs = chunkGapsUs.map((gapUs) => {
    us += gapUs
    return us / US_PER_MS
  })
  return { ...head, chunkMs }
}

/** Enough of a record's shape that figures can be made of it. */
function isStoredRecord(stored: StoredRecord | null): stored is StoredRecord {
  return (
    typeof stored?.id === 'number' &&
    typeof stored.level === 'number' &&
    typeof stored.outcome?.kind === 'string' &&
    Array.isArray(stored.chunkGapsUs) &&
    stored.chunkGapsUs.every((us) => typeof us === 'number')
  )
}
