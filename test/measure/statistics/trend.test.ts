import { describe, expect, test } from 'vitest'
import { littlesLawResidual } from '../../../src/measure/statistics/littles-law.ts'
import { overload } from '../../../src/measure/statistics/overload.ts'
import { type Point, trend } from '../../../src/measure/statistics/trend.ts'
import { randomExponential, seededRandom } from '../../../src/random.ts'
import { autoregressive } from './series.ts'

const pointsOf = (values: ArrayLike<number>, everyMs = 1): Point[] =>
  Array.from(values, (value, i) => ({ atMs: i * everyMs, value }))

describe('a trend', () => {
  test('by hand: ten points on a line have its slope and no doubt but that of the test', () => {
    // Kendall's sum is 45, its variance 10 x 9 x 25 / 18 = 125, z = 44 / 11.18 = 3.9355.
    const found = trend(pointsOf([0, 2, 4, 6, 8, 10, 12, 14, 16, 18]))
    expect(found).toMatchObject({ slopePerMs: 2, lowPerMs: 2, highPerMs: 2, batches: 10 })
    expect(found?.pValue).toBeCloseTo(8.3032e-5, 8)
    // 2 a ms over 9 ms on a median of 9.
    expect(found?.changeRatio).toBe(2)
  })

  test('by hand: pairs of equal values say less', () => {
    // 40 pairs of the 45 rise, 5 are equal: variance (2,250 - 5 x 18) / 18 = 120, z = 39 / 10.954 = 3.5602.
    const found = trend(pointsOf([0, 0, 1, 1, 2, 2, 3, 3, 4, 4]))
    expect(found?.pValue).toBeCloseTo(3.706e-4, 6)
  })

  test('one stall does not tilt the line', () => {
    const values = Array.from({ length: 200 }, (_, i) => 100 + 0.01 * i + (i === 197 ? 5000 : 0))
    expect(trend(pointsOf(values))?.slopePerMs).toBeCloseTo(0.01, 3)
  })

  test('the order of the points does not matter, only their times', () => {
    const points = pointsOf(autoregressive(100, 0.5, seededRandom(1)))
    expect(trend(points.toReversed())).toEqual(trend(points))
  })

  test('too few points tell none, and neither do points of one moment', () => {
    expect(trend(pointsOf([1, 2, 3, 4, 5, 6, 7, 8, 9]))).toBeUndefined()
    expect(trend([])).toBeUndefined()
    expect(trend(Array.from({ length: 50 }, (_, i) => ({ atMs: 7, value: i })))).toBeUndefined()
  })

  test('a constant series has a slope of 0 and a p of 1', () => {
    expect(trend(pointsOf(new Float64Array(100).fill(5)))).toMatchObject({
      slopePerMs: 0,
      lowPerMs: 0,
      highPerMs: 0,
      pValue: 1,
      changeRatio: 0,
    })
  })

  test('is found in one of twenty series that have none, though neighbours are 90 % alike', () => {
    const trials = 400
    let found = 0
    for (let seed = 0; seed < trials; seed++) {
      const { pValue } =
        trend(pointsOf(autoregressive(2000, 0.9, seededRandom(seed, 'flat')))) ?? {}
      if (Number(pValue) < 0.05) found++
    }
    // Four deviations around 5 % of 400.
    expect(found).toBeGreaterThan(3)
    expect(found).toBeLessThan(38)
  })
})

/** A single server with exponential times: requests in flight, once a second, and TTFT by when it was due. */
function queue(ratePerS: number, servedPerS: number, durationS: number, seed: number) {
  const random = seededRandom(seed, 'queue')
  const requests: { atMs: number; startsMs: number; endMs: number }[] = []
  let freeMs = 0
  for (let atMs = 0; atMs < durationS * 1000; atMs += randomExponential(random, 1000 / ratePerS)) {
    const startsMs = Math.max(atMs, freeMs)
    freeMs = startsMs + randomExponential(random, 1000 / servedPerS)
    requests.push({ atMs, startsMs, endMs: freeMs })
  }
  const inFlight = Array.from({ length: durationS }, (_, second) => {
    const atMs = second * 1000
    const value = requests.filter((each) => each.atMs <= atMs && atMs < each.endMs).length
    return { atMs, value }
  })
  const ttftMs = requests.map(({ atMs, startsMs }) => ({ atMs, value: startsMs - atMs }))
  return { inFlight, ttftMs, requests }
}

