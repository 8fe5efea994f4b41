import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { binomialCdf, binomialQuantile, regularizedBeta } from '../../src/measure/binomial.ts'
import { createColumn } from '../../src/measure/column.ts'
import {
  distribution,
  nearestRank,
  orderStatisticRanks,
  percentile,
} from '../../src/measure/quantile.ts'
import type { Samples } from '../../src/measure/samples.ts'

function samplesOf(values: readonly number[]): Samples {
  const column = createColumn()
  for (const value of values) column.add(value)
  return column.samples()
}

const upTo = (n: number): number[] => Array.from({ length: n }, (_, i) => i + 1)

describe('nearest rank', () => {
  test('is the smallest sample that so many do not exceed', () => {
    const ten = samplesOf(upTo(10))
    expect(nearestRank(ten, 50)).toBe(5)
    expect(nearestRank(ten, 90)).toBe(9)
    expect(nearestRank(ten, 91)).toBe(10)
    expect(nearestRank(ten, 99)).toBe(10)
  })

  test('is not put off by the last bit: 95 % of 20 is 19', () => {
    expect(nearestRank(samplesOf(upTo(20)), 95)).toBe(19)
  })

  test('is always one of the samples, and at least the share of them is no larger', () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ noNaN: true, noDefaultInfinity: true }), {
          minLength: 1,
          maxLength: 200,
        }),
        fc.integer({ min: 1, max: 100 }),
        (samples, p) => {
          const value = nearestRank(samplesOf(samples), p)
          expect(samples).toContain(value)
          const below = samples.filter((sample) => sample <= Number(value)).length
          expect(below / samples.length).toBeGreaterThanOrEqual(p / 100 - 1e-9)
        },
      ),
    )
  })

  test('numbers are sorted as numbers', () => {
    const { valueAtRank } = samplesOf([10, 9, 100, 1])
    expect([0, 1, 2, 3, 4, 5].map(valueAtRank)).toEqual([undefined, 1, 9, 10, 100, undefined])
  })
})

describe('a percentile is withheld under its sample floor', () => {
  test.each([
    [90, 64],
    [95, 130],
    [99, 662],
  ])('p%i needs %i samples', (p, floor) => {
    const below = percentile(samplesOf(upTo(floor - 1)), p)
    expect(below).toEqual({ p, n: floor - 1, withheldUntilN: floor })
    expect(percentile(samplesOf(upTo(floor)), p).value).toBe(Math.ceil((floor * p) / 100))
  })

  test('no samples, no figures', () => {
    const none = distribution([])
    expect(none.n).toBe(0)
    expect(none.mean).toBeUndefined()
    expect(none.p50.value).toBeUndefined()
    expect(none.p99.value).toBeUndefined()
  })

  test('n copies of x have x for every figure', () => {
    const five = distribution(Array.from({ length: 700 }, () => 5))
    expect([five.mean, five.min, five.max, five.p50.value, five.p99.value, five.p99.low]).toEqual([
      5, 5, 5, 5, 5, 5,
    ])
  })
})

describe('the interval of a percentile', () => {
  test.each([
    // Ranks of p99 at 95 %, from binomial tables.
    [500, 490, 500],
    [1000, 983, 997],
    [2000, 1971, 1989],
    [5000, 4936, 4964],
    [10000, 9880, 9920],
  ])('with %i samples runs from rank %i to %i for p99', (n, lowRank, highRank) => {
    expect(orderStatisticRanks(n, 99)).toEqual({ lowRank, highRank })
  })

  test('has no upper end when there are too few samples', () => {
    // The median needs 6 samples for two ends at 95 %.
    expect(percentile(samplesOf(upTo(5)), 50).high).toBeUndefined()
    expect(percentile(samplesOf(upTo(6)), 50)).toMatchObject({ low: 1, high: 6 })
  })
})

describe('the binomial distribution', () => {
  test('by hand: at most 1 head in 3 fair throws is 4/8', () => {
    expect(binomialCdf(1, 3, 0.5)).toBeCloseTo(0.5, 12)
    expect(binomialCdf(-1, 3, 0.5)).toBe(0)
    expect(binomialCdf(3, 3, 0.5)).toBe(1)
  })

  test('agrees with the sum of its terms', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 60 }),
        fc.double({ min: 0.01, max: 0.99, noNaN: true }),
        (n, p) => {
          let term = (1 - p) ** n
          let total = 0
          for (let k = 0; k <= n; k++) {
            total += term
            expect(Math.abs(binomialCdf(k, n, p) - Math.min(1, total))).toBeLessThan(1e-11)
            term *= ((n - k) / (k + 1)) * (p / (1 - p))
          }
        },
      ),
    )
  })

  test('its quantile is the first value that reaches the probability', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 5000 }),
        fc.double({ min: 0.01, max: 0.99, noNaN: true }),
        fc.double({ min: 0.001, max: 0.999, noNaN: true }),
        (n, p, probability) => {
          const k = binomialQuantile(probability, n, p)
          expect(binomialCdf(k, n, p)).toBeGreaterThanOrEqual(probability)
          expect(binomialCdf(k - 1, n, p)).toBeLessThan(probability)
        },
      ),
    )
  })

  test('the incomplete beta function is 1/2 in the middle of a symmetric law', () => {
    expect(regularizedBeta(0.5, 7, 7)).toBeCloseTo(0.5, 12)
    expect(regularizedBeta(0.3, 1, 1)).toBeCloseTo(0.3, 12)
  })
})

describe("MLPerf's estimate beside a percentile", () => {
  test.each([
    { p: 90, floor: 64 },
    { p: 95, floor: 130 },
    { p: 99, floor: 662 },
  ])(
    'is the slowest of $floor samples for p$p, the fewest of which there is one',
    ({ p, floor }) => {
      expect(percentile(samplesOf(upTo(floor)), p).earlyStopping).toBe(floor)
      expect(percentile(samplesOf(upTo(floor - 1)), p).earlyStopping).toBeUndefined()
    },
  )

  test.each([
    { p: 50, n: 40 },
    { p: 90, n: 200 },
    { p: 95, n: 1000 },
  ])(
    'is, of $n samples, that from which so many are slower as chance allows p$p under 1 % of the time',
    ({ p, n }) => {
      // The true percentile is exceeded by t of n or fewer with a probability under 1 %: t as large as that goes.
      let t = 0
      while (binomialCdf(t + 1, n, 1 - p / 100) < 0.01) t++
      expect(percentile(samplesOf(upTo(n)), p).earlyStopping).toBe(n - t + 1)
    },
  )

  test('is never under the percentile itself', () => {
    for (const n of [64, 130, 500, 5000]) {
      const { value = Infinity, earlyStopping } = percentile(samplesOf(upTo(n)), 90)
      expect(earlyStopping).toBeGreaterThanOrEqual(value)
    }
  })

  test('costs no time even for as many gaps as a long run has', () => {
    const n = 100_000_000
    const samples: Samples = { n, mean: 0, valueAtRank: (rank) => rank }
    const { value = Infinity, earlyStopping = 0 } = percentile(samples, 99)
    expect(earlyStopping).toBeGreaterThan(value)
    expect(earlyStopping - value).toBeLessThan(0.0001 * n)
  })
})
