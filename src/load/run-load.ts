import { MS_PER_S } from '../units.ts'
import { type Benchmark, type LoadLevel, levelsOf } from './benchmark.ts'
import { type Clock, wallEpochMs } from './clock.ts'
import { watchClient } from './health.ts'
import type { Journal } from './journal.ts'
import type { ThreadSetup } from './measuring-thread.ts'
import { yieldHelperThreads } from './priority.ts'
import type { LevelResult } from './run-level.ts'
import type { LevelEnd, LevelLog } from './run-log.ts'
import { type SharedLevel, shareLevel } from './shared-level.ts'
import { type MeasuringThread, type SpawnThread, spawnThread } from './threads.ts'
import { shardsOf } from './worker-count.ts'

/** How far a level has come, for the live view. */
export interface LevelProgress {
  readonly ended: number
  readonly errors: number
  readonly chunks: number
}

/** All that a run needs of the world, and who hears of it. */
export interface LoadWorld {
  readonly clock: Clock
  readonly setup: Omit<ThreadSetup, 'benchmark'>
  /** How many measuring threads a level is to have. */
  readonly workersFor: (load: LoadLevel) => number
  readonly journal: Pick<Journal, 'append' | 'failed'>
  /**
   * What comes after the levels so far; nothing when that is all. Those of the benchmark, one after the
   * other, when absent. Asked while no load runs, and not after an interrupt or a dead thread.
   */
  readonly nextLevel?: (done: readonly LevelLog[]) => Promise<LoadLevel | undefined>
  readonly signal: AbortSignal
  readonly onLevelStart: (level: number, load: LoadLevel) => void
  /** Called several times a second. */
  readonly onProgress: (progress: LevelProgress) => void
  readonly onLevelEnd: (log: LevelLog) => void
  /** Where tests put threads of their own. */
  readonly spawn?: SpawnThread
}

/** Between the order to start and the start, so that no thread is late for it. */
const LEAD_MS = 10
const WATCH_MS = 250
/** A thread that moved for so long neither a timer nor a request is given up. */
const SILENT_AFTER_MS = 10_000
/** Beyond the longest timer: nothing that works is silent for longer. */
const NO_PROGRESS_MARGIN_MS = 30_000

/** Runs the load levels of a benchmark one after another; stops early when interrupted or hopeless. */
export async function runLoad(benchmark: Benchmark, world: LoadWorld): Promise<LevelLog[]> {
  const planned = levelsOf(benchmark.load)
  const nextLevel = world.nextLevel ?? (async (done) => planned[done.length])
  const shardsFor = (load: LoadLevel): number => shardsOf(load, world.workersFor(load))
  const signal = AbortSignal.any([world.signal, world.journal.failed])
  const logs: LevelLog[] = []
  if (signal.aborted) return logs
  const spawn = world.spawn ?? spawnThread
  yieldHelperThreads()
  const spawnMore = (count: number): Promise<MeasuringThread[]> =>
    Promise.all(Array.from({ length: count }, () => spawn({ ...world.setup, benchmark })))
  // What a search will need shows as it goes.
  const threads = await spawnMore(world.nextLevel ? 0 : Math.max(...planned.map(shardsFor)))
  try {
    let firstId = 0
    for (;;) {
      const load = signal.aborted ? undefined : await nextLevel(logs)
      if (load === undefined) break
      const level = logs.length
      const shards = shardsFor(load)
      threads.push(...(await spawnMore(Math.max(0, shards - threads.length))))
      if (signal.aborted) break
      world.onLevelStart(level, load)
      const part = { level, load, firstId, threads: threads.slice(0, shards) }
      const { log, nextId } = await runOne(benchmark, part, { ...world, signal })
      firstId = nextId
      logs.push(log)
      world.onLevelEnd(log)
      if (!mayGoOn(log.ended, world)) break
    }
  } finally {
    await Promise.all(threads.map((thread) => thread.close()))
  }
  return logs
}

/** A search looks for where a server fails, so failed requests do not end it. A thread that died, or may be stuck, does. */
function mayGoOn(ended: LevelEnd, { nextLevel }: LoadWorld): boolean {
  return ended === 'complete' || (ended === 'too-many-failures' && nextLevel !== undefined)
}

/** A level, and the threads that share it. */
interface LevelPart {
  readonly level: number
  readonly load: LoadLevel
  readonly firstId: number
  readonly threads: readonly MeasuringThread[]
}

