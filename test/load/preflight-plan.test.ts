import { expect, test } from 'vitest'
import { benchmarkSchema } from '../../src/load/benchmark.ts'
import { preflightPlan } from '../../src/load/preflight-plan.ts'

const url = new URL('http://127.0.0.1:8000')

function planOf(load: object, parts: object = { durationS: 60 }) {
  const benchmark = benchmarkSchema.parse({
    schemaVersion: 1,
    name: 'test',
    workload: { kind: 'synthetic', inputTokens: 100, outputTokens: 100 },
    load,
    ...parts,
  })
  return preflightPlan(benchmark, url, 'results')
}

test('users are connections; how many requests they come to is the server to say', () => {
  const plan = planOf({ kind: 'closed', concurrency: [1, 64] })
  expect(plan).toEqual({ url, outFolder: 'results', connections: 64 })
})

test('users who ask a given number of times, unwarmed, fill a given room', () => {
  // 2 levels of 1,000 requests of 309 + 100 * 5.9 = 899 bytes.
  const load = { kind: 'closed', concurrency: [1, 64] }
  expect(planOf(load, { requests: 1000, warmupS: 0 }).outBytes).toBe(1_798_000)
})

test('a rate is requests and room for the time it lasts, warm-up too; connections are unbounded', () => {
  // (10 + 20 requests/s) * (5 + 60 s) = 1,950 requests of 899 bytes.
  const plan = planOf({ kind: 'poisson', ratePerS: [10, 20] }, { durationS: 60, warmupS: 5 })
  expect(plan).toEqual({ url, outFolder: 'results', requestsPerS: 20, outBytes: 1_753_050 })
})

test('a rate with a bound on requests under way has as many connections', () => {
  expect(planOf({ kind: 'constant', ratePerS: [10], maxInFlight: 7 }).connections).toBe(7)
})
