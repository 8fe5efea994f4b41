import type { GpuField, GpuReadings, gpuFields } from '../../gpu-fields.ts'
import { pciAddressOf } from '../../pci-address.ts'
import type { ReadingOf } from '../../reading.ts'
import {
  type Account,
  type Convert,
  flag,
  isNotApplicable,
  quantity,
  readFirst,
  text,
} from './values.ts'

/** A field by its names in `--query-gpu` and by its places in `-q -x`, the best first. */
interface Names<T> {
  readonly csv?: readonly string[]
  readonly xml?: readonly string[]
  readonly as: Convert<T>
}

type NamesOfFields = {
  readonly [F in GpuField]?: Names<ReadingOf<(typeof gpuFields)[F]['kind']>>
}

const mib = quantity('MiB')
const watts = quantity('W')
const celsius = quantity('C')
const mhz = quantity('MHz')
const lanes = quantity('x')
const plain = quantity('')
const link = 'pci/pci_gpu_link_info'

/**
 * What `nvidia-smi` calls the fields of a GPU. Tags of schema v10 to v13 side by side. What takes more
 * than one value to tell is read in `nvidia-xml.ts`.
 */
const fieldNames = {
  name: { csv: ['name'], xml: ['product_name'], as: text },
  pciAddress: { csv: ['pci.bus_id'], xml: ['pci/pci_bus_id', '@id'], as: pciAddressOf },
  uuid: { csv: ['uuid'], xml: ['uuid'], as: text },
  serial: { csv: ['serial'], xml: ['serial'], as: text },
  computeCapability: { csv: ['compute_cap'], as: text },
  integrated: { csv: ['memory.total'], xml: ['fb_memory_usage/total'], as: hasNoMemory },
  memoryUnified: { csv: ['memory.total'], xml: ['fb_memory_usage/total'], as: hasNoMemory },
  vramTotalMib: { csv: ['memory.total'], xml: ['fb_memory_usage/total'], as: mib },
  vramReservedMib: { csv: ['memory.reserved'], xml: ['fb_memory_usage/reserved'], as: mib },
  vramUsedMib: { csv: ['memory.used'], xml: ['fb_memory_usage/used'], as: mib },
  vramFreeMib: { csv: ['memory.free'], xml: ['fb_memory_usage/free'], as: mib },
  driverVersion: { csv: ['driver_version'], as: text },
  vbiosVersion: { csv: ['vbios_version'], xml: ['vbios_version'], as: text },
  firmwareVersion: { xml: ['gsp_firmware_version'], as: text },
  powerLimitEnforcedW: {
    csv: ['enforced.power.limit'],
    xml: ['gpu_power_readings/current_power_limit', 'power_readings/enforced_power_limit'],
    as: watts,
  },
  powerLimitRequestedW: {
    csv: ['power.limit'],
    xml: ['gpu_power_readings/requested_power_limit', 'power_readings/power_limit'],
    as: watts,
  },
  powerLimitDefaultW: {
    csv: ['power.default_limit'],
    xml: ['gpu_power_readings/default_power_limit', 'power_readings/default_power_limit'],
    as: watts,
  },
  powerLimitMinW: {
    csv: ['power.min_limit'],
    xml: ['gpu_power_readings/min_power_limit', 'power_readings/min_power_limit'],
    as: watts,
  },
  powerLimitMaxW: {
    csv: ['power.max_limit'],
    xml: ['gpu_power_readings/max_power_limit', 'power_readings/max_power_limit'],
    as: watts,
  },
  powerLimitModuleW: {
    csv: ['module.enforced.power.limit'],
    xml: ['module_power_readings/current_power_limit'],
    as: watts,
  },
  // From Ampere on, `power.draw` is the mean of a second.
  powerW: {
    csv: ['power.draw.instant', 'power.draw'],
    xml: [
      'gpu_power_readings/instant_power_draw',
      'gpu_power_readings/power_draw',
      'gpu_power_readings/average_power_draw',
      'power_readings/power_draw',
    ],
    as: watts,
  },
  temperatureC: { csv: ['temperature.gpu'], xml: ['temperature/gpu_temp'], as: celsius },
  temperatureMemoryC: {
    csv: ['temperature.memory'],
    xml: ['temperature/memory_temp'],
    as: celsius,
  },
  clockSmMhz: { csv: ['clocks.current.sm'], xml: ['clocks/sm_clock'], as: mhz },
  clockSmMaxMhz: { csv: ['clocks.max.sm'], xml: ['max_clocks/sm_clock'], as: mhz },
  clockMemoryMhz: { csv: ['clocks.current.memory'], xml: ['clocks/mem_clock'], as: mhz },
  clockMemoryMaxMhz: { csv: ['clocks.max.memory'], xml: ['max_clocks/mem_clock'], as: mhz },
  clockSmRequestedMhz: {
    csv: ['clocks.applications.graphics'],
    xml: ['applications_clocks/graphics_clock'],
    as: mhz,
  },
  utilisationRatio: { csv: ['utilization.gpu'], xml: ['utilization/gpu_util'], as: ratio },
  throttleReasons: { csv: ['clocks_event_reasons.active'], as: reasonsOfBits },
  performanceState: { csv: ['pstate'], xml: ['performance_state'], as: text },
  eccEnabled: { csv: ['ecc.mode.current'], xml: ['ecc_mode/current_ecc'], as: flag },
  eccUncorrectedErrors: { csv: ['ecc.errors.uncorrected.volatile.total'], as: plain },
  persistenceEnabled: { csv: ['persistence_mode'], xml: ['persistence_mode'], as: flag },
  computeMode: { csv: ['compute_mode'], xml: ['compute_mode'], as: text },
  migEnabled: { csv: ['mig.mode.current'], xml: ['mig_mode/current_mig'], as: flag },
  pcieGeneration: {
    csv: ['pcie.link.gen.max'],
    xml: [`${link}/pcie_gen/max_link_gen`],
    as: plain,
  },
  pcieWidth: {
    csv: ['pcie.link.width.max'],
    xml: [`${link}/link_widths/max_link_width`],
    as: lanes,
  },
  pcieGenerationNow: {
    csv: ['pcie.link.gen.gpucurrent', 'pcie.link.gen.current'],
    xml: [`${link}/pcie_gen/device_current_link_gen`, `${link}/pcie_gen/current_link_gen`],
    as: plain,
  },
  pcieWidthNow: {
    csv: ['pcie.link.width.current'],
    xml: [`${link}/link_widths/current_link_width`],
    as: lanes,
  },
} as const satisfies NamesOfFields

