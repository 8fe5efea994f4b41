import { largest, mean, smallest } from '../arithmetic.ts'
import type { DeviceReading } from '../detect/telemetry/sample.ts'
import { deviceEnergy, type EnergyTrace } from './energy.ts'
import { lastUpTo, median } from './energy-curve.ts'
import type { DeviceFigures } from './machine-figures.ts'
import { throttleShares } from './throttle.ts'
import { isInside, type Window } from './throughput.ts'

/** A figure that some looks tell. */
type Quantity = Exclude<keyof DeviceReading, 'atMs' | 'throttle' | 'throttleReasons'>

/** How one device did in one window. */
export function deviceFigures(trace: EnergyTrace, window: Window, serving: boolean): DeviceFigures {
  const { device, about } = trace
  const around = looksAround(trace, window)
  const looks = around.filter(({ atMs }) => isInside(window, atMs))
  const told = (quantity: Quantity): number[] => valuesOf(looks, quantity)
  const power = powersOf(looks)
  return {
    device,
    id: about.id,
    name: about.name,
    scope: about.scope,
    serving,
    pciAddress: about.pciAddress,
    looks: looks.length,
    powerMeanW: mean(power),
    powerMaxW: largest(power),
    temperatureMaxC: largest(told('temperatureC')),
    temperatureMemoryMaxC: largest(told('temperatureMemoryC')),
    clockSmMedianMhz: median(told('clockSmMhz')),
    clockSmMinMhz: smallest(told('clockSmMhz')),
    memoryPeakMib: largest(told('memoryUsedMib')),
    utilisationMeanRatio: mean(told('utilisationRatio')),
    pcieGeneration: largest(told('pcieGeneration')),
    pcieWidth: largest(told('pcieWidth')),
    throttle: throttleShares(around, window),
    energy: deviceEnergy(trace, window),
  }
}

/** Looks in the window, and the nearest on either side of it. */
function looksAround({ looks }: EnergyTrace, { startMs, endMs }: Window): DeviceReading[] {
  const atMs = looks.map((look) => look.atMs)
  return looks.slice(Math.max(lastUpTo(atMs, startMs), 0), lastUpTo(atMs, endMs) + 2)
}

export function valuesOf(readings: readonly DeviceReading[], quantity: Quantity): number[] {
  return readings.flatMap(({ [quantity]: value }) => (value === undefined ? [] : [value]))
}

/** Power by the better field that these readings have, W. */
export function powersOf(readings: readonly DeviceReading[]): number[] {
  const instant = valuesOf(readings, 'powerW')
  return instant.length > 0 ? instant : valuesOf(readings, 'powerAverageW')
}
