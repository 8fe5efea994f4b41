import { failureSides, type RequestRecord } from '../load/record.ts'
import type { ErrorCount, OperatingPoint } from './summary.ts'
import type { Tally } from './tally.ts'

/**
 * How the requests of one level ended, and the errors of the measured phase by kind, the most frequent
 * first. `issued` is what the load generator says it issued: what it issued and there is no record of
 * is lost.
 */
export function startCounts(issued: number): Tally<Pick<OperatingPoint, 'requests' | 'errors'>> {
  const ended = { completed: 0, failed: 0, 'timed-out': 0, cancelled: 0, abandoned: 0 }
  const errors = new Map<string, ErrorCount>()
  let measured = 0
  let warmUp = 0

  const addError = (error: ErrorCount | undefined): void => {
    if (!error) return
    const before = errors.get(error.kind)
    errors.set(error.kind, before ? { ...before, count: before.count + 1 } : error)
  }

  return {
    add: ({ phase, outcome }) => {
      if (phase !== 'measured') {
        warmUp++
        return
      }
      measured++
      ended[outcome.kind]++
      addError(describe(outcome))
    },
    finish: () => {
      const lost = Math.max(0, issued - measured - warmUp)
      const { completed, failed, 'timed-out': timedOut, cancelled, abandoned } = ended
      return {
        requests: {
          issued: measured + lost,
          completed,
          failed,
          timedOut,
          cancelled,
          abandoned,
          lost,
          warmUp,
        },
        errors: [...errors.values()].sort(
          (a, b) => b.count - a.count || (a.kind < b.kind ? -1 : 1),
        ),
      }
    },
  }
}

/** One failure, time-out or cancellation; nothing for a request that ended as it was meant to. */
function describe(outcome: RequestRecord['outcome']): ErrorCount | undefined {
  switch (outcome.kind) {
    case 'completed':
    case 'abandoned':
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
