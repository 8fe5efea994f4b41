import type { ComputeType } from '../detect/fit/weight-bytes.ts'
import type { LoadLevel, Purpose, Slo } from '../load/benchmark.ts'
import type { FailureSide } from '../load/record.ts'
import type { ClientHealth, LevelEnd } from '../load/run-log.ts'
import type { ServerCounts } from '../load/server-counts.ts'
import type { ServerTimes } from '../load/server-readings.ts'
import type { MachineFigures, MachineSummary } from './machine-figures.ts'
import type { SearchSummary } from './search/search-summary.ts'

/** Where the true figure lies with 95 % confidence. */
export interface Interval {
  readonly low: number
  readonly high: number
}

/** One percentile, or why there is none. */
export interface Percentile {
  /** Percent, e.g. 95. */
  readonly p: number
  /** Samples it was taken from. */
  readonly n: number
  /** Nearest rank on the raw samples; absent when withheld. */
  readonly value?: number
  /** Exact distribution-free 95 % interval from order statistics; `high` absent when it has no finite upper end. */
  readonly low?: number
  readonly high?: number
  /**
   * MLPerf's estimate: a sample that the true percentile does not exceed with 99 % confidence. Absent
   * where there are too few samples for one.
   */
  readonly earlyStopping?: number
  /** Samples needed before it may be printed; present only when withheld. */
  readonly withheldUntilN?: number
}

/** A set of raw samples in one unit. */
export interface Distribution {
  readonly n: number
  readonly mean?: number
  /** By batch means, in the order in which the requests ended; absent where that cannot be told. */
  readonly meanInterval?: Interval
  readonly min?: number
  readonly max?: number
  readonly p50: Percentile
  readonly p90: Percentile
  readonly p95: Percentile
  readonly p99: Percentile
}

export interface ErrorCount {
  /** A failure kind, `timed-out: <timer>` or `cancelled`. */
  readonly kind: string
  readonly side: FailureSide
  readonly count: number
  /** What the first of them said. */
  readonly example: string
}

/** Where a token count came from. */
type TokenSource = 'usage' | 'chunks'

/**
 * Of the requests of the measured phase:
 * `issued = completed + failed + timedOut + cancelled + abandoned + lost`.
 */
interface RequestCounts {
  readonly issued: number
  readonly completed: number
  readonly failed: number
  readonly timedOut: number
  /** Cut off by the end of the level or an interrupt. */
  readonly cancelled: number
  /** Given up on purpose, as the benchmark says. */
  readonly abandoned: number
  /** Issued, but no record of them: a crash of the client. */
  readonly lost: number
  readonly warmUp: number
}

/** The part of a window in which nothing changed but by chance; or why none is known. Times in ms since the run's epoch. */
export type SteadyState =
  | {
      readonly kind: 'steady'
      readonly startMs: number
      readonly endMs: number
      /** Output tokens that arrived in between / its length. */
      readonly outputTokensPerS: number
      readonly interval?: Interval
    }
  | {
      /** Open loop: requests in flight and TTFT grew as long as the load lasted, so the rate is above capacity. */
      readonly kind: 'overloaded'
      /** Growth over the second half of the window / the median in it. */
      readonly inFlightRatio: number
      readonly ttftRatio: number
    }
  | {
      /** Throughput rose or fell throughout what start-up and tail leave, or the window where they leave too little. */
      readonly kind: 'drifts'
      /** Change from its beginning to its end / its median, and the 99 % interval of that. */
      readonly changeRatio: number
      readonly lowRatio: number
      readonly highRatio: number
    }
  /** Start-up fills more than half of the window, or a tail more than a quarter, or both half. */
  | { readonly kind: 'never-settles' }
  | { readonly kind: 'not-judged'; readonly reason: string }

/** Little's law over the steady part of a window, each figure from the records by a way of its own. */
export interface LittlesLaw {
  readonly meanInFlight: number
  readonly endedPerS: number
  readonly meanLatencyMs: number
  /** (in flight - ended per s x latency) / in flight. */
  readonly residualRatio: number
  /** The most that may be, either way. */
  readonly limitRatio: number
}

/** How many completed requests of the measured phase gave one reason why their answer ended. */
export interface FinishReason {
  /** The server's word; absent for those that gave none. */
  readonly reason?: string
  readonly requests: number
}

/** Between which figures the true one lies; both are the same where it is known. */
export interface Bounds {
  readonly low: number
  readonly high: number
}

