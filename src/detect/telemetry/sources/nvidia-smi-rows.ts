import { US_PER_MS } from '../../../units.ts'
import { pciAddressOf } from '../../pci-address.ts'
import { explain } from '../../run-command.ts'
import { readKnownFields } from '../../vendors/nvidia.ts'
import type { DeviceReading, TelemetryDevice } from '../sample.ts'
import type { OwnReading, SamplerWorld } from '../source.ts'
import { powerDrawKind } from './power-draw.ts'
import { untimedReasons } from './throttle-reasons.ts'

export const TOOL = 'nvidia-smi'
/** Seconds, where the driver must first be loaded. */
const TIMEOUT_MS = 4_000
const PERCENT = 100

/** What is asked of `--query-gpu`, by each field's names, the newest first. */
const wanted = {
  pciAddress: ['pci.bus_id'],
  name: ['name'],
  computeCapability: ['compute_cap'],
  powerInstantW: ['power.draw.instant', 'gpu.power.draw.instant'],
  powerAverageW: ['power.draw.average', 'gpu.power.draw.average'],
  powerDrawW: ['power.draw'],
  modulePowerInstantW: ['module.power.draw.instant'],
  modulePowerAverageW: ['module.power.draw.average'],
  clockSmMhz: ['clocks.current.sm', 'clocks.sm'],
  clockMemoryMhz: ['clocks.current.memory', 'clocks.mem'],
  temperatureC: ['temperature.gpu'],
  temperatureMemoryC: ['temperature.memory'],
  memoryUsedMib: ['memory.used'],
  utilisationPercent: ['utilization.gpu'],
  pcieGeneration: ['pcie.link.gen.gpucurrent', 'pcie.link.gen.current'],
  pcieWidth: ['pcie.link.width.current'],
  reasons: ['clocks_event_reasons.active', 'clocks_throttle_reasons.active'],
  powerCapUs: ['clocks_event_reasons_counters.sw_power_cap'],
  thermalSoftwareUs: ['clocks_event_reasons_counters.sw_thermal_slowdown'],
  thermalHardwareUs: ['clocks_event_reasons_counters.hw_thermal_slowdown'],
  powerBrakeUs: ['clocks_event_reasons_counters.hw_power_brake_slowdown'],
  syncBoostUs: ['clocks_event_reasons_counters.sync_boost'],
} as const satisfies Readonly<Record<string, readonly string[]>>

type Column = keyof typeof wanted

/** A question that this driver understands, and the GPUs that answered it. */
export interface SmiQuery {
  readonly args: readonly string[]
  readonly columns: readonly Column[]
  readonly devices: readonly TelemetryDevice[]
  readonly gpus: readonly SmiGpu[]
}

interface SmiGpu {
  readonly pciAddress: string
  readonly device: number
  readonly module?: number
  /** What `power.draw` is, where there is no instant power. */
  readonly powerDraw: 'instant' | 'average'
}

/** A row's numbers; what the tool did not tell is absent. */
interface SmiRow {
  readonly pciAddress: string
  readonly name: string
  readonly values: { readonly [C in Column]?: number }
}

/**
 * Finds the fields that this driver knows and asks for them once. It refuses a whole query over one
 * field it does not know.
 *
 * @param source name of the source that will go on asking, for the devices
 */
export async function askOnce(
  { runCommand }: SamplerWorld,
  source: string,
): Promise<SmiQuery | { readonly none: string }> {
  const help = await runCommand(TOOL, ['--help-query-gpu'], { timeoutMs: TIMEOUT_MS })
  if (help.kind !== 'exited') return { none: explain(help) }
  const { args, columns } = queryOf(readKnownFields(help.stdout))
  if (!columns.includes('pciAddress')) return { none: 'it does not list its fields' }
  const answer = await runCommand(TOOL, args, { timeoutMs: TIMEOUT_MS })
  if (answer.kind !== 'exited') return { none: explain(answer) }
  const lines = answer.stdout.split('\n')
  const rows = lines.flatMap((line) => readRow(columns, line) ?? [])
  if (rows.length === 0) return { none: lines[0]?.trim() || `exit code ${answer.exitCode}` }
  if (!rows.some(tellsPower)) return { none: 'it tells the power of no GPU' }
  return { args, columns, ...devicesOf(rows, source) }
}

function queryOf(known: ReadonlySet<string>): Pick<SmiQuery, 'args' | 'columns'> {
  const fields = (Object.keys(wanted) as Column[]).flatMap((column) => {
    const field = wanted[column].find((name) => known.has(name))
    return field === undefined ? [] : [{ column, field }]
  })
  const names = fields.map(({ field }) => field).join(',')
  return {
    args: [`--query-gpu=${names}`, '--format=csv,noheader,nounits'],
    columns: fields.map(({ column }) => column),
  }
}

