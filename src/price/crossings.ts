import type { Maybe } from '../arithmetic.ts'

/** Of a difference: under 0, none, over 0. */
type Sign = -1 | 0 | 1

/** A place at which the sign of a difference changes. */
export interface Crossing {
  /** The first value that no longer has the sign from before. */
  readonly value: number
  readonly before: Sign
  readonly after: Sign
  /** Whether the difference steps over 0 there instead of going through it, as where one more server is bought. */
  readonly jumps: boolean
}

/** How the sign of a difference goes along a grid: how it begins, and where it changes. Unknown where the difference is, anywhere on it. */
export type Crossings =
  | { readonly kind: 'known'; readonly first: Sign; readonly places: readonly Crossing[] }
  | { readonly kind: 'unknown' }

/**
 * Follows the sign of a difference along an ascending grid; each change between two neighbours is closed in by halving down to
 * neighbouring floating-point numbers. Stretches on which the difference is 0 are told from places at which it goes through 0. Two
 * changes between two neighbours are not seen.
 */
export function findCrossings(
  difference: (x: number) => Maybe,
  grid: readonly number[],
): Crossings {
  const signs = grid.map((x) => signOf(difference(x)))
  const [first] = signs
  if (first === undefined || signs.includes(undefined)) return { kind: 'unknown' }
  const places: Crossing[] = []
  for (let i = 1; i < grid.length; i++) {
    const [before, after] = [signs[i - 1] as Sign, signs[i] as Sign]
    if (before === after) continue
    const place = closeIn(difference, grid[i - 1] as number, grid[i] as number, before, after)
    const last = places.at(-1)
    // A grid point that lies on 0 by chance is no stretch.
    if (
      last?.after === 0 &&
      before === 0 &&
      place.value - last.value <= POINT_RATIO * Math.abs(place.value)
    ) {
      places.pop()
      if (last.before !== after) places.push({ ...last, after })
    } else places.push(place)
  }
  return { kind: 'known', first, places }
}

const POINT_RATIO = 1e-6

function signOf(value: Maybe): Sign | undefined {
  return value === undefined ? undefined : (Math.sign(value) as Sign)
}

function closeIn(
  difference: (x: number) => Maybe,
  from: number,
  to: number,
  before: Sign,
  after: Sign,
): Crossing {
  let low = from
  let high = to
  const sizeOf = (x: number) => Math.abs(difference(x) ?? 0)
  const scale = Math.max(sizeOf(low), sizeOf(high))
  for (;;) {
    const middle = low + (high - low) / 2
    if (middle <= low || middle >= high) break
    if (signOf(difference(middle)) === before) low = middle
    else high = middle
  }
  return {
    value: high,
    before,
    after,
    jumps: Math.max(sizeOf(low), sizeOf(high)) > JUMP_RATIO * scale,
  }
}

/** What a continuous difference keeps, a rounding error from 0, of its size at the ends of the step. */
const JUMP_RATIO = 1e-6

/** One cost less another: unknown where either is NaN, and 0 where they are the same but for rounding. */
export function costDifference(a: number, b: number): Maybe {
  if (Number.isNaN(a) || Number.isNaN(b)) return undefined
  return Math.abs(a - b) <= SAME_RATIO * Math.max(Math.abs(a), Math.abs(b)) ? 0 : a - b
}

const SAME_RATIO = 1e-12