async function runOne(
  benchmark: Benchmark,
  { level, load, firstId, threads }: LevelPart,
  world: LoadWorld,
): Promise<{ log: LevelLog; nextId: number }> {
  const count = threads.length
  const shared = shareLevel(count)
  const startMs = world.clock.nowMs() + LEAD_MS
  const healthOf = watchClient(world.clock)
  const wallStartMs = wallEpochMs(world.clock)
  const received = threads.map(() => 0)

  const stopAll = (ended: LevelEnd): void => {
    for (const thread of threads) thread.stop(ended)
  }
  const onInterrupt = (): void => stopAll('interrupted')
  world.signal.addEventListener('abort', onInterrupt, { once: true })
  const endWatch = watchProgress(benchmark, shared, threads, world, stopAll)
  const ends = threads.map((thread, index) =>
    thread
      .runLevel(
        { level, load, startMs, firstId, shard: { index, count }, memory: shared.memory },
        {
          onLines: (block, records) => {
            received[index] = (received[index] ?? 0) + records
            world.journal.append(block)
          },
          onStopped: (ended) => {
            // Shards of an open loop agree on the end by themselves.
            if (ended !== 'complete' || load.kind === 'closed') stopAll(ended)
          },
        },
      )
      .then((end) => {
        if (end.kind === 'died') stopAll('worker-died')
        return end
      }),
  )
  const all = await Promise.all(ends)
  endWatch()
  world.signal.removeEventListener('abort', onInterrupt)

  const told = all.filter((end) => end.kind === 'ended')
  const issued = threads.map((_, shard) => shared.ofShard(shard).get('issued'))
  const lostWorkers = all.flatMap((end, worker) =>
    end.kind === 'died'
      ? [
          {
            worker,
            reason: end.reason,
            lostRequests: (issued[worker] ?? 0) - (received[worker] ?? 0),
          },
        ]
      : [],
  )
  const windowStartMs = startMs + benchmark.warmupS * MS_PER_S
  const log: LevelLog = {
    level,
    load,
    ...mergeShards(
      told.map(({ result }) => result),
      { startMs, windowStartMs, endMs: world.clock.nowMs() },
    ),
    issued: issued.reduce((total, each) => total + each, 0),
    ...(lostWorkers.length > 0 ? { ended: 'worker-died', lostWorkers } : {}),
    health: healthOf(told.map(({ health }) => health)),
    wallEpochMs: { start: wallStartMs, end: wallEpochMs(world.clock) },
  }
  return { log, nextId: firstId + count * Math.max(...issued) }
}

/** One level from its shards; `fallback` is for one of which no shard lived to tell. */
function mergeShards(
  shards: readonly LevelResult[],
  fallback: Pick<LevelLog, 'startMs' | 'windowStartMs' | 'endMs'>,
): Omit<LevelResult, 'issued'> {
  const total = (of: (shard: LevelResult) => number | undefined): number =>
    shards.reduce((sum, shard) => sum + (of(shard) ?? 0), 0)
  const heldBack = total((shard) => shard.heldBack)
  const neverSent = total((shard) => shard.neverSent)
  const endMs = Math.max(...shards.map((shard) => shard.endMs))
  return {
    ...fallback,
    ...(shards.length > 0 ? { endMs } : {}),
    windowEndMs: Math.min(
      Math.max(fallback.windowStartMs, fallback.endMs),
      ...shards.map((shard) => shard.windowEndMs),
    ),
    ...(heldBack > 0 ? { heldBack } : {}),
    ...(neverSent > 0 ? { neverSent } : {}),
    ended: shards.find(({ ended }) => ended !== 'complete')?.ended ?? 'complete',
  }
}

/** Looks after the shards of a level while they run: tells how far they are, and gives up what is stuck. */
function watchProgress(
  { timeouts }: Benchmark,
  shared: SharedLevel,
  threads: readonly MeasuringThread[],
  { clock, onProgress }: LoadWorld,
  stopAll: (ended: LevelEnd) => void,
): () => void {
  const cells = threads.map((_, shard) => shared.ofShard(shard))
  const sum = (cell: Parameters<(typeof cells)[number]['get']>[0]): number =>
    cells.reduce((total, { get }) => total + get(cell), 0)
  const { connectMs, firstTokenMs, idleMs } = timeouts
  const patienceMs = Math.max(connectMs, firstTokenMs, idleMs) + NO_PROGRESS_MARGIN_MS
  const moved = createStillness(clock)
  const beats = threads.map(() => createStillness(clock))
  const progressNow = (): LevelProgress => ({
    ended: sum('ended'),
    errors: sum('errors'),
    chunks: sum('chunks'),
  })
  const timer = setInterval(() => {
    const progress = progressNow()
    onProgress(progress)
    const inFlight = sum('issued') > progress.ended
    if (moved(progress.ended + sum('reads')) > patienceMs && inFlight) stopAll('no-progress')
    for (const [shard, still] of beats.entries()) {
      if (still(cells[shard]?.get('beats') ?? 0) > SILENT_AFTER_MS)
        threads[shard]?.kill(`did not answer for ${SILENT_AFTER_MS / MS_PER_S} s`)
    }
  }, WATCH_MS)
  return () => {
    clearInterval(timer)
    onProgress(progressNow())
  }
}

/** For how long a value has not changed, ms. */
function createStillness(clock: Clock): (value: number) => number {
  let last: number | undefined
  let sinceMs = clock.nowMs()
  return (value) => {
    if (value !== last) sinceMs = clock.nowMs()
    last = value
    return clock.nowMs() - sinceMs
  }
}
