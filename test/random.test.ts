import { expect, test } from 'vitest'
import {
  randomExponential,
  randomGamma,
  randomInteger,
  randomNormal,
  seededRandom,
} from '../src/random.ts'

const take = (n: number, draw: () => number): number[] => Array.from({ length: n }, draw)
const meanOf = (values: readonly number[]): number =>
  values.reduce((a, b) => a + b, 0) / values.length

test('the same seed gives the same numbers, another seed or stream others', () => {
  const first = take(5, seededRandom(7))
  expect(take(5, seededRandom(7))).toEqual(first)
  expect(take(5, seededRandom(8))).not.toEqual(first)
  expect(take(5, seededRandom(7, 'prompts'))).not.toEqual(first)
})

test('numbers fill [0, 1) evenly', () => {
  const draws = take(20_000, seededRandom(1))
  expect(Math.min(...draws)).toBeGreaterThanOrEqual(0)
  expect(Math.max(...draws)).toBeLessThan(1)
  for (let tenth = 0; tenth < 10; tenth++) {
    const share = draws.filter((x) => Math.floor(x * 10) === tenth).length / draws.length
    expect(share).toBeCloseTo(0.1, 1.5)
  }
})

test('integers stay under their limit and reach every value', () => {
  const random = seededRandom(3)
  expect(new Set(take(500, () => randomInteger(random, 6)))).toEqual(new Set([0, 1, 2, 3, 4, 5]))
})

test('exponential and normal draws have the mean and spread they should', () => {
  const random = seededRandom(11)
  expect(meanOf(take(40_000, () => randomExponential(random, 5)))).toBeCloseTo(5, 0.5)
  const normal = take(40_000, () => randomNormal(random))
  expect(meanOf(normal)).toBeCloseTo(0, 1)
  expect(meanOf(normal.map((x) => x * x))).toBeCloseTo(1, 1)
})

test.each([0.3, 1, 4])('gamma draws of shape %d have mean 1 and variance 1 / shape', (shape) => {
  const random = seededRandom(5)
  const draws = take(60_000, () => randomGamma(random, shape))
  expect(Math.min(...draws)).toBeGreaterThan(0)
  const mean = meanOf(draws)
  const variance = meanOf(draws.map((x) => (x - mean) ** 2))
  // Four standard errors: of the mean, and of the variance, whose kurtosis is 3 + 6 / shape.
  expect(Math.abs(mean - 1)).toBeLessThan(4 / Math.sqrt(shape * draws.length))
  expect(Math.abs(variance * shape - 1)).toBeLessThan(4 * Math.sqrt((2 + 6 / shape) / draws.length))
})
