import type { Maybe } from '../arithmetic.ts'
import type { RunLog } from '../load/run-log.ts'
import { scopesByRank } from './energy-scopes.ts'
import type { Imported, ImportedMetric } from './imports/imported.ts'
import type { ImportedSummary } from './imports/to-summary.ts'
import type { ScopeEnergy } from './machine-figures.ts'
import type { OperatingPoint, Percentile, Summary } from './summary.ts'

/** One run as a comparison needs it. */
export interface ComparedRun {
  /** As the user named it. */
  readonly path: string
  readonly run: RunLog
  readonly summary: Summary
  /** Absent where the run has no price. */
  readonly price?: ComparedPrice
  /** One of runs that were added until they agreed: their spread looks smaller than it is. */
  readonly addedUntilNarrow?: boolean
  /** Of a summary that lies without its records: its figures are as they stand there. */
  readonly withoutRecords?: boolean
  readonly imported?: never
}

/** Another tool's result as a comparison needs it: one run, of as many loads as its file holds. */
export interface ComparedImport {
  /** As the user named it. */
  readonly path: string
  readonly imported: Imported
  /** Its points are those of `imported`, in their order. */
  readonly summary: ImportedSummary
}

/** Whatever one figure a metric can be taken from. */
export type Compared = ComparedRun | ComparedImport

/** With its name in a comparison: `A2` is the second run of the first side. */
export type Named<Run extends Compared = Compared> = Run & { readonly name: string }

/** What a run cost, and on what grounds. */
export interface ComparedPrice {
  /** What the price rests on beside the throughput, by label. */
  readonly basis: Readonly<Record<string, string>>
  /** By the level's number; a level without a price has none. */
  readonly usdPerMillionOutputTokens: Readonly<Record<number, Maybe>>
}

type Shown = Pick<Percentile, 'value' | 'withheldUntilN'>
type ShownPercentiles = { readonly p50: Shown; readonly p95: Shown }

/** What a level of a run has in common with one of another tool's result, which tells less. */
export interface ComparedPoint
  extends Pick<OperatingPoint, 'level' | 'outputTokensPerS' | 'wholeRunOutputTokensPerS'> {
  readonly load?: { readonly kind: string }
  readonly ttftMs?: ShownPercentiles
  readonly ttftFromSentMs?: ShownPercentiles
  readonly tpotMs?: ShownPercentiles
  readonly latencyMs?: ShownPercentiles
  readonly latencyFromSentMs?: ShownPercentiles
  readonly machine?: OperatingPoint['machine']
}

type FigureOf = (point: ComparedPoint, run: Compared) => Maybe

/** A figure of one load level of one run. */
interface HeadlineMetric {
  readonly label: string
  readonly better: 'higher' | 'lower'
  readonly of: FigureOf
  /** What measured it, where figures of different sources are different things. */
  readonly source?: (point: ComparedPoint, run: Compared) => string | undefined
  /** In place of `of` beside other tools' results: what they tell, and of ours what is nearest to it. */
  readonly besideOthers?: {
    readonly of: FigureOf
    /** What ours is then, in words; nothing where it is what it always is. */
    readonly ours: (point: ComparedPoint) => string | undefined
  }
  /** Where other tools' results have it, and which percentile; absent for their throughput. */
  readonly theirs?: { readonly metric: ImportedMetric; readonly p: number }
}

