import { largest, type Maybe, product } from '../arithmetic.ts'
import type { TelemetryScope } from '../detect/telemetry/sample.ts'
import type { TelemetryLog } from '../load/run-log.ts'
import { scopesByRank } from '../measure/energy-scopes.ts'
import type {
  DeviceFigures,
  EnergyStatus,
  IdlePower,
  ScopeEnergy,
  SensorProbe,
  ThrottleShares,
} from '../measure/machine-figures.ts'
import type { OperatingPoint } from '../measure/summary.ts'
import {
  formatCount,
  formatMs,
  formatNumber,
  formatPercent,
  formatStated,
  formatStatedMs,
  formatWithin,
  notAvailable,
} from './format.ts'
import { gpuLabelAt } from './hardware-facts.ts'
import { plainText, shorten } from './plain-text.ts'
import type { Report } from './report.ts'
import type { TextTable } from './server-facts.ts'

const scopeNames: Readonly<Record<TelemetryScope, string>> = {
  gpu: 'GPU',
  module: 'Module',
  'cpu-package': 'CPU',
  dram: 'Memory',
  soc: 'SoC',
  node: 'Node',
  wall: 'Wall',
}

export function scopeName(scope: TelemetryScope): string {
  return scopeNames[scope]
}

/** The scope that short formats and charts tell of; undefined where nothing was recorded. */
export function mainScope({ summary }: Report): TelemetryScope | undefined {
  const told = new Set(
    summary.points.flatMap(({ machine }) => machine?.scopes.map(({ scope }) => scope) ?? []),
  )
  return scopesByRank.find((scope) => told.has(scope))
}

/**
 * The energy of a run in one line, at the level that is priced, or why there is none.
 *
 * @returns undefined for a run of a version that did not look
 */
export function energyFact(
  report: Report,
  point: OperatingPoint | undefined,
): readonly [name: string, text: string] | undefined {
  const { telemetry, target } = report.run
  if (telemetry === undefined) return undefined
  const without = (why: string) =>
    ['Energy', `${notAvailable} (${shorten(why, LONGEST_REASON)})`] as const
  if (telemetry.kind === 'none') return without(telemetry.reason)
  if (target.simulated) return without('a simulator answered, so no model used any')
  const scope = mainScope(report)
  if (scope === undefined) return without('nothing that was watched tells it')
  const energy = scopeOf(point, scope)
  const text = point && energy ? headline(report, point, energy) : noLevel
  return [`${scopeNames[scope]} energy`, text]
}

/** All of it is in the configuration. */
const LONGEST_REASON = 140

const noLevel = `${notAvailable} (no load level is priced)`

function headline(report: Report, point: OperatingPoint, energy: ScopeEnergy): string {
  if (energy.status !== 'ok') return whyNoEnergy(energy)
  if (energy.grossJPerOutputToken === undefined) {
    return `${notAvailable} (no output token arrived in the window)`
  }
  const how = [...new Set(servingIn(point, energy.scope).flatMap(methodWord))].join(', ')
  return `${grossText(energy)} J/output token at ${plainText(point.label)} (${[how, whoseText(report, point, energy)].filter((part) => part !== '').join('; ')})`
}

const methodWords: Readonly<Record<SensorProbe['kind'], string>> = {
  counter: 'counter',
  instant: 'power over time',
  average1s: 'averaged power over time',
  opaque: 'power over time',
}

function methodWord({ energy: { sensor } }: DeviceFigures): string[] {
  return sensor === undefined ? [] : [methodWords[sensor.kind]]
}

/** Whose energy it is, as far as that is known. */
function whoseText({ run }: Report, point: OperatingPoint, { scope }: ScopeEnergy): string {
  if (scope !== 'gpu' && scope !== 'module') return 'of all that ran on it'
  const inside = point.machine?.devices.filter((device) => device.scope === scope) ?? []
  const all = new Set(inside.map(({ pciAddress, id }) => pciAddress?.toLowerCase() ?? id)).size
  const counted = inside.filter(({ serving }) => serving).length
  const what = scope === 'gpu' ? 'GPU' : 'module'
  if (isAttributed(run.telemetry)) {
    return `${formatCount(counted)} of ${formatCount(all)} ${what}s ${counted === 1 ? 'serves' : 'serve'} the model`
  }
  if (all === 1) return `the only ${what} that was watched`
  return `which of ${plural(all, what)} serve the model is not known, so all count`
}

