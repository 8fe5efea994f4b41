import { describe, expect, test } from 'vitest'
import type { Hardware } from '../../src/detect/hardware.ts'
import { ok } from '../../src/detect/reading.ts'
import type {
  DeviceReading,
  Telemetry,
  TelemetryDevice,
} from '../../src/detect/telemetry/sample.ts'
import type { RunLog, TelemetryLog } from '../../src/load/run-log.ts'
import { summarize } from '../../src/measure/summarize.ts'
import type { Gate, Summary } from '../../src/measure/summary.ts'
import { machineFiguresSchema, machineSummarySchema } from '../../src/report/machine-schema.ts'
import { gpuWith } from '../detect/machines.ts'
import { gpu, looks, otherGpu, recording, watched } from './recordings.ts'
import { levelLog, record, runLog, shifted } from './records.ts'

// The model idles from 0 to 10 s and from 31 to 41 s, and is at work from 10 to 31 s, measured up to 30 s.
const idle = [
  { when: 'before', fromMs: 0, toMs: 10_000 },
  { when: 'after', fromMs: 31_000, toMs: 41_000 },
] as const
const level = levelLog({
  startMs: 10_000,
  windowStartMs: 10_000,
  windowEndMs: 30_000,
  endMs: 31_000,
  issued: 20,
})
/** 20 requests: 160 output tokens and 320 input tokens, all of them in the window. */
const records = Array.from({ length: 20 }, (_, id) => shifted(record(), 10_000 + id * 900, { id }))

/** So much at work, and so much before and after. */
function load(loadedW: number, beforeW = 100, afterW = beforeW): DeviceReading[] {
  const energyJ = (ms: number): number =>
    (beforeW * Math.min(ms, 10_000) +
      loadedW * Math.min(Math.max(ms - 10_000, 0), 21_000) +
      afterW * Math.max(ms - 31_000, 0)) /
    1000
  const powerW = (ms: number): number => {
    if (ms < 10_000) return beforeW
    return ms < 31_000 ? loadedW : afterW
  }
  return looks(0, 42_000, (ms) => ({ powerW: powerW(ms), energyJ: energyJ(ms) }))
}

function summaryOf(
  telemetry: Telemetry,
  log: Pick<RunLog, 'telemetry'> = watched(['0000:01:00.0'], idle),
  run: Partial<RunLog> = {},
): Summary {
  return summarize(runLog({ levels: [level], ...log, ...run }), records, undefined, [], telemetry)
}

const one = (readings: readonly DeviceReading[], parts: Partial<TelemetryDevice> = {}): Telemetry =>
  recording([[gpu(parts), readings]])
const scopesOf = (summary: Summary) => summary.points[0]?.machine?.scopes ?? []
const devicesOf = (summary: Summary) => summary.points[0]?.machine?.devices ?? []
const warningsOf = (summary: Summary, kind: string) =>
  summary.warnings.filter((warning) => warning.kind === kind).map(({ text }) => text)
const gateOf = (summary: Summary, name: string): Gate | undefined =>
  [...summary.gates, ...(summary.points[0]?.gates ?? [])].find(({ gate }) => gate === name)

