import type { Maybe } from '../arithmetic.ts'
import type { DeviceReading } from '../detect/telemetry/sample.ts'
import { type Curve, lastUpTo } from './energy-curve.ts'

/** An energy counter, by the moments at which it was seen to move. */
export interface Counter {
  /** J at each moment at which it had changed; linear in between. */
  readonly ticks: Curve
  /** Where it went down: from the last look before to the first look after. */
  readonly resets: readonly { readonly fromMs: number; readonly toMs: number }[]
}

/** Energy between two moments by a counter, or that it began again in between. */
export type CounterEnergy =
  | { readonly kind: 'counted'; readonly joules: number; readonly uncertaintyJ: number }
  | { readonly kind: 'reset' }

/**
 * A counter that never moved tells nothing, as does one that was not read: undefined. What the first
 * reading says is left out: when the counter came to it was not seen.
 *
 * @param readings in the order of time
 */
export function counterOf(readings: readonly DeviceReading[]): Counter | undefined {
  const [atMs, values]: [number[], number[]] = [[], []]
  const resets: { fromMs: number; toMs: number }[] = []
  let before: { atMs: number; energyJ: number } | undefined
  for (const { atMs: ms, energyJ } of readings) {
    if (energyJ === undefined) continue
    if (before !== undefined && energyJ < before.energyJ)
      resets.push({ fromMs: before.atMs, toMs: ms })
    if (before !== undefined && energyJ !== before.energyJ) {
      atMs.push(ms)
      values.push(energyJ)
    }
    before = { atMs: ms, energyJ }
  }
  if (before === undefined || atMs.length < 2) return undefined
  return { ticks: withStop({ atMs, values }, before), resets }
}

/** A counter that stands still for longer than this many of its ticks, up to the last look, has stopped. */
const TICKS_TO_STOP = 3

/** The last look is no tick, but tells that there was none any more. */
function withStop(ticks: Curve, last: { readonly atMs: number; readonly energyJ: number }): Curve {
  const [beforeMs = 0, lastTickMs = 0] = ticks.atMs.slice(-2)
  if (last.atMs - lastTickMs <= TICKS_TO_STOP * (lastTickMs - beforeMs)) return ticks
  return { atMs: [...ticks.atMs, last.atMs], values: [...ticks.values, last.energyJ] }
}

/**
 * E(to) - E(from), each linear between the two ticks around it. Each is uncertain by the energy between
 * these ticks, both together in quadrature: of 10 s with ticks of 100 ms, 1.4 %.
 *
 * @param reachMs how far beyond the first and the last tick the counter is taken to run on as it did
 * @returns undefined where the counter was not seen around both moments
 */
export function counterEnergy(
  counter: Counter,
  fromMs: number,
  toMs: number,
  reachMs: number,
): CounterEnergy | undefined {
  const from = ticksAround(counter.ticks, fromMs, reachMs)
  const to = ticksAround(counter.ticks, toMs, reachMs)
  if (from === undefined || to === undefined) return undefined
  const startsAnew = counter.resets.some(
    (reset) => reset.toMs > from.fromMs && reset.fromMs < to.toMs,
  )
  if (startsAnew) return { kind: 'reset' }
  return {
    kind: 'counted',
    joules: to.energyJ - from.energyJ,
    uncertaintyJ: Math.hypot(from.tickJ, to.tickJ),
  }
}

/** The counter at a moment, and the ticks around it: beyond the ends, the nearest two. */
function ticksAround(
  { atMs, values }: Curve,
  ms: number,
  reachMs: number,
): { fromMs: number; toMs: number; energyJ: number; tickJ: number } | undefined {
  const i = Math.min(Math.max(lastUpTo(atMs, ms), 0), atMs.length - 2)
  const [fromMs, toMs] = [atMs[i] as number, atMs[i + 1] as number]
  if (ms < fromMs - reachMs || ms > toMs + reachMs) return undefined
  const tickJ = (values[i + 1] as number) - (values[i] as number)
  const ticksIn = (ms - fromMs) / (toMs - fromMs)
  const beyond = Math.max(0, -ticksIn, ticksIn - 1)
  return {
    fromMs,
    toMs,
    energyJ: (values[i] as number) + tickJ * ticksIn,
    tickJ: tickJ * (1 + beyond),
  }
}

/** The counter's own moments, for its period. Unknown without one. */
export function ticksMs(counter: Counter | undefined): readonly number[] {
  return counter?.ticks.atMs ?? []
}

/** Energy from the first tick on as a curve, for holding power against; cut off at the first reset. */
export function untilReset({ ticks, resets }: Counter): Curve {
  const endMs: Maybe = resets[0]?.fromMs
  if (endMs === undefined) return ticks
  const count = lastUpTo(ticks.atMs, endMs) + 1
  return { atMs: ticks.atMs.slice(0, count), values: ticks.values.slice(0, count) }
}
