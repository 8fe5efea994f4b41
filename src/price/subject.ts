import type { Maybe } from '../arithmetic.ts'
import { computeGpus } from '../detect/compute-gpus.ts'
import { readingValue } from '../detect/reading.ts'
import type { TelemetryScope } from '../detect/telemetry/sample.ts'
import type { Slo } from '../load/benchmark.ts'
import type { RunLog } from '../load/run-log.ts'
import { askedTokens } from '../load/workloads/sizes.ts'
import { hasSlo } from '../measure/goodput.ts'
import type { GroupVerdict } from '../measure/group-summary.ts'
import type { Imported } from '../measure/imports/imported.ts'
import { type ImportedSummary, toSummary } from '../measure/imports/to-summary.ts'
import type { SearchSummary } from '../measure/search/search-summary.ts'
import type { Interval, OperatingPoint, Summary } from '../measure/summary.ts'
import { MS_PER_S } from '../units.ts'
import {
  type MeasuredLoad,
  type MeasuredShape,
  measuredShapes,
} from './allocation/measured-shapes.ts'
import { requirePositive } from './requirements.ts'
import { meetsSloLevel } from './slo.ts'

/** Mean power that a scope of devices drew in a window, and when nobody asked anything. */
export interface PowerSeen {
  readonly scope: TelemetryScope
  readonly loadPowerW: number
  readonly idlePowerW?: number
  /** How each came about, where it is worked from several readings. */
  readonly loadHow?: string
  readonly idleHow?: string
}

/** Where the throughput of another run like these lies, and how sure that is. */
export interface BetweenRuns {
  readonly low: number
  readonly high: number
  /** Chance that the median of ever so many runs lies between the two. */
  readonly confidenceRatio: number
  /** In words, for whoever asks where it comes from. */
  readonly how: string
}

/** Figures of a load as prices name them, with the two that are worked from others. */
export type PointFigure =
  | 'outputTokensPerS'
  | 'inputTokensPerS'
  | 'requestsPerS'
  | 'cachedInputRatio'
  | 'tokensPerSPerUser'
  | 'ttftP95Ms'
  | 'tpotP95Ms'
  | 'prefillSPerRequest'
  | 'decodeSPerRequest'
  | 'inputPerOutputToken'
  | 'outputTokensPerRequest'

/** One load as far as prices need it, whoever measured it. */
export interface PricedPoint {
  readonly level: number
  readonly label: string
  readonly outputTokensPerS: Maybe
  /** Of it, with 95 %, within one run. */
  readonly interval?: Interval
  /** Of several runs, in place of the interval within one. */
  readonly betweenRuns?: BetweenRuns
  /** How a figure came about, or why it is unknown, where it is worked from several runs. */
  readonly how?: Readonly<Partial<Record<PointFigure, string>>>
  readonly inputTokensPerS: Maybe
  readonly requestsPerS: Maybe
  readonly cachedInputRatio: Maybe
  /** Whether the level met the SLO; unknown where none was set or it was not judged. */
  readonly meetsSlo: boolean | undefined
  /** Share of its requests that met every limit of the SLO; of several runs, in the one in which it was least. */
  readonly goodRatio?: Maybe
  readonly tokensPerSPerUser: Maybe
  readonly ttftP95Ms: Maybe
  readonly tpotP95Ms: Maybe
  /** Time a request waits for its first token, and from there to its last one, means, s: prefill (with queueing) and decode. */
  readonly prefillSPerRequest: Maybe
  readonly decodeSPerRequest: Maybe
  readonly power: readonly PowerSeen[]
}

/** What is priced: a run, several runs of one thing, another tool's result or a stated throughput. */
export interface Subject {
  readonly kind: 'run' | 'group' | 'imported' | 'stated'
  /** e.g. `run 20261130-...`. */
  readonly what: string
  /** ISO date by which prices are fresh or stale; absent where nobody told it. */
  readonly date?: string
  readonly verdict: GroupVerdict | 'NOT JUDGED'
  /** Whether anything limits latency: without it a price is at peak throughput. */
  readonly hasSlo: boolean
  /** Its limits, where they are known. */
  readonly slo?: Slo
  /** What a search for the right load came to; absent where none was made. */
  readonly search?: SearchSummary
  readonly points: readonly PricedPoint[]
  /** Mean prompt that was asked for, where there is one. */
  readonly promptTokens: Maybe
  /** The machine that answered, where it was seen: none of it for a server elsewhere. */
  readonly machine?: RunLog['hardware']
  /** GPUs that the file of another tool, or the user, names. */
  readonly told?: { readonly name?: string; readonly gpus?: number }
  /** The model's weights and answers are not real ones. */
  readonly unreal?: string
  /** What loads of different shape took of the same machine: enough of them tell what a token of each kind takes. */
  readonly shapes?: readonly MeasuredShape[]
}

/**
 * With the shapes of other subjects' loads beside its own, that the token classes can be told apart by. They have to be of the same
 * machine, which nobody checks here.
 */
export function withShapesOf(subject: Subject, others: readonly Subject[] = []): Subject {
  return { ...subject, shapes: measuredShapes([subject, ...others].flatMap(loadsOf)) }
}

function loadsOf({ what, points }: Pick<Subject, 'what' | 'points'>): MeasuredLoad[] {
  return points.map((point) => ({ ...point, what: `${what}, ${point.label}` }))
}

