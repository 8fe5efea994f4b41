import { mean } from '../arithmetic.ts'
import {
  ALPHA,
  type ComparedFacts,
  factsOf,
  MINIMUM_EFFECT_RATIO,
  nameRuns,
  POWER,
} from './compare.ts'
import { definitionsOf, type MetricDefinition } from './compare-definitions.ts'
import { withSharedLevels } from './compare-levels.ts'
import {
  type Compared,
  type HeadlineMetricName,
  headlineMetric,
  headlineMetricNames,
  type Named,
} from './compare-metrics.ts'
import { type ComparisonNote, comparisonNotes } from './compare-notes.ts'
import { areBesideOthers, figuresOf, pointsAt, sourcesDiffer } from './compare-points.ts'
import {
  type Difference,
  differencesOf,
  type MachineChange,
  machineChanges,
} from './compare-set-up.ts'
import { variance } from './statistics/moments.ts'
import { smallestDetectableRatio } from './statistics/power.ts'

/** Runs a side that the floor is told for. */
const RUNS_A_SIDE = [3, 5, 10] as const

/** What one metric does from run to run at one load level. */
interface NoiseOfMetric {
  readonly metric: HeadlineMetricName
  readonly label: string
  /** Runs that have it. */
  readonly runs: number
  /** Geometric mean. */
  readonly mean?: number
  readonly min?: number
  readonly max?: number
  /** Standard deviation of the logarithm: for small spreads that over the mean. */
  readonly spreadRatio?: number
  /** Smallest ratio that a comparison of so many runs a side would find 4 times in 5. */
  readonly floors: readonly { readonly runsPerSide: number; readonly smallestRatio: number }[]
  /** Why nothing is told. */
  readonly why?: string
  /** Where runs have it by another definition than ours, or ours is what is nearest to that; absent where none has. */
  readonly definitions?: readonly MetricDefinition[]
}

export interface NoiseOfLevel {
  readonly label: string
  readonly metrics: readonly NoiseOfMetric[]
}

/** A thing held against itself: what a site's runs differ by when nothing differs. */
export interface NoiseFloor {
  readonly schemaVersion: 1
  readonly kind: 'baremark-noise-floor'
  /** The runs are not of one thing, and were taken together all the same. */
  readonly forced: boolean
  readonly runs: readonly ComparedFacts[]
  readonly differences: readonly Difference[]
  readonly machineChanges: readonly MachineChange[]
  readonly notes: readonly ComparisonNote[]
  readonly alpha: number
  readonly power: number
  /** Of a comparison of all that is told here: the floors are after adjustment for so many. */
  readonly tests: number
  readonly levels: readonly NoiseOfLevel[]
}

/**
 * The noise floor of runs of one thing. Their spread is all there is: none of them is taken for right.
 *
 * @throws UserError for another tool's result that holds several of one load
 */
export function noiseFloor(given: readonly Compared[]): NoiseFloor {
  const [runs = []] = nameRuns(withSharedLevels([given]))
  const labels = [...new Set(runs.flatMap(({ summary }) => summary.points.map((p) => p.label)))]
  const differences = differencesOf(runs)
  const rows = labels.flatMap((label) => metricsAt(runs, label))
  const tests = rows.filter(({ figures }) => logDeviation(figures) !== undefined).length
  return {
    schemaVersion: 1,
    kind: 'baremark-noise-floor',
    forced: differences.some(({ comparable }) => !comparable),
    runs: runs.map(factsOf),
    differences,
    machineChanges: machineChanges(runs),
    notes: comparisonNotes([runs], differences),
    alpha: ALPHA,
    power: POWER,
    tests,
    levels: labels.map((label) => ({
      label,
      metrics: rows.filter((row) => row.level === label).map((row) => noiseOf(row, tests)),
    })),
  }
}

interface MetricRow {
  readonly level: string
  readonly metric: HeadlineMetricName
  readonly figures: readonly number[]
  readonly refused?: string
  readonly definitions?: readonly MetricDefinition[]
}

function metricsAt(runs: readonly Named[], level: string): MetricRow[] {
  const points = pointsAt(runs, level)
  const besideOthers = areBesideOthers(points)
  return headlineMetricNames.flatMap((metric): MetricRow[] => {
    const refused = sourcesDiffer(metric, points)
    if (refused !== undefined) return [{ level, metric, figures: [], refused }]
    const figures = figuresOf(metric, points, besideOthers)
    const found = definitionsOf(metric, points, besideOthers)
    const definitions = found.length === 0 ? undefined : found
    return figures.length === 0 ? [] : [{ level, metric, figures, definitions }]
  })
}

function noiseOf(row: MetricRow, tests: number): NoiseOfMetric {
  const { metric, figures, refused, definitions } = row
  const { label } = headlineMetric(metric)
  const known = { metric, label, runs: figures.length, definitions }
  if (refused !== undefined) return { ...known, floors: [], why: refused }
  const deviation = logDeviation(figures)
  const logMean = mean(figures.map(Math.log))
  return {
    ...known,
    mean: deviation === undefined || logMean === undefined ? undefined : Math.exp(logMean),
    min: Math.min(...figures),
    max: Math.max(...figures),
    spreadRatio: deviation,
    floors: deviation === undefined ? [] : floorsAt(deviation, tests),
    why: deviation === undefined ? 'fewer than 2 runs have it above 0' : undefined,
  }
}

function logDeviation(figures: readonly number[]): number | undefined {
  if (figures.some((figure) => !(figure > 0))) return undefined
  // Rounding would leave a trace of spread where there is none.
  if (figures.length > 1 && new Set(figures).size === 1) return 0
  const spread = variance(figures.map(Math.log))
  return spread === undefined ? undefined : Math.sqrt(spread)
}

function floorsAt(deviation: number, tests: number): NoiseOfMetric['floors'] {
  return RUNS_A_SIDE.map((runsPerSide) => {
    const seen = smallestDetectableRatio(runsPerSide, deviation, {
      alpha: ALPHA / tests,
      power: POWER,
    })
    return { runsPerSide, smallestRatio: Math.max(seen, 1 + MINIMUM_EFFECT_RATIO) }
  }).filter(({ smallestRatio }) => Number.isFinite(smallestRatio))
}
