import type { RequestRecord } from '../../src/load/record.ts'
import { type Random, randomExponential } from '../../src/random.ts'
import { record } from './records.ts'

/** A server that works on so many requests at once and lets the others wait, first come first served. */
export interface Queue {
  readonly slots: number
  /** Tokens of each answer, a chunk each. */
  readonly tokens: number
  /** From a slot to its first token, and from token to token, for a request that gets its slot at a time. */
  readonly prefillMs: (atMs: number) => number
  readonly gapMs: (atMs: number) => number
}

/** Poisson arrivals of a mean rate, until a time. */
export function arrivals(random: Random, ratePerS: number, untilMs: number): number[] {
  const dueMs: number[] = []
  for (let ms = 0; ; ) {
    ms += randomExponential(random, 1000 / ratePerS)
    if (ms >= untilMs) return dueMs
    dueMs.push(ms)
  }
}

/** Open loop: the records of requests due at these times. */
export function openLoop(queue: Queue, dueMs: readonly number[]): RequestRecord[] {
  const freeMs = Array.from({ length: queue.slots }, () => 0)
  return dueMs.map((due, id) => {
    const slot = freeMs.indexOf(Math.min(...freeMs))
    const atMs = Math.max(due, freeMs[slot] ?? 0)
    const answered = answer(queue, due, atMs, { id, dueMs: due })
    freeMs[slot] = answered.closedMs
    return answered
  })
}

/** Closed loop: a user a slot, each asking again as it is answered, from times of its own until a time. */
export function closedLoop(
  queue: Queue,
  firstMs: readonly number[],
  untilMs: number,
): RequestRecord[] {
  const records = firstMs.flatMap((first) => {
    const own: RequestRecord[] = []
    for (let ms = first; ms < untilMs; ms = own.at(-1)?.closedMs ?? untilMs)
      own.push(answer(queue, ms, ms, {}))
    return own
  })
  return records.sort((a, b) => a.closedMs - b.closedMs).map((each, id) => ({ ...each, id }))
}

function answer(
  { tokens, prefillMs, gapMs }: Queue,
  sentMs: number,
  atMs: number,
  parts: Partial<RequestRecord>,
): RequestRecord {
  const first = atMs + prefillMs(atMs)
  const chunkMs: number[] = []
  for (let i = 0, ms = first; i < tokens; i++, ms += gapMs(ms)) chunkMs.push(ms)
  const endMs = chunkMs.at(-1) ?? first
  const usage = { inputTokens: 16, outputTokens: tokens }
  return record({ sentMs, chunkMs, endMs, closedMs: endMs, usage, ...parts })
}
