import { describe, expect, test } from 'vitest'
import type { LoadLevel } from '../../src/load/benchmark.ts'
import { summarize } from '../../src/measure/summarize.ts'
import type { OperatingPoint, Summary } from '../../src/measure/summary.ts'
import type { SimulatedOptions } from '../../src/serve/simulated.ts'
import { benchmark, levelLog, runLog } from './records.ts'
import { capacityPerS, closedLoopTruth, simulateLevel } from './simulated-level.ts'

// The simulated engine on a clock that does not wait, under the real scheduler and the real summary.
const SLOTS = 16
const law = {
  prefillTokensPerS: 20_000,
  decodeBaseMs: 20,
  decodePerSequenceMs: 1,
  slots: SLOTS,
  jitterRatio: 0.02,
}
const lengths = { inputTokens: 100, outputTokens: 20 }
// A round takes 16 x 5 + 19 x 36 = 764 ms and brings 320 tokens.
const TRUTH_PER_S = 320 / 0.764
const seeds = [1, 2, 3, 4, 5, 6]

interface Story {
  readonly trouble?: Partial<SimulatedOptions>
  readonly load?: LoadLevel
  readonly seed: number
  readonly warmupS?: number
  /** Until when requests are sent; the window is open until 60 s. */
  readonly until?: number
}

async function summaryOf({ trouble, load = closed, seed, warmupS = 0, until = 60 }: Story) {
  const { result, records } = await simulateLevel({
    law: { ...law, ...trouble },
    load,
    ...lengths,
    warmupS,
    durationS: until - warmupS,
    seed,
  })
  const { issued, windowStartMs, endMs, ended } = result
  const level = levelLog({ load, issued, windowStartMs, windowEndMs: 60_000, endMs, ended })
  const workload = { kind: 'synthetic', ...lengths }
  const config = { benchmark: benchmark({ workload }), url: 'http://127.0.0.1:8000' }
  return summarize(runLog({ config, levels: [level] }), records)
}

const closed: LoadLevel = { kind: 'closed', concurrency: SLOTS }

function onlyPoint({ points: [point] }: Summary): OperatingPoint {
  if (point === undefined) throw new Error('no point')
  return point
}

const offTruth = (perS: number): number => Math.abs(perS / TRUTH_PER_S - 1)

test('the laws give 418.85 tokens/s to 16 users and 20.94 requests/s at most', () => {
  expect(closedLoopTruth(law, { users: SLOTS, ...lengths })).toBeCloseTo(TRUTH_PER_S, 9)
  expect(capacityPerS(law, lengths)).toBeCloseTo(16 / 0.764, 9)
})

test.each([1, 4, SLOTS])('%d users get what the laws give them, in step or not', async (users) => {
  const truth = closedLoopTruth(law, { users, ...lengths })
  for (const warmupS of [0, 4]) {
    const load: LoadLevel = { kind: 'closed', concurrency: users }
    const { steadyState } = onlyPoint(await summaryOf({ seed: 1, load, warmupS }))
    expect(steadyState?.kind).toBe('steady')
    const perS = steadyState?.kind === 'steady' ? steadyState.outputTokensPerS : Number.NaN
    expect(Math.abs(perS / truth - 1)).toBeLessThan(0.005)
  }
})

describe('a slow start, a late drift and a drain tail', () => {
  const trouble = { slowStartS: 8, slowStartFactor: 3, driftAfterS: 48, driftPerS: 0.1 }

  test.each(seeds)(
    'seed %d: the steady part is within a hundredth of the truth, the window is not',
    async (seed) => {
      for (const warmupS of [0, 4]) {
        const summary = await summaryOf({ trouble, seed, warmupS, until: 55 })
        const { steadyState, outputTokensPerS = 0 } = onlyPoint(summary)
        if (steadyState?.kind !== 'steady') throw new Error(`not steady but ${steadyState?.kind}`)
        expect(offTruth(steadyState.outputTokensPerS)).toBeLessThan(0.01)
        expect(steadyState.startMs).toBeGreaterThan(6000)
        expect(steadyState.endMs).toBeLessThan(52_000)
        expect(offTruth(outputTokensPerS)).toBeGreaterThan(0.1)
        expect(summary.warnings.map(({ kind }) => kind)).toContain('window-not-steady')
      }
    },
  )
})

describe('a drift', () => {
  test.each([
    ['from the first moment', { driftPerS: 0.003 }],
    ['after a slow start that hides it', { slowStartS: 8, slowStartFactor: 3, driftPerS: 0.01 }],
    ['over the second half', { driftAfterS: 25, driftPerS: 0.01 }],
  ])('%s is called one, and no number is given', async (_when, trouble) => {
    for (const seed of seeds.slice(0, 3)) {
      const { steadyState, gates } = onlyPoint(await summaryOf({ trouble, seed }))
      expect(steadyState).toMatchObject({ kind: 'drifts' })
      expect(JSON.stringify(steadyState)).not.toContain('TokensPerS')
      expect(gates.find(({ gate }) => gate === 'steady-state')?.status).toBe('fail')
    }
  })

  test('of any beginning and size leaves no number that is off by more than 1 %', async () => {
    const kinds: (string | undefined)[] = []
    for (const driftAfterS of [35, 42, 50])
      for (const driftPerS of [0.003, 0.01, 0.05]) {
        const { steadyState } = onlyPoint(
          await summaryOf({ trouble: { driftAfterS, driftPerS }, seed: driftAfterS }),
        )
        kinds.push(steadyState?.kind)
        if (steadyState?.kind === 'steady')
          expect(offTruth(steadyState.outputTokensPerS)).toBeLessThan(0.01)
      }
    // From 50 s on it is a tail, which can be cut.
    expect(kinds.slice(-3)).toEqual(['steady', 'steady', 'steady'])
  })
})

describe('an open loop', () => {
  const at = (share: number): LoadLevel => ({
    kind: 'poisson',
    ratePerS: share * capacityPerS(law, lengths),
  })

  test.each(seeds)(
    'seed %d: above capacity the run is INVALID, without a steady-state number',
    async (seed) => {
      const summary = await summaryOf({ load: at(1.3), seed, warmupS: 5 })
      const { steadyState, littlesLaw } = onlyPoint(summary)
      expect(steadyState?.kind).toBe('overloaded')
      expect(JSON.stringify(steadyState)).not.toContain('TokensPerS')
      expect(littlesLaw).toBeUndefined()
      expect(summary.verdict).toBe('INVALID')
      expect(summary.reasons.join()).toContain('steady-state')
    },
  )

  test('below capacity is not accused of it', async () => {
    for (const seed of seeds.slice(0, 4)) {
      const summary = await summaryOf({ load: at(0.7), seed, warmupS: 5 })
      expect(onlyPoint(summary).steadyState?.kind).toBe('steady')
      expect(summary.reasons.join()).not.toContain('steady-state')
    }
  })
})
