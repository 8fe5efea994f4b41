import { describe, expect, test } from 'vitest'
import type { DeviceReading, ThrottleTimes } from '../../src/detect/telemetry/sample.ts'
import { throttleShares } from '../../src/measure/throttle.ts'
import { looks } from './recordings.ts'

const window = { startMs: 10_000, endMs: 20_000 }
const held = (tell: (ms: number) => ThrottleTimes): DeviceReading[] =>
  looks(0, 30_000, (ms) => ({ throttle: tell(ms) }), 1000)

describe('by cumulative times', () => {
  test('a share is what was added in the window over its length', () => {
    // Half of the time at the power limit; 2 s of heat from 12 to 14 s.
    const shares = throttleShares(
      held((ms) => ({
        powerCapMs: 777 + ms / 2,
        thermalHardwareMs: Math.min(Math.max(ms - 12_000, 0), 2_000),
        powerBrakeMs: 5,
      })),
      window,
    )
    expect(shares).toEqual({
      powerCapRatio: 0.5,
      thermalRatio: 0.2,
      powerBrakeRatio: 0,
      syncBoostRatio: undefined,
      by: 'counters',
    })
  })

  test('what lies between two looks is shared out at the edges', () => {
    // All of the second from 9.5 to 10.5 s was held, of which half is in the window.
    const readings = [9_500, 10_500, 20_500].map((atMs, i) => ({
      atMs,
      throttle: { powerBrakeMs: i === 0 ? 0 : 1_000 },
    }))
    expect(throttleShares(readings, window)?.powerBrakeRatio).toBeCloseTo(0.05)
  })

  test('a few ms between two looks are not missed', () => {
    const shares = throttleShares(
      held((ms) => ({ thermalSoftwareMs: ms < 15_000 ? 0 : 40 })),
      window,
    )
    expect(shares?.thermalRatio).toBeCloseTo(0.004)
  })

  test('heat by software and by hardware may be the same heat: the larger counts', () => {
    const shares = throttleShares(
      held((ms) => ({ thermalSoftwareMs: ms * 0.4, thermalHardwareMs: ms * 0.1 })),
      window,
    )
    expect(shares?.thermalRatio).toBeCloseTo(0.4)
  })

  test('more time than passed is a mistaken unit, and unknown', () => {
    // us taken for ms.
    const shares = throttleShares(
      held((ms) => ({ powerCapMs: ms * 500, thermalHardwareMs: 0 })),
      window,
    )
    expect(shares).toMatchObject({ powerCapRatio: undefined, thermalRatio: 0 })
    // All of the time, to the jitter of the looks, is not.
    expect(
      throttleShares(
        held((ms) => ({ powerCapMs: ms * 1.01 })),
        window,
      )?.powerCapRatio,
    ).toBe(1)
  })

  test('a counter that goes down in the window is unknown, and before it is no matter', () => {
    const resetAt = (at: number) => held((ms) => ({ powerCapMs: ms < at ? 90_000 : (ms - at) / 2 }))
    expect(throttleShares(resetAt(15_000), window)).toBeUndefined()
    expect(throttleShares(resetAt(5_000), window)?.powerCapRatio).toBeCloseTo(0.5)
  })

  test('a sampler that died tells of what it saw', () => {
    const died = held((ms) => ({ thermalHardwareMs: Math.max(0, ms - 10_000) })).slice(0, 16)
    expect(throttleShares(died, window)?.thermalRatio).toBe(1)
  })
})

describe('by flags', () => {
  const flags = (reasons: readonly (readonly string[])[]): DeviceReading[] =>
    reasons.map((throttleReasons, i) => ({ atMs: 10_000 + i * 1000, throttleReasons }))

  test('a share is that of the looks that named the cause', () => {
    const shares = throttleShares(
      flags([
        ['sw_power_cap'],
        ['sw_power_cap', 'sw_thermal_slowdown'],
        ['hw_slowdown'],
        ['hw_power_brake_slowdown', 'hw_slowdown'],
      ]),
      window,
    )
    expect(shares).toEqual({
      powerCapRatio: 0.5,
      // A hardware slowdown alone is taken for heat; beside the brake it is the brake's.
      thermalRatio: 0.5,
      powerBrakeRatio: 0.25,
      syncBoostRatio: 0,
      by: 'flags',
    })
  })

  test('idle clocks and clocks that somebody set hold nothing back', () => {
    const shares = throttleShares(flags([['gpu_idle'], ['applications_clocks_setting']]), window)
    expect(shares).toMatchObject({ powerCapRatio: 0, thermalRatio: 0, powerBrakeRatio: 0 })
  })

  test('AMD’s names are understood', () => {
    const shares = throttleShares(flags([['PPT'], ['PROCHOT'], ['SOCKET_THERMAL'], []]), window)
    expect(shares).toMatchObject({ powerCapRatio: 0.25, thermalRatio: 0.5 })
  })

  test('without a look in the window, or a word of clocks, nothing is known', () => {
    expect(throttleShares(flags([['sw_power_cap']]), { startMs: 0, endMs: 5_000 })).toBeUndefined()
    expect(
      throttleShares(
        looks(10_000, 20_000, () => ({ powerW: 1 })),
        window,
      ),
    ).toBeUndefined()
  })
})
