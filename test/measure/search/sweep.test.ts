import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { SweepPlan } from '../../../src/load/search-plan.ts'
import { kneeOf } from '../../../src/measure/search/knee.ts'
import type { SweepTrial } from '../../../src/measure/search/search-summary.ts'
import { nextSweepStep, saturationOf } from '../../../src/measure/search/sweep.ts'
import { sweepPlan } from './trials.ts'

/** Requests/s and mean latency in ms at a load. */
type Law = (size: number, axis: SweepTrial['axis']) => { perS: number; latencyMs: number }

function trialOf(
  axis: SweepTrial['axis'],
  size: number,
  { perS, latencyMs }: ReturnType<Law>,
  level = 0,
  parts: Partial<SweepTrial> = {},
): SweepTrial {
  const outputTokensPerS = 100 * perS
  return {
    level,
    axis,
    size,
    standing: 'served',
    why: '',
    outputTokensPerS,
    requestsPerS: perS,
    latencyMeanMs: latencyMs,
    power: outputTokensPerS / (latencyMs / 1000),
    endsSearch: false,
    ...parts,
  }
}

function sweep(plan: SweepPlan, law: Law, isServed = (_: SweepTrial) => true): SweepTrial[] {
  const trials: SweepTrial[] = []
  for (;;) {
    const step = nextSweepStep(plan, trials)
    if (step.kind === 'done') return trials
    const trial = trialOf(step.axis, step.size, law(step.size, step.axis), trials.length)
    trials.push(isServed(trial) ? trial : { ...trial, standing: 'beyond', why: 'errors' })
  }
}

/** Each of 12 slots answers one request a second; more users wait. Closed loop: latency = users / rate. */
const twelveSlots: Law = (users) => {
  const perS = Math.min(users, 12)
  return { perS, latencyMs: (1000 * users) / perS }
}

const { levels } = sweepPlan()
if (levels.chosen !== 'by-search') throw new Error('levels are found')

describe('a sweep over users, by hand', () => {
  const trials = sweep(sweepPlan(), twelveSlots)

  test('doubles until twice the users bring less than 5 % more, then splits the gaps at the knee', () => {
    // 8 to 16 users: 8 to 12 a second; 16 to 32: nothing. Power, rate^2 / users: 8 at 8 users, 9 at 16.
    expect(trials.slice(0, 6).map(({ size }) => size)).toEqual([1, 2, 4, 8, 16, 32])
    expect(saturationOf(levels, trials)).toEqual({
      kind: 'no-gain',
      from: 16,
      to: 32,
      gainRatio: 0,
    })
    // Power is 11 at 11 users, 11.08 at 13, 12 at 12. Then gaps elsewhere.
    expect(trials.slice(6).map(({ size }) => size)).toEqual([11, 13, 14, 12, 3, 6])
  })

  test('finds the knee at the number of slots', () => {
    expect(kneeOf(trials)).toMatchObject({ kind: 'found', size: 12, below: 11, above: 13 })
  })

  test('stops climbing where the server gives way, and never goes beyond that', () => {
    const swept = sweep(sweepPlan(), twelveSlots, ({ size }) => size <= 5)
    expect(saturationOf(levels, swept)).toMatchObject({ kind: 'gave-way', at: 8 })
    expect(Math.max(...swept.map(({ size }) => size))).toBe(8)
    expect(kneeOf(swept)).toMatchObject({ kind: 'found', size: 5, above: 6 })
  })

  test('says so when the most users allowed do not saturate it', () => {
    const plan = sweepPlan({ levels: { ...levels, highest: 10 } })
    const swept = sweep(plan, twelveSlots)
    expect(swept.slice(0, 5).map(({ size }) => size)).toEqual([1, 2, 4, 8, 10])
    expect(saturationOf({ ...levels, highest: 10 }, swept)).toEqual({
      kind: 'not-reached',
      highest: 10,
    })
    expect(kneeOf(swept)).toEqual({ kind: 'not-found', why: 'at-highest-load' })
  })

  test('a server of one slot has its knee at one user', () => {
    const swept = sweep(sweepPlan(), (users) => ({ perS: 1, latencyMs: 1000 * users }))
    expect(swept.map(({ size }) => size)).toEqual([1, 2])
    expect(kneeOf(swept)).toEqual({ kind: 'not-found', why: 'too-few-levels' })
    const wide = [1, 2, 4].map((users) =>
      trialOf('users', users, { perS: 1, latencyMs: 1000 * users }),
    )
    expect(kneeOf(wide)).toMatchObject({ kind: 'found', size: 1, below: undefined, above: 2 })
  })

  test('levels that the user gave are all there are', () => {
    const plan = sweepPlan({ levels: { chosen: 'by-user' } })
    expect(nextSweepStep(plan, trials.slice(0, 1))).toEqual({ kind: 'done' })
  })
})

