import { arrivalsRandom } from './arrivals.ts'
import type { Benchmark, LoadLevel } from './benchmark.ts'
import { clockFrom } from './clock.ts'
import type { EndedRequest } from './ended-request.ts'
import { watchWorker } from './health.ts'
import type { Endpoint } from './http/connection.ts'
import { endedAsMeant } from './record.ts'
import { createLineWriter, type LineWriter } from './record-line.ts'
import { createRequestSource, type RequestTemplate } from './request-source.ts'
import { type LevelResult, type LevelWorld, runLevel, type Shard } from './run-level.ts'
import type { LevelEnd, PromptCalibration, WorkerHealth } from './run-log.ts'
import { createSender, type Sender } from './send.ts'
import { serverApis } from './servers/index.ts'
import { type ShardCells, shareLevel } from './shared-level.ts'
import { createPlan, type WorkloadData } from './workloads/plan.ts'
import { averageWordbook, type Wordbook } from './workloads/wordbook.ts'

/** All that a measuring thread is told when it starts: plain data, as it crosses to another thread. */
export interface ThreadSetup {
  readonly benchmark: Benchmark
  /** The run's epoch on the operating system's monotonic clock, ms. */
  readonly epochMonotonicMs: number
  readonly endpoint: Endpoint
  readonly template: PlainTemplate
  readonly prompts: PromptCalibration
  /**
   * Goes into the prompts beside the seed, and differs from run to run: a server that was measured
   * before would answer the same prompts from its prefix cache.
   */
  readonly promptSalt: string
  /** Words whose tokens a tokenizer counted; the calibration's average holds without. */
  readonly wordbook?: Wordbook
  /** What the workload's files came to: shared memory, not a copy. */
  readonly data?: WorkloadData
}

/** What every request of a run has in common, as plain data; the API is the benchmark's. */
type PlainTemplate = Omit<RequestTemplate, 'api'>

/** One thread's part of a load level. */
export interface LevelJob {
  readonly level: number
  readonly load: LoadLevel
  readonly startMs: number
  readonly shard: Shard
  /** Id of the level's first request; this shard's are the `shard.index`th after it, and every `shard.count`th from there. */
  readonly firstId: number
  /** Of `shareLevel`. */
  readonly memory: SharedArrayBuffer
}

/** What the coordinator says to a measuring thread. */
export type ToThread =
  | { readonly kind: 'level'; readonly job: LevelJob }
  | { readonly kind: 'stop'; readonly ended: LevelEnd }
  | { readonly kind: 'close' }

/** What a measuring thread says. Blocks of journal lines are handed over, not copied. */
export type FromThread =
  | { readonly kind: 'ready' }
  | { readonly kind: 'lines'; readonly block: Uint8Array<ArrayBuffer>; readonly records: number }
  | { readonly kind: 'stopped'; readonly ended: LevelEnd }
  | { readonly kind: 'level-end'; readonly result: LevelResult; readonly health: WorkerHealth }

/** One end of the wire between coordinator and thread: a `MessagePort`, or what a test makes of it. */
interface ThreadPort {
  readonly post: (message: FromThread, transfer?: readonly ArrayBuffer[]) => void
  readonly onMessage: (hear: (message: ToThread) => void) => void
  readonly close: () => void
}

/** Half a second: each block that is handed over wakes other threads, which may be on this one's core. */
const BEATS_PER_FLUSH = 5

