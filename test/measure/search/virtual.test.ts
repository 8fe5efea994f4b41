import { expect, test } from 'vitest'
import type { PercentileLimit } from '../../../src/load/search-plan.ts'
import { benchmark } from '../records.ts'
import { sloPlan, sweepPlan } from './trials.ts'
import { searchVirtually, type VirtualWorld } from './virtual-run.ts'

/** Twelve answers at once, each at full speed whoever else is there: 10 ms a token, 16 tokens. */
const twelveSlots: VirtualWorld = {
  law: {
    prefillTokensPerS: 1_000_000,
    decodeBaseMs: 10,
    decodePerSequenceMs: 0,
    jitterRatio: 0.05,
    slots: 12,
  },
  benchmark: benchmark({ warmupS: 1, durationS: 5, drainS: 5 }),
  inputTokens: 16,
  outputTokens: 16,
  seed: 1,
}

const tpot = (limitMs: number, parts: Partial<PercentileLimit> = {}): PercentileLimit => ({
  kind: 'percentile',
  metric: 'tpotMs',
  p: 95,
  limitMs,
  isStrict: false,
  needsEarlyStopping: false,
  ...parts,
})

test('a sweep of the simulated server has its knee at the number of slots', async () => {
  const { search, points } = await searchVirtually(sweepPlan(), twelveSlots)
  if (search.question !== 'sweep') throw new Error('a sweep')
  expect(search.knee).toMatchObject({ kind: 'found', size: 12 })
  expect(search.saturation).toMatchObject({ kind: 'no-gain', from: 16, to: 32 })
  // All slots busy: 12 answers of 16 tokens in 15 steps and a prefill.
  const most = Math.max(...points.map(({ outputTokensPerS = 0 }) => outputTokensPerS))
  expect(most / ((12 * 16) / 0.15)).toBeCloseTo(1, 1)
}, 120_000)

test('a limit under the time of a step is unreachable, once there are samples to tell by', async () => {
  const plan = sloPlan({ limits: [tpot(9)], start: 4 })
  const { search } = await searchVirtually(plan, {
    ...twelveSlots,
    benchmark: benchmark({ warmupS: 1, durationS: 30, drainS: 5 }),
  })
  expect(search).toMatchObject({ outcome: { kind: 'unreachable', at: { size: 1, looks: 2 } } })
}, 120_000)

test('the same without: one user asks 33 times in 5 s, and its median alone says that it misses', async () => {
  const plan = sloPlan({ limits: [tpot(9)] })
  const { search } = await searchVirtually(plan, twelveSlots)
  expect(search).toMatchObject({
    outcome: { kind: 'unreachable' },
    trials: [{ checks: [{ outcome: 'missed', n: expect.any(Number), neededN: 130 }] }, {}],
  })
}, 120_000)

test('a limit that every load meets is not bracketed, and holds where there were samples', async () => {
  const plan = sloPlan({ limits: [tpot(15)], highest: 16 })
  const { search } = await searchVirtually(plan, twelveSlots)
  expect(search).toMatchObject({
    outcome: { kind: 'not-bracketed', why: 'highest-load-holds', heldAt: { size: 16 } },
  })
  // One and two users ask fewer than 130 times in 5 s.
  expect(search.trials.map(({ standing }) => standing)).toEqual([
    'too-few-samples',
    'too-few-samples',
    'held',
    'held',
    'held',
  ])
}, 120_000)

test('a percentile that takes more samples than any level has is never held', async () => {
  const plan = sloPlan({ limits: [tpot(15, { p: 99 })], highest: 8 })
  const { search } = await searchVirtually(plan, twelveSlots)
  expect(search).toMatchObject({
    outcome: { kind: 'not-bracketed', why: 'too-few-samples', heldAt: undefined },
  })
}, 120_000)
