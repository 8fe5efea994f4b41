import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { seedOfRun } from '../../src/load/run-group.ts'
import { medianOfRuns } from '../../src/measure/group-metrics.ts'
import { coverageOfRange, runInterval } from '../../src/measure/run-interval.ts'
import { fTail } from '../../src/measure/statistics/f-law.ts'
import { confidenceOfLook, looksUpTo } from '../../src/measure/statistics/looks.ts'
import { randomNormal, seededRandom } from '../../src/random.ts'

const byCount = { confidence: 0.95 }
const times100 = (logs: readonly number[]): number[] => logs.map((log) => 100 * Math.exp(log))

describe('the median of runs and its interval, by hand', () => {
  test('3 runs of 90.9, 100 and 110: t of 2 degrees is 4.3027, so ln 1.1 x 4.3027 / sqrt 3 is 0.2368 either way', () => {
    const { median, interval, withinRatio } = medianOfRuns([110, 100 / 1.1, 100], byCount)
    expect(median).toBe(100)
    expect(interval).toMatchObject({ method: 'log-t', confidence: 0.95 })
    expect(interval?.low).toBeCloseTo(78.918, 2)
    expect(interval?.high).toBeCloseTo(126.714, 2)
    expect(withinRatio).toBeCloseTo(0.26714, 4)
  })

  test('5 runs a hundredth apart: spread sqrt(0.001 / 4), t of 4 degrees 2.7764, so 0.019632 either way', () => {
    const { median, interval } = medianOfRuns(times100([0, 0.02, -0.02, 0.01, -0.01]), byCount)
    expect(median).toBe(100)
    expect(interval?.method).toBe('log-t')
    expect(interval?.low).toBeCloseTo(100 * Math.exp(-0.019632), 3)
    expect(interval?.high).toBeCloseTo(100 * Math.exp(0.019632), 3)
  })

  test('6 runs, however they scatter, hold the median between least and most but for 2 / 2^6', () => {
    const { median, interval } = medianOfRuns([100, 7, 101, 103, 5_000, 102], byCount)
    expect(median).toBe(101.5)
    expect(interval).toEqual({
      low: 7,
      high: 5_000,
      method: 'order-statistics',
      confidence: expect.closeTo(1 - 2 / 64, 10),
    })
  })

  test('10 runs hold it between the second and the ninth but for 2 x 11 / 2^10', () => {
    const interval = runInterval([9, 1, 8, 2, 7, 3, 6, 4, 5, 10], 0.95)
    expect(interval).toMatchObject({ low: 2, high: 9 })
    expect(interval?.confidence).toBeCloseTo(1 - 22 / 1024, 10)
  })

  test('where log-t is asked for, 10 runs have that too', () => {
    expect(runInterval([9, 1, 8, 2, 7, 3, 6, 4, 5, 10], 0.95, 'log-t')?.method).toBe('log-t')
  })

  test('the median of an even number is the middle of the middle two', () => {
    expect(medianOfRuns([1, 2, 4, 8], byCount).median).toBe(3)
  })

  test.each([
    ['no run', []],
    ['one run', [5]],
    ['runs that are all the same', [5, 5, 5]],
    ['as many as are enough, all the same', [5, 5, 5, 5, 5, 5]],
    ['a run of nothing', [0, 5, 6]],
  ])('%s has no interval', (_, figures) => {
    expect(runInterval(figures, 0.95)).toBeUndefined()
    expect(medianOfRuns(figures, byCount).withinRatio).toBeUndefined()
  })

  test('the least and the most of 3 runs hold the median in 3 of 4 cases, of 5 in 15 of 16', () => {
    expect(coverageOfRange(3)).toBeCloseTo(0.75, 12)
    expect(coverageOfRange(5)).toBeCloseTo(0.9375, 12)
  })

  test('an interval of scaled figures is the scaled interval', () => {
    const figures = fc.array(fc.double({ min: 1, max: 1e6, noNaN: true }), {
      minLength: 2,
      maxLength: 12,
    })
    fc.assert(
      fc.property(figures, (values) => {
        const [plain, doubled] = [values, values.map((value) => 2 * value)].map((each) =>
          runInterval(each, 0.95),
        )
        if (plain === undefined) return expect(doubled).toBeUndefined()
        expect((doubled?.low ?? 0) / plain.low).toBeCloseTo(2, 9)
        expect((doubled?.high ?? 0) / plain.high).toBeCloseTo(2, 9)
        expect(plain.low).toBeLessThan(plain.high)
      }),
      { seed: 6 },
    )
  })
})

// Tables of the 5 % points of F, e.g. NIST/SEMATECH e-Handbook 1.3.6.7.3.
test.each([
  [161.448, 1, 1],
  [4.103, 2, 10],
  [3.467, 2, 21],
  [2.866, 4, 20],
])('F is above %s with %s and %s degrees of freedom in 5 % of cases', (f, over, under) => {
  expect(fTail(f, over, under)).toBeCloseTo(0.05, 4)
})

