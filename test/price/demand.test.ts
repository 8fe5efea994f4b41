import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { UserError } from '../../src/errors.ts'
import { fractionalServers, wholeServers } from '../../src/price/demand/capacity.ts'
import {
  hoursOf,
  loadDuration,
  millionTokensOf,
  millionTokensWithin,
  peakFactor,
  peakTokensPerS,
} from '../../src/price/demand/load-duration.ts'
import { poissonQuantile } from '../../src/price/demand/poisson.ts'
import {
  grownTokensPerDay,
  traceOfDemand,
  weekOfDemand,
  yearOfDemand,
} from '../../src/price/demand/profile.ts'

/** Evenly from 0: doubles of fast-check are mostly near it. */
const upTo = (most: number) => fc.integer({ min: 0, max: 1000 }).map((n) => (n * most) / 1000)
const weight = upTo(100)

describe('a week of demand', () => {
  const nightAndDay = Array.from({ length: 24 }, (_, hour) => (hour < 12 ? 1 : 3))

  test('864,000 tokens a day are 10 a second; three times as many by day as by night, 5 and 15', () => {
    expect(new Set(weekOfDemand({ tokensPerDay: 864_000 }))).toEqual(new Set([10]))
    const week = weekOfDemand({ tokensPerDay: 864_000, hourWeights: nightAndDay })
    expect(week).toHaveLength(168)
    expect(week[0]).toBe(5)
    expect(week[12]).toBe(15)
  })

  test('days without work leave their tokens to the others', () => {
    const weekdayWeights = [1, 1, 1, 1, 1, 0, 0]
    const week = weekOfDemand({ tokensPerDay: 864_000, weekdayWeights })
    expect(week[0]).toBeCloseTo(14, 12)
    expect(week.at(-1)).toBe(0)
  })

  test('whatever its shape, a week has seven times the tokens of a day', () => {
    const weights = (n: number) =>
      fc
        .array(weight, { minLength: n, maxLength: n })
        .filter((values) => values.some((value) => value > 1e-3))
    fc.assert(
      fc.property(weights(24), weights(7), (hourWeights, weekdayWeights) => {
        const week = weekOfDemand({ tokensPerDay: 1e9, hourWeights, weekdayWeights })
        const tokens = week.reduce((total, tokensPerS) => total + tokensPerS * 3600, 0)
        return Math.abs(tokens / 7e9 - 1) < 1e-9
      }),
    )
  })

  test('twelve hours are no day', () => {
    expect(() => weekOfDemand({ tokensPerDay: 1, hourWeights: [1, 2] })).toThrow(UserError)
    expect(() => weekOfDemand({ tokensPerDay: 1, weekdayWeights: Array(7).fill(0) })).toThrow(
      UserError,
    )
  })

  test('a year of it has 8,760 hours, half of them at three times the load of the others', () => {
    const year = yearOfDemand({ tokensPerDay: 864_000, hourWeights: nightAndDay })
    expect(year.map(({ tokensPerS }) => tokensPerS)).toEqual([15, 5])
    expect(hoursOf(year)).toBeCloseTo(8760, 6)
    expect(millionTokensOf(year)).toBeCloseTo(0.864 * 365, 6)
    expect(peakFactor(year)).toBeCloseTo(1.5, 9)
  })

  test('half as much again each year is 2.25 times after two', () => {
    expect(grownTokensPerDay(100, 0.5, 2)).toBe(225)
    expect(() => grownTokensPerDay(100, -2, 2)).toThrow(UserError)
  })
})

