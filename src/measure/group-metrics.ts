import { largest, type Maybe, mean, smallest } from '../arithmetic.ts'
import type { RunGroupPlan } from '../load/run-group.ts'
import { type HeadlineMetricName, headlineMetric } from './compare-metrics.ts'
import { type PointOfRun, pointsAt, sourcesDiffer } from './compare-points.ts'
import type { NamedRun } from './compare-set-up.ts'
import { MEAN_INTERVAL_DEGREES, standardError } from './intervals.ts'
import { type RunInterval, type RunIntervalMethod, runInterval } from './run-interval.ts'
import { fTail } from './statistics/f-law.ts'
import { confidenceOfLook } from './statistics/looks.ts'
import { median, variance } from './statistics/moments.ts'

/** Of every interval over runs; with several looks, of all of them together. */
export const GROUP_CONFIDENCE = 0.95

/** How the intervals of a group are made. */
export interface IntervalPlan {
  readonly confidence: number
  /** By the number of runs when absent. */
  readonly method?: RunIntervalMethod
}

/** By what the group planned, before there were any figures to choose by. */
export function intervalPlan({ until }: RunGroupPlan): IntervalPlan {
  if (until === undefined) return { confidence: GROUP_CONFIDENCE }
  // The exact interval of few runs is their whole range, which more runs only widen: no rule to stop by.
  return {
    confidence: confidenceOfLook(GROUP_CONFIDENCE, until.looksAfter.length),
    method: 'log-t',
  }
}

/** One metric at one load level over the runs of a group. */
export interface GroupMetric {
  readonly metric: HeadlineMetricName
  readonly label: string
  readonly better: 'higher' | 'lower'
  /** By the names of the runs that have it. */
  readonly figures: readonly { readonly run: string; readonly value: number }[]
  readonly median?: number
  readonly min?: number
  readonly max?: number
  /** Where the median of ever so many runs lies. */
  readonly interval?: RunInterval
  /** How far its further end is from the median, as a share of that. */
  readonly withinRatio?: number
  /** Standard deviation of the logarithm from run to run: for small spreads that over the mean. */
  readonly spreadRatio?: number
  /** Why there is no interval, or no figure. */
  readonly why?: string
}

/** Runs at a level that ran to its end in them: what was cut short measured something else. */
function wholePointsAt(runs: readonly NamedRun[], label: string): PointOfRun[] {
  return pointsAt(runs, label).filter(({ point }) => point.ended === 'complete')
}

export function groupMetric(
  metric: HeadlineMetricName,
  runs: readonly NamedRun[],
  level: string,
  plan: IntervalPlan,
): GroupMetric {
  const { label, better } = headlineMetric(metric)
  const points = wholePointsAt(runs, level)
  const refused = sourcesDiffer(metric, points)
  const figures = refused === undefined ? figuresByRun(metric, runs, level) : []
  const values = figures.map(({ value }) => value)
  const middle = medianOfRuns(values, plan)
  return {
    metric,
    label,
    better,
    figures,
    ...middle,
    min: smallest(values),
    max: largest(values),
    spreadRatio: logDeviation(values),
    why: refused ?? whyNoInterval(values, middle.interval),
  }
}

/** The headline of figures of whole runs, and how far its interval reaches. */
export function medianOfRuns(
  values: readonly number[],
  { confidence, method }: IntervalPlan,
): Pick<GroupMetric, 'median' | 'interval' | 'withinRatio'> {
  const middle = median(values)
  const interval = runInterval(values, confidence, method)
  return { median: middle, interval, withinRatio: reach(middle, interval) }
}

function figuresByRun(
  metric: HeadlineMetricName,
  runs: readonly NamedRun[],
  level: string,
): GroupMetric['figures'] {
  const { of } = headlineMetric(metric)
  return runs.flatMap((run) =>
    wholePointsAt([run], level).flatMap(({ point }) => {
      const value = of(point, run)
      return value === undefined ? [] : [{ run: run.name, value }]
    }),
  )
}

function reach(middle: Maybe, interval: RunInterval | undefined): Maybe {
  if (middle === undefined || !(middle > 0) || interval === undefined) return undefined
  return Math.max(interval.high / middle - 1, 1 - interval.low / middle)
}

/** Of a metric that no run has. */
export const NOT_MEASURED = 'not measured in any run, or withheld'

function whyNoInterval(
  values: readonly number[],
  interval: RunInterval | undefined,
): string | undefined {
  if (interval !== undefined) return undefined
  if (values.length === 0) return NOT_MEASURED
  if (values.length === 1) return 'one run has no spread: an interval needs 2 that have it'
  if (new Set(values).size === 1)
    return 'every run has the very same figure: without spread there is no interval'
  return 'a figure is not above 0, so there is no interval of ratios'
}

/** Standard deviation of the logarithm; unknown under two values, and for one not above 0. */
function logDeviation(values: readonly number[]): Maybe {
  if (values.some((value) => !(value > 0))) return undefined
  const spread = variance(values.map(Math.log))
  return spread === undefined ? undefined : Math.sqrt(spread)
}

/** What single runs say of their own throughput, against how runs really differ. */
export interface RunScatter {
  /** Runs that have an interval of their own. */
  readonly runs: number
  /** Half of a run's own 95 % interval over its figure, the median of the runs. */
  readonly ownWithinRatio: number
  /** Standard deviation of the logarithm from run to run. */
  readonly spreadRatio: number
  /** That / what their own intervals lead to expect. */
  readonly timesExpected: number
  /** Chance of as much, were there nothing but what happens within a run: the F test. */
  readonly pValue: number
}

/**
 * Holds the spread between runs against the errors that the runs claim for themselves: F = variance between runs /
 * mean of the squared standard errors within (as a one-way analysis of variance does).
 *
 * @returns nothing under two runs with an interval of their own, or where they claim no error at all
 */
export function runScatter(runs: readonly NamedRun[], level: string): RunScatter | undefined {
  const known = wholePointsAt(runs, level).flatMap(({ point }) => {
    const { outputTokensPerS: value, outputTokensPerSInterval: interval } = point
    return value === undefined || !(value > 0) || interval === undefined
      ? []
      : [{ value, interval }]
  })
  const between = variance(known.map(({ value }) => Math.log(value)))
  const within = mean(known.map(({ value, interval }) => (standardError(interval) / value) ** 2))
  const own = median(known.map(({ value, interval: { low, high } }) => (high - low) / 2 / value))
  if (between === undefined || own === undefined || !within) return undefined
  const f = between / within
  return {
    runs: known.length,
    ownWithinRatio: own,
    spreadRatio: Math.sqrt(between),
    timesExpected: Math.sqrt(f),
    pValue: fTail(f, known.length - 1, MEAN_INTERVAL_DEGREES * known.length),
  }
}
