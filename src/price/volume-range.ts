import type { Maybe } from '../arithmetic.ts'
import { compileLedger, type Ledger, workOut } from './ledger.ts'
import { geometricGrid } from './roots.ts'
import type { Scenario } from './scenario.ts'

/** The row that is moved to see what another volume would cost. */
export const VOLUME = 'demand.outputTokensPerDay'

/** Volumes worth looking at, output tokens a day. */
export interface VolumeRange {
  readonly low: number
  /** The demand. */
  readonly today: number
  readonly high: number
  /** Volumes just below and just above which one more server is needed, of the first of every option's. */
  readonly steps: readonly number[]
}

/** How far from the demand volumes are looked at, either way. */
const AROUND = 1000
/** Beyond so many servers a token costs what it costs; and mixes try every number of servers. */
const MOST_SERVERS = 250
/** Beyond so many servers, one more is too little to matter. */
const STEPS_OF_EACH = 32

/** From a thousandth to a thousand times the demand, but no more than some hundred servers. Unknown without a demand. */
export function volumeRange(ledger: Ledger, { options }: Scenario): VolumeRange | undefined {
  const today = workOut(ledger).get(VOLUME)
  if (today === undefined || !(today > 0)) return undefined
  const fleets = Object.entries(options)
    .filter(([, { kind }]) => kind !== 'api' && kind !== 'hybrid')
    .map(([id]) => serversAt(ledger, id))
  const low = today / AROUND
  const limit = (servers: (volume: number) => Maybe): number => {
    const most = Math.max(MOST_SERVERS, 2 * (servers(today) ?? 0))
    return lastWith((volume) => (servers(volume) ?? 0) <= most, low, today * AROUND)
  }
  const high = Math.min(today * AROUND, ...fleets.map(limit))
  const steps = fleets.flatMap((servers) => stepsOf(servers, low, high))
  return { low, today, high, steps: ascending(steps) }
}

/** Volumes up to the demand and on from there, by equal factors each. */
export function volumePlaces({ low, today, high }: VolumeRange, stepsEach: number): number[] {
  return [
    ...geometricGrid(low, today, stepsEach),
    ...geometricGrid(today, high, stepsEach).slice(1),
  ]
}

/** The same, with those at which servers are bought. */
export function volumeGrid(range: VolumeRange, stepsEach: number): number[] {
  return ascending([...volumePlaces(range, stepsEach), ...range.steps])
}

function serversAt(ledger: Ledger, id: string): (volume: number) => Maybe {
  const model = compileLedger(ledger, [VOLUME], [`options.${id}.servers`])
  return (volume) => {
    const [servers = Number.NaN] = model([volume])
    return Number.isNaN(servers) ? undefined : servers
  }
}

/** Where a fleet in whole servers grows; one whose mean size is a fraction comes and goes by the hour and has no steps worth the name. */
function stepsOf(servers: (volume: number) => Maybe, low: number, high: number): number[] {
  const found: number[] = []
  let from = low
  for (let i = 0; i < STEPS_OF_EACH; i++) {
    const now = servers(from)
    if (now === undefined || !Number.isInteger(now) || servers(high) === now) break
    const last = lastWith((volume) => servers(volume) === now, from, high)
    const next = nextAbove(last)
    found.push(last, next)
    from = next
  }
  return found
}

/** The greatest number between two ends up to which something holds that holds at the low one: the high end, where it holds there too. */
export function lastWith(holds: (x: number) => boolean, low: number, high: number): number {
  if (holds(high)) return high
  let yes = low
  let no = high
  for (;;) {
    const middle = yes + (no - yes) / 2
    if (middle <= yes || middle >= no) return yes
    if (holds(middle)) yes = middle
    else no = middle
  }
}

/** The next floating-point number, of a number above 0. */
function nextAbove(value: number): number {
  const bits = new BigInt64Array(Float64Array.of(value).buffer)
  bits[0] = (bits[0] as bigint) + 1n
  return new Float64Array(bits.buffer)[0] as number
}

function ascending(values: readonly number[]): number[] {
  return [...new Set(values)].sort((a, b) => a - b)
}
