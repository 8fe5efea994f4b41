import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import type { DeviceReading } from '../../src/detect/telemetry/sample.ts'
import { counterEnergy, counterOf } from '../../src/measure/energy-counter.ts'
import { areaUnder, type Curve, cumulative, valueAt } from '../../src/measure/energy-curve.ts'
import { powerEnergyJ, powerTrace, samplingErrorJ } from '../../src/measure/energy-power.ts'
import type { SensorProbe } from '../../src/measure/machine-figures.ts'
import { averagingMs, probeSensor } from '../../src/measure/sensor-probe.ts'
import { energyOf } from './recordings.ts'

// nvidia-smi read every 7 to 13 ms beside an external meter of 4.8 kHz (averaged over 5 ms), by the authors of arXiv 2312.02741.
// The captures lie outside the repository: where they are missing, nothing is tested here.
const fixtures =
  process.env.BAREMARK_FIXTURES ??
  fileURLToPath(new URL('../../../shared/fixtures', import.meta.url))
const folder = join(fixtures, 'energy-ground-truth')

interface Capture {
  readonly readings: readonly DeviceReading[]
  readonly meter: Curve
  readonly fromMs: number
  readonly toMs: number
}

function rowsOf(file: string): { header: string[]; rows: number[][] } {
  const [header = '', ...lines] = readFileSync(file, 'utf8').trim().split('\n')
  return { header: header.split(','), rows: lines.map((line) => line.split(',').map(Number)) }
}

function capture(name: string): Capture {
  const { header, rows } = rowsOf(join(folder, name, 'smi.csv'))
  const instant = header.indexOf('power.draw.instant')
  const meter = rowsOf(join(folder, name, 'meter-5ms.csv')).rows
  const [fromMs = 0, toMs = 0] = readFileSync(join(folder, name, 'load-window.txt'), 'utf8')
    .trim()
    .split(' ')
    .map(Number)
  return {
    readings: rows.map((row) => ({
      atMs: row[0] as number,
      powerW: row[instant],
      powerAverageW: row[1],
    })),
    meter: {
      atMs: meter.map((row) => row[0] as number),
      values: meter.map((row) => row[1] as number),
    },
    fromMs,
    toMs,
  }
}

/** By one field: how far its integral over the load is from the meter, as a share. */
function errorRatio(
  { readings, meter, fromMs, toMs }: Capture,
  field: 'powerW' | 'powerAverageW',
  meanOfMs?: number,
): number {
  const trace = powerTrace(readings, field)
  const joules = trace && powerEnergyJ(trace, fromMs, toMs, meanOfMs)
  const truthJ = (areaUnder(meter, fromMs, toMs) ?? Number.NaN) / 1000
  return (joules ?? Number.NaN) / truthJ - 1
}

const hasInstant = ({ readings }: Capture): boolean =>
  readings.some(({ powerW }) => powerW !== undefined)

// What the probe must find, from the authors' table and the ripple of their load.
const expected: Readonly<Record<string, SensorProbe['kind']>> = {
  '5050_3090': 'instant',
  '5050_A100': 'opaque',
  Transient_Response_3090_TR: 'instant',
  Transient_Response_4090_TR: 'opaque',
  Transient_Response_A100_TR: 'opaque',
  Transient_Response_A5000_TR: 'instant',
}

const names = existsSync(folder)
  ? readdirSync(folder).filter((name) => existsSync(join(folder, name, 'smi.csv')))
  : []

describe.skipIf(names.length === 0).each(names)('against an external meter, %s', (name) => {
  const captured = capture(name)
  const { readings, fromMs, toMs } = captured

  test('the integral of each field over the load is within 10 %, and no field is far above', () => {
    const fields = hasInstant(captured)
      ? (['powerW', 'powerAverageW'] as const)
      : (['powerAverageW'] as const)
    for (const field of fields) {
      expect(errorRatio(captured, field), field).toBeGreaterThan(-0.1)
      expect(errorRatio(captured, field), field).toBeLessThan(0.02)
    }
  })

  test('the sensor is found to be what it is, by its readings alone', () => {
    const probe = probeSensor(readings)?.probe
    expect(probe?.kind).toBe(expected[name])
    // The authors: every 100 ms, on the A100 a little slower.
    expect(probe?.powerPeriodMs).toBeGreaterThan(95)
    expect(probe?.powerPeriodMs).toBeLessThan(110)
  })

  test('no energy is quoted of a second, nor of a load under the floor', () => {
    const floorMs = probeSensor(readings)?.probe.minWindowMs ?? 0
    for (let startMs = fromMs; startMs + 1000 <= toMs; startMs += 500) {
      const energy = energyOf(readings, startMs, startMs + 1000)
      expect(energy).toMatchObject({ status: 'too-short' })
      expect([energy.joules, energy.integralJ]).toEqual([undefined, undefined])
    }
    const whole = energyOf(readings, fromMs, toMs)
    expect(whole.coverageRatio).toBeGreaterThan(0.99)
    expect(whole.status).toBe(toMs - fromMs < floorMs ? 'too-short' : 'ok')
  })
})

