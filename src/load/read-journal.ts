import { type FileHandle, open } from 'node:fs/promises'
import { messageOf, UserError } from '../errors.ts'
import { createIdSet } from './id-set.ts'
import type { RequestRecord } from './record.ts'
import { parseLine } from './record-line.ts'

/** What a journal held: `records` were visited, the rest left out. */
export interface JournalCounts {
  readonly records: number
  /** Lines that are no record: a crash cuts the last one. Empty lines are none. */
  readonly unreadableLines: number
  /** Records whose id an earlier record has: one request ends in one record, so only the first counts. */
  readonly repeatedIds: number
}

/**
 * Visits the records of a journal in their order, each id once. Holds a block of the file, or the
 * longest line where that is more, and a bit for each id.
 *
 * @param fromByte where a line begins; the file's start when absent
 * @throws UserError when the file cannot be read; and whatever `visit` throws
 */
export async function eachRecord(
  file: string,
  visit: (record: RequestRecord) => void,
  fromByte = 0,
): Promise<JournalCounts> {
  const counts = { records: 0, unreadableLines: 0, repeatedIds: 0 }
  const ids = createIdSet()
  await eachLine(file, fromByte, (line) => {
    const record = line && parseLine(line)
    if (!record) {
      if (line?.trim() !== '') counts.unreadableLines++
    } else if (ids.add(record.id)) {
      counts.records++
      visit(record)
    } else counts.repeatedIds++
  })
  return counts
}

const BLOCK_BYTES = 1024 * 1024
/** An answer of ten million chunks is shorter. What is longer is no journal, and must not fill the memory. */
const MAX_LINE_BYTES = 64 * 1024 * 1024
const LINE_END = 10

/** @param visit gets each line without its end, or nothing for one that is too long to be a record */
async function eachLine(
  file: string,
  fromByte: number,
  visit: (line: string | undefined) => void,
): Promise<void> {
  const handle = await open(file).catch((cause: unknown) => {
    throw unreadable(file, cause)
  })
  try {
    let buffer = Buffer.allocUnsafeSlow(BLOCK_BYTES)
    /** Bytes of a line that has not ended, at the buffer's start. */
    let kept = 0
    let isTooLong = false
    let position = fromByte
    for (;;) {
      const bytesRead = await readInto({ handle, file, position }, buffer.subarray(kept))
      position += bytesRead
      const filled = kept + bytesRead
      if (filled === kept) break
      const bytes = buffer.subarray(0, filled)
      let start = 0
      for (
        let end = bytes.indexOf(LINE_END, kept);
        end >= 0;
        end = bytes.indexOf(LINE_END, start)
      ) {
        visit(isTooLong ? undefined : bytes.toString('utf8', start, end))
        isTooLong = false
        start = end + 1
      }
      kept = filled - start
      if (kept < buffer.length) buffer.copyWithin(0, start, filled)
      else if (kept < MAX_LINE_BYTES) buffer = twiceAsLong(buffer)
      else isTooLong = true
      if (isTooLong) kept = 0
    }
    if (isTooLong) visit(undefined)
    else if (kept > 0) visit(buffer.toString('utf8', 0, kept))
  } finally {
    await handle.close()
  }
}

function twiceAsLong(buffer: Buffer<ArrayBuffer>): Buffer<ArrayBuffer> {
  const longer = Buffer.allocUnsafeSlow(2 * buffer.length)
  buffer.copy(longer)
  return longer
}

interface Place {
  readonly handle: FileHandle
  readonly file: string
  readonly position: number
}

async function readInto({ handle, file, position }: Place, buffer: Buffer): Promise<number> {
  try {
    return (await handle.read(buffer, 0, buffer.length, position)).bytesRead
  } catch (cause) {
    throw unreadable(file, cause)
  }
}

function unreadable(file: string, cause: unknown): UserError {
  return new UserError(`Cannot read ${file}: ${messageOf(cause)}`, {
    remedy: 'Is it a results directory?',
    cause,
  })
}
