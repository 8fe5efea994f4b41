import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { UserError } from '../../src/errors.ts'
import { marginalWeights, type Workload } from '../../src/price/allocation/marginal-regression.ts'
import {
  allocateByEnergy,
  allocateByPhaseTime,
  allocateByPriceRatio,
  allocateByRegression,
  allocationSpread,
} from '../../src/price/allocation/methods.ts'
import { shareMachine } from '../../src/price/allocation/shared-machine.ts'
import {
  type Allocation,
  billOf,
  blendedUsdPerMillion,
  tokenCounts,
} from '../../src/price/allocation/token-bill.ts'

const prices = (allocation: Allocation) =>
  allocation.kind === 'allocated' ? allocation.usdPerMillion : undefined

/** 2 M computed, 1 M cached, 0.5 M generated. */
const tokens = tokenCounts(3_000_000, 1_000_000, 500_000)

describe('a bill of 8 USD', () => {
  test('by price, output 4 times and cached a tenth: 2 x + 0.1 x + 0.5 x 4 x = 8, x = 1.95122', () => {
    const found = prices(allocateByPriceRatio(8, tokens, 4, 0.1))
    expect(found?.inputTokens).toBeCloseTo(8 / 4.1, 12)
    expect(found?.cachedInputTokens).toBeCloseTo(0.8 / 4.1, 12)
    expect(found?.outputTokens).toBeCloseTo(32 / 4.1, 12)
  })

  test('by time, 100 s of prefill and 300 s of decode: 2 USD for 2 M, 6 for 0.5 M, nothing for cached', () => {
    expect(prices(allocateByPhaseTime(8, tokens, 100, 300))).toEqual({
      inputTokens: 1,
      cachedInputTokens: 0,
      outputTokens: 12,
    })
  })

  test('by energy, 600 J and 1,000 J: 3 USD and 5', () => {
    expect(prices(allocateByEnergy(8, tokens, 600, 1000))).toEqual({
      inputTokens: 1.5,
      cachedInputTokens: 0,
      outputTokens: 10,
    })
  })

  const shapes: Workload[] = [
    { inputTokens: 100, cachedInputTokens: 0, outputTokens: 10 },
    { inputTokens: 10, cachedInputTokens: 100, outputTokens: 20 },
    { inputTokens: 20, cachedInputTokens: 10, outputTokens: 100 },
    { inputTokens: 50, cachedInputTokens: 50, outputTokens: 50 },
  ].map((shape) => ({
    ...shape,
    gpuSeconds: shape.inputTokens + 0.1 * shape.cachedInputTokens + 8 * shape.outputTokens,
  }))

  test('by regression finds that a generated token takes 8 times, a cached one a tenth of an input one', () => {
    const weights = marginalWeights(shapes)
    expect(weights?.inputTokens).toBeCloseTo(1, 9)
    expect(weights?.cachedInputTokens).toBeCloseTo(0.1, 9)
    expect(weights?.outputTokens).toBeCloseTo(8, 9)
    // 2 x + 0.1 x + 4 x = 8.
    const found = prices(allocateByRegression(8, tokens, shapes))
    expect(found?.inputTokens).toBeCloseTo(8 / 6.1, 9)
    expect(found?.outputTokens).toBeCloseTo(64 / 6.1, 9)
  })

  test('no class is given back money: where the best fit has it under 0, it is 0', () => {
    const odd: Workload[] = [
      { inputTokens: 10, cachedInputTokens: 0, outputTokens: 1, gpuSeconds: 9 },
      { inputTokens: 10, cachedInputTokens: 10, outputTokens: 1, gpuSeconds: 5 },
      { inputTokens: 1, cachedInputTokens: 0, outputTokens: 10, gpuSeconds: 20 },
    ]
    // Without the cached class: [201 30; 30 102] (a, c) = (160, 214), so a = 9,900 / 19,602 and c = 38,214 / 19,602.
    const weights = marginalWeights(odd)
    expect(weights?.cachedInputTokens).toBe(0)
    expect(weights?.inputTokens).toBeCloseTo(9900 / 19_602, 9)
    expect(weights?.outputTokens).toBeCloseTo(38_214 / 19_602, 9)
  })

  test('workloads of one shape tell nothing apart, nor do fewer workloads than classes', () => {
    const [first, second] = shapes as [Workload, Workload]
    const twice = { ...first, inputTokens: 200, outputTokens: 20, gpuSeconds: 361 }
    const refused = { kind: 'refused', why: 'too few workloads, or all of one shape' }
    expect(allocateByRegression(8, tokens, [first, twice])).toEqual(refused)
    expect(allocateByRegression(8, tokens, [first, second])).toEqual(refused)
    expect(allocateByRegression(8, tokens, [])).toEqual(refused)
  })

  test('what was cached while billed but never while measured has no price', () => {
    const uncached = shapes.map((shape) => ({ ...shape, cachedInputTokens: 0 }))
    const allocation = allocateByRegression(8, tokens, uncached)
    expect(allocation).toEqual({ kind: 'refused', why: 'an input is unknown' })
    const found = prices(allocateByRegression(8, tokenCounts(10, 0, 10), uncached))
    expect(found?.cachedInputTokens).toBeUndefined()
    expect(found?.inputTokens).toBeDefined()
  })

  test('the methods are 12 / 7.8 apart on output', () => {
    const spread = allocationSpread([
      allocateByPriceRatio(8, tokens, 4, 0.1),
      allocateByPhaseTime(8, tokens, 100, 300),
      allocateByPriceRatio(8, tokens, undefined, undefined),
    ])
    expect(spread.outputTokens?.lowUsdPerMillion).toBeCloseTo(32 / 4.1, 12)
    expect(spread.outputTokens?.highUsdPerMillion).toBe(12)
    expect(spread.outputTokens?.highToLow).toBeCloseTo((12 * 4.1) / 32, 12)
    expect(spread.cachedInputTokens?.highToLow).toBeUndefined()
    expect(allocationSpread([]).inputTokens).toBeUndefined()
  })

  test('an unknown input refuses it, and so does a share of which nobody is there to pay', () => {
    expect(allocateByPriceRatio(undefined, tokens, 4, 0.1).kind).toBe('refused')
    expect(allocateByPhaseTime(8, tokens, undefined, 300).kind).toBe('refused')
    expect(allocateByPhaseTime(8, tokens, 0, 0)).toEqual({
      kind: 'refused',
      why: 'there is no token to charge',
    })
    expect(allocateByPhaseTime(8, tokenCounts(5, 5, 10), 1, 1)).toEqual({
      kind: 'refused',
      why: 'a share falls on tokens of which there are none',
    })
    expect(() => allocateByPriceRatio(8, tokens, -4, 0.1)).toThrow(UserError)
  })
})

