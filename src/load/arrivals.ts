import { type Random, randomExponential, randomGamma, seededRandom } from '../random.ts'
import { MS_PER_S } from '../units.ts'
import type { LoadLevel } from './benchmark.ts'

/** An open-loop load level. */
export type OpenLevel = Exclude<LoadLevel, { kind: 'closed' }>

/**
 * When each request of an open-loop level is due, in ms after the level's start: an absolute
 * timetable, so that a late send never shifts the ones after it. Endless, but for a trace and a ramp
 * that ends at no rate; the caller stops.
 *
 * Constant: request k at k / rate. Poisson: exponential gaps of mean 1 / rate, the first one too.
 * Gamma: gaps of mean 1 / rate and the given shape. Ramp: see `rampMs`. Trace: its own times over
 * the speed.
 *
 * @param traceMs due times of the workload's trace, ms after its first request
 */
export function* arrivalsMs(
  level: OpenLevel,
  random: Random,
  traceMs: ArrayLike<number> = [],
): Generator<number, void> {
  switch (level.kind) {
    case 'constant':
      for (let k = 0; ; k++) yield (k * MS_PER_S) / level.ratePerS
    case 'poisson':
      yield* sums(() => randomExponential(random, MS_PER_S / level.ratePerS))
      break
    case 'gamma':
      yield* sums(() => (randomGamma(random, level.shape) * MS_PER_S) / level.ratePerS)
      break
    case 'ramp':
      yield* rampMs(level, random)
      break
    case 'trace':
      for (let k = 0; k < traceMs.length; k++) yield (traceMs[k] ?? 0) / level.speed
  }
}

/** What the timetable of a level is drawn from: the same in every measuring thread, and for whoever checks it later. */
export function arrivalsRandom(seed: number, level: number): Random {
  return seededRandom(seed, `arrivals-${level}`)
}

function* sums(gapMs: () => number): Generator<number, never> {
  let dueMs = 0
  for (;;) {
    dueMs += gapMs()
    yield dueMs
  }
}

type Ramp = Extract<LoadLevel, { kind: 'ramp' }>

/**
 * A Poisson process whose rate changes with time, by inversion (Cinlar, Introduction to Stochastic
 * Processes, 1975): request k is due when the expected number of requests so far, the integral of
 * the rate, reaches the k-th sum of unit exponentials. Exact, as within a stage the integral is a
 * parabola. With `constant` arrivals request k is due where it reaches k. The last rate stays.
 */
function* rampMs({ stages, arrivals }: Ramp, random: Random): Generator<number, void> {
  const targets = arrivals === 'poisson' ? sums(() => randomExponential(random, 1)) : integers()
  let target = targets.next().value
  let startS = 0
  let expected = 0
  for (const { forS, ratePerS, toRatePerS = ratePerS } of stages) {
    const atEnd = expected + ((ratePerS + toRatePerS) / 2) * forS
    for (; target < atEnd; target = targets.next().value) {
      const slope = (toRatePerS - ratePerS) / forS
      yield (startS + timeToReach(target - expected, ratePerS, slope)) * MS_PER_S
    }
    expected = atEnd
    startS += forS
  }
  const { ratePerS = 0, toRatePerS = ratePerS } = stages.at(-1) ?? {}
  if (toRatePerS === 0) return
  for (; ; target = targets.next().value)
    yield (startS + timeToReach(target - expected, toRatePerS, 0)) * MS_PER_S
}

/** Time at which so many requests are expected: the root of `rate t + slope t^2 / 2`, in the form that loses no digits. */
function timeToReach(expected: number, rate: number, slope: number): number {
  if (expected <= 0) return 0
  return (2 * expected) / (rate + Math.sqrt(Math.max(0, rate ** 2 + 2 * slope * expected)))
}

function* integers(): Generator<number, never> {
  for (let k = 0; ; k++) yield k
}
