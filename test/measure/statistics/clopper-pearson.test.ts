import { expect, test } from 'vitest'
import { binomialCdf } from '../../../src/measure/binomial.ts'
import { shareAtMost } from '../../../src/measure/statistics/clopper-pearson.ts'

test('none of n is at most 1 - 0.05^(1 / n), about 3 / n', () => {
  for (const n of [1, 10, 59, 299, 2995])
    expect(shareAtMost(0, n)).toBeCloseTo(1 - 0.05 ** (1 / n), 12)
  expect(shareAtMost(0, 300)).toBeCloseTo(3 / 300, 3)
})

test('one of ten is at most 39.4 %, two of twenty 28.3 %: the published table', () => {
  expect(shareAtMost(1, 10)).toBeCloseTo(0.3942, 4)
  expect(shareAtMost(2, 20)).toBeCloseTo(0.2826, 4)
})

test('as few as were seen come in a twentieth of all samples at the bound', () => {
  for (const [k, n] of [
    [1, 1000],
    [7, 662],
    [40, 400],
  ] as const)
    expect(binomialCdf(k, n, shareAtMost(k, n) ?? Number.NaN)).toBeCloseTo(0.05, 9)
})

test('all of n may be all there is, and no samples say nothing', () => {
  expect(shareAtMost(5, 5)).toBe(1)
  expect(shareAtMost(0, 0)).toBeUndefined()
})