describe('energy per token', () => {
  test('is told of all energy, and of what is above idle', () => {
    const [scope] = scopesOf(summaryOf(one(load(300))))
    // 300 W for 20 s are 6,000 J, of which 100 W x 20 s = 2,000 J would have flowed anyway.
    expect(scope).toMatchObject({
      scope: 'gpu',
      devices: 1,
      status: 'ok',
      joules: expect.closeTo(6000),
      meanPowerW: expect.closeTo(300),
      idlePowerW: expect.closeTo(100),
      grossJPerOutputToken: expect.closeTo(6000 / 160),
      netJPerOutputToken: expect.closeTo(4000 / 160),
      grossJPerToken: expect.closeTo(6000 / 480),
      netJPerToken: expect.closeTo(4000 / 480),
      grossJPerRequest: expect.closeTo(300),
      netJPerRequest: expect.closeTo(200),
      outputTokensPerJ: expect.closeTo(160 / 6000),
    })
    // 5 % and a tick of 30 J at each edge, where power steps from 100 W: the tick before is 10 J.
    expect(scope?.uncertaintyRatio).toBeCloseTo(Math.hypot(300, 30, 30) / 6000, 3)
  })

  test('has no net part where nobody saw the machine idle', () => {
    const summary = summaryOf(one(load(300)), watched(['0000:01:00.0']))
    const [scope] = scopesOf(summary)
    expect(scope?.grossJPerOutputToken).toBeCloseTo(37.5)
    expect(scope).toMatchObject({ idlePowerW: undefined, netJPerOutputToken: undefined })
    expect(summary.machine?.idle).toEqual([
      {
        scope: 'gpu',
        reason: 'no idle stretch before the load; no idle stretch after the load',
      },
    ])
  })

  test('has an idle power from either side alone, if it was seen for 10 s', () => {
    const short = [idle[0], { when: 'after', fromMs: 31_000, toMs: 35_000 }] as const
    const summary = summaryOf(one(load(300, 100, 160)), watched(['0000:01:00.0'], short))
    expect(summary.machine?.idle).toMatchObject([
      {
        beforeW: expect.closeTo(100),
        afterW: undefined,
        reason: 'looks cover 4.0 s of the idle stretch after the load, 10 s are needed',
      },
    ])
    expect(scopesOf(summary)[0]?.idlePowerW).toBeCloseTo(100)
  })

  test('rests on an idle power that drifts, and says so', () => {
    const text = (after: number) => warningsOf(summaryOf(one(load(300, 100, after))), 'idle-drift')
    expect(text(110)).toEqual([])
    expect(text(112)[0]).toMatch(
      /^Idle power \(gpu\) was 100\.0 W before the load and 112\.0 W after/,
    )
    expect(scopesOf(summaryOf(one(load(300, 100, 112))))[0]?.idlePowerW).toBeCloseTo(106)
  })

  test('is none where the sampler died, and the run says so', () => {
    const died = one(load(300).filter(({ atMs }) => atMs <= 20_000))
    const summary = summaryOf(died)
    expect(scopesOf(summary)[0]).toMatchObject({
      status: 'partial',
      reason: 'Some GPU (0000:01:00.0): looks cover 50 % of the window, 95 % are needed',
    })
    expect(scopesOf(summary)[0]).not.toHaveProperty('grossJPerOutputToken')
    expect(gateOf(summary, 'energy-coverage')).toMatchObject({
      status: 'fail',
      severity: 'degraded',
      value: '50.0 % of the window',
    })
    expect(warningsOf(summary, 'energy-withheld')).toEqual([
      '1 user: no energy: gpu: Some GPU (0000:01:00.0): looks cover 50 % of the window, 95 % are needed. Look at what the sampler said, and repeat on a quieter machine.',
    ])
  })
})

