import { describe, expect, test } from 'vitest'
import { judgePolicy } from '../../src/measure/compare-gate.ts'
import type { ComparedRun } from '../../src/measure/compare-metrics.ts'
import { gatePolicySchema } from '../../src/measure/compare-policy.ts'
import { comparedRun } from './compared-runs.ts'

const policy = (...rules: object[]) => gatePolicySchema.parse({ schemaVersion: 1, rules })
const ratioRule = (parts: object = {}) => ({
  metric: 'outputTokensPerS',
  maxWorseRatio: 1.05,
  needSignificance: false,
  ...parts,
})
const testedRule = (parts: object = {}) => ratioRule({ needSignificance: true, ...parts })

const throughputs = (values: readonly number[], from: number): ComparedRun[] =>
  values.map((outputTokensPerS, i) => comparedRun(from + i, [{ outputTokensPerS }]))
const one = (value: number, from = 0) => throughputs([value], from)

describe('a rule that goes by the ratio alone', () => {
  test('by hand: 100 tokens/s that became 96 are 1.042 times worse, and pass at 1.05', () => {
    const { outcome, rules } = judgePolicy(one(100), one(96, 1), policy(ratioRule()))
    expect(outcome).toBe('pass')
    expect(rules[0]?.worseRatio).toBeCloseTo(100 / 96, 12)
  })

  test('95 are 1.053 times worse, and do not', () => {
    expect(judgePolicy(one(100), one(95, 1), policy(ratioRule())).outcome).toBe('regression')
  })

  test('twice as fast is no regression', () => {
    expect(judgePolicy(one(100), one(200, 1), policy(ratioRule())).outcome).toBe('pass')
  })

  test('of a time, more is worse', () => {
    const rule = ratioRule({ metric: 'ttftP50Ms', maxWorseRatio: 1.2 })
    const times = (ttftP50Ms: number, n: number) => [comparedRun(n, [{ ttftP50Ms }])]
    expect(judgePolicy(times(100, 0), times(125, 1), policy(rule)).outcome).toBe('regression')
    expect(judgePolicy(times(100, 0), times(80, 1), policy(rule)).outcome).toBe('pass')
  })
})

describe('a rule that needs significance', () => {
  test('20 % fewer tokens/s, three runs against three that scatter by 2 %, are a regression', () => {
    const gate = judgePolicy(
      throughputs([100, 102, 104], 0),
      throughputs([80, 81.6, 83.2], 3),
      policy(testedRule()),
    )
    expect(gate.outcome).toBe('regression')
    expect(gate.rules[0]?.worseRatio).toBeCloseTo(1.25, 12)
    // The interval of the ratio 0.8 turned round: 1.25 times e to the plus and minus 2.776445 * 0.016012.
    expect(gate.rules[0]?.low).toBeCloseTo(1.25 * Math.exp(-0.044_456), 4)
    expect(gate.rules[0]?.high).toBeCloseTo(1.25 * Math.exp(0.044_456), 4)
  })

  test('the same 20 %, of runs that scatter by more than that, may be chance', () => {
    const gate = judgePolicy(
      throughputs([70, 100, 140], 0),
      throughputs([56, 80, 112], 3),
      policy(testedRule()),
    )
    expect(gate.outcome).toBe('pass')
    expect(gate.rules[0]?.why).toBe('over the limit, but chance may have done it')
  })

  test('a pass of runs that could not have seen the limit says so', () => {
    const runs = (from: number) => throughputs([70, 100, 140], from)
    const [rule] = judgePolicy(runs(0), runs(3), policy(testedRule())).rules
    expect(rule?.smallestRatio).toBeGreaterThan(1.05)
    expect(rule?.why).toBe('within the limit, of which so few runs cannot be sure')
  })

  test('one run a side cannot be judged, which is no pass', () => {
    const { outcome, rules } = judgePolicy(one(100), one(100, 1), policy(testedRule()))
    expect(outcome).toBe('not-judged')
    expect(rules[0]?.why).toContain('at least 2 runs a side')
  })

  test('rules that go by the ratio alone make no test', () => {
    const runs = (from: number) => throughputs([100, 102, 104], from)
    expect(judgePolicy(runs(0), runs(3), policy(testedRule(), ratioRule())).tests).toBe(1)
  })
})

describe('levels', () => {
  const two = (n: number, first: number, second: number) => [
    comparedRun(n, [{ outputTokensPerS: first }, { outputTokensPerS: second }]),
  ]

  test('all is each of them: one that is worse is enough', () => {
    const gate = judgePolicy(two(0, 100, 200), two(1, 100, 150), policy(ratioRule()))
    expect(gate.rules.map(({ level, outcome }) => [level, outcome])).toEqual([
      ['1 user', 'pass'],
      ['2 users', 'regression'],
    ])
    expect(gate.outcome).toBe('regression')
  })

  test('a level that is named is judged alone', () => {
    const rule = ratioRule({ level: '1 user' })
    expect(judgePolicy(two(0, 100, 200), two(1, 100, 150), policy(rule)).outcome).toBe('pass')
  })

  test('a level that the baseline does not have is a mistake in the policy', () => {
    const rule = ratioRule({ level: '3 users' })
    expect(() => judgePolicy(two(0, 1, 2), two(1, 1, 2), policy(rule))).toThrow('"3 users"')
  })

  test('a level that only the baseline has cannot be judged', () => {
    const gate = judgePolicy(two(0, 100, 200), one(100, 1), policy(ratioRule()))
    expect(gate.rules.map(({ outcome }) => outcome)).toEqual(['pass', 'not-judged'])
    expect(gate.outcome).toBe('not-judged')
  })
})

describe('a run of which nothing follows', () => {
  test('an INVALID run neither passes nor regresses', () => {
    const invalid = comparedRun(1, [{ outputTokensPerS: 10 }], { summary: { verdict: 'INVALID' } })
    expect(judgePolicy(one(100), [invalid], policy(ratioRule())).outcome).toBe('invalid')
    expect(judgePolicy([invalid], one(100), policy(ratioRule())).outcome).toBe('invalid')
  })

  test('a metric that was not measured cannot be judged', () => {
    const rule = ratioRule({ metric: 'grossJPerOutputToken' })
    expect(judgePolicy(one(100), one(100, 1), policy(rule)).outcome).toBe('not-judged')
  })
})

test.each([
  ['a metric nobody knows', ratioRule({ metric: 'speed' })],
  ['a limit under 1, which asks for better', ratioRule({ maxWorseRatio: 0.9 })],
  ['a key nobody knows', ratioRule({ extra: 1 })],
  ['no word on significance', { metric: 'ttftP50Ms', maxWorseRatio: 1.1 }],
])('a policy with %s is refused', (_, rule) => {
  expect(gatePolicySchema.safeParse({ schemaVersion: 1, rules: [rule] }).success).toBe(false)
})
