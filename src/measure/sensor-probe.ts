import type { Maybe } from '../arithmetic.ts'
import type { DeviceReading } from '../detect/telemetry/sample.ts'
import { type Counter, counterOf, ticksMs, untilReset } from './energy-counter.ts'
import { type Curve, cumulative, updatePeriodMs, valueAt } from './energy-curve.ts'
import { type PowerTrace, powerTrace } from './energy-power.ts'
import type { SensorProbe } from './machine-figures.ts'

/** What a device's sensor told over a recording, and what kind of sensor it is. */
export interface Sensor {
  readonly counter: Counter | undefined
  /** The field that power is integrated from: the instant one where there is one. */
  readonly power: PowerTrace | undefined
  readonly probe: SensorProbe
}

/**
 * Finds out about a power sensor from its own readings over the whole recording; never by the name of
 * the card, as the same name hides several sensors and new cards are in no table (arXiv 2312.02741).
 *
 * @param readings in the order of time, each moment once
 * @returns undefined where they tell neither energy nor power
 */
export function probeSensor(readings: readonly DeviceReading[]): Sensor | undefined {
  const counter = counterOf(readings)
  const instant = powerTrace(readings, 'powerW')
  const average = powerTrace(readings, 'powerAverageW')
  const power = preferred(instant, average)
  if (counter === undefined && power === undefined) return undefined
  const counterPeriodMs = updatePeriodMs(ticksMs(counter))
  const powerAveragingMs =
    counter && power ? averagingMs(power, untilReset(counter), counterPeriodMs) : undefined
  const powerKind = powerKindOf({ instant, average, power, powerAveragingMs })
  const probe = {
    counterPeriodMs,
    powerPeriodMs: power?.periodMs,
    powerAveragingMs,
    ...better({ counter, power }, powerKind, counterPeriodMs),
  }
  return { counter, power, probe }
}

/** The instant field, but where it told hardly a quarter as often. */
function preferred(
  instant: PowerTrace | undefined,
  average: PowerTrace | undefined,
): PowerTrace | undefined {
  if (instant === undefined || average === undefined) return instant ?? average
  return instant.looks * 4 >= average.looks ? instant : average
}

/** Power that is the average of this long or longer is smeared, ms: between the 100 ms and the 1,000 ms that sensors have. */
const SMEARED_FROM_MS = 500

/**
 * `instant` is shown by the counter, or by another field of the same sensor that is a running mean of
 * it. One field alone shows nothing: power that is measured for a quarter of the time only looks just
 * the same (arXiv 2312.02741: A100, H100).
 */
function powerKindOf(fields: {
  readonly instant: PowerTrace | undefined
  readonly average: PowerTrace | undefined
  readonly powerAveragingMs: Maybe
  readonly power: PowerTrace | undefined
}): Exclude<SensorProbe['kind'], 'counter'> {
  const { instant, average, powerAveragingMs, power } = fields
  if (powerAveragingMs !== undefined)
    return powerAveragingMs >= SMEARED_FROM_MS ? 'average1s' : 'instant'
  if (instant === undefined || average === undefined || power !== instant) return 'opaque'
  const smearedMs = averagingMs(average, cumulative(instant.curve), instant.periodMs)
  return smearedMs !== undefined && smearedMs >= SMEARED_FROM_MS ? 'instant' : 'opaque'
}

/**
 * Shortest windows by what the readings are. Power that is not shown to be measured all the time is
 * taken for one that is not: aliasing with a periodic load (decode steps) is then the larger error, and
 * it shrinks with length alone. On an A100 seconds were off by -46 to +35 %.
 */
const floorMs: Readonly<Record<SensorProbe['kind'], number>> = {
  counter: 10_000,
  instant: 10_000,
  average1s: 30_000,
  opaque: 30_000,
}

/** An update at either edge of the window then is at most 1 % of it. */
const UPDATES_PER_WINDOW = 100

/** The longer of the kind's floor and 100 updates. */
function minWindowMs(kind: SensorProbe['kind'], periodMs: number = 0): number {
  return Math.max(floorMs[kind], UPDATES_PER_WINDOW * periodMs)
}

