import { HttpProtocolError } from './response-reader.ts'

/** Hears of one event's data: a stretch of bytes in a buffer that is reused, so copy to keep. */
export type OnEvent<Owner> = (owner: Owner, bytes: Buffer, start: number, end: number) => void

/** llama.cpp repeats the prompt in its last event: a million tokens are some 5 MiB. */
const MAX_EVENT_BYTES = 16 * 1024 * 1024

/** @throws HttpProtocolError for an event, or what there is of it, of over 16 MiB */
export function checkEventBytes(bytes: number): void {
  if (bytes > MAX_EVENT_BYTES) throw new HttpProtocolError('an event of over 16 MiB')
}

/** A line whose end is still to come: the first `pendingBytes` of `pending`. */
export interface UnfinishedLine {
  pending: Buffer
  pendingBytes: number
}

const EMPTY = Buffer.alloc(0)

export function dropLine(line: UnfinishedLine): void {
  line.pending = EMPTY
  line.pendingBytes = 0
}

/**
 * Keeps what a read left over: a copy, as the socket's buffer is overwritten by the next read.
 *
 * @throws HttpProtocolError for over 16 MiB
 */
export function keepLine(line: UnfinishedLine, bytes: Buffer, start: number, end: number): void {
  checkEventBytes(end - start)
  line.pending = start === end ? EMPTY : Buffer.from(bytes.subarray(start, end))
  line.pendingBytes = end - start
}

/**
 * Adds bytes that hold no line end. Room is doubled, so that a line of many reads is not copied for
 * each of them.
 *
 * @throws HttpProtocolError for a line of over 16 MiB
 */
export function growLine(line: UnfinishedLine, bytes: Buffer, start: number, end: number): void {
  const needed = line.pendingBytes + end - start
  checkEventBytes(needed)
  if (needed > line.pending.length) {
    const { pending } = line
    line.pending = Buffer.allocUnsafe(2 * needed)
    pending.copy(line.pending, 0, 0, line.pendingBytes)
  }
  bytes.copy(line.pending, line.pendingBytes, start, end)
  line.pendingBytes = needed
}

/** Takes the line, with the bytes that hold its end and more. */
export function takeLine(line: UnfinishedLine, bytes: Buffer, start: number, end: number): Buffer {
  const pending = line.pending.subarray(0, line.pendingBytes)
  dropLine(line)
  return Buffer.concat([pending, bytes.subarray(start, end)])
}
