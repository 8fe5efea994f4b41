/** Where the byte is in the bytes from `from` up to but without `end`; -1 where it is not. */
export function findByte(bytes: Buffer, byte: number, from: number, end: number): number {
  const at = bytes.indexOf(byte, from)
  return at < end ? at : -1
}