/** The counter or power: whichever can tell of shorter windows, and the counter where they are equal. */
function better(
  { counter, power }: Pick<Sensor, 'counter' | 'power'>,
  powerKind: Exclude<SensorProbe['kind'], 'counter'>,
  counterPeriodMs: Maybe,
): Pick<SensorProbe, 'kind' | 'minWindowMs'> {
  const byPower = { kind: powerKind, minWindowMs: minWindowMs(powerKind, power?.periodMs) }
  const byCounter = {
    kind: 'counter' as const,
    minWindowMs: minWindowMs('counter', counterPeriodMs),
  }
  if (counter === undefined) return byPower
  if (power === undefined) return byCounter
  return byCounter.minWindowMs <= byPower.minWindowMs ? byCounter : byPower
}

const CANDIDATES_MS = [50, 100, 200, 300, 500, 700, 1000, 1500, 2000, 3000]
/** Enough to tell 100 ms from 1,000 ms, and soon done with. */
const MAX_POINTS = 2000
/** Power that hardly moves is the same whatever it is averaged over. */
const MIN_VARIATION_RATIO = 0.02
/** The running mean must explain three quarters of how power varies, or it is not what power is. */
const MAX_UNEXPLAINED_RATIO = 0.25

/**
 * The time that one reading of power is the mean of: that T for which g x (E(t) - E(t - T)) / T is
 * nearest to power by least squares, with E the energy by a counter or a faster field, and g the best
 * gain.
 *
 * @param energy in any unit
 * @param resolutionMs a shorter T than this cannot be told
 * @returns undefined where power varies too little to tell, nothing fits, or the energy is told too
 * seldom: the best of what it can tell then is its own period
 */
export function averagingMs(power: PowerTrace, energy: Curve, resolutionMs: Maybe): Maybe {
  const points = thinned(power)
  const candidatesMs = CANDIDATES_MS.filter((ms) => ms >= (resolutionMs ?? 0) / 1.5)
  const fits = candidatesMs
    .map((ms) => ({ ms, unexplained: unexplainedRatio(points, energy, ms) }))
    .filter(({ unexplained }) => unexplained <= MAX_UNEXPLAINED_RATIO)
  const [best] = fits.sort((a, b) => a.unexplained - b.unexplained)
  const isItsOwn = best?.ms === candidatesMs[0] && (best?.ms ?? 0) >= SMEARED_FROM_MS
  return isItsOwn ? undefined : best?.ms
}

/** Power at its changes, at most 2,000 of them. */
function thinned({ changesMs, curve }: PowerTrace): { atMs: number; powerW: number }[] {
  const step = Math.max(1, Math.ceil(changesMs.length / MAX_POINTS))
  return changesMs.flatMap((atMs, i) => {
    const powerW = i % step === 0 ? valueAt(curve, atMs) : undefined
    return powerW === undefined ? [] : [{ atMs, powerW }]
  })
}

/** Variance of power that the running mean leaves / variance of power; infinite where it cannot be told. */
function unexplainedRatio(
  points: readonly { readonly atMs: number; readonly powerW: number }[],
  energy: Curve,
  ms: number,
): number {
  const pairs = points.flatMap(({ atMs, powerW }) => {
    const [to, from] = [valueAt(energy, atMs), valueAt(energy, atMs - ms)]
    return to === undefined || from === undefined ? [] : [{ powerW, meanW: (to - from) / ms }]
  })
  const total = (of: (pair: { powerW: number; meanW: number }) => number): number =>
    pairs.reduce((sum, pair) => sum + of(pair), 0)
  const meanPowerW = total(({ powerW }) => powerW) / pairs.length
  const variance = total(({ powerW }) => (powerW - meanPowerW) ** 2) / pairs.length
  const squares = total(({ meanW }) => meanW ** 2)
  if (pairs.length < 10 || squares === 0) return Number.POSITIVE_INFINITY
  if (Math.sqrt(variance) < MIN_VARIATION_RATIO * meanPowerW) return Number.POSITIVE_INFINITY
  const gain = total(({ powerW, meanW }) => powerW * meanW) / squares
  const left = total(({ powerW, meanW }) => (powerW - gain * meanW) ** 2) / pairs.length
  return left / variance
}
