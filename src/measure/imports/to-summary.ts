import { type Maybe, ratio } from '../../arithmetic.ts'
import { MS_PER_S } from '../../units.ts'
import { frontierOf } from '../frontier.ts'
import { sampleFloor } from '../quantile.ts'
import type { Distribution, FrontierPoint, OperatingPoint, Percentile } from '../summary.ts'
import type { Imported, ImportedDistribution, ImportedLoad, ImportedPoint } from './imported.ts'

/** As `Percentile`, of an unknown number of samples where the file does not tell it. Intervals come from records only. */
type SummaryPercentile = Omit<Percentile, 'n'> & { readonly n?: number }

type PercentileName = 'p50' | 'p90' | 'p95' | 'p99'

/** As `Distribution`; also of an unknown number of samples. */
type SummaryDistribution = Omit<Distribution, 'n' | PercentileName> & {
  readonly n?: number
} & { readonly [name in PercentileName]: SummaryPercentile }

/** What a level of another tool has in common with an operating point of ours. Nothing of it was judged. */
interface ImportedOperatingPoint
  extends Pick<
    OperatingPoint,
    | 'level'
    | 'label'
    | 'outputTokensPerS'
    | 'inputTokensPerS'
    | 'requestsPerS'
    | 'tokensPerSPerUser'
    | 'tokensPerChunk'
    | 'cachedInputRatio'
    | 'reasoningRatio'
  > {
  readonly windowS?: number
  readonly load?: ImportedLoad
  readonly requests: ImportedPoint['requests']
  /** In closed loop only, as there a request is sent when its time comes. */
  readonly ttftMs?: SummaryDistribution
  readonly ttftFromSentMs?: SummaryDistribution
  readonly tpotMs?: SummaryDistribution
  readonly interChunkMs?: SummaryDistribution
  /** In closed loop only, as TTFT. */
  readonly latencyMs?: SummaryDistribution
  readonly latencyFromSentMs?: SummaryDistribution
  readonly inputTokens?: SummaryDistribution
  readonly outputTokens?: SummaryDistribution
}

/** Of the shape of `Summary` as far as prices and comparisons go. */
export interface ImportedSummary {
  readonly points: readonly ImportedOperatingPoint[]
  readonly frontier: readonly FrontierPoint[]
  /** None of our gates can be judged from another tool's summary. */
  readonly verdict: 'NOT JUDGED'
  readonly reasons: readonly string[]
}

/**
 * The points of an import for pricing and comparing. Throughput is taken over as it is; interactivity is
 * 1000 / median TPOT, or of the mean where no median is told. A percentile of fewer samples than ours need
 * is withheld as ours would be; where the number is unknown it is shown, without one.
 */
export function toSummary(imported: Imported): ImportedSummary {
  const points = imported.points.map((point, level) => operatingPoint(point, level, imported))
  return {
    points,
    frontier: frontierOf(points),
    verdict: 'NOT JUDGED',
    reasons: reasonsOf(imported),
  }
}

function reasonsOf({ tool, points, cannotTell, clockStart }: Imported): string[] {
  const meanOnly = points.some(
    ({ metrics }) => medianOf(metrics.tpotMs) === undefined && metrics.tpotMs?.mean !== undefined,
  )
  const open = clockStart === 'sent' && points.some(({ load }) => !isClosed(load))
  return [
    `Measured by ${tool.name}${tool.version ? ` ${tool.version}` : ''}, by its own definitions: none of the validity gates could be judged.`,
    ...(cannotTell.length > 0 ? [`The file does not tell ${cannotTell.join(', ')}.`] : []),
    ...(open
      ? [
          'Under a rate, or an unknown load, its clock starts when a request is sent: TTFT and latency leave out the wait before, and are not held against ours.',
        ]
      : []),
    ...(meanOnly ? ['Interactivity is from the mean TPOT where the median is not told.'] : []),
  ]
}

function operatingPoint(
  point: ImportedPoint,
  level: number,
  { clockStart }: Imported,
): ImportedOperatingPoint {
  const { metrics } = point
  const comparable = clockStart === 'sent' && isClosed(point.load)
  return {
    level,
    label: labelOf(point, level),
    load: point.load,
    windowS: point.durationS,
    requests: point.requests,
    outputTokensPerS: point.outputTokensPerS,
    inputTokensPerS: point.inputTokensPerS,
    requestsPerS: point.requestsPerS,
    tokensPerSPerUser: interactivity(metrics.tpotMs),
    tokensPerChunk: point.tokensPerChunk,
    cachedInputRatio: point.cachedInputRatio,
    reasoningRatio: point.reasoningRatio,
    ttftMs: comparable ? distributionOf(metrics.ttftMs) : undefined,
    ttftFromSentMs: clockStart === 'sent' ? distributionOf(metrics.ttftMs) : undefined,
    tpotMs: distributionOf(metrics.tpotMs),
    interChunkMs: distributionOf(metrics.interChunkMs),
    latencyMs: comparable ? distributionOf(metrics.latencyMs) : undefined,
    latencyFromSentMs: clockStart === 'sent' ? distributionOf(metrics.latencyMs) : undefined,
    inputTokens: distributionOf(metrics.inputTokens),
    outputTokens: distributionOf(metrics.outputTokens),
  }
}

const isClosed = (load: ImportedLoad | undefined): boolean =>
  load?.kind === 'closed' || load?.kind === 'unlimited'

const interactivity = (tpotMs: ImportedDistribution | undefined): Maybe =>
  ratio(MS_PER_S, medianOf(tpotMs) ?? tpotMs?.mean)

/** By our own definition where the file carries the values of each request. */
function medianOf(metric: ImportedDistribution | undefined): Maybe {
  return metric?.fromRecords?.p50.value ?? metric?.percentiles.find(({ p }) => p === 50)?.value
}

function distributionOf(metric: ImportedDistribution | undefined): SummaryDistribution | undefined {
  if (metric === undefined || metric.fromRecords !== undefined) return metric?.fromRecords
  const { n, mean, min, max } = metric
  return {
    n,
    mean,
    min,
    max,
    p50: percentileOf(metric, 50),
    p90: percentileOf(metric, 90),
    p95: percentileOf(metric, 95),
    p99: percentileOf(metric, 99),
  }
}

function percentileOf({ n, percentiles }: ImportedDistribution, wanted: number): SummaryPercentile {
  const floor = sampleFloor(wanted)
  if (n !== undefined && n < floor) return { p: wanted, n, withheldUntilN: floor }
  return { p: wanted, n, value: percentiles.find(({ p }) => p === wanted)?.value }
}

function labelOf({ label, load }: ImportedPoint, level: number): string {
  const parts = [label, load === undefined ? '' : describeLoad(load)].filter(Boolean)
  return parts.join(', ') || `level ${level + 1}`
}

/** Short words for a load, as those of our own levels. */
export function describeLoad(load: ImportedLoad): string {
  switch (load.kind) {
    case 'closed':
      return load.concurrency === 1 ? '1 user' : `${load.concurrency} users`
    case 'open':
      return `${load.ratePerS} req/s${arrivalsOf(load)}`
    case 'unlimited':
      return 'all at once'
    case 'trace':
      return 'trace'
  }
}

function arrivalsOf({ arrivals, shape }: Extract<ImportedLoad, { kind: 'open' }>): string {
  switch (arrivals) {
    case 'poisson':
      return ' Poisson'
    case 'gamma':
      return ` gamma ${shape}`
    case 'constant':
    case undefined:
      return ''
  }
}
