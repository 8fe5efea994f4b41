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
  const epoch = new Date().toISOString()
  const epochMonotonicMs = Number(process.hrtime.bigint()) / NS_PER_MS
  const startedMs = performance.now()
  const nowMs = (): number => performance.now() - startedMs
  return {
    clock: { nowMs, sleepUntil: (dueMs, signal) => sleepUntil(nowMs, dueMs, signal) },
    epoch,
    epochMonotonicMs,
  }
}

function sleepUntil(nowMs: () => number, dueMs: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    let timer: NodeJS.Timeout | undefined
    const finish = (): void => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', finish)
      resolve()
    }
    const wait = (): void => {
      const leftMs = dueMs - nowMs()
      if (leftMs <= 0 || signal?.aborted) finish()
      else if (leftMs > POLL_BEFORE_DUE_MS) timer = setTimeout(wait, leftMs - POLL_BEFORE_DUE_MS)
      else setImmediate(wait)
    }
    signal?.addEventListener('abort', finish, { once: true })
    wait()
  })
}
