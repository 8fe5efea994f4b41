import { describe, expect, test } from 'vitest'
import { figure, scenario } from './fixtures.ts'
import { priced } from './stated.ts'

// The box costs 8,760 / 4 + 876 + 788.40 = 3,854.40 a year for 15,768 M output tokens.
const bill = 3854.4

describe('what is earned', () => {
  test('at 1 USD per million output tokens, 15,768 come in and 75.6 % of them are left', () => {
    const { at } = priced(
      scenario({
        scenario: {
          revenue: { kind: 'per-million-output-tokens', usdPerMillionOutputTokens: figure(1) },
        },
        demand: { users: figure(100) },
      }),
    )
    expect(at('options.own.revenue.usdPerYear')).toBeCloseTo(15_768, 6)
    expect(at('options.own.revenue.grossMarginUsdPerYear')).toBeCloseTo(15_768 - bill, 6)
    expect(at('options.own.revenue.grossMarginRatio')).toBeCloseTo(1 - bill / 15_768, 9)
    expect(at('options.own.revenue.neededUsdPerUserMonth')).toBeCloseTo(bill / 1200, 9)
    // The API costs 94,608: six times what comes in.
    expect(at('options.api.revenue.grossMarginRatio')).toBeCloseTo(-5, 9)
  })

  test('at 20 USD a seat and month, 17 seats pay for the box: 16.06 do not', () => {
    const { at } = priced(
      scenario({
        scenario: {
          revenue: { kind: 'per-seat', usdPerSeatMonth: figure(20), seats: figure(50) },
        },
      }),
    )
    expect(at('options.own.revenue.usdPerYear')).toBe(12_000)
    expect(at('options.own.revenue.neededSeats')).toBe(17)
    expect(at('options.own.revenue.neededUsdPerUserMonth')).toBeCloseTo(bill / 600, 9)
  })

  test('seats for nothing never pay a bill', () => {
    const { at } = priced(
      scenario({
        scenario: { revenue: { kind: 'per-seat', usdPerSeatMonth: figure(0), seats: figure(50) } },
      }),
    )
    expect(at('options.own.revenue.neededSeats')).toBeUndefined()
    expect(at('options.own.revenue.grossMarginRatio')).toBeUndefined()
  })

  test('without a price nothing is said of revenue', () => {
    const { report } = priced(scenario())
    expect(report.figures.filter(({ path }) => path.includes('revenue'))).toEqual([])
  })
})
