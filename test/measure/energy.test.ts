import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { DeviceReading } from '../../src/detect/telemetry/sample.ts'
import { counterEnergy, counterOf } from '../../src/measure/energy-counter.ts'
import { powerEnergyJ, powerTrace } from '../../src/measure/energy-power.ts'
import { energyOf, gpu, looks, PERIOD_MS, steady } from './recordings.ts'

function integralJ(readings: readonly DeviceReading[], fromMs: number, toMs: number, meanOfMs = 0) {
  const trace = powerTrace(readings, 'powerW')
  return trace && powerEnergyJ(trace, fromMs, toMs, meanOfMs)
}

function counted(readings: readonly DeviceReading[], fromMs: number, toMs: number) {
  const counter = counterOf(readings)
  return counter && counterEnergy(counter, fromMs, toMs, 3 * PERIOD_MS)
}

describe('the integral of power', () => {
  test('of 300 W for 10 s is 3,000 J', () => {
    expect(
      integralJ(
        looks(0, 20_000, () => ({ powerW: 300 })),
        5_000,
        15_000,
      ),
    ).toBeCloseTo(3000)
  })

  test('of a ramp is the triangle under it, cut where the window is', () => {
    const ramp = looks(0, 10_000, (ms) => ({ powerW: ms / 50 }))
    // 0 to 200 W over 10 s: 1,000 J. The first half of it has a quarter.
    expect(integralJ(ramp, 0, 10_000)).toBeCloseTo(1000)
    expect(integralJ(ramp, 0, 5_000)).toBeCloseTo(250)
    // 123.4 to 7,777 ms: (7777² - 123.4²) / 50 / 2 / 1000.
    expect(integralJ(ramp, 123.4, 7_777)).toBeCloseTo(604.665, 2)
  })

  test('takes what is read again for no news', () => {
    // Told every 100 ms, read every 10: between the changes power went on rising.
    const stairs = looks(0, 10_000, (ms) => ({ powerW: Math.floor(ms / 100) * 2 }), 10)
    expect(integralJ(stairs, 0, 9_900)).toBeCloseTo((9.9 * 198) / 2)
  })

  test('takes power that was steady for long as steady up to the change, and no ramp', () => {
    const busy = looks(0, 5_000, (ms) => ({ powerW: 200 + (ms % 300) / 100 }))
    const step = looks(5_100, 25_000, (ms) => ({ powerW: ms < 15_000 ? 100 : 300 }))
    // 100 W to 14.9 s, 300 W from 15.0 s: 990 + 20 + 3,000 J from 5 s on... less its first look.
    expect(integralJ([...busy, ...step], 6_000, 25_000)).toBeCloseTo(890 + 20 + 3000)
  })

  test('is unknown of power that was looked at once', () => {
    expect(integralJ([{ atMs: 0, powerW: 300 }], 0, 1_000)).toBeUndefined()
  })

  test('of means over the second before is that of the time they are of', () => {
    // 50 W at rest, 300 W from 10 s to 20 s.
    const meanW = (ms: number): number => {
      const loadedMs = (from: number, to: number): number =>
        Math.max(0, Math.min(to, 20_000) - Math.max(from, 10_000))
      return 50 + 0.25 * loadedMs(ms - 1000, ms)
    }
    const smeared = looks(0, 30_000, (ms) => ({ powerW: meanW(ms) }))
    // Taken as they come, half a second of the rise is missed: 125 J.
    expect(integralJ(smeared, 10_000, 20_000)).toBeCloseTo(3000 - 125)
    expect(integralJ(smeared, 10_000, 20_000, 1000)).toBeCloseTo(3000)
    // And where the load goes on before and after.
    expect(integralJ(smeared, 12_000, 18_000, 1000)).toBeCloseTo(1800)
  })
})

