import type { RunGroup, RunGroupMember } from '../load/run-group.ts'
import type { RunLog } from '../load/run-log.ts'
import { type RunFacts, runFacts } from './compare.ts'
import { type ComparedRun, headlineMetricNames } from './compare-metrics.ts'
import { comparisonNotes } from './compare-notes.ts'
import {
  type Difference,
  differencesOf,
  type MachineChange,
  machineChanges,
  type NamedRun,
} from './compare-set-up.ts'
import { MIN_RUNS } from './gate-load.ts'
import { type Look, looksAt } from './group-looks.ts'
import {
  GROUP_CONFIDENCE,
  type GroupMetric,
  groupMetric,
  type IntervalPlan,
  intervalPlan,
  NOT_MEASURED,
  type RunScatter,
  runScatter,
} from './group-metrics.ts'
import { coverageOfRange } from './run-interval.ts'
import { smallestNForInterval } from './statistics/order-statistics.ts'
import type { Verdict } from './summary.ts'
import { judgeInGroup } from './verdict.ts'

/** A run of a group as it was found: what it came to, or why there is nothing of it. */
export type FoundRun = RunGroupMember &
  ({ readonly run: ComparedRun } | { readonly run?: never; readonly why: string })

/** A run as a group tells of it. */
export interface GroupRun extends RunGroupMember {
  /** `R1`, `R2` ... in the order in which they were made. */
  readonly name: string
  /** `absent`: nothing of it can be computed. */
  readonly state: RunLog['state'] | 'absent'
  readonly facts?: RunFacts
  /** Why it is absent. */
  readonly why?: string
}

/** The worst of the runs; `PARTIAL` where fewer are complete than were to be made. */
export type GroupVerdict = Verdict | 'PARTIAL'

export interface GroupLevel {
  readonly label: string
  /** In the order of every table; one that no run has is left out. */
  readonly metrics: readonly GroupMetric[]
  readonly scatter?: RunScatter
}

/** A doubt about a group. `text` says what, and what to do. */
interface GroupNote {
  readonly kind: 'one-run' | 'few-runs' | 'mixed-runs' | 'stopped-by-width'
  readonly text: string
}

/** What several runs of one thing came to: figures of runs, and how far another run may be from them. */
export interface GroupSummary {
  readonly verdict: GroupVerdict
  /** Why it is not VALID; empty when it is. */
  readonly reasons: readonly string[]
  readonly runs: readonly GroupRun[]
  /** Runs that went to their end. */
  readonly completeRuns: number
  /** Runs that had to; with looks, as many as it took, or the most. */
  readonly wantedRuns: number
  /** In what runs that went to their end measured different things; empty for runs of one thing. */
  readonly mixed: readonly string[]
  /** Why it is not fit to publish; empty when it is. */
  readonly unfit: readonly string[]
  /** Of each interval; one of order statistics tells its own. */
  readonly confidence: number
  /** Absent where the number of runs was fixed. */
  readonly looks?: readonly Look[]
  readonly differences: readonly Difference[]
  readonly machineChanges: readonly MachineChange[]
  readonly notes: readonly GroupNote[]
  readonly levels: readonly GroupLevel[]
}

/** Everything a group came to, from its log and what its runs came to alone. */
export function summarizeGroup(group: RunGroup, found: readonly FoundRun[]): GroupSummary {
  const { until } = group.plan
  const inPlace = found.map(({ run }, i) => run && { ...run, name: nameOf(i) })
  const named = inPlace.filter((run) => run !== undefined)
  const plan = intervalPlan(group.plan)
  const labels = [...new Set(named.flatMap(({ summary }) => summary.points.map((p) => p.label)))]
  const looks = until && looksAt(inPlace, labels, until, plan)
  const reached = looks?.find((look) => look.reached)
  const wantedRuns = reached?.afterRuns ?? group.plan.runs
  const completeRuns = named.filter(({ run }) => run.state === 'complete').length
  const runs = found.map((each, i) => groupRun(each, i, completeRuns))
  const differences = differencesOf(named)
  const whole = named.filter(({ run }) => run.state === 'complete')
  // A run that was cut short may lack what the others have.
  const apart = differencesOf(whole).filter(({ comparable }) => !comparable)
  const mixed = apart.map(({ label }) => label)
  const mixture = mixedNotes(named, differences)
  const levels = labels.map((label) => levelOf(named, label, plan))
  const { verdict, reasons } = judged(group, runs, { completeRuns, wantedRuns, mixed })
  return {
    verdict,
    reasons,
    mixed,
    unfit: unfitReasons(verdict, whole, mixture.length > 0),
    runs,
    completeRuns,
    wantedRuns,
    confidence: plan.confidence,
    looks,
    differences,
    machineChanges: machineChanges(named),
    notes: [
      ...countNotes(mostFigures(levels), plan),
      ...(until === undefined ? [] : [stoppedByWidth]),
      ...mixture,
    ],
    levels,
  }
}

function nameOf(index: number): string {
  return `R${index + 1}`
}