describe('which devices count', () => {
  const two = recording([
    [gpu(), load(300)],
    [otherGpu, load(500)],
  ])

  test('the GPUs that serve the model', () => {
    const summary = summaryOf(two)
    expect(scopesOf(summary)[0]).toMatchObject({ devices: 1, joules: expect.closeTo(6000) })
    expect(devicesOf(summary).map(({ serving }) => serving)).toEqual([true, false])
    expect(summary.machine?.attribution).toBe(
      '1 of 2 watched GPUs count as serving the model: 0000:01:00.0 (process 7 listens on port 8000).',
    )
    expect(warningsOf(summary, 'gpus-assumed')).toEqual([])
  })

  test('all of them where nobody knows, with a warning', () => {
    const summary = summaryOf(two, watched(undefined, idle))
    const [scope] = scopesOf(summary)
    expect(scope).toMatchObject({ devices: 2, joules: expect.closeTo(16_000) })
    // Errors of like sensors add up.
    const each = devicesOf(summary).map(({ energy }) => energy.uncertaintyJ ?? Number.NaN)
    expect(scope?.uncertaintyJ).toBeCloseTo((each[0] ?? 0) + (each[1] ?? 0))
    expect(summary.machine?.attribution).toBe(
      'Which GPUs serve the model is not known (the server is elsewhere): all 2 that were watched count.',
    )
    expect(warningsOf(summary, 'gpus-assumed')).toHaveLength(1)
  })

  test('no GPU where the server runs on none', () => {
    const summary = summaryOf(two, watched([], idle))
    expect(scopesOf(summary)).toEqual([])
    expect(summary.machine?.attribution).toMatch(/^0 of 2 watched GPUs/)
  })

  test('a GPU that two sources tell of, once', () => {
    const twice = recording([
      [gpu(), load(300)],
      [gpu({ id: 'dcgm-0', source: 'dcgm' }), load(300)],
    ])
    expect(scopesOf(summaryOf(twice))[0]).toMatchObject({
      devices: 1,
      joules: expect.closeTo(6000),
    })
  })

  test('scopes stand side by side and are not added up', () => {
    const machine = recording([
      [gpu(), load(300)],
      [{ id: 'package-0', scope: 'cpu-package', source: 'rapl', name: 'package-0' }, load(80, 20)],
      [{ id: 'package-1', scope: 'cpu-package', source: 'rapl', name: 'package-1' }, load(40, 20)],
    ])
    const scopes = scopesOf(summaryOf(machine))
    expect(scopes.map(({ scope, devices }) => [scope, devices])).toEqual([
      ['gpu', 1],
      ['cpu-package', 2],
    ])
    expect(scopes[1]).toMatchObject({
      joules: expect.closeTo(2400),
      idlePowerW: expect.closeTo(40),
      uncertaintyJ: undefined,
    })
  })

  test('a scope is not ok with one device that is not, and names it', () => {
    const summary = summaryOf(
      recording([
        [gpu(), load(300)],
        [otherGpu, looks(0, 42_000, () => ({ temperatureC: 50 }))],
      ]),
      watched(['0000:01:00.0', '0000:02:00.0'], idle),
    )
    expect(scopesOf(summary)[0]).toMatchObject({
      status: 'no-sensor',
      reason: 'Other GPU (0000:02:00.0): it tells neither energy nor power',
    })
    expect(scopesOf(summary)[0]).not.toHaveProperty('joules')
  })

  test('a GPU that is split up is told of as a whole', () => {
    const hardware = (address: string) => ({
      ...runLog().hardware,
      gpus: [gpuWith({ migEnabled: ok(true, 'test'), pciAddress: ok(address, 'test') })],
    })
    const log = watched(['0000:01:00.0'], idle)
    const split = summaryOf(one(load(300)), log, { hardware: hardware('0000:01:00.0') })
    expect(split.machine?.attribution).toMatch(/MIG is on: power is that of the whole GPU/)
    expect(warningsOf(split, 'gpu-shared')).toHaveLength(1)
    const another = summaryOf(one(load(300)), log, { hardware: hardware('0000:02:00.0') })
    expect(warningsOf(another, 'gpu-shared')).toEqual([])
  })
})