/** Older and newer names of the same field: no driver has to know both. */
const otherNames: Readonly<Record<string, string>> = {
  name: 'gpu_name',
  'pci.bus_id': 'gpu_bus_id',
  uuid: 'gpu_uuid',
  serial: 'gpu_serial',
  'enforced.power.limit': 'gpu.power.current_limit',
  'power.limit': 'gpu.power.requested_limit',
  'power.default_limit': 'gpu.power.default_limit',
  'power.min_limit': 'gpu.power.min_limit',
  'power.max_limit': 'gpu.power.max_limit',
  'module.enforced.power.limit': 'module.power.current_limit',
  'power.draw.instant': 'gpu.power.draw.instant',
  'clocks.current.sm': 'clocks.sm',
  'clocks.current.memory': 'clocks.mem',
  'clocks.max.memory': 'clocks.max.mem',
  'clocks.applications.graphics': 'clocks.applications.gr',
  'clocks_event_reasons.active': 'clocks_throttle_reasons.active',
}

/** Two kinds of repair: rows since Ampere, pages before. */
export const repairNames = ['remapped_rows.pending', 'retired_pages.pending'] as const

/** All names to ask `--query-gpu` for, as this driver knows them, each once. */
export function askedNames(known: ReadonlySet<string>): string[] {
  const rows: readonly Names<unknown>[] = Object.values(fieldNames)
  const names = ['index', ...rows.flatMap(({ csv = [] }) => csv), ...repairNames]
  return [...new Set(names.flatMap((name) => knownName(name, known) ?? []))]
}

/** The name of the two that is known. */
export function knownName(
  name: string,
  known: Pick<ReadonlySet<string>, 'has'>,
): string | undefined {
  return [name, otherNames[name] ?? name].find((candidate) => known.has(candidate))
}

/** All fields of the table, from one account of a GPU. */
export function readFields(account: Account, format: 'csv' | 'xml'): Partial<GpuReadings> {
  const rows: readonly [string, Names<unknown>][] = Object.entries(fieldNames)
  const readings = rows.flatMap(([field, row]) => {
    const names = row[format]
    return names === undefined ? [] : [[field, readFirst(account, names, row.as)]]
  })
  return Object.fromEntries(readings) as Partial<GpuReadings>
}

/** The tool has no word for it, and tells no size of memory to GPUs that share the machine's: GB10, Jetson. */
function hasNoMemory(said: string): boolean | undefined {
  if (isNotApplicable(said)) return true
  return mib(said) === undefined ? undefined : false
}

function ratio(said: string): number | undefined {
  const percent = quantity('%')(said)
  return percent === undefined ? undefined : percent / PERCENT
}

const PERCENT = 100

/** By bit, as nvml.h has them, in the words of `--help-query-gpu`. */
const reasonNames = [
  'gpu_idle',
  'applications_clocks_setting',
  'sw_power_cap',
  'hw_slowdown',
  'sync_boost',
  'sw_thermal_slowdown',
  'hw_thermal_slowdown',
  'hw_power_brake_slowdown',
  'display_clocks_setting',
] as const

const REASON_BITS = 64

function reasonsOfBits(said: string): string[] | undefined {
  if (!/^0x[\da-f]{1,16}$/i.test(said)) return undefined
  const bits = BigInt(said)
  return Array.from({ length: REASON_BITS }, (_, bit) => bit)
    .filter((bit) => (bits >> BigInt(bit)) & 1n)
    .map((bit) => reasonNames[bit] ?? `0x${(1n << BigInt(bit)).toString(16)}`)
}