/** A whole row, or nothing: complaints about one GPU stand between the others' rows. */
function readRow(columns: readonly Column[], line: string): SmiRow | undefined {
  // Parted by comma and blank: a decimal comma stays in its cell, and is refused there.
  const cells = line
    .replace(/\uFEFF|\r/g, '')
    .trim()
    .split(', ')
  if (cells.length !== columns.length) return undefined
  const pciAddress = pciAddressOf(cells[columns.indexOf('pciAddress')])
  if (pciAddress === undefined) return undefined
  const values: { [C in Column]?: number } = {}
  for (const [i, column] of columns.entries()) {
    const value = readCell(cells[i])
    if (value !== undefined) values[column] = value
  }
  return { pciAddress, name: cells[columns.indexOf('name')] ?? pciAddress, values }
}

/** What is not to be had comes as words: `[N/A]`, `[Not Supported]`, `[Unknown Error]` ... */
function readCell(cell = ''): number | undefined {
  return /^(-?\d+(\.\d+)?|0x[\da-f]{1,16})$/i.test(cell) ? Number(cell) : undefined
}

function tellsPower({ values }: SmiRow): boolean {
  return (values.powerInstantW ?? values.powerAverageW ?? values.powerDrawW) !== undefined
}

function devicesOf(rows: readonly SmiRow[], source: string): Pick<SmiQuery, 'devices' | 'gpus'> {
  const devices: TelemetryDevice[] = []
  const gpus: SmiGpu[] = []
  for (const { pciAddress, name, values } of rows) {
    const device = devices.length
    const known = { source, pciAddress }
    devices.push({ id: pciAddress, scope: 'gpu', name, ...known, lacks: lacksOf(values) })
    const hasModule = values.modulePowerInstantW !== undefined
    if (hasModule) {
      const id = `${pciAddress}/module`
      devices.push({ id, scope: 'module', name: `${name}, whole module`, ...known })
    }
    const powerDraw = powerDrawKind(values.computeCapability)
    gpus.push({ pciAddress, device, ...(hasModule && { module: device + 1 }), powerDraw })
  }
  return { devices, gpus }
}

function lacksOf(values: SmiRow['values']): readonly string[] {
  return [
    `energy counter: ${TOOL} does not tell it`,
    ...(values.powerInstantW === undefined ? ['instant power: not told by this driver'] : []),
    ...(values.thermalHardwareUs === undefined
      ? ['time held back by heat: not told by this driver']
      : []),
  ]
}

/** The readings of a row, none for a line that is no row of a GPU known. */
export function readingsOf(query: SmiQuery, line: string, atMs: number): readonly OwnReading[] {
  const row = readRow(query.columns, line)
  const gpu = query.gpus.find(({ pciAddress }) => pciAddress === row?.pciAddress)
  if (row === undefined || gpu === undefined) return []
  const { values } = row
  const reading = { device: gpu.device, atMs, ...gpuReading(values, gpu) }
  if (gpu.module === undefined) return [reading]
  const module = known({
    powerW: values.modulePowerInstantW,
    powerAverageW: values.modulePowerAverageW,
  })
  return [reading, { device: gpu.module, atMs, ...module }]
}

function gpuReading(values: SmiRow['values'], gpu: SmiGpu): Omit<DeviceReading, 'atMs'> {
  const throttle = known({
    powerCapMs: per(values.powerCapUs, US_PER_MS),
    thermalSoftwareMs: per(values.thermalSoftwareUs, US_PER_MS),
    thermalHardwareMs: per(values.thermalHardwareUs, US_PER_MS),
    powerBrakeMs: per(values.powerBrakeUs, US_PER_MS),
    syncBoostMs: per(values.syncBoostUs, US_PER_MS),
  })
  const isInstant = gpu.powerDraw === 'instant'
  return {
    ...known({
      powerW: values.powerInstantW ?? (isInstant ? values.powerDrawW : undefined),
      powerAverageW: values.powerAverageW ?? (isInstant ? undefined : values.powerDrawW),
      clockSmMhz: values.clockSmMhz,
      clockMemoryMhz: values.clockMemoryMhz,
      temperatureC: values.temperatureC,
      temperatureMemoryC: values.temperatureMemoryC,
      memoryUsedMib: values.memoryUsedMib,
      utilisationRatio: per(values.utilisationPercent, PERCENT),
      pcieGeneration: values.pcieGeneration,
      pcieWidth: values.pcieWidth,
      throttleReasons: untimedReasons(throttle, () => values.reasons),
    }),
    ...(Object.keys(throttle).length > 0 && { throttle }),
  }
}

function per(value: number | undefined, unit: number): number | undefined {
  return value === undefined ? undefined : value / unit
}

/** Without what is unknown. */
function known<T extends object>(values: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>
  }
}