describe('the figures of a device', () => {
  const busy = looks(0, 42_000, (ms) => ({
    powerW: 250 + (ms % 200) / 2,
    temperatureC: ms < 30_000 ? 60 : 95,
    temperatureMemoryC: 70,
    clockSmMhz: ms < 12_000 ? 1200 : 1980,
    memoryUsedMib: 70_000,
    utilisationRatio: ms % 400 < 100 ? 0 : 1,
    pcieGeneration: ms < 11_000 ? 1 : 5,
    pcieWidth: 16,
  }))

  test('are of the looks in the window alone', () => {
    const [device] = devicesOf(summaryOf(one(busy)))
    expect(device).toMatchObject({
      looks: 200,
      powerMeanW: 275,
      powerMaxW: 300,
      temperatureMaxC: 60,
      temperatureMemoryMaxC: 70,
      clockSmMedianMhz: 1980,
      clockSmMinMhz: 1200,
      memoryPeakMib: 70_000,
      utilisationMeanRatio: 0.75,
      // At rest the link goes down to the first generation.
      pcieGeneration: 5,
      pcieWidth: 16,
    })
  })

  test('do not count the looks at the counter in between', () => {
    const ticks = looks(5, 42_000, (ms) => ({ energyJ: ms }), 10)
    expect(devicesOf(summaryOf(one([...busy, ...ticks])))[0]).toMatchObject({ looks: 200 })
  })

  test('are a line of at most 240 moments over the run', () => {
    const [timeline] = summaryOf(one(busy)).machine?.timelines ?? []
    expect(timeline?.moments).toHaveLength(240)
    // 421 looks over 42 s: the first stretch of 175 ms holds those at 0 and at 100 ms.
    expect(timeline?.moments[0]).toEqual({
      atMs: 0,
      powerW: 275,
      temperatureC: 60,
      clockSmMhz: 1200,
      utilisationRatio: 0.5,
    })
    const few = summaryOf(one(busy.slice(0, 100))).machine?.timelines[0]?.moments
    expect(few).toHaveLength(100)
  })

  test('are what the schema of reports says', () => {
    const summary = summaryOf(one(busy))
    const asJson = (value: unknown): unknown => JSON.parse(JSON.stringify(value))
    expect(machineFiguresSchema.safeParse(asJson(summary.points[0]?.machine)).error).toBeUndefined()
    expect(machineSummarySchema.safeParse(asJson(summary.machine)).error).toBeUndefined()
  })

  test('are absent where nothing was recorded', () => {
    const summary = summarize(runLog({ levels: [level] }), records)
    expect([summary.machine, summary.points[0]?.machine]).toEqual([undefined, undefined])
    expect(summary.machine).toEqual(summaryOf(recording([])).machine)
  })

  test('tell what the sampler cost, where it lived to tell', () => {
    const cost = { cpuCores: 0.004, looks: 421, longestGapMs: 131 }
    const telemetry = { ...one(busy), end: { atMs: 42_000, cost } }
    expect(summaryOf(telemetry).machine).toMatchObject({
      samplerCpuCores: 0.004,
      longestGapMs: 131,
    })
    expect(summaryOf(one(busy)).machine?.samplerCpuCores).toBeUndefined()
  })
})

describe('power over the limit', () => {
  const limited = (limitW: number) =>
    summaryOf(one(load(300)), watched(['0000:01:00.0'], idle), {
      hardware: {
        ...runLog().hardware,
        gpus: [
          gpuWith({
            pciAddress: ok('0000:01:00.0', 'test'),
            powerLimitEnforcedW: ok(limitW, 'test'),
          }),
        ],
      },
    })

  test('by more than a tenth is a wrong unit or a wrong GPU', () => {
    expect(warningsOf(limited(273), 'power-over-limit')).toEqual([])
    expect(warningsOf(limited(272), 'power-over-limit')[0]).toMatch(
      /Some GPU \(0000:01:00.0\) drew 300 W on average, over its limit of 272 W/,
    )
  })
})

describe('counter and power that do not agree', () => {
  const off = (times: number) =>
    summaryOf(one(load(300).map((look) => ({ ...look, powerW: (look.powerW ?? 0) * times }))))

  test('by 5 to 15 % are a warning, by more there is no energy', () => {
    expect(warningsOf(off(0.96), 'energy-gap')).toEqual([])
    expect(warningsOf(off(0.9), 'energy-gap')[0]).toMatch(
      /the energy counter says 6000 J, power comes to 54\d\d J, 10\.0 % apart/,
    )
    expect(warningsOf(off(0.8), 'energy-gap')).toEqual([])
    expect(warningsOf(off(0.8), 'energy-withheld')[0]).toMatch(
      /the counter says 6000 J and power comes to 48\d\d J, 20 % apart/,
    )
    expect(scopesOf(off(0.8))[0]).toMatchObject({ status: 'disputed' })
  })
})

