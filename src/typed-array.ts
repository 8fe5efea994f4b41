type TypedArray = Uint8Array<ArrayBuffer> | Uint32Array<ArrayBuffer> | Float64Array<ArrayBuffer>

/** A copy that has the index, its length doubled as often as that takes. The array must not be empty. */
export function grownTo<T extends TypedArray>(
  array: T,
  index: number,
  make: (length: number) => T,
): T {
  let { length } = array
  while (length <= index) length *= 2
  const longer = make(length)
  longer.set(array)
  return longer
}
