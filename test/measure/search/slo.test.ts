import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { SloStanding } from '../../../src/measure/search/search-summary.ts'
import { nextSloStep, sloOutcome } from '../../../src/measure/search/slo.ts'
import { randomNormal, seededRandom } from '../../../src/random.ts'
import { type Oracle, searchAgainst, sloPlan, sloTrialOf, upTo } from './trials.ts'

const sizes = (plan = sloPlan(), oracle: Oracle = upTo(1)): number[] =>
  searchAgainst(plan, oracle).map(({ size }) => size)

describe('a search over users, by hand', () => {
  test('doubles, bisects, and looks again at the load found and at the one above', () => {
    // 1, 2, 4, 8 hold, 16 misses; 12 misses, 10 holds, 11 misses: 10 and 11 are put to confirmation.
    expect(sizes(sloPlan(), upTo(10))).toEqual([1, 2, 4, 8, 16, 12, 10, 11, 10, 11, 10])
    expect(sloOutcome(sloPlan(), searchAgainst(sloPlan(), upTo(10)))).toMatchObject({
      kind: 'found',
      at: { size: 10, held: 3, looks: 3 },
      above: { size: 11, held: 0, looks: 2 },
    })
  })

  test('halves where it begins too high', () => {
    expect(sizes(sloPlan({ start: 64 }), upTo(20))).toEqual([
      64, 32, 16, 24, 20, 22, 21, 20, 21, 20,
    ])
  })

  test('is unreachable when even one user misses, seen twice', () => {
    expect(sizes(sloPlan({ start: 4 }), upTo(0))).toEqual([4, 2, 1, 1])
    const trials = searchAgainst(sloPlan({ start: 4 }), upTo(0))
    expect(sloOutcome(sloPlan({ start: 4 }), trials)).toEqual({
      kind: 'unreachable',
      at: { size: 1, held: 0, looks: 2 },
    })
  })

  test('is not bracketed when the highest load allowed holds, and says that it does', () => {
    const plan = sloPlan({ highest: 12 })
    expect(sizes(plan, upTo(1_000))).toEqual([1, 2, 4, 8, 12])
    expect(sloOutcome(plan, searchAgainst(plan, upTo(1_000)))).toMatchObject({
      kind: 'not-bracketed',
      why: 'highest-load-holds',
      heldAt: { size: 12 },
      level: 4,
    })
  })

  test('a resolution of 10 % ends it within 10 users of 100', () => {
    const plan = sloPlan({ resolutionRatio: 0.1 })
    const outcome = sloOutcome(plan, searchAgainst(plan, upTo(100)))
    expect(outcome).toMatchObject({ kind: 'found', at: { size: 96 }, above: { size: 104 } })
  })

  test('the level that stands for the load is the median of its looks, the lower of two', () => {
    const plan = sloPlan({ confirmations: 3, highest: 4 })
    const trials = searchAgainst(plan, upTo(1)).map((trial) => ({
      ...trial,
      outputTokensPerS: 100 - trial.level,
    }))
    // Levels 0, 2, 4 and 5 are looks at one user: 100, 98, 96 and 95 tokens/s.
    expect(trials.map(({ size }) => size)).toEqual([1, 2, 1, 2, 1, 1])
    expect(sloOutcome(plan, trials)).toMatchObject({
      kind: 'found',
      level: 4,
      outputTokensPerS: { low: 95, high: 100 },
    })
  })
})

describe('a search over rates, by hand', () => {
  const plan = sloPlan({
    axis: 'rate',
    start: 1,
    lowest: 1 / 1024,
    highest: 1024,
    resolutionRatio: 0.02,
  })

  test('takes geometric middles until the bracket is 2 % wide', () => {
    expect(sizes(plan, upTo(3)).slice(0, 5)).toEqual([1, 2, 4, 2.828, 3.363])
    const outcome = sloOutcome(plan, searchAgainst(plan, upTo(3)))
    if (outcome.kind !== 'found') throw new Error(outcome.kind)
    expect(outcome.at.size).toBeLessThanOrEqual(3)
    expect(outcome.above.size).toBeGreaterThan(3)
    expect(outcome.above.size / outcome.at.size).toBeLessThanOrEqual(1.02)
  })

  test('goes down as far as it may', () => {
    const outcome = sloOutcome(plan, searchAgainst(plan, upTo(0.01)))
    expect(outcome).toMatchObject({ kind: 'found' })
    expect(sloOutcome(plan, searchAgainst(plan, upTo(0)))).toMatchObject({
      kind: 'unreachable',
      at: { size: 1 / 1024 },
    })
  })
})

