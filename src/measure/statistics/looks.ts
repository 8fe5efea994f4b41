/**
 * Stopping as soon as an interval is narrow enough takes the samples whose spread happens to look small, so that the
 * interval misses more often than it says. With the looks fixed in advance, each of them may miss with
 * (1 - confidence) / looks: then all of them together hold with the confidence, whichever of them ends it
 * (Bonferroni).
 */
export function confidenceOfLook(confidence: number, looks: number): number {
  return 1 - (1 - confidence) / looks
}

/** The spread of fewer runs than this is hardly known. */
export const FEWEST_RUNS_OF_A_LOOK = 3

/** A look costs confidence, so each but the last waits for nearly half as many runs again. */
const GROWTH = 1.4

/**
 * Numbers of runs after which to look: 3, 5, 7, 10, 14, 20 ... as far as there are, and the last.
 *
 * @param mostRuns at least 3
 */
export function looksUpTo(mostRuns: number): number[] {
  const looks: number[] = []
  for (let runs = FEWEST_RUNS_OF_A_LOOK; runs < mostRuns; runs = Math.ceil(runs * GROWTH))
    looks.push(runs)
  return [...looks, mostRuns]
}
