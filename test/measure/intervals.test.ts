import { describe, expect, test } from 'vitest'
import { createBatchedMean, meanInterval } from '../../src/measure/intervals.ts'
import { randomNormal, seededRandom } from '../../src/random.ts'

/** Values of which each keeps `phi` of the one before, around 0. */
function autoregressive(seed: number, phi: number, n: number): number[] {
  const random = seededRandom(seed, `ar ${phi}`)
  let value = randomNormal(random) / Math.sqrt(1 - phi ** 2)
  return Array.from({ length: n }, () => {
    value = phi * value + randomNormal(random)
    return value
  })
}

describe('the interval of a mean', () => {
  test('by hand: 20 values, alternately 0 and 2, are 1 +- 2.093 x 0.2294 x sqrt(1.05 / 0.95), or less', () => {
    // Variance 20 / 19, error sqrt(1.0526 / 20) = 0.2294, t of 19 is 2.0930; neighbours that avoid each
    // other have a correlation of -0.95, which is taken for 0 and makes nothing wider.
    const found = meanInterval(Array.from({ length: 20 }, (_, i) => 2 * (i % 2)))
    expect(found?.low).toBeCloseTo(1 - 2.093024 * Math.sqrt(1 / 19), 5)
    expect(found?.high).toBeCloseTo(1 + 2.093024 * Math.sqrt(1 / 19), 5)
  })

  test('is wider where neighbours are alike, by sqrt((1 + rho) / (1 - rho))', () => {
    // 0 0 1 1 0 0 1 1 ... : pairs are alike, pairs of pairs are not: of 19 products 10 are +1/4 and 9 are
    // -1/4, over 20 / 4: rho = 0.05, and 0.1 without its bias. Variance 5 / 19.
    const found = meanInterval(Array.from({ length: 20 }, (_, i) => Math.floor(i / 2) % 2))
    const half = 2.093024 * Math.sqrt(5 / 19 / 20) * Math.sqrt(1.1 / 0.9)
    expect(found?.low).toBeCloseTo(0.5 - half, 5)
    expect(found?.high).toBeCloseTo(0.5 + half, 5)
  })

  test('of a constant has no width, and of 19 values there is none', () => {
    expect(meanInterval(Array.from({ length: 20 }, () => 3))).toEqual({ low: 3, high: 3 })
    expect(meanInterval(Array.from({ length: 19 }, (_, i) => i))).toBeUndefined()
  })

  test('is refused to a series that goes one way only', () => {
    expect(meanInterval(Array.from({ length: 200 }, (_, i) => i))).toBeUndefined()
  })

  // 1,000 seeds: 95 % is 950, three standard errors of which are 21.
  test.each([
    { phi: 0, atLeast: 940 },
    { phi: 0.5, atLeast: 929 },
    { phi: 0.9, atLeast: 900 },
  ])('covers the mean of 200 values with a lag-1 correlation of $phi', ({ phi, atLeast }) => {
    let inside = 0
    for (let seed = 0; seed < 1000; seed++) {
      const { low = 1, high = -1 } = meanInterval(autoregressive(seed, phi, 200)) ?? {}
      if (low <= 0 && high >= 0) inside++
    }
    expect(inside).toBeGreaterThanOrEqual(atLeast)
    expect(inside).toBeLessThan(985)
  })
})

describe('a mean of values as they come', () => {
  const batched = (values: readonly number[]) => {
    const { add, interval } = createBatchedMean()
    for (const value of values) add(value)
    return interval()
  }

  test('has the interval of them all while they fit', () => {
    const values = autoregressive(1, 0.5, 200)
    expect(batched(values)).toEqual(meanInterval(values))
  })

  test('and of batches of two, four and more once they do not', () => {
    const values = autoregressive(2, 0.5, 1600)
    const means = Array.from({ length: 200 }, (_, i) => {
      const batch = values.slice(8 * i, 8 * i + 8)
      return batch.reduce((sum, value) => sum + value, 0) / 8
    })
    const expected = meanInterval(means)
    expect(batched(values)?.low).toBeCloseTo(expected?.low ?? Number.NaN, 9)
    expect(batched(values)?.high).toBeCloseTo(expected?.high ?? Number.NaN, 9)
  })

  test('is unknown for too few', () => {
    expect(batched([1, 2, 3])).toBeUndefined()
  })
})
