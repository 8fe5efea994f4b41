import type { Benchmark } from '../load/benchmark.ts'
import { failureSides } from '../load/record.ts'
import type { LevelLog } from '../load/run-log.ts'
import { type ArrivalCheck, startArrivalCheck } from './arrival-check.ts'
import type { FinishReason } from './summary.ts'
import type { Tally } from './tally.ts'
import { isCompleted } from './throughput.ts'

/** What gates judge of a level beside its figures. */
export interface LevelEvidence {
  /** Absent in closed loop, and where fewer than two requests were sent. */
  readonly arrivals?: ArrivalCheck
  /** Requests of any phase that the client itself failed, by kind of failure. */
  readonly clientFailures: ReadonlyMap<string, number>
  readonly finishReasons: readonly FinishReason[]
}

/** A hostile server could name a new one each time. */
const MOST_REASONS = 20
const OTHER_REASONS = 'other'

/** Takes the records of a level, warm-up included. */
export function startLevelEvidence(log: LevelLog, benchmark: Benchmark): Tally<LevelEvidence> {
  const arrivals = startArrivalCheck(log, benchmark)
  const clientFailures = new Map<string, number>()
  const reasons = new Map<string | undefined, number>()
  return {
    add: (record) => {
      arrivals.add(record)
      const { outcome, phase, finishReason } = record
      if (outcome.kind === 'failed' && failureSides[outcome.failure] === 'client')
        count(clientFailures, outcome.failure)
      if (phase !== 'measured' || !isCompleted(record)) return
      const known = reasons.has(finishReason) || reasons.size < MOST_REASONS
      count(reasons, known ? finishReason : OTHER_REASONS)
    },
    finish: () => ({
      arrivals: arrivals.finish(),
      clientFailures,
      finishReasons: [...reasons]
        .map(([reason, requests]) => ({ ...(reason === undefined ? {} : { reason }), requests }))
        .sort((a, b) => b.requests - a.requests || ((a.reason ?? '') < (b.reason ?? '') ? -1 : 1)),
    }),
  }
}

function count<Key>(counts: Map<Key, number>, key: Key): void {
  counts.set(key, (counts.get(key) ?? 0) + 1)
}
