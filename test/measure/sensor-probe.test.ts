import { describe, expect, test } from 'vitest'
import type { DeviceReading } from '../../src/detect/telemetry/sample.ts'
import { updatePeriodMs } from '../../src/measure/energy-curve.ts'
import { probeSensor } from '../../src/measure/sensor-probe.ts'
import { looks } from './recordings.ts'

/** 100 W at rest, 400 W every other 5 s, and a ripple of 5 W: what was drawn up to a moment, J. */
function drawnJ(ms: number): number {
  const rounds = Math.floor(ms / 10_000)
  const loadedMs = rounds * 5_000 + Math.max(0, (ms % 10_000) - 5_000)
  return (100 * ms + 300 * loadedMs) / 1000 + 1.35 * Math.sin(ms / 270)
}

/** The mean over the time before, as it is told every 100 ms. */
function meanW(atMs: number, overMs: number): number {
  const toldMs = Math.floor(atMs / 100) * 100
  return (1000 * (drawnJ(toldMs) - drawnJ(toldMs - overMs))) / overMs
}

const probe = (tell: (ms: number) => Omit<DeviceReading, 'atMs'>, everyMs = 20) =>
  probeSensor(looks(10_000, 60_000, tell, everyMs))?.probe

describe('the period of an update', () => {
  test('is the median of the times between changes, whatever the jitter of the looks', () => {
    expect(updatePeriodMs([0, 98, 203, 301, 399, 504, 602])).toBe(98)
  })

  test('is not longer because the same value came again', () => {
    // 100 ms, with four changes of ten that nobody could see.
    expect(updatePeriodMs([0, 100, 300, 400, 700, 800, 900])).toBe(100)
    expect(updatePeriodMs([0, 5_000, 5_100, 9_000, 9_100, 9_200, 9_300])).toBe(100)
  })

  test('is unknown of what hardly ever changed', () => {
    expect(updatePeriodMs([])).toBeUndefined()
    expect(updatePeriodMs([0, 100, 200, 300, 400])).toBeUndefined()
  })
})

describe('a sensor with an energy counter', () => {
  const counter = (ms: number): number => drawnJ(Math.floor(ms / 100) * 100)

  test('tells energy by it, from 10 s on, and shows what power is the mean of', () => {
    expect(probe((ms) => ({ energyJ: counter(ms), powerW: meanW(ms, 100) }))).toEqual({
      counterPeriodMs: 100,
      powerPeriodMs: 100,
      powerAveragingMs: 100,
      kind: 'counter',
      minWindowMs: 10_000,
    })
    expect(probe((ms) => ({ energyJ: counter(ms), powerAverageW: meanW(ms, 1000) }))).toMatchObject(
      { powerAveragingMs: 1000, kind: 'counter' },
    )
  })

  test('cannot show that where power is steady', () => {
    const flat = probe((ms) => ({ energyJ: 0.3 * Math.floor(ms / 100) * 100, powerW: 300 }))
    expect(flat).toMatchObject({ counterPeriodMs: 100, kind: 'counter', minWindowMs: 10_000 })
    expect(flat?.powerAveragingMs).toBeUndefined()
    expect(flat?.powerPeriodMs).toBeUndefined()
  })

  test('that moves every half a second needs a hundred of these', () => {
    const slow = probe((ms) => ({ energyJ: drawnJ(Math.floor(ms / 500) * 500) }))
    expect(slow).toMatchObject({ counterPeriodMs: 500, kind: 'counter', minWindowMs: 50_000 })
  })

  test('that moves so seldom is no better than power, once it has shown what power is', () => {
    const slow = (overMs: number) =>
      probe((ms) => ({
        energyJ: drawnJ(Math.floor(ms / 500) * 500),
        powerAverageW: meanW(ms, overMs),
      }))
    expect(slow(1000)).toMatchObject({ kind: 'average1s', minWindowMs: 30_000 })
    // Of 500 ms nothing shorter than half a second can be told.
    expect(slow(100)).toMatchObject({ powerAveragingMs: undefined, kind: 'opaque' })
  })

  test('that counts something else explains nothing of power', () => {
    const elsewhere = probe((ms) => ({
      energyJ: counter(ms + 5_000),
      powerW: meanW(ms, 100),
    }))
    expect(elsewhere?.powerAveragingMs).toBeUndefined()
  })
})

describe('a sensor without a counter', () => {
  test('is instant where another field is seen to be the running mean of it', () => {
    const both = probe((ms) => ({ powerW: meanW(ms, 100), powerAverageW: meanW(ms, 1000) }))
    expect(both).toEqual({ powerPeriodMs: 100, kind: 'instant', minWindowMs: 10_000 })
  })

  test('is opaque where both fields say the same, and needs 30 s', () => {
    const same = probe((ms) => ({ powerW: meanW(ms, 100), powerAverageW: meanW(ms, 100) }))
    expect(same).toEqual({ powerPeriodMs: 100, kind: 'opaque', minWindowMs: 30_000 })
  })

  test('is opaque with one field, however fine it looks', () => {
    expect(probe((ms) => ({ powerW: meanW(ms, 100) }))).toMatchObject({ kind: 'opaque' })
    expect(probe((ms) => ({ powerAverageW: meanW(ms, 1000) }))).toMatchObject({ kind: 'opaque' })
  })

  test('goes by the average where the instant field hardly ever told anything', () => {
    const rarely = probe((ms) => ({
      powerW: ms % 1000 === 0 ? meanW(ms, 100) : undefined,
      powerAverageW: meanW(ms, 1000),
    }))
    expect(rarely).toMatchObject({ powerPeriodMs: 100, kind: 'opaque' })
  })

  test('that is told once in two seconds needs a hundred of these', () => {
    const slow = probe(
      (ms) => ({ powerW: meanW(Math.floor(ms / 2000) * 2000, 1000) + ms / 1e6 }),
      2000,
    )
    expect(slow).toMatchObject({ powerPeriodMs: 2000, minWindowMs: 200_000 })
  })

  test('and without power is none', () => {
    expect(probe(() => ({ temperatureC: 50 }))).toBeUndefined()
    expect(probe(() => ({ energyJ: 0 }))).toBeUndefined()
  })
})
