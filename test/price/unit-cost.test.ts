import { describe, expect, test } from 'vitest'
import { UserError } from '../../src/errors.ts'
import { hoursPerMonth } from '../../src/price/month-base.ts'
import { evenGrid, findRoots } from '../../src/price/roots.ts'
import {
  checkPrintedPrice,
  compareBills,
  fleetRentUsdPerMonth,
  grossMarginRatio,
  markupRatio,
  millionTokensPerMonth,
  millionTokensPerYear,
  rentUsdPerMonth,
  usdPerMillionTokens,
  usdPerUsedCapacityYear,
  usdPerUsedUnit,
} from '../../src/price/unit-cost.ts'
import { wholeDown, wholeUp } from '../../src/price/whole.ts'

describe('a million tokens', () => {
  test('1.50 an hour and 2,000 tokens/s: 0.2083 when full, 0.8333 at a quarter', () => {
    expect(usdPerMillionTokens(1.5, 2000, 1)).toBeCloseTo(1.5 / 7.2, 12)
    expect(usdPerMillionTokens(1.5, 2000, 0.25)).toBeCloseTo(1.5 / 1.8, 12)
  })

  test('has no price where none is made, and an unknown one where an input is', () => {
    expect(usdPerMillionTokens(1.5, 0, 1)).toBeUndefined()
    expect(usdPerMillionTokens(1.5, 2000, 0)).toBeUndefined()
    expect(usdPerMillionTokens(1.5, undefined, 1)).toBeUndefined()
    expect(usdPerMillionTokens(1.5, 2000, undefined)).toBeUndefined()
  })

  test('a utilisation of 70, or of 1.2, is refused', () => {
    expect(() => usdPerMillionTokens(1.5, 2000, 70)).toThrow(UserError)
    expect(() => usdPerUsedUnit(20, 1.2)).toThrow(UserError)
    expect(() => usdPerUsedCapacityYear(1, 1, 1, 1.2, 1)).toThrow(UserError)
    expect(() => rentUsdPerMonth(1, 1.2, '730 h')).toThrow(UserError)
    expect(() => millionTokensPerYear(1, Number.NaN)).toThrow(UserError)
  })

  test('$4.78 printed beside $2.21 an hour and 649 tokens/s contradicts them 5.05 times', () => {
    const check = checkPrintedPrice(4.78, 2.21, 649)
    expect(check.usdPerMillionTokens).toBeCloseTo(0.9459, 4)
    expect(check.deviationRatio).toBeCloseTo(4.0534, 3)
    expect(check.contradicts).toBe(true)
    expect(checkPrintedPrice(0.95, 2.21, 649).contradicts).toBe(false)
    // peakinfer's $0.14 is a hundredth of 13.89.
    expect(checkPrintedPrice(0.14, 2.5, 50).deviationRatio).toBeCloseTo(-0.98992, 5)
    expect(checkPrintedPrice(undefined, 2.5, 50).contradicts).toBeUndefined()
  })
})

describe('months and years', () => {
  test('the three months in use are 720, 729.6 and 730 h', () => {
    expect(Object.values(hoursPerMonth)).toEqual([720, 729.6, 730])
    expect(24 * 30.4).toBeCloseTo(hoursPerMonth['729.6 h'], 9)
    expect(hoursPerMonth['730 h'] * 12).toBe(8760)
  })

  test('510 tokens/s are 16,083 million a year, 1,340.28 a month of 730 h', () => {
    expect(millionTokensPerYear(510, 1)).toBeCloseTo(16_083.36, 6)
    expect(millionTokensPerMonth(510, 1, '730 h')).toBeCloseTo(1340.28, 6)
  })

  test('1.50 an hour is 1,095 a month however idle, and 328.50 only if given back for 70 % of it', () => {
    expect(rentUsdPerMonth(1.5, 1, '730 h')).toBe(1095)
    expect(rentUsdPerMonth(1.5, 0.3, '730 h')).toBeCloseTo(328.5, 9)
  })

  test('4 GPUs at 1.19 with 15 % on top for 729.6 h: 3,993.83', () => {
    expect(fleetRentUsdPerMonth(1.19, 4, 0.15, '729.6 h')).toBeCloseTo(3993.8304, 4)
    expect(fleetRentUsdPerMonth(1.19, 4, undefined, '729.6 h')).toBeUndefined()
  })
})