function isAttributed(telemetry: TelemetryLog | undefined): boolean {
  return telemetry?.kind === 'recorded' && telemetry.serving.kind === 'known'
}

function plural(count: number, what: string): string {
  return `${formatCount(count)} ${what}${count === 1 ? '' : 's'}`
}

function grossText({ grossJPerOutputToken: gross, uncertaintyRatio }: ScopeEnergy): string {
  return formatWithin(gross, product([gross, uncertaintyRatio]))
}

const statusWords: Readonly<Record<Exclude<EnergyStatus, 'ok'>, string>> = {
  partial: 'partial',
  disputed: 'disputed',
  reset: 'reset',
  'too-short': 'too short',
  'no-sensor': 'no sensor',
}

/** Stands where a figure would, for one that may not be quoted. */
function whyNoEnergy({ status, reason }: Pick<ScopeEnergy, 'status' | 'reason'>): string {
  if (status === 'ok') return notAvailable
  const why = reason === undefined ? '' : `: ${plainText(reason)}`
  return `${notAvailable} (${statusWords[status]}${why})`
}

function scopeOf(
  point: OperatingPoint | undefined,
  scope: TelemetryScope,
): ScopeEnergy | undefined {
  return point?.machine?.scopes.find((energy) => energy.scope === scope)
}

/** Devices that count as serving the model. */
export function servingOf({ machine }: OperatingPoint): DeviceFigures[] {
  return machine?.devices.filter(({ serving }) => serving) ?? []
}

function servingIn(point: OperatingPoint, scope: TelemetryScope): DeviceFigures[] {
  return servingOf(point).filter((device) => device.scope === scope)
}

/** A table of which columns that no row tells, and rows that tell nothing, are left out. */
interface Column<Row> {
  readonly heading: string
  readonly of: (row: Row) => string | undefined
  readonly note?: string
}

function tableOf<Row>(
  columns: readonly Column<Row>[],
  rows: readonly Row[],
  namesOf: (row: Row) => readonly string[],
  names: readonly string[],
): TextTable | undefined {
  const shown = columns.filter(({ of }) => rows.some((row) => of(row) !== undefined))
  if (shown.length === 0) return undefined
  return {
    note: [...new Set(shown.flatMap(({ note }) => note ?? []))].join(' '),
    headings: [...names, ...shown.map(({ heading }) => heading)],
    rows: rows
      .filter((row) => shown.some(({ of }) => of(row) !== undefined))
      .map((row) => [...namesOf(row), ...shown.map(({ of }) => of(row) ?? notAvailable)]),
  }
}

function told(value: Maybe, format: (value: Maybe) => string = formatNumber): string | undefined {
  return value === undefined ? undefined : format(value)
}

type ThrottleCause = keyof Omit<ThrottleShares, 'by'>

/** Of the device that was held back most. */
function worstShare(devices: readonly DeviceFigures[], cause: ThrottleCause): Maybe {
  return largest(devices.map(({ throttle }) => throttle?.[cause]))
}

const netNote = 'net: above the idle machine with the model loaded.'
const shareNote =
  'power cap, heat, brake: share of the window in which clocks were held back by it, of the GPU held back most. That a loaded GPU runs at its power cap is usual, and no fault.'

interface LevelRow {
  readonly label: string
  readonly energy: ScopeEnergy | undefined
  readonly devices: readonly DeviceFigures[]
}

const levelColumns: readonly Column<LevelRow>[] = [
  { heading: 'mean W', of: ({ energy }) => told(energy?.meanPowerW) },
  {
    heading: 'J/output token',
    of: ({ energy }) =>
      energy?.grossJPerOutputToken === undefined ? undefined : grossText(energy),
    note: '±: half-width of the uncertainty.',
  },
  { heading: 'net', of: ({ energy }) => told(energy?.netJPerOutputToken), note: netNote },
  { heading: 'tok/J', of: ({ energy }) => told(energy?.outputTokensPerJ) },
  {
    heading: 'power cap',
    of: ({ devices }) => told(worstShare(devices, 'powerCapRatio'), formatPercent),
    note: shareNote,
  },
  {
    heading: 'heat',
    of: ({ devices }) => told(worstShare(devices, 'thermalRatio'), formatPercent),
    note: shareNote,
  },
  {
    heading: 'brake',
    of: ({ devices }) => told(worstShare(devices, 'powerBrakeRatio'), formatPercent),
    note: shareNote,
  },
  {
    heading: 'hottest °C',
    of: ({ devices }) =>
      told(largest(devices.map((device) => device.temperatureMaxC)), formatStated),
  },
]

