import type { AcceleratorFacts } from '../detect/accelerator.ts'
import type { ModelFacts } from '../detect/fit/model-facts.ts'
import type { Hardware } from '../detect/hardware.ts'
import type { Finding, ServingGpus } from '../detect/preflight/preflight.ts'
import type { LoadLevel, RunConfig } from './benchmark.ts'
import type { ServerIdentity } from './server-identity.ts'

/** What a server says of itself, as far as it was asked. */
export interface TargetIdentity {
  readonly url: string
  readonly model: string
  /** Models the server offers; empty where it does not say. */
  readonly models: readonly string[]
  /** Content of the `server` response header, where there is one. */
  readonly serverHeader?: string
  /** Engine name, and its version, where the server tells it. */
  readonly engine?: string
  /** True when the answers come from a simulation and no model runs. */
  readonly simulated: boolean
  /** `random` when the model's weights are random, `declared` by the user or told by the server. */
  readonly weights?: 'random' | 'trained'
  /** Context length in tokens, where the server tells it. */
  readonly contextTokens?: number
  /** What kind of server it is, and how it was started, as far as it tells. */
  readonly server?: ServerIdentity
  /** Whether it took the fields that force an answer's length. */
  readonly forcesOutputLength?: boolean
  /** Whether the address is this machine's own, so that client and server share its cores. */
  readonly loopback: boolean
}

/** How prompts of a wanted token length were made for this server. */
export type PromptCalibration =
  | {
      /** Each word's tokens were counted, and they add up: lengths are exact. */
      readonly kind: 'tokenizer'
      /** SHA-256 of the tokenizer's file. */
      readonly sha256: string
      /** Words in use. */
      readonly words: number
      readonly tokensPerWord: number
      /** Tokens of the template: the server's count less the tokenizer's. 0 where the server does not count. */
      readonly overheadTokens: number
    }
  | {
      /** The same, counted by the server's own endpoint for it. */
      readonly kind: 'server-tokenizer'
      /** What was POSTed to. */
      readonly path: string
      readonly words: number
      readonly tokensPerWord: number
      readonly overheadTokens: number
    }
  | {
      readonly kind: 'usage'
      /** Tokens a prompt costs before its first word: template and markers. */
      readonly overheadTokens: number
      readonly tokensPerWord: number
      /** Why the server's endpoint for it did not count them; absent where none was tried. */
      readonly notCounted?: string
    }
  | {
      readonly kind: 'assumed'
      readonly overheadTokens: 0
      readonly tokensPerWord: number
      readonly reason: string
      readonly notCounted?: string
    }

/** The state of one measuring thread while one level ran. */
export interface WorkerHealth {
  /** Delay of its event loop over its timer's resolution, ms. */
  readonly loopDelayP50Ms?: number
  readonly loopDelayP99Ms?: number
  readonly loopDelayMaxMs?: number
  /** CPU time of this thread / wall time; 1 is one core. Unknown where the system does not tell. */
  readonly cpuCores?: number
  readonly gcPauseTotalMs?: number
  readonly gcPauseMaxMs?: number
  readonly reads: number
  readonly chunks: number
  readonly connectionsOpened: number
  /** Largest error by which its clock may differ from the run's. */
  readonly clockErrorMs: number
}

/** The state of the measuring client while one level ran. Of delays and pauses, the worst thread's. */
export interface ClientHealth {
  readonly loopDelayP50Ms?: number
  readonly loopDelayP99Ms?: number
  readonly loopDelayMaxMs?: number
  /** CPU time of this process, all its threads / wall time; 1 is one core. */
  readonly cpuCores?: number
  /** CPU time of the busiest measuring thread / wall time. */
  readonly busiestWorkerCores?: number
  /** CPU time of the whole machine that was not idle / all there was, 0 to 1; the server's too where it runs here. */
  readonly machineCpuRatio?: number
  readonly gcPauseTotalMs?: number
  readonly gcPauseMaxMs?: number
  /** Socket reads / chunks: under 1, several chunks came with one read and share a time. */
  readonly readsPerChunk?: number
  readonly connectionsOpened: number
  /** Looked at once a second; absent where the system does not tell. */
  readonly headroom?: Headroom
  /** The measuring threads, one each. */
  readonly workers: readonly WorkerHealth[]
}

/** How near the client came to what the system allows it. */
export interface Headroom {
  /** The most that this process had open. */
  readonly openFilesMost?: number
  readonly openFilesAllowed?: number
  /** The most TCP sockets of this machine, those at rest after their end too: no fewer than ports in use. */
  readonly socketsMost?: number
  /** Ports that the system gives to connections. */
  readonly portsAllowed?: number
}

/** A measuring thread that did not live to tell. */
interface LostWorker {
  readonly worker: number
  readonly reason: string
  /** Requests it issued of which there is no record, and never will be. */
  readonly lostRequests: number
}

/** How a level ended. `no-progress`: nothing at all moved for longer than every timer allows. */
export type LevelEnd =
  | 'complete'
  | 'interrupted'
  | 'too-many-failures'
  | 'worker-died'
  | 'no-progress'

