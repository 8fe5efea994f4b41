import { performance } from 'node:perf_hooks'

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

/** A clock whose zero is the moment of the call, and the wall time of that moment. */
export function startClock(): { clock: Clock; epoch: string } {
  const epoch = new Date().toISOString()
  const startedMs = performance.now()
  const nowMs = (): number => performance.now() - startedMs
  return {
    clock: { nowMs, sleepUntil: (dueMs, signal) => sleepUntil(nowMs, dueMs, signal) },
    epoch,
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
