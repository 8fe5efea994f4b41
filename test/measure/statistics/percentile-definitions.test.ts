import { describe, expect, test } from 'vitest'
import { harrellDavis } from '../../../src/measure/statistics/harrell-davis.ts'
import { correctedForOmission } from '../../../src/measure/statistics/omission.ts'
import {
  type PercentileDefinitionName,
  percentileDefinitions,
} from '../../../src/measure/statistics/percentile-definitions.ts'
import { publishedCases } from './published-cases.ts'

const oneToTen = Float64Array.from({ length: 10 }, (_, i) => i + 1)

/** The names under which the published figures go. */
const publishedNames: Record<string, PercentileDefinitionName[]> = {
  loadgen_floor_np: ['loadgen'],
  numpy_lower_mlperf_endpoints: ['lower'],
  linear_type7_numpy_k6_tinybench: ['linear'],
  nearest_rank_ceil_hdr: ['nearest-rank', 'hdr'],
  r_type6: ['weibull'],
  r_type8: ['median-unbiased'],
}

describe('the same samples give every rival another percentile', () => {
  test.each([
    ['nearest-rank', 9],
    ['hdr', 9],
    ['loadgen', 10],
    ['lower', 9],
    ['linear', 9.1],
    ['hazen', 9.5],
    ['weibull', 9.9],
    ['median-unbiased', 9 + 19 / 30],
  ] as const)('p90 of 1 to 10 by %s is %d', (name, p90) => {
    expect(percentileDefinitions[name].of(oneToTen, 90)).toBeCloseTo(p90, 12)
  })

  test('none reads past the ends', () => {
    for (const { of } of Object.values(percentileDefinitions)) {
      expect(of(oneToTen, 0)).toBe(1)
      expect(of(oneToTen, 100)).toBe(10)
      expect(of([7], 99)).toBe(7)
      expect(of([], 50)).toBeUndefined()
    }
  })

  test.each(publishedCases('percentile-definitions.json'))('$id', ({ inputs, expected }) => {
    const sorted = Float64Array.from(inputs.values).sort()
    for (const [published, value] of Object.entries(expected)) {
      const names = publishedNames[published]
      expect(names, published).toBeDefined()
      for (const name of names ?? [])
        expect(percentileDefinitions[name].of(sorted, inputs.p * 100), name).toBeCloseTo(
          Number(value),
          9,
        )
    }
  })
})

describe('HdrHistogram', () => {
  const file = 'coordinated-omission-hdr.json'
  const { of } = percentileDefinitions.hdr

  test('lowers a percentile by one bit, so that rounding up does not cost a rank', () => {
    // HdrHistogramDataAccessTest: of 1 and 2, 50.00000000000001 % is still 1, 50.0000000000001 % is 2.
    expect(of([1, 2], 50)).toBe(1)
    expect(of([1, 2], 50.00000000000001)).toBe(1)
    expect(of([1, 2], 50.0000000000001)).toBe(2)
  })

  test.each(publishedCases(file, /^percentile edge/))('$id', ({ inputs, expected }) => {
    for (const [name, value] of Object.entries(expected)) {
      const p = Number(name.slice(1).replace('_', '.'))
      expect(of(inputs.values, p), name).toBe(value)
    }
  })

  test('by hand: 1 s seen once every 250 ms stands for 1,000, 750, 500 and 250 ms', () => {
    expect(correctedForOmission([1000, 10], 250)).toEqual([1000, 750, 500, 250, 10])
    expect(() => correctedForOmission([1], 0)).toThrow(RangeError)
  })

  test('its test vector: a stall of 100 s among 10,000 answers of 1 ms takes p99 from 1 ms to 98 s', () => {
    const raw = [...Array<number>(10_000).fill(1000), 100_000_000]
    const corrected = Float64Array.from(correctedForOmission(raw, 10_000)).sort()
    expect(of(raw, 99)).toBe(1000)
    expect(corrected).toHaveLength(20_000)
    expect([50, 75, 90, 99, 100].map((p) => of(corrected, p))).toEqual([
      1000, 50_000_000, 80_000_000, 98_000_000, 100_000_000,
    ])
  })

  test.each(publishedCases(file, /corrected$/))('$id', ({ id, expected, tolerance_rel = 1e-9 }) => {
    const raw = [...Array<number>(10_000).fill(1000), 100_000_000]
    const values = Float64Array.from(
      id === 'corrected' ? correctedForOmission(raw, 10_000) : raw,
    ).sort()
    const { count, mean, max, pct_at_or_below_5ms, ...percentiles } = expected
    const near = (value: number | undefined, to: number, what: string): void =>
      expect(Math.abs(Number(value) / to - 1), what).toBeLessThanOrEqual(tolerance_rel)
    expect(values).toHaveLength(count)
    near(values.reduce((sum, value) => sum + value, 0) / values.length, mean, 'mean')
    near(values.at(-1), max, 'max')
    const below = values.filter((value) => value <= 5000).length
    expect((100 * below) / values.length).toBeCloseTo(pct_at_or_below_5ms, 2)
    for (const [name, value] of Object.entries(percentiles))
      near(of(values, Number(name.slice(1).replace('_', '.'))), Number(value), name)
  })
})

describe('Harrell and Davis', () => {
  test('by hand: of five, the median weighs 1 and 100 with I_0.8 and the rest of Beta(3, 3)', () => {
    // I_0.8(3, 3) = 0.94208, so 0.94208 x 1 + 0.05792 x 100.
    expect(harrellDavis([1, 1, 1, 1, 100], 50)).toBeCloseTo(6.73408, 10)
  })

  test('gives a constant back, and nothing for nothing', () => {
    expect(harrellDavis([4, 4, 4, 4], 90)).toBeCloseTo(4, 12)
    expect(harrellDavis([], 50)).toBeUndefined()
  })

  test.each(publishedCases('harrell-davis.json'))('$id ($source)', ({ inputs, expected }) => {
    const values = inputs.probs.map((p: number) => harrellDavis(inputs.values, p * 100))
    for (const [i, value] of (expected.hd ?? expected.hd_scipy).entries())
      expect(values[i]).toBeCloseTo(value, 9)
    for (const [i, value] of (expected.hd_published_1dp ?? []).entries())
      expect(values[i].toFixed(1)).toBe(value.toFixed(1))
  })

  test.each(publishedCases('harrell-davis.json', /deciles$/))(
    'MATLAB prctile of the same, to the year: $id',
    ({ inputs, expected }) => {
      // Printed as whole years, a half either way.
      for (const [i, published] of expected.matlab_prctile.entries()) {
        const decile = percentileDefinitions.hazen.of(inputs.values, inputs.probs[i] * 100)
        expect(Math.abs(Number(decile) - published)).toBeLessThanOrEqual(0.5)
      }
    },
  )
})
