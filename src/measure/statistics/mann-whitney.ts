import { normalUpperTail } from './normal.ts'

/** Whether one sample tends to lie above another. */
export interface MannWhitney {
  /** Pairs in which `x` lies above `y`, an equal pair counting a half. */
  readonly u: number
  /** P(U <= u): small where `x` lies below `y`. */
  readonly pLess: number
  /** P(U >= u). */
  readonly pGreater: number
  readonly pTwoSided: number
  readonly method: 'exact' | 'normal'
}

/** Up to this size of the larger sample every arrangement is counted, as R and benchstat do. */
const EXACT_LIMIT = 50

/**
 * Mann and Whitney's U test (Annals of Mathematical Statistics 18, 1947), ties and all: exact up to 50 a
 * side, beyond by the normal law with corrections for ties and continuity. Its two-sided p is twice
 * the smaller side, at most 1. All values equal tell nothing: p is 1.
 *
 * @throws RangeError for an empty sample
 */
export function mannWhitney(x: readonly number[], y: readonly number[]): MannWhitney {
  if (x.length === 0 || y.length === 0) throw new RangeError('an empty sample')
  const groups = tieGroups(x, y)
  const u = rankSum(groups) - (x.length * (x.length + 1)) / 2
  const exact = Math.max(x.length, y.length) <= EXACT_LIMIT
  const { pLess, pGreater } = exact
    ? exactTails(groups, x.length, u)
    : normalTails(groups, x.length, y.length, u)
  const pTwoSided = Math.min(1, 2 * Math.min(pLess, pGreater))
  return { u, pLess, pGreater, pTwoSided, method: exact ? 'exact' : 'normal' }
}

/** The least two-sided p that samples of these sizes can have: 2 / C(n1 + n2, n1). */
export function leastP(n1: number, n2: number): number {
  let arrangements = 1
  for (let k = 1; k <= n1; k++) arrangements *= (n2 + k) / k
  return Math.min(1, 2 / arrangements)
}

/** Fewest runs a side with which a difference can be told at all: 4 at 0.05. */
export function smallestNForU(alpha: number): number {
  let n = 1
  while (leastP(n, n) > alpha) n++
  return n
}

/** Equal values of both samples: how many, how many of them from `x`, and the rank they share. */
interface TieGroup {
  readonly n: number
  readonly fromX: number
  readonly rank: number
}

function tieGroups(x: readonly number[], y: readonly number[]): TieGroup[] {
  const counts = new Map<number, { n: number; fromX: number }>()
  for (const [sample, isX] of [[x, 1] as const, [y, 0] as const]) {
    for (const value of sample) {
      const { n, fromX } = counts.get(value) ?? { n: 0, fromX: 0 }
      counts.set(value, { n: n + 1, fromX: fromX + isX })
    }
  }
  let before = 0
  return [...counts]
    .sort(([a], [b]) => a - b)
    .map(([, { n, fromX }]) => {
      before += n
      return { n, fromX, rank: before - (n - 1) / 2 }
    })
}

function rankSum(groups: readonly TieGroup[]): number {
  return groups.reduce((sum, { fromX, rank }) => sum + fromX * rank, 0)
}

/**
 * Tails over all ways to choose which values are `x`: ways[k][s] counts choices of k values with twice
 * the rank sum s, value by value. Twice, as ties have half ranks.
 */
function exactTails(
  groups: readonly TieGroup[],
  n1: number,
  u: number,
): { pLess: number; pGreater: number } {
  const ways = waysToChoose(groups, n1)
  const observed = Math.round(2 * u) + n1 * (n1 + 1)
  let [less, greater, all] = [0, 0, 0]
  for (const [twiceSum, count] of ways.entries()) {
    all += count
    if (twiceSum <= observed) less += count
    if (twiceSum >= observed) greater += count
  }
  return { pLess: less / all, pGreater: greater / all }
}

/** Choices of `n1` of all values by twice their rank sum. */
function waysToChoose(groups: readonly TieGroup[], n1: number): Float64Array {
  const ranks = groups.flatMap(({ n, rank }) => Array<number>(n).fill(2 * rank))
  const most = ranks.slice(-n1).reduce((sum, rank) => sum + rank, 0)
  const ways = Array.from({ length: n1 + 1 }, () => new Float64Array(most + 1))
  const none = ways[0]
  if (none) none[0] = 1
  for (const [index, rank] of ranks.entries())
    for (let k = Math.min(index + 1, n1); k >= 1; k--) addShifted(ways[k], ways[k - 1], rank)
  return ways[n1] ?? new Float64Array()
}

function addShifted(
  to: Float64Array | undefined,
  from: Float64Array | undefined,
  by: number,
): void {
  if (!to || !from) return
  for (let s = by; s < to.length; s++) to[s] = (to[s] ?? 0) + (from[s - by] ?? 0)
}

/** Mean n1 n2 / 2, variance n1 n2 / 12 ((N + 1) - sum (t³ - t) / (N (N - 1))). */
function normalTails(
  groups: readonly TieGroup[],
  n1: number,
  n2: number,
  u: number,
): { pLess: number; pGreater: number } {
  const all = n1 + n2
  const ties = groups.reduce((sum, { n }) => sum + n ** 3 - n, 0)
  const deviation = Math.sqrt(((n1 * n2) / 12) * (all + 1 - ties / (all * (all - 1))))
  if (deviation === 0) return { pLess: 1, pGreater: 1 }
  const distance = u - (n1 * n2) / 2
  return {
    pLess: normalUpperTail(-(distance + 0.5) / deviation),
    pGreater: normalUpperTail((distance - 0.5) / deviation),
  }
}
