import { setMaxListeners } from 'node:events'
import type { Random } from '../random.ts'
import { MS_PER_S } from '../units.ts'
import { arrivalsMs, type OpenLevel } from './arrivals.ts'
import type { LoadLevel } from './benchmark.ts'
import type { Clock } from './clock.ts'
import type { RequestRecord } from './record.ts'
import type { LevelLog } from './run-log.ts'
import type { SharedLevel } from './shared-level.ts'

/** One load level to run: for `durationS`, or until `requests` are issued, whichever comes first. */
export interface LevelPlan {
  readonly load: LoadLevel
  readonly warmupS: number
  readonly durationS?: number
  readonly requests?: number
  readonly drainS: number
  /** Draws the timetable of an open loop: the same in every shard. */
  readonly random: Random
  /** When the requests of the workload's trace are due, ms after its first; for a load of kind `trace`. */
  readonly traceMs?: ArrayLike<number>
  /** The same in every shard; may lie a little ahead. */
  readonly startMs: number
  /** Users `index`, `index + count` ... of a closed loop are this shard's, and so are such arrivals of an open one. */
  readonly shard: Shard
}

export interface Shard {
  readonly index: number
  readonly count: number
}

/** Hears whether a request ended as it was meant to. */
type OnEnd = (asMeant: boolean) => void

/** All that a level needs of the world. */
export interface LevelWorld {
  readonly clock: Clock
  /**
   * Sends one request, of a user where the loop is closed. `onEnd` is called once, with whether the
   * request ended as it was meant to, and not before `issue` returned when it did.
   */
  readonly issue: (
    phase: RequestRecord['phase'],
    dueMs: number | undefined,
    onEnd: OnEnd,
    user?: number,
  ) => void
  readonly cancelAll: () => void
  readonly shared: Pick<SharedLevel, 'takeRequest' | 'takePlace' | 'leavePlace'>
  /**
   * Aborted, with what ended the level as its reason, when it is to stop: `complete` when another
   * shard found no request left, and anything else also gives up what is in flight.
   */
  readonly signal: AbortSignal
  /** Called once, when this shard issues nothing any more. */
  readonly onStop?: (ended: LevelLog['ended']) => void
}

type ClosedLevel = Extract<LoadLevel, { kind: 'closed' }>

export type LevelResult = Omit<LevelLog, 'level' | 'load' | 'health' | 'lostWorkers'>

/** A closed loop against a server that fails at once would spin; each user waits this long after a failure. */
const PAUSE_AFTER_FAILURE_MS = 250
/** So many failures in a row, and no success for so long, and the level is given up. */
const HOPELESS_FAILURES = 20
const HOPELESS_AFTER_MS = 10_000
/** Part of the warm-up over which a closed loop's users arrive, so that they do not start in step. */
const RAMP_SHARE_OF_WARMUP = 0.5
/** How often a full shard looks whether another one left a place. */
const PLACE_CHECK_MS = 1

/** What one shard of a level is doing. */
interface Progress {
  readonly windowStartMs: number
  /** End of the window by duration; unknown when only a count bounds it. */
  readonly plannedEndMs: number | undefined
  readonly issuing: AbortController
  windowEndMs: number | undefined
  ended: LevelResult['ended']
  issued: number
  inFlight: number
  heldBack: number
  neverSent: number
  failuresInARow: number
  lastSuccessMs: number | undefined
  /** Called when a request ended. */
  onLeft: () => void
}

/** Runs warm-up, measured window and drain of one level, or of a shard of it. */
export async function runLevel(plan: LevelPlan, world: LevelWorld): Promise<LevelResult> {
  const progress = begin(plan)
  const onStop = (): void => {
    const ended = world.signal.reason as LevelResult['ended']
    stop(progress, world, world.clock.nowMs(), ended)
    if (ended !== 'complete') world.cancelAll()
  }
  if (world.signal.aborted) onStop()
  world.signal.addEventListener('abort', onStop, { once: true })
  const done = new AbortController()
  const watch = drain(plan, progress, world, done.signal)
  await (plan.load.kind === 'closed'
    ? runClosed(plan.load, plan, progress, world)
    : runOpen(plan.load, plan, progress, world))
  done.abort()
  await watch
  world.signal.removeEventListener('abort', onStop)
  const { windowStartMs, issued, heldBack, neverSent, ended } = progress
  const endMs = world.clock.nowMs()
  return {
    startMs: plan.startMs,
    windowStartMs,
    windowEndMs: Math.max(windowStartMs, progress.windowEndMs ?? endMs),
    endMs,
    issued,
    ...(heldBack > 0 ? { heldBack } : {}),
    ...(neverSent > 0 ? { neverSent } : {}),
    ended,
  }
}

