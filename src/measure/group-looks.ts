import type { Until } from '../load/run-group.ts'
import type { NamedRun } from './compare-set-up.ts'
import { type GroupMetric, groupMetric, type IntervalPlan } from './group-metrics.ts'
import { logTHalfWidth } from './statistics/log-t.ts'

/** The figure whose intervals say whether there are runs enough. */
const UNTIL_METRIC = 'outputTokensPerS'

/** One look at the intervals of a group. */
export interface Look {
  readonly afterRuns: number
  readonly reached: boolean
  /** The level whose interval reaches furthest, and how far that is from its median, as a share of it. */
  readonly level?: string
  readonly withinRatio?: number
  /** Why there is no interval to look at. */
  readonly why?: string
}

/** How much runs may scatter, as the standard deviation of the logarithm, for a look to be just narrow enough. */
export function spreadsReachable(
  { looksAfter, withinRatio }: Until,
  confidence: number,
): { readonly afterRuns: number; readonly spreadRatio: number }[] {
  return looksAfter.map((afterRuns) => ({
    afterRuns,
    spreadRatio: Math.log1p(withinRatio) / logTHalfWidth(afterRuns, 1, confidence),
  }))
}

/**
 * The looks that were due after these runs, up to the first that was narrow enough.
 *
 * @param runs in the order in which they were made; a run of which there is nothing keeps its place
 */
export function looksAt(
  runs: readonly (NamedRun | undefined)[],
  levels: readonly string[],
  until: Until,
  plan: IntervalPlan,
): Look[] {
  const looks: Look[] = []
  for (const afterRuns of until.looksAfter) {
    if (afterRuns > runs.length || looks.at(-1)?.reached) break
    looks.push(lookAt(runs.slice(0, afterRuns), levels, until, plan))
  }
  return looks
}

function lookAt(
  runs: readonly (NamedRun | undefined)[],
  levels: readonly string[],
  { withinRatio }: Until,
  plan: IntervalPlan,
): Look {
  const afterRuns = runs.length
  const known = runs.filter((run) => run !== undefined)
  const widths = levels.map((level) => ({
    level,
    ...widthOf(groupMetric(UNTIL_METRIC, known, level, plan), afterRuns),
  }))
  const unknown = widths.find(({ why }) => why !== undefined)
  if (unknown !== undefined) return { afterRuns, reached: false, ...unknown }
  const widest = widths.toSorted((a, b) => (b.withinRatio ?? 0) - (a.withinRatio ?? 0))[0]
  if (widest?.withinRatio === undefined)
    return { afterRuns, reached: false, why: 'no level was measured to its end' }
  return { afterRuns, reached: widest.withinRatio <= withinRatio, ...widest }
}

/** A run without the figure is not left out: those that have it are not all that happened. */
function widthOf(
  { figures, withinRatio, why }: GroupMetric,
  runs: number,
): Pick<Look, 'withinRatio' | 'why'> {
  if (figures.length < runs) return { why: `${figures.length} of ${runs} runs have it` }
  return withinRatio === undefined ? { why: why ?? 'the median is not above 0' } : { withinRatio }
}
