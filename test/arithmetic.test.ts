import { describe, expect, test } from 'vitest'
import { difference, mean, product, ratio, sum } from '../src/arithmetic.ts'

describe('an unknown makes the answer unknown', () => {
  test('and is never read as 0', () => {
    expect(sum([1, undefined, 2])).toBeUndefined()
    expect(product([0, undefined])).toBeUndefined()
    expect(difference(undefined, 1)).toBeUndefined()
    expect(ratio(1, undefined)).toBeUndefined()
  })

  test('and there is no such number as a ratio to 0', () => {
    expect(ratio(1, 0)).toBeUndefined()
    expect(mean([])).toBeUndefined()
  })

  test('while known numbers add up', () => {
    expect(sum([1, 2, 3])).toBe(6)
    expect(product([2, 3, 4])).toBe(24)
    expect(difference(5, 3)).toBe(2)
    expect(ratio(6, 4)).toBe(1.5)
    expect(mean([1, 2, 6])).toBe(3)
  })
})
