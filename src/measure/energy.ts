import { difference, type Maybe, product, sum } from '../arithmetic.ts'
import type { DeviceReading, TelemetryDevice, TelemetryScope } from '../detect/telemetry/sample.ts'
import { MS_PER_S } from '../units.ts'
import { type CounterEnergy, counterEnergy } from './energy-counter.ts'
import { coverageRatio, median } from './energy-curve.ts'
import { powerEdgesJ, powerEnergyJ, samplingErrorJ } from './energy-power.ts'
import type { DeviceEnergy, SensorProbe } from './machine-figures.ts'
import { probeSensor, type Sensor } from './sensor-probe.ts'
import type { Window } from './throughput.ts'

/** A device of a recording, made ready once for the energy of any window. */
export interface EnergyTrace {
  /** Place in the recording's list of devices. */
  readonly device: number
  readonly about: TelemetryDevice
  /** In the order of time, each moment once; without those between looks, at the energy counter alone. */
  readonly looks: readonly DeviceReading[]
  /** Moments at which energy or power was told, those between looks among them. */
  readonly toldMs: readonly number[]
  /** Looks that are farther apart leave the time between them uncovered, ms. */
  readonly longestGapMs: number
  readonly sensor?: Sensor
}

/** Under this part of a window covered by looks there is no figure: it would be a guess at the rest. */
export const MIN_COVERAGE_RATIO = 0.95
/** Counter and power this far apart are worth a warning: that is as far as the gain of the sensor goes. */
export const GAP_WARNING_RATIO = 0.05
/** And this far apart, nobody knows which is right (zeus#181: 43 %). */
const MAX_GAP_RATIO = 0.15
/** Of the periods between looks that one may be late without leaving a hole. */
const PERIODS_WITHOUT_A_HOLE = 3

/**
 * Gain error of a GPU's own power sensor, of the reading: what is left when all else is done right.
 * Against external meters steady power was off by -6.2 to +0.5 % on eight cards of ten, by +10.9 and -41 % on
 * two old ones (arXiv 2312.02741), and the energy of whole loads in its data by -6.9 to 0 %. The counter adds up the same sensor. Of what else tells power,
 * no such measurement is at hand: there the uncertainty is unknown.
 */
const sensorGainRatio: Readonly<Partial<Record<TelemetryScope, number>>> = {
  gpu: 0.05,
  module: 0.05,
}

/** @param periodMs time between looks that the recording aimed at */
export function energyTrace(
  device: number,
  about: TelemetryDevice,
  readings: readonly DeviceReading[],
  periodMs: number,
): EnergyTrace {
  const ordered = inOrder(readings)
  const full = ordered.filter(tellsMoreThanEnergy)
  const toldMs = ordered.filter(tellsEnergy).map(({ atMs }) => atMs)
  const betweenMs = median(toldMs.slice(1).map((ms, i) => ms - (toldMs[i] as number)))
  return {
    device,
    about,
    // A device that tells nothing but energy, as a processor does, is looked at so.
    looks: full.length > 0 ? full : ordered,
    toldMs,
    longestGapMs: PERIODS_WITHOUT_A_HOLE * Math.max(periodMs, betweenMs ?? 0),
    sensor: about.coarse ? undefined : probeSensor(ordered),
  }
}

/** By time, and what was told of one moment put together. */
function inOrder(readings: readonly DeviceReading[]): DeviceReading[] {
  const ordered: DeviceReading[] = []
  for (const reading of [...readings].sort((a, b) => a.atMs - b.atMs)) {
    const before = ordered.at(-1)
    if (before?.atMs === reading.atMs) ordered[ordered.length - 1] = { ...before, ...reading }
    else ordered.push(reading)
  }
  return ordered
}

function tellsEnergy({ energyJ, powerW, powerAverageW }: DeviceReading): boolean {
  return energyJ !== undefined || powerW !== undefined || powerAverageW !== undefined
}

/** Whether a reading is more than one of the energy counter alone. */
function tellsMoreThanEnergy({ atMs, energyJ, ...others }: DeviceReading): boolean {
  return Object.values(others).some((value) => value !== undefined)
}

/** Part of the window that looks cover, 0 to 1. */
export function coverageOf(trace: EnergyTrace, { startMs, endMs }: Window): number {
  return coverageRatio(trace.toldMs, startMs, endMs, trace.longestGapMs)
}

/** Energy by both methods, whatever it may be worth. */
interface Measured {
  readonly counter?: CounterEnergy
  readonly integralJ?: number
  readonly gapRatio?: number
}

function measure({ longestGapMs }: EnergyTrace, sensor: Sensor, window: Window): Measured {
  const { counter, power, probe } = sensor
  const { startMs, endMs } = window
  const counted = counter && counterEnergy(counter, startMs, endMs, longestGapMs)
  const integralJ = power && powerEnergyJ(power, startMs, endMs, probe.powerAveragingMs)
  return { counter: counted, integralJ, gapRatio: gapRatio(counted, integralJ) }
}

function gapRatio(counted: CounterEnergy | undefined, integralJ: Maybe): Maybe {
  if (counted?.kind !== 'counted' || integralJ === undefined) return undefined
  if (counted.joules > 0) return Math.abs(counted.joules - integralJ) / counted.joules
  // A counter that stands still while power flows is as far off as can be.
  return integralJ > 0 ? 1 : undefined
}

