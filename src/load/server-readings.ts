import { type Maybe, mean, sum } from '../arithmetic.ts'
import { MS_PER_S, US_PER_MS } from '../units.ts'
import { type MetricSeries, parsePrometheus } from './prometheus.ts'

/** Times that a server measured, since it started. */
export interface ServerHistogram {
  readonly sumMs: number
  readonly count: number
  /** Upper bound in ms and how many were at most that; the last bound, infinity, is left out: it is `count`. */
  readonly buckets: readonly (readonly [upToMs: number, count: number])[]
}

/** How many tokens and requests; `...Total` since the server started, the others now. */
export interface ServerGauges {
  /** Requests that are worked on. */
  readonly running?: number
  /** Requests that wait. */
  readonly waiting?: number
  /** Share of the KV cache in use, 0 to 1; the mean over several engines. */
  readonly kvCacheUsedRatio?: number
  /** Share of drafted tokens that were accepted lately, where that is all the server tells. */
  readonly specAcceptedRatio?: number
  readonly inputTokensTotal?: number
  readonly outputTokensTotal?: number
  /** Prompt tokens found in the prefix cache. */
  readonly prefixCacheHitTokensTotal?: number
  /** Prompt tokens looked for in the prefix cache. */
  readonly prefixCacheQueryTokensTotal?: number
  /** Requests that had to give their memory back and start over. */
  readonly preemptionsTotal?: number
  readonly specAcceptedTokensTotal?: number
  readonly specDraftedTokensTotal?: number
  readonly requestsEndedTotal?: number
}

/** Times as the server's own clock has them. */
export interface ServerTimes {
  readonly ttftMs?: ServerHistogram
  readonly queueMs?: ServerHistogram
  readonly latencyMs?: ServerHistogram
  /** From one output token to the next. */
  readonly itlMs?: ServerHistogram
  /** Mean of a request, over its output tokens. */
  readonly tpotMs?: ServerHistogram
}

/** What a server tells of itself at one moment, in one vocabulary for all. Absent is not told. */
export interface ServerReadings extends ServerGauges, ServerTimes {}

/** Which metric says what. Of several names the first that is there counts: versions rename them. */
export interface MetricTable {
  readonly gauges: { readonly [K in keyof ServerGauges]?: GaugeSource }
  readonly times: { readonly [K in keyof ServerTimes]?: TimeSource }
  /** The label that holds the model's name. */
  readonly modelLabel: string
  /** Labels of ranks that each repeat the same figure. */
  readonly copyLabels?: readonly string[]
}

export interface GaugeSource {
  readonly names: readonly string[]
  /** Only series that have these. */
  readonly labels?: Readonly<Record<string, string>>
  /** A label's value that stands for all others together: counts only where it is alone. */
  readonly aggregate?: { readonly label: string; readonly value: string }
  /** Over engines; the sum when absent. */
  readonly over?: 'mean'
}

interface TimeSource {
  /** Of histograms; or of a counter of time, with one of requests beside it. */
  readonly names: readonly string[]
  readonly countName?: string
  readonly unit: keyof typeof MS_PER
}

const MS_PER = { s: MS_PER_S, ms: 1, us: 1 / US_PER_MS } as const

/**
 * Reads a metrics page of a server.
 *
 * @throws SyntaxError when it holds none of the metrics in the table
 */
export function readMetrics(text: string, table: MetricTable, model: string): ServerReadings {
  const { series } = parsePrometheus(text, wantedBy(table))
  if (series.length === 0) throw new SyntaxError('no metric on that page is known')
  const page = groupByName(ofModel(series, table.modelLabel, model))
  const readings: Record<string, number | ServerHistogram | undefined> = {}
  for (const [key, source] of Object.entries(table.gauges)) {
    readings[key] = readGauge(page, source, table)
  }
  for (const [key, source] of Object.entries(table.times)) {
    readings[key] = readTimes(page, source, table)
  }
  return readings
}

type Page = ReadonlyMap<string, readonly MetricSeries[]>

const wantedNames = new WeakMap<MetricTable, ReadonlySet<string>>()

