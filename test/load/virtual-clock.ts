import type { Clock } from '../../src/load/clock.ts'

/** A clock that stands still until everyone waits, and then jumps to the next moment somebody waits for. */
export interface VirtualClock extends Clock {
  /** Lets time pass until the work is done. `beforeJump` sees each state of the world that lasts. */
  readonly run: <T>(work: Promise<T>, beforeJump?: (nowMs: number) => void) => Promise<T>
}

interface Sleeper {
  readonly dueMs: number
  readonly wake: () => void
}

export function virtualClock(): VirtualClock {
  let nowMs = 0
  const sleepers = new Set<Sleeper>()

  const sleepUntil = (dueMs: number, signal?: AbortSignal): Promise<void> =>
    new Promise((resolve) => {
      if (dueMs <= nowMs || signal?.aborted) {
        resolve()
        return
      }
      const wake = (): void => {
        sleepers.delete(sleeper)
        signal?.removeEventListener('abort', wake)
        resolve()
      }
      const sleeper = { dueMs, wake }
      sleepers.add(sleeper)
      signal?.addEventListener('abort', wake, { once: true })
    })

  const run = async <T>(work: Promise<T>, beforeJump?: (nowMs: number) => void): Promise<T> => {
    let settled = false
    const settle = (): void => {
      settled = true
    }
    work.then(settle, settle)
    for (;;) {
      await everyPromiseIdle()
      if (settled) return work
      const next = earliest(sleepers)
      if (next === undefined) throw new Error(`stuck at ${nowMs} ms: nobody waits for a moment`)
      if (next.dueMs > nowMs) beforeJump?.(nowMs)
      nowMs = next.dueMs
      next.wake()
    }
  }

  return { nowMs: () => nowMs, sleepUntil, run }
}

/** The first in line of those due first. */
function earliest(sleepers: ReadonlySet<Sleeper>): Sleeper | undefined {
  let first: Sleeper | undefined
  for (const sleeper of sleepers) {
    if (first === undefined || sleeper.dueMs < first.dueMs) first = sleeper
  }
  return first
}

/** Node runs every promise callback, and those that they queue, before the next immediate. */
function everyPromiseIdle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
