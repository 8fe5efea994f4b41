/** The most that two words may differ to be taken for one another, as a share of the longer one. */
const MOST_DIFFERENT_RATIO = 0.45

/** A path that ends in the same word is this much nearer than its letters say. */
const SAME_END_FACTOR = 0.4

/** Paths that somebody may have meant by one that is not there, the likeliest first. */
export function nearPaths(wanted: string, known: Iterable<string>, most = 5): string[] {
  return [...new Set(known)]
    .map((path) => ({ path, distance: distanceRatio(wanted, path) }))
    .filter(({ distance }) => distance <= MOST_DIFFERENT_RATIO)
    .sort((a, b) => a.distance - b.distance || (a.path < b.path ? -1 : 1))
    .slice(0, most)
    .map(({ path }) => path)
}

function distanceRatio(wanted: string, path: string): number {
  const [a, b] = [wanted.toLowerCase(), path.toLowerCase()]
  const letters = editDistance(a, b) / Math.max(a.length, b.length, 1)
  const sameEnd = a.split('.').at(-1) === b.split('.').at(-1)
  return sameEnd || b.includes(a) ? letters * SAME_END_FACTOR : letters
}

/** Letters to insert, delete or change (Levenshtein, 1965). */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const changed = (row[j - 1] as number) + (a[i - 1] === b[j - 1] ? 0 : 1)
      next.push(Math.min(changed, (row[j] as number) + 1, (next[j - 1] as number) + 1))
    }
    row = next
  }
  return row[b.length] as number
}

/** How an error goes on after a path that is not there. */
export function didYouMean(wanted: string, known: Iterable<string>): string {
  const near = nearPaths(wanted, known)
  return near.length === 0 ? '' : `Did you mean ${near.join(', ')}? `
}
