/** How p values of several tests are made to stand beside each other. */
export type Adjustment = 'none' | 'bonferroni' | 'holm' | 'benjamini-hochberg'

/**
 * Adjusted p values, in the order given: reject where one is at most alpha (as R's p.adjust).
 * `bonferroni` and `holm` (Scandinavian Journal of Statistics 6, 1979) hold the chance of any false
 * finding, Holm with more power; `benjamini-hochberg` (JRSS B 57, 1995) holds the share of findings that are
 * false, for exploring.
 */
export function adjustedPValues(pValues: readonly number[], adjustment: Adjustment): number[] {
  const m = pValues.length
  switch (adjustment) {
    case 'none':
      return [...pValues]
    case 'bonferroni':
      return pValues.map((p) => Math.min(1, m * p))
    case 'holm':
      return stepwise(pValues, 'up', (p, rank) => (m - rank + 1) * p)
    case 'benjamini-hochberg':
      return stepwise(pValues, 'down', (p, rank) => (m / rank) * p)
  }
}

/**
 * Each p times its factor, then made to rise with p: from the smallest `up` none under one before it,
 * from the largest `down` none above one before it.
 */
function stepwise(
  pValues: readonly number[],
  direction: 'up' | 'down',
  adjusted: (p: number, rank: number) => number,
): number[] {
  const order = pValues.map((p, index) => ({ p, index })).sort((a, b) => a.p - b.p)
  const ranked = order.map(({ p, index }, i) => ({ value: adjusted(p, i + 1), index }))
  if (direction === 'down') ranked.reverse()
  const bound = direction === 'up' ? Math.max : Math.min
  const result: number[] = []
  let before = direction === 'up' ? 0 : 1
  for (const { value, index } of ranked) {
    before = Math.min(1, bound(before, value))
    result[index] = before
  }
  return result
}

/** Chance of at least one false finding among independent tests: 1 - (1 - alpha)^tests. */
export function familyWiseError(alpha: number, tests: number): number {
  return 1 - (1 - alpha) ** tests
}