describe('the energy counter', () => {
  /** 300 W, told every 100 ms in ticks of 30 J, looked at every 10 ms. */
  const ticking = looks(0, 20_000, (ms) => ({ energyJ: 30 * Math.floor(ms / 100) }), 10)

  test('is linear between its ticks, and uncertain by one at each edge', () => {
    // 4,950 ms at 300 W; the root of 30² + 30².
    const energy = counted(ticking, 5_020, 9_970)
    expect(energy).toMatchObject({ kind: 'counted' })
    expect(energy).toHaveProperty('joules', expect.closeTo(1485))
    expect(energy).toHaveProperty('uncertaintyJ', expect.closeTo(42.43, 2))
  })

  test('with fine ticks is less uncertain', () => {
    const fine = looks(0, 20_000, (ms) => ({ energyJ: 0.3 * ms }), 10)
    expect(counted(fine, 5_020, 9_975)).toHaveProperty('uncertaintyJ', expect.closeTo(4.24, 2))
  })

  test('counts on where nobody looked', () => {
    const holed = ticking.filter(({ atMs }) => atMs < 6_000 || atMs > 9_000)
    expect(counted(holed, 5_000, 10_000)).toHaveProperty('joules', expect.closeTo(1500))
  })

  test('runs on as it did a little beyond its last tick, and no farther', () => {
    // The last tick is at 20,000: a period and a half beyond it one more tick and a half.
    expect(counted(ticking, 10_000, 20_150)).toHaveProperty('joules', expect.closeTo(3045))
    expect(counted(ticking, 10_000, 20_301)).toBeUndefined()
  })

  test('that never moves is none', () => {
    expect(counterOf(looks(0, 5_000, () => ({ energyJ: 0 })))).toBeUndefined()
  })

  test('that goes down began again, in whatever window holds that', () => {
    const reset = looks(0, 40_000, (ms) => ({ energyJ: ms < 20_000 ? 5000 + ms : ms - 20_000 }))
    expect(counted(reset, 5_000, 35_000)).toEqual({ kind: 'reset' })
    expect(counted(reset, 5_000, 19_000)).toHaveProperty('joules', expect.closeTo(14_000))
    expect(counted(reset, 21_000, 35_000)).toHaveProperty('joules', expect.closeTo(14_000))
  })
})

