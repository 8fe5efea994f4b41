import { describe, expect, test } from 'vitest'
import {
  earlyStopping,
  earlyStoppingEstimate,
  minRequests,
  minUnderLimit,
  mlperfRule,
  overLimitBudget,
  ruleForLooks,
} from '../../../src/measure/statistics/early-stopping.ts'
import { seededRandom } from '../../../src/random.ts'
import { publishedCases, publishedFile } from './published-cases.ts'

const p99 = mlperfRule(99)

describe('requests that prove a percentile', () => {
  test('by hand: with none over, p^h must fall under 1 %, for p99 after 459 requests', () => {
    // I_p(h, 1) = p^h; ln 0.01 / ln 0.99 = 458.2.
    expect(minUnderLimit(p99, 0)).toBe(459)
    expect(minUnderLimit(mlperfRule(50), 0)).toBe(7)
  })

  test.each([
    // mlcommons/endpoints docs/early_stopping.md
    [50, 11],
    [75, 24],
    [80, 31],
    [90, 64],
    [95, 130],
    [97, 219],
    [99, 662],
    [99.9, 6636],
    [99.99, 66381],
  ])('p%d with one over needs %i', (p, n) => {
    expect(minRequests(mlperfRule(p), 1)).toBe(n)
  })

  test.each(publishedCases('mlperf-early-stopping-min-queries.json'))(
    '$id',
    ({ inputs, expected }) => {
      const rule = {
        p: inputs.percentile * 100,
        confidence: inputs.confidence,
        tolerance: inputs.tolerance,
      }
      expect(minUnderLimit(rule, inputs.overlatency)).toBe(expected.min_underlatency)
      expect(minRequests(rule, inputs.overlatency)).toBe(expected.min_total)
    },
  )

  test('a percentile of 100 or of 0 is refused, not searched for ever', () => {
    expect(() => minRequests(mlperfRule(100), 0)).toThrow(RangeError)
    expect(() => minRequests({ p: 90, confidence: 0.99, tolerance: 0.9 }, 0)).toThrow(RangeError)
    expect(() => minRequests({ p: 90, confidence: 1 }, 0)).toThrow(RangeError)
  })
})

describe('verdict and estimate', () => {
  test('mlcommons/endpoints: of 10,000 requests 77 may be over at p99; the 77th slowest is the estimate', () => {
    expect(overLimitBudget(p99, 10_000)).toBe(77)
    expect(earlyStoppingEstimate(p99, 10_000)).toEqual({ rank: 9924, discarded: 76 })
  })

  test('LoadGen printed that 21 requests lack 438 and 300 lack 159', () => {
    expect(earlyStopping(p99, 21, 0)).toEqual({ passed: false, neededN: 459, additionalN: 438 })
    expect(earlyStopping(p99, 300, 0).additionalN).toBe(159)
    expect(earlyStopping(p99, 459, 0)).toEqual({ passed: true, neededN: 459, additionalN: 0 })
  })

  test('there is no budget under 459 requests and no estimate under 662', () => {
    expect(overLimitBudget(p99, 458)).toBeUndefined()
    expect(overLimitBudget(p99, 459)).toBe(0)
    expect(earlyStoppingEstimate(p99, 661)).toBeUndefined()
    expect(earlyStoppingEstimate(p99, 662)).toEqual({ rank: 662, discarded: 0 })
  })

  test.each(publishedCases('mlperf-early-stopping-estimate.json', /^estimate|^endpoints/))(
    '$id',
    ({ inputs, expected }) => {
      const rule = mlperfRule(inputs.percentile * 100)
      const estimate = earlyStoppingEstimate(rule, inputs.n)
      const expectedRank = expected.sufficient === false ? undefined : inputs.n - expected.t + 1
      expect(estimate?.rank).toBe(expectedRank)
      expect(estimate?.discarded ?? 0).toBe(expected.discarded)
      if (expected.estimate_index_0based !== undefined)
        expect(estimate === undefined ? null : estimate.rank - 1).toBe(
          expected.estimate_index_0based,
        )
      if (expected.min_queries !== undefined)
        expect(minRequests(rule, 1)).toBe(expected.min_queries)
    },
  )

  test.each(publishedCases('mlperf-early-stopping-estimate.json', /^LoadGen/))(
    '$id',
    ({ inputs, expected }) => {
      const rule = mlperfRule(inputs.percentile * 100)
      if (inputs.overlatency === undefined) {
        expect(earlyStoppingEstimate(rule, inputs.n)?.discarded).toBe(expected.discarded)
        expect(minRequests(rule, 1)).toBe(expected.min_queries)
      } else {
        const verdict = earlyStopping(rule, inputs.n, inputs.overlatency)
        expect(verdict.passed).toBe(expected.pass)
        expect(verdict.additionalN).toBe(expected.additional_needed)
      }
    },
  )
})

describe('looking again and again', () => {
  const TRIALS = 1500
  const MOST = 100_000

  /** Places, in order, of the requests over the limit, of a system that is exactly at it. */
  function overAtLimit(seed: number): number[] {
    const random = seededRandom(seed, 'looks')
    const found: number[] = []
    for (let at = 0; at < MOST; ) {
      // Geometric gaps with 1 % over the limit.
      at += 1 + Math.floor(Math.log(1 - random()) / Math.log(0.99))
      found.push(at)
    }
    return found
  }

  const needed = new Map<string, number>()
  function neededN(rule: typeof p99, over: number): number {
    const key = `${rule.confidence} ${over}`
    const known = needed.get(key) ?? minRequests(rule, over)
    needed.set(key, known)
    return known
  }

  /** Runs on for as many as are missing until it passes, or until the looks or the requests run out. */
  function passesInTheEnd(over: readonly number[], rule: typeof p99, start: number, looks: number) {
    let n = start
    for (let look = 1; look <= looks && n <= MOST; look++) {
      const among = over.findIndex((at) => at > n)
      const required = neededN(rule, among < 0 ? over.length : among)
      if (required <= n) return true
      n = required
    }
    return false
  }

  const share = (rule: typeof p99, start: number, looks: number): number => {
    let passed = 0
    for (let trial = 0; trial < TRIALS; trial++)
      if (passesInTheEnd(overAtLimit(trial), rule, start, looks)) passed++
    return passed / TRIALS
  }

  test('once passes 1 % of the systems that are just at the limit; on and on, some 12 %', () => {
    expect(share(p99, 662, 1)).toBeLessThan(0.02)
    expect(share(p99, 662, Infinity)).toBeGreaterThan(0.1)
  })

  test('with ten looks fixed beforehand and 99.9 % each, no more than 1 % pass', () => {
    const rule = ruleForLooks(p99, 10)
    expect(rule.confidence).toBeCloseTo(0.999, 12)
    // 1 % of 1,500 is 15; 27 are over three deviations more.
    expect(share(rule, minRequests(rule, 0), 10) * TRIALS).toBeLessThan(27)
    expect(() => ruleForLooks(p99, 0)).toThrow(RangeError)
  })

  const published: { start: number; single_look: number; repeat_looks: number }[] =
    publishedFile('simulated-operating-characteristics.json')?.cases.find(
      ({ id }: { id: string }) => id === 'es_looks',
    )?.rows ?? []
  test.each(published)('simulated elsewhere from $start requests', ({ start, ...row }) => {
    // Four deviations of the difference of two simulated shares near 0.12 and 0.01.
    expect(Math.abs(share(p99, start, Infinity) - row.repeat_looks)).toBeLessThan(0.045)
    expect(Math.abs(share(p99, start, 1) - row.single_look)).toBeLessThan(0.013)
  })
})
