import { type Clock, startClock } from '../load/clock.ts'

/** However far behind its timetable, the engine lets the server read requests this often. */
const TURN_MS = 1

/**
 * The clock an engine keeps its law on. Where something is due all the time it sleeps by timers
 * alone, up to two milliseconds late: to poll for the last of each wait, as the run's clock does,
 * would take a core from the client.
 */
export function engineClock({ dueAllTheTime }: { readonly dueAllTheTime: boolean }): Clock {
  const { clock } = startClock()
  const { nowMs } = clock
  const sleep: Clock['sleepUntil'] = dueAllTheTime
    ? (dueMs, signal) => sleepByTimer(dueMs - nowMs(), signal)
    : clock.sleepUntil
  let turnedMs = nowMs()
  return {
    nowMs,
    sleepUntil: async (dueMs, signal) => {
      if (nowMs() < dueMs) await sleep(dueMs, signal)
      else if (nowMs() - turnedMs < TURN_MS) return
      else await new Promise(setImmediate)
      turnedMs = nowMs()
    },
  }
}

function sleepByTimer(leftMs: number, signal?: AbortSignal): Promise<void> {
  if (signal?.aborted) return Promise.resolve()
  return new Promise((resolve) => {
    const finish = (): void => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', finish)
      resolve()
    }
    // A timer drops the fraction of a millisecond, and may not fire early.
    const timer = setTimeout(finish, Math.ceil(leftMs))
    signal?.addEventListener('abort', finish, { once: true })
  })
}