describe('a sweep over rates, by hand', () => {
  /** M/M/1 with 10 requests a second: latency 1 / (10 - rate) s; users find its capacity first. */
  const law: Law = (size, axis) =>
    axis === 'users'
      ? { perS: 10 * (1 - 0.5 ** size), latencyMs: 100 }
      : { perS: size, latencyMs: 1000 / Math.max(1e-3, 10 - size) }
  const trials = sweep(
    sweepPlan({ axis: 'rate', levels: { ...levels, maxLevels: 8 } }),
    law,
    ({ axis, size }) => axis === 'users' || size < 9.9,
  )
  const rates = trials.filter(({ axis }) => axis === 'rate')

  test('first climbs over users, then takes rates a constant ratio apart up to what was served', () => {
    expect(trials.filter(({ axis }) => axis === 'users').map(({ size }) => size)).toEqual([
      1, 2, 4, 8, 16,
    ])
    expect(rates.map(({ size }) => size)).toEqual([2.5, 3.05, 3.71, 4.53, 5.52, 6.73, 8.2, 10])
  })

  test('has its knee at half of the capacity of M/M/1, by the nearest rate', () => {
    // Power is rate x (10 - rate), highest at 5: of these rates 4.53 gives 24.78 and 5.52 gives 24.73.
    expect(kneeOf(rates)).toMatchObject({ kind: 'found', size: 4.53, below: 3.71, above: 5.52 })
  })

  test('a knee at the lowest rate may lie below it', () => {
    expect(kneeOf(rates.slice(4))).toEqual({ kind: 'not-found', why: 'at-lowest-load' })
  })
})

describe('the knee', () => {
  test('does not move when a sweep goes further beyond it', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 2, max: 60 }),
        fc.integer({ min: 2, max: 5 }),
        (slots, further) => {
          const law: Law = (users) => {
            const perS = Math.min(users, slots)
            return { perS, latencyMs: (1000 * users) / perS }
          }
          const upTo = (most: number): SweepTrial[] =>
            Array.from({ length: most }, (_, i) => trialOf('users', i + 1, law(i + 1, 'users'), i))
          const near = kneeOf(upTo(slots + 1))
          expect(near).toMatchObject({ kind: 'found', size: slots })
          expect(kneeOf(upTo(slots * further + 1))).toEqual(near)
        },
      ),
      { seed: 1 },
    )
  })

  test('is no level that cannot be used, nor one beyond capacity', () => {
    const trials = [1, 2, 4, 8].map((users, i) =>
      trialOf('users', users, twelveSlots(users, 'users'), i),
    )
    const last = trials[3]
    if (!last) throw new Error('four levels')
    expect(kneeOf([...trials.slice(0, 3), { ...last, standing: 'unusable' }])).toEqual({
      kind: 'not-found',
      why: 'at-highest-load',
    })
    expect(kneeOf([...trials.slice(0, 3), { ...last, standing: 'beyond' }])).toMatchObject({
      kind: 'found',
      size: 4,
      above: 8,
    })
  })
})

describe('whatever a server does', () => {
  test('a sweep ends within its levels, asks for no load twice, and stays in its range', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 3, max: 20 }),
        fc.array(fc.double({ min: 0.1, max: 1000, noNaN: true }), { minLength: 30, maxLength: 30 }),
        fc.constantFrom('users' as const, 'rate' as const),
        (maxLevels, speeds, axis) => {
          let k = 0
          const trials = sweep(
            sweepPlan({ axis, levels: { ...levels, maxLevels } }),
            () => ({ perS: speeds[k++ % 30] ?? 1, latencyMs: 100 }),
            ({ level }) => level % 7 !== 6,
          )
          const own = trials.filter((trial) => trial.axis === axis)
          expect(own.length).toBeLessThanOrEqual(maxLevels)
          expect(new Set(own.map(({ size }) => size)).size).toBe(own.length)
          for (const { size } of trials) expect(size).toBeGreaterThan(0)
          if (axis === 'users')
            for (const { size } of own) expect(size).toBeLessThanOrEqual(levels.highest)
        },
      ),
      { seed: 1, numRuns: 500 },
    )
  })
})