describe('the bill is conserved', () => {
  const count = fc.integer({ min: 1, max: 1e9 })
  const amount = fc.double({ min: 1e-6, max: 1e6, noNaN: true })
  const counts = fc
    .tuple(count, fc.nat(1e9), count)
    .map(([input, cached, output]) => tokenCounts(input + cached, cached, output))
  const workload = fc.record({
    inputTokens: count,
    cachedInputTokens: count,
    outputTokens: count,
    gpuSeconds: amount,
  })
  const conserves = (bill: number, used: ReturnType<typeof tokenCounts>, shared: Allocation) =>
    shared.kind === 'refused' ||
    Math.abs((billOf(used, shared.usdPerMillion) ?? Number.NaN) - bill) <= 1e-9 * bill

  test('to a billionth, by all four methods', () => {
    let allocated = 0
    fc.assert(
      fc.property(
        amount,
        counts,
        amount,
        amount,
        fc.array(workload, { minLength: 3, maxLength: 8 }),
        (bill, used, one, other, workloads) => {
          const ways = [
            allocateByPriceRatio(bill, used, one, other),
            allocateByPhaseTime(bill, used, one, other),
            allocateByEnergy(bill, used, one, other),
            allocateByRegression(bill, used, workloads),
          ]
          allocated += ways.filter(({ kind }) => kind === 'allocated').length
          return ways.every((way) => conserves(bill, used, way))
        },
      ),
      { numRuns: 300 },
    )
    // Refusals conserve nothing: most have to be answers.
    expect(allocated).toBeGreaterThan(900)
  })
})

test('cached tokens are part of the prompt, never more than it', () => {
  expect(tokenCounts(12, 5, 3)).toEqual({ inputTokens: 7, cachedInputTokens: 5, outputTokens: 3 })
  expect(() => tokenCounts(12, 13, 3)).toThrow(UserError)
})

test('3.20 USD for 15 million tokens are 0.2133 each', () => {
  expect(blendedUsdPerMillion(3.2, tokenCounts(12e6, 0.8e6, 3e6))).toBeCloseTo(3.2 / 15, 12)
  expect(blendedUsdPerMillion(3.2, tokenCounts(0, 0, 0))).toBeUndefined()
})

describe('a machine of 8 units at 10 USD an hour', () => {
  // OpenCost and llm-d: a requests 3 and uses 1, b requests 1 and uses 1.
  const tenants = [
    { name: 'a', requestedUnits: 3, usedUnits: 1 },
    { name: 'b', requestedUnits: 1, usedUnits: 1 },
  ]
  const cost = shareMachine(8, 10, tenants)

  test('a pays 3.75 for what it keeps, though it used 1.25; 5.00 is idle', () => {
    expect(cost.tenants[0]).toEqual({
      name: 'a',
      allocationUsdPerHour: 3.75,
      usageUsdPerHour: 1.25,
      withIdleUsdPerHour: 7.5,
      utilisationRatio: 1 / 3,
    })
    expect(cost.idleUsdPerHour).toBe(5)
  })

  test('with the idle part shared 3 to 1 the hour is paid whole', () => {
    const paid = cost.tenants.map(({ withIdleUsdPerHour }) => withIdleUsdPerHour)
    expect(paid).toEqual([7.5, 2.5])
  })

  test('who uses more than it asked for pays for what it used', () => {
    const greedy = shareMachine(8, 10, [{ name: 'a', requestedUnits: 1, usedUnits: 2 }])
    expect(greedy.tenants[0]?.allocationUsdPerHour).toBe(2.5)
  })

  test('no more can be given away than there is', () => {
    expect(() => shareMachine(3, 10, tenants)).toThrow(UserError)
    expect(() => shareMachine(0, 10, tenants)).toThrow(UserError)
  })

  test('one unknown use leaves the idle part unknown', () => {
    const unknown = [...tenants, { name: 'c', requestedUnits: 1, usedUnits: undefined }]
    const shared = shareMachine(8, 10, unknown)
    expect(shared.idleUsdPerHour).toBeUndefined()
    expect(shared.tenants[0]?.allocationUsdPerHour).toBe(3.75)
    expect(shared.tenants[0]?.withIdleUsdPerHour).toBeUndefined()
  })
})