/** Judged as one of a group: by itself a run to publish lacks the others. */
function groupRun(
  { directory, seed, run, ...rest }: FoundRun,
  index: number,
  completeRuns: number,
): GroupRun {
  const known = { name: nameOf(index), directory, seed }
  if (run === undefined)
    return { ...known, state: 'absent', why: 'why' in rest ? rest.why : undefined }
  const { state } = run.run
  const summary = { ...run.summary, ...judgeInGroup(run.summary, state, completeRuns) }
  return { ...known, state, facts: runFacts({ ...run, summary, name: known.name }) }
}

function unfitReasons(
  verdict: GroupVerdict,
  whole: readonly NamedRun[],
  isMixture: boolean,
): string[] {
  const explored = whole.filter(({ summary }) => summary.purpose !== 'publish')
  return [
    ...(verdict === 'VALID' ? [] : [`it is ${verdict}`]),
    ...(whole.length < MIN_RUNS ? [`it takes ${MIN_RUNS} runs that went to their end`] : []),
    ...(isMixture ? ['its runs differ in more than their seed'] : []),
    ...(explored.length > 0
      ? ['it was run to explore (--for publish is judged by stricter limits)']
      : []),
  ]
}

/** Worst first. */
const verdicts = ['INVALID', 'PARTIAL', 'DEGRADED', 'VALID'] as const

function judged(
  { stopped }: RunGroup,
  runs: readonly GroupRun[],
  made: Pick<GroupSummary, 'completeRuns' | 'wantedRuns' | 'mixed'>,
): Pick<GroupSummary, 'verdict' | 'reasons'> {
  const { completeRuns: complete, wantedRuns: wanted, mixed } = made
  const of = (verdict: Verdict): string[] =>
    runs.filter(({ facts }) => facts?.verdict === verdict).map(({ name }) => name)
  const [invalid, degraded] = [of('INVALID'), of('DEGRADED')]
  const isPartial = complete < wanted
  const found = new Set<GroupVerdict>([
    ...(invalid.length + mixed.length > 0 ? (['INVALID'] as const) : []),
    ...(isPartial ? (['PARTIAL'] as const) : []),
    ...(degraded.length > 0 ? (['DEGRADED'] as const) : []),
  ])
  const which = (names: readonly string[]): string =>
    `${names.length === 1 ? 'run' : 'runs'} ${names.join(', ')}`
  return {
    verdict: verdicts.find((verdict) => found.has(verdict)) ?? 'VALID',
    reasons: [
      ...(invalid.length > 0 ? [`${which(invalid)} INVALID`] : []),
      ...(mixed.length > 0 ? [`runs measured different things: ${mixed.join('; ')}`] : []),
      ...(isPartial
        ? [`${complete} of ${wanted} runs went to their end${stopped ? `: ${stopped}` : ''}`]
        : []),
      ...(degraded.length > 0 ? [`${which(degraded)} DEGRADED`] : []),
    ],
  }
}

/** From so many runs on the interval assumes nothing of how runs scatter. */
const FEWEST_EXACT = smallestNForInterval(50, GROUP_CONFIDENCE)

function countNotes(runs: number, { method }: IntervalPlan): GroupNote[] {
  if (runs < 2) {
    const text =
      'One run has no spread: nothing tells how far another would be from it. Make at least 3.'
    return [{ kind: 'one-run', text }]
  }
  if (method === undefined && runs >= FEWEST_EXACT) return []
  const percent = Number((100 * coverageOfRange(runs)).toFixed(1))
  const more =
    method === undefined ? ` From ${FEWEST_EXACT} runs on the interval assumes nothing.` : ''
  const text = `That the intervals hold as often as they say rests on runs that scatter evenly to both sides, as ratios do; ${runs} runs cannot show that. Without it, the median of ever so many runs lies between the least and the most of these in ${percent} % of cases.${more}`
  return [{ kind: 'few-runs', text }]
}

const stoppedByWidth: GroupNote = {
  kind: 'stopped-by-width',
  text: 'How many runs there are depended on their figures. The intervals here allow for that; those of a comparison with other runs do not. For a comparison fix the number of runs beforehand.',
}

/** Runs that a figure rests on, at best. */
function mostFigures(levels: readonly GroupLevel[]): number {
  return Math.max(
    0,
    ...levels.flatMap(({ metrics }) => metrics.map(({ figures }) => figures.length)),
  )
}

/** Runs that differ in more than their seed. */
function mixedNotes(runs: readonly NamedRun[], differences: readonly Difference[]): GroupNote[] {
  return comparisonNotes([runs], differences)
    .filter(({ kind }) => kind === 'mixed-side')
    .map(({ text }) => ({ kind: 'mixed-runs', text }))
}

function levelOf(runs: readonly NamedRun[], label: string, plan: IntervalPlan): GroupLevel {
  const metrics = headlineMetricNames
    .map((metric) => groupMetric(metric, runs, label, plan))
    .filter(({ why }) => why !== NOT_MEASURED)
  return { label, metrics, scatter: runScatter(runs, label) }
}
