import { mean } from '../arithmetic.ts'
import {
  ALPHA,
  figuresOf,
  MINIMUM_EFFECT_RATIO,
  nameRuns,
  POWER,
  pointsAt,
  type RunFacts,
  runFacts,
  sourcesDiffer,
} from './compare.ts'
import {
  type ComparedRun,
  type HeadlineMetricName,
  headlineMetric,
  headlineMetricNames,
} from './compare-metrics.ts'
import { type ComparisonNote, comparisonNotes } from './compare-notes.ts'
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
  readonly runs: readonly RunFacts[]
  readonly differences: readonly Difference[]
  readonly machineChanges: readonly MachineChange[]
  readonly notes: readonly ComparisonNote[]
  readonly alpha: number
  readonly power: number
  /** Of a comparison of all that is told here: the floors are after adjustment for so many. */
  readonly tests: number
  readonly levels: readonly NoiseOfLevel[]
}

/** The noise floor of runs of one thing. Their spread is all there is: none of them is taken for right. */
export function noiseFloor(given: readonly ComparedRun[]): NoiseFloor {
  const [runs = []] = nameRuns([given])
  const labels = [...new Set(given.flatMap(({ summary }) => summary.points.map((p) => p.label)))]
  const differences = differencesOf(runs)
  const rows = labels.flatMap((label) => metricsAt(runs, label))
  const tests = rows.filter(({ figures }) => logDeviation(figures) !== undefined).length
  return {
    schemaVersion: 1,
    kind: 'baremark-noise-floor',
    forced: differences.some(({ comparable }) => !comparable),
    runs: runs.map(runFacts),
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
}

function metricsAt(runs: readonly ComparedRun[], level: string): MetricRow[] {
  const points = pointsAt(runs, level)
  return headlineMetricNames.flatMap((metric) => {
    const refused = sourcesDiffer(metric, points)
    const figures = refused === undefined ? figuresOf(metric, points) : []
    return refused === undefined && figures.length === 0
      ? []
      : [{ level, metric, figures, refused }]
  })
}

function noiseOf({ metric, figures, refused }: MetricRow, tests: number): NoiseOfMetric {
  const { label } = headlineMetric(metric)
  const known = { metric, label, runs: figures.length }
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
