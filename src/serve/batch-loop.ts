import { type Channel, openChannel } from './channel.ts'
import type { GenerateRequest, Occupancy, Piece } from './engine.ts'

/** An answer in progress, as a step of the loop sees it. */
export interface Job<State> {
  readonly request: GenerateRequest
  readonly state: State
  /** Hands a piece to the reader; without effect once the answer is over. */
  readonly emit: (piece: Piece) => void
  /** The answer is complete, or failed where an error is given. Its slot is free after the step. */
  readonly finish: (error?: unknown) => void
}

/** What makes a batch advance. `State` is what the engine keeps for an answer. */
export interface BatchEngine<State> {
  readonly slots: number
  /**
   * Whether there is room for a request beside those in a slot; asked of the first in the queue, so
   * that nobody overtakes, and not where nobody has a slot. There always is when absent.
   */
  readonly fits?: (request: GenerateRequest) => boolean
  /** A request got a slot, from 0 up, which nobody else uses until `end`. Must not throw. */
  readonly begin: (request: GenerateRequest, slot: number) => State
  /** Advances all jobs together, by a token each or less. */
  readonly step: (jobs: readonly Job<State>[]) => Promise<void>
  /** The answer is over, between two steps. */
  readonly end?: (state: State) => Promise<void>
  /** No answer is left; the next one starts a new run of steps. */
  readonly idle?: () => void
}

/** Continuous batching: requests wait in turn for a slot and join and leave between two steps. */
export interface BatchLoop {
  readonly generate: (request: GenerateRequest) => AsyncIterable<Piece>
  readonly occupancy: () => Occupancy
  /** Ends every answer; resolves when no step is under way. */
  readonly close: () => Promise<void>
}

interface Ticket {
  readonly request: GenerateRequest
  readonly answer: Channel<Piece>
}

interface Seat<State> extends Ticket {
  readonly slot: number
  readonly job: Job<State>
}

export function startBatchLoop<State>(engine: BatchEngine<State>): BatchLoop {
  const waiting: Ticket[] = []
  let seats: Seat<State>[] = []
  const freeSlots = Array.from({ length: engine.slots }, (_, slot) => slot)
  let looping: Promise<void> | undefined

  function generate(request: GenerateRequest): AsyncIterable<Piece> {
    const answer = openChannel<Piece>()
    if (request.signal.aborted) answer.end()
    else request.signal.addEventListener('abort', () => answer.end(), { once: true })
    waiting.push({ request, answer })
    looping ??= loop()
    return answer.read()
  }

  async function loop(): Promise<void> {
    while (seatWaiting() > 0) {
      await stepSafely()
      await clearSeats()
    }
    engine.idle?.()
    looping = undefined
  }

  /** Gives the free slots to those who wait, first come first served; how many are seated then. */
  function seatWaiting(): number {
    while (freeSlots.length > 0) {
      const ticket = waiting[0]
      if (!ticket || !mayEnter(ticket)) break
      waiting.shift()
      if (!ticket.answer.hasEnded()) seats.push(seat(ticket, freeSlots.shift() ?? 0))
    }
    return seats.length
  }

  function mayEnter({ request, answer }: Ticket): boolean {
    return answer.hasEnded() || seats.length === 0 || engine.fits?.(request) !== false
  }

  function seat({ request, answer }: Ticket, slot: number): Seat<State> {
    const state = engine.begin(request, slot)
    return { request, answer, slot, job: { request, state, emit: answer.push, finish: answer.end } }
  }

  async function stepSafely(): Promise<void> {
    try {
      await engine.step(seats.map(({ job }) => job))
    } catch (error) {
      for (const { answer } of seats) answer.end(error)
    }
  }

  async function clearSeats(): Promise<void> {
    if (!seats.some(({ answer }) => answer.hasEnded())) return
    const over = seats.filter(({ answer }) => answer.hasEnded())
    seats = seats.filter(({ answer }) => !answer.hasEnded())
    await Promise.all(over.map(({ job }) => engine.end?.(job.state)))
    freeSlots.push(...over.map(({ slot }) => slot))
  }

  return {
    generate,
    occupancy: () => ({ running: stillOpen(seats), waiting: stillOpen(waiting) }),
    close: async () => {
      for (const { answer } of [...waiting, ...seats]) answer.end()
      await looping
    },
  }
}

function stillOpen(tickets: readonly Ticket[]): number {
  return tickets.filter(({ answer }) => !answer.hasEnded()).length
}
