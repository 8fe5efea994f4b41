import { describe, expect, test } from 'vitest'
import { sampleForecast } from '../../src/measure/sample-forecast.ts'
import { benchmark } from './records.ts'

test('two requests a second for a minute are 120: too few for p95, which 65 s would do, and p99', () => {
  const load = { kind: 'poisson', ratePerS: [2, 4, 20] }
  expect(sampleForecast(benchmark({ load, durationS: 60 }), 'explore')).toEqual([
    '2 req/s Poisson: about 120 requests are planned in the window, and p95 needs 130 (65 s), p99 needs 662 (331 s). Percentiles with too few are withheld.',
    '4 req/s Poisson: about 240 requests are planned in the window, and p99 needs 662 (166 s). Percentiles with too few are withheld.',
  ])
})

test('a number of requests is a plan too, whoever sets the pace', () => {
  const load = { kind: 'closed', concurrency: [4] }
  expect(
    sampleForecast(benchmark({ load, durationS: undefined, requests: 200 }), 'explore'),
  ).toEqual([
    '4 users: 200 requests are planned in the window, and p99 needs 662. Percentiles with too few are withheld.',
  ])
})

test('of both bounds the nearer one counts', () => {
  const load = { kind: 'constant', ratePerS: [100] }
  expect(sampleForecast(benchmark({ load, durationS: 1, requests: 700 }), 'explore')[0]).toMatch(
    /about 100 /,
  )
  expect(sampleForecast(benchmark({ load, durationS: 60, requests: 700 }), 'explore')).toEqual([])
})

test('nothing is foretold of users, ramps and traces bounded by time alone', () => {
  const ramp = { kind: 'ramp', stages: [{ forS: 10, ratePerS: 1 }] }
  expect(sampleForecast(benchmark({ durationS: 1 }), 'explore')).toEqual([])
  expect(sampleForecast(benchmark({ load: ramp, durationS: 1 }), 'explore')).toEqual([])
})

describe('to publish, every level is told what it needs', () => {
  test('at 0.5 requests a second the requests decide, at 20 the ten minutes', () => {
    const load = { kind: 'poisson', ratePerS: [0.5, 20] }
    expect(sampleForecast(benchmark({ load, durationS: 600 }), 'publish')).toEqual([
      '0.5 req/s Poisson: to publish, the window must last 1324 s, which brings about 662 requests, and 662 requests must complete in it (p99). Planned: 600 s, about 300 requests: too short to publish.',
      '20 req/s Poisson: to publish, the window must last 600 s, which brings about 12000 requests, and 662 requests must complete in it (p99). Planned: 600 s, about 12000 requests: enough.',
    ])
  })

  test('of users nobody knows how many requests ten minutes bring', () => {
    expect(sampleForecast(benchmark({ durationS: 600 }), 'publish')).toEqual([
      '1 user: to publish, the window must last 600 s, and 662 requests must complete in it (p99). Planned: 600 s: enough if at least 662 requests complete in at least 600 s.',
    ])
    expect(sampleForecast(benchmark({ durationS: 599 }), 'publish')[0]).toMatch(/too short/)
    const bounded = benchmark({ durationS: undefined, requests: 661 })
    expect(sampleForecast(bounded, 'publish')[0]).toMatch(/Planned: 661 requests: too short/)
  })

  test('a number of requests ends the window before its time', () => {
    const load = { kind: 'constant', ratePerS: [10] }
    const plan = benchmark({ load, durationS: 600, requests: 1000 })
    expect(sampleForecast(plan, 'publish')[0]).toMatch(/Planned: 100 s, 1000 requests: too short/)
  })
})
