import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { UserError } from '../../src/errors.ts'
import { fleetFor, fractionalServers, wholeServers } from '../../src/price/demand/capacity.ts'
import { type BaseCapacity, cheapestHybrid, hybridPlan } from '../../src/price/demand/hybrid.ts'
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

  const curve = loadDuration([
    { tokensPerS: 100, hours: 1 },
    { tokensPerS: 0, hours: 1 },
  ])
  const rules = {
    tokensPerSPerServer: 40,
    withinHourPeakFactor: 1.5,
    maintenanceRatio: 0.1,
    spareServers: 1,
  }

  test('a peak of 100 with bursts of 1.5 needs 4 of 40; with a tenth out and N+1, 6 are bought', () => {
    const fleet = fleetFor(curve, rules)
    expect(fleet.servingServers).toBe(4)
    expect(fleet.servers).toBe(6)
  })

  test('their utilisation comes out: 50 tokens/s of 240', () => {
    expect(fleetFor(curve, rules).utilisationRatio).toBeCloseTo(50 / 240, 12)
  })

  test('no demand needs no server and no spare', () => {
    expect(fleetFor(loadDuration([{ tokensPerS: 0, hours: 5 }]), rules)).toEqual({
      servingServers: 0,
      servers: 0,
      utilisationRatio: undefined,
    })
  })

  test('what cannot be is refused', () => {
    expect(() => fleetFor(curve, { ...rules, tokensPerSPerServer: 0 })).toThrow(UserError)
    expect(() => fleetFor(curve, { ...rules, withinHourPeakFactor: 0.5 })).toThrow(UserError)
    expect(() => fleetFor(curve, { ...rules, maintenanceRatio: 1 })).toThrow(UserError)
    expect(() => fleetFor(curve, { ...rules, spareServers: 0.5 })).toThrow(UserError)
  })

  test('a fleet always carries its peak', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(weight, weight), { maxLength: 10 }),
        fc.double({ min: 0.1, max: 200, noNaN: true }),
        (steps, tokensPerSPerServer) => {
          const load = loadDuration(steps.map(([tokensPerS, hours]) => ({ tokensPerS, hours })))
          const fleet = fleetFor(load, { ...rules, tokensPerSPerServer })
          const capacity = fleet.servingServers * tokensPerSPerServer
          return (
            capacity >= peakTokensPerS(load) * rules.withinHourPeakFactor * (1 - 2e-9) &&
            (fleet.utilisationRatio ?? 0) <= 1
          )
        },
      ),
    )
  })
})

describe('a base of one’s own, the rest to an API', () => {
  const curve = loadDuration([
    { tokensPerS: 100, hours: 10 },
    { tokensPerS: 50, hours: 10 },
  ])
  const base = {
    tokensPerSPerUnit: 50,
    usdPerUnitHour: 1,
    usdPerMillionTokens: 0,
    usdPerHourWithAny: 0,
  }

  test('5.4 million tokens cost 54 at the API, 40 on two units, and 38 on one with the peak sent out', () => {
    const hybrid = cheapestHybrid(curve, base, 10)
    expect(hybrid?.allApi.usd).toBeCloseTo(54, 9)
    expect(hybrid?.allOwn.units).toBe(2)
    expect(hybrid?.allOwn.usd).toBeCloseTo(40, 9)
    expect(hybrid?.best.units).toBe(1)
    expect(hybrid?.best.usd).toBeCloseTo(38, 9)
    expect(hybrid?.best.apiMillionTokens).toBeCloseTo(1.8, 9)
    expect(hybrid?.best.baseUtilisationRatio).toBeCloseTo(1, 12)
  })

  test('a unit four times as large is had whole or not at all', () => {
    const rack = { ...base, tokensPerSPerUnit: 200, usdPerUnitHour: 4 }
    expect(cheapestHybrid(curve, rack, 10)?.best.units).toBe(0)
    expect(cheapestHybrid(curve, rack, 20)?.best.units).toBe(1)
  })

  test('somebody to look after it, at 1 an hour, makes the API the cheapest at first', () => {
    const staffed = { ...base, usdPerHourWithAny: 1 }
    expect(cheapestHybrid(curve, staffed, 10)?.best.usd).toBeCloseTo(54, 9)
    expect(cheapestHybrid(curve, staffed, 12)?.best.units).toBe(2)
  })

  test('an unknown price makes all of it unknown; a unit without capacity is refused', () => {
    expect(cheapestHybrid(curve, base, undefined)).toBeUndefined()
    expect(cheapestHybrid(curve, { ...base, usdPerUnitHour: undefined }, 10)).toBeUndefined()
    expect(() => cheapestHybrid(curve, { ...base, tokensPerSPerUnit: 0 }, 10)).toThrow(UserError)
    expect(() => cheapestHybrid(curve, base, -1)).toThrow(UserError)
  })

  test('no demand costs nothing', () => {
    expect(cheapestHybrid(loadDuration([]), base, 10)?.best.usd).toBe(0)
  })

  const problem = fc.record({
    steps: fc.array(fc.tuple(weight, weight), { minLength: 1, maxLength: 12 }),
    base: fc.record({
      tokensPerSPerUnit: upTo(60).map((size) => size + 0.5),
      usdPerUnitHour: upTo(2),
      usdPerMillionTokens: upTo(20),
      usdPerHourWithAny: upTo(2),
    }),
    apiUsd: upTo(100),
  })
  const curveOf = (steps: readonly (readonly [number, number])[]) =>
    loadDuration(steps.map(([tokensPerS, hours]) => ({ tokensPerS, hours })))
  const cost = (
    load: ReturnType<typeof loadDuration>,
    own: BaseCapacity,
    apiUsd: number,
    units: number,
  ): number => hybridPlan(load, own, apiUsd, units)?.usd ?? Number.NaN

  test('no number of units up to beyond the peak is cheaper than the one found', () => {
    let mixed = 0
    fc.assert(
      fc.property(problem, ({ steps, base: own, apiUsd }) => {
        const load = curveOf(steps)
        const hybrid = cheapestHybrid(load, own, apiUsd)
        const found = hybrid?.best.usd ?? Number.NaN
        if (found < Math.min(hybrid?.allApi.usd ?? 0, hybrid?.allOwn.usd ?? 0)) mixed++
        const most = Math.ceil(peakTokensPerS(load) / own.tokensPerSPerUnit) + 2
        const costs = Array.from({ length: most + 1 }, (_, n) => cost(load, own, apiUsd, n))
        return found <= Math.min(...costs) * (1 + 1e-9) + 1e-9
      }),
      { numRuns: 400 },
    )
    // A test in which the mix never won would prove little.
    expect(mixed).toBeGreaterThan(40)
  })

  test('it is never dearer than the API alone or the units alone', () => {
    fc.assert(
      fc.property(problem, ({ steps, base: own, apiUsd }) => {
        const hybrid = cheapestHybrid(curveOf(steps), own, apiUsd)
        if (hybrid === undefined) return false
        return hybrid.best.usd <= Math.min(hybrid.allApi.usd, hybrid.allOwn.usd)
      }),
    )
  })

  test('every token is served once, whatever the number of units', () => {
    fc.assert(
      fc.property(problem, fc.nat(20), ({ steps, base: own, apiUsd }, units) => {
        const load = curveOf(steps)
        const plan = hybridPlan(load, own, apiUsd, units)
        const served = (plan?.baseMillionTokens ?? Number.NaN) + (plan?.apiMillionTokens ?? 0)
        return Math.abs(served - millionTokensOf(load)) <= 1e-9 * (1 + millionTokensOf(load))
      }),
    )
  })
})
