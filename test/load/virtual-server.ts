import { setMaxListeners } from 'node:events'
import type { Clock } from '../../src/load/clock.ts'
import { endedAsMeant, type Outcome, type RequestRecord } from '../../src/load/record.ts'
import type { LevelWorld } from '../../src/load/run-level.ts'

/** One request that a level issued, and what became of it. */
interface Issued {
  readonly phase: RequestRecord['phase']
  readonly dueMs?: number
  readonly startMs: number
  endMs?: number
  outcome?: Outcome
}

/** How the server treats a request; one that takes for ever is answered by a cancellation only. */
interface Treatment {
  readonly takesMs: number
  readonly outcome?: Outcome
}

export interface VirtualServer {
  readonly issued: readonly Issued[]
  readonly inFlight: () => number
  readonly issue: LevelWorld['issue']
  readonly cancelAll: () => void
}

/** A server on a virtual clock that treats the k-th request as it is told. */
export function virtualServer(clock: Clock, treat: (k: number) => Treatment): VirtualServer {
  const issued: Issued[] = []
  let cancelling = cancellation()
  let inFlight = 0

  const issue: VirtualServer['issue'] = async (phase, dueMs, onEnd) => {
    const request: Issued = { phase, dueMs, startMs: clock.nowMs() }
    const id = issued.push(request) - 1
    const { takesMs, outcome = { kind: 'completed' } } = treat(id)
    const { signal } = cancelling
    inFlight++
    await clock.sleepUntil(request.startMs + takesMs, signal)
    inFlight--
    request.endMs = clock.nowMs()
    request.outcome = signal.aborted ? { kind: 'cancelled' } : outcome
    onEnd(endedAsMeant(request.outcome))
  }

  return {
    issued,
    inFlight: () => inFlight,
    issue,
    cancelAll: () => {
      cancelling.abort()
      cancelling = cancellation()
    },
  }
}

function cancellation(): AbortController {
  const controller = new AbortController()
  setMaxListeners(0, controller.signal)
  return controller
}
