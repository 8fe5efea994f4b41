import type { Maybe } from '../../arithmetic.ts'
import { throughputAt } from '../../measure/frontier.ts'
import type { CurvePoint } from '../../measure/monotone-cubic.ts'
import { usdPerMillionTokens } from '../unit-cost.ts'

/**
 * Cost of a million tokens at a wanted interactivity: the hourly rate / the interpolated throughput. A cost is never
 * interpolated itself: two curves that are each smooth are not reciprocal (SemiAnalysis printed $4.78 for $0.946 that
 * way, corrected in InferenceX-app #770).
 *
 * @param front tokens/s of one user and tokens/s a GPU, ascending by the first
 */
export function usdPerMillionTokensAt(
  front: readonly CurvePoint[],
  tokensPerSPerUser: number,
  usdPerGpuHour: Maybe,
): Maybe {
  return usdPerMillionTokens(usdPerGpuHour, throughputAt(front, tokensPerSPerUser), 1)
}