describe('looks', () => {
  test.each([
    [3, [3]],
    [4, [3, 4]],
    [8, [3, 5, 7, 8]],
    [10, [3, 5, 7, 10]],
    [25, [3, 5, 7, 10, 14, 20, 25]],
  ])('of at most %s runs come after %s', (most, looks) => {
    expect(looksUpTo(most)).toEqual(looks)
  })

  test('rise to the most runs', () => {
    fc.assert(
      fc.property(fc.integer({ min: 3, max: 100 }), (most) => {
        const looks = looksUpTo(most)
        expect(looks[0]).toBe(3)
        expect(looks.at(-1)).toBe(most)
        expect(looks.toSorted((a, b) => a - b)).toEqual([...new Set(looks)])
      }),
      { seed: 7 },
    )
  })

  test('share the doubt: 4 of them at 98.75 % are 95 % together', () => {
    expect(confidenceOfLook(0.95, 4)).toBeCloseTo(0.9875, 12)
    expect(confidenceOfLook(0.95, 1)).toBeCloseTo(0.95, 12)
  })
})

describe('stopping when the interval is within 2 %', () => {
  const GROUPS = 2_000
  const WIDTH = 0.02

  /** How many of many groups of a thing whose every run is 100 but for chance end with an interval that holds 100. */
  function coverage(
    logDeviation: number,
    looksAfter: readonly number[],
    confidence: number,
  ): { covered: number; meanRuns: number } {
    const random = seededRandom(2026, `stopping ${logDeviation}`)
    let [covered, runs] = [0, 0]
    for (let group = 0; group < GROUPS; group++) {
      const figures: number[] = []
      let last: ReturnType<typeof medianOfRuns> = medianOfRuns([], byCount)
      for (const look of looksAfter) {
        while (figures.length < look)
          figures.push(100 * Math.exp(logDeviation * randomNormal(random)))
        last = medianOfRuns(figures, { confidence, method: 'log-t' })
        if ((last.withinRatio ?? Infinity) <= WIDTH) break
      }
      runs += figures.length
      const { interval } = last
      if (interval && interval.low <= 100 && 100 <= interval.high) covered++
    }
    return { covered: covered / GROUPS, meanRuns: runs / GROUPS }
  }

  const looks = looksUpTo(10)

  test.each([0.005, 0.01, 0.02, 0.03])(
    'at looks fixed beforehand, the interval it stops at holds the truth in 95 % or more, at a spread of %s',
    (logDeviation) => {
      const { covered } = coverage(logDeviation, looks, confidenceOfLook(0.95, looks.length))
      expect(covered).toBeGreaterThanOrEqual(0.95)
    },
  )

  test('after every run and at 95 % each, it does not: 92 % at a spread of 2 %', () => {
    const everyRun = Array.from({ length: 8 }, (_, i) => 3 + i)
    const { covered, meanRuns } = coverage(0.02, everyRun, 0.95)
    // Of 2,000, a tail of 95 % holds but for 1 % of cases above 0.9386.
    expect(covered).toBeLessThan(0.9386)
    expect(covered).toBeGreaterThan(0.88)
    expect(meanRuns).toBeLessThan(10)
  })

  test('it stops early where runs agree', () => {
    const { meanRuns } = coverage(0.005, looks, confidenceOfLook(0.95, looks.length))
    expect(meanRuns).toBeGreaterThan(3)
    expect(meanRuns).toBeLessThan(5)
  })
})

describe('how often an interval of so many runs holds the median, whatever they scatter like', () => {
  /** Runs scatter by 1 %, and one in five is 10 % slower: three eighths of the others are below the median. */
  const skewed = (random: () => number): number =>
    Math.exp(0.01 * randomNormal(random)) * (random() < 0.2 ? 0.9 : 1)
  // 0.2 + 0.8 x Phi(z) = 0.5 at Phi(z) = 0.375, z = -0.31864.
  const truth = Math.exp(0.01 * -0.318_64)

  const covered = (runs: number, method?: 'log-t'): number => {
    const random = seededRandom(7, `skewed ${runs}`)
    let hits = 0
    for (let i = 0; i < 2_000; i++) {
      const interval = runInterval(
        Array.from({ length: runs }, () => skewed(random)),
        0.95,
        method,
      )
      if (interval && interval.low <= truth && truth <= interval.high) hits++
    }
    return hits / 2_000
  }

  test('3 and 5 runs by log-t: 95 % or more', () => {
    expect(covered(3)).toBeGreaterThan(0.945)
    expect(covered(5)).toBeGreaterThan(0.945)
  })

  test('10 runs: exact ranks hold 97 %, log-t would hold 91 %', () => {
    expect(covered(10)).toBeGreaterThan(0.965)
    expect(covered(10, 'log-t')).toBeLessThan(0.93)
  })
})

describe('seeds of runs', () => {
  test('are the same for the same benchmark seed and run, and always will be', () => {
    expect([1, 2, 3].map((run) => seedOfRun(1, run))).toEqual([1487761399, 898016803, 1667241265])
  })

  test('differ within a group, and from those of a group of the next seed', () => {
    const seeds = [1, 2].flatMap((seed) =>
      Array.from({ length: 50 }, (_, run) => seedOfRun(seed, run + 1)),
    )
    expect(new Set(seeds).size).toBe(100)
  })
})