/** What is compared, and nothing else: the more is tested, the surer each must be. To add one, add it here. */
const headlineMetrics = {
  outputTokensPerS: {
    label: 'Output tokens/s',
    better: 'higher',
    of: ({ outputTokensPerS }) => outputTokensPerS,
    besideOthers: {
      of: ({ outputTokensPerS, wholeRunOutputTokensPerS }, { imported }) =>
        imported === undefined ? wholeRunOutputTokensPerS : outputTokensPerS,
      ours: () => 'Over the whole level, ramp and drain included, as other tools mostly have it.',
    },
  },
  ttftP50Ms: {
    label: 'TTFT p50, ms',
    better: 'lower',
    of: ({ ttftMs }) => shown(ttftMs?.p50),
    besideOthers: { of: ({ ttftFromSentMs }) => shown(ttftFromSentMs?.p50), ours: fromSend },
    theirs: { metric: 'ttftMs', p: 50 },
  },
  ttftP95Ms: {
    label: 'TTFT p95, ms',
    better: 'lower',
    of: ({ ttftMs }) => shown(ttftMs?.p95),
    besideOthers: { of: ({ ttftFromSentMs }) => shown(ttftFromSentMs?.p95), ours: fromSend },
    theirs: { metric: 'ttftMs', p: 95 },
  },
  tpotP50Ms: {
    label: 'TPOT p50, ms',
    better: 'lower',
    of: ({ tpotMs }) => shown(tpotMs?.p50),
    theirs: { metric: 'tpotMs', p: 50 },
  },
  tpotP95Ms: {
    label: 'TPOT p95, ms',
    better: 'lower',
    of: ({ tpotMs }) => shown(tpotMs?.p95),
    theirs: { metric: 'tpotMs', p: 95 },
  },
  latencyP95Ms: {
    label: 'Latency p95, ms',
    better: 'lower',
    of: ({ latencyMs }) => shown(latencyMs?.p95),
    source: latencySource,
    besideOthers: {
      of: ({ latencyMs, latencyFromSentMs }) => shown((latencyFromSentMs ?? latencyMs)?.p95),
      ours: () => undefined,
    },
    theirs: { metric: 'latencyMs', p: 95 },
  },
  usdPerMillionOutputTokens: {
    label: 'USD/M output tok',
    better: 'lower',
    of: ({ level }, run) => priceOf(run)?.usdPerMillionOutputTokens[level],
  },
  grossJPerOutputToken: {
    label: 'J/output token',
    better: 'lower',
    of: (point) => energyOf(point)?.grossJPerOutputToken,
    source: energySource,
  },
} as const satisfies Record<string, HeadlineMetric>

export type HeadlineMetricName = keyof typeof headlineMetrics

/** In the order of every table. */
export const headlineMetricNames = Object.keys(headlineMetrics) as [
  HeadlineMetricName,
  ...HeadlineMetricName[],
]

/** A row of the table above, its optional keys readable. */
export function headlineMetric(name: HeadlineMetricName): HeadlineMetric {
  return headlineMetrics[name]
}

/** A percentile under its sample floor is no figure, whatever it holds. */
function shown(percentile: Shown | undefined): Maybe {
  return percentile?.withheldUntilN === undefined ? percentile?.value : undefined
}

function priceOf(run: Compared): ComparedPrice | undefined {
  return run.imported === undefined ? run.price : undefined
}

const isClosed = ({ load }: ComparedPoint): boolean => load?.kind === 'closed'

/** In closed loop a request is sent when its time comes, so nothing is another there. */
function fromSend(point: ComparedPoint): string | undefined {
  return isClosed(point) ? undefined : 'From when a request is sent, as other tools have it.'
}

/** Nobody keeps our latency from the send under a rate. */
function latencySource(point: ComparedPoint, { imported }: Compared): string | undefined {
  if (imported !== undefined) return imported.clockStart === 'sent' ? FROM_SEND : undefined
  return isClosed(point) ? FROM_SEND : 'from when a request is due'
}

const FROM_SEND = 'from when a request is sent'

function energyOf({ machine }: ComparedPoint): ScopeEnergy | undefined {
  const told = machine?.scopes.filter(({ grossJPerOutputToken: j }) => j !== undefined) ?? []
  const scope = scopesByRank.find((each) => told.some((energy) => energy.scope === each))
  return told.find((energy) => energy.scope === scope)
}

/** Scope and kind of sensor: joules of a wall meter and of a GPU's own counter are no ratio of anything. */
function energySource(point: ComparedPoint): string | undefined {
  const energy = energyOf(point)
  if (energy === undefined) return undefined
  const kinds = (point.machine?.devices ?? [])
    .filter(({ scope, serving }) => serving && scope === energy.scope)
    .map((device) => device.energy.sensor?.kind ?? 'unknown sensor')
  return [energy.scope, ...new Set(kinds)].join(', ')
}
