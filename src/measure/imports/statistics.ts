import type { Maybe } from '../../arithmetic.ts'
import { distribution } from '../quantile.ts'
import type { ImportedDistribution, ImportedPercentile } from './imported.ts'
import type { JsonObject, JsonValue } from './json-text.ts'
import { isObject, numberAt, scaled } from './values.ts'

/** What a tool calls its statistics. Minimum and maximum are `min` and `max` everywhere. */
interface StatisticNames {
  readonly mean: string
  readonly std?: string
  readonly n?: string
}

/** What goes along with a distribution that is read. */
interface Origin {
  /** Where in the file it is, for the reader. */
  readonly key: string
  /** From the file's unit to ours: 1000 for seconds that become ms. */
  readonly factor?: number
  readonly differs?: string
}

/**
 * A block of statistics, as most tools write them. Undefined where nothing is told, and where every figure
 * is 0 or the count is 0: these tools write 0 for what they did not measure, and no time is 0.
 *
 * @param percentilesOf the keys of percentiles, where they are not in the block itself
 */
export function blockStatistics(
  block: JsonValue | undefined,
  names: StatisticNames,
  { key, factor = 1, differs }: Origin,
  percentilesOf: JsonValue | undefined = block,
): ImportedDistribution | undefined {
  if (!isObject(block)) return undefined
  const value = (name: string | undefined): Maybe =>
    name === undefined ? undefined : scaled(numberAt(block, name), factor)
  const n = names.n === undefined ? undefined : numberAt(block, names.n)
  if (n === 0) return undefined
  return distributionIfAny({
    key,
    differs,
    n,
    mean: value(names.mean),
    std: value(names.std),
    min: value('min'),
    max: value('max'),
    percentiles: isObject(percentilesOf) ? percentilesIn(percentilesOf, '', factor) : [],
  })
}

/** Statistics spread over keys of one object, such as `mean_ttft_ms` and `p99_ttft_ms`: stem `_ttft_ms`. */
export function flatStatistics(
  document: JsonObject,
  stem: string,
  { key, factor = 1, differs }: Origin,
  n?: number,
): ImportedDistribution | undefined {
  const value = (name: string): Maybe => scaled(numberAt(document, `${name}${stem}`), factor)
  return distributionIfAny({
    key,
    differs,
    n,
    mean: value('mean'),
    std: value('std'),
    min: value('min'),
    max: value('max'),
    percentiles: percentilesIn(document, stem, factor),
  })
}

/** A distribution of which no more than the mean is told. */
export function meanOnly(mean: Maybe, key: string, n?: number): ImportedDistribution | undefined {
  return mean === undefined ? undefined : { key, n, mean, percentiles: [] }
}

/** As `first`, with what our own definitions make of the values of each request, where there are any. */
export function withRecords(
  first: ImportedDistribution | undefined,
  key: string,
  values: readonly number[],
  differs?: string,
): ImportedDistribution | undefined {
  if (values.length === 0) return first
  return { key, differs, percentiles: [], ...first, fromRecords: distribution(values) }
}

function distributionIfAny(
  parts: { [key in keyof ImportedDistribution]: ImportedDistribution[key] | undefined } & {
    readonly key: string
    readonly percentiles: readonly ImportedPercentile[]
  },
): ImportedDistribution | undefined {
  const { mean, min, max, percentiles } = parts
  const told = [mean, min, max, ...percentiles.map(({ value }) => value)].filter(
    (value) => value !== undefined,
  )
  if (told.every((value) => value === 0)) return undefined
  return parts as ImportedDistribution
}

function percentilesIn(block: JsonObject, suffix: string, factor: number): ImportedPercentile[] {
  const found = new Map<number, number>()
  for (const key of Object.keys(block)) {
    if (!key.endsWith(suffix)) continue
    const p = percentOf(key.slice(0, key.length - suffix.length))
    const value = scaled(numberAt(block, key), factor)
    if (p !== undefined && value !== undefined && !found.has(p)) found.set(p, value)
  }
  return [...found].map(([p, value]) => ({ p, value })).sort((a, b) => a.p - b.p)
}

/**
 * Percent of a percentile's key: `p99`, `p99.9`, `p99p9` (llm-d), `p999` and `p001` (GuideLLM, where the
 * dot after two digits is left out), `median`.
 */
export function percentOf(key: string): Maybe {
  if (key === 'median') return 50
  if (key === 'p100') return 100
  const [, whole, part] = /^p(\d\d)(?:[p.]?(\d+))?$/.exec(padded(key)) ?? []
  return whole === undefined ? undefined : Number(part === undefined ? whole : `${whole}.${part}`)
}

/** `p5` as `p05`, so that two digits always come before the fraction. */
const padded = (key: string): string => key.replace(/^p(\d)(?!\d)/, 'p0$1')