describe('what is not known does not hold', () => {
  test('levels with too few samples are passed by on the way up', () => {
    const oracle: Oracle = (size) => (size < 8 ? 'too-few-samples' : size <= 20 ? 'held' : 'missed')
    expect(sizes(sloPlan(), oracle).slice(0, 6)).toEqual([1, 2, 4, 8, 16, 32])
    expect(sloOutcome(sloPlan(), searchAgainst(sloPlan(), oracle))).toMatchObject({
      kind: 'found',
      at: { size: 20 },
    })
  })

  test('where all that might hold has too few samples, nothing is found and nothing is unreachable', () => {
    const oracle: Oracle = (size) => (size < 8 ? 'too-few-samples' : 'missed')
    expect(sloOutcome(sloPlan(), searchAgainst(sloPlan(), oracle))).toEqual({
      kind: 'not-bracketed',
      why: 'too-few-samples',
      heldAt: undefined,
      level: undefined,
      notHeldAt: { size: 8, held: 0, looks: 1 },
    })
    const never: Oracle = () => 'too-few-samples'
    expect(sloOutcome(sloPlan(), searchAgainst(sloPlan(), never))).toMatchObject({
      why: 'too-few-samples',
    })
  })

  test('where the client gives way and not the server, the search does not call it the server', () => {
    const oracle: Oracle = (size) => (size <= 20 ? 'held' : 'unusable')
    expect(sloOutcome(sloPlan(), searchAgainst(sloPlan(), oracle))).toMatchObject({
      kind: 'not-bracketed',
      why: 'unusable-level',
      heldAt: { size: 20 },
    })
  })

  test('where proof is asked for, a load without it ends a bracket from above, but is never unreachable', () => {
    const near: Oracle = (size) => (size <= 20 ? 'held' : size <= 24 ? 'not-proven' : 'missed')
    expect(sloOutcome(sloPlan(), searchAgainst(sloPlan(), near))).toMatchObject({
      kind: 'found',
      at: { size: 20 },
      above: { size: 21, held: 0, looks: 2 },
    })
    const nowhere: Oracle = (size) => (size <= 4 ? 'not-proven' : 'missed')
    expect(sloOutcome(sloPlan(), searchAgainst(sloPlan(), nowhere))).toMatchObject({
      kind: 'not-bracketed',
      why: 'too-few-samples',
    })
  })

  test('a lowest level that cannot be used is not unreachable', () => {
    const oracle: Oracle = () => 'unusable'
    expect(sloOutcome(sloPlan(), searchAgainst(sloPlan(), oracle))).toMatchObject({
      kind: 'not-bracketed',
      why: 'unusable-level',
    })
  })

  test('a level that ends the search leaves what was known', () => {
    const trials = [
      sloTrialOf(1, 'held', 0),
      sloTrialOf(2, 'held', 1),
      sloTrialOf(4, 'unusable', 2, { endsSearch: true }),
    ]
    expect(nextSloStep(sloPlan(), trials)).toEqual({ kind: 'done' })
    expect(sloOutcome(sloPlan(), trials)).toMatchObject({
      kind: 'not-bracketed',
      why: 'stopped-early',
      heldAt: { size: 2 },
    })
  })

  test('a search cut short says so', () => {
    const trials = searchAgainst(sloPlan(), upTo(10)).slice(0, 6)
    expect(sloOutcome(sloPlan(), trials)).toMatchObject({ why: 'stopped-early' })
    const few = sloPlan({ maxLevels: 6 })
    expect(sloOutcome(few, searchAgainst(few, upTo(10)))).toMatchObject({ why: 'levels-used-up' })
  })
})

