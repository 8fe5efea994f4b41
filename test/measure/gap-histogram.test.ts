import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createGapHistogram } from '../../src/measure/gap-histogram.ts'
import { distributionOf } from '../../src/measure/quantile.ts'
import type { Samples } from '../../src/measure/samples.ts'

function samplesOf(gapsUs: readonly number[]): Samples {
  const histogram = createGapHistogram()
  for (const us of gapsUs) histogram.add(us)
  return histogram.samples()
}

describe('gaps counted by the microsecond', () => {
  test('by hand: five gaps, two of them equal', () => {
    const { n, mean, valueAtRank } = samplesOf([2000, 500, 2000, 0, 10_500])
    expect(n).toBe(5)
    expect([0, 1, 2, 3, 4, 5, 6].map(valueAtRank)).toEqual([
      undefined,
      0,
      0.5,
      2,
      2,
      10.5,
      undefined,
    ])
    // 15,000 us in 5 gaps.
    expect(mean).toBe(3)
  })

  test('have the ranks of the raw samples, however short or long they are', () => {
    const gapUs = fc.oneof(
      fc.integer({ min: 0, max: 50 }),
      fc.integer({ min: 4090, max: 4100 }),
      fc.integer({ min: 2 ** 20 - 3, max: 2 ** 20 + 3 }),
      fc.integer({ min: 0, max: 600_000_000 }),
    )
    fc.assert(
      fc.property(fc.array(gapUs, { maxLength: 300 }), (gapsUs) => {
        const { n, valueAtRank } = samplesOf(gapsUs)
        const raw = gapsUs.toSorted((a, b) => a - b)
        expect(n).toBe(raw.length)
        expect(raw.map((_, i) => valueAtRank(i + 1))).toEqual(raw.map((us) => us / 1000))
        expect(valueAtRank(n + 1)).toBeUndefined()
      }),
    )
  })

  test('have a mean without the residue of adding fractions', () => {
    const tenths = Array.from({ length: 10_000 }, () => 0.1)
    expect(tenths.reduce((sum, ms) => sum + ms, 0) / 10_000).not.toBe(0.1)
    expect(samplesOf(tenths.map(() => 100)).mean).toBe(0.1)
  })

  test('that a damaged journal gives, negative or no whole number, are still in order', () => {
    const { valueAtRank } = samplesOf([3000, -1500, 0.5, 7])
    expect([1, 2, 3, 4].map(valueAtRank)).toEqual([-1.5, 0.0005, 0.007, 3])
  })

  test('of which there are none, are unknown', () => {
    const none = distributionOf(samplesOf([]))
    expect(none).toMatchObject({ n: 0, p50: { n: 0, withheldUntilN: 1 } })
    expect([none.mean, none.min, none.max]).toEqual([undefined, undefined, undefined])
  })
})
