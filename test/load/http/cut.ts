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

/** Pushes each piece from a buffer that is overwritten afterwards, as a socket's read buffer is. */
export function pushReused(
  reader: { readonly push: (bytes: Buffer) => void },
  pieces: readonly Buffer[],
): void {
  for (const piece of pieces) {
    const reused = Buffer.from(piece)
    reader.push(reused)
    reused.fill('#')
  }
}

/** Places to cut at, many or few. */
export const anyCuts = fc.array(fc.nat(4_000), { maxLength: 30 })
