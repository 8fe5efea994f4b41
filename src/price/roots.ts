import type { Maybe } from '../arithmetic.ts'

/** A place where a function changes sign. */
interface Root {
  readonly value: number
  /** Whether the function jumps over 0 there instead of reaching it, as where one more server is bought. */
  readonly jumps: boolean
}

/**
 * Where a function of one number is 0 on a grid: nowhere (and on which side of 0 it then lies), once,
 * several times or everywhere; unknown where the function is, anywhere on the grid.
 */
export type Roots =
  | { readonly kind: 'none'; readonly sign: 1 | -1 }
  | { readonly kind: 'one'; readonly root: Root }
  | { readonly kind: 'several'; readonly roots: readonly Root[] }
  | { readonly kind: 'everywhere' }
  | { readonly kind: 'unknown' }

/**
 * Roots of `f` by sign changes between neighbours of an ascending grid, each closed in by halving down to
 * neighbouring floating-point numbers. Two roots between two neighbours, and one that only touches 0, are not seen.
 */
export function findRoots(f: (x: number) => Maybe, grid: readonly number[]): Roots {
  const values = grid.map(f)
  const known = values.filter((value) => value !== undefined)
  const [first] = known
  if (known.length < values.length || first === undefined) return { kind: 'unknown' }
  if (known.every((value) => value === 0)) return { kind: 'everywhere' }
  const roots = known.flatMap((value, index) => rootBefore(f, grid, known, value, index))
  const [root] = roots
  if (root === undefined) return { kind: 'none', sign: first > 0 ? 1 : -1 }
  return roots.length === 1 ? { kind: 'one', root } : { kind: 'several', roots }
}

/** The root at a grid point, or between it and the one before. */
function rootBefore(
  f: (x: number) => Maybe,
  grid: readonly number[],
  values: readonly number[],
  value: number,
  index: number,
): Root[] {
  const x = grid[index] as number
  if (value === 0) return [{ value: x, jumps: false }]
  const before = values[index - 1]
  if (before === undefined || before === 0 || before > 0 === value > 0) return []
  return [closeIn(f, grid[index - 1] as number, x, before > 0)]
}

function closeIn(f: (x: number) => Maybe, from: number, to: number, positiveFirst: boolean): Root {
  let low = from
  let high = to
  const scale = Math.max(Math.abs(f(low) ?? 0), Math.abs(f(high) ?? 0))
  for (;;) {
    const middle = low + (high - low) / 2
    if (middle <= low || middle >= high) break
    const value = f(middle)
    if (value === undefined) break
    if (value === 0) return { value: middle, jumps: false }
    if (value > 0 === positiveFirst) low = middle
    else high = middle
  }
  const atLow = Math.abs(f(low) ?? 0)
  const atHigh = Math.abs(f(high) ?? 0)
  return {
    value: atLow <= atHigh ? low : high,
    jumps: Math.max(atLow, atHigh) > JUMP_RATIO * scale,
  }
}

/** What a continuous function keeps, a rounding error from its root, of its size at the ends of the bracket. */
const JUMP_RATIO = 1e-6

/** `steps + 1` numbers from `low` to `high`, evenly apart. */
export function evenGrid(low: number, high: number, steps: number): number[] {
  return Array.from({ length: steps + 1 }, (_, i) =>
    i === steps ? high : low + ((high - low) * i) / steps,
  )
}

/** `steps + 1` numbers from `low` to `high`, both above 0, each by the same factor above the one before. */
export function geometricGrid(low: number, high: number, steps: number): number[] {
  return Array.from({ length: steps + 1 }, (_, i) =>
    i === steps ? high : low * (high / low) ** (i / steps),
  )
}