function wantedBy(table: MetricTable): (name: string) => boolean {
  let names = wantedNames.get(table)
  if (names === undefined) {
    const gauges = Object.values(table.gauges).flatMap((source) => source.names.flatMap(spellings))
    const times = Object.values(table.times).flatMap(({ names, countName }) =>
      countName === undefined
        ? names.flatMap((name) => [`${name}_sum`, `${name}_count`, `${name}_bucket`])
        : [...names, countName].flatMap(spellings),
    )
    names = new Set([...gauges, ...times])
    wantedNames.set(table, names)
  }
  const known = names
  return (name) => known.has(name)
}

/** Exporters write a counter with or without `_total`. */
function spellings(name: string): string[] {
  return name.endsWith('_total') ? [name, name.slice(0, -'_total'.length)] : [name]
}

/**
 * The series of one model. A server that names a single model may know it by another alias than the
 * one asked for; of several models only the right one counts.
 */
function ofModel(series: readonly MetricSeries[], label: string, model: string): MetricSeries[] {
  const names = new Set(series.flatMap(({ labels }) => labels.get(label) ?? []))
  const chosen = names.has(model) || names.size !== 1 ? model : [...names][0]
  return series.filter(({ labels }) => {
    const name = labels.get(label)
    return name === undefined || name === chosen
  })
}

function groupByName(series: readonly MetricSeries[]): Page {
  const page = new Map<string, MetricSeries[]>()
  for (const one of series) {
    if (!Number.isFinite(one.value)) continue
    const group = page.get(one.name)
    if (group) group.push(one)
    else page.set(one.name, [one])
  }
  return page
}

function readGauge(page: Page, source: GaugeSource, table: MetricTable): Maybe {
  for (const name of source.names.flatMap(spellings)) {
    const values = withoutCopies(fitting(page.get(name) ?? [], source), table)
    if (values.length > 0) return source.over === 'mean' ? mean(values) : sum(values)
  }
  return undefined
}

function fitting(
  series: readonly MetricSeries[],
  { labels = {}, aggregate }: GaugeSource,
): readonly MetricSeries[] {
  const wanted = Object.entries(labels)
  const chosen = series.filter((one) =>
    wanted.every(([key, value]) => one.labels.get(key) === value),
  )
  if (aggregate === undefined) return chosen
  const parts = chosen.filter((one) => one.labels.get(aggregate.label) !== aggregate.value)
  return parts.length > 0 ? parts : chosen
}

/** Ranks of one engine repeat its figure; the largest of them is the latest. */
function withoutCopies(
  series: readonly MetricSeries[],
  { copyLabels = [] }: MetricTable,
): number[] {
  if (copyLabels.length === 0) return series.map(({ value }) => value)
  const largest = new Map<string, number>()
  for (const { labels, value } of series) {
    const own = [...labels].filter(([key]) => !copyLabels.includes(key)).sort()
    const key = JSON.stringify(own)
    largest.set(key, Math.max(value, largest.get(key) ?? Number.NEGATIVE_INFINITY))
  }
  return [...largest.values()]
}

function readTimes(
  page: Page,
  source: TimeSource,
  table: MetricTable,
): ServerHistogram | undefined {
  const { names, countName, unit } = source
  const total = (name: string): Maybe => readGauge(page, { names: [name] }, table)
  for (const name of names) {
    const sumOf = total(countName === undefined ? `${name}_sum` : name)
    const count = total(countName ?? `${name}_count`)
    if (sumOf === undefined || count === undefined) continue
    const buckets = readBuckets(page.get(`${name}_bucket`) ?? [], unit, table)
    return { sumMs: sumOf * MS_PER[unit], count, buckets }
  }
  return undefined
}

function readBuckets(
  series: readonly MetricSeries[],
  unit: TimeSource['unit'],
  table: MetricTable,
): ServerHistogram['buckets'] {
  const byBound = new Map<number, MetricSeries[]>()
  for (const one of series) {
    const bound = Number(one.labels.get('le') ?? Number.NaN)
    // `+Inf` is no number to JavaScript, and is left out.
    if (Number.isFinite(bound)) byBound.set(bound, [...(byBound.get(bound) ?? []), one])
  }
  return [...byBound]
    .sort(([a], [b]) => a - b)
    .map(([bound, group]) => [bound * MS_PER[unit], sum(withoutCopies(group, table)) ?? 0])
}
