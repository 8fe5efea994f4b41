import { describe, expect, test } from 'vitest'
import { bisect, firstInteger } from '../../../src/measure/statistics/bisect.ts'
import {
  normalCdf,
  normalQuantile,
  normalUpperTail,
} from '../../../src/measure/statistics/normal.ts'
import {
  roundedUpTo,
  sampleSizeForPercentile,
} from '../../../src/measure/statistics/sample-size.ts'
import { studentTQuantile, studentTTwoSided } from '../../../src/measure/statistics/student-t.ts'
import { publishedCases } from './published-cases.ts'

describe('the normal law', () => {
  test.each([
    // Abramowitz and Stegun, table 26.1; the far tails from 26.2.
    [0, 0.5],
    [1, 0.841344746068543],
    [2, 0.977249868051821],
    [3, 0.99865010196837],
    [-1, 0.158655253931457],
  ])('P(Z <= %d)', (z, probability) => {
    expect(normalCdf(z)).toBeCloseTo(probability, 14)
  })

  test('keeps the digits of small tails', () => {
    expect(normalUpperTail(5) / 2.866515718791939e-7).toBeCloseTo(1, 12)
    expect(normalUpperTail(10) / 7.61985302416052e-24).toBeCloseTo(1, 12)
    expect(normalUpperTail(Infinity)).toBe(0)
    expect(normalUpperTail(-Infinity)).toBe(1)
  })

  test('has no jump where the series gives way to the fraction', () => {
    expect(normalUpperTail(3 - 1e-12) / normalUpperTail(3)).toBeCloseTo(1, 10)
  })

  test.each([
    [0.975, 1.959963984540054],
    [0.995, 2.575829303548901],
    [0.5, 0],
    [0.001, -3.090232306167813],
  ])('its %d quantile', (probability, z) => {
    expect(normalQuantile(probability)).toBeCloseTo(z, 12)
  })

  test('never ends: its quantiles at 0 and 1 are infinite', () => {
    expect(normalQuantile(0)).toBe(Number.NEGATIVE_INFINITY)
    expect(normalQuantile(1)).toBe(Number.POSITIVE_INFINITY)
  })
})

describe("Student's t law", () => {
  test('by hand: with one degree of freedom it is Cauchy, P(|T| >= 1) = 1/2', () => {
    expect(studentTTwoSided(1, 1)).toBeCloseTo(0.5, 12)
    // Upper 2.5 %: tan(0.475 pi).
    expect(studentTQuantile(0.975, 1)).toBeCloseTo(Math.tan(0.475 * Math.PI), 9)
  })

  test('by hand: with two, P(|T| >= t) = 1 - t / sqrt(2 + t²)', () => {
    expect(studentTTwoSided(3, 2)).toBeCloseTo(1 - 3 / Math.sqrt(11), 12)
  })

  test.each([
    // The two-sided 95 % and 99 % columns of any t table.
    [0.975, 4, 2.776445],
    [0.975, 9, 2.262157],
    [0.975, 19, 2.093024],
    [0.995, 8, 3.355387],
    [0.975, 120, 1.97993],
    [0.025, 9, -2.262157],
  ])('its %d quantile with %i degrees of freedom', (probability, df, t) => {
    expect(studentTQuantile(probability, df)).toBeCloseTo(t, 5)
  })

  test('takes broken degrees of freedom, and none at all is refused', () => {
    const t = studentTQuantile(0.975, 5.5)
    expect(t).toBeLessThan(studentTQuantile(0.975, 5))
    expect(t).toBeGreaterThan(studentTQuantile(0.975, 6))
    expect(studentTTwoSided(t, 5.5)).toBeCloseTo(0.05, 12)
    expect(() => studentTQuantile(0.975, 0)).toThrow(RangeError)
  })
})

describe('halving', () => {
  test('finds a root to the last bit', () => {
    expect(bisect((x) => x * x < 2, 0, 2)).toBeCloseTo(Math.SQRT2, 15)
  })

  test('finds the first integer, or one past the end', () => {
    expect(firstInteger((k) => k * k >= 50, 0, 100)).toBe(8)
    expect(firstInteger(() => false, 0, 100)).toBe(101)
    expect(firstInteger(() => true, 3, 100)).toBe(3)
  })
})

describe("MLPerf's number of queries", () => {
  test('by hand: p90 to half a percent at 99 % is 2.5758² x 0.09 / 0.005² = 23,886', () => {
    expect(sampleSizeForPercentile(90)).toBe(23_886)
    expect(roundedUpTo(23_886)).toBe(3 * 8192)
  })

  test.each(publishedCases('mlperf-sample-size.json'))('$id', ({ inputs, expected }) => {
    const { percentile, confidence, margin_of_error } = inputs
    const n = sampleSizeForPercentile(percentile * 100, confidence, margin_of_error)
    expect(n).toBe(expected.inferences)
    expect(sampleSizeForPercentile(percentile * 100, confidence)).toBe(expected.inferences)
    expect(roundedUpTo(n)).toBe(expected.rounded_multiple_of_8192)
  })
})
