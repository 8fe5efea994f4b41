import type { Timeouts } from './benchmark.ts'
import type { Clock } from './clock.ts'
import type { EndedRequest, PlannedRequest } from './ended-request.ts'
import { createEventReader } from './event-reader.ts'
import {
  cancelFlight,
  checkFlight,
  closeFlight,
  type Fleet,
  flyAgain,
  isUsable,
  openFlight,
} from './flight.ts'
import type { Endpoint } from './http/connection.ts'
import type { ServerApi } from './servers/server.ts'

/** Sends requests over keep-alive connections, each to exactly one end. */
export interface Sender {
  /**
   * Sends one request: in this tick when a connection is idle, else over a new one. `onEnd` is called
   * exactly once, whatever happens, and never before this returns. Stamps inside `ended` are reused
   * afterwards. The next request may be sent from within `onEnd`.
   */
  readonly send: (request: PlannedRequest, onEnd: (ended: EndedRequest) => void) => void
  /** Ends every request in flight as cancelled. */
  readonly cancelAll: () => void
  readonly inFlight: () => number
  readonly connectionsOpened: () => number
  /** Running totals: socket reads, and chunks as they come (not only of ended requests). */
  readonly traffic: () => Traffic
  /** Cancels what is in flight and closes every connection. */
  readonly close: () => void
}

interface Traffic {
  readonly reads: number
  readonly chunks: number
}

interface SenderOptions {
  readonly endpoint: Endpoint
  readonly api: ServerApi
  readonly clock: Clock
  readonly timeouts: Timeouts
  /** Must appear in no record, though a server may repeat it in an error. */
  readonly secret?: string
  /** Called each time the timers were looked at, ten times a second. */
  readonly onSweep?: (nowMs: number) => void
}

/** How often timers are looked at; a request may overrun its limit by this much. */
const SWEEP_MS = 100

export function createSender(options: SenderOptions): Sender {
  const fleet = createFleet(options)
  // One timer for all requests: a timer of its own per chunk would cost more than the chunk.
  const sweeper = setInterval(() => {
    const nowMs = fleet.clock.nowMs()
    sweep(fleet, nowMs)
    options.onSweep?.(nowMs)
  }, SWEEP_MS)
  sweeper.unref()

  const cancelAll = (): void => {
    for (const flight of [...fleet.flights]) cancelFlight(flight)
  }

  return {
    send: (request, onEnd) => {
      const flight = takeIdle(fleet)
      if (flight) flyAgain(flight, request, onEnd)
      else openFlight(fleet, request, onEnd)
    },
    cancelAll,
    inFlight: () => fleet.inFlight,
    connectionsOpened: () => fleet.opened,
    traffic: () => ({ reads: fleet.reads, chunks: fleet.chunks }),
    close: () => {
      clearInterval(sweeper)
      cancelAll()
      for (const flight of [...fleet.flights]) closeFlight(flight)
    },
  }
}

function createFleet({ endpoint, api, clock, timeouts, secret }: SenderOptions): Fleet {
  return {
    endpoint,
    api,
    readEvent: createEventReader(api),
    clock,
    timeouts,
    secret,
    flights: [],
    idle: [],
    spareStamps: [],
    readMs: 0,
    readUs: 0,
    reads: 0,
    chunks: 0,
    opened: 0,
    inFlight: 0,
  }
}

function takeIdle({ idle }: Fleet) {
  for (let flight = idle.pop(); flight; flight = idle.pop()) {
    if (isUsable(flight)) return flight
  }
  return undefined
}

/** Backwards, as what is closed meanwhile gives its place to the last. */
function sweep({ flights }: Fleet, nowMs: number): void {
  for (let i = flights.length - 1; i >= 0; i--) {
    const flight = flights[i]
    if (flight) checkFlight(flight, nowMs)
  }
}
