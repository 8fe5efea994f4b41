import { describe, expect, test } from 'vitest'
import { UserError } from '../../src/errors.ts'
import { tokenCounts } from '../../src/price/allocation/token-bill.ts'
import {
  type ApiTariff,
  apiUsd,
  apiUsdPerMillionTokens,
  tariffOn,
} from '../../src/price/api-tariff.ts'

// OpenAI, gpt-5.6-sol, August 2026: 5 / 0.5 / 30 per million, 10 / 45 for prompts of more than 272,000 tokens.
const sol: ApiTariff = {
  steps: [
    {
      aboveInputTokens: 0,
      usdPerMillionInputTokens: 5,
      usdPerMillionCachedInputTokens: 0.5,
      usdPerMillionOutputTokens: 30,
    },
    {
      aboveInputTokens: 272_000,
      usdPerMillionInputTokens: 10,
      usdPerMillionCachedInputTokens: undefined,
      usdPerMillionOutputTokens: 45,
    },
  ],
  batchRatio: 0.5,
}
const use = (prompt: number, cached: number, output: number, batch = false) => ({
  perRequest: tokenCounts(prompt, cached, output),
  requests: 1,
  batch,
})

describe('what an API bills', () => {
  test('200,000 computed, 50,000 cached and 1,000 generated: 1 + 0.025 + 0.03', () => {
    expect(apiUsd(sol, use(250_000, 50_000, 1000))).toBeCloseTo(1.055, 12)
    expect(apiUsd(sol, { ...use(250_000, 50_000, 1000), requests: 1000 })).toBeCloseTo(1055, 9)
    expect(apiUsd(sol, { ...use(1, 0, 1), requests: undefined })).toBeUndefined()
  })

  test('one token over the limit makes all of them dearer: 1.36 becomes 2.72', () => {
    expect(apiUsd(sol, use(272_000, 0, 0))).toBeCloseTo(1.36, 12)
    expect(apiUsd(sol, use(272_001, 0, 0))).toBeCloseTo(2.72001, 12)
    expect(apiUsd(sol, use(300_000, 0, 1000))).toBeCloseTo(3.045, 12)
  })

  test('the cached part counts towards the limit; its price there is not known', () => {
    expect(apiUsd(sol, use(300_000, 100_000, 1000))).toBeUndefined()
  })

  test('a batch costs half, where there is one', () => {
    expect(apiUsd(sol, use(250_000, 50_000, 1000, true))).toBeCloseTo(0.5275, 12)
    expect(apiUsd({ ...sol, batchRatio: undefined }, use(1000, 0, 0, true))).toBeUndefined()
    expect(apiUsd({ ...sol, batchRatio: undefined }, use(1000, 0, 0))).toBeCloseTo(0.005, 12)
    expect(() => apiUsd({ ...sol, batchRatio: 50 }, use(1000, 0, 0, true))).toThrow(UserError)
  })

  test('three input tokens to an output one: (3 x 5 + 30) / 4 = 11.25 a million', () => {
    expect(apiUsdPerMillionTokens(sol, use(3000, 0, 1000))).toBeCloseTo(11.25, 12)
    expect(apiUsdPerMillionTokens(sol, use(0, 0, 0))).toBeUndefined()
  })

  test('538 computed, 2,208 cached and 197 generated are $0.000584, not what uncached ones would cost', () => {
    // pydantic/logfire #1316: 0.25, 0.025 and 2.00 per million.
    const [first] = sol.steps as [ApiTariff['steps'][0]]
    const mini = {
      ...first,
      usdPerMillionInputTokens: 0.25,
      usdPerMillionCachedInputTokens: 0.025,
      usdPerMillionOutputTokens: 2,
    }
    expect(apiUsd({ ...sol, steps: [mini] }, use(2746, 2208, 197))).toBeCloseTo(0.0005837, 9)
  })

  test('steps have to ascend from 0', () => {
    expect(() => apiUsd({ ...sol, steps: [] }, use(1, 0, 1))).toThrow(UserError)
    expect(() => apiUsd({ ...sol, steps: sol.steps.toReversed() }, use(1, 0, 1))).toThrow(UserError)
  })
})

describe('prices have dates', () => {
  // Anthropic, Claude Sonnet 5: 2 / 10 until 1 September 2026, then 3 / 15.
  const early: ApiTariff = { ...sol, from: '2026-06-01', to: '2026-09-01' }
  const late: ApiTariff = { ...sol, from: '2026-09-01' }

  test('the last day of a price is the one before its end', () => {
    expect(tariffOn([late, early], '2026-08-31')).toBe(early)
    expect(tariffOn([late, early], '2026-09-01')).toBe(late)
    expect(tariffOn([early], '2026-09-01')).toBeUndefined()
    expect(tariffOn([late, early], '2026-05-31')).toBeUndefined()
  })

  test('a price without a beginning gives way to one that has begun', () => {
    expect(tariffOn([sol, late], '2026-10-01')).toBe(late)
    expect(tariffOn([sol, late], '2026-08-01')).toBe(sol)
  })
})
