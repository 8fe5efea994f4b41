import { expect, test } from 'vitest'
import { blockStatistics, percentOf } from '../../../src/measure/imports/statistics.ts'

test.each([
  ['p50', 50],
  ['p5', 5],
  ['p05', 5],
  ['p1', 1],
  ['p99', 99],
  ['p100', 100],
  ['median', 50],
  // vLLM and inference-perf.
  ['p99.9', 99.9],
  ['p0.1', 0.1],
  // llm-d.
  ['p99p9', 99.9],
  ['p0p1', 0.1],
  // GuideLLM leaves the dot out after two digits.
  ['p999', 99.9],
  ['p001', 0.1],
])('%s is %d per cent', (key, percent) => {
  expect(percentOf(key)).toBe(percent)
})

test.each(['p', 'pp50', 'per_run', 'p5x', 'mean', 'p-5', 'p99.'])('%s is no percentile', (key) => {
  expect(percentOf(key)).toBeUndefined()
})

test('one figure that is not 0 makes the zeros beside it figures too', () => {
  const read = (block: object) => blockStatistics({ ...block }, { mean: 'mean' }, { key: 'k' })
  expect(read({ mean: 0, min: 0, p50: 0 })).toBeUndefined()
  expect(read({ mean: 0.5, min: 0, p50: 0 })).toEqual({
    key: 'k',
    mean: 0.5,
    min: 0,
    percentiles: [{ p: 50, value: 0 }],
  })
})
