import { performance } from 'node:perf_hooks'
import { NS_PER_MS } from '../units.ts'

/** The one clock of a run: monotonic, in ms since the run's epoch. Tests hand in their own. */
export interface Clock {
  readonly nowMs: () => number
  /** Resolves at `dueMs` or as soon after as possible, never before; at once when the signal aborts. */
  readonly sleepUntil: (dueMs: number, signal?: AbortSignal) => Promise<void>
}

/**
 * `setTimeout` fires up to a millisecond early or late, so the last stretch is spent polling the
 * event loop, which serves sockets meanwhile.
 */
const POLL_BEFORE_DUE_MS = 1.5
/**
 * Between two polls the thread does nothing for so long: each poll, and each look at the clock, leaves
 * garbage behind, and the pauses to collect it would make sends late. No longer than a read takes to be
 * noticed anyway (a median of 0.02 to 0.03 ms, `npm run bench`).
 */
const IDLE_MS = 0.02
/** Some 7 us between two looks at the clock, where it was measured: a send is late by no more for it. */
const IDLE_LOADS = 500
const idleCell = new Int32Array(new SharedArrayBuffer(4))

/** Bound, as a call of the method leaves twice the garbage in Node 20, and this is called for every socket read. */
const performanceNow = performance.now.bind(performance)

/** A clock started, and its zero on the two other clocks that a result may have to be compared with. */
export interface StartedClock {
  readonly clock: Clock
  /** Wall time, ISO 8601 UTC. */
  readonly epoch: string
  /** The operating system's monotonic clock, ms: what every process of this machine can read. */
  readonly epochMonotonicMs: number
}

/** A clock whose zero is the moment of the call. */
export function startClock(): StartedClock {
  // The first call of a process takes longer than all that follow: not between the two that must agree.
  monotonicMs()
  const epoch = new Date().toISOString()
  const epochMonotonicMs = monotonicMs()
  return { clock: clockFrom(epochMonotonicMs).clock, epoch, epochMonotonicMs }
}

/** Wall time of a clock's zero, ms since 1970, as the wall clock has it now. */
export function wallEpochMs({ nowMs }: Pick<Clock, 'nowMs'>): number {
  return Date.now() - nowMs()
}

/** How often two clocks are read after each other; the pair read fastest is the most exact. */
const CLOCK_READINGS = 32

/**
 * A clock of this thread with its zero at a moment of the operating system's monotonic clock, so that
 * all threads of a run share one epoch.
 *
 * @returns the clock, and by how much it may be off, ms
 */
export function clockFrom(epochMonotonicMs: number): { clock: Clock; errorMs: number } {
  let offsetMs = 0
  let spreadMs = Number.POSITIVE_INFINITY
  for (let i = 0; i < CLOCK_READINGS; i++) {
    const beforeMs = monotonicMs()
    const ownMs = performance.now()
    const afterMs = monotonicMs()
    if (afterMs - beforeMs >= spreadMs) continue
    spreadMs = afterMs - beforeMs
    offsetMs = (beforeMs + afterMs) / 2 - ownMs - epochMonotonicMs
  }
  const nowMs = (): number => performanceNow() + offsetMs
  const clock: Clock = { nowMs, sleepUntil: (dueMs, signal) => sleepUntil(nowMs, dueMs, signal) }
  return { clock, errorMs: spreadMs / 2 }
}

/** Does nothing until a moment very near has passed, and gives what the clock said then. */
function idleUntil(nowMs: () => number, untilMs: number): number {
  for (;;) {
    for (let i = 0; i < IDLE_LOADS; i++) Atomics.load(idleCell, 0)
    const ms = nowMs()
    if (ms >= untilMs) return ms
  }
}

function monotonicMs(): number {
  return Number(process.hrtime.bigint()) / NS_PER_MS
}

/** Longest delay that a timer takes; a longer one would fire at once. */
export const MAX_TIMER_MS = 2 ** 31 - 1
/** So many sleeps that were over before they began, and the event loop gets its turn. */
const LATE_SLEEPS_IN_A_ROW = 16
let lateSleeps = 0

function sleepUntil(nowMs: () => number, dueMs: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    let timer: NodeJS.Timeout | undefined
    const finish = (): void => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', finish)
      resolve()
    }
    const wait = (): void => {
      const startedMs = nowMs()
      const leftMs = dueMs - startedMs
      if (leftMs <= 0 || signal?.aborted) finish()
      else if (leftMs > POLL_BEFORE_DUE_MS)
        timer = setTimeout(wait, Math.min(leftMs - POLL_BEFORE_DUE_MS, MAX_TIMER_MS))
      else if (idleUntil(nowMs, Math.min(dueMs, startedMs + IDLE_MS)) >= dueMs) finish()
      else setImmediate(wait)
    }
    signal?.addEventListener('abort', finish, { once: true })
    // Someone who is always late would never let answers, timers and signals in.
    const late = dueMs <= nowMs() && ++lateSleeps % LATE_SLEEPS_IN_A_ROW === 0
    if (late) setImmediate(wait)
    else wait()
  })
}
