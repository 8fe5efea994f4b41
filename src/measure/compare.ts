import { type Maybe, sum } from '../arithmetic.ts'
import { definitionsOf, type MetricDefinition } from './compare-definitions.ts'
import { withSharedLevels } from './compare-levels.ts'
import {
  type Compared,
  type ComparedImport,
  type HeadlineMetricName,
  headlineMetric,
  headlineMetricNames,
  type Named,
} from './compare-metrics.ts'
import { type ComparisonNote, comparisonNotes, levelsLeftOut } from './compare-notes.ts'
import {
  areBesideOthers,
  figuresOf,
  type PointOfRun,
  pointsAt,
  sourcesDiffer,
} from './compare-points.ts'
import {
  type Difference,
  differencesOf,
  type MachineChange,
  machineChanges,
  type NamedRun,
} from './compare-set-up.ts'
import { compareMetrics, type MetricComparison } from './statistics/comparison.ts'
import { leastP, mannWhitney } from './statistics/mann-whitney.ts'
import { geometricMean, variance } from './statistics/moments.ts'
import { smallestDetectableRatio } from './statistics/power.ts'
import type { Verdict } from './summary.ts'

/** Chance of any false finding in a whole comparison. */
export const ALPHA = 0.05
/** Chance to find the smallest ratio that is said to be seen (Cohen, Statistical Power Analysis, 1988). */
export const POWER = 0.8
/** Smallest difference that matters: 2 %, what MLPerf's rules call materially different. */
export const MINIMUM_EFFECT_RATIO = 0.02

/**
 * `better`, `worse`: the difference is there and at least as large as matters. `no-detectable-difference`:
 * none as large was found, which is not to say that there is none. `not-enough-runs`: nothing can be said.
 */
export type ComparisonWord = 'better' | 'worse' | 'no-detectable-difference' | 'not-enough-runs'

/** A run as a comparison tells of it. */
export interface RunFacts {
  readonly name: string
  readonly path: string
  readonly runId: string
  /** ISO 8601 UTC. */
  readonly epoch: string
  readonly model: string
  readonly verdict: Verdict
  readonly reasons: readonly string[]
  readonly simulated: boolean
  readonly weights?: 'random' | 'trained'
  /** Of a summary that lies without its records: its figures are as they stand there. */
  readonly withoutRecords?: boolean
}

/** Another tool's result as a comparison tells of it. Nothing of it was judged. */
export interface ImportFacts {
  readonly name: string
  readonly path: string
  readonly tool: { readonly name: string; readonly version?: string }
  /** As the file has it, in an unknown time zone. */
  readonly date?: string
  readonly model?: string
  /** Requests that failed, at all its loads together, as far as its file tells. */
  readonly failedRequests?: number
  readonly verdict: 'NOT JUDGED'
  /** What pricing and comparing ask and its file does not tell, in words. */
  readonly cannotTell: readonly string[]
  /** How the tool's way differs from ours beside what stands at the metrics, and what of the file was not used. */
  readonly notes: readonly string[]
}

/** Told apart by the verdict. */
export type ComparedFacts = RunFacts | ImportFacts

/** Several runs of one thing. */
export interface SideFacts {
  readonly name: string
  readonly runs: readonly ComparedFacts[]
}

/** One metric at one load level, the other side against the first. */
export interface ComparedMetric {
  readonly metric: HeadlineMetricName
  readonly label: string
  readonly better: 'higher' | 'lower'
  /** Runs of each side that have it. */
  readonly runs: readonly [number, number]
  /** Geometric means over runs. */
  readonly before?: number
  readonly after?: number
  /** after / before, with its 95 % interval by Welch's test on logarithms, which is not adjusted. */
  readonly ratio?: number
  readonly low?: number
  readonly high?: number
  readonly pValue?: number
  /** By Holm, over all tests of the comparison. */
  readonly adjustedPValue?: number
  /** Exact and two-sided, by Mann and Whitney, not adjusted; absent where so few runs can never reach 0.05. */
  readonly mannWhitneyP?: number
  /** Smallest ratio above 1 (or, downwards, its reciprocal) that would have been found 4 times in 5, after adjustment. */
  readonly smallestRatio?: number
  readonly word: ComparisonWord
  /** Why there is no ratio, or no word on it. */
  readonly why?: string
  /** Where some runs have it by another definition, or ours is what is nearest to that; absent where none has. */
  readonly definitions?: readonly MetricDefinition[]
}

