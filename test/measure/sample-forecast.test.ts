import { expect, test } from 'vitest'
import { sampleForecast } from '../../src/measure/sample-forecast.ts'
import { benchmark } from './records.ts'

test('two requests a second for a minute are 120: too few for p95, which 65 s would do, and p99', () => {
  const load = { kind: 'poisson', ratePerS: [2, 4, 20] }
  expect(sampleForecast(benchmark({ load, durationS: 60 }))).toEqual([
    '2 req/s Poisson: about 120 requests are planned in the window, and p95 needs 130 (65 s), p99 needs 662 (331 s). Percentiles with too few are withheld.',
    '4 req/s Poisson: about 240 requests are planned in the window, and p99 needs 662 (166 s). Percentiles with too few are withheld.',
  ])
})

test('a number of requests is a plan too, whoever sets the pace', () => {
  const load = { kind: 'closed', concurrency: [4] }
  expect(sampleForecast(benchmark({ load, durationS: undefined, requests: 200 }))).toEqual([
    '4 users: 200 requests are planned in the window, and p99 needs 662. Percentiles with too few are withheld.',
  ])
})

test('of both bounds the nearer one counts', () => {
  const load = { kind: 'constant', ratePerS: [100] }
  expect(sampleForecast(benchmark({ load, durationS: 1, requests: 700 }))[0]).toMatch(/about 100 /)
  expect(sampleForecast(benchmark({ load, durationS: 60, requests: 700 }))).toEqual([])
})

test('nothing is foretold of users, ramps and traces bounded by time alone', () => {
  const ramp = { kind: 'ramp', stages: [{ forS: 10, ratePerS: 1 }] }
  expect(sampleForecast(benchmark({ durationS: 1 }))).toEqual([])
  expect(sampleForecast(benchmark({ load: ramp, durationS: 1 }))).toEqual([])
})
