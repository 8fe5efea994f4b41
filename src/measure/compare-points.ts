import type { Maybe } from '../arithmetic.ts'
import { hasImport } from './compare-levels.ts'
import {
  type Compared,
  type ComparedRun,
  type HeadlineMetricName,
  headlineMetric,
} from './compare-metrics.ts'
import { answerLevel } from './search/search.ts'

/** A run at one of its levels. */
export interface PointOfRun<Run extends Compared = ComparedRun> {
  readonly run: Run
  readonly point: Run['summary']['points'][number]
}

/** Runs that have a level of that name. */
export function pointsAt<Run extends Compared>(
  runs: readonly Run[],
  label: string,
): PointOfRun<Run>[] {
  return runs.flatMap((run) => {
    const points: readonly PointOfRun<Run>['point'][] = run.summary.points
    const same = points.filter((each) => each.label === label)
    // Of several looks at one load, the one that the search itself goes by.
    const answer = run.imported === undefined ? answerLevel(run.summary.search) : undefined
    const point = same.find(({ level }) => level === answer) ?? same[0]
    return point === undefined ? [] : [{ run, point }]
  })
}

/** Whether figures are taken as other tools have them. */
export function areBesideOthers(points: readonly PointOfRun<Compared>[]): boolean {
  return hasImport(points.map(({ run }) => run))
}

/** @param besideOthers as other tools have it, for it is held against theirs */
export function figureOf(
  metric: HeadlineMetricName,
  { run, point }: PointOfRun<Compared>,
  besideOthers: boolean,
): Maybe {
  const { of, besideOthers: near } = headlineMetric(metric)
  return (besideOthers && near !== undefined ? near.of : of)(point, run)
}

/** Figures of the runs that have the metric. */
export function figuresOf(
  metric: HeadlineMetricName,
  points: readonly PointOfRun<Compared>[],
  besideOthers: boolean,
): number[] {
  return points
    .map((each) => figureOf(metric, each, besideOthers))
    .filter((figure) => figure !== undefined)
}

/** Why figures of one metric measure different things; nothing where they do not. */
export function sourcesDiffer(
  metric: HeadlineMetricName,
  points: readonly PointOfRun<Compared>[],
): string | undefined {
  const { source } = headlineMetric(metric)
  if (source === undefined) return undefined
  const sources = new Set(points.map(({ point, run }) => source(point, run)).filter(Boolean))
  return sources.size > 1
    ? `measured by different things: ${[...sources].join(' against ')}`
    : undefined
}
