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

type Stages = Extract<OpenLevel, { kind: 'ramp' }>['stages']

const ramp = (stages: Stages, arrivals: 'poisson' | 'constant' = 'poisson'): OpenLevel => ({
  kind: 'ramp',
  arrivals,
  stages,
})

/** All that fall before a moment. */
function dueBefore(endMs: number, level: OpenLevel, seed = 1): number[] {
  const times: number[] = []
  for (const dueMs of arrivalsMs(level, seededRandom(seed, 'arrivals'))) {
    if (dueMs >= endMs) break
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

describe('a rate that changes with time', () => {
  test('in steps, at equal gaps: each stage at its own rate, the last for ever', () => {
    const steps = ramp(
      [
        { forS: 1, ratePerS: 2 },
        { forS: 1, ratePerS: 4 },
      ],
      'constant',
    )
    // Two in the first second, four in the next, and 4 a second on.
    expect(take(9, steps)).toEqual([0, 500, 1_000, 1_250, 1_500, 1_750, 2_000, 2_250, 2_500])
  })

  test('in a straight line, at equal steps of the expected number: request k where 5 t^2 / 2 = k', () => {
    const line = ramp([{ forS: 10, ratePerS: 0, toRatePerS: 50 }], 'constant')
    const times = take(251, line)
    for (const k of [0, 1, 2, 100, 249])
      expect(times[k]).toBeCloseTo(1_000 * Math.sqrt((2 * k) / 5), 6)
    // Half of 0 + 50 for 10 s are 250 requests.
    expect(times.filter((dueMs) => dueMs < 10_000)).toHaveLength(250)
  })

  test('down to nothing comes to an end: no rate, no request', () => {
    const times = take(1_000, ramp([{ forS: 10, ratePerS: 20, toRatePerS: 0 }], 'constant'))
    expect(times).toHaveLength(100)
    // 20 t - t^2 = 99 at 10 - 1.
    expect(times.at(-1)).toBeCloseTo(9_000, 6)
  })

  test('nothing for a while, and then the stage after it', () => {
    const times = take(
      3,
      ramp(
        [
          { forS: 5, ratePerS: 0 },
          { forS: 5, ratePerS: 1 },
        ],
        'constant',
      ),
    )
    expect(times).toEqual([5_000, 6_000, 7_000])
  })

  test('Poisson at one rate is the Poisson process of that rate', () => {
    const times = take(500, ramp([{ forS: 3, ratePerS: 20 }]))
    for (const [k, dueMs] of take(500, { kind: 'poisson', ratePerS: 20 }).entries())
      expect(times[k]).toBeCloseTo(dueMs, 6)
  })

  const stages = [
    { forS: 100, ratePerS: 10, toRatePerS: 90 },
    { forS: 50, ratePerS: 20 },
    { forS: 50, ratePerS: 60, toRatePerS: 20 },
  ]
  /** Expected requests up to a moment, worked by hand for these stages. */
  const expected = (s: number): number => {
    if (s <= 100) return 10 * s + 0.4 * s ** 2
    if (s <= 150) return 5_000 + 20 * (s - 100)
    const t = s - 150
    return 6_000 + 60 * t - 0.4 * t ** 2
  }

  test.each([1, 2, 3])(
    'Poisson: given their number, the times are spread as the rate is (seed %i)',
    (seed) => {
      const times = dueBefore(200_000, ramp(stages), seed)
      const total = expected(200)
      // 8,000 are expected; four standard deviations are 358.
      expect(total).toBe(8_000)
      expect(Math.abs(times.length - total)).toBeLessThan(358)
      const distances = times.map((dueMs, i) => {
        const share = expected(dueMs / 1_000) / total
        return Math.max(
          Math.abs((i + 1) / times.length - share),
          Math.abs(i / times.length - share),
        )
      })
      // Kolmogorov and Smirnov: once in a hundred.
      expect(Math.max(...distances)).toBeLessThan(1.628 / Math.sqrt(times.length))
    },
  )

  test.each([1, 2, 3])(
    'Poisson: by the expected number, the gaps are unit exponentials (seed %i)',
    (seed) => {
      const gaps = gapsOf(
        dueBefore(200_000, ramp(stages), seed).map((dueMs) => expected(dueMs / 1_000)),
      )
      const sorted = gaps.sort((a, b) => a - b)
      const n = sorted.length
      const distances = sorted.map((gap, i) => {
        const share = 1 - Math.exp(-gap)
        return Math.max(Math.abs((i + 1) / n - share), Math.abs(i / n - share))
      })
      expect(Math.max(...distances)).toBeLessThan(1.628 / Math.sqrt(n))
    },
  )
})

describe('a trace', () => {
  const due = (speed: number): number[] => [
    ...arrivalsMs(
      { kind: 'trace', speed },
      seededRandom(1),
      Float64Array.from([0, 100, 100, 1_000]),
    ),
  ]

  test('is replayed at its own times, or so many times as fast, and then is over', () => {
    expect(due(1)).toEqual([0, 100, 100, 1_000])
    expect(due(4)).toEqual([0, 25, 25, 250])
    expect(due(0.5)).toEqual([0, 200, 200, 2_000])
  })
})
