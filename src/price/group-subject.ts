import { type Maybe, smallest } from '../arithmetic.ts'
import { UserError } from '../errors.ts'
import type { RunGroup } from '../load/run-group.ts'
import { askedTokens } from '../load/workloads/sizes.ts'
import { pointsAt, sourcesDiffer } from '../measure/compare-points.ts'
import type { NamedRun } from '../measure/compare-set-up.ts'
import { hasSlo } from '../measure/goodput.ts'
import { GROUP_CONFIDENCE, type GroupMetric } from '../measure/group-metrics.ts'
import type { FoundRun, GroupLevel, GroupSummary } from '../measure/group-summary.ts'
import { median } from '../measure/statistics/moments.ts'
import {
  type BetweenRuns,
  dayOf,
  gpuNames,
  type PointFigure,
  type PowerSeen,
  type PricedPoint,
  pointOfRun,
  type Subject,
  unrealOf,
  withShapesOf,
} from './subject.ts'

/** A load as one run of a group measured it to its end. */
interface PointOfOne {
  readonly run: NamedRun
  readonly point: PricedPoint
}

/**
 * Several runs of one thing, as their medians. A level can be priced where every run that went to its end measured it to its end, and it
 * meets its SLO where it does in each of them. What a run does not tell is unknown: those that do are not all that happened.
 *
 * @param found the runs that `summary` was made from, in the same order
 * @throws UserError where no run tells any figures
 */
export function subjectOfGroup(
  group: RunGroup,
  found: readonly FoundRun[],
  summary: GroupSummary,
): Subject {
  const runs = found.flatMap(({ run }, i) => {
    const name = summary.runs[i]?.name ?? ''
    return run === undefined ? [] : [{ ...run, name }]
  })
  const [first] = runs
  if (first === undefined)
    throw new UserError(`No run of the group ${group.groupId} tells any figures.`, {
      remedy: 'Make the runs again.',
    })
  const { benchmark } = first.run.config
  return withShapesOf({
    kind: 'group',
    what: `group ${group.groupId}`,
    date: dayOf((runs.at(-1) ?? first).run),
    verdict: summary.verdict,
    hasSlo: hasSlo(benchmark.slo),
    slo: benchmark.slo,
    points: summary.levels.map((level, index) => pointOfGroup(index, level, runs, summary)),
    promptTokens: askedTokens(benchmark.workload).inputTokens,
    machine: machineOf(runs),
    unreal: runs.map(({ run }) => unrealOf(run)).find((why) => why !== undefined),
  })
}

/** Where all runs were on this machine, with the same GPUs at work. */
function machineOf(runs: readonly NamedRun[]): Subject['machine'] {
  const gpus = new Set(runs.map(({ run }) => gpuNames(run.hardware).join()))
  const isHere = runs.every(({ run }) => run.target.loopback)
  return isHere && gpus.size === 1 ? runs[0]?.run.hardware : undefined
}

function pointOfGroup(
  level: number,
  { label, metrics }: GroupLevel,
  runs: readonly NamedRun[],
  summary: GroupSummary,
): PricedPoint {
  const raw = pointsAt(runs, label).filter(({ point }) => point.ended === 'complete')
  const points = runs.flatMap((run) => {
    const at = raw.find((each) => each.run === run)
    return at === undefined ? [] : [{ run, point: pointOfRun(at.point) }]
  })
  const lacking = runsThatCount(runs).filter((run) => !points.some((each) => each.run === run))
  const medians = mediansOf(points, lacking)
  const { outputTokensPerS } = medians
  const isKnown = outputTokensPerS.value !== undefined
  const oneMeter = sourcesDiffer('grossJPerOutputToken', raw) === undefined
  return {
    level,
    label,
    ...each(medians, ({ value }) => value),
    betweenRuns: isKnown ? betweenRuns(metrics, summary) : undefined,
    how: {
      ...each(medians, ({ how }) => how),
      outputTokensPerS: throughputHow(outputTokensPerS, metrics),
      inputPerOutputToken: 'ratio of the medians',
      outputTokensPerRequest: 'ratio of the medians',
    },
    meetsSlo: lacking.length > 0 ? undefined : meetsInEach(points),
    goodRatio: leastGoodRatio(points),
    power: oneMeter && lacking.length === 0 ? powerOf(points) : [],
  }
}

/** Those that went to their end: the others may lack levels. Where none did, all that there are. */
function runsThatCount(runs: readonly NamedRun[]): readonly NamedRun[] {
  const whole = runs.filter(({ run }) => run.state === 'complete')
  return whole.length > 0 ? whole : runs
}