/** How near a level came to what memory and arithmetic units can do. Absent is unknown, as `RooflineBasis.missing` tells. */
export interface Roofline {
  /** Answers that share a step of decoding, mean over steps. */
  readonly batch?: number
  /** Of one copy of the model, over the whole window. */
  readonly stepsPerS?: number
  /** That decoding must have read. */
  readonly bytesPerS?: Bounds
  readonly flopsPerS?: number
  /** MBU: of the peak bandwidth. Over 1 something is not what it was said to be. */
  readonly memoryRatio?: Bounds
  /** MFU: of the dense peak. */
  readonly computeRatio?: number
  /** What the server was near: at least half of a roof; `neither` under half of both. */
  readonly bound?: 'memory' | 'compute' | 'neither'
}

/** The roofs that levels are held against, and what was taken for granted. */
export interface RooflineBasis {
  /** Name in the hardware profile. */
  readonly accelerator?: string
  /** GPUs that serve, or 1 machine without one. */
  readonly units?: number
  /** Of all of them together. */
  readonly memoryBytesPerS?: number
  readonly computeType?: ComputeType
  /** Dense, of that type, of all of them together. */
  readonly computeFlopsPerS?: number
  readonly kvBytesPerNumber?: number
  /** Copies of the model, or stages of a pipeline, that step by themselves. */
  readonly copies?: Bounds
  /** What is unknown, each in words. */
  readonly missing: readonly string[]
  readonly assumptions: readonly string[]
}

/** What one load level came to. Distributions are over completed requests of the measured phase. */
export interface OperatingPoint {
  readonly level: number
  readonly load: LoadLevel
  readonly label: string
  readonly windowS: number
  readonly requests: RequestCounts
  readonly errors: readonly ErrorCount[]
  /** From the clock's start: due time in open loop, sent time in closed loop. */
  readonly ttftMs: Distribution
  readonly ttftFromSentMs: Distribution
  /** First visible token, where reasoning came first. */
  readonly ttfvMs?: Distribution
  readonly tpotMs: Distribution
  /** Gaps between chunks, pooled over requests. Per chunk, not per token. */
  readonly interChunkMs: Distribution
  /**
   * ITL: each of these gaps / the tokens of the chunk after it, a sample a chunk, to the microsecond.
   * Over the requests of which the server told the tokens of every chunk; absent where there are none.
   */
  readonly itlMs?: Distribution
  readonly latencyMs: Distribution
  /** How late the client acted on requests that were due, open loop only. */
  readonly latenessMs?: Distribution
  readonly inputTokens: Distribution
  readonly outputTokens: Distribution
  /** The most frequent first. Absent in older figures. */
  readonly finishReasons?: readonly FinishReason[]
  readonly tokenSource: TokenSource
  /** Input tokens that came from the prefix cache / input tokens, by the answers; absent where none tells. */
  readonly cachedInputRatio?: number
  /** Output tokens spent on reasoning / output tokens, by `usage`; absent where no request tells. */
  readonly reasoningRatio?: number
  /** Tokens per output chunk; 1 where the server streams token by token. */
  readonly tokensPerChunk?: number
  /** Output tokens that arrived inside the window / window length. */
  readonly outputTokensPerS?: number
  /** Of `outputTokensPerS`, by batch means over the window; within this run only. */
  readonly outputTokensPerSInterval?: Interval
  /** Absent where there are no records to judge by. */
  readonly steadyState?: SteadyState
  /** Absent where there is no steady state. */
  readonly littlesLaw?: LittlesLaw
  /** Input tokens of requests whose first token arrived inside the window / window length. */
  readonly inputTokensPerS?: number
  /** The same over the whole level, ramp and drain included: first send to last end. */
  readonly wholeRunOutputTokensPerS?: number
  readonly requestsPerS?: number
  /** Interactivity: output tokens/s seen by one user = 1000 / median TPOT. */
  readonly tokensPerSPerUser?: number
  /** Good requests per second and their tokens; present only when SLOs were given. */
  readonly goodput?: {
    readonly slo: Slo
    readonly requestsPerS?: number
    readonly outputTokensPerS?: number
    /**
     * Good requests / requests of the measured phase that were issued, or due and never sent. Those cut
     * off count as not good; those given up on purpose do not count.
     */
    readonly goodRatio?: number
  }
  /** Requests held back past their time by the load's own limit on requests under way. */
  readonly heldBack?: number
  /** Requests due inside the window that were never sent. */
  readonly neverSent?: number
  /** Rate asked for and rate at which requests were sent in the window, open loop only. */
  /** In open loop: the rate asked for, that of the timetable drawn for it, and what left inside the window. */
  readonly rate?: {
    readonly askedPerS: number
    readonly duePerS?: number
    readonly sentPerS?: number
  }
  /** What the server said of itself in the window; absent where it was read less than twice in it. */
  readonly server?: ServerFigures
  /** GPUs, processors and power in the window; absent where nothing was recorded of them. */
  readonly machine?: MachineFigures
  /** Absent where the model was not described. */
  readonly roofline?: Roofline
  readonly health: ClientHealth
  readonly instrument: InstrumentAtLevel
  readonly ended: LevelEnd
  readonly gates: readonly Gate[]
}

