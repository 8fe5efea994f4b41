import { ratio } from '../arithmetic.ts'
import { grownTo } from '../typed-array.ts'
import { US_PER_MS } from '../units.ts'
import type { Samples } from './samples.ts'

/**
 * How often each gap came, in whole microseconds. As records hold whole microseconds, nothing is
 * rounded or put into classes: every rank is that of the raw samples.
 */
export interface GapHistogram {
  readonly add: (us: number) => void
  /** The gaps so far, in ms. */
  readonly samples: () => Samples
}

const FEWEST = 4096
/** 2^20 us, about a second: at most 4 MiB of counts. Longer gaps are rare, and each length of them costs some tens of bytes. */
const MOST = 2 ** 20

/** A histogram of no gaps. */
export function createGapHistogram(): GapHistogram {
  let counts = new Uint32Array(FEWEST)
  const others = new Map<number, number>()
  return {
    add: (us) => {
      if (us >= counts.length && us < MOST)
        counts = grownTo(counts, us, (length) => new Uint32Array(length))
      const before = counts[us]
      if (before === undefined) others.set(us, (others.get(us) ?? 0) + 1)
      else counts[us] = before + 1
    },
    samples: () => {
      const { us, upTo, totalUs } = cumulate(counts, others)
      const n = upTo.at(-1) ?? 0
      return {
        n,
        mean: ratio(totalUs, n * US_PER_MS),
        valueAtRank: (rank) => ratio(us[firstReaching(upTo, rank)], US_PER_MS),
      }
    },
  }
}

/** The values there are, ascending, beside each how many samples do not exceed it, and the sum of all samples. */
function cumulate(
  counts: Uint32Array,
  others: ReadonlyMap<number, number>,
): { us: Float64Array; upTo: Float64Array; totalUs: number } {
  const distinct = counts.reduce((sum, count) => (count > 0 ? sum + 1 : sum), others.size)
  const us = new Float64Array(distinct)
  let next = 0
  counts.forEach((count, value) => {
    if (count > 0) us[next++] = value
  })
  us.set([...others.keys()], next)
  us.sort()
  let n = 0
  let totalUs = 0
  const upTo = us.map((value) => {
    const count = counts[value] ?? others.get(value) ?? 0
    totalUs += count * value
    n += count
    return n
  })
  return { us, upTo, totalUs }
}

/** Index of the first number that is `rank` or more; -1 for a rank below 1, the length where none is. */
function firstReaching(ascending: Float64Array, rank: number): number {
  if (rank < 1) return -1
  let low = 0
  let high = ascending.length
  while (low < high) {
    const middle = Math.floor((low + high) / 2)
    if ((ascending[middle] ?? 0) >= rank) high = middle
    else low = middle + 1
  }
  return low
}
