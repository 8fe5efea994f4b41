import { failureSides, type RequestRecord } from '../load/record.ts'
import type { ErrorCount, RequestCounts } from './summary.ts'

/**
 * How the requests of one level ended. `issued` is what the load generator says it issued: what it
 * issued and there is no record of is lost.
 */
export function countRequests(records: readonly RequestRecord[], issued: number): RequestCounts {
  const measured = records.filter(({ phase }) => phase === 'measured')
  const ended = (kind: RequestRecord['outcome']['kind']): number =>
    measured.filter(({ outcome }) => outcome.kind === kind).length
  const lost = Math.max(0, issued - records.length)
  return {
    issued: measured.length + lost,
    completed: ended('completed'),
    failed: ended('failed'),
    timedOut: ended('timed-out'),
    cancelled: ended('cancelled'),
    lost,
    warmUp: records.length - measured.length,
  }
}

/** Failures and time-outs by kind, the most frequent first. */
export function countErrors(records: readonly RequestRecord[]): ErrorCount[] {
  const counts = new Map<string, ErrorCount>()
  for (const { outcome } of records) {
    const error = describe(outcome)
    if (!error) continue
    const before = counts.get(error.kind)
    counts.set(error.kind, before ? { ...before, count: before.count + 1 } : error)
  }
  return [...counts.values()].sort((a, b) => b.count - a.count || (a.kind < b.kind ? -1 : 1))
}

function describe(outcome: RequestRecord['outcome']): ErrorCount | undefined {
  switch (outcome.kind) {
    case 'completed':
      return undefined
    case 'failed':
      return {
        kind: outcome.failure,
        side: failureSides[outcome.failure],
        count: 1,
        example: outcome.detail,
      }
    case 'timed-out': {
      const side = outcome.timer === 'connect' ? 'network' : 'server'
      return {
        kind: `timed-out: ${outcome.timer}`,
        side,
        count: 1,
        example: `the ${outcome.timer} timer ran out`,
      }
    }
    case 'cancelled':
      return { kind: 'cancelled', side: 'client', count: 1, example: 'given up by the client' }
  }
}
