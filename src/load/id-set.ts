import { grownTo } from '../typed-array.ts'

/** Which ids were seen. */
export interface IdSet {
  /** Whether the id is new, and from now on it is not. */
  readonly add: (id: number) => boolean
}

const FEWEST_BYTES = 1024
/** 16 MiB, a bit for each of 134 million ids. */
const MOST_BYTES = 2 ** 24
const BITS = 8

/**
 * A bit an id, for ids that count up from 0 with holes or without. Ids beyond the bitmap's bound, or
 * that are no whole numbers, are as right but cost some tens of bytes each.
 */
export function createIdSet(): IdSet {
  let bits = new Uint8Array(FEWEST_BYTES)
  const others = new Set<number>()

  const addOther = (id: number): boolean => {
    const isNew = !others.has(id)
    others.add(id)
    return isNew
  }

  return {
    add: (id) => {
      if (!Number.isInteger(id) || id < 0 || id >= MOST_BYTES * BITS) return addOther(id)
      const at = Math.floor(id / BITS)
      if (at >= bits.length) bits = grownTo(bits, at, (bytes) => new Uint8Array(bytes))
      const before = bits[at] ?? 0
      const after = before | (1 << (id % BITS))
      bits[at] = after
      return after !== before
    },
  }
}
