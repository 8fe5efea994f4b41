import { ratio } from '../arithmetic.ts'
import { grownTo } from '../typed-array.ts'
import type { Samples } from './samples.ts'

/** Numbers, in a typed array outside the heap: 8 bytes each, up to 16 with the room to grow into. */
export interface Column {
  readonly add: (value: number) => void
  readonly size: () => number
  /** Sorts what was added, in its place. */
  readonly samples: () => Samples
}

const FEWEST = 256

/** An empty column. */
export function createColumn(): Column {
  let values = new Float64Array(FEWEST)
  let n = 0
  let total = 0
  return {
    add: (value) => {
      if (n === values.length) values = grownTo(values, n, (length) => new Float64Array(length))
      values[n++] = value
      total += value
    },
    size: () => n,
    samples: () => {
      const ascending = values.subarray(0, n).sort()
      return { n, mean: ratio(total, n), valueAtRank: (rank) => ascending[rank - 1] }
    },
  }
}