/** A run of ours. */
export function subjectOfRun(
  run: RunLog,
  summary: Pick<Summary, 'points' | 'verdict' | 'search'>,
): Subject {
  const { benchmark } = run.config
  return withShapesOf({
    kind: 'run',
    what: `run ${run.runId}`,
    date: dayOf(run),
    verdict: summary.verdict,
    hasSlo: hasSlo(benchmark.slo) || summary.search?.question === 'slo',
    slo: benchmark.slo,
    search: summary.search,
    points: summary.points.map(pointOfRun),
    promptTokens: askedTokens(benchmark.workload).inputTokens,
    // What was detected is the client's machine: it says nothing of a server elsewhere.
    machine: run.target.loopback ? run.hardware : undefined,
    unreal: unrealOf(run),
  })
}

/** ISO date of a run's beginning. */
export function dayOf({ epoch }: Pick<RunLog, 'epoch'>): string {
  return epoch.slice(0, 'YYYY-MM-DD'.length)
}

/** In what the model of a run was none, in words; nothing for a real one. */
export function unrealOf({ target }: Pick<RunLog, 'target'>): string | undefined {
  if (target.simulated) return 'a simulator answered'
  return target.weights === 'random' ? 'the weights are random' : undefined
}

/** A measured load of a run, as prices need it. */
export function pointOfRun(point: OperatingPoint): PricedPoint {
  const ttftMs = point.ttftFromSentMs.mean
  const latencyMs = point.latencyMs.mean
  const waitMs = point.ttftMs.mean
  return {
    level: point.level,
    label: point.label,
    outputTokensPerS: point.outputTokensPerS,
    interval: point.outputTokensPerSInterval,
    inputTokensPerS: point.inputTokensPerS,
    requestsPerS: point.requestsPerS,
    cachedInputRatio: point.cachedInputRatio,
    meetsSlo: meetsSloLevel(point),
    goodRatio: point.goodput?.goodRatio,
    tokensPerSPerUser: point.tokensPerSPerUser,
    ttftP95Ms: point.ttftMs.p95.value,
    tpotP95Ms: point.tpotMs.p95.value,
    prefillSPerRequest: ttftMs === undefined ? undefined : ttftMs / MS_PER_S,
    decodeSPerRequest:
      latencyMs === undefined || waitMs === undefined ? undefined : (latencyMs - waitMs) / MS_PER_S,
    power: (point.machine?.scopes ?? []).flatMap(({ scope, status, meanPowerW, idlePowerW }) =>
      status === 'ok' && meanPowerW !== undefined
        ? [{ scope, loadPowerW: meanPowerW, idlePowerW }]
        : [],
    ),
  }
}

/** Another tool's result. Its power, where it tells any, is of the GPUs alone. */
export function subjectOfImport(imported: Imported): Subject {
  const summary = toSummary(imported)
  const [first] = imported.points
  return withShapesOf({
    kind: 'imported',
    what: `result of ${imported.tool.name}`,
    date: dateOf(first?.date),
    verdict: summary.verdict,
    hasSlo: false,
    points: summary.points.map((point, index) =>
      pointOfImport(point, imported.points[index]?.gpuPowerW),
    ),
    promptTokens: summary.points[0]?.inputTokens?.mean,
    told: { name: first?.gpu?.name, gpus: first?.gpu?.count },
  })
}

/** The day of a time as tools write it: `2026-03-01 10:15` or `20260301-101500`. */
function dateOf(time = ''): string | undefined {
  const [, year, month, day] = /^(\d{4})-?(\d{2})-?(\d{2})(?!\d)/.exec(time) ?? []
  return day === undefined ? undefined : `${year}-${month}-${day}`
}

function pointOfImport(point: ImportedSummary['points'][number], gpuPowerW: Maybe): PricedPoint {
  return {
    level: point.level,
    label: point.label,
    outputTokensPerS: point.outputTokensPerS,
    inputTokensPerS: point.inputTokensPerS,
    requestsPerS: point.requestsPerS,
    cachedInputRatio: point.cachedInputRatio,
    meetsSlo: undefined,
    tokensPerSPerUser: point.tokensPerSPerUser,
    ttftP95Ms: point.ttftMs?.p95.value,
    tpotP95Ms: point.tpotMs?.p95.value,
    prefillSPerRequest: undefined,
    decodeSPerRequest: undefined,
    power: gpuPowerW === undefined ? [] : [{ scope: 'gpu', loadPowerW: gpuPowerW }],
  }
}

/** A throughput that somebody states, without a measurement. @throws UserError unless it is above 0: what makes nothing serves no demand */
export function statedSubject(
  outputTokensPerS: number,
  inputTokensPerS: Maybe,
  date: string | undefined,
): Subject {
  requirePositive('outputTokensPerS', outputTokensPerS)
  return {
    kind: 'stated',
    what: `${outputTokensPerS} output tokens/s, as stated`,
    date,
    verdict: 'NOT JUDGED',
    hasSlo: false,
    points: [
      {
        level: 0,
        label: 'the throughput as stated',
        outputTokensPerS,
        inputTokensPerS,
        requestsPerS: undefined,
        cachedInputRatio: undefined,
        meetsSlo: undefined,
        tokensPerSPerUser: undefined,
        ttftP95Ms: undefined,
        tpotP95Ms: undefined,
        prefillSPerRequest: undefined,
        decodeSPerRequest: undefined,
        power: [],
      },
    ],
    promptTokens: undefined,
  }
}

/** Names of the GPUs that were seen computing, one a GPU. */
export function seenGpus({ machine }: Subject): string[] {
  return machine ? gpuNames(machine) : []
}

/** Names of the GPUs of a machine that compute, one a GPU; empty where one has none. */
export function gpuNames(machine: RunLog['hardware']): string[] {
  return computeGpus(machine).map(({ name }) => readingValue(name) ?? '')
}
