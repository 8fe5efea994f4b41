import type { FrontierPoint, OperatingPoint } from './summary.ts'

/**
 * The upper-left Pareto front of throughput against interactivity: points that no other point
 * equals or beats on both. Ascending by interactivity, so descending by throughput.
 */
export function frontierOf(
  points: readonly Pick<OperatingPoint, 'level' | 'outputTokensPerS' | 'tokensPerSPerUser'>[],
): FrontierPoint[] {
  const candidates = points.flatMap(({ level, outputTokensPerS, tokensPerSPerUser }) =>
    outputTokensPerS === undefined || tokensPerSPerUser === undefined
      ? []
      : [{ level, outputTokensPerS, tokensPerSPerUser }],
  )
  const byInteractivity = candidates.toSorted(
    (a, b) => b.tokensPerSPerUser - a.tokensPerSPerUser || b.outputTokensPerS - a.outputTokensPerS,
  )
  const front: FrontierPoint[] = []
  let best = Number.NEGATIVE_INFINITY
  for (const point of byInteractivity) {
    if (point.outputTokensPerS <= best) continue
    best = point.outputTokensPerS
    front.push(point)
  }
  return front.reverse()
}
