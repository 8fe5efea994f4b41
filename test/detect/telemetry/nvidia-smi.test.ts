import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import type {
  OpenSource,
  OwnReading,
  TelemetrySource,
} from '../../../src/detect/telemetry/source.ts'
import { nvidiaSmiOnce } from '../../../src/detect/telemetry/sources/nvidia-smi-once.ts'
import { nvidiaSmiStream } from '../../../src/detect/telemetry/sources/nvidia-smi-stream.ts'
import { startSampler } from '../../../src/detect/telemetry/start-sampler.ts'
import { helpText } from '../fake-nvidia-smi.ts'
import {
  monotonicMs,
  nvidiaSmiScript,
  sleep,
  telemetryOf,
  temporaryFolder,
  worldWith,
} from './stubs.ts'

/** Two GPUs of different kinds: the second has no instant power, no link to speak of and no times. */
const gpus: readonly Readonly<Record<string, string>>[] = [
  {
    'pci.bus_id': '00000000:1B:00.0',
    name: 'NVIDIA H100 80GB HBM3',
    compute_cap: '9.0',
    'power.draw': '629.45',
    'power.draw.average': '629.45',
    'power.draw.instant': '588.39',
    'clocks.current.sm': '1755',
    'clocks.current.memory': '2619',
    'temperature.gpu': '59',
    'temperature.memory': '71',
    'memory.used': '11125',
    'utilization.gpu': '98',
    'pcie.link.gen.gpucurrent': '5',
    'pcie.link.width.current': '16',
    'clocks_event_reasons.active': '0x0000000000000004',
    'clocks_event_reasons_counters.sw_power_cap': '1500',
    'clocks_event_reasons_counters.sw_thermal_slowdown': '0',
    'clocks_event_reasons_counters.hw_thermal_slowdown': '0',
    'clocks_event_reasons_counters.hw_power_brake_slowdown': '0',
    'clocks_event_reasons_counters.sync_boost': '0',
  },
  {
    'pci.bus_id': '00000000:1C:00.0',
    name: 'Quadro RTX 4000',
    compute_cap: '7.5',
    'power.draw': '71,50',
    'utilization.gpu': '[Not Supported]',
    'memory.used': '0',
    'temperature.memory': 'N/A',
    'clocks_event_reasons.active': '0x0000000000000041',
    'clocks_event_reasons_counters.sw_power_cap': '[Unknown Error]',
  },
]

/**
 * A tool that lists its fields, answers once, and goes on printing after `-lms` in the way that
 * FAKE_MODE says. FAKE_FILE takes a line for each time it was started to go on printing.
 */
const script = `
const { appendFileSync } = require('node:fs')
const gpus = ${JSON.stringify(gpus)}
const args = process.argv.slice(2)
if (args[0] === '--help-query-gpu') {
  process.stdout.write(${JSON.stringify(helpText(Object.keys(gpus[0] ?? {})))})
  process.exit()
}
const fields = args[0].replace('--query-gpu=', '').split(',')
const rowOf = (gpu) => fields.map((field) => gpu[field] ?? '[N/A]').join(', ') + '\\r\\n'
const all = () => gpus.map(rowOf).join('')
if (!args.includes('-lms')) {
  process.stdout.write('\\uFEFF' + all())
  process.exit()
}
appendFileSync(process.env.FAKE_FILE, 'started\\n')
const every = () => setInterval(() => process.stdout.write(all()), 50)
const modes = {
  steady: every,
  // Half a row now, the other half later; and half a row at the end.
  parts: () => {
    process.stdout.write(rowOf(gpus[0]).slice(0, 30))
    setTimeout(() => process.stdout.write(rowOf(gpus[0]).slice(30) + '00000000:1B:00.0, NVIDIA H1'), 100)
  },
  exits: () => {
    every()
    setTimeout(() => process.exit(), 1000)
  },
  hangs: () => {
    process.on('SIGTERM', () => {})
    process.stdout.write(all())
    setInterval(() => {}, 1000)
  },
  dies: () => {
    process.stdout.write(all() + 'Unable to determine the device handle for GPU0: 0000:1B:00.0: Unknown Error\\n')
    setTimeout(() => process.exit(255), 50)
  },
  mute: () => setInterval(() => {}, 1000),
}
modes[process.env.FAKE_MODE ?? 'steady']()
`

