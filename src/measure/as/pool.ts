import { type Maybe, ratio } from '../../arithmetic.ts'
import { MS_PER_S, US_PER_MS } from '../../units.ts'
import { createColumn } from '../column.ts'
import { createGapHistogram } from '../gap-histogram.ts'
import type { Samples } from '../samples.ts'

/** Samples, and what tools make of them beside percentiles. Unknown where there are none. */
export interface Statistics {
  readonly samples: Samples
  readonly n: number
  readonly total: number
  readonly mean: Maybe
  /** Of the population (divided by n), as `numpy.std` unless told otherwise. */
  readonly std: Maybe
  readonly min: Maybe
  readonly max: Maybe
}

/** Takes samples one at a time. */
export interface Pool {
  readonly add: (value: number) => void
  readonly finish: () => Statistics
}

/** A pool of any numbers: up to 16 bytes each. */
export function createPool(): Pool {
  const column = createColumn()
  const spread = createSpread()
  return {
    add: (value) => {
      column.add(value)
      spread.add(value)
    },
    finish: () => statisticsOf(column.samples(), spread),
  }
}

/** A pool of gaps in whole microseconds, its statistics in ms: memory for each length of gap, not each gap. */
export function createGapPool(): Pool {
  const histogram = createGapHistogram()
  const spread = createSpread()
  return {
    add: (us) => {
      histogram.add(us)
      spread.add(us / US_PER_MS)
    },
    finish: () => statisticsOf(histogram.samples(), spread),
  }
}

/** Statistics of times in ms, in seconds. */
export function inSeconds(statistics: Statistics): Statistics {
  const scaled = (ms: Maybe): Maybe => ratio(ms, MS_PER_S)
  const { samples, n, total, mean, std, min, max } = statistics
  return {
    samples: {
      n,
      mean: scaled(samples.mean),
      valueAtRank: (rank) => scaled(samples.valueAtRank(rank)),
    },
    n,
    total: total / MS_PER_S,
    mean: scaled(mean),
    std: scaled(std),
    min: scaled(min),
    max: scaled(max),
  }
}

function statisticsOf(samples: Samples, { total, std }: Spread): Statistics {
  const { n, mean, valueAtRank } = samples
  return {
    samples,
    n,
    total: total(),
    mean,
    std: std(),
    min: valueAtRank(1),
    max: valueAtRank(n),
  }
}

interface Spread {
  readonly add: (value: number) => void
  readonly total: () => number
  readonly std: () => Maybe
}

/** By Welford's recurrence (1962), which loses no digits where the mean is large. */
function createSpread(): Spread {
  let n = 0
  let mean = 0
  let squares = 0
  let total = 0
  return {
    add: (value) => {
      n++
      total += value
      const before = value - mean
      mean += before / n
      squares += before * (value - mean)
    },
    total: () => total,
    std: () => (n === 0 ? undefined : Math.sqrt(squares / n)),
  }
}
