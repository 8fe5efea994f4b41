import { arrivalsMs, arrivalsRandom } from '../load/arrivals.ts'
import type { Benchmark } from '../load/benchmark.ts'
import type { LevelLog } from '../load/run-log.ts'
import { createColumn } from './column.ts'
import type { Samples } from './samples.ts'
import { kolmogorovLimit } from './statistics/poisson.ts'
import type { Tally } from './tally.ts'

/** How requests of an open loop came, against what was to come. */
export interface ArrivalCheck {
  readonly gaps: number
  /**
   * Kolmogorov and Smirnov's distance between the gaps as sent and those of the timetable.
   *
   * @param alikeMs gaps that differ by no more count as the same
   */
  readonly distance: (alikeMs: number) => number
  /** 1.628 / sqrt(gaps): chance exceeds it once in a hundred where the law is the same. */
  readonly distanceLimit: number
  /** Of the due times, those that the seed's timetable does not have; absent where the timetable is in a file. */
  readonly notOfSeed?: number
}

const ALPHA = 0.01
/** The journal keeps whole microseconds. */
const ROUNDING_MS = 0.002

/** Over the requests of the measured phase that were sent. @returns nothing in closed loop, and for fewer than two */
export function startArrivalCheck(
  { load, level, startMs }: LevelLog,
  { seed }: Benchmark,
): Tally<ArrivalCheck | undefined> {
  const due = createColumn()
  const sent = createColumn()
  return {
    add: ({ phase, dueMs, sentMs }) => {
      if (phase !== 'measured' || dueMs === undefined || sentMs === undefined) return
      due.add(dueMs)
      sent.add(sentMs)
    },
    finish: () => {
      if (load.kind === 'closed' || due.size() < 2) return undefined
      const dueAt = due.samples()
      const gaps = dueAt.n - 1
      const planned = gapsOf(dueAt)
      const seen = gapsOf(sent.samples())
      const timetable =
        load.kind === 'trace' ? undefined : arrivalsMs(load, arrivalsRandom(seed, level))
      return {
        gaps,
        distance: (alikeMs) =>
          Math.max(excess(seen, planned, alikeMs), excess(planned, seen, alikeMs)),
        distanceLimit: kolmogorovLimit(gaps, ALPHA),
        notOfSeed: timetable && missingFrom(timetable, dueAt, startMs),
      }
    },
  }
}

/** Ascending. */
function gapsOf({ n, valueAtRank }: Samples): Float64Array {
  return Float64Array.from(
    { length: n - 1 },
    (_, i) => (valueAtRank(i + 2) ?? 0) - (valueAtRank(i + 1) ?? 0),
  ).sort()
}

/** The most by which the share of `a` up to x exceeds that of `b` up to x + `alike`; both ascending and of one length. */
function excess(a: Float64Array, b: Float64Array, alike: number): number {
  let most = 0
  let below = 0
  for (const [i, value] of a.entries()) {
    while (below < b.length && (b[below] ?? 0) <= value + alike) below++
    most = Math.max(most, (i + 1 - below) / a.length)
  }
  return most
}

/** How many of the times are not in a timetable, which begins at `startMs`. */
function missingFrom(
  timetable: Iterable<number>,
  { n, valueAtRank }: Samples,
  startMs: number,
): number {
  let missing = 0
  let rank = 1
  for (const offsetMs of timetable) {
    const dueMs = startMs + offsetMs
    while (rank <= n && (valueAtRank(rank) ?? 0) < dueMs - ROUNDING_MS) {
      missing++
      rank++
    }
    if (rank > n) return missing
    if ((valueAtRank(rank) ?? 0) <= dueMs + ROUNDING_MS) rank++
  }
  return missing + n + 1 - rank
}
