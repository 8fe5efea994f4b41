import type { Gate, OperatingPoint } from '../summary.ts'
import type { ServiceKind } from './search-summary.ts'

/** Whether a level says something about the server. */
interface Service {
  readonly kind: ServiceKind
  /** Empty where served. */
  readonly why: string
  /** Nothing is learned by going on: interrupted, or the server answered nothing at all. */
  readonly endsSearch: boolean
}

/** Gates whose failure, if it makes figures invalid, is what too high a load does. Any other is held against the measurement. */
const LOAD_GATES: readonly string[] = ['error-budget', 'steady-state', 'given-up']

/** Judges by the gates of the level alone. */
export function serviceOf(point: OperatingPoint): Service {
  if (point.ended === 'interrupted') return unusable('interrupted', true)
  if (point.requests.completed === 0) return unusable('no request was answered', true)
  if (point.ended === 'worker-died') return unusable('a measuring thread died', true)
  if (point.ended === 'no-progress') return beyond('nothing came any more')
  if (point.errors.some(({ side }) => side === 'client'))
    return unusable('requests failed on the side of the client')
  const failed = point.gates.filter(isInvalidating)
  const foreign = failed.find((gate) => !isOfLoad(gate, point))
  if (foreign) return unusable(gateText(foreign))
  const [first] = failed
  if (first) return beyond(gateText(first))
  return point.ended === 'too-many-failures'
    ? beyond('too many requests failed')
    : { kind: 'served', why: '', endsSearch: false }
}

/** Whether the window was too short for its requests, and nothing else is wrong. */
export function isOnlyTooShort(point: OperatingPoint): boolean {
  const failed = point.gates.filter(isInvalidating)
  return failed.length > 0 && failed.every(({ gate }) => gate === 'window-covers-requests')
}

function isInvalidating({ status, severity }: Gate): boolean {
  return status === 'fail' && severity === 'invalid'
}

/** What is due and never sent was held back for the server's sake only where a limit on requests under way says so. */
function isOfLoad({ gate }: Gate, { load }: OperatingPoint): boolean {
  if (gate === 'all-sent') return load.kind !== 'closed' && load.maxInFlight !== undefined
  return LOAD_GATES.includes(gate)
}

function gateText({ gate, value, limit }: Gate): string {
  return `${gate} is ${value}, limit ${limit}`
}

function beyond(why: string): Service {
  return { kind: 'beyond', why, endsSearch: false }
}

function unusable(why: string, endsSearch = false): Service {
  return { kind: 'unusable', why, endsSearch }
}
