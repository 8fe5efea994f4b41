import { describe, expect, test } from 'vitest'
import { type PercentileDefinition, percentileBy } from '../../../src/measure/as/percentile-by.ts'
import { createGapPool, createPool, inSeconds } from '../../../src/measure/as/pool.ts'
import { createWeightedPool } from '../../../src/measure/as/weighted.ts'
import { createColumn } from '../../../src/measure/column.ts'
import { publishedCases } from '../statistics/published-cases.ts'

function samplesOf(values: readonly number[]) {
  const column = createColumn()
  for (const value of values) column.add(value)
  return column.samples()
}

const oneToTen = Array.from({ length: 10 }, (_, i) => i + 1)

describe('a percentile', () => {
  // numpy.percentile(range(1, 11), 90) is 9.1: index 0.9 x 9 = 8.1.
  test.each<[PercentileDefinition, number, number]>([
    ['linear', 90, 9.1],
    ['linear', 50, 5.5],
    ['lower', 90, 9],
    ['lower', 99, 9],
    // LoadGen takes index floor(10 x 0.9) = 9, which is the largest.
    ['floor-np', 90, 10],
    ['floor-np', 50, 6],
  ])('of ten samples, %s, p%d', (definition, p, expected) => {
    expect(percentileBy(definition, samplesOf(oneToTen), p)).toBeCloseTo(expected, 12)
  })

  test('at a round number of samples is not one index off by a bit of floating point', () => {
    const thousand = samplesOf(Array.from({ length: 1000 }, (_, i) => i))
    expect(percentileBy('floor-np', thousand, 99.9)).toBe(999)
    expect(percentileBy('lower', samplesOf(Array.from({ length: 1001 }, (_, i) => i)), 99.9)).toBe(
      999,
    )
  })

  test('of no samples is unknown', () => {
    expect(percentileBy('linear', samplesOf([]), 50)).toBeUndefined()
  })
})

const published = publishedCases('percentile-definitions.json')

describe.skipIf(published.length === 0)('published percentiles', () => {
  test.each(published)('$id', ({ inputs: { values, p }, expected }) => {
    const samples = samplesOf(values)
    const named = {
      linear: expected.linear_type7_numpy_k6_tinybench,
      'floor-np': expected.loadgen_floor_np,
      lower: expected.numpy_lower_mlperf_endpoints,
    } as const
    for (const [definition, value] of Object.entries(named)) {
      const ours = percentileBy(definition as PercentileDefinition, samples, p * 100)
      expect(ours).toBeCloseTo(value ?? Number.NaN, 9)
    }
  })
})

describe('a pool', () => {
  test('has the deviation of the population', () => {
    const pool = createPool()
    for (const value of [2, 4, 4, 4, 5, 5, 7, 9]) pool.add(value)
    expect(pool.finish()).toMatchObject({ n: 8, total: 40, mean: 5, std: 2, min: 2, max: 9 })
  })

  test('of gaps in us tells ms, and in seconds a thousandth of that', () => {
    const pool = createGapPool()
    for (const us of [1_000, 3_000]) pool.add(us)
    const ms = pool.finish()
    expect(ms).toMatchObject({ n: 2, total: 4, mean: 2, std: 1, min: 1, max: 3 })
    expect(inSeconds(ms)).toMatchObject({ total: 0.004, mean: 0.002, std: 0.001, max: 0.003 })
    expect(percentileBy('linear', inSeconds(ms).samples, 50)).toBeCloseTo(0.002, 12)
  })

  test('of weighted samples drops what weighs nothing', () => {
    const pool = createWeightedPool()
    pool.add(100, 0)
    pool.add(1, 1)
    pool.add(3, 2)
    pool.add(1, 1)
    // Half of the weight is at 1, so half is reached there, and any more at 3.
    const { count, mean, std, min, max, valueAtShare } = pool.finish()
    expect({ count, mean, std, min, max }).toEqual({ count: 4, mean: 2, std: 1, min: 1, max: 3 })
    expect([valueAtShare(0.5), valueAtShare(0.51)]).toEqual([1, 3])
  })

  test('of nothing knows nothing', () => {
    expect(createPool().finish()).toMatchObject({ n: 0, mean: undefined, std: undefined })
    expect(createWeightedPool().finish().mean).toBeUndefined()
  })
})