const opened: OpenSource[] = []
afterAll(async () => {
  for (const source of opened) await source.close()
})

async function open(source: TelemetrySource, mode = 'steady') {
  const starts = join(temporaryFolder(), 'starts')
  const { folder, env } = nvidiaSmiScript(script, { FAKE_MODE: mode, FAKE_FILE: starts })
  const result = await source.open(worldWith(folder, env))
  if (!('none' in result)) opened.push(result)
  return { result, starts: () => readFileSync(starts, 'utf8').trim().split('\n').length }
}

async function openGood(source: TelemetrySource, mode?: string) {
  const { result, starts } = await open(source, mode)
  if ('none' in result) throw new Error(result.none)
  return { source: result, starts }
}

/** All that it tells in so long, or until it is enough, looked at as the sampler does. */
async function watch(
  source: OpenSource,
  forMs: number,
  isEnough: (readings: readonly OwnReading[]) => boolean = () => false,
): Promise<readonly OwnReading[]> {
  const readings: OwnReading[] = []
  const endMs = monotonicMs() + forMs
  while (monotonicMs() < endMs && !isEnough(readings)) {
    readings.push(...(await source.look()))
    await sleep(50)
  }
  return readings
}

const h100Reading = {
  device: 0,
  atMs: expect.any(Number),
  powerW: 588.39,
  powerAverageW: 629.45,
  clockSmMhz: 1755,
  clockMemoryMhz: 2619,
  temperatureC: 59,
  temperatureMemoryC: 71,
  memoryUsedMib: 11_125,
  utilisationRatio: 0.98,
  pcieGeneration: 5,
  pcieWidth: 16,
  // 1,500 us.
  throttle: {
    powerCapMs: 1.5,
    thermalSoftwareMs: 0,
    thermalHardwareMs: 0,
    powerBrakeMs: 0,
    syncBoostMs: 0,
  },
}

describe.concurrent('an nvidia-smi that goes on printing', () => {
  test('tells what each GPU tells; what one does not tell is absent', async () => {
    const { source } = await openGood(nvidiaSmiStream)
    const readings = await watch(source, 5_000, (all) => all.length >= 4)
    expect(readings.find(({ device }) => device === 0)).toEqual(h100Reading)
    // A decimal comma is no number; of its causes no time is told, so they are named: bits 0x1, idle, and 0x40.
    expect(readings.find(({ device }) => device === 1)).toEqual({
      device: 1,
      atMs: expect.any(Number),
      memoryUsedMib: 0,
      throttleReasons: ['thermal-hardware'],
    })
    expect(source.devices.map(({ id, lacks }) => [id, lacks])).toEqual([
      ['0000:1b:00.0', ['energy counter: nvidia-smi does not tell it']],
      [
        '0000:1c:00.0',
        [
          'energy counter: nvidia-smi does not tell it',
          'instant power: not told by this driver',
          'time held back by heat: not told by this driver',
        ],
      ],
    ])
  })

  test('rows are timed by when they came', async () => {
    const { source } = await openGood(nvidiaSmiStream)
    const all = await watch(source, 5_000, ({ length }) => length > 12)
    const times = all.filter(({ device }) => device === 0)
    // On a busy machine some come together, and count as one.
    expect(times.length).toBeGreaterThan(5)
    const gaps = times.slice(1).map(({ atMs }, i) => atMs - (times[i]?.atMs ?? 0))
    expect(Math.min(...gaps)).toBeGreaterThan(0)
  })

  test('a row in two parts is one row, and a part alone is none', async () => {
    const { source } = await openGood(nvidiaSmiStream, 'parts')
    expect(await watch(source, 400)).toEqual([h100Reading])
  })

  test('is started again when it ends', async () => {
    const { source, starts } = await openGood(nvidiaSmiStream, 'exits')
    const after = (all: readonly OwnReading[]) =>
      (all.at(-1)?.atMs ?? 0) > (all[0]?.atMs ?? 0) + 1_300
    const readings = await watch(source, 10_000, after)
    expect(after(readings)).toBe(true)
    expect(starts()).toBeGreaterThanOrEqual(2)
  })

  test('is given up when it has been started four times, in its own words', async () => {
    const { source, starts } = await openGood(nvidiaSmiStream, 'dies')
    // Between the starts: 0.25 s, 0.5 s and 1 s.
    await expect(watch(source, 8_000)).rejects.toThrow(
      /^started 4 times; at last exit code 255: Unable to determine the device handle/,
    )
    expect(starts()).toBe(4)
  })

  test('that hangs is killed, polite or not, and started again', async () => {
    const { source, starts } = await openGood(nvidiaSmiStream, 'hangs')
    // It prints once at each start.
    const readings = await watch(source, 10_000, (all) => all.length === 4)
    expect(starts()).toBe(2)
    expect(readings.filter(({ device }) => device === 0)).toHaveLength(2)
  })

  test('that prints nothing is no source', async () => {
    const { result } = await open(nvidiaSmiStream, 'mute')
    expect(result).toEqual({ none: 'no row in 3000 ms' })
  })
})

