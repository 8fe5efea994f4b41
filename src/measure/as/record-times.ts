import { difference, type Maybe } from '../../arithmetic.ts'
import type { RequestRecord } from '../../load/record.ts'
import { US_PER_MS } from '../../units.ts'

/**
 * When a request was begun: rivals stamp it before they hand it to their HTTP library, so opening a
 * connection is part of it. Nothing for a request that never got a connection.
 */
export function begunMs({ sentMs, connectMs = 0 }: RequestRecord): Maybe {
  return difference(sentMs, connectMs)
}

/** The last event that had a choice in it: output, or a finish reason on its own. */
export function lastEventMs({ finishMs, chunkMs, firstEventMs }: RequestRecord): Maybe {
  return finishMs ?? chunkMs.at(-1) ?? firstEventMs
}

/** Gaps between times in ms, in whole microseconds: records hold no more. */
export function gapsUs(timesMs: readonly number[]): number[] {
  const us = timesMs.map((ms) => Math.round(ms * US_PER_MS))
  return us.slice(1).map((each, i) => each - (us[i] ?? 0))
}

/** From the earliest begin to the latest end of what was added, in ms. */
export interface Span {
  readonly add: (beginMs: Maybe, endMs: Maybe) => void
  readonly beginMs: () => Maybe
  readonly lengthMs: () => Maybe
}

/** A span of nothing. */
export function createSpan(): Span {
  let first: Maybe
  let last: Maybe
  return {
    add: (beginMs, endMs) => {
      if (beginMs !== undefined) first = Math.min(first ?? beginMs, beginMs)
      if (endMs !== undefined) last = Math.max(last ?? endMs, endMs)
    },
    beginMs: () => first,
    lengthMs: () => difference(last, first),
  }
}
