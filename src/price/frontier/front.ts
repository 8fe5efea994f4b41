import type { Maybe } from '../../arithmetic.ts'
import { usdPerMillionTokens } from '../unit-cost.ts'
import { type CurvePoint, monotoneCubic } from './monotone-cubic.ts'

/** A measured point: how fast one user is served, and how much a GPU makes meanwhile. */
export interface ServingPoint {
  /** Interactivity: output tokens/s seen by one user. */
  readonly tokensPerSPerUser: number
  readonly tokensPerSPerGpu: number
}

/**
 * The upper-left Pareto front: points that no other equals or beats on both; of equal interactivity the best,
 * of equal points one. Ascending by interactivity, so descending by throughput (InferenceX-app `chart-utils.ts`).
 */
export function paretoFront(points: readonly ServingPoint[]): ServingPoint[] {
  const fastestFirst = points.toSorted(
    (a, b) => b.tokensPerSPerUser - a.tokensPerSPerUser || b.tokensPerSPerGpu - a.tokensPerSPerGpu,
  )
  const front: ServingPoint[] = []
  let best = Number.NEGATIVE_INFINITY
  for (const point of fastestFirst) {
    if (point.tokensPerSPerGpu <= best) continue
    best = point.tokensPerSPerGpu
    front.push(point)
  }
  return front.reverse()
}

/**
 * Throughput a GPU at a wanted interactivity, on the one curve through the front. Unknown outside the front's ends:
 * nothing was measured there.
 */
export function throughputAt(front: readonly ServingPoint[], tokensPerSPerUser: number): Maybe {
  const curve = front.map((point): CurvePoint => [point.tokensPerSPerUser, point.tokensPerSPerGpu])
  const value = monotoneCubic(curve, tokensPerSPerUser)
  return value === undefined ? undefined : Math.max(0, value)
}

/**
 * Cost of a million tokens at a wanted interactivity: the hourly rate / the interpolated throughput. A cost is never
 * interpolated itself: two curves that are each smooth are not reciprocal (SemiAnalysis printed $4.78 for $0.946 that
 * way, corrected in InferenceX-app #770).
 */
export function usdPerMillionTokensAt(
  front: readonly ServingPoint[],
  tokensPerSPerUser: number,
  usdPerGpuHour: Maybe,
): Maybe {
  return usdPerMillionTokens(usdPerGpuHour, throughputAt(front, tokensPerSPerUser), 1)
}
