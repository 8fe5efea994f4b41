import { largest, mean, smallest } from '../arithmetic.ts'
import type { DeviceReading } from '../detect/telemetry/sample.ts'
import { powersOf, valuesOf } from './device-figures.ts'
import type { EnergyTrace } from './energy.ts'
import type { DeviceTimeline } from './machine-figures.ts'

/** A chart shows no more, and a summary need not be as long as what it sums up. */
const MAX_MOMENTS = 240

/** One device over a run; undefined where no look told anything that a chart shows. */
export function deviceTimeline({ about, looks }: EnergyTrace): DeviceTimeline | undefined {
  const moments = stretchesOf(looks).map(momentOf)
  const { id, name, scope } = about
  return moments.some(isTold) ? { id, name, scope, moments } : undefined
}

type Moment = DeviceTimeline['moments'][number]

function isTold({ atMs, ...told }: Moment): boolean {
  return Object.values(told).some((value) => value !== undefined)
}

/** Looks that make one moment together. */
function stretchesOf(looks: readonly DeviceReading[]): DeviceReading[][] {
  if (looks.length <= MAX_MOMENTS) return looks.map((look) => [look])
  const firstMs = looks[0]?.atMs ?? 0
  const stretchMs = ((looks.at(-1)?.atMs ?? firstMs) - firstMs) / MAX_MOMENTS
  const stretches = new Map<number, DeviceReading[]>()
  for (const look of looks) {
    const stretch = Math.min(Math.floor((look.atMs - firstMs) / stretchMs), MAX_MOMENTS - 1)
    const others = stretches.get(stretch)
    if (others) others.push(look)
    else stretches.set(stretch, [look])
  }
  return [...stretches.values()]
}

function momentOf(looks: readonly DeviceReading[]): Moment {
  return {
    atMs: looks[0]?.atMs ?? 0,
    powerW: mean(powersOf(looks)),
    temperatureC: largest(valuesOf(looks, 'temperatureC')),
    clockSmMhz: smallest(valuesOf(looks, 'clockSmMhz')),
    utilisationRatio: mean(valuesOf(looks, 'utilisationRatio')),
  }
}
