import {
  type Compared,
  type ComparedImport,
  type ComparedPoint,
  type HeadlineMetricName,
  headlineMetric,
  type Named,
} from './compare-metrics.ts'
import { figureOf, type PointOfRun } from './compare-points.ts'

/** How a metric of some runs is not what this program always means by its name. */
export interface MetricDefinition {
  readonly runs: readonly string[]
  readonly text: string
}

/** How figures of one metric at one level were come by, where it is otherwise than usual: each way once, and whose it is. */
export function definitionsOf(
  metric: HeadlineMetricName,
  points: readonly PointOfRun<Named>[],
  besideOthers: boolean,
): MetricDefinition[] {
  const found = new Map<string, string[]>()
  for (const { run, point } of points) {
    if (figureOf(metric, { run, point }, besideOthers) === undefined) continue
    for (const text of waysOf(metric, run, point, besideOthers))
      found.set(text, [...(found.get(text) ?? []), run.name])
  }
  return [...found].map(([text, runs]) => ({ runs, text }))
}

function waysOf(
  metric: HeadlineMetricName,
  run: Compared,
  point: ComparedPoint,
  besideOthers: boolean,
): string[] {
  if (run.imported !== undefined) return theirWays(metric, run, point)
  const ours = besideOthers ? headlineMetric(metric).besideOthers?.ours(point) : undefined
  return ours === undefined ? [] : [ours]
}

function theirWays(
  metric: HeadlineMetricName,
  { imported }: ComparedImport,
  { level }: ComparedPoint,
): string[] {
  const { theirs } = headlineMetric(metric)
  const { clockStart, throughput } = imported
  const told = theirs && imported.points[level]?.metrics[theirs.metric]
  return [
    ...(clockStart === 'unknown'
      ? ['Its file does not say how the tool behind it defines it.']
      : []),
    ...(theirs === undefined && throughput !== undefined ? [throughput] : []),
    ...(told?.differs === undefined ? [] : [told.differs]),
    ...(told !== undefined && told.fromRecords === undefined ? [percentileText(told.n)] : []),
  ]
}

/** Without a number of samples nothing says whether they are enough for it. */
function percentileText(n: number | undefined): string {
  const known = "The tool's own percentile, not by nearest rank"
  return n === undefined ? `${known}, of an unknown number of samples.` : `${known}.`
}
