import { describe, expect, test } from 'vitest'
import {
  boundsOf,
  drawTokens,
  meanTokens,
  type TokenLength,
} from '../../../src/load/workloads/lengths.ts'
import { seededRandom } from '../../../src/random.ts'

const DRAWS = 20_000
const wide = { min: 1, max: 1_000_000 }

function draws(length: TokenLength, seed = 1): number[] {
  const random = seededRandom(seed, 'lengths')
  return Array.from({ length: DRAWS }, () => drawTokens(length, random))
}

const meanOf = (values: readonly number[]): number =>
  values.reduce((a, b) => a + b, 0) / values.length

/** Largest distance between the share of draws up to k and what the distribution says of k + 1/2. */
function distance(values: readonly number[], upTo: (x: number) => number): number {
  const sorted = [...values].sort((a, b) => a - b)
  let most = 0
  for (const [i, value] of sorted.entries()) {
    if (value !== sorted[i + 1])
      most = Math.max(most, Math.abs((i + 1) / DRAWS - upTo(value + 0.5)))
  }
  return most
}

/** A true sample is further off than this once in a hundred (Kolmogorov and Smirnov). */
const tolerance = 1.628 / Math.sqrt(DRAWS)

/** The normal distribution function by Simpson's rule: another way than the code's. */
function normal(z: number): number {
  const steps = 400
  const from = -9
  const h = (z - from) / steps
  let sum = 0
  for (let i = 0; i <= steps; i++) {
    const x = from + i * h
    sum += (i === 0 || i === steps ? 1 : i % 2 === 0 ? 2 : 4) * Math.exp((-x * x) / 2)
  }
  return (sum * h) / 3 / Math.sqrt(2 * Math.PI)
}

describe('lengths that are drawn', () => {
  test('a fixed length is that length', () => {
    expect(new Set(draws(128))).toEqual(new Set([128]))
  })

  test('uniform: each whole number from min to max, both too, as often as any other', () => {
    const all = draws({ kind: 'uniform', min: 3, max: 7 })
    for (const value of [3, 4, 5, 6, 7])
      expect(all.filter((x) => x === value).length / DRAWS).toBeCloseTo(0.2, 1.7)
    expect(boundsOf({ kind: 'uniform', min: 3, max: 7 })).toMatchObject({ min: 3, max: 7 })
    expect(new Set(all).size).toBe(5)
  })

  test.each([1, 2, 3])('normal: as the normal distribution says (seed %i)', (seed) => {
    const all = draws({ kind: 'normal', mean: 1_000, sd: 150, ...wide }, seed)
    expect(distance(all, (x) => normal((x - 1_000) / 150))).toBeLessThan(tolerance)
  })

  test.each([1, 2, 3])('log-normal: mean and sd are those of the lengths (seed %i)', (seed) => {
    // Variance of the logarithm ln(1 + (500 / 500)^2) = 0.6931, sd 0.8326; its mean ln 500 - 0.3466 = 5.8680.
    const all = draws({ kind: 'lognormal', mean: 500, sd: 500, ...wide }, seed)
    expect(distance(all, (x) => normal((Math.log(x) - 5.868_03) / 0.832_55))).toBeLessThan(
      tolerance,
    )
    // Four standard errors of the mean: 4 x 500 / sqrt(20,000) = 14.1.
    expect(Math.abs(meanOf(all) - 500)).toBeLessThan(14.1)
  })

  test('what falls outside the bounds becomes the bound', () => {
    // P(below 1 sd) = 0.1587 pile up at each bound.
    const all = draws({ kind: 'normal', mean: 100, sd: 20, min: 80, max: 120 })
    expect(Math.min(...all)).toBe(80)
    expect(Math.max(...all)).toBe(120)
    // P(x <= 80.5) = phi(-0.975) = 0.1648.
    expect(all.filter((x) => x === 80).length / DRAWS).toBeCloseTo(0.1648, 1.9)
    expect(all.every(Number.isSafeInteger)).toBe(true)
  })
})

describe('the mean of what is drawn', () => {
  test('of a fixed and a uniform length, by hand', () => {
    expect(meanTokens(77)).toBe(77)
    expect(meanTokens({ kind: 'uniform', min: 10, max: 20 })).toBe(15)
  })

  test.each<TokenLength>([
    { kind: 'normal', mean: 1_000, sd: 300, min: 1, max: 1_200 },
    { kind: 'normal', mean: 100, sd: 400, min: 1, max: 4_000 },
    { kind: 'lognormal', mean: 500, sd: 1_000, min: 16, max: 2_048 },
    { kind: 'lognormal', mean: 800, sd: 0, min: 1, max: 500 },
  ])('is that of many draws, bounds and all: $kind $mean $sd', (length) => {
    const all = draws(length)
    const mean = meanOf(all)
    const sd = Math.sqrt(meanOf(all.map((x) => (x - mean) ** 2)))
    // Four standard errors, and half a token for rounding.
    expect(Math.abs(meanTokens(length) - mean)).toBeLessThan((4 * sd) / Math.sqrt(DRAWS) + 0.5)
  })
})
