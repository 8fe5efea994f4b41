import { expect, test } from 'vitest'
import type { LoadLevel } from '../../src/load/benchmark.ts'
import { shardsOf, workersFor } from '../../src/load/worker-count.ts'

const many = { outputTokens: 100, cores: 64, loopback: false }

test.each<[LoadLevel, number]>([
  [{ kind: 'closed', concurrency: 1 }, 1],
  [{ kind: 'closed', concurrency: 500 }, 1],
  [{ kind: 'closed', concurrency: 501 }, 2],
  [{ kind: 'closed', concurrency: 8_000 }, 16],
  [{ kind: 'constant', ratePerS: 10 }, 1],
  // 400 requests of 100 chunks are 40,000 events a second.
  [{ kind: 'poisson', ratePerS: 400 }, 2],
])('%j asks for %i threads where answers have 100 tokens', (load, workers) => {
  expect(workersFor(load, many)).toBe(workers)
})

test('short answers at a high rate need threads for the requests, not for the events', () => {
  const load = { kind: 'constant', ratePerS: 2_500 } as const
  expect(workersFor(load, { ...many, outputTokens: 1 })).toBe(3)
})

test('one core is left to the rest of the client, and half of them to a server on this machine', () => {
  const load = { kind: 'closed', concurrency: 100_000 } as const
  expect(workersFor(load, { ...many, cores: 8 })).toBe(7)
  expect(workersFor(load, { ...many, cores: 8, loopback: true })).toBe(4)
  expect(workersFor(load, { ...many, cores: 1, loopback: true })).toBe(1)
})

test('more threads than users would have nothing to do', () => {
  expect(shardsOf({ kind: 'closed', concurrency: 3 }, 8)).toBe(3)
  expect(shardsOf({ kind: 'constant', ratePerS: 1 }, 8)).toBe(8)
})
