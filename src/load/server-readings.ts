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

interface GaugeSource {
  readonly names: readonly string[]
  /** Only series that have these. */
  readonly labels?: Readonly<Record<string, string>>
  /** A label's value that stands for all others together: counts only where it is alone. */
  readonly aggregate?: { readonly label: string; readonly value: string }
  /** The label names a part of what was asked for, as in an ensemble. */
  readonly anyModel?: boolean
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
 * Reads a metrics page of a server. One that has nothing to tell yet gives nothing.
 *
 * @throws SyntaxError when it is no metrics page
 */
export function readMetrics(text: string, table: MetricTable, model: string): ServerReadings {
  const { series } = parsePrometheus(text, wantedBy(table))
  if (series.length === 0 && text.trim() !== '' && !/^# TYPE /m.test(text))
    throw new SyntaxError('not a page of metrics')
  const page = pageOf(series, table, model)
  const readings: Record<string, number | ServerHistogram | undefined> = {}
  for (const [key, source] of Object.entries(table.gauges)) readings[key] = readGauge(page, source)
  for (const [key, source] of Object.entries(table.times)) readings[key] = readTimes(page, source)
  return readings
}

/** Whether anything was told. */
export function tellsNothing(readings: ServerReadings): boolean {
  return Object.values(readings).every((value) => value === undefined)
}

interface Page {
  readonly byName: ReadonlyMap<string, readonly MetricSeries[]>
  readonly table: MetricTable
  /** The value of the model's label. */
  readonly model: string
}

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

function pageOf(series: readonly MetricSeries[], table: MetricTable, model: string): Page {
  const byName = new Map<string, MetricSeries[]>()
  for (const one of series) {
    if (!Number.isFinite(one.value)) continue
    const group = byName.get(one.name)
    if (group) group.push(one)
    else byName.set(one.name, [one])
  }
  return { byName, table, model: labelValueOf(series, table, model) }
}

/**
 * The model as the metrics name it. A server that names a single one may know it by another alias
 * than the one asked for; of several only the right one counts.
 */
function labelValueOf(
  series: readonly MetricSeries[],
  { modelLabel }: MetricTable,
  model: string,
): string {
  const names = new Set(series.flatMap(({ labels }) => labels.get(modelLabel) ?? []))
  const [only = model] = names
  return names.size === 1 ? only : model
}

function readGauge(page: Page, source: GaugeSource): Maybe {
  for (const name of source.names.flatMap(spellings)) {
    const values = withoutCopies(fitting(page, name, source), page.table)
    if (values.length > 0) return source.over === 'mean' ? mean(values) : sum(values)
  }
  return undefined
}

function fitting(
  { byName, table, model }: Page,
  name: string,
  { labels = {}, aggregate, anyModel = false }: GaugeSource,
): readonly MetricSeries[] {
  const wanted = Object.entries(labels)
  const chosen = (byName.get(name) ?? []).filter(
    (one) =>
      (anyModel || (one.labels.get(table.modelLabel) ?? model) === model) &&
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
  { names, countName, unit }: TimeSource,
): ServerHistogram | undefined {
  const total = (name: string): Maybe => readGauge(page, { names: [name] })
  for (const name of names) {
    const sumOf = total(countName === undefined ? `${name}_sum` : name)
    const count = total(countName ?? `${name}_count`)
    if (sumOf === undefined || count === undefined) continue
    return { sumMs: sumOf * MS_PER[unit], count, buckets: readBuckets(page, name, unit) }
  }
  return undefined
}

function readBuckets(
  page: Page,
  name: string,
  unit: TimeSource['unit'],
): ServerHistogram['buckets'] {
  const byBound = new Map<number, MetricSeries[]>()
  for (const one of fitting(page, `${name}_bucket`, { names: [] })) {
    const bound = Number(one.labels.get('le') ?? Number.NaN)
    // `+Inf` is no number to JavaScript, and is left out.
    if (Number.isFinite(bound)) byBound.set(bound, [...(byBound.get(bound) ?? []), one])
  }
  return [...byBound]
    .sort(([a], [b]) => a - b)
    .map(([bound, group]) => [bound * MS_PER[unit], sum(withoutCopies(group, page.table)) ?? 0])
}
