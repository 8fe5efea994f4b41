import {
  type DeviceReading,
  type SamplerCost,
  type Telemetry,
  type TelemetryDevice,
  type ThrottleTimes,
  telemetryScopes,
} from './sample.ts'

/** Something parsed from JSON. */
type Json = Readonly<Record<string, unknown>>

type Lost = Telemetry['lost'][number]
type Start = Pick<Telemetry, 'periodMs' | 'devices' | 'notUsed'>
type Line =
  | ({ readonly kind: 'start' } & Start)
  | { readonly kind: 'look'; readonly readings: readonly (DeviceReading & { device: number })[] }
  | { readonly kind: 'lost'; readonly lost: Lost }
  | { readonly kind: 'end'; readonly end: NonNullable<Telemetry['end']> }

const figures = [
  'energyJ',
  'powerW',
  'powerAverageW',
  'clockSmMhz',
  'clockMemoryMhz',
  'temperatureC',
  'temperatureMemoryC',
  'memoryUsedMib',
  'utilisationRatio',
  'pcieGeneration',
  'pcieWidth',
] as const satisfies readonly (keyof DeviceReading)[]

const throttleTimes = [
  'powerCapMs',
  'thermalSoftwareMs',
  'thermalHardwareMs',
  'powerBrakeMs',
  'syncBoostMs',
] as const satisfies readonly (keyof ThrottleTimes)[]

/**
 * A recording from the text of its `telemetry.jsonl`. Lines that are damaged, of another kind or of a
 * device that was not announced are counted and left out; readings are put in the order of time, and of
 * those of one moment the first stays. Fields that this version does not know are dropped.
 *
 * @returns the recording, or why there is none: nothing can be said of devices without the first line
 */
export function readTelemetry(text: string): Telemetry | { readonly unreadable: string } {
  const [first = '', ...rest] = text.split('\n')
  const start = readLine(first, 0)
  if (start?.kind !== 'start') {
    return { unreadable: 'its first line is not the start of a recording of a version known' }
  }
  const { periodMs, devices, notUsed } = start
  const readings: DeviceReading[][] = devices.map(() => [])
  const lost: Lost[] = []
  let end: Telemetry['end']
  let unreadableLines = 0
  for (const text of rest) {
    if (text === '') continue
    const line = readLine(text, devices.length)
    switch (line?.kind) {
      case 'look':
        for (const { device, ...reading } of line.readings) readings[device]?.push(reading)
        break
      case 'lost':
        lost.push(line.lost)
        break
      case 'end':
        end = line.end
        break
      case 'start':
      case undefined:
        unreadableLines++
    }
  }
  return {
    periodMs,
    devices,
    notUsed,
    readings: readings.map(inOrder),
    lost,
    ...(end !== undefined && { end }),
    unreadableLines,
  }
}

function inOrder(readings: readonly DeviceReading[]): readonly DeviceReading[] {
  return [...readings]
    .sort((a, b) => a.atMs - b.atMs)
    .filter(({ atMs }, i, all) => i === 0 || atMs !== all[i - 1]?.atMs)
}

/** A whole line that is as it should be, or nothing. */
function readLine(text: string, devices: number): Line | undefined {
  try {
    const line = object(JSON.parse(text))
    switch (line.kind) {
      case 'start':
        return { kind: 'start', ...readStart(line) }
      case 'look':
        return {
          kind: 'look',
          readings: list(line.readings).map((each) => readReading(object(each), devices)),
        }
      case 'lost':
        return { kind: 'lost', lost: readLost(line, devices) }
      case 'end':
        return { kind: 'end', end: { atMs: number(line.atMs), cost: readCost(object(line.cost)) } }
      default:
        return undefined
    }
  } catch {
    return undefined
  }
}

function readStart(line: Json): Start {
  if (line.schemaVersion !== 1) throw new TypeError('another version')
  return {
    periodMs: number(line.periodMs),
    devices: list(line.devices).map((each) => readDevice(object(each))),
    notUsed: list(line.notUsed).map((each) => {
      const { source, reason } = object(each)
      return { source: string(source), reason: string(reason) }
    }),
  }
}

function readDevice(device: Json): TelemetryDevice {
  const scope = telemetryScopes.find((each) => each === device.scope)
  if (scope === undefined) throw new TypeError('no such scope')
  const { pciAddress, periodMs, coarse, lacks } = device
  return {
    id: string(device.id),
    scope,
    source: string(device.source),
    name: string(device.name),
    ...(pciAddress !== undefined && { pciAddress: string(pciAddress) }),
    ...(periodMs !== undefined && { periodMs: number(periodMs) }),
    ...(coarse === true && { coarse }),
    ...(lacks !== undefined && { lacks: list(lacks).map(string) }),
  }
}

function readReading(reading: Json, devices: number): DeviceReading & { device: number } {
  const { throttle, throttleReasons } = reading
  return {
    device: place(reading.device, devices),
    atMs: number(reading.atMs),
    ...numbers(reading, figures),
    ...(throttle !== undefined && { throttle: numbers(object(throttle), throttleTimes) }),
    ...(throttleReasons !== undefined && { throttleReasons: list(throttleReasons).map(string) }),
  }
}

function readLost(line: Json, devices: number): Lost {
  const { atMs, device, reason } = line
  return { atMs: number(atMs), device: place(device, devices), reason: string(reason) }
}

function readCost(cost: Json): SamplerCost {
  return {
    cpuCores: number(cost.cpuCores),
    looks: number(cost.looks),
    longestGapMs: number(cost.longestGapMs),
    ...numbers(cost, ['lookMeanMs', 'lookLongestMs']),
  }
}

/** Those of the names that are there; each must be a finite number. */
function numbers<Name extends string>(
  from: Json,
  names: readonly Name[],
): { [N in Name]?: number } {
  const found: { [N in Name]?: number } = {}
  for (const name of names) {
    if (from[name] !== undefined) found[name] = number(from[name])
  }
  return found
}

function place(value: unknown, devices: number): number {
  const index = number(value)
  if (!Number.isInteger(index) || index < 0 || index >= devices)
    throw new TypeError('no such device')
  return index
}

function object(value: unknown): Json {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new TypeError('no object')
  }
  return value as Json
}

function list(value: unknown): readonly unknown[] {
  if (!Array.isArray(value)) throw new TypeError('no list')
  return value
}

function number(value: unknown): number {
  if (typeof value !== 'number' || !Number.isFinite(value)) throw new TypeError('no number')
  return value
}

function string(value: unknown): string {
  if (typeof value !== 'string') throw new TypeError('no text')
  return value
}