function begin(plan: LevelPlan): Progress {
  const windowStartMs = plan.startMs + plan.warmupS * MS_PER_S
  const issuing = new AbortController()
  setMaxListeners(0, issuing.signal) // Every user sleeps on it.
  return {
    windowStartMs,
    plannedEndMs:
      plan.durationS === undefined ? undefined : windowStartMs + plan.durationS * MS_PER_S,
    issuing,
    windowEndMs: undefined,
    ended: 'complete',
    issued: 0,
    inFlight: 0,
    heldBack: 0,
    neverSent: 0,
    failuresInARow: 0,
    lastSuccessMs: undefined,
    onLeft: () => {},
  }
}

/** Ends the window: no request is issued after this. */
function stop(
  progress: Progress,
  world: LevelWorld,
  atMs: number,
  ended: LevelResult['ended'] = 'complete',
): void {
  if (progress.issuing.signal.aborted) return
  progress.windowEndMs = Math.min(atMs, progress.plannedEndMs ?? atMs)
  progress.ended = ended
  progress.issuing.abort()
  world.onStop?.(ended)
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
    if (!done.aborted) stop(progress, world, progress.plannedEndMs)
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
  const rampMs = plan.warmupS * MS_PER_S * RAMP_SHARE_OF_WARMUP
  const { index, count } = plan.shard
  const users: Promise<void>[] = []
  for (let user = index; user < load.concurrency; user += count) {
    const arrivesMs = plan.startMs + (rampMs * user) / load.concurrency
    users.push(runUser({ user, arrivesMs }, load, plan, progress, world))
  }
  await Promise.all(users)
  // A shard without a user must not end the level of those who have one.
  if (users.length > 0) stop(progress, world, world.clock.nowMs())
}

/** One user, from arrival to the end of the window: asks, waits for the answer, asks again. */
function runUser(
  { user, arrivesMs }: { readonly user: number; readonly arrivesMs: number },
  load: ClosedLevel,
  plan: LevelPlan,
  progress: Progress,
  world: LevelWorld,
): Promise<void> {
  const { clock } = world
  return new Promise((leave) => {
    const ask = (): void => {
      const nowMs = clock.nowMs()
      if (!isOpen(progress, nowMs) || !takeRequest(plan, progress, world, nowMs)) leave()
      else issue(progress, world, phaseAt(nowMs, progress), undefined, onEnd, user)
    }
    const pause = (asMeant: boolean): void => {
      const pauseMs = asMeant ? (load.thinkS ?? 0) * MS_PER_S : PAUSE_AFTER_FAILURE_MS
      if (pauseMs === 0) ask()
      else void clock.sleepUntil(clock.nowMs() + pauseMs, progress.issuing.signal).then(ask)
    }
    const onEnd = endedThen(pause, progress, world)
    void clock.sleepUntil(arrivesMs, progress.issuing.signal).then(ask)
  })
}

/** Finding none left closes the window. */
function takeRequest(
  plan: LevelPlan,
  progress: Progress,
  world: LevelWorld,
  atMs: number,
): boolean {
  if (plan.requests === undefined || phaseAt(atMs, progress) === 'warm-up') return true
  if (world.shared.takeRequest(plan.requests)) return true
  stop(progress, world, atMs)
  return false
}

/**
 * Keeps to the timetable whatever the server does: sending never waits for an answer. Every shard
 * walks the whole of it and sends what is its own, so all agree on where the count ends.
 */
