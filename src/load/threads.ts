import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { messageOf } from '../errors.ts'
import { packageRoot } from '../package-files.ts'
import type { FromThread, LevelJob, ThreadSetup, ToThread } from './measuring-thread.ts'
import type { HandOn } from './record-line.ts'
import type { LevelResult } from './run-level.ts'
import type { LevelEnd, WorkerHealth } from './run-log.ts'

/** How a thread's part of a level ended. */
type ShardEnd =
  | { readonly kind: 'ended'; readonly result: LevelResult; readonly health: WorkerHealth }
  | { readonly kind: 'died'; readonly reason: string }

/** Who hears of a thread while it runs its part of a level. */
interface ShardEars {
  readonly onLines: HandOn
  /** It issues nothing any more. */
  readonly onStopped: (ended: LevelEnd) => void
}

/** A measuring thread as the coordinator sees it. */
export interface MeasuringThread {
  /** Runs one part of a level; never rejects. */
  readonly runLevel: (job: LevelJob, ears: ShardEars) => Promise<ShardEnd>
  /** Ends the part under way; anything but `complete` also gives up what is in flight. */
  readonly stop: (ended: LevelEnd) => void
  /** Ends the thread where it stands; what it had not told is lost. */
  readonly kill: (reason: string) => void
  readonly close: () => Promise<void>
}

/** Starts a thread and resolves when it is ready. @throws Error when it cannot start */
export type SpawnThread = (setup: ThreadSetup) => Promise<MeasuringThread>

/** The built file, also when the sources run under test. */
const workerFile = join(packageRoot, 'dist', 'load', 'worker.js')
const CLOSE_AFTER_MS = 1_000
/**
 * Room for young objects, a sixth of what it is by default. What outlives a collection is copied in
 * one pause, so less room means shorter ones: 0.9 ms instead of 1.6 at 1,000 streams of 50 chunks a
 * second, 13 in 8 s instead of 7 (with eight times the room).
 */
const YOUNG_GENERATION_MB = 8

/** A worker thread of this process. */
export const spawnThread: SpawnThread = async (setup) => {
  const worker = new Worker(workerFile, {
    workerData: setup,
    resourceLimits: { maxYoungGenerationSizeMb: YOUNG_GENERATION_MB },
  })
  let ears: ShardEars | undefined
  let settle: ((end: ShardEnd) => void) | undefined
  let death: string | undefined
  const die = (reason: string): void => {
    death ??= reason
    settle?.({ kind: 'died', reason: death })
  }
  const exited = new Promise<void>((resolve) => worker.once('exit', () => resolve()))
  worker.on('error', (error) => die(messageOf(error)))
  worker.on('exit', (code) => die(`ended with code ${code}`))
  await new Promise<void>((resolve, reject) => {
    worker.once('message', () => resolve()) // ready
    worker.once('error', reject)
  })
  worker.on('message', (message: FromThread) => {
    switch (message.kind) {
      case 'ready':
        break
      case 'lines':
        ears?.onLines(message.block, message.records)
        break
      case 'stopped':
        ears?.onStopped(message.ended)
        break
      case 'level-end':
        settle?.({ kind: 'ended', result: message.result, health: message.health })
        break
    }
  })
  const post = (message: ToThread): void => worker.postMessage(message)
  return {
    runLevel: (job, listener) =>
      new Promise((resolve) => {
        ears = listener
        settle = resolve
        if (death === undefined) post({ kind: 'level', job })
        else resolve({ kind: 'died', reason: death })
      }),
    stop: (ended) => post({ kind: 'stop', ended }),
    kill: (reason) => {
      die(reason)
      void worker.terminate()
    },
    close: async () => {
      post({ kind: 'close' })
      const late = setTimeout(() => void worker.terminate(), CLOSE_AFTER_MS)
      await exited
      clearTimeout(late)
    },
  }
}
