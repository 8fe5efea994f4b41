import { expect, test } from 'vitest'
import { readTelemetry } from '../../../src/detect/telemetry/read-telemetry.ts'

const device = { id: '0000:1b:00.0', scope: 'gpu', source: 'nvml', name: 'A GPU' }
const start = {
  kind: 'start',
  schemaVersion: 1,
  periodMs: 100,
  devices: [device, { ...device, id: '0000:1c:00.0', coarse: true, lacks: ['energy counter'] }],
  notUsed: [{ source: 'rapl', reason: 'EACCES' }],
}
const cost = { cpuCores: 0.01, looks: 3, longestGapMs: 101.5 }

function text(...lines: readonly unknown[]): string {
  return lines.map((line) => `${typeof line === 'string' ? line : JSON.stringify(line)}\n`).join('')
}

function look(...readings: readonly unknown[]): unknown {
  return { kind: 'look', readings }
}

/** Of a recording that can be read. */
function read(...lines: readonly unknown[]) {
  const telemetry = readTelemetry(text(start, ...lines))
  if ('unreadable' in telemetry) throw new Error(telemetry.unreadable)
  return telemetry
}

test('a whole recording comes back as it was written', () => {
  const reading = {
    atMs: 12.5,
    energyJ: 5000.25,
    powerW: 300,
    powerAverageW: 290,
    clockSmMhz: 1980,
    clockMemoryMhz: 2619,
    temperatureC: 61,
    temperatureMemoryC: 72,
    memoryUsedMib: 0,
    utilisationRatio: 0.97,
    throttle: { powerCapMs: 1.5, thermalHardwareMs: 0 },
    throttleReasons: ['sync-boost'],
    pcieGeneration: 5,
    pcieWidth: 16,
  }
  const lost = { atMs: 20, device: 1, reason: 'GPU is lost' }
  const telemetry = read(
    look({ device: 0, ...reading }, { device: 1, atMs: 13 }),
    { kind: 'lost', ...lost },
    { kind: 'end', atMs: 30, cost },
  )
  expect(telemetry).toEqual({
    periodMs: 100,
    devices: start.devices,
    notUsed: start.notUsed,
    readings: [[reading], [{ atMs: 13 }]],
    lost: [lost],
    end: { atMs: 30, cost },
    unreadableLines: 0,
  })
})

test('readings are put in order, and of those of one moment the first stays', () => {
  const { readings } = read(
    look({ device: 0, atMs: 30, powerW: 3 }),
    look({ device: 0, atMs: 10, powerW: 1 }, { device: 1, atMs: 10, powerW: 7 }),
    look({ device: 0, atMs: 10, powerW: 9 }),
    look({ device: 0, atMs: 20, powerW: 2 }),
  )
  expect(readings[0]?.map(({ atMs, powerW }) => [atMs, powerW])).toEqual([
    [10, 1],
    [20, 2],
    [30, 3],
  ])
  expect(readings[1]).toEqual([{ atMs: 10, powerW: 7 }])
})

test.each([
  ['half a line, as a crash leaves it', '{"kind":"look","readings":[{"device":0,"atM'],
  ['a figure that is no number', look({ device: 0, atMs: 10, powerW: 'N/A' })],
  ['a figure that was NaN when it was written', look({ device: 0, atMs: 10, powerW: null })],
  ['a number beyond all numbers', '{"kind":"look","readings":[{"device":0,"atMs":1e999}]}'],
  ['a reading without a time', look({ device: 0, powerW: 1 })],
  ['a device that was not announced', look({ device: 2, atMs: 10, powerW: 1 })],
  ['a device between two', look({ device: 0.5, atMs: 10, powerW: 1 })],
  [
    'a time of throttling that is none',
    look({ device: 0, atMs: 1, throttle: { powerCapMs: 'x' } }),
  ],
  ['a second start', start],
  ['a line of another kind', { kind: 'comment' }],
  ['no object', '17'],
])('%s is counted and left out', (_what, line) => {
  const telemetry = read(line, look({ device: 0, atMs: 50, powerW: 5 }))
  expect(telemetry.unreadableLines).toBe(1)
  expect(telemetry.readings).toEqual([[{ atMs: 50, powerW: 5 }], []])
})

test('a line without an end of its own is read where it is whole', () => {
  const whole = text(start, look({ device: 0, atMs: 1 }), look({ device: 0, atMs: 2 })).trimEnd()
  expect(readTelemetry(whole)).toMatchObject({ unreadableLines: 0, readings: [[{}, {}], []] })
})

test('what a newer version tells besides is dropped', () => {
  const { readings } = read(look({ device: 0, atMs: 1, powerW: 2, humidityRatio: 0.4 }))
  expect(readings[0]).toEqual([{ atMs: 1, powerW: 2 }])
})

test.each([
  ['an empty file', ''],
  ['a file without its first line', text(look({ device: 0, atMs: 1 }))],
  ['a newer kind of recording', text({ ...start, schemaVersion: 2 })],
  ['a device of no known scope', text({ ...start, devices: [{ ...device, scope: 'fan' }] })],
])('%s cannot be read, and that is said', (_what, file) => {
  expect(readTelemetry(file)).toHaveProperty('unreadable')
})
