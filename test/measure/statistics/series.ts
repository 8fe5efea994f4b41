import { type Random, randomNormal } from '../../../src/random.ts'

/** n times the same. */
export function repeated(value: number, n: number): number[] {
  return Array<number>(n).fill(value)
}

/** Normal values of deviation 1, each `correlation` times the one before plus something new: AR(1). */
export function autoregressive(n: number, correlation: number, random: Random): Float64Array {
  const values = new Float64Array(n)
  const news = Math.sqrt(1 - correlation ** 2)
  let value = randomNormal(random)
  for (let i = 0; i < n; i++) {
    values[i] = value
    value = correlation * value + news * randomNormal(random)
  }
  return values
}
