import { largest, ratio } from '../../arithmetic.ts'
import type { AxisLoad, SweepPlan } from '../../load/search-plan.ts'
import { MS_PER_S } from '../../units.ts'
import type { OperatingPoint } from '../summary.ts'
import { mostPower } from './knee.ts'
import type { Saturation, SearchStep, SweepTrial } from './search-summary.ts'
import { serviceOf } from './service.ts'

/** What a level says about the curve of throughput and latency. */
export function sweepTrial(point: OperatingPoint, { axis, size }: AxisLoad): SweepTrial {
  const { kind, why, endsSearch } = serviceOf(point)
  const { level, outputTokensPerS, requestsPerS, latencyMs } = point
  const latencyMeanMs = latencyMs.mean
  const power = ratio(
    outputTokensPerS,
    latencyMeanMs === undefined ? undefined : latencyMeanMs / MS_PER_S,
  )
  const figures = { outputTokensPerS, requestsPerS, latencyMeanMs, power }
  return { level, axis, size, standing: kind, why, ...figures, endsSearch }
}

type FoundLevels = Extract<SweepPlan['levels'], { chosen: 'by-search' }>

/** What a sweep does after the levels so far: always the same after the same. */
export function nextSweepStep(
  { axis, levels }: SweepPlan,
  trials: readonly SweepTrial[],
): SearchStep {
  if (levels.chosen === 'by-user' || trials.at(-1)?.endsSearch) return { kind: 'done' }
  const users = trials.filter((trial) => trial.axis === 'users')
  const higher = nextClimb(levels, users, axis === 'users' ? levels.maxLevels : users.length + 1)
  if (higher !== undefined) return { kind: 'level', axis: 'users', size: higher }
  const size = axis === 'users' ? nextFill(levels, users) : nextRate(levels, trials)
  return size === undefined ? { kind: 'done' } : { kind: 'level', axis, size }
}

/** How the climb over users ended; nothing while it goes on. */
export function saturationOf(
  levels: FoundLevels,
  trials: readonly SweepTrial[],
): Saturation | undefined {
  const users = trials.filter(({ axis }) => axis === 'users')
  const { end } = climb(levels, users)
  return end
}

interface Climb {
  /** The next level, while it goes on. */
  readonly next?: number
  readonly end?: Saturation
}

/** One user (or the lowest number), twice as many, and so on, until twice as many bring nothing. */
function climb(levels: FoundLevels, trials: readonly SweepTrial[]): Climb {
  let before: SweepTrial | undefined
  for (let size = levels.lowest; ; size = Math.min(2 * size, levels.highest)) {
    const trial = trials.find((each) => each.size === size)
    if (trial === undefined) return { next: size }
    if (trial.standing === 'beyond') return { end: { kind: 'gave-way', at: size, why: trial.why } }
    if (trial.standing === 'unusable')
      return { end: { kind: 'unusable-level', at: size, why: trial.why } }
    const gain = ratio(trial.outputTokensPerS, before?.outputTokensPerS)
    if (before !== undefined && gain !== undefined && gain - 1 < levels.minGainRatio)
      return { end: { kind: 'no-gain', from: before.size, to: size, gainRatio: gain - 1 } }
    if (size >= levels.highest) return { end: { kind: 'not-reached', highest: size } }
    before = trial
  }
}

function nextClimb(
  levels: FoundLevels,
  users: readonly SweepTrial[],
  maxLevels: number,
): number | undefined {
  return users.length < maxLevels ? climb(levels, users).next : undefined
}

/** A gap beside the knee is split while its ends are this many times apart. */
const NARROW_AT_KNEE = 1.1
/** Any other gap while its ends are further apart than this. */
const NARROW_ELSEWHERE = 2 ** 0.5

interface Gap {
  readonly low: number
  readonly high: number
  readonly isAtKnee: boolean
}

/** The geometric middle of the widest gap beside the knee; when those are narrow, of the widest there is. */
function nextFill({ maxLevels }: FoundLevels, trials: readonly SweepTrial[]): number | undefined {
  if (trials.length >= maxLevels) return undefined
  const knee = mostPower(trials)?.size
  const gaps = gapsOf(trials, knee).filter(({ low, high, isAtKnee }) => {
    const middle = middleOf(low, high)
    const isWide = high / low > (isAtKnee ? NARROW_AT_KNEE : NARROW_ELSEWHERE) + 1e-9
    return isWide && middle > low && middle < high
  })
  const [widest] = gaps.toSorted(
    (a, b) =>
      Number(b.isAtKnee) - Number(a.isAtKnee) || b.high / b.low - a.high / a.low || a.low - b.low,
  )
  return widest && middleOf(widest.low, widest.high)
}

function gapsOf(trials: readonly SweepTrial[], knee: number | undefined): Gap[] {
  const sorted = trials.toSorted((a, b) => a.size - b.size)
  return sorted.slice(1).flatMap((above, i) => {
    const below = sorted[i]
    // Beyond a load at which the server gives way there is nothing to find.
    if (below === undefined || below.standing !== 'served') return []
    const isAtKnee = below.size === knee || above.size === knee
    return [{ low: below.size, high: above.size, isAtKnee }]
  })
}

function middleOf(low: number, high: number): number {
  return Math.round(Math.sqrt(low * high))
}

/** Of capacity, where one user already takes most of it. */
const LOWEST_RATE_RATIO = 0.25

/**
 * Rates from what one user alone asks to what the server served at most, a constant ratio apart and
 * rising: the highest of them is about its capacity. They end where the server gives way.
 */
function nextRate({ maxLevels }: FoundLevels, trials: readonly SweepTrial[]): number | undefined {
  const rates = trials.filter(({ axis }) => axis === 'rate')
  const served = trials.filter(({ axis, standing }) => axis === 'users' && standing === 'served')
  const capacity = largest(served.map(({ requestsPerS }) => requestsPerS))
  const alone = served[0]?.requestsPerS
  if (capacity === undefined || alone === undefined || capacity <= 0) return undefined
  if (rates.length >= maxLevels || rates.some(({ standing }) => standing === 'beyond'))
    return undefined
  const lowest = Math.min(alone, LOWEST_RATE_RATIO * capacity)
  const steps = Math.max(1, maxLevels - 1)
  const rate = lowest * (capacity / lowest) ** (rates.length / steps)
  return Number(rate.toPrecision(3))
}
