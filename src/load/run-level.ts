import { setMaxListeners } from 'node:events'
import type { Random } from '../random.ts'
import { MS_PER_S } from '../units.ts'
import { arrivalsMs, type OpenLevel } from './arrivals.ts'
import type { LoadLevel } from './benchmark.ts'
import type { Clock } from './clock.ts'
import type { RequestRecord } from './record.ts'
import type { LevelLog } from './run-log.ts'

/** One load level to run: for `durationS`, or until `requests` are issued, whichever comes first. */
export interface LevelPlan {
  readonly load: LoadLevel
  readonly warmupS: number
  readonly durationS?: number
  readonly requests?: number
  readonly drainS: number
  /** Draws the timetable of an open loop. */
  readonly random: Random
}

/** All that a level needs of the world. `issue` sends one request and never rejects. */
export interface LevelWorld {
  readonly clock: Clock
  readonly issue: (phase: RequestRecord['phase'], dueMs?: number) => Promise<RequestRecord>
  readonly cancelAll: () => void
  /** Aborted when the user interrupts. */
  readonly signal: AbortSignal
}

type ClosedLevel = Extract<LoadLevel, { kind: 'closed' }>

export type LevelResult = Omit<LevelLog, 'level' | 'load' | 'health'>

/** A closed loop against a server that fails at once would spin; each user waits this long after a failure. */
const PAUSE_AFTER_FAILURE_MS = 250
/** So many failures in a row, and no success for so long, and the level is given up. */
const HOPELESS_FAILURES = 20
const HOPELESS_AFTER_MS = 10_000
/** Part of the warm-up over which a closed loop's users arrive, so that they do not start in step. */
const RAMP_SHARE_OF_WARMUP = 0.5

/** What one level is doing. */
interface Progress {
  readonly startMs: number
  readonly windowStartMs: number
  /** End of the window by duration; unknown when only a count bounds it. */
  readonly plannedEndMs: number | undefined
  readonly issuing: AbortController
  windowEndMs: number | undefined
  ended: LevelResult['ended']
  issued: number
  heldBack: number
  neverSent: number
  measured: number
  failuresInARow: number
  lastSuccessMs: number | undefined
}

/** Runs warm-up, measured window and drain of one level. */
export async function runLevel(plan: LevelPlan, world: LevelWorld): Promise<LevelResult> {
  const progress = begin(plan, world.clock.nowMs())
  const onInterrupt = (): void => {
    stop(progress, world.clock.nowMs(), 'interrupted')
    world.cancelAll()
  }
  if (world.signal.aborted) onInterrupt()
  world.signal.addEventListener('abort', onInterrupt, { once: true })
  const done = new AbortController()
  const watch = drain(plan, progress, world, done.signal)
  await (plan.load.kind === 'closed'
    ? runClosed(plan.load, plan, progress, world)
    : runOpen(plan.load, plan, progress, world))
  done.abort()
  await watch
  world.signal.removeEventListener('abort', onInterrupt)
  const { startMs, windowStartMs, issued, heldBack, neverSent, ended } = progress
  const endMs = world.clock.nowMs()
  return {
    startMs,
    windowStartMs,
    windowEndMs: Math.max(windowStartMs, progress.windowEndMs ?? endMs),
    endMs,
    issued,
    ...(heldBack > 0 ? { heldBack } : {}),
    ...(neverSent > 0 ? { neverSent } : {}),
    ended,
  }
}

function begin(plan: LevelPlan, nowMs: number): Progress {
  const windowStartMs = nowMs + plan.warmupS * MS_PER_S
  const issuing = new AbortController()
  setMaxListeners(0, issuing.signal) // Every user sleeps on it.
  return {
    startMs: nowMs,
    windowStartMs,
    plannedEndMs:
      plan.durationS === undefined ? undefined : windowStartMs + plan.durationS * MS_PER_S,
    issuing,
    windowEndMs: undefined,
    ended: 'complete',
    issued: 0,
    heldBack: 0,
    neverSent: 0,
    measured: 0,
    failuresInARow: 0,
    lastSuccessMs: undefined,
  }
}

/** Ends the window: no request is issued after this. */
function stop(progress: Progress, atMs: number, ended: LevelResult['ended'] = 'complete'): void {
  if (progress.issuing.signal.aborted) return
  progress.windowEndMs = Math.min(atMs, progress.plannedEndMs ?? atMs)
  progress.ended = ended
  progress.issuing.abort()
}

/** Closes the window when its time is up, then gives what is in flight `drainS` to finish. */
async function drain(
  plan: LevelPlan,
  progress: Progress,
  world: LevelWorld,
  done: AbortSignal,
): Promise<void> {
  const { clock } = world
  const stopped = progress.issuing.signal
  if (progress.plannedEndMs !== undefined) {
    await clock.sleepUntil(progress.plannedEndMs, AbortSignal.any([stopped, done]))
    if (!done.aborted) stop(progress, progress.plannedEndMs)
  } else if (!stopped.aborted) {
    await new Promise((resolve) => stopped.addEventListener('abort', resolve, { once: true }))
  }
  if (done.aborted) return
  await clock.sleepUntil(clock.nowMs() + plan.drainS * MS_PER_S, done)
  if (!done.aborted) world.cancelAll()
}