/** One load level as it was run. Times in ms since the run's epoch. */
export interface LevelLog {
  readonly level: number
  readonly load: LoadLevel
  readonly startMs: number
  /** The measured window: after warm-up, before drain. */
  readonly windowStartMs: number
  readonly windowEndMs: number
  readonly endMs: number
  readonly issued: number
  /** Of these, held back past their time because so many were under way as the load allows. */
  readonly heldBack?: number
  /** Due inside the window and never sent: the window closed before the client got to them. */
  readonly neverSent?: number
  /** `complete`, or why it stopped before its bound. */
  readonly ended: LevelEnd
  readonly lostWorkers?: readonly LostWorker[]
  readonly health: ClientHealth
  /**
   * Wall time of the run's epoch, ms since 1970, as the wall clock had it at the level's start and at its
   * end. They differ when it was set anew in between, or the machine slept. Absent in older runs.
   */
  readonly wallEpochMs?: { readonly start: number; readonly end: number }
}

/** Which data a run's requests came from. */
export interface DatasetFacts {
  readonly format: string
  readonly sha256: string
  /** Requests in use. */
  readonly requests: number
  /** Of the file, not fit for use or not wanted. */
  readonly leftOut: number
}

/** What the client's own speed depends on. */
export interface ClientMachine {
  readonly cpuModel?: string
  readonly cores: number
}

/** Everything about a run but its records; `run.json` of a results directory. */
export interface RunLog {
  readonly schemaVersion: 1
  readonly runId: string
  readonly tool: {
    readonly name: 'baremark'
    readonly version: string
    readonly node: string
    readonly platform: string
  }
  /** The machine that measured, as Node sees it; cores are those this process may use. Absent in older runs. */
  readonly client?: ClientMachine
  /** Wall time of the run's epoch, ISO 8601 UTC. */
  readonly epoch: string
  /** The same moment on the operating system's monotonic clock, ms: for comparing with other processes. */
  readonly epochMonotonicMs?: number
  /** `running` is what a crash leaves behind. */
  readonly state: 'running' | 'complete' | 'partial'
  readonly config: RunConfig
  readonly target: TargetIdentity
  readonly hardware: Hardware
  readonly prompts: PromptCalibration
  /** Where the server's own metrics were read while it ran, or why there are none. Absent in older runs. */
  readonly serverMetrics?: ServerMetricsSource
  /** What was found wrong with the machine before the run; empty when nothing was. Absent in older runs. */
  readonly preflight?: readonly Finding[]
  /** How the machine was watched while it ran, or why it was not. Absent in older runs. */
  readonly telemetry?: TelemetryLog
  /** What of the machine's set-up was another after the run than before; empty when nothing was, absent when not looked at. */
  readonly stateChanges?: readonly string[]
  /** What of the server was another after the run than before, or why that is not known. Absent in older runs, and when interrupted. */
  readonly serverAfter?: ServerAfter
  /** Whether the server answers the same prompt again faster; absent when it was not asked. */
  readonly cachingAudit?: CachingAudit
  /** What the model and the hardware under it could do at best; only where the model was described. */
  readonly roofline?: RooflineFacts
  /** The file that the workload's requests come from. */
  readonly dataset?: DatasetFacts
  readonly levels: readonly LevelLog[]
}

/** Changes of the server, a sentence each; none when it is as it was. */
export type ServerAfter = { readonly changes: readonly string[] } | { readonly unknown: string }

/**
 * Pairs of requests to an idle server, one with a prompt that never was before and one with the same prompt
 * each time, of equal length. Times in ms from the send, of pairs of which both completed, in order.
 */
export interface CachingAudit {
  readonly inputTokens: number
  readonly outputTokens: number
  readonly pairs: readonly {
    readonly unique: AuditTimes
    readonly identical: AuditTimes
  }[]
  /** Requests that did not complete. */
  readonly failed: number
  /** Why it ended before its number of pairs; absent when it did not. */
  readonly cutShort?: string
}

interface AuditTimes {
  readonly ttftMs: number
  readonly latencyMs: number
}

/** A model's sizes, and the peaks of what it runs on. */
export interface RooflineFacts {
  readonly model: ModelFacts
  /** Absent where it is neither detected nor stated. */
  readonly accelerator?: AcceleratorFacts
}

/** Where a server's metrics are read, or the reason why they are not. */
export type ServerMetricsSource = { readonly address: string } | { readonly none: string }

/** How the machine was watched: its readings are in `telemetry.jsonl`. */
export type TelemetryLog =
  | {
      readonly kind: 'recorded'
      readonly serving: ServingGpus
      /** Stretches without a request, the model loaded: before the first level and after the last. Ms since the run's epoch. */
      readonly idle: readonly {
        readonly when: 'before' | 'after'
        readonly fromMs: number
        readonly toMs: number
      }[]
      /** Why the sampler ended before it was told to; absent when it did as told. */
      readonly died?: string
    }
  | { readonly kind: 'none'; readonly reason: string }
