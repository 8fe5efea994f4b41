import { type Maybe, ratio } from '../arithmetic.ts'
import type { DeviceReading, ThrottleTimes } from '../detect/telemetry/sample.ts'
import { type Curve, valueAt } from './energy-curve.ts'
import type { ThrottleShares } from './machine-figures.ts'
import { isInside, type Window } from './throughput.ts'

/**
 * How much of a window clocks were held back, by cause. From cumulative times where there are any: they
 * tell all of it, while looks miss what is over in between. Else the share of the
 * looks that named a cause.
 *
 * @param readings in the order of time
 * @returns undefined where neither was told in the window
 */
export function throttleShares(
  readings: readonly DeviceReading[],
  window: Window,
): ThrottleShares | undefined {
  return byCounters(readings, window) ?? byFlags(readings, window)
}

function byCounters(
  readings: readonly DeviceReading[],
  window: Window,
): ThrottleShares | undefined {
  const share = (cause: keyof ThrottleTimes): Maybe => heldRatio(readings, cause, window)
  const shares = {
    powerCapRatio: share('powerCapMs'),
    thermalRatio: larger(share('thermalSoftwareMs'), share('thermalHardwareMs')),
    powerBrakeRatio: share('powerBrakeMs'),
    syncBoostRatio: share('syncBoostMs'),
  }
  const told = Object.values(shares).some((each) => each !== undefined)
  return told ? { ...shares, by: 'counters' } : undefined
}

/** Both causes may hold at once, so the two are not added up. */
function larger(a: Maybe, b: Maybe): Maybe {
  if (a === undefined || b === undefined) return a ?? b
  return Math.max(a, b)
}

/** More than this over the wall time is no jitter but another unit, e.g. ns taken for us: DCGM's violation counters have been told in both. */
const MAX_OF_WALL_TIME = 1.05

/** Over the part of the window between the first and the last reading. A counter that goes down began again: unknown. */
function heldRatio(
  readings: readonly DeviceReading[],
  cause: keyof ThrottleTimes,
  { startMs, endMs }: Window,
): Maybe {
  const curve = curveOf(readings, cause)
  const fromMs = Math.max(startMs, curve.atMs[0] ?? Number.POSITIVE_INFINITY)
  const toMs = Math.min(endMs, curve.atMs.at(-1) ?? Number.NEGATIVE_INFINITY)
  if (toMs <= fromMs) return undefined
  const [before, after] = [valueAt(curve, fromMs), valueAt(curve, toMs)]
  if (before === undefined || after === undefined || goesDown(curve, fromMs, toMs)) return undefined
  const share = (after - before) / (toMs - fromMs)
  return share > MAX_OF_WALL_TIME ? undefined : Math.min(share, 1)
}

function curveOf(readings: readonly DeviceReading[], cause: keyof ThrottleTimes): Curve {
  const told = readings.flatMap(({ atMs, throttle }) => {
    const heldMs = throttle?.[cause]
    return heldMs === undefined ? [] : [{ atMs, heldMs }]
  })
  return { atMs: told.map(({ atMs }) => atMs), values: told.map(({ heldMs }) => heldMs) }
}

function goesDown({ atMs, values }: Curve, fromMs: number, toMs: number): boolean {
  return values.some((value, i) => {
    const [ms, nextMs, next] = [atMs[i] as number, atMs[i + 1], values[i + 1]]
    if (nextMs === undefined || next === undefined) return false
    return nextMs > fromMs && ms < toMs && next < value
  })
}

/** Names that tools give to a cause, e.g. `sw_power_cap`, `HW thermal slowdown`, AMD's `PROCHOT` and `PPT`. */
const namesOf: Readonly<Record<keyof Omit<ThrottleShares, 'by'>, RegExp>> = {
  powerCapRatio: /power.?cap|ppt/i,
  thermalRatio: /therm|prochot/i,
  powerBrakeRatio: /brake/i,
  syncBoostRatio: /sync.?boost/i,
}

/** A hardware slowdown by heat or by the power brake has this name besides: without another it is taken for heat. */
const UNNAMED_SLOWDOWN = /^(hw|hardware).?slowdown$/i

function names(reasons: readonly string[], cause: keyof typeof namesOf): boolean {
  const isNamed = (each: keyof typeof namesOf): boolean =>
    reasons.some((reason) => namesOf[each].test(reason))
  if (isNamed(cause)) return true
  const isUnnamed = reasons.some((reason) => UNNAMED_SLOWDOWN.test(reason))
  return cause === 'thermalRatio' && isUnnamed && !isNamed('powerBrakeRatio')
}

function byFlags(readings: readonly DeviceReading[], window: Window): ThrottleShares | undefined {
  const looks = readings.flatMap(({ atMs, throttleReasons }) =>
    throttleReasons !== undefined && isInside(window, atMs) ? [throttleReasons] : [],
  )
  if (looks.length === 0) return undefined
  const share = (cause: keyof typeof namesOf): Maybe =>
    ratio(looks.filter((reasons) => names(reasons, cause)).length, looks.length)
  return {
    powerCapRatio: share('powerCapRatio'),
    thermalRatio: share('thermalRatio'),
    powerBrakeRatio: share('powerBrakeRatio'),
    syncBoostRatio: share('syncBoostRatio'),
    by: 'flags',
  }
}