describe('the energy of a device', () => {
  const watched = looks(0, 40_000, steady(300))

  test('is the counter’s, and says how far off it may be', () => {
    const energy = energyOf(watched, 10_000, 30_000)
    expect(energy).toMatchObject({ status: 'ok', coverageRatio: 1 })
    expect(energy.joules).toBeCloseTo(6000)
    expect(energy.counterJ).toBeCloseTo(6000)
    expect(energy.integralJ).toBeCloseTo(6000)
    expect(energy.gapRatio).toBeCloseTo(0)
    // 5 % gain is 300 J, a tick of 30 J at each edge, no gap: the root of 300² + 30² + 30².
    expect(energy.uncertaintyJ).toBeCloseTo(302.99, 2)
  })

  test('is the integral’s where there is no counter', () => {
    const wavy = looks(0, 60_000, (ms) => ({ powerW: 300 + (ms % 200) / 10 }))
    const energy = energyOf(wavy, 10_000, 50_000)
    expect(energy).toMatchObject({ status: 'ok', sensor: { kind: 'opaque' } })
    // 300 and 310 W in turn for 40 s.
    expect(energy.joules).toBeCloseTo(12_200)
    expect(energy).not.toHaveProperty('counterJ', expect.anything())
    // 5 % gain, and 100 ms at 300 W at either edge.
    expect(energy.uncertaintyJ).toBeCloseTo(Math.hypot(610, 30, 30))
  })

  test('that counter and power tell 10 % apart stands, with the gap in its uncertainty', () => {
    const apart = watched.map((look) => ({ ...look, powerW: 270 }))
    const energy = energyOf(apart, 10_000, 30_000)
    expect(energy).toMatchObject({ status: 'ok' })
    expect(energy.gapRatio).toBeCloseTo(0.1)
    expect(energy.uncertaintyJ).toBeCloseTo(Math.hypot(300, 30, 30, 600))
  })

  test('that counter and power tell 40 % apart is disputed, and both are told', () => {
    // Zeus #181: the counter 187.4 J, power 326.9 J.
    const apart = watched.map((look) => ({ ...look, powerW: 180 }))
    const energy = energyOf(apart, 10_000, 30_000)
    expect(energy).toMatchObject({
      status: 'disputed',
      reason: 'the counter says 6000 J and power comes to 3600 J, 40 % apart',
    })
    expect(energy.joules).toBeUndefined()
    expect([energy.counterJ, energy.integralJ].map((joules) => joules?.toFixed(6))).toEqual([
      '6000.000000',
      '3600.000000',
    ])
  })

  test('is disputed where the counter stands still while power flows', () => {
    const stuck = watched.map((look) => (look.atMs < 5_000 ? look : { ...look, energyJ: 2500 }))
    expect(energyOf(stuck, 10_000, 30_000)).toMatchObject({ status: 'disputed', gapRatio: 1 })
  })

  test('is none where the counter began again, although power was told', () => {
    const reset = watched.map((look) => ({ ...look, energyJ: (look.atMs * 0.3) % 6000 }))
    const energy = energyOf(reset, 10_000, 30_000)
    expect(energy).toMatchObject({ status: 'reset' })
    expect([energy.joules, energy.counterJ, energy.integralJ]).toEqual([
      undefined,
      undefined,
      undefined,
    ])
  })

  test('is partial where the sampler died halfway', () => {
    const died = watched.filter(({ atMs }) => atMs <= 20_000)
    const energy = energyOf(died, 10_000, 30_000)
    expect(energy).toMatchObject({
      status: 'partial',
      reason: 'looks cover 50 % of the window, 95 % are needed',
    })
    expect(energy.coverageRatio).toBeCloseTo(0.5)
    expect(energy.joules).toBeUndefined()
  })

  test('is partial where the clock left a hole of over 5 %, and not where it is smaller', () => {
    const without = (fromMs: number, toMs: number) =>
      watched.filter(({ atMs }) => atMs <= fromMs || atMs >= toMs)
    expect(energyOf(without(15_000, 16_100), 10_000, 30_000)).toMatchObject({
      status: 'partial',
      coverageRatio: expect.closeTo(0.945),
    })
    const small = energyOf(without(15_000, 15_900), 10_000, 30_000)
    expect(small).toMatchObject({ status: 'ok', coverageRatio: expect.closeTo(0.955) })
    expect(small.joules).toBeCloseTo(6000)
    // Three periods are no hole.
    expect(energyOf(without(15_000, 15_300), 10_000, 30_000).coverageRatio).toBeCloseTo(1)
  })

  test('without a counter is the less certain, the more of the window nobody saw', () => {
    const power = watched.flatMap(({ atMs, powerW }) =>
      atMs > 15_000 && atMs < 16_000 ? [] : [{ atMs, powerW }],
    )
    const energy = energyOf(power, 5_000, 35_000)
    // 1 s of 30 s: 300 J of 9,000, beside a gain of 450. Power never changed, so no edges.
    expect(energy.uncertaintyJ).toBeCloseTo(Math.hypot(450, 300))
  })

  test('is the less certain, the more power moves that may be measured for only a part of the time', () => {
    const beat = looks(0, 60_000, (ms) => ({
      powerW: (ms % 2000 < 1000 ? 200 : 400) + (ms % 200) / 100,
    }))
    const energy = energyOf(beat, 10_000, 50_000)
    expect(energy.sensor?.kind).toBe('opaque')
    expect(energy.joules).toBeCloseTo(12_020)
    // A change takes the last 100 ms of a second: seconds of 210.5 and 390.5 J, s^2 = 180^2 / 2, and 2 s sqrt(40).
    const missedJ = 2 * Math.sqrt(180 ** 2 / 2) * Math.sqrt(40)
    expect(energy.uncertaintyJ).toBeCloseTo(Math.hypot(601, 20, 20, missedJ), 1)
  })

  test('is hardly less certain for power that slowly comes up', () => {
    // 200 to 400 W over 40 s, a look every 100 ms: each second has 5 J more than the one before.
    const ramp = looks(0, 60_000, (ms) => ({ powerW: 200 + (ms - 10_000) / 200 }))
    const energy = energyOf(ramp, 10_000, 50_000)
    expect(energy.joules).toBeCloseTo(12_000)
    const missedJ = 2 * Math.sqrt(5 ** 2 / 2) * Math.sqrt(40)
    expect(energy.uncertaintyJ).toBeCloseTo(Math.hypot(600, 20, 40, missedJ))
  })

  test('by averages of nobody knows how long is uncertain by half a second at either edge', () => {
    const smeared = looks(0, 60_000, () => ({ powerAverageW: 300 }))
    expect(energyOf(smeared, 10_000, 50_000).uncertaintyJ).toBeCloseTo(Math.hypot(600, 150, 150))
  })

  test('is too short to tell under 10 s by a counter of 100 ms', () => {
    expect(energyOf(watched, 10_000, 19_999)).toMatchObject({
      status: 'too-short',
      reason:
        'the window is 10 s, and an energy counter that moves as this one does can tell the energy of 10 s or more',
    })
    expect(energyOf(watched, 10_000, 20_000).status).toBe('ok')
  })

  test('is told of nothing but looks that are not too seldom', () => {
    expect(energyOf(watched, 0, 30_000, gpu({ coarse: true }))).toMatchObject({
      status: 'no-sensor',
      reason: 'it is looked at too seldom for energy',
    })
    const blind = looks(0, 40_000, () => ({ temperatureC: 40 }))
    expect(energyOf(blind, 0, 30_000, gpu({ lacks: ['no power on this vGPU'] }))).toMatchObject({
      status: 'no-sensor',
      reason: 'no power on this vGPU',
      coverageRatio: 0,
    })
  })

  test('of a processor has no uncertainty: nobody knows the gain of its sensor', () => {
    const energy = energyOf(watched, 10_000, 30_000, gpu({ scope: 'cpu-package' }))
    expect(energy.joules).toBeCloseTo(6000)
    expect(energy.uncertaintyJ).toBeUndefined()
  })

  test('is the same with every look told twice and in any order', () => {
    const wavy = looks(0, 40_000, (ms) => ({
      powerW: 200 + (ms % 700) / 7,
      energyJ: 250 * (ms / 1000),
    }))
    const shuffled = wavy.map((_, i) => wavy[(i * 7) % wavy.length] as DeviceReading)
    expect(energyOf([...shuffled, ...wavy], 10_000, 30_000)).toEqual(energyOf(wavy, 10_000, 30_000))
  })
})

