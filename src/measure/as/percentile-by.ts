import type { Maybe } from '../../arithmetic.ts'
import type { Samples } from '../samples.ts'

/**
 * How a tool takes a percentile of samples.
 * `linear`: between the two samples around (n - 1) p, as `numpy.percentile` does unless told otherwise
 * (Hyndman and Fan's type 7). `floor-np`: the sample at index floor(n p) from 0, as MLPerf's LoadGen
 * does. `lower`: the sample at index floor((n - 1) p), as `numpy.percentile(method="lower")` does.
 */
export type PercentileDefinition = 'linear' | 'floor-np' | 'lower'

/** @param p percent, under 100 for `floor-np`; unknown for no samples */
export function percentileBy(
  definition: PercentileDefinition,
  { n, valueAtRank }: Samples,
  p: number,
): Maybe {
  // 99.9 / 100 is one bit above 0.999, which would be another index at round numbers of samples.
  const share = Number((p / 100).toPrecision(12))
  switch (definition) {
    case 'linear':
      return between(valueAtRank, n, (n - 1) * share)
    case 'floor-np':
      return valueAtRank(Math.floor(n * share) + 1)
    case 'lower':
      return valueAtRank(Math.floor((n - 1) * share) + 1)
  }
}

/** @param at index from 0, with a fraction */
function between(valueAtRank: Samples['valueAtRank'], n: number, at: number): Maybe {
  const index = Math.floor(at)
  const low = valueAtRank(index + 1)
  const high = valueAtRank(Math.min(index + 2, n))
  return low === undefined || high === undefined ? undefined : low + (high - low) * (at - index)
}
