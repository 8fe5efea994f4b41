import { axisLoadOf, levelAt } from '../../load/axis-load.ts'
import type { Load, LoadLevel } from '../../load/benchmark.ts'
import type { SearchPlan } from '../../load/search-plan.ts'
import type { OperatingPoint } from '../summary.ts'
import { kneeOf } from './knee.ts'
import type { SearchStep, SearchSummary, SloTrial, SweepTrial } from './search-summary.ts'
import { nextSloStep, sloOutcome, sloTrial } from './slo.ts'
import { nextSweepStep, saturationOf, sweepTrial } from './sweep.ts'

/** The level that a search asks for after these; nothing when it is at its end. Always the same after the same. */
export function nextLevel(
  plan: SearchPlan,
  load: Load,
  points: readonly OperatingPoint[],
): LoadLevel | undefined {
  const step = nextStep(plan, points)
  return step.kind === 'done' ? undefined : levelAt(load, step)
}

function nextStep(plan: SearchPlan, points: readonly OperatingPoint[]): SearchStep {
  switch (plan.question) {
    case 'sweep':
      return nextSweepStep(plan, sweepTrials(points))
    case 'slo':
      return nextSloStep(plan, sloTrials(plan, points))
  }
}

/** What the levels of a search come to; of one that was stopped, as far as it came. */
export function summarizeSearch(
  plan: SearchPlan,
  points: readonly OperatingPoint[],
): SearchSummary {
  const { axis } = plan
  switch (plan.question) {
    case 'sweep': {
      const trials = sweepTrials(points)
      const saturation =
        plan.levels.chosen === 'by-search' ? saturationOf(plan.levels, trials) : undefined
      const knee = kneeOf(trials.filter((trial) => trial.axis === axis))
      return { question: 'sweep', axis, trials, saturation, knee }
    }
    case 'slo': {
      const trials = sloTrials(plan, points)
      return { question: 'slo', axis, trials, outcome: sloOutcome(plan, trials) }
    }
  }
}

/** The points whose figures are of a load that the server served: those of fronts, and of prices. */
export function usablePoints<Point extends Pick<OperatingPoint, 'level'>>(
  points: readonly Point[],
  search: SearchSummary | undefined,
): readonly Point[] {
  if (search === undefined) return points
  const levels = new Set(
    search.question === 'sweep'
      ? search.trials.filter(({ standing }) => standing === 'served').map(({ level }) => level)
      : search.trials.filter(({ service }) => service === 'served').map(({ level }) => level),
  )
  return points.filter(({ level }) => levels.has(level))
}

/**
 * The points that a verdict is of. A search goes where a server gives way on purpose: such levels are
 * findings, and no reason against the others. Of a search that found its load the looks at that load
 * count and nothing else.
 */
export function countedPoints(
  points: readonly OperatingPoint[],
  search: SearchSummary | undefined,
): readonly OperatingPoint[] {
  if (search === undefined) return points
  const levels = new Set(countedLevels(search))
  const counted = points.filter(({ level }) => levels.has(level))
  return counted.length > 0 ? counted : points
}

/** The level that a search answers with, if it does: a knee, or the highest load at which limits hold. */
export function answerLevel(search: SearchSummary | undefined): number | undefined {
  if (search === undefined) return undefined
  const answer = search.question === 'sweep' ? search.knee : search.outcome
  return answer.kind === 'found' ? answer.level : undefined
}

function countedLevels(search: SearchSummary): number[] {
  switch (search.question) {
    case 'sweep':
      return search.trials.filter(({ standing }) => standing !== 'beyond').map(({ level }) => level)
    case 'slo': {
      const { trials, outcome } = search
      if (outcome.kind === 'found')
        return trials.filter(({ size }) => size === outcome.at.size).map(({ level }) => level)
      return trials.filter(({ service }) => service !== 'beyond').map(({ level }) => level)
    }
  }
}

function sweepTrials(points: readonly OperatingPoint[]): SweepTrial[] {
  return points.flatMap((point) => {
    const at = axisLoadOf(point.load)
    return at === undefined ? [] : [sweepTrial(point, at)]
  })
}

function sloTrials(
  plan: Extract<SearchPlan, { question: 'slo' }>,
  points: readonly OperatingPoint[],
): SloTrial[] {
  return points.flatMap((point) => {
    const at = axisLoadOf(point.load)
    return at?.axis === plan.axis ? [sloTrial(plan, point, at.size)] : []
  })
}