/**
 * A percentile of times that a server keeps in buckets, and so no more than that it is above one bound
 * and at most another.
 */
export interface PercentileBounds {
  /** Percent, e.g. 95. */
  readonly p: number
  /** Absent when withheld. */
  readonly aboveMs?: number
  /** Absent when withheld, or beyond the last bound. */
  readonly upToMs?: number
  /** Samples needed before it may be printed; present only when withheld. */
  readonly withheldUntilN?: number
}

/** A time by the server's own clock. */
export interface ServerTime {
  /** Requests, or tokens, that it was measured of. */
  readonly n: number
  readonly meanMs?: number
  /** Absent where the server keeps no buckets. */
  readonly p50?: PercentileBounds
  readonly p95?: PercentileBounds
}

/** What a server said of itself between two looks. Of all who asked it, not of this client alone. */
export interface ServerFigures extends Omit<ServerCounts, keyof ServerTimes> {
  readonly ttftMs?: ServerTime
  readonly queueMs?: ServerTime
  readonly latencyMs?: ServerTime
  /** From one output token to the next. */
  readonly itlMs?: ServerTime
  /** Mean of a request, over its output tokens. */
  readonly tpotMs?: ServerTime
}

/** How busy the server was at one moment, ms since the run's epoch. */
export interface ServerMoment {
  readonly atMs: number
  readonly running?: number
  readonly waiting?: number
  readonly kvCacheUsedRatio?: number
}

/**
 * Who counts tokens. `server-timings` come with an answer and tell of the server's work on it;
 * `server-counters` are the totals among the server's metrics.
 */
export type CountSource = 'usage' | 'tokenizer' | 'server-timings' | 'chunks' | 'server-counters'

/** Which way tokens go, seen from the model. */
export type TokenDirection = 'input' | 'output'

/** The tokens of a run by one source. */
export interface SourceCount {
  readonly direction: TokenDirection
  readonly source: CountSource
  readonly tokens: number
  /** Completed requests that told it; absent for counters, which are of whatever ran. */
  readonly requests?: number
}

/**
 * Two sources held against each other, over the requests that have both. `agree`: within 1 %.
 * `within-bounds`: apart, but by no more than is told in `why`. `not-comparable`: they count different
 * things, as `why` tells.
 */
export interface TokenAgreement {
  readonly direction: TokenDirection
  readonly sources: readonly [CountSource, CountSource]
  readonly tokens: readonly [number, number]
  /** The second / the first. */
  readonly ratio?: number
  readonly outcome: 'agree' | 'within-bounds' | 'differ' | 'not-comparable'
  readonly why?: string
}

/** The tokens of the whole run, warm-up and drain included, by everybody who counted them. */
export interface TokenCounts {
  readonly completedRequests: number
  readonly counts: readonly SourceCount[]
  readonly agreement: readonly TokenAgreement[]
  /** Part of the output tokens, by `usage`; absent where no request tells. */
  readonly reasoningTokens?: number
  /** Part of the input tokens, by the answers; absent where none tells. */
  readonly cachedInputTokens?: number
  /**
   * The most that the requests of this client can have moved the server's counters: what completed ones
   * were counted, and all that was asked for by the others. Absent where one of them is unknown.
   */
  readonly mostCausedOutputTokens?: number
  readonly mostCausedInputTokens?: number
  /** Why the server's counters cannot be held against the client's; absent when they can. */
  readonly countersUnusable?: string
}

/** What a level asked of the client that measured it. */
export interface ClientLoad {
  /** Mean number of answers under way in the window. */
  readonly streams?: number
  /** Output chunks that the client received in the window / its length, in s. */
  readonly eventsPerS?: number
}

/** The load a level put on the client, and the client's own error at such a load. */
interface InstrumentAtLevel extends ClientLoad {
  readonly error: AppliedError
}

/** The error a certificate measured at this load or a higher one, times in ms; or why there is none. */
export type AppliedError =
  | {
      readonly kind: 'certified'
      /** The level of the certificate. */
      readonly calibratedAt: string
      readonly calibratedStreams: number
      readonly calibratedEventsPerS: number
      readonly delayMs: Distribution
      readonly ttftErrorMs: Distribution
      readonly gapErrorMs: Distribution
      /** Open loop only. */
      readonly latenessMs?: Distribution
    }
  | { readonly kind: 'unknown'; readonly reason: string }