async function runOpen(
  load: OpenLevel,
  plan: LevelPlan,
  progress: Progress,
  world: LevelWorld,
): Promise<void> {
  const { index, count } = plan.shard
  const onEnd = endedThen(world.shared.leavePlace, progress, world)
  const mostMeasured = plan.requests ?? Number.POSITIVE_INFINITY
  let k = 0
  let measured = 0
  let lastDueMs = plan.startMs
  for (const offsetMs of arrivalsMs(load, plan.random, plan.traceMs)) {
    const dueMs = plan.startMs + offsetMs
    lastDueMs = dueMs
    const beyond = dueMs >= (progress.plannedEndMs ?? Number.POSITIVE_INFINITY)
    // Counted in every turn: code that runs for the first time when the window begins has yet to be compiled.
    measured += phaseAt(dueMs, progress) === 'measured' ? 1 : 0
    const countReached = measured > mostMeasured
    if (k++ % count !== index && !beyond && !countReached) continue
    await world.clock.sleepUntil(dueMs, progress.issuing.signal)
    if (beyond || countReached) {
      stop(progress, world, dueMs)
      break
    }
    const sent = await sendDue(load, dueMs, onEnd, progress, world)
    if (!sent && progress.ended !== 'complete') break
    if (!sent) progress.neverSent++
  }
  // A timetable that is at its end: every shard waits for the last request's time, its own or not.
  await world.clock.sleepUntil(lastDueMs, progress.issuing.signal)
  stop(progress, world, lastDueMs)
  if (progress.inFlight > 0) await allEnded(progress)
}

/** Sends what is due, as soon as there is a place for it. False when the window was over by then. */
async function sendDue(
  load: OpenLevel,
  dueMs: number,
  onEnd: OnEnd,
  progress: Progress,
  world: LevelWorld,
): Promise<boolean> {
  const { clock, shared } = world
  const limit = load.maxInFlight ?? Number.POSITIVE_INFINITY
  if (!isOpen(progress, clock.nowMs())) {
    stop(progress, world, clock.nowMs())
    return false
  }
  if (!shared.takePlace(limit)) {
    progress.heldBack++
    do {
      await oneLeft(progress, clock)
      if (progress.issuing.signal.aborted) return false
    } while (!shared.takePlace(limit))
  }
  if (!isOpen(progress, clock.nowMs())) {
    shared.leavePlace()
    stop(progress, world, clock.nowMs())
    return false
  }
  issue(progress, world, phaseAt(dueMs, progress), dueMs, onEnd)
  return true
}

/** Resolves when a request ended, or soon: another shard may have left a place. */
function oneLeft(progress: Progress, clock: Clock): Promise<void> {
  const woken = new AbortController()
  progress.onLeft = () => woken.abort()
  return clock.sleepUntil(clock.nowMs() + PLACE_CHECK_MS, woken.signal)
}

function allEnded(progress: Progress): Promise<void> {
  return new Promise((resolve) => {
    progress.onLeft = () => {
      if (progress.inFlight === 0) resolve()
    }
  })
}

function phaseAt(ms: number, { windowStartMs }: Progress): RequestRecord['phase'] {
  return ms < windowStartMs ? 'warm-up' : 'measured'
}

/** Whether requests may still be issued at that moment. */
function isOpen({ issuing, plannedEndMs }: Progress, atMs: number): boolean {
  return !issuing.signal.aborted && (plannedEndMs === undefined || atMs < plannedEndMs)
}

function issue(
  progress: Progress,
  world: LevelWorld,
  phase: RequestRecord['phase'],
  dueMs: number | undefined,
  onEnd: OnEnd,
  user?: number,
): void {
  progress.issued++
  progress.inFlight++
  world.issue(phase, dueMs, onEnd, user)
}

/** What to do at the end of each request of a user, or of an open loop: made once, not for every request. */
function endedThen(then: OnEnd, progress: Progress, world: LevelWorld): OnEnd {
  return (asMeant) => {
    progress.inFlight--
    note(asMeant, progress, world)
    then(asMeant)
    progress.onLeft()
  }
}

function note(asMeant: boolean, progress: Progress, world: LevelWorld): void {
  const nowMs = world.clock.nowMs()
  progress.failuresInARow = asMeant ? 0 : progress.failuresInARow + 1
  if (asMeant) progress.lastSuccessMs = nowMs
  const silent =
    progress.lastSuccessMs === undefined || nowMs - progress.lastSuccessMs >= HOPELESS_AFTER_MS
  if (silent && progress.failuresInARow >= HOPELESS_FAILURES) {
    stop(progress, world, nowMs, 'too-many-failures')
    world.cancelAll()
  }
}
