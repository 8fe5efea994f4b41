import type { Distribution } from '../summary.ts'
import type { JsonObject, JsonValue } from './json-text.ts'

/**
 * What the summary of another tool says, in our names and units, as far as its file tells. Nothing is
 * judged and nothing made up: what no file told is absent, and named in `cannotTell`.
 */
export interface Imported {
  readonly tool: { readonly name: string; readonly version?: string }
  /** The name of the format in the list of `index.ts`. */
  readonly format: string
  /**
   * Where the tool starts its clock: `sent` when it sends a request, also under a rate asked for, so that
   * waiting to be sent is left out; `engine` inside the engine, without HTTP.
   */
  readonly clockStart: 'sent' | 'engine' | 'unknown'
  readonly points: readonly ImportedPoint[]
  /** What at least one point lacks, in words. */
  readonly cannotTell: readonly string[]
  /** What its throughputs are over, in a sentence that is the first of `notes`; absent where the tool is not known. */
  readonly throughput?: string
  /** How the tool's way differs from ours, and what of the file was not used. */
  readonly notes: readonly string[]
}

/** The load of a point as its tool was asked for it. */
export type ImportedLoad =
  | { readonly kind: 'closed'; readonly concurrency: number }
  | {
      readonly kind: 'open'
      readonly ratePerS: number
      /** Absent where the file does not say how the gaps are drawn. */
      readonly arrivals?: 'constant' | 'poisson' | 'gamma'
      /** Of gamma arrivals; 1 is Poisson. */
      readonly shape?: number
      readonly maxInFlight?: number
    }
  /** All at once, nothing held back. */
  | { readonly kind: 'unlimited' }
  | { readonly kind: 'trace'; readonly maxInFlight?: number }

/** Requests of the measured phase; unknown is absent. */
interface ImportedRequests {
  readonly issued?: number
  readonly completed?: number
  readonly failed?: number
  /** Cut off by the end of the run. */
  readonly cancelled?: number
  readonly warmUp?: number
}

interface ImportedError {
  readonly kind: string
  readonly count: number
  readonly example?: string
}

/** A percentile as the tool computed it, by its own interpolation. */
export interface ImportedPercentile {
  /** Percent, e.g. 99.9. */
  readonly p: number
  readonly value: number
}

/** What a file says of one quantity, in the unit of the metric's name. */
export interface ImportedDistribution {
  /** Where in the file it comes from. */
  readonly key: string
  /** How the tool's quantity differs from ours of this name; absent where it does not. */
  readonly differs?: string
  readonly n?: number
  readonly mean?: number
  /** As the tool has it; most divide by n. */
  readonly std?: number
  readonly min?: number
  readonly max?: number
  /** By rising `p`; the median is 50. */
  readonly percentiles: readonly ImportedPercentile[]
  /**
   * Our own statistics (nearest rank, exact intervals, sample floors) over the values of each request,
   * where the file carries those of all. What a value is stays as `differs` says.
   */
  readonly fromRecords?: Distribution
}

/** Quantities with a distribution. Definitions as in `OperatingPoint`, except for what `differs` says. */
export type ImportedMetric =
  | 'ttftMs'
  | 'ttfvMs'
  | 'tpotMs'
  | 'interChunkMs'
  | 'itlMs'
  | 'latencyMs'
  /** Latency / output tokens, the first token included. */
  | 'latencyPerTokenMs'
  | 'latenessMs'
  | 'inputTokens'
  | 'outputTokens'
  | 'tokensPerSPerUser'

type ImportedMetrics = {
  readonly [metric in ImportedMetric]?: ImportedDistribution
}

/** One run of the other tool at one load. */
export interface ImportedPoint {
  readonly label: string
  /** As the file has it: not every tool says in which time zone. */
  readonly date?: string
  readonly load?: ImportedLoad
  readonly model?: string
  readonly tokenizer?: string
  /** The server or the API it was spoken to with. */
  readonly backend?: string
  readonly backendVersion?: string
  /** Weights, e.g. `fp8`. */
  readonly quantization?: string
  readonly gpu?: { readonly name?: string; readonly count?: number }
  readonly processor?: string
  readonly durationS?: number
  readonly requests: ImportedRequests
  readonly errors?: readonly ImportedError[]
  readonly totalInputTokens?: number
  readonly totalOutputTokens?: number
  /** Over the tool's own window, which `notes` tell. */
  readonly requestsPerS?: number
  readonly inputTokensPerS?: number
  readonly outputTokensPerS?: number
  readonly totalTokensPerS?: number
  readonly goodput?: { readonly requestsPerS?: number; readonly goodRequests?: number }
  /** Requests per second that were really sent, open loop only. */
  readonly sentPerS?: number
  /** Mean and most requests under way. */
  readonly meanInFlight?: number
  readonly maxInFlight?: number
  readonly tokensPerChunk?: number
  readonly reasoningRatio?: number
  readonly cachedInputRatio?: number
  /** Drafted tokens accepted / drafted. */
  readonly specAcceptedRatio?: number
  /** Mean power of all GPUs told of, together. */
  readonly gpuPowerW?: number
  /** What the server's counters said. */
  readonly server?: { readonly waitingMean?: number; readonly preemptions?: number }
  readonly metrics: ImportedMetrics
}

/** What a format makes of a file; the rest of `Imported` follows from it. */
interface Reading {
  readonly version?: string
  readonly points: readonly ImportedPoint[]
  readonly throughput?: string
  readonly notes: readonly string[]
}

/**
 * Keys of a format, as paths: segments between dots, `*` for any one key or part of it, `{a,b}` for either,
 * `**` at the end for all that is below.
 */
export interface KeyLists {
  /** Each has a place in `ImportedPoint` or `Imported`. */
  readonly taken: readonly string[]
  /** Known, and of nothing we have a name for, or said again elsewhere in the file. */
  readonly leftOut: readonly string[]
}

/** A result format of another tool. */
export interface ImportFormat {
  readonly name: string
  readonly tool: string
  readonly clockStart: Imported['clockStart']
  /** By what is in it, never by its file's name. */
  readonly recognises: (document: JsonValue) => boolean
  /** Of all recognised documents of one folder together: some tools spread a run over files. */
  readonly read: (documents: readonly JsonObject[]) => Reading
  readonly keys: KeyLists
}
