import type { Clock } from '../../src/load/clock.ts'

interface Sleeper {
  readonly dueMs: number
  readonly wake: () => void
}

/** A clock that only moves in `run`, from one sleeper to the next. */
export function virtualClock(): { clock: Clock; run: () => Promise<void> } {
  let nowMs = 0
  let sleepers: Sleeper[] = []

  const sleepUntil = (dueMs: number, signal?: AbortSignal): Promise<void> =>
    new Promise((resolve) => {
      const wake = (): void => {
        signal?.removeEventListener('abort', wake)
        sleepers = sleepers.filter((other) => other !== sleeper)
        resolve()
      }
      const sleeper = { dueMs, wake }
      sleepers.push(sleeper)
      signal?.addEventListener('abort', wake)
      if (signal?.aborted) wake()
    })

  async function run(): Promise<void> {
    await everyoneHasActed()
    while (sleepers.length > 0) {
      const next = sleepers.reduce((first, other) => (other.dueMs < first.dueMs ? other : first))
      nowMs = Math.max(nowMs, next.dueMs)
      next.wake()
      await everyoneHasActed()
    }
  }
  return { clock: { nowMs: () => nowMs, sleepUntil }, run }
}

/** All promises that could resolve by now have. */
export function everyoneHasActed(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