/** Energy, throttling and heat of the main scope, a row a level; nothing where nothing was told. */
export function energyTable(report: Report): TextTable | undefined {
  const scope = mainScope(report)
  if (scope === undefined) return undefined
  const rows = report.summary.points.map((point) => ({
    label: plainText(point.label),
    energy: scopeOf(point, scope),
    devices: servingOf(point),
  }))
  const table = tableOf(levelColumns, rows, ({ label }) => [label], ['Load'])
  const byFlags = rows.some(({ devices }) =>
    devices.some(({ throttle }) => throttle?.by === 'flags'),
  )
  return table && byFlags ? { ...table, note: `${table.note} ${flagNote}` } : table
}

const flagNote =
  'These shares are of the looks that named the cause, and miss what was over between two looks.'

/** What the energy table is of. */
export function energyTitle(report: Report): string {
  const scope = mainScope(report)
  return scope === undefined ? 'Machine' : `${scopeNames[scope]} energy and clocks held back`
}

/** Why a level has no energy in the main scope, a line each. */
export function energyReasons(report: Report): string[] {
  const scope = mainScope(report)
  return report.summary.points.flatMap((point) => {
    const energy = scope && scopeOf(point, scope)
    if (energy === undefined || energy.status === 'ok') return []
    return [`${plainText(point.label)}: ${whyNoEnergy(energy)}`]
  })
}

/** Other scopes at one level in a line, as they overlap with the main one. */
export function otherScopesLine(
  report: Report,
  point: OperatingPoint | undefined,
): string | undefined {
  const main = mainScope(report)
  const others = point?.machine?.scopes.filter(({ scope }) => scope !== main) ?? []
  if (point === undefined || others.length === 0) return undefined
  const texts = others.map((energy) => {
    const figures =
      energy.status === 'ok'
        ? `${formatNumber(energy.meanPowerW)} W, ${grossText(energy)} J/output token`
        : whyNoEnergy(energy)
    return `${scopeNames[energy.scope]} ${figures}`
  })
  return `At ${plainText(point.label)} also: ${texts.join('; ')}. Scopes overlap and are never added up.`
}

interface ScopeRow {
  readonly label: string
  readonly energy: ScopeEnergy
}

const scopeColumns: readonly Column<ScopeRow>[] = [
  { heading: 'Devices', of: ({ energy }) => formatCount(energy.devices) },
  {
    heading: 'J',
    of: ({ energy }) =>
      energy.status === 'ok'
        ? formatWithin(energy.joules, energy.uncertaintyJ)
        : whyNoEnergy(energy),
    note: '±: half-width of the uncertainty: of the sensor’s gain, its updates at the edges, the gap between two methods and what no look covered. It is not known of sensors that nobody held against a meter.',
  },
  { heading: 'mean W', of: ({ energy }) => told(energy.meanPowerW) },
  { heading: 'idle W', of: ({ energy }) => told(energy.idlePowerW), note: netNote },
  {
    heading: 'J/output token',
    of: ({ energy }) => (energy.grossJPerOutputToken === undefined ? undefined : grossText(energy)),
  },
  { heading: 'net', of: ({ energy }) => told(energy.netJPerOutputToken), note: netNote },
  { heading: 'J/token', of: ({ energy }) => told(energy.grossJPerToken) },
  { heading: 'net', of: ({ energy }) => told(energy.netJPerToken), note: netNote },
  { heading: 'J/request', of: ({ energy }) => told(energy.grossJPerRequest) },
  { heading: 'net', of: ({ energy }) => told(energy.netJPerRequest), note: netNote },
  { heading: 'Output tokens/J', of: ({ energy }) => told(energy.outputTokensPerJ) },
]

const overlapNote =
  'Scopes overlap, as a node holds its GPUs, and are never added up. J/token: of input and output tokens.'