describe('looks that contradict each other', () => {
  test('the worse one counts: a load that missed once does not hold, and the search goes below it', () => {
    // 10 holds at first and misses when looked at again.
    let looksAtTen = 0
    const oracle: Oracle = (size) =>
      size === 10 ? (looksAtTen++ === 0 ? 'held' : 'missed') : upTo(10)(size, 0)
    const trials = searchAgainst(sloPlan(), oracle)
    expect(trials.map(({ size }) => size)).toEqual([1, 2, 4, 8, 16, 12, 10, 11, 10, 9, 9, 9])
    expect(sloOutcome(sloPlan(), trials)).toMatchObject({
      kind: 'found',
      at: { size: 9, held: 3, looks: 3 },
      above: { size: 10, held: 1, looks: 2 },
    })
  })

  test('after three loads that were not confirmed nothing is claimed', () => {
    const seen = new Set<number>()
    const oracle: Oracle = (size) => {
      const isFirst = !seen.has(size)
      seen.add(size)
      return isFirst && size <= 10 ? 'held' : 'missed'
    }
    expect(sloOutcome(sloPlan(), searchAgainst(sloPlan(), oracle))).toMatchObject({
      kind: 'not-bracketed',
      why: 'not-confirmed',
    })
  })

  test('a server whose capacity wanders by 10 % from look to look is seldom credited with more than it has', () => {
    const capacity = 100
    const found = Array.from({ length: 400 }, (_, seed) => {
      const random = seededRandom(seed, 'noise')
      const noisy: Oracle = (size) =>
        size <= capacity * Math.exp(0.1 * randomNormal(random)) ? 'held' : 'missed'
      const outcome = sloOutcome(sloPlan(), searchAgainst(sloPlan(), noisy))
      return outcome.kind === 'found' ? outcome.at.size : undefined
    }).filter((size) => size !== undefined)
    const beyond = (size: number): number => found.filter((each) => each > size).length
    expect(found.length).toBeGreaterThan(250)
    // At its mean capacity three looks of one half each are one in eight; 5 % above it, 0.31^3 is 3 %.
    expect(beyond(capacity) / found.length).toBeLessThan(0.2)
    expect(beyond(1.05 * capacity) / found.length).toBeLessThan(0.06)
    expect(beyond(1.15 * capacity)).toBe(0)
  })
})

describe('whatever the levels say', () => {
  const standing = fc.constantFrom<SloStanding>(
    'held',
    'missed',
    'not-proven',
    'too-few-samples',
    'unusable',
  )
  const anyPlan = fc
    .record({
      axis: fc.constantFrom('users' as const, 'rate' as const),
      start: fc.integer({ min: 1, max: 512 }),
      confirmations: fc.integer({ min: 1, max: 4 }),
      maxLevels: fc.integer({ min: 1, max: 40 }),
      resolutionRatio: fc.constantFrom(0.02, 0.2),
    })
    .map((parts) => sloPlan(parts))

  test('the search ends within its levels and its range, and claims only what every look held', () => {
    fc.assert(
      fc.property(anyPlan, fc.array(standing, { minLength: 40, maxLength: 40 }), (plan, all) => {
        const trials = searchAgainst(plan, (_, level) => all[level] ?? 'held')
        expect(trials.length).toBeLessThanOrEqual(plan.maxLevels)
        for (const { size } of trials) {
          expect(size).toBeGreaterThanOrEqual(plan.lowest)
          expect(size).toBeLessThanOrEqual(plan.highest)
          if (plan.axis === 'users') expect(Number.isInteger(size)).toBe(true)
        }
        const outcome = sloOutcome(plan, trials)
        if (outcome.kind !== 'found') return
        const at = trials.filter(({ size }) => size === outcome.at.size)
        expect(at.length).toBeGreaterThanOrEqual(1 + plan.confirmations)
        expect(at.every((trial) => trial.standing === 'held')).toBe(true)
        expect(
          trials.some((trial) => trial.size < outcome.at.size && trial.standing === 'missed'),
        ).toBe(false)
        const above = trials.filter(({ size }) => size === outcome.above.size)
        expect(above.some(({ standing }) => ['missed', 'not-proven'].includes(standing))).toBe(true)
      }),
      { seed: 1, numRuns: 2_000 },
    )
  })

  test('a server with one true capacity is found out to the user, wherever the search begins', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 511 }),
        fc.integer({ min: 1, max: 512 }),
        (capacity, start) => {
          const plan = sloPlan({ start })
          expect(sloOutcome(plan, searchAgainst(plan, upTo(capacity)))).toMatchObject({
            kind: 'found',
            at: { size: capacity },
            above: { size: capacity + 1 },
          })
        },
      ),
      { seed: 2, numRuns: 500 },
    )
  })

  test('and its rate to within the resolution', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0.01, max: 900, noNaN: true }),
        fc.double({ min: 0.01, max: 1000, noNaN: true }),
        (capacity, start) => {
          const plan = sloPlan({
            axis: 'rate',
            start,
            lowest: 0.001,
            highest: 1024,
            resolutionRatio: 0.02,
            maxLevels: 40,
          })
          const outcome = sloOutcome(plan, searchAgainst(plan, upTo(capacity)))
          if (outcome.kind !== 'found') throw new Error(JSON.stringify(outcome))
          expect(outcome.at.size).toBeLessThanOrEqual(capacity)
          expect(outcome.above.size).toBeGreaterThan(capacity)
          expect(outcome.above.size / outcome.at.size).toBeLessThanOrEqual(1.02)
        },
      ),
      { seed: 3, numRuns: 300 },
    )
  })
})
