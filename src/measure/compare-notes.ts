import type { Named } from './compare-metrics.ts'
import { type Difference, untoldFacets } from './compare-set-up.ts'

/** A doubt about a comparison. `text` says what, and what to do. */
export interface ComparisonNote {
  readonly kind:
    | 'not-interleaved'
    | 'mixed-side'
    | 'few-runs'
    | 'stopped-by-width'
    | 'untold'
    | 'levels-left-out'
  readonly text: string
}

/** Of fewer runs the standard deviation is off by a factor of 1.5 and more, often (chi-squared, 3 degrees of freedom). */
const MANY_RUNS = 5

export function comparisonNotes(
  sides: readonly (readonly Named[])[],
  differences: readonly Difference[],
): ComparisonNote[] {
  return [
    ...fewRuns(sides),
    ...stoppedByWidth(sides),
    ...interleaving(sides),
    ...untold(sides.flat()),
    ...sides.flatMap(mixture(differences)),
  ]
}

/**
 * Groups that ended when their interval was within 2 %, compared with themselves 3,000 times: 8 to 10 % of the tests at
 * 0.05 found a difference, at spreads of 1 to 2 %.
 */
function stoppedByWidth(sides: readonly (readonly Named[])[]): ComparisonNote[] {
  const names = sides
    .flat()
    .flatMap((run) => (run.imported === undefined && run.addedUntilNarrow ? [run.name] : []))
  if (names.length === 0) return []
  const text = `Runs ${names.join(', ')} were added until they agreed, so they scatter less than runs do: a test at 0.05 finds a difference where there is none in up to 10 % of cases, and intervals are too narrow. For a comparison fix the number of runs beforehand.`
  return [{ kind: 'stopped-by-width', text }]
}

function fewRuns(sides: readonly (readonly Named[])[]): ComparisonNote[] {
  const fewest = Math.min(...sides.map(({ length }) => length))
  if (fewest >= MANY_RUNS) return []
  return [{ kind: 'few-runs', text: fewRunsText(fewest, sides.length === 1) }]
}

function fewRunsText(fewest: number, isOneSide: boolean): string {
  if (fewest < 2)
    return 'One run has no spread, so nothing says which ratio is chance. Measure at least 3 runs a side, better 5, and start the server anew between them.'
  if (isOneSide)
    return `The spread of ${fewest} runs is itself known only roughly. Measure ${MANY_RUNS} or more.`
  return `${fewest} runs a side tell large differences only: "sees" is the smallest. ${MANY_RUNS} runs or more see smaller ones.`
}

/** What drifts with time (heat, neighbours, caches) looks like a difference where one side came first. */
function interleaving(sides: readonly (readonly Named[])[]): ComparisonNote[] {
  const [first = [], ...others] = sides
    .filter(({ length }) => length > 1)
    .map((side) => side.map(startedMs))
  if (!others.some((other) => isBefore(first, other) || isBefore(other, first))) return []
  const text =
    'Each side was measured in one go: whatever drifted with time looks like a difference between them. Measure in turns: A, B, A, B ...'
  return [{ kind: 'not-interleaved', text }]
}

/** Other tools' files do not say in which time zone: never before or after. */
function startedMs(run: Named): number {
  return run.imported === undefined ? Date.parse(run.run.epoch) : Number.NaN
}

function untold(runs: readonly Named[]): ComparisonNote[] {
  const { runs: names, labels } = untoldFacets(runs)
  if (labels.length === 0) return []
  const text = `The files of ${names.join(', ')} do not tell these, so nothing says that they are the same: ${labels.join('; ')}.`
  return [{ kind: 'untold', text }]
}

/** Names the levels of the first side that no other has, and of the others those that the first does not have. */
export function levelsLeftOut(sides: readonly (readonly Named[])[]): ComparisonNote[] {
  const [first = [], ...others] = sides
  const levels = new Set(first.flatMap(levelsIn))
  const shared = new Set(others.flatMap((side) => side.flatMap(levelsIn)))
  const lines = [...leftOutOf(first, shared), ...others.flatMap((side) => leftOutOf(side, levels))]
  if (lines.length === 0) return []
  const text = `Load levels of one side alone are left out: ${lines.join('; ')}.`
  return [{ kind: 'levels-left-out', text }]
}

function levelsIn({ summary }: Named): string[] {
  return summary.points.map(({ label }) => label)
}

function leftOutOf(side: readonly Named[], others: ReadonlySet<string>): string[] {
  const alone = [...new Set(side.flatMap(levelsIn))].filter((label) => !others.has(label))
  const names = side.map(({ name }) => name).join(', ')
  return alone.length === 0 ? [] : [`of ${names} ${alone.join(', ')}`]
}

function isBefore(some: readonly number[], others: readonly number[]): boolean {
  return Math.max(...some) < Math.min(...others)
}

/** Another seed draws the same work again. */
const mayVary: readonly string[] = ['seed']

function mixture(differences: readonly Difference[]) {
  return (side: readonly Named[]): ComparisonNote[] => {
    const names = side.map(({ name }) => name)
    const labels = differences
      .filter(({ label }) => !mayVary.includes(label))
      .filter(({ values }) => values.filter((each) => shares(each.runs, names)).length > 1)
      .map(({ group, label }) => `${group} ${label}`)
    if (labels.length === 0) return []
    const text = `Runs ${names.join(', ')} are not of one thing: ${labels.join('; ')}. Their spread is then more than chance.`
    return [{ kind: 'mixed-side', text }]
  }
}

function shares(some: readonly string[], others: readonly string[]): boolean {
  return some.some((each) => others.includes(each))
}
