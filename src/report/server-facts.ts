import type { Maybe } from '../arithmetic.ts'
import { describeOrigin } from '../load/http/socket-url.ts'
import type { RunLog } from '../load/run-log.ts'
import type {
  Distribution,
  OperatingPoint,
  PercentileBounds,
  ServerFigures,
  ServerTime,
} from '../measure/summary.ts'
import {
  formatCount,
  formatNumber,
  formatPercent,
  formatPercentile,
  formatStated,
  notAvailable,
} from './format.ts'
import { plainText } from './plain-text.ts'
import type { Report } from './report.ts'

/** Headings and rows of text; the first column names the row. `note` says what the columns mean. */
export interface TextTable {
  readonly note: string
  readonly headings: readonly string[]
  readonly rows: readonly (readonly string[])[]
}

/** Where the server's metrics are read; nothing where there are none, or nobody looked. */
function metricsAddress({ serverMetrics }: RunLog): string | undefined {
  if (serverMetrics === undefined || 'none' in serverMetrics) return undefined
  const { address } = serverMetrics
  if (!URL.canParse(address)) return notAvailable
  const url = new URL(address)
  return plainText(`${describeOrigin(url)}${url.pathname}`)
}

/** Where the metrics were read, or why there are none; nothing for a run that did not look. */
export function metricsText(run: RunLog): string | undefined {
  const { serverMetrics } = run
  if (serverMetrics === undefined) return undefined
  return 'none' in serverMetrics ? `none: ${plainText(serverMetrics.none)}` : metricsAddress(run)
}

/** How often the server was looked at, and what came of it. */
export function looksLine({ run, summary }: Report): string {
  const { server } = summary
  const where = metricsAddress(run) ?? 'its metrics'
  const looks = `Read at ${where} once a second: ${formatCount(server?.samples)} looks`
  const failed = server?.gaps ? `, ${formatCount(server.gaps)} failed` : ''
  const resets = server?.resets
    ? ` A counter went back ${formatCount(server.resets)} times: the server started anew.`
    : ''
  return `${looks}${failed}.${resets} It speaks of all who asked it; a level’s figures are of the looks inside its window.`
}

interface Row {
  readonly label: string
  readonly server: ServerFigures | undefined
  /** Absent for the whole run. */
  readonly point?: OperatingPoint
}

interface Column {
  readonly heading: string
  readonly of: (server: ServerFigures) => string | undefined
  /** What the client measured of the same. */
  readonly client?: (point: OperatingPoint) => Maybe
  readonly note?: string
}

const atALook = 'running, waiting: mean/most requests at a look.'
const means = 'Times are means, the server’s/the client’s, the client’s from the send.'

const columns: readonly Column[] = [
  {
    heading: 'running',
    of: ({ runningMean, runningMax }) => meanAndMax(runningMean, runningMax),
    note: atALook,
  },
  {
    heading: 'waiting',
    of: ({ waitingMean, waitingMax }) => meanAndMax(waitingMean, waitingMax),
    note: atALook,
  },
  { heading: 'KV max', of: ({ kvCacheUsedRatioMax }) => told(kvCacheUsedRatioMax, formatPercent) },
  {
    heading: 'cached',
    of: ({ prefixCacheHitRatio }) => told(prefixCacheHitRatio, formatPercent),
    note: 'cached: prompt tokens found in the prefix cache.',
  },
  { heading: 'preempted', of: ({ preemptions }) => told(preemptions, formatCount) },
  {
    heading: 'drafts',
    of: ({ specAcceptedRatio }) => told(specAcceptedRatio, formatPercent),
    note: 'drafts: drafted tokens accepted.',
  },
  {
    heading: 'TTFT ms',
    of: ({ ttftMs }) => told(ttftMs?.meanMs),
    client: ({ ttftFromSentMs }) => ttftFromSentMs.mean,
    note: means,
  },
  { heading: 'queue ms', of: ({ queueMs }) => told(queueMs?.meanMs) },
  {
    heading: 'latency ms',
    of: ({ latencyMs }) => told(latencyMs?.meanMs),
    client: ({ latencyMs }) => latencyMs.mean,
    note: means,
  },
]