export interface ComparedLevel {
  readonly label: string
  /** Name of the side that is held against the first. */
  readonly side: string
  readonly metrics: readonly ComparedMetric[]
}

/** Sides held against the first one. */
export interface Comparison {
  readonly schemaVersion: 1
  readonly kind: 'baremark-comparison'
  /** Compared although figures of these runs measure different things. */
  readonly forced: boolean
  readonly sides: readonly SideFacts[]
  readonly differences: readonly Difference[]
  readonly machineChanges: readonly MachineChange[]
  readonly notes: readonly ComparisonNote[]
  readonly alpha: number
  readonly power: number
  readonly minimumEffectRatio: number
  /** That could be made; the adjustment is over so many. */
  readonly tests: number
  readonly levels: readonly ComparedLevel[]
}

/** Runs of each side under their names: `A` for one run, `A1`, `A2` for several. */
export function nameRuns<Run extends Compared>(sides: readonly (readonly Run[])[]): Named<Run>[][] {
  return sides.map((runs, side) =>
    runs.map((run, i) => ({
      ...run,
      name: runs.length === 1 ? sideName(side) : `${sideName(side)}${i + 1}`,
    })),
  )
}

function sideName(index: number): string {
  return String.fromCharCode('A'.charCodeAt(0) + index)
}

/** Of a run or of another tool's result. */
export function factsOf(run: Named): ComparedFacts {
  return run.imported === undefined ? runFacts(run) : importFacts(run)
}

function importFacts({ name, path, imported }: Named<ComparedImport>): ImportFacts {
  const { tool, points, cannotTell, notes, throughput } = imported
  const [first] = points
  const failed = points.flatMap(({ requests }) => requests.failed ?? [])
  const models = [...new Set(points.flatMap(({ model }) => model ?? []))]
  return {
    name,
    path,
    tool,
    date: first?.date,
    model: models.length === 0 ? undefined : models.join(', '),
    failedRequests: failed.length === 0 ? undefined : sum(failed),
    verdict: 'NOT JUDGED',
    cannotTell,
    notes: notes.filter((note) => note !== throughput),
  }
}

export function runFacts({ name, path, run, summary, withoutRecords }: NamedRun): RunFacts {
  return {
    name,
    path,
    runId: run.runId,
    epoch: run.epoch,
    model: run.target.model,
    verdict: summary.verdict,
    reasons: summary.reasons,
    simulated: run.target.simulated,
    weights: run.config.declaredWeights ?? run.target.weights,
    withoutRecords,
  }
}

/**
 * Every side against the first, level by level. One figure a run: requests of one run share a queue
 * and are no independent samples. Compares what cannot be compared, too: `forced` then says so.
 *
 * @throws UserError for another tool's result that holds several of one load
 */
export function compareSides(given: readonly (readonly Compared[])[]): Comparison {
  const sides = nameRuns(withSharedLevels(given))
  const [first = [], ...others] = sides
  const runs = sides.flat()
  const differences = differencesOf(runs)
  const pairs = others.flatMap((other, i) => pairsOf(first, other, sideName(i + 1)))
  const compared = testPairs(pairs)
  const tests = compared.filter(({ pValue }) => pValue !== undefined).length
  const metrics = pairs.map((pair, i) => comparedMetric(pair, compared[i], tests))
  return {
    schemaVersion: 1,
    kind: 'baremark-comparison',
    forced: differences.some(({ comparable }) => !comparable),
    sides: sides.map((side, i) => ({ name: sideName(i), runs: side.map(factsOf) })),
    differences,
    machineChanges: machineChanges(runs),
    notes: [...comparisonNotes(sides, differences), ...levelsLeftOut(sides)],
    alpha: ALPHA,
    power: POWER,
    minimumEffectRatio: MINIMUM_EFFECT_RATIO,
    tests,
    levels: byLevel(pairs, metrics),
  }
}

