import { type Maybe, mean } from '../arithmetic.ts'
import type { DeviceReading } from '../detect/telemetry/sample.ts'
import { MS_PER_S } from '../units.ts'
import { areaUnder, type Curve, heldValueAt, updatePeriodMs } from './energy-curve.ts'
import type { Window } from './throughput.ts'

/** Readings that tell power. */
export type PowerField = 'powerW' | 'powerAverageW'

/** What one field told of power over a recording. */
export interface PowerTrace {
  readonly field: PowerField
  /** Readings that told it. */
  readonly looks: number
  /** Moments at which another value was seen than before. */
  readonly changesMs: readonly number[]
  readonly periodMs: Maybe
  readonly curve: Curve
}

/**
 * Power as one field told it, made for trapezoids between *changes*: a value that is read again before
 * the sensor had another one tells nothing new. A value that stays longer than the
 * sensor's period was published again, last of all one period before the next.
 *
 * @param readings in the order of time
 * @returns undefined where the field was not read at least twice
 */
export function powerTrace(
  readings: readonly DeviceReading[],
  field: PowerField,
): PowerTrace | undefined {
  const looks = readings.flatMap(({ atMs, [field]: powerW }) =>
    powerW === undefined ? [] : [{ atMs, powerW }],
  )
  if (looks.length < 2) return undefined
  const runs = runsOfEqual(looks)
  const changesMs = runs.slice(1).map(({ firstMs }) => firstMs)
  const periodMs = updatePeriodMs(changesMs)
  return { field, looks: looks.length, changesMs, periodMs, curve: curveOf(runs, periodMs) }
}

/** Sensors have periods of up to a second; what stays longer may as well be steady power. */
const LONGEST_RAMP_MS = 1000

interface Run {
  readonly powerW: number
  readonly firstMs: number
  lastMs: number
}

function runsOfEqual(looks: readonly { atMs: number; powerW: number }[]): Run[] {
  const runs: Run[] = []
  for (const { atMs, powerW } of looks) {
    const run = runs.at(-1)
    if (run?.powerW === powerW) run.lastMs = atMs
    else runs.push({ powerW, firstMs: atMs, lastMs: atMs })
  }
  return runs
}

function curveOf(runs: readonly Run[], periodMs: number = 0): Curve {
  const [atMs, values]: [number[], number[]] = [[], []]
  for (const [i, { powerW, firstMs, lastMs }] of runs.entries()) {
    atMs.push(firstMs)
    values.push(powerW)
    const nextMs = runs[i + 1]?.firstMs ?? Number.POSITIVE_INFINITY
    const heldToMs = Math.min(lastMs, nextMs - Math.min(periodMs, LONGEST_RAMP_MS))
    if (heldToMs <= firstMs) continue
    atMs.push(heldToMs)
    values.push(powerW)
  }
  return { atMs, values }
}

/**
 * The integral of power over a window, J.
 *
 * A reading that is the mean of the time T before it comes late. What it tells from the window's start
 * until T after its end holds all of the window, and of the time just outside as much as T/2 on either
 * side; the readings at these two moments are the means there. So
 * E = integral(from, to + T) - T/2 x (p(from) + p(to + T)):
 * the load and its tail less what flows before and after it. Exact where power is steady for T before
 * the window and T after it.
 *
 * @param averagingMs T, where it is known
 */
export function powerEnergyJ(
  { curve }: PowerTrace,
  fromMs: number,
  toMs: number,
  averagingMs: number = 0,
): Maybe {
  const tailMs = toMs + averagingMs
  const [all, first, last] = [
    areaUnder(curve, fromMs, tailMs),
    heldValueAt(curve, fromMs),
    heldValueAt(curve, tailMs),
  ]
  if (all === undefined || first === undefined || last === undefined) return undefined
  return (all - (averagingMs / 2) * (first + last)) / MS_PER_S
}

/** What an average over about a second comes late by, ms. */
const UNKNOWN_LATENESS_MS = 500

/**
 * What the edges of a window are uncertain by, in quadrature, J: at either the energy of one update of
 * the sensor, or of half a second where the field averages over nobody knows how long.
 */
export function powerEdgesJ(
  { curve, field, periodMs = 0 }: PowerTrace,
  { startMs, endMs }: Window,
  averagingMs: Maybe,
): Maybe {
  const isKnown = field === 'powerW' || averagingMs !== undefined
  const lateMs = isKnown ? periodMs : Math.max(periodMs, UNKNOWN_LATENESS_MS)
  const [first, last] = [heldValueAt(curve, startMs), heldValueAt(curve, endMs)]
  if (first === undefined || last === undefined) return undefined
  return (Math.hypot(first, last) * lateMs) / MS_PER_S
}

const BLOCK_MS = 1000
/** 95 % of a normal distribution lie within so many standard errors. */
const STANDARD_ERRORS = 2

/**
 * What a window is uncertain by where power may be measured for only a part of the time, J: twice the
 * standard error of a sum of n seconds, 2 s sqrt(n). s^2 is half the mean square of the difference
 * between one second's energy and the next's (von Neumann), so that load which slowly comes and goes is
 * no error, and power that beats with the sensor is.
 */
export function samplingErrorJ(power: PowerTrace, { startMs, endMs }: Window): Maybe {
  const n = Math.floor((endMs - startMs) / BLOCK_MS)
  const seconds = Array.from({ length: n }, (_, i) =>
    powerEnergyJ(power, startMs + i * BLOCK_MS, startMs + (i + 1) * BLOCK_MS),
  ).filter((joules) => joules !== undefined)
  const squares = seconds.slice(1).map((joules, i) => (joules - (seconds[i] as number)) ** 2)
  const meanSquare = mean(squares)
  return meanSquare === undefined ? undefined : STANDARD_ERRORS * Math.sqrt((meanSquare / 2) * n)
}