/** What the server said, a row a level and one for the whole run; nothing where it said nothing. */
export function serverTable(report: Report): TextTable | undefined {
  const rows = rowsOf(report)
  const shown = columns.filter(({ of }) =>
    rows.some(({ server }) => server !== undefined && of(server) !== undefined),
  )
  if (shown.length === 0) return undefined
  return {
    note: [...new Set(shown.flatMap(({ note }) => note ?? []))].join(' '),
    headings: ['Load', ...shown.map(({ heading }) => heading)],
    rows: rows.map((row) => [row.label, ...shown.map((column) => cellOf(column, row))]),
  }
}

function rowsOf({ summary: { points, server } }: Report): Row[] {
  const levels = points.map((point) => ({ label: point.label, server: point.server, point }))
  return server === undefined ? levels : [...levels, { label: 'whole run', server }]
}

function cellOf({ of, client }: Column, { server, point }: Row): string {
  const own = (server && of(server)) ?? notAvailable
  if (client === undefined || point === undefined || own === notAvailable) return own
  return `${own}/${formatNumber(client(point))}`
}

function meanAndMax(mean: Maybe, max: Maybe): string | undefined {
  return mean === undefined ? undefined : `${formatNumber(mean, 2)}/${formatStated(max)}`
}

function told(value: Maybe, format: (value: Maybe) => string = formatNumber): string | undefined {
  return value === undefined ? undefined : format(value)
}

const times: readonly {
  readonly name: string
  readonly of: (server: ServerFigures) => ServerTime | undefined
  readonly client?: (point: OperatingPoint) => Distribution | undefined
}[] = [
  { name: 'TTFT', of: ({ ttftMs }) => ttftMs, client: (point) => point.ttftFromSentMs },
  { name: 'Queue', of: ({ queueMs }) => queueMs },
  { name: 'Between tokens', of: ({ itlMs }) => itlMs, client: (point) => point.itlMs },
  { name: 'TPOT', of: ({ tpotMs }) => tpotMs, client: (point) => point.tpotMs },
  { name: 'Latency', of: ({ latencyMs }) => latencyMs, client: (point) => point.latencyMs },
]

const timeNote =
  'A server counts times in buckets, so its percentiles are only known to lie above one bound and at most at another. Its n holds every request that got so far in the window, whoever asked.'

/** Times by the server's clock beside the client's; nothing where it tells none. */
export function serverTimeTable(report: Report): TextTable | undefined {
  const rows = rowsOf(report).flatMap(({ label, server, point }) =>
    times.flatMap(({ name, of, client }) => {
      const time = server && of(server)
      return time === undefined ? [] : [timeRow(label, name, time, point && client?.(point))]
    }),
  )
  if (rows.length === 0) return undefined
  const headings = ['Load', 'Time, ms', 'n', 'mean', 'p50', 'p95']
  return {
    note: timeNote,
    headings: [...headings, 'client mean', 'client p50', 'client p95'],
    rows,
  }
}

function timeRow(
  label: string,
  name: string,
  { n, meanMs, p50, p95 }: ServerTime,
  client: Distribution | undefined,
): string[] {
  const own = [label, name, formatCount(n), formatNumber(meanMs), boundsText(p50), boundsText(p95)]
  if (client === undefined) return [...own, '', '', '']
  const { mean, p50: median, p95: tail } = client
  return [...own, formatNumber(mean), formatPercentile(median), formatPercentile(tail)]
}

function boundsText(bounds: PercentileBounds | undefined): string {
  if (bounds === undefined) return notAvailable
  const { aboveMs, upToMs, withheldUntilN } = bounds
  if (withheldUntilN !== undefined) return `${notAvailable} (needs ${formatCount(withheldUntilN)})`
  if (upToMs === undefined) return `over ${formatNumber(aboveMs)}`
  return `${formatNumber(aboveMs)} to ${formatNumber(upToMs)}`
}
