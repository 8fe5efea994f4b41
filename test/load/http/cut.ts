import fc from 'fast-check'

/** Pieces of the bytes, cut at the places given, wherever those fall. */
export function cutAt(bytes: Buffer, places: readonly number[]): Buffer[] {
  const cuts = [...new Set(places.map((place) => place % (bytes.length + 1)))].sort((a, b) => a - b)
  const ends = [...cuts, bytes.length]
  return ends.map((end, i) => bytes.subarray(ends[i - 1] ?? 0, end))
}

/** One byte a piece. */
export function bytewise(bytes: Buffer): Buffer[] {
  return Array.from(bytes, (byte) => Buffer.from([byte]))
}

/** These lie around what is pushed, and must never be taken for a part of it. */
const before = Buffer.from('a\r\n\n')
const after = Buffer.from('\n\r"')

/** Pushes each piece as a read comes: inside a longer buffer, which is overwritten afterwards. */
export function pushReused(
  push: (bytes: Buffer, start: number, end: number) => void,
  pieces: readonly Buffer[],
): void {
  for (const piece of pieces) {
    const reused = Buffer.concat([before, piece, after])
    push(reused, before.length, before.length + piece.length)
    reused.fill('#')
  }
}

/** Places to cut at, many or few. */
export const anyCuts = fc.array(fc.nat(4_000), { maxLength: 30 })