/** The energy of one device in one window, and whether it may be quoted. */
export function deviceEnergy(trace: EnergyTrace, window: Window): DeviceEnergy {
  const { device, about, sensor } = trace
  const shared = {
    device,
    id: about.id,
    name: about.name,
    scope: about.scope,
    coverageRatio: coverageOf(trace, window),
    sensor: sensor?.probe,
  }
  if (sensor === undefined) return { ...shared, status: 'no-sensor', reason: whyNoSensor(about) }
  const measured = measure(trace, sensor, window)
  const refused = refusal(sensor, measured, shared.coverageRatio, window)
  return { ...shared, ...(refused ?? figuresOf(trace, sensor, measured, window)) }
}

type Outcome = Omit<DeviceEnergy, 'device' | 'id' | 'name' | 'scope' | 'coverageRatio' | 'sensor'>

/** Why there is no figure at all; undefined where there is one. */
function refusal(
  { probe }: Sensor,
  { counter, integralJ }: Measured,
  coverageRatio: number,
  { startMs, endMs }: Window,
): Outcome | undefined {
  if (counter?.kind === 'reset')
    return {
      status: 'reset',
      reason: 'the energy counter began again in this window, as after a reload of the driver',
    }
  if (coverageRatio < MIN_COVERAGE_RATIO)
    return {
      status: 'partial',
      reason: `looks cover ${percent(coverageRatio)} of the window, ${percent(MIN_COVERAGE_RATIO)} are needed`,
    }
  if (endMs - startMs < probe.minWindowMs)
    return { status: 'too-short', reason: whyTooShort(endMs - startMs, probe) }
  if ((probe.kind === 'counter' ? counter : integralJ) === undefined)
    return { status: 'partial', reason: 'the sensor was not read at both edges of the window' }
  return undefined
}

function figuresOf(
  trace: EnergyTrace,
  sensor: Sensor,
  { counter, integralJ, gapRatio }: Measured,
  window: Window,
): Outcome {
  const counted = counter?.kind === 'counted' ? counter : undefined
  const both = { counterJ: counted?.joules, integralJ, gapRatio }
  if (gapRatio !== undefined && gapRatio > MAX_GAP_RATIO)
    return { ...both, status: 'disputed', reason: whyDisputed(both.counterJ, integralJ, gapRatio) }
  const joules = sensor.probe.kind === 'counter' ? both.counterJ : integralJ
  const errors = [
    product([sensorGainRatio[trace.about.scope], joules]),
    difference(both.counterJ, integralJ) ?? 0,
    ...(sensor.probe.kind === 'counter'
      ? [counted?.uncertaintyJ]
      : integralErrorsJ(sensor, integralJ, coverageOf(trace, window), window)),
  ]
  return { ...both, status: 'ok', joules, uncertaintyJ: inQuadrature(errors) }
}

/** Of the integral alone: a counter goes on counting while nobody looks. */
function integralErrorsJ(
  { power, probe }: Sensor,
  integralJ: Maybe,
  coverageRatio: number,
  window: Window,
): Maybe[] {
  if (power === undefined) return [undefined]
  return [
    product([1 - coverageRatio, integralJ]),
    powerEdgesJ(power, window, probe.powerAveragingMs),
    probe.kind === 'opaque' ? samplingErrorJ(power, window) : 0,
  ]
}

function whyNoSensor({ coarse, lacks = [] }: TelemetryDevice): string {
  if (coarse) return 'it is looked at too seldom for energy'
  return lacks.length > 0 ? lacks.join('; ') : 'it tells neither energy nor power'
}

function whyTooShort(lengthMs: number, { kind, minWindowMs }: SensorProbe): string {
  const kinds = {
    counter: 'an energy counter that moves as this one does',
    instant: 'power readings like these',
    average1s: 'power readings that are averages over about a second',
    opaque: 'power readings of which it is not known what they average',
  }
  return `the window is ${seconds(lengthMs)}, and ${kinds[kind]} can tell the energy of ${seconds(minWindowMs)} or more`
}

function whyDisputed(counterJ: Maybe, integralJ: Maybe, gapRatio: number): string {
  return `the counter says ${counterJ?.toFixed(0)} J and power comes to ${integralJ?.toFixed(0)} J, ${percent(gapRatio)} apart`
}

/** Independent errors: the root of their squares; unknown where one of them is. */
function inQuadrature(errors: readonly Maybe[]): Maybe {
  const squares = sum(errors.map((error) => product([error, error])))
  return squares === undefined ? undefined : Math.sqrt(squares)
}

/**
 * Mean power over a stretch in which nothing happens, W, by what the device's energy is made of.
 *
 * @returns undefined where counter and power differ by more than 15 %, or one of them is not known
 */
export function steadyPowerW(trace: EnergyTrace, stretch: Window): Maybe {
  const { sensor } = trace
  if (sensor === undefined) return undefined
  const { counter, integralJ, gapRatio = 0 } = measure(trace, sensor, stretch)
  if (gapRatio > MAX_GAP_RATIO || counter?.kind === 'reset') return undefined
  const joules = sensor.probe.kind === 'counter' ? counter?.joules : integralJ
  return joules === undefined ? undefined : (joules * MS_PER_S) / (stretch.endMs - stretch.startMs)
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1).replace('.0', '')} %`
}

function seconds(ms: number): string {
  return `${(ms / MS_PER_S).toFixed(1).replace('.0', '')} s`
}
