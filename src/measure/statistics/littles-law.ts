import { difference, type Maybe, product, ratio } from '../../arithmetic.ts'
import { MS_PER_S } from '../../units.ts'

/**
 * How far three measured figures are from L = lambda W (Little, Operations Research 9, 1961), as a share of
 * L: (L - lambda W) / L. It holds for any steady state; where it does not, requests were lost, the
 * clocks of two figures differ, or nothing was steady.
 *
 * @param meanInFlight time average of requests in the system
 * @param ratePerS requests that left each second
 * @param meanLatencyMs mean time each spent in the system
 */
export function littlesLawResidual(
  meanInFlight: Maybe,
  ratePerS: Maybe,
  meanLatencyMs: Maybe,
): Maybe {
  const expected = ratio(product([ratePerS, meanLatencyMs]), MS_PER_S)
  return ratio(difference(meanInFlight, expected), meanInFlight)
}