/** The figures of one metric at one level on both sides. */
export interface MetricPair {
  readonly side: string
  readonly label: string
  readonly metric: HeadlineMetricName
  readonly before: readonly number[]
  readonly after: readonly number[]
  /** Why figures that are there may not be held against each other; then there are none above. */
  readonly refused?: string
  readonly definitions: readonly MetricDefinition[]
}

/**
 * Welch's test of each pair, adjusted over all of them. Sides without any spread have their ratio and no test:
 * what rounding leaves of their variance is nothing to judge by.
 */
export function testPairs(
  pairs: readonly Pick<MetricPair, 'metric' | 'before' | 'after'>[],
): MetricComparison[] {
  return compareMetrics(
    pairs.map(({ metric, before, after }) => {
      const most = isConstant({ before, after }) ? 1 : undefined
      return { name: metric, before: before.slice(0, most), after: after.slice(0, most) }
    }),
    { alpha: ALPHA, minimumEffect: MINIMUM_EFFECT_RATIO },
  )
}

/** Levels that both sides have, in the order of the first; a metric that no run has is left out. */
export function pairsOf(
  before: readonly Named[],
  after: readonly Named[],
  side = 'B',
): MetricPair[] {
  const labels = new Set(before.flatMap(labelsOf))
  const other = new Set(after.flatMap(labelsOf))
  return [...labels]
    .filter((label) => other.has(label))
    .flatMap((label) =>
      headlineMetricNames.flatMap((metric) => {
        const pair = pairAt(metric, pointsAt(before, label), pointsAt(after, label))
        const isKnown = pair.refused !== undefined || pair.before.length + pair.after.length > 0
        return isKnown ? [{ side, label, metric, ...pair }] : []
      }),
    )
}

function labelsOf({ summary }: Compared): string[] {
  return summary.points.map(({ label }) => label)
}

function pairAt(
  metric: HeadlineMetricName,
  before: readonly PointOfRun<Named>[],
  after: readonly PointOfRun<Named>[],
): Pick<MetricPair, 'before' | 'after' | 'refused' | 'definitions'> {
  const both = [...before, ...after]
  const besideOthers = areBesideOthers(both)
  const refused = sourcesDiffer(metric, both)
  if (refused !== undefined) return { before: [], after: [], definitions: [], refused }
  return {
    before: figuresOf(metric, before, besideOthers),
    after: figuresOf(metric, after, besideOthers),
    definitions: definitionsOf(metric, both, besideOthers),
  }
}

function byLevel(
  pairs: readonly MetricPair[],
  metrics: readonly ComparedMetric[],
): ComparedLevel[] {
  const levels = new Map<string, ComparedLevel>()
  for (const [i, { side, label }] of pairs.entries()) {
    const key = JSON.stringify([side, label])
    const metric = metrics[i]
    if (metric === undefined) continue
    levels.set(key, { side, label, metrics: [...(levels.get(key)?.metrics ?? []), metric] })
  }
  return [...levels.values()]
}