describe.skipIf(names.length === 0)('with a counter that adds up the meter every 100 ms', () => {
  /** The real power readings, beside a counter of the truth. */
  const counted = ({ readings, meter }: Capture): DeviceReading[] => {
    const truth = cumulative(meter)
    return readings.map((reading) => {
      const mJ = valueAt(truth, Math.floor(reading.atMs / 100) * 100)
      return { ...reading, energyJ: mJ === undefined ? undefined : mJ / 1000 }
    })
  }

  test.each(names)('the energy of %s is that of the meter to 1 %%, over any window', (name) => {
    const captured = capture(name)
    const counter = counterOf(counted(captured))
    for (const [fromMs, toMs] of [
      [captured.fromMs, captured.toMs],
      [captured.fromMs + 777, captured.fromMs + 5_777],
    ] as const) {
      const energy = counter && counterEnergy(counter, fromMs, toMs, 300)
      const truthJ = (areaUnder(captured.meter, fromMs, toMs) ?? Number.NaN) / 1000
      expect(energy).toHaveProperty('kind', 'counted')
      const joules = energy?.kind === 'counted' ? energy.joules : Number.NaN
      expect(Math.abs(joules / truthJ - 1)).toBeLessThan(0.01)
    }
  })

  test('a load of 12 s has its energy, with the gain of the power sensor as the gap', () => {
    const captured = capture('Transient_Response_3090_TR')
    const energy = energyOf(counted(captured), captured.fromMs, captured.toMs)
    expect(energy).toMatchObject({
      status: 'ok',
      sensor: { kind: 'counter', powerAveragingMs: 100 },
    })
    expect(energy.gapRatio).toBeGreaterThan(0.04)
    expect(energy.gapRatio).toBeLessThan(0.07)
    // The truth is no farther off than the energy says it may be.
    expect(energy.uncertaintyJ).toBeGreaterThan(0.05 * (energy.joules ?? Number.NaN))
  })
})

describe.skipIf(names.length === 0)('on an RTX 3090 under a load that goes on and off', () => {
  const captured = (): Capture => capture('5050_3090')

  test('the one-second means of power.draw miss the rise, and shifting them back mends it', () => {
    expect(errorRatio(captured(), 'powerAverageW')).toBeLessThan(-0.08)
    const shifted = errorRatio(captured(), 'powerAverageW', 1000)
    expect(Math.abs(shifted - errorRatio(captured(), 'powerW'))).toBeLessThan(0.01)
  })

  test('held against the meter, power.draw averages a second and the instant field 100 ms', () => {
    const { readings, meter } = captured()
    const found = (['powerAverageW', 'powerW'] as const).map((field) => {
      const trace = powerTrace(readings, field)
      return trace && averagingMs(trace, cumulative(meter), 5)
    })
    expect(found).toEqual([1000, 100])
  })
})

describe.skipIf(names.length === 0)('on an A100 under a load that goes on and off', () => {
  test('power is not what the meter says over any time: it is measured for a part of it only', () => {
    const { readings, meter } = capture('5050_A100')
    const trace = powerTrace(readings, 'powerW')
    expect(trace && averagingMs(trace, cumulative(meter), 5)).toBeUndefined()
  })

  test('and that shows in the readings: the seconds of a steady load differ, and on an RTX 3090 they do not', () => {
    const missedRatio = (name: string): number => {
      const { readings, fromMs, toMs } = capture(name)
      const trace = powerTrace(readings, 'powerW')
      const joules = trace && powerEnergyJ(trace, fromMs, toMs)
      const missedJ = trace && samplingErrorJ(trace, { startMs: fromMs, endMs: toMs })
      return (missedJ ?? Number.NaN) / (joules ?? Number.NaN)
    }
    expect(missedRatio('5050_A100')).toBeGreaterThan(0.15)
    expect(missedRatio('5050_3090')).toBeLessThan(0.03)
  })

  test('a second of it is off by a third and more, which is why it is refused', () => {
    const whole = capture('5050_A100')
    const errors: number[] = []
    for (let fromMs = whole.fromMs; fromMs + 1000 <= whole.toMs; fromMs += 250)
      errors.push(errorRatio({ ...whole, fromMs, toMs: fromMs + 1000 }, 'powerW'))
    expect(Math.min(...errors)).toBeLessThan(-0.33)
    expect(Math.max(...errors)).toBeGreaterThan(0.25)
  })
})