const medianFigures = [
  'outputTokensPerS',
  'inputTokensPerS',
  'requestsPerS',
  'cachedInputRatio',
  'tokensPerSPerUser',
  'ttftP95Ms',
  'tpotP95Ms',
  'prefillSPerRequest',
  'decodeSPerRequest',
] as const satisfies readonly PointFigure[]

type MedianFigure = (typeof medianFigures)[number]
interface Median {
  readonly value: Maybe
  /** Which figures it is the median of, or why there is none. */
  readonly how: string
}

type Medians = Readonly<Record<MedianFigure, Median>>

function mediansOf(points: readonly PointOfOne[], lacking: readonly NamedRun[]): Medians {
  return Object.fromEntries(
    medianFigures.map((key) => [key, medianOf(points, lacking, ({ point }) => point[key])]),
  ) as unknown as Medians
}

/** One thing of each median, under the same names. */
function each<T>(medians: Medians, of: (median: Median) => T): Record<MedianFigure, T> {
  return Object.fromEntries(medianFigures.map((key) => [key, of(medians[key])])) as Record<
    MedianFigure,
    T
  >
}

function medianOf(
  points: readonly PointOfOne[],
  lacking: readonly NamedRun[],
  of: (each: PointOfOne) => Maybe,
): Median {
  const told = points.map((each) => ({ run: each.run, value: of(each) }))
  const unknown = [...lacking, ...told.filter(({ value }) => value === undefined).map(runOf)]
  if (unknown.length > 0)
    return { value: undefined, how: `not known of ${unknown.map(({ name }) => name).join(', ')}` }
  const values = told.flatMap(({ value }) => value ?? [])
  return { value: median(values), how: medianHow(told) }
}

function runOf({ run }: { readonly run: NamedRun }): NamedRun {
  return run
}

function medianHow(told: readonly { readonly run: NamedRun; readonly value: Maybe }[]): string {
  const each = told.map(({ run, value }) => `${shortly(value)} (${run.path})`)
  return `median of ${told.length} ${told.length === 1 ? 'run' : 'runs'}: ${each.join(', ')}`
}

const DIGITS = 6

function shortly(value: Maybe): string {
  return value === undefined ? 'n/a' : String(Number(value.toPrecision(DIGITS)))
}

function throughputOf(metrics: readonly GroupMetric[]): GroupMetric | undefined {
  return metrics.find(({ metric }) => metric === 'outputTokensPerS')
}

/** With looks, the interval of one is surer than that of whichever look ended the group: what holds is said of all of them together. */
function betweenRuns(
  metrics: readonly GroupMetric[],
  { looks }: GroupSummary,
): BetweenRuns | undefined {
  const interval = throughputOf(metrics)?.interval
  if (interval === undefined) return undefined
  const { low, high } = interval
  const confidenceRatio = looks === undefined ? interval.confidence : GROUP_CONFIDENCE
  const percent = Number((confidenceRatio * 100).toFixed(1))
  const whichever = looks === undefined ? '' : ', whichever look ended the group'
  return {
    low,
    high,
    confidenceRatio,
    how: `${percent} % interval between runs: ${shortly(low)} to ${shortly(high)}${whichever}`,
  }
}

function throughputHow({ value, how }: Median, metrics: readonly GroupMetric[]): string {
  const { interval, why } = throughputOf(metrics) ?? {}
  if (value === undefined || interval !== undefined) return how
  return `${how}; no interval between runs${why === undefined ? '' : `: ${why}`}`
}

function meetsInEach(points: readonly PointOfOne[]): boolean | undefined {
  const told = points.map(({ point }) => point.meetsSlo)
  if (told.includes(false)) return false
  return told.includes(undefined) ? undefined : true
}

function leastGoodRatio(points: readonly PointOfOne[]): Maybe {
  const told = points.map(({ point }) => point.goodRatio)
  return told.includes(undefined) ? undefined : smallest(told)
}

/** Scopes that every run measured. */
function powerOf(points: readonly PointOfOne[]): PowerSeen[] {
  const scopes = points[0]?.point.power.map(({ scope }) => scope) ?? []
  return scopes.flatMap((scope) => {
    const of = (each: PointOfOne) => each.point.power.find((seen) => seen.scope === scope)
    const load = medianOf(points, [], (each) => of(each)?.loadPowerW)
    const idle = medianOf(points, [], (each) => of(each)?.idlePowerW)
    return load.value === undefined
      ? []
      : [
          {
            scope,
            loadPowerW: load.value,
            idlePowerW: idle.value,
            loadHow: load.how,
            idleHow: idle.how,
          },
        ]
  })
}