describe('an nvidia-smi that is started for each look', () => {
  test('is coarse, and does not let the look wait', async () => {
    const { source } = await openGood(nvidiaSmiOnce)
    expect(source.devices[0]).toMatchObject({ coarse: true, periodMs: 2_000 })
    expect(await source.look()).toEqual([])
    const readings = await watch(source, 10_000, (all) => all.length === 4)
    const times = readings.filter(({ device }) => device === 0)
    expect(times).toEqual([h100Reading, h100Reading])
    expect((times[1]?.atMs ?? 0) - (times[0]?.atMs ?? 0)).toBeGreaterThan(1_500)
  })
})

describe.each([nvidiaSmiStream, nvidiaSmiOnce])('$name is no source', (source) => {
  test.each([
    ['where there is none', undefined, 'not found'],
    [
      'where the driver does not answer',
      `if (process.argv[2] === '--help-query-gpu') console.log(${JSON.stringify(helpText(Object.keys(gpus[0] ?? {})))})
       else { console.log('NVIDIA-SMI has failed because it couldn\\'t communicate with the NVIDIA driver.'); process.exit(9) }`,
      "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver.",
    ],
    ['where it does not list its fields', `console.log('usage')`, 'it does not list its fields'],
    [
      'where no GPU tells its power',
      `if (process.argv[2] === '--help-query-gpu') console.log(${JSON.stringify(helpText(['pci.bus_id', 'name', 'power.draw']))})
       else console.log('00000000:01:00.0, Orin, [N/A]')`,
      'it tells the power of no GPU',
    ],
  ])('%s', async (_where, tool, reason) => {
    const { folder, env } =
      tool === undefined ? { folder: temporaryFolder(), env: {} } : nvidiaSmiScript(tool)
    expect(await source.open(worldWith(folder, env))).toEqual({ none: reason })
  })
})

test('where NVML cannot be loaded the sampler records what nvidia-smi prints, and leaves none behind', async () => {
  const folder = temporaryFolder()
  const [file, starts] = [join(folder, 'telemetry.jsonl'), join(folder, 'starts')]
  const { env } = nvidiaSmiScript(script, { FAKE_FILE: starts })
  const sampler = await startSampler({
    file,
    epochMonotonicMs: monotonicMs(),
    root: folder,
    env: { ...env, BAREMARK_NVML: join(folder, 'none.so') },
  })
  if (sampler.kind === 'none') throw new Error(sampler.reason)
  await sleep(1_500)
  expect(await sampler.stop()).toEqual({})
  const telemetry = telemetryOf(file)
  expect(telemetry.devices.map(({ source }) => source)).toEqual([
    'nvidia-smi -lms 100',
    'nvidia-smi -lms 100',
  ])
  expect(telemetry.notUsed.map(({ source }) => source)).toContain('nvml')
  expect(telemetry.readings[0]?.length).toBeGreaterThan(3)
  expect(telemetry.end).toBeDefined()
  if (existsSync('/proc/self/environ')) expect(runningWith(folder)).toEqual([])
})

/** Numbers of processes whose environment names the folder. */
function runningWith(folder: string): readonly string[] {
  return readdirSync('/proc').filter((entry) => {
    try {
      return readFileSync(`/proc/${entry}/environ`, 'utf8').includes(folder)
    } catch {
      return false
    }
  })
}