/** Energy of every scope, a row a level and scope; nothing where nothing was recorded. */
export function scopeTable({ summary }: Report): TextTable | undefined {
  const rows = summary.points.flatMap(({ label, machine }) =>
    (machine?.scopes ?? []).map((energy) => ({ label: plainText(label), energy })),
  )
  const table = tableOf(
    scopeColumns,
    rows,
    ({ label, energy }) => [label, scopeNames[energy.scope]],
    ['Load', 'Scope'],
  )
  return table && { ...table, note: `${overlapNote} ${table.note}` }
}

interface DeviceRow {
  readonly label: string
  readonly name: string
  readonly device: DeviceFigures
}

/** A row a level and device that counts as serving the model. */
function deviceRows(report: Report): DeviceRow[] {
  return report.summary.points.flatMap((point) =>
    servingOf(point).map((device) => ({
      label: plainText(point.label),
      name: deviceLabel(report, device),
      device,
    })),
  )
}

/** A GPU by its number, other devices by name. */
export function deviceLabel(
  { run }: Report,
  { pciAddress, id, name, scope }: Pick<DeviceFigures, 'pciAddress' | 'id' | 'name' | 'scope'>,
): string {
  const gpu = gpuLabelAt(run.hardware, pciAddress)
  if (gpu !== undefined) return scope === 'module' ? `Module of ${gpu}` : gpu
  return shorten(name === id ? name : `${name} (${id})`, LONGEST_DEVICE)
}

const LONGEST_DEVICE = 60

const sensorNames: Readonly<Record<SensorProbe['kind'], string>> = {
  counter: 'energy counter',
  instant: 'power of the moment',
  average1s: 'power, averaged over about 1 s',
  opaque: 'power, averaged over an unknown time',
}

const sensorColumns: readonly Column<DeviceRow>[] = [
  {
    heading: 'J',
    of: ({ device: { energy } }) =>
      energy.status === 'ok'
        ? formatWithin(energy.joules, energy.uncertaintyJ)
        : whyNoEnergy(energy),
  },
  {
    heading: 'by counter',
    of: ({ device: { energy } }) => told(energy.counterJ),
    note: 'by counter: what the energy counter moved by.',
  },
  {
    heading: 'by power',
    of: ({ device: { energy } }) => told(energy.integralJ),
    note: 'by power: power over time.',
  },
  {
    heading: 'gap',
    of: ({ device: { energy } }) => told(energy.gapRatio, formatPercent),
    note: 'gap: between the two, over 15 % of which the energy is disputed.',
  },
  {
    heading: 'covered',
    of: ({ device: { energy } }) => formatPercent(energy.coverageRatio),
    note: 'covered: part of the window that looks cover; energy needs 95 %.',
  },
  {
    heading: 'Sensor',
    of: ({ device: { energy } }) => energy.sensor && sensorText(energy.sensor),
    note: 'Sensor: as its own readings show it, and the shortest window that it can tell.',
  },
]

function sensorText(sensor: SensorProbe): string {
  const period = periodMs(sensor)
  return [
    sensorNames[sensor.kind],
    ...(period === undefined ? [] : [`new every ${formatStatedMs(period)}`]),
    `tells ${formatStatedMs(sensor.minWindowMs)} or more`,
  ].join(', ')
}

/** Time between two values of what the energy is made of. */
function periodMs(sensor: SensorProbe | undefined): Maybe {
  return sensor?.kind === 'counter' ? sensor.counterPeriodMs : sensor?.powerPeriodMs
}

/** How the energy of each serving device was measured; nothing where nothing was recorded. */
export function sensorTable(report: Report): TextTable | undefined {
  return mergedDevices(tableOf(sensorColumns, deviceRows(report), namesOfDevice, deviceNames))
}

const deviceNames = ['Load', 'Device'] as const

/** Devices of which all is the same at a level share a row. */
function mergedDevices(table: TextTable | undefined): TextTable | undefined {
  if (table === undefined) return undefined
  const merged = new Map<string, string[]>()
  for (const [label = '', name = '', ...cells] of table.rows) {
    const key = JSON.stringify([label, cells])
    const row = merged.get(key)
    if (row === undefined) merged.set(key, [label, name, ...cells])
    else row[1] = `${row[1]}, ${name.replace(/^GPU (?=\d)/, '')}`
  }
  return { ...table, rows: [...merged.values()] }
}

function namesOfDevice({ label, name }: DeviceRow): string[] {
  return [label, name]
}