describe('overload', () => {
  test('20 % more than a server can do is overload within two minutes, in every run', () => {
    for (let seed = 0; seed < 10; seed++) {
      const { inFlight, ttftMs } = queue(24, 20, 120, seed)
      expect(overload(inFlight, ttftMs).verdict).toBe('overloaded')
    }
  })

  test('half of what it can do is not, in any run', () => {
    for (let seed = 0; seed < 10; seed++) {
      const { inFlight, ttftMs } = queue(10, 20, 120, seed)
      expect(overload(inFlight, ttftMs).verdict).toBe('keeps-up')
    }
  })

  test('longer first tokens alone are not: the queue must grow too', () => {
    const rising = pointsOf(Array.from({ length: 100 }, (_, i) => 100 + i))
    const flat = pointsOf(new Float64Array(100).fill(8))
    expect(overload(flat, rising).verdict).toBe('keeps-up')
    expect(overload(rising, flat).verdict).toBe('keeps-up')
    expect(overload(rising, rising).verdict).toBe('overloaded')
    expect(overload(rising, rising.slice(0, 9)).verdict).toBe('too-few-readings')
  })

  test('a rise whose interval is as wide as itself does not count', () => {
    const random = seededRandom(8, 'wide')
    const noisy = pointsOf(
      [...autoregressive(400, 0, random)].map((value, i) => value + (1.1 * i) / 400),
    )
    const found = trend(noisy)
    expect(found?.lowPerMs).toBeGreaterThan(0)
    const narrow = overload(noisy, noisy, { maxMarginRatio: 0.2 })
    expect(narrow.verdict).toBe('keeps-up')
    expect(overload(noisy, noisy, { maxMarginRatio: 1 }).verdict).toBe('overloaded')
  })

  test('a rise that may be a fall does not count, however wide an interval is let pass', () => {
    const noise = pointsOf(autoregressive(400, 0, seededRandom(5, 'noise')))
    expect(trend(noise)?.slopePerMs).toBeGreaterThan(0)
    expect(trend(noise)?.lowPerMs).toBeLessThan(0)
    expect(overload(noise, noise, { maxMarginRatio: Infinity }).verdict).toBe('keeps-up')
  })
})

describe("Little's law", () => {
  test('by hand: 12 in flight at 10 a second and 1.2 s each leaves nothing over', () => {
    expect(littlesLawResidual(12, 10, 1200)).toBe(0)
    expect(littlesLawResidual(15, 10, 1200)).toBeCloseTo(0.2, 12)
    expect(littlesLawResidual(10, 10, 1200)).toBeCloseTo(-0.2, 12)
  })

  test('is not known where one of its three is not, nor for an empty system', () => {
    expect(littlesLawResidual(undefined, 10, 1200)).toBeUndefined()
    expect(littlesLawResidual(12, undefined, 1200)).toBeUndefined()
    expect(littlesLawResidual(0, 10, 1200)).toBeUndefined()
  })

  test('holds for a simulated queue', () => {
    const { requests } = queue(10, 20, 600, 1)
    const spanMs = 600_000
    const inSystemMs = requests.reduce((sum, { atMs, endMs }) => sum + endMs - atMs, 0)
    const observed = queue(10, 20, 600, 1).inFlight
    const meanInFlight = observed.reduce((sum, { value }) => sum + value, 0) / observed.length
    const residual = littlesLawResidual(
      meanInFlight,
      (requests.length / spanMs) * 1000,
      inSystemMs / requests.length,
    )
    // 600 looks at the queue know its mean to about 8 %.
    expect(Math.abs(Number(residual))).toBeLessThan(0.2)
  })
})