/** @param tests that the adjustment is over: how much surer the least p must be */
function comparedMetric(
  pair: MetricPair,
  compared: MetricComparison | undefined,
  tests: number,
): ComparedMetric {
  const { metric, before, after, definitions } = pair
  const { label, better } = headlineMetric(metric)
  return {
    metric,
    label,
    better,
    runs: [before.length, after.length],
    before: geometricMean(before),
    after: geometricMean(after),
    ratio: compared?.ratio,
    low: compared?.low,
    high: finite(compared?.high),
    pValue: compared?.pValue,
    adjustedPValue: compared?.adjustedPValue,
    mannWhitneyP: exactP(before, after),
    smallestRatio: smallestRatio(before, after, tests),
    word: wordOf(pair, compared),
    why: whyNot(pair, compared),
    definitions: definitions.length === 0 ? undefined : definitions,
  }
}

function wordOf(pair: MetricPair, compared: MetricComparison | undefined): ComparisonWord {
  const { better } = headlineMetric(pair.metric)
  switch (compared?.verdict) {
    case 'higher':
      return better === 'higher' ? 'better' : 'worse'
    case 'lower':
      return better === 'lower' ? 'better' : 'worse'
    case 'same':
    case 'unclear':
      return 'no-detectable-difference'
    case 'too-few-runs':
    case undefined:
      return isConstant(pair) && compared?.ratio === 1
        ? 'no-detectable-difference'
        : 'not-enough-runs'
  }
}

/** An interval may reach beyond what numbers can hold; its end is then not known. */
export function finite(value: Maybe): Maybe {
  return value !== undefined && Number.isFinite(value) ? value : undefined
}

/** The same figure in every run of a side, of which there are two at least: no spread, and so no test. */
function isConstant({ before, after }: Pick<MetricPair, 'before' | 'after'>): boolean {
  return [before, after].every((side) => side.length > 1 && new Set(side).size === 1)
}

function whyNot(pair: MetricPair, compared: MetricComparison | undefined): string | undefined {
  const { before, after, refused } = pair
  if (refused !== undefined) return refused
  if (compared?.low !== undefined) return undefined
  if (before.length === 0) return 'the first side does not have it: not measured or withheld'
  if (after.length === 0) return 'this side does not have it: not measured or withheld'
  if (compared?.ratio === undefined) return 'a figure is not above 0, so there is no ratio'
  if (before.length < 2 || after.length < 2)
    return 'one run has no spread: an interval needs 2 runs a side that have it'
  return 'every run has the very same figure: without spread there is no interval'
}

/** Where the runs suffice for it to be at most `ALPHA`: from 4 against 4. */
function exactP(before: readonly number[], after: readonly number[]): Maybe {
  if (before.length === 0 || after.length === 0) return undefined
  if (leastP(before.length, after.length) > ALPHA) return undefined
  return mannWhitney(before, after).pTwoSided
}

/**
 * Of a difference that is alone: Holm asks alpha / tests of the least p. Sides of different size count as their
 * harmonic mean, which errs to the larger ratio. Never under what matters.
 */
export function smallestRatio(
  before: readonly number[],
  after: readonly number[],
  tests: number,
): Maybe {
  const deviation = pooledLogDeviation(before, after)
  if (deviation === undefined || tests === 0) return undefined
  const runs = 2 / (1 / before.length + 1 / after.length)
  const seen = smallestDetectableRatio(runs, deviation, { alpha: ALPHA / tests, power: POWER })
  return Number.isFinite(seen) ? Math.max(seen, 1 + MINIMUM_EFFECT_RATIO) : undefined
}

/** Standard deviation of the logarithm from run to run, both sides together. */
function pooledLogDeviation(before: readonly number[], after: readonly number[]): Maybe {
  if ([...before, ...after].some((figure) => !(figure > 0))) return undefined
  if (isConstant({ before, after })) return undefined
  const [ofBefore, ofAfter] = [variance(before.map(Math.log)), variance(after.map(Math.log))]
  if (ofBefore === undefined || ofAfter === undefined) return undefined
  const [dfBefore, dfAfter] = [before.length - 1, after.length - 1]
  return Math.sqrt((dfBefore * ofBefore + dfAfter * ofAfter) / (dfBefore + dfAfter))
}
