import { type Maybe, ratio, sum } from '../../arithmetic.ts'
import { MS_PER_S } from '../../units.ts'
import type { ImportedLoad, ImportedPoint } from './imported.ts'
import type { JsonObject, JsonValue } from './json-text.ts'
import { flatStatistics, meanOnly, withRecords } from './statistics.ts'
import { at, listAt, numberAt } from './values.ts'

// What vLLM's `benchmark_serving.py` began and SGLang and InferenceX took over.

/** The load of a run by `request_rate`, `burstiness` and `max_concurrency`. */
export function servingLoad(document: JsonObject): ImportedLoad | undefined {
  const concurrency = numberAt(document, 'max_concurrency')
  const rate = at(document, 'request_rate')
  const ratePerS = numberAt(rate)
  if (rate === 'trace') return { kind: 'trace', maxInFlight: concurrency }
  if (ratePerS !== undefined && ratePerS > 0)
    return {
      kind: 'open',
      ratePerS,
      ...arrivalsOf(numberAt(document, 'burstiness')),
      maxInFlight: concurrency,
    }
  if (!isUnlimited(rate)) return undefined
  return concurrency === undefined ? { kind: 'unlimited' } : { kind: 'closed', concurrency }
}

/** "inf" by vLLM, `Infinity` by SGLang. */
const isUnlimited = (rate: JsonValue | undefined): boolean =>
  rate === 'inf' || rate === Number.POSITIVE_INFINITY

function arrivalsOf(
  burstiness: Maybe,
): { arrivals: 'poisson' } | { arrivals: 'gamma'; shape: number } | object {
  if (burstiness === undefined) return {}
  return burstiness === 1 ? { arrivals: 'poisson' } : { arrivals: 'gamma', shape: burstiness }
}

/** What the details of each successful request come to, in our units. */
interface RequestValues {
  readonly ttftMs: readonly number[]
  readonly tpotMs: readonly number[]
  readonly interChunkMs: readonly number[]
  readonly latencyMs: readonly number[]
  readonly inputTokens: readonly number[]
  readonly outputTokens: readonly number[]
}

/**
 * Of `ttfts`, `itls` (s, from chunk to chunk), `input_lens` and `output_lens`, aligned by request, failed
 * ones included. Latency is that of the last chunk: TTFT and all gaps after it. Undefined where there are no
 * details, or where they hold another number of successes than `completed`.
 */
function requestValues(document: JsonObject): RequestValues | undefined {
  const ttfts = listAt(document, 'ttfts')
  const successes = ttfts.flatMap((_, i) => {
    const request = requestAt(document, i)
    return request ? [request] : []
  })
  if (successes.length === 0 || successes.length !== numberAt(document, 'completed'))
    return undefined
  return {
    ttftMs: successes.map(({ ttftMs }) => ttftMs),
    tpotMs: successes.flatMap(({ gapsMs, outputTokens }) =>
      gapsMs.length > 0 && outputTokens > 1 ? [(sum(gapsMs) as number) / (outputTokens - 1)] : [],
    ),
    interChunkMs: successes.flatMap(({ gapsMs }) => gapsMs),
    latencyMs: successes.map(({ ttftMs, gapsMs }) => ttftMs + (sum(gapsMs) as number)),
    inputTokens: successes.flatMap(({ inputTokens }) => inputTokens ?? []),
    outputTokens: successes.map(({ outputTokens }) => outputTokens),
  }
}

/** One request of the details; undefined when it failed. */
function requestAt(document: JsonObject, i: number) {
  const error = listAt(document, 'errors')[i]
  const ttftS = numberAt(listAt(document, 'ttfts')[i])
  const outputTokens = numberAt(listAt(document, 'output_lens')[i])
  if (typeof error === 'string' && error !== '') return undefined
  if (ttftS === undefined || outputTokens === undefined || outputTokens === 0) return undefined
  const gapsMs = listAt(document, 'itls', String(i)).flatMap((gap) => {
    const gapS = numberAt(gap)
    return gapS === undefined ? [] : [gapS * MS_PER_S]
  })
  return {
    ttftMs: ttftS * MS_PER_S,
    gapsMs,
    inputTokens: numberAt(listAt(document, 'input_lens')[i]),
    outputTokens,
  }
}

/** Failed requests of the details by what they said. */
export function errorsOf(
  document: JsonObject,
): { kind: string; count: number; example: string }[] | undefined {
  const counts = new Map<string, number>()
  for (const error of listAt(document, 'errors')) {
    if (typeof error !== 'string' || error === '') continue
    const line = error.trim().split('\n').at(-1) ?? ''
    counts.set(line, (counts.get(line) ?? 0) + 1)
  }
  if (counts.size === 0) return undefined
  return [...counts].map(([example, count]) => ({ kind: 'failed', count, example }))
}

/**
 * The flat statistics of both, e.g. `mean_ttft_ms`, with those of each request where the file has them.
 *
 * @param own the tool's word for latency, and how each differs from ours
 */
export function servingMetrics(
  document: JsonObject,
  completed: Maybe,
  own: {
    readonly ttftDiffers: string
    readonly tpotDiffers: string
    readonly latency: string
    readonly latencyDiffers: string
    readonly itlDiffers: string
  },
): ImportedPoint['metrics'] {
  const values = requestValues(document)
  const told = (
    stem: string,
    records: string,
    found: readonly number[] = [],
    differs: string,
    n?: number,
  ) =>
    withRecords(
      flatStatistics(document, `_${stem}`, { key: stem, differs }, n),
      records,
      found,
      differs,
    )
  const tokens = (name: 'input' | 'output') => {
    const key = `total_${name}_tokens`
    return meanOnly(ratio(numberAt(document, key), completed), key, completed)
  }
  return {
    ttftMs: told('ttft_ms', 'ttfts', values?.ttftMs, own.ttftDiffers, completed),
    // Of requests with more than one token only, and nobody says how many those are.
    tpotMs: told('tpot_ms', 'itls', values?.tpotMs, own.tpotDiffers),
    interChunkMs: told('itl_ms', 'itls', values?.interChunkMs, own.itlDiffers),
    latencyMs: told(own.latency, 'ttfts, itls', values?.latencyMs, own.latencyDiffers, completed),
    inputTokens: withRecords(tokens('input'), 'input_lens', values?.inputTokens ?? []),
    outputTokens: withRecords(tokens('output'), 'output_lens', values?.outputTokens ?? []),
  }
}
