import { type Maybe, ratio } from '../arithmetic.ts'
import { type CurvePoint, monotoneCubic } from './monotone-cubic.ts'
import type {
  FrontierPoint,
  LatencyFrontier,
  LatencyFrontierPoint,
  OperatingPoint,
  Percentile,
  Summary,
} from './summary.ts'

/** What a front is of: x is what one user gets, y what the system makes meanwhile, of which more is better. */
export interface FrontAxes<P> {
  readonly x: (point: P) => number
  readonly y: (point: P) => number
  /** Whether a user is better off with a higher x or a lower one. */
  readonly better: 'higher' | 'lower'
}

/**
 * The Pareto front: points that no other equals or beats on both; of equal x the best, of equal points one.
 * Ascending by x. With a higher x for the better it is the upper-right one, which falls (InferenceX-app
 * `chart-utils.ts`); with a lower one the upper-left one, which rises.
 */
export function paretoFront<P>(points: readonly P[], { x, y, better }: FrontAxes<P>): P[] {
  const sign = better === 'higher' ? -1 : 1
  const bestForUserFirst = points.toSorted((a, b) => sign * (x(a) - x(b)) || y(b) - y(a))
  const front: P[] = []
  let most = Number.NEGATIVE_INFINITY
  for (const point of bestForUserFirst) {
    if (y(point) <= most) continue
    most = y(point)
    front.push(point)
  }
  return better === 'higher' ? front.reverse() : front
}

/** The points of a level that fronts are made of. */
type Candidate = Pick<OperatingPoint, 'level' | 'outputTokensPerS' | 'tokensPerSPerUser'>

/**
 * The front of output throughput against interactivity, by rising interactivity and so by falling throughput.
 *
 * @param gpus that serve the model; without it nothing is told per GPU
 */
export function frontierOf(points: readonly Candidate[], gpus?: Maybe): FrontierPoint[] {
  const candidates = points.flatMap(({ level, outputTokensPerS, tokensPerSPerUser }) =>
    outputTokensPerS === undefined || tokensPerSPerUser === undefined
      ? []
      : [{ level, outputTokensPerS, ...perGpu(outputTokensPerS, gpus), tokensPerSPerUser }],
  )
  return paretoFront(candidates, {
    x: ({ tokensPerSPerUser }) => tokensPerSPerUser,
    y: ({ outputTokensPerS }) => outputTokensPerS,
    better: 'higher',
  })
}

function perGpu(outputTokensPerS: number, gpus: Maybe) {
  const outputTokensPerSPerGpu = ratio(outputTokensPerS, gpus)
  return outputTokensPerSPerGpu === undefined ? {} : { outputTokensPerSPerGpu }
}

/** Times and percentiles that throughput has a front against. */
const latencyFrontierMetrics = ['ttftMs', 'tpotMs'] as const
const latencyFrontierPercentiles = ['p50', 'p90', 'p95', 'p99'] as const

/**
 * The fronts of output throughput against percentiles of TTFT and TPOT, each by rising time and so by rising
 * throughput. A withheld percentile is no point; a front without a point is left out.
 */
export function latencyFrontiersOf(
  points: readonly OperatingPoint[],
  gpus?: Maybe,
): LatencyFrontier[] {
  return latencyFrontierMetrics.flatMap((metric) =>
    latencyFrontierPercentiles.flatMap((percentile) => {
      const front = latencyFront(points, (point) => point[metric][percentile], gpus)
      return front.length === 0 ? [] : [{ metric, percentile, points: front }]
    }),
  )
}

function latencyFront(
  points: readonly OperatingPoint[],
  of: (point: OperatingPoint) => Percentile,
  gpus: Maybe,
): LatencyFrontierPoint[] {
  const candidates = points.flatMap((point) => {
    const { level, outputTokensPerS } = point
    const { value: latencyMs, withheldUntilN } = of(point)
    if (outputTokensPerS === undefined || latencyMs === undefined || withheldUntilN !== undefined)
      return []
    return [{ level, outputTokensPerS, ...perGpu(outputTokensPerS, gpus), latencyMs }]
  })
  return paretoFront(candidates, {
    x: ({ latencyMs }) => latencyMs,
    y: ({ outputTokensPerS }) => outputTokensPerS,
    better: 'lower',
  })
}

/**
 * Throughput at a wanted x, on the one curve through a front. Unknown outside its ends: nothing was measured
 * there.
 *
 * @param front ascending by x, each x once
 */
export function throughputAt(front: readonly CurvePoint[], x: number): Maybe {
  const value = monotoneCubic(front, x)
  return value === undefined ? undefined : Math.max(0, value)
}

/** What a front is read against. */
export type FrontierAxis =
  | { readonly kind: 'interactivity' }
  | ({ readonly kind: 'latency' } & Pick<LatencyFrontier, 'metric' | 'percentile'>)

/** What a front says at a wanted place. Levels are by their number. */
export type FrontierReading =
  | { readonly kind: 'measured'; readonly level: number; readonly outputTokensPerS: number }
  | {
      readonly kind: 'interpolated'
      /** The measured neighbours, ascending by x. */
      readonly between: readonly [number, number]
      readonly outputTokensPerS: number
    }
  /** Beyond the ends of the front, which are told in the unit of its axis. */
  | { readonly kind: 'outside'; readonly from: number; readonly to: number }
  | { readonly kind: 'not-measured' }

/** Output throughput of the whole system where a user gets `at`: tokens/s, or ms of a percentile. */
export function readFrontier(
  summary: Pick<Summary, 'frontier' | 'latencyFrontiers'>,
  axis: FrontierAxis,
  at: number,
): FrontierReading {
  const corners = cornersOf(summary, axis)
  const [first, last] = [corners[0], corners.at(-1)]
  if (first === undefined || last === undefined) return { kind: 'not-measured' }
  const right = corners.find(({ x }) => x >= at)
  const left = corners.findLast(({ x }) => x <= at)
  if (right === undefined || left === undefined)
    return { kind: 'outside', from: first.x, to: last.x }
  if (right === left) return { kind: 'measured', level: left.level, outputTokensPerS: left.y }
  const curve = corners.map(({ x, y }): CurvePoint => [x, y])
  const outputTokensPerS = throughputAt(curve, at) ?? Number.NaN
  return { kind: 'interpolated', between: [left.level, right.level], outputTokensPerS }
}

interface Corner {
  readonly level: number
  readonly x: number
  readonly y: number
}

function cornersOf(
  { frontier, latencyFrontiers }: Pick<Summary, 'frontier' | 'latencyFrontiers'>,
  axis: FrontierAxis,
): Corner[] {
  if (axis.kind === 'interactivity')
    return frontier.map(({ level, tokensPerSPerUser: x, outputTokensPerS: y }) => ({ level, x, y }))
  const found = latencyFrontiers.find(
    ({ metric, percentile }) => metric === axis.metric && percentile === axis.percentile,
  )
  return (found?.points ?? []).map(({ level, latencyMs: x, outputTokensPerS: y }) => ({
    level,
    x,
    y,
  }))
}
