import { describe, expect, test } from 'vitest'
import type { SloOutcome } from '../../../src/measure/search/search-summary.ts'
import { type Random, randomGamma, seededRandom } from '../../../src/random.ts'
import { benchmark } from '../records.ts'
import { sloPlan } from './trials.ts'
import { searchVirtually, type VirtualWorld } from './virtual-run.ts'

const seeds = Array.from({ length: 20 }, (_, i) => i + 1)
function found(outcome: SloOutcome): number {
  if (outcome.kind !== 'found') throw new Error(JSON.stringify(outcome))
  return outcome.at.size
}

/** Two searches of some thousand requests a level, on a machine that may be busy. */
const PATIENCE_MS = 600_000

/** The simulated server, by the symbols of docs/reference-server.md. */
const n = 16
const m = 17
const P = 64_000
const a = 4
const b = 0.4
const r = 0.1
const prefillMs = (1000 * n) / P

/**
 * TPOT of k users that each wait for their answer, k at most the slots: while an answer of m tokens is
 * made, m - 1 steps of a + b k pass, and each of the others begins an answer once, which is a prefill.
 * With jitter r a step's time is uniform with a standard deviation of r / sqrt(3) of it, and the 95th
 * percentile of a mean of m - 1 of them lies 1.645 / sqrt(m - 1) of those above.
 */
function tpotP95Ms(k: number): number {
  const stepMs = a + b * k
  const spreadMs = (1.645 * r * stepMs) / Math.sqrt(3 * (m - 1))
  return stepMs + ((k - 1) * prefillMs) / (m - 1) + spreadMs
}

describe('a closed loop: users under a limit on TPOT', () => {
  const capacity = 40
  // Between the TPOT of 40 users and that of 41, so that 40 is what the formula gives.
  const limitMs = (tpotP95Ms(capacity) + tpotP95Ms(capacity + 1)) / 2
  const plan = sloPlan({
    start: 16,
    limits: [
      {
        kind: 'percentile',
        metric: 'tpotMs',
        p: 95,
        limitMs,
        isStrict: false,
        needsEarlyStopping: false,
      },
    ],
  })
  const world = (seed: number): VirtualWorld => ({
    law: {
      prefillTokensPerS: P,
      decodeBaseMs: a,
      decodePerSequenceMs: b,
      jitterRatio: r,
      slots: 128,
    },
    benchmark: benchmark({ warmupS: 2, durationS: 5, drainS: 5 }),
    inputTokens: n,
    outputTokens: m,
    seed,
  })

  test(
    'the search finds the capacity of the formula within 3 %, in each of 20 seeds',
    async () => {
      for (const seed of seeds) {
        const { search } = await searchVirtually(plan, world(seed))
        if (search.question !== 'slo') throw new Error('a search under limits')
        expect(Math.abs(found(search.outcome) / capacity - 1), `seed ${seed}`).toBeLessThanOrEqual(
          0.03,
        )
      }
    },
    PATIENCE_MS,
  )
})

describe('an open loop: a rate under a limit on TTFT', () => {
  const tokens = 2
  const serviceMs = prefillMs + (tokens - 1) * (a + b)
  const shape = 16
  const limitMs = 3 * serviceMs

  /**
   * The p95 of TTFT of a server with one slot, by Lindley's recursion: who comes finds the work of who
   * came before less the time since. No code of the server, the load or the summary is used.
   */
  function ttftP95Ms(ratePerS: number, random: Random, requests: number): number {
    const ttftMs = new Float64Array(requests)
    const uniform = (): number => 1 + r * (2 * random() - 1)
    let workMs = 0
    for (let i = 0; i < requests; i++) {
      const readMs = prefillMs * uniform()
      ttftMs[i] = workMs + readMs
      const gapMs = (randomGamma(random, shape) * 1000) / ratePerS
      workMs = Math.max(0, workMs + readMs + (serviceMs - prefillMs) * uniform() - gapMs)
    }
    ttftMs.sort()
    return ttftMs[Math.ceil(0.95 * requests) - 1] ?? 0
  }

  function capacityPerS(): number {
    let [low, high] = [0.5 * (1000 / serviceMs), 1000 / serviceMs]
    while (high / low > 1.0005) {
      const middle = Math.sqrt(low * high)
      if (ttftP95Ms(middle, seededRandom(7, 'independent'), 100_000) <= limitMs) low = middle
      else high = middle
    }
    return low
  }

  const world = (seed: number): VirtualWorld => ({
    law: {
      prefillTokensPerS: P,
      decodeBaseMs: a,
      decodePerSequenceMs: b,
      jitterRatio: r,
      slots: 1,
    },
    benchmark: benchmark({
      load: { kind: 'gamma', ratePerS: [100], shape },
      warmupS: 1,
      requests: 2_000,
      durationS: undefined,
      drainS: 30,
    }),
    inputTokens: n,
    outputTokens: tokens,
    seed,
  })

  test(
    'the search finds the capacity of a simulation fifty times as long within 3 %, in each of 20 seeds',
    async () => {
      const capacity = capacityPerS()
      const plan = sloPlan({
        axis: 'rate',
        start: 100,
        lowest: 1,
        highest: 1000,
        resolutionRatio: 0.01,
        maxCandidates: 5,
        limits: [
          {
            kind: 'percentile',
            metric: 'ttftMs',
            p: 95,
            limitMs,
            isStrict: false,
            needsEarlyStopping: false,
          },
        ],
      })
      for (const seed of seeds) {
        const { search } = await searchVirtually(plan, world(seed))
        if (search.question !== 'slo') throw new Error('a search under limits')
        expect(Math.abs(found(search.outcome) / capacity - 1), `seed ${seed}`).toBeLessThanOrEqual(
          0.03,
        )
      }
    },
    PATIENCE_MS,
  )
})
