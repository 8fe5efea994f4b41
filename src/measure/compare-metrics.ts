import type { Maybe } from '../arithmetic.ts'
import type { RunLog } from '../load/run-log.ts'
import { scopesByRank } from './energy-scopes.ts'
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
}

/** What a run cost, and on what grounds. */
export interface ComparedPrice {
  /** What the price rests on beside the throughput, by label. */
  readonly basis: Readonly<Record<string, string>>
  /** By the level's number; a level without a price has none. */
  readonly usdPerMillionOutputTokens: Readonly<Record<number, Maybe>>
}

/** A figure of one load level of one run. */
interface HeadlineMetric {
  readonly label: string
  readonly better: 'higher' | 'lower'
  readonly of: (point: OperatingPoint, run: ComparedRun) => Maybe
  /** What measured it, where figures of different sources are different things. */
  readonly source?: (point: OperatingPoint) => string | undefined
}

/** What is compared, and nothing else: the more is tested, the surer each must be. To add one, add it here. */
const headlineMetrics = {
  outputTokensPerS: {
    label: 'Output tokens/s',
    better: 'higher',
    of: ({ outputTokensPerS }) => outputTokensPerS,
  },
  ttftP50Ms: { label: 'TTFT p50, ms', better: 'lower', of: ({ ttftMs }) => shown(ttftMs.p50) },
  ttftP95Ms: { label: 'TTFT p95, ms', better: 'lower', of: ({ ttftMs }) => shown(ttftMs.p95) },
  tpotP50Ms: { label: 'TPOT p50, ms', better: 'lower', of: ({ tpotMs }) => shown(tpotMs.p50) },
  tpotP95Ms: { label: 'TPOT p95, ms', better: 'lower', of: ({ tpotMs }) => shown(tpotMs.p95) },
  latencyP95Ms: {
    label: 'Latency p95, ms',
    better: 'lower',
    of: ({ latencyMs }) => shown(latencyMs.p95),
  },
  usdPerMillionOutputTokens: {
    label: 'USD/M output tok',
    better: 'lower',
    of: ({ level }, { price }) => price?.usdPerMillionOutputTokens[level],
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
function shown({ value, withheldUntilN }: Percentile): Maybe {
  return withheldUntilN === undefined ? value : undefined
}

function energyOf({ machine }: OperatingPoint): ScopeEnergy | undefined {
  const told = machine?.scopes.filter(({ grossJPerOutputToken: j }) => j !== undefined) ?? []
  const scope = scopesByRank.find((each) => told.some((energy) => energy.scope === each))
  return told.find((energy) => energy.scope === scope)
}

/** Scope and kind of sensor: joules of a wall meter and of a GPU's own counter are no ratio of anything. */
function energySource(point: OperatingPoint): string | undefined {
  const energy = energyOf(point)
  if (energy === undefined) return undefined
  const kinds = (point.machine?.devices ?? [])
    .filter(({ scope, serving }) => serving && scope === energy.scope)
    .map((device) => device.energy.sensor?.kind ?? 'unknown sensor')
  return [energy.scope, ...new Set(kinds)].join(', ')
}