async function runClosed(
  load: ClosedLevel,
  plan: LevelPlan,
  progress: Progress,
  world: LevelWorld,
): Promise<void> {
  const users = load.concurrency
  const rampMs = plan.warmupS * MS_PER_S * RAMP_SHARE_OF_WARMUP
  const runUser = async (user: number): Promise<void> => {
    await world.clock.sleepUntil(
      progress.startMs + (rampMs * user) / users,
      progress.issuing.signal,
    )
    while (mayIssue(plan, progress, world.clock.nowMs())) {
      const record = await issue(progress, world)
      const pauseMs =
        record.outcome.kind === 'completed' ? (load.thinkS ?? 0) * MS_PER_S : PAUSE_AFTER_FAILURE_MS
      if (pauseMs > 0)
        await world.clock.sleepUntil(world.clock.nowMs() + pauseMs, progress.issuing.signal)
    }
  }
  await Promise.all(Array.from({ length: users }, (_, user) => runUser(user)))
  stop(progress, world.clock.nowMs())
}

/** Keeps to the timetable whatever the server does: sending never waits for an answer. */
async function runOpen(
  load: OpenLevel,
  plan: LevelPlan,
  progress: Progress,
  world: LevelWorld,
): Promise<void> {
  const places = createPlaces(load.maxInFlight ?? Number.POSITIVE_INFINITY)
  const requests: Promise<void>[] = []
  for (const offsetMs of arrivalsMs(load, plan.random)) {
    const dueMs = progress.startMs + offsetMs
    await world.clock.sleepUntil(dueMs, progress.issuing.signal)
    if (mayIssue(plan, progress, dueMs) && places.full()) {
      progress.heldBack++
      await places.oneLeft()
    }
    const inTime = world.clock.nowMs() < (progress.plannedEndMs ?? Number.POSITIVE_INFINITY)
    if (inTime && mayIssue(plan, progress, dueMs)) {
      places.take()
      requests.push(issue(progress, world, dueMs).then(places.leave))
    } else if (isStillDue(plan, progress, dueMs)) {
      stop(progress, world.clock.nowMs())
      progress.neverSent++
    } else break
  }
  stop(progress, world.clock.nowMs())
  await Promise.all(requests)
}

/** Whether the window was to hold the request, though it closed before the client got to it. */
function isStillDue(plan: LevelPlan, progress: Progress, dueMs: number): boolean {
  const { plannedEndMs } = progress
  if (progress.ended !== 'complete' || countReached(plan, progress)) return false
  return plannedEndMs !== undefined && dueMs < plannedEndMs
}

/** Counts the requests under way against a limit. */
function createPlaces(limit: number) {
  let taken = 0
  let wake: (() => void) | undefined
  return {
    full: () => taken >= limit,
    take: () => {
      taken++
    },
    leave: () => {
      taken--
      wake?.()
      wake = undefined
    },
    /** Resolves when the next request ends. */
    oneLeft: () =>
      new Promise<void>((resolve) => {
        wake = resolve
      }),
  }
}

/** Whether a request may start at that moment. Finding the count reached closes the window. */
function mayIssue(plan: LevelPlan, progress: Progress, atMs: number): boolean {
  if (progress.issuing.signal.aborted) return false
  if (progress.plannedEndMs !== undefined && atMs >= progress.plannedEndMs) return false
  if (!countReached(plan, progress)) return true
  stop(progress, atMs)
  return false
}

function countReached(plan: LevelPlan, progress: Progress): boolean {
  return plan.requests !== undefined && progress.measured >= plan.requests
}

async function issue(
  progress: Progress,
  world: LevelWorld,
  dueMs?: number,
): Promise<RequestRecord> {
  const phase = (dueMs ?? world.clock.nowMs()) < progress.windowStartMs ? 'warm-up' : 'measured'
  progress.issued++
  if (phase === 'measured') progress.measured++
  const record = await world.issue(phase, dueMs)
  note(record, progress, world)
  return record
}

function note(record: RequestRecord, progress: Progress, world: LevelWorld): void {
  const succeeded = record.outcome.kind === 'completed'
  const nowMs = world.clock.nowMs()
  progress.failuresInARow = succeeded ? 0 : progress.failuresInARow + 1
  if (succeeded) progress.lastSuccessMs = nowMs
  const silent =
    progress.lastSuccessMs === undefined || nowMs - progress.lastSuccessMs >= HOPELESS_AFTER_MS
  if (silent && progress.failuresInARow >= HOPELESS_FAILURES) {
    stop(progress, nowMs, 'too-many-failures')
    world.cancelAll()
  }
}