describe('a load-duration curve', () => {
  const curve = loadDuration([
    { tokensPerS: 50, hours: 4 },
    { tokensPerS: 100, hours: 10 },
    { tokensPerS: 50, hours: 6 },
    { tokensPerS: 70, hours: 0 },
  ])

  test('goes from the highest load down, each load once', () => {
    expect(curve).toEqual([
      { tokensPerS: 100, hours: 10 },
      { tokensPerS: 50, hours: 10 },
    ])
    expect(peakTokensPerS(curve)).toBe(100)
    expect(peakTokensPerS(loadDuration([]))).toBe(0)
    expect(peakFactor(loadDuration([]))).toBeUndefined()
    expect(() => loadDuration([{ tokensPerS: -1, hours: 1 }])).toThrow(UserError)
  })

  test('of its 5.4 million tokens 60 tokens/s serve 2.16 + 1.8', () => {
    expect(millionTokensOf(curve)).toBeCloseTo(5.4, 12)
    expect(millionTokensWithin(curve, 60)).toBeCloseTo(3.96, 12)
    expect(millionTokensWithin(curve, 0)).toBe(0)
  })

  test('of a trace: buckets of 10 s, of which one in the middle is empty', () => {
    const trace = traceOfDemand(
      [
        { atS: 25, tokens: 30 },
        { atS: 0, tokens: 100 },
        { atS: 5, tokens: 50 },
      ],
      10,
    )
    expect(trace.map(({ tokensPerS }) => tokensPerS)).toEqual([15, 3, 0])
    expect(millionTokensOf(trace)).toBeCloseTo(180e-6, 15)
    expect(hoursOf(trace) * 3600).toBeCloseTo(30, 9)
    expect(traceOfDemand([], 10)).toEqual([])
    expect(() => traceOfDemand([], 0)).toThrow(UserError)
  })
})

describe('the worst second', () => {
  test('with 200 requests a second on average 95 % of the seconds have 224 or fewer', () => {
    expect(poissonQuantile(200, 0.95)).toBe(224)
  })

  test('with one on average 98.1 % have 3 or fewer, 92.0 % 2 or fewer', () => {
    // e^-1 (1 + 1 + 1/2) = 0.9197, + 1/6 = 0.9810.
    expect(poissonQuantile(1, 0.95)).toBe(3)
    expect(poissonQuantile(1, 0.91)).toBe(2)
    expect(poissonQuantile(0, 0.95)).toBe(0)
  })

  test('a million on average is no different', () => {
    // Added from 990,000 on in another language with the logarithms of factorials: P(X <= 1,001,645) = 0.950037.
    expect(poissonQuantile(1e6, 0.95)).toBe(1_001_645)
  })

  test('more than can be added up are expanded, to the count but for one', () => {
    for (const p of [1e-9, 0.5, 0.9, 0.95, 0.999, 0.999999]) {
      const added = poissonQuantile(100_000, p)
      expect(Math.abs(poissonQuantile(100_000 + 1e-6, p) - added)).toBeLessThanOrEqual(1)
    }
  })

  test('certainty has no count', () => {
    expect(() => poissonQuantile(200, 1)).toThrow(UserError)
  })
})

describe('whole servers', () => {
  const shape = { requestsPerSPerInstance: 41.6, gpusPerInstance: 8, gpusPerServer: 8 }

  test('200 requests/s at 41.6 each are 4.8077 servers on paper and 5 in the rack', () => {
    expect(fractionalServers(200, shape)).toBeCloseTo(4.807692, 6)
    expect(wholeServers(200, shape)).toBe(5)
  })

  test('5 instances of 3 GPUs take 3 servers of 8, for the third does not fit', () => {
    expect(wholeServers(200, { ...shape, gpusPerInstance: 3 })).toBe(3)
  })

  test('5 instances that span two servers take 10', () => {
    expect(wholeServers(200, { ...shape, gpusPerInstance: 16 })).toBe(10)
    expect(wholeServers(undefined, shape)).toBeUndefined()
    expect(() => wholeServers(200, { ...shape, requestsPerSPerInstance: 0 })).toThrow(UserError)
    expect(() => fractionalServers(200, { ...shape, requestsPerSPerInstance: 0 })).toThrow(
      UserError,
    )
  })
})