/** Which certificate of the instrument a run was judged with, or why with none. */
export type CertificateUse =
  | {
      readonly kind: 'applies'
      /** Of the certificate, ISO 8601 UTC. */
      readonly date: string
      readonly node: string
      readonly version: string
      readonly cpuModel: string
      readonly cores: number
      readonly arrival: 'spread' | 'bursts'
    }
  | { readonly kind: 'none'; readonly reason: string }

/** One validity gate, judged. */
export interface Gate {
  readonly gate: string
  /**
   * `not-measured`: it concerns this run, and nothing tells how it did. `does-not-apply`: there is nothing
   * in this run that it could be about.
   */
  readonly status: 'pass' | 'fail' | 'not-measured' | 'does-not-apply'
  /**
   * What a failure of it means for the run. `note`: it is told, and every figure stands; only of runs
   * to explore.
   */
  readonly severity: 'invalid' | 'degraded' | 'note'
  readonly value: string
  readonly limit: string
  /** Why it was not measured, or does not apply; absent where it was judged. */
  readonly reason?: string
  readonly remedy: string
}

export type Verdict = 'VALID' | 'DEGRADED' | 'INVALID'

/** A doubt that travels with the numbers. `text` says what and what to do. */
export interface Warning {
  readonly kind: WarningKind
  readonly text: string
  /** Load level it is about; absent when it is about the run. */
  readonly level?: number
}

export type WarningKind =
  | 'simulated'
  | 'random-weights'
  | 'partial-run'
  | 'shared-machine'
  | 'few-samples'
  | 'failed-requests'
  | 'short-output'
  | 'long-output'
  | 'input-length'
  | 'schedule-missed'
  | 'client-busy'
  | 'no-usage'
  | 'token-mismatch'
  | 'prompt-lengths-assumed'
  | 'tls-not-verified'
  | 'gpus-assumed'
  | 'gpu-shared'
  | 'idle-drift'
  | 'energy-withheld'
  | 'energy-gap'
  | 'power-over-limit'
  | 'window-not-steady'
  | 'over-roofline'

/** One corner of the throughput-interactivity frontier. */
export interface FrontierPoint {
  readonly level: number
  readonly outputTokensPerS: number
  /** Absent where the number of GPUs that serve is unknown. */
  readonly outputTokensPerSPerGpu?: number
  readonly tokensPerSPerUser: number
}

/** One corner of the frontier of throughput against a percentile of a time. */
export interface LatencyFrontierPoint extends Omit<FrontierPoint, 'tokensPerSPerUser'> {
  /** The percentile. */
  readonly latencyMs: number
}

/** Points that no other equals or beats on both throughput and a percentile of a time, by rising time. */
export interface LatencyFrontier {
  readonly metric: 'ttftMs' | 'tpotMs'
  readonly percentile: 'p50' | 'p90' | 'p95' | 'p99'
  readonly points: readonly LatencyFrontierPoint[]
}

/** What a run came to: one operating point per load level, and the frontier they span. */
export interface Summary {
  readonly points: readonly OperatingPoint[]
  /** Points no other point beats on both throughput and interactivity, by rising interactivity. */
  readonly frontier: readonly FrontierPoint[]
  /** The same against percentiles of TTFT and TPOT, where any is known. */
  readonly latencyFrontiers: readonly LatencyFrontier[]
  /** What the run was to find out by its levels, and what it found. Absent where levels were only listed. */
  readonly search?: SearchSummary
  readonly verdict: Verdict
  /** What the limits of the gates were chosen for. */
  readonly purpose: Purpose
  /** Computed: run for publishing, and `VALID` by that. */
  readonly fitToPublish: boolean
  /** Gates of the run as a whole; each point has its own. */
  readonly gates: readonly Gate[]
  readonly tokens: TokenCounts
  /** What the server said of itself from the first look to the last; absent where it said nothing. */
  readonly server?: ServerFigures
  /** How busy the server was, look by look; absent where it did not tell. */
  readonly serverTimeline?: readonly ServerMoment[]
  /** Absent where no telemetry was recorded. */
  readonly machine?: MachineSummary
  /** Absent where the model was not described. */
  readonly roofline?: RooflineBasis
  /** Why the verdict is not VALID; empty when it is. */
  readonly reasons: readonly string[]
  readonly warnings: readonly Warning[]
  readonly instrument: CertificateUse
}