/** Serves the coordinator until it closes: runs its part of each level, one after the other. */
export function startMeasuring(setup: ThreadSetup, port: ThreadPort): void {
  const { benchmark, endpoint, template } = setup
  const { clock, errorMs } = clockFrom(setup.epochMonotonicMs)
  const lines = createLineWriter((block, records) => {
    port.post({ kind: 'lines', block, records }, [block.buffer])
  })
  let beat = (): void => {}
  let stop: AbortController | undefined
  const sender = createSender({
    endpoint,
    api: serverApis[benchmark.api],
    clock,
    timeouts: benchmark.timeouts,
    secret: template.apiKey,
    onSweep: () => beat(),
  })

  const runJob = async (job: LevelJob): Promise<void> => {
    const controller = new AbortController()
    stop = controller
    const shared = shareLevel(job.shard.count, job.memory)
    const tally = createTally(shared.ofShard(job.shard.index), lines, sender)
    beat = tally.beat
    const issue = createIssue(job, setup, sender.send, tally)
    const healthNow = watchWorker(clock, sender, errorMs)
    const result = await runLevel(
      {
        ...benchmark,
        load: job.load,
        random: arrivalsRandom(benchmark.seed, job.level),
        startMs: job.startMs,
        shard: job.shard,
        traceMs: setup.data?.kind === 'trace' ? setup.data.trace.dueOffsetsMs : undefined,
      },
      {
        clock,
        issue,
        cancelAll: sender.cancelAll,
        shared,
        signal: controller.signal,
        onStop: (ended) => port.post({ kind: 'stopped', ended }),
      },
    )
    tally.beat()
    lines.flush()
    port.post({ kind: 'level-end', result, health: healthNow() })
  }

  port.onMessage((message) => {
    switch (message.kind) {
      case 'level':
        void runJob(message.job)
        break
      case 'stop':
        stop?.abort(message.ended)
        break
      case 'close':
        sender.close()
        lines.flush()
        port.close()
        break
    }
  })
  port.post({ kind: 'ready' })
}

/** Counts what a shard did, where the coordinator can look, and keeps every record. */
interface Tally {
  readonly issued: () => void
  readonly ended: (ended: EndedRequest) => void
  /** Shows that the thread lives and how far it is; now and then hands over the records. */
  readonly beat: () => void
}

function createTally(
  cells: ShardCells,
  lines: LineWriter,
  { traffic }: Pick<Sender, 'traffic'>,
): Tally {
  const before = traffic()
  let issued = 0
  let ended = 0
  let errors = 0
  let beats = 0
  return {
    issued: () => cells.set('issued', ++issued),
    ended: (request) => {
      lines.write(request)
      cells.set('ended', ++ended)
      const { kind } = request.outcome
      if (kind === 'failed' || kind === 'timed-out') cells.set('errors', ++errors)
    },
    beat: () => {
      const { reads, chunks } = traffic()
      cells.set('reads', reads - before.reads)
      cells.set('chunks', chunks - before.chunks)
      cells.set('beats', ++beats)
      if (beats % BEATS_PER_FLUSH === 0) lines.flush()
    },
  }
}

function createIssue(
  { level, shard, firstId }: LevelJob,
  { benchmark, template, prompts, promptSalt, wordbook, data }: ThreadSetup,
  send: Sender['send'],
  tally: Tally,
): LevelWorld['issue'] {
  const plan = createPlan(benchmark.workload, {
    seed: benchmark.seed,
    salt: promptSalt,
    level,
    wordbook: wordbook ?? averageWordbook(prompts.tokensPerWord),
    overheadTokens: prompts.overheadTokens,
    data,
    cancel: benchmark.cancel,
  })
  const nextRequest = createRequestSource({ ...template, api: serverApis[benchmark.api] }, plan, {
    ...shard,
    firstId,
  })
  return (phase, dueMs, onEnd, user) => {
    tally.issued()
    const { id, bytes, requestedInputTokens, requestedOutputTokens, cancelAfter } =
      nextRequest(user)
    // Field by field: with the prepared request spread, sends were late by 0.8 ms instead of 0.02 to 0.35 (p99, 2,000 a second).
    const request = {
      id,
      level,
      phase,
      dueMs,
      bytes,
      requestedInputTokens,
      requestedOutputTokens,
      cancelAfter,
    }
    send(request, (ended) => {
      tally.ended(ended)
      onEnd(endedAsMeant(ended.outcome))
    })
  }
}
