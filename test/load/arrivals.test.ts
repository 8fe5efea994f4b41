import { describe, expect, test } from 'vitest'
import { arrivalsMs, type OpenLevel } from '../../src/load/arrivals.ts'
import { seededRandom } from '../../src/random.ts'

function take(count: number, level: OpenLevel, seed = 1): number[] {
  const times: number[] = []
  for (const dueMs of arrivalsMs(level, seededRandom(seed, 'arrivals'))) {
    if (times.length === count) break
    times.push(dueMs)
  }
  return times
}

function gapsOf(times: readonly number[]): number[] {
  return times.map((time, i) => time - (times[i - 1] ?? 0))
}

describe('constant rate', () => {
  test('request k is due at k / rate, the first at once', () => {
    expect(take(5, { kind: 'constant', ratePerS: 4 })).toEqual([0, 250, 500, 750, 1_000])
    expect(take(3, { kind: 'constant', ratePerS: 0.5 })).toEqual([0, 2_000, 4_000])
  })

  test('a gap that is no whole number of anything does not add up to a drift', () => {
    // Request 30,000 at 3 per second: 30,000 / 3 s.
    expect(take(30_001, { kind: 'constant', ratePerS: 3 }).at(-1)).toBe(10_000_000)
  })
})

describe('Poisson arrivals', () => {
  const level = { kind: 'poisson', ratePerS: 20 } as const
  const draws = 10_000
  const meanMs = 50

  test('the same seed gives the same timetable, another seed another', () => {
    expect(take(50, level, 7)).toEqual(take(50, level, 7))
    expect(take(50, level, 8)).not.toEqual(take(50, level, 7))
  })

  test('half the rate is the same timetable at twice the gaps', () => {
    const slow = take(50, { kind: 'poisson', ratePerS: 10 })
    for (const [i, dueMs] of take(50, level).entries()) expect(slow[i]).toBeCloseTo(2 * dueMs, 6)
  })

  test('times never go back, and the first is a gap after the start', () => {
    const gaps = gapsOf(take(draws, level))
    expect(gaps.every((gap) => gap >= 0)).toBe(true)
    expect(gaps[0]).toBeGreaterThan(0)
  })

  test('the mean gap is 1 / rate', () => {
    const mean = (take(draws, level).at(-1) ?? 0) / draws
    expect(mean / meanMs).toBeGreaterThan(0.95)
    expect(mean / meanMs).toBeLessThan(1.05)
  })

  test.each([1, 2, 3])('gaps are exponential (seed %i)', (seed) => {
    // Kolmogorov and Smirnov: a true exponential is further off than this once in a hundred.
    const gaps = gapsOf(take(draws, level, seed)).sort((a, b) => a - b)
    const distances = gaps.map((gap, i) => {
      const expected = 1 - Math.exp(-gap / meanMs)
      return Math.max(Math.abs((i + 1) / draws - expected), Math.abs(i / draws - expected))
    })
    expect(Math.max(...distances)).toBeLessThan(1.628 / Math.sqrt(draws))
  })
})

describe('gamma arrivals', () => {
  const gaps = (shape: number): number[] =>
    gapsOf(take(20_000, { kind: 'gamma', ratePerS: 100, shape }))
  const spread = (values: readonly number[]): number => {
    const mean = values.reduce((a, b) => a + b, 0) / values.length
    return Math.sqrt(values.reduce((sum, x) => sum + (x - mean) ** 2, 0) / values.length) / mean
  }

  test('keep the rate, whatever the shape', () => {
    for (const shape of [0.25, 1, 16]) {
      const all = gaps(shape)
      expect(all.reduce((a, b) => a + b, 0) / all.length / 10).toBeCloseTo(1, 1)
    }
  })

  test('are burstier below shape 1 and smoother above: the spread of gaps is 1 / sqrt(shape)', () => {
    expect(spread(gaps(0.25))).toBeCloseTo(2, 0)
    expect(spread(gaps(1))).toBeCloseTo(1, 1)
    expect(spread(gaps(16))).toBeCloseTo(0.25, 1)
  })
})