describe('whatever the readings are', () => {
  const powers = fc.array(fc.integer({ min: 1, max: 700 }), { minLength: 301, maxLength: 301 })
  /** A look every 100 ms for 30 s, by both methods: the counter is the trapezoids under the power. */
  const told = (powersW: readonly number[], shiftMs = 0, times = 1): DeviceReading[] => {
    let energyJ = 0
    return powersW.map((powerW, i) => {
      energyJ += (times * 0.1 * (powerW + (powersW[i - 1] ?? powerW))) / 2
      return { atMs: shiftMs + i * 100, powerW: times * powerW, energyJ }
    })
  }
  const edges = fc
    .tuple(fc.integer({ min: 200, max: 29_900 }), fc.integer({ min: 200, max: 29_900 }))
    .map(([a, b]) => [Math.min(a, b), Math.max(a, b)] as const)
  const joules = (readings: readonly DeviceReading[], fromMs: number, toMs: number): number => {
    const energy = counted(readings, fromMs, toMs)
    return energy?.kind === 'counted' ? energy.joules : Number.NaN
  }

  test('the energies of two windows that adjoin add up to that of both', () => {
    fc.assert(
      fc.property(powers, edges, fc.integer({ min: 200, max: 29_900 }), (powersW, [a, b], cut) => {
        const readings = told(powersW)
        const middle = Math.min(Math.max(cut, a), b)
        for (const energy of [joules, integralJ]) {
          const whole = energy(readings, a, b) ?? Number.NaN
          const parts = (energy(readings, a, middle) ?? 0) + (energy(readings, middle, b) ?? 0)
          expect(parts).toBeCloseTo(whole, 6)
        }
      }),
      { numRuns: 50 },
    )
  })

  test('it does not matter when they were made', () => {
    fc.assert(
      fc.property(powers, fc.integer({ min: -1e6, max: 1e9 }), (powersW, shiftMs) => {
        const here = energyOf(told(powersW), 5_000, 25_000)
        const there = energyOf(told(powersW, shiftMs), 5_000 + shiftMs, 25_000 + shiftMs)
        expect(there.status).toBe(here.status)
        expect(there.sensor).toEqual(here.sensor)
        expect(there.joules ?? 0).toBeCloseTo(here.joules ?? 0, 4)
      }),
      { numRuns: 30 },
    )
  })

  test('twice the power is twice the energy, and twice the uncertainty', () => {
    fc.assert(
      fc.property(powers, (powersW) => {
        const once = energyOf(told(powersW), 5_000, 25_000)
        const twice = energyOf(told(powersW, 0, 2), 5_000, 25_000)
        expect(twice.joules ?? 0).toBeCloseTo(2 * (once.joules ?? 0), 6)
        expect(twice.uncertaintyJ ?? 0).toBeCloseTo(2 * (once.uncertaintyJ ?? 0), 6)
        expect(once.joules).toBeGreaterThan(0)
      }),
      { numRuns: 30 },
    )
  })
})