describe('gates of the machine', () => {
  const throttled = (thermalMs: number, device = gpu()) =>
    summaryOf(
      recording([
        [gpu(), load(300)],
        [
          device,
          load(300).map((look) => ({
            ...look,
            throttle: {
              powerCapMs: look.atMs / 2,
              thermalHardwareMs: look.atMs < 20_000 ? 0 : thermalMs,
              powerBrakeMs: 0,
            },
          })),
        ],
      ]),
      watched([device.pciAddress ?? '', '0000:01:00.0'], idle),
    )

  test('heat for over a thousandth of the window makes a run INVALID, the power limit never', () => {
    // A thousandth of 20 s is 20 ms.
    const hot = throttled(21, otherGpu)
    expect(gateOf(hot, 'thermal-throttling')).toMatchObject({
      status: 'fail',
      severity: 'invalid',
      value: 'heat 0.1 %, power brake 0 %, power limit 50 %',
    })
    expect(hot.verdict).toBe('INVALID')
    expect(gateOf(throttled(20, otherGpu), 'thermal-throttling')).toMatchObject({ status: 'pass' })
  })

  test('heat in a GPU that serves nothing is no matter', () => {
    const hot = recording([
      [gpu(), load(300)],
      [otherGpu, load(300).map((look) => ({ ...look, throttleReasons: ['hw_thermal_slowdown'] }))],
    ])
    expect(gateOf(summaryOf(hot), 'thermal-throttling')?.status).toBe('not-measured')
    expect(gateOf(summaryOf(hot, watched(undefined)), 'thermal-throttling')?.status).toBe('fail')
  })

  test('a set-up that changed degrades a run, and one that was not compared is not measured', () => {
    const changed = (stateChanges?: readonly string[]) =>
      gateOf(summaryOf(one(load(300)), undefined, { stateChanges }), 'machine-unchanged')
    expect(changed(['GPU 0: power limit 700 W, was 500 W'])).toMatchObject({
      status: 'fail',
      severity: 'degraded',
      value: 'changed: GPU 0: power limit 700 W, was 500 W',
    })
    expect(changed([])).toMatchObject({ status: 'pass', value: 'unchanged' })
    expect(changed()).toMatchObject({ status: 'not-measured' })
  })

  test('a serving GPU that was lost before the load was over degrades a run', () => {
    const lost = (device: number, atMs: number) =>
      gateOf(
        summaryOf({
          ...recording([
            [gpu(), load(300)],
            [otherGpu, load(300)],
          ]),
          lost: [{ device, atMs, reason: 'GPU is lost' }],
        }),
        'gpu-lost',
      )
    expect(lost(0, 25_000)).toMatchObject({
      status: 'fail',
      value: '1 lost: 0000:01:00.0 (GPU is lost)',
    })
    expect(lost(0, 31_500)).toMatchObject({ status: 'pass', value: '0 lost' })
    expect(lost(1, 25_000)).toMatchObject({ status: 'pass' })
  })

  test('without a recording nothing is known of the GPUs there are, and no energy is told', () => {
    const log: TelemetryLog = { kind: 'none', reason: '--no-telemetry' }
    const statuses = (gpus: Hardware['gpus']) => {
      const run = runLog({ levels: [level], telemetry: log })
      const summary = summarize({ ...run, hardware: { ...run.hardware, gpus } }, records)
      const names = ['thermal-throttling', 'energy-coverage', 'gpu-lost']
      return names.map((name) => gateOf(summary, name)?.status)
    }
    expect(statuses([gpuWith({})])).toEqual(['not-measured', 'does-not-apply', 'not-measured'])
    expect(statuses([])).toEqual(['does-not-apply', 'does-not-apply', 'does-not-apply'])
  })
})