const deviceColumns: readonly Column<DeviceRow>[] = [
  { heading: 'mean W', of: ({ device }) => told(device.powerMeanW) },
  { heading: 'most W', of: ({ device }) => told(device.powerMaxW) },
  { heading: 'hottest °C', of: ({ device }) => told(device.temperatureMaxC, formatStated) },
  { heading: 'memory °C', of: ({ device }) => told(device.temperatureMemoryMaxC, formatStated) },
  {
    heading: 'SM MHz',
    of: ({ device }) => told(device.clockSmMedianMhz, formatCount),
    note: 'SM MHz: median.',
  },
  { heading: 'least', of: ({ device }) => told(device.clockSmMinMhz, formatCount) },
  { heading: 'memory MiB', of: ({ device }) => told(device.memoryPeakMib, formatCount) },
  { heading: 'busy', of: ({ device }) => told(device.utilisationMeanRatio, formatPercent) },
  {
    heading: 'PCIe',
    of: ({ device }) => linkText(device),
    note: 'PCIe: the widest link seen under load.',
  },
  ...(
    [
      ['power cap', 'powerCapRatio'],
      ['heat', 'thermalRatio'],
      ['brake', 'powerBrakeRatio'],
      ['sync boost', 'syncBoostRatio'],
    ] as const
  ).map(([heading, cause]) => ({
    heading,
    of: ({ device }: DeviceRow) => told(device.throttle?.[cause], formatPercent),
    note: 'power cap to sync boost: share of the window in which clocks were held back by it. That a loaded GPU runs at its power cap is usual, and no fault.',
  })),
  {
    heading: 'told by',
    of: ({ device }) => device.throttle?.by,
    note: 'told by: counters miss nothing, flags all that is over between two looks.',
  },
]

function linkText({ pcieGeneration, pcieWidth }: DeviceFigures): string | undefined {
  if (pcieGeneration === undefined && pcieWidth === undefined) return undefined
  return `${formatCount(pcieGeneration)} x${formatCount(pcieWidth)}`
}

/** How each serving device did under load; nothing where nothing was recorded. */
export function deviceTable(report: Report): TextTable | undefined {
  const rows = deviceRows(report)
  const all = Math.max(0, ...report.summary.points.map(({ machine }) => othersOf(machine?.devices)))
  const table = mergedDevices(tableOf(deviceColumns, rows, namesOfDevice, deviceNames))
  if (table === undefined || all === 0) return table
  const left = `${plural(all, 'watched device')} that ${all === 1 ? 'does' : 'do'} not serve the model ${all === 1 ? 'is' : 'are'} left out; summary.json has ${all === 1 ? 'it' : 'them'}.`
  return { ...table, note: `${table.note} ${left}` }
}

function othersOf(devices: readonly DeviceFigures[] = []): number {
  return devices.filter(({ serving }) => !serving).length
}

/** Whose energy it is, idle power, and what watching cost; nothing where nothing was recorded. */
export function watchLines({ run, summary: { machine } }: Report): string[] {
  const { telemetry } = run
  const died =
    telemetry?.kind === 'recorded' && telemetry.died !== undefined
      ? [`The sampler ended before its time: ${plainText(telemetry.died)}.`]
      : []
  if (machine === undefined) return died
  const { attribution, idle, samplerCpuCores, longestGapMs } = machine
  return [
    plainText(attribution),
    ...idle.map(idleLine),
    ...died,
    ...costLine(samplerCpuCores, longestGapMs),
  ]
}

function idleLine({ scope, beforeW, afterW, reason }: IdlePower): string {
  const name = `Idle with the model loaded, ${scopeNames[scope]}`
  const why = reason === undefined ? '' : ` (${plainText(reason)})`
  if (beforeW === undefined && afterW === undefined) return `${name}: ${notAvailable}${why}.`
  const watts = (value: Maybe) => (value === undefined ? notAvailable : `${formatNumber(value)} W`)
  return `${name}: ${watts(beforeW)} before the load, ${watts(afterW)} after it${why}.`
}

function costLine(cpuCores: Maybe, longestGapMs: Maybe): string[] {
  if (cpuCores === undefined) return []
  const gap =
    longestGapMs === undefined
      ? ''
      : `; at most ${formatMs(longestGapMs)} passed between two of its looks`
  return [`Watching took ${formatPercent(cpuCores)} of a core${gap}.`]
}