test('a margin is of the price, a markup of the cost: 0.10 sold for 0.20', () => {
  expect(grossMarginRatio(0.2, 0.1)).toBe(0.5)
  expect(markupRatio(0.2, 0.1)).toBe(1)
  expect(grossMarginRatio(0, 0.1)).toBeUndefined()
})

test('what is used of a fixed bill gets dearer as it stands idle: 20 at full use, 250 at 8 %', () => {
  expect(usdPerUsedUnit(20, 0.08)).toBe(250)
  expect(usdPerUsedUnit(20, 0)).toBeUndefined()
  // 1,000 / (4 units x 10 each x 0.5 x 2 years).
  expect(usdPerUsedCapacityYear(1000, 4, 10, 0.5, 2)).toBe(25)
})

test('one unknown payment makes a comparison unknown, not cheap', () => {
  expect(compareBills([1, 2], [4, 6])).toEqual({
    usd: 3,
    alternativeUsd: 10,
    savedUsd: 7,
    savedRatio: 0.7,
  })
  expect(compareBills([1, undefined], [4, 6]).savedUsd).toBeUndefined()
})

test('0.7 / 0.1 machines are 7, not 6 and not 8', () => {
  expect(wholeDown(0.7 / 0.1)).toBe(7)
  expect(wholeUp(0.3 / 0.1)).toBe(3)
  expect(wholeUp((0.1 * 3) / 0.1)).toBe(3)
  expect(wholeUp(4.8077)).toBe(5)
  expect(wholeDown(4.8077)).toBe(4)
  expect(wholeUp(0)).toBe(0)
  // The least of loads needs a machine.
  expect(wholeUp(1e-12)).toBe(1)
})

describe('roots', () => {
  test('of (x - 1)(x - 3) are two, between neighbours of the grid and on them', () => {
    const found = findRoots((x) => (x - 1) * (x - 3), evenGrid(0, 5, 5))
    expect(found).toEqual({
      kind: 'several',
      roots: [
        { value: 1, jumps: false },
        { value: 3, jumps: false },
      ],
    })
    const between = findRoots((x) => (x - 1) * (x - 3), [0, 2, 5])
    const values = between.kind === 'several' ? between.roots.map(({ value }) => value) : []
    expect(values.map((value) => value.toFixed(12))).toEqual(['1.000000000000', '3.000000000000'])
  })

  test('a step over 0 is a root that jumps; a steep line is none', () => {
    const step = findRoots((x) => (x < 2 ? -1 : 1), evenGrid(0, 5, 7))
    expect(step.kind === 'one' && step.root.jumps).toBe(true)
    expect(step.kind === 'one' && step.root.value).toBeCloseTo(2, 12)
    const steep = findRoots((x) => 1e9 * (x - Math.SQRT2), evenGrid(0, 5, 7))
    expect(steep.kind === 'one' && steep.root.jumps).toBe(false)
    expect(steep.kind === 'one' && steep.root.value).toBeCloseTo(Math.SQRT2, 14)
  })

  test('nowhere, everywhere and unknown are told apart', () => {
    expect(findRoots(() => 1, [0, 1])).toEqual({ kind: 'none', sign: 1 })
    expect(findRoots(() => 0, [0, 1])).toEqual({ kind: 'everywhere' })
    expect(findRoots((x) => (x > 0 ? undefined : 1), [0, 1])).toEqual({ kind: 'unknown' })
  })
})
