import { absent, type FieldInfo, type ReadingsOf } from './reading.ts'

/**
 * All that is read of a GPU: reports, schema, hashes and comparisons follow this table. To add a
 * field, add a row, and read it in the vendors that can tell it.
 */
export const gpuFields = {
  name: { kind: 'text', label: 'Name', role: 'identity' },
  /** Lower case, `domain:bus:device.function` with four digits of domain; what tools are joined by. */
  pciAddress: { kind: 'text', label: 'PCI address', role: 'identity' },
  uuid: { kind: 'text', label: 'UUID', role: 'identity', identifier: true },
  serial: { kind: 'text', label: 'Serial number', role: 'identity', identifier: true },
  /** NVIDIA's compute capability, AMD's gfx target. */
  computeCapability: { kind: 'text', label: 'Compute capability', role: 'identity' },
  /** Without memory of its own: part of the processor. */
  integrated: { kind: 'flag', label: 'Part of the processor', role: 'identity' },
  /** Memory that is the machine's own too. */
  memoryUnified: { kind: 'flag', label: 'Unified memory', role: 'identity' },
  /** Apple tells machines of one name apart by it. */
  gpuCores: { kind: 'number', label: 'GPU cores', role: 'identity' },
  vramTotalMib: { kind: 'number', label: 'Memory', role: 'state', unit: 'MiB' },
  vramReservedMib: { kind: 'number', label: 'Memory reserved', role: 'moment', unit: 'MiB' },
  vramUsedMib: { kind: 'number', label: 'Memory used', role: 'moment', unit: 'MiB' },
  vramFreeMib: { kind: 'number', label: 'Memory free', role: 'moment', unit: 'MiB' },
  /** Of unified memory, the most that somebody lets the GPU hold. */
  memoryLimitMib: { kind: 'number', label: 'Memory limit', role: 'state', unit: 'MiB' },
  driverVersion: { kind: 'text', label: 'Driver', role: 'state' },
  /** Bound to the device now: `amdgpu`, `nvidia`, `vfio-pci` where a virtual machine has it ... */
  kernelDriver: { kind: 'text', label: 'Kernel driver', role: 'state' },
  /** Known to this kernel as a share of another GPU here. The guest that is given one cannot tell. */
  virtualFunction: { kind: 'flag', label: 'Virtual function', role: 'state' },
  /** Newest CUDA, ROCm or Level Zero that the driver serves, e.g. `CUDA 13.0`. */
  computeApi: { kind: 'text', label: 'Compute API', role: 'state' },
  vbiosVersion: { kind: 'text', label: 'VBIOS', role: 'state' },
  firmwareVersion: { kind: 'text', label: 'Firmware', role: 'state' },
  /** The limit in force, not the one asked for. */
  powerLimitEnforcedW: { kind: 'number', label: 'Power limit in force', role: 'state', unit: 'W' },
  powerLimitRequestedW: {
    kind: 'number',
    label: 'Power limit asked for',
    role: 'state',
    unit: 'W',
  },
  powerLimitDefaultW: { kind: 'number', label: 'Power limit by default', role: 'state', unit: 'W' },
  powerLimitMinW: { kind: 'number', label: 'Power limit, lowest', role: 'state', unit: 'W' },
  powerLimitMaxW: { kind: 'number', label: 'Power limit, highest', role: 'state', unit: 'W' },
  /** Of a GPU with the processor beside it (Grace Hopper), which share it. */
  powerLimitModuleW: {
    kind: 'number',
    label: 'Power limit of the module',
    role: 'state',
    unit: 'W',
  },
  /** A machine-wide choice between speed and power: `nvpmodel` of a Jetson, Low Power Mode of a Mac. */
  powerMode: { kind: 'text', label: 'Power mode', role: 'state' },
  powerW: { kind: 'number', label: 'Power', role: 'moment', unit: 'W' },
  temperatureC: { kind: 'number', label: 'Temperature', role: 'moment', unit: '°C' },
  temperatureMemoryC: { kind: 'number', label: 'Memory temperature', role: 'moment', unit: '°C' },
  /** Where the clocks are first taken back. */
  temperatureSlowdownC: { kind: 'number', label: 'Slows down at', role: 'state', unit: '°C' },
  /** Of the shader cores. */
  clockSmMhz: { kind: 'number', label: 'SM clock', role: 'moment', unit: 'MHz' },
  clockSmMaxMhz: { kind: 'number', label: 'SM clock, highest', role: 'state', unit: 'MHz' },
  clockMemoryMhz: { kind: 'number', label: 'Memory clock', role: 'moment', unit: 'MHz' },
  clockMemoryMaxMhz: { kind: 'number', label: 'Memory clock, highest', role: 'state', unit: 'MHz' },
  /** Clock that was asked for with application clocks. */
  clockSmRequestedMhz: { kind: 'number', label: 'SM clock asked for', role: 'state', unit: 'MHz' },
  /** 0 to 1. */
  utilisationRatio: { kind: 'number', label: 'Utilisation', role: 'moment' },
  /** Why the clocks are not at their highest now, in the vendor's words. */
  throttleReasons: { kind: 'texts', label: 'Clocks held back by', role: 'moment' },
  performanceState: { kind: 'text', label: 'Performance state', role: 'moment' },
  eccEnabled: { kind: 'flag', label: 'ECC', role: 'state' },
  /** Since the driver was loaded. */
  eccUncorrectedErrors: { kind: 'number', label: 'Uncorrected memory errors', role: 'moment' },
  /** A repair of memory waits for a reset. */
  memoryRepairPending: { kind: 'flag', label: 'Memory repair pending', role: 'state' },
  persistenceEnabled: { kind: 'flag', label: 'Persistence mode', role: 'state' },
  computeMode: { kind: 'text', label: 'Compute mode', role: 'state' },
  migEnabled: { kind: 'flag', label: 'MIG', role: 'state' },
  partitions: { kind: 'partitions', label: 'Partitions', role: 'state' },
  /** The most that GPU and slot can do together. */
  pcieGeneration: { kind: 'number', label: 'PCIe generation', role: 'state' },
  pcieWidth: { kind: 'number', label: 'PCIe lanes', role: 'state' },
  /** Just now: links of an idle GPU drop to a lower generation. */
  pcieGenerationNow: { kind: 'number', label: 'PCIe generation now', role: 'moment' },
  pcieWidthNow: { kind: 'number', label: 'PCIe lanes now', role: 'moment' },
  /** What the GPU itself could do in another slot. */
  pcieWidthOfGpu: { kind: 'number', label: 'PCIe lanes of the GPU', role: 'identity' },
  numaNode: { kind: 'number', label: 'NUMA node', role: 'state' },
  /** Links to other GPUs that are up: NVLink, xGMI, Xe Link. */
  gpuLinks: { kind: 'number', label: 'Links to other GPUs', role: 'state' },
  /** Of all of them together, one way. */
  gpuLinkGbPerS: { kind: 'number', label: 'Links to other GPUs', role: 'state', unit: 'GB/s' },
  processes: { kind: 'processes', label: 'Compute processes', role: 'moment' },
} as const satisfies Readonly<Record<string, FieldInfo>>

export type GpuField = keyof typeof gpuFields
export type GpuReadings = ReadingsOf<typeof gpuFields>
export type GpuVendor = 'nvidia' | 'amd' | 'intel' | 'apple'

/** One accelerator. */
export interface Gpu extends GpuReadings {
  readonly vendor: GpuVendor
  /** The vendor tool's own index: for reading its output only, never for joining (it changes on reboot). */
  readonly index: number
}

/** A GPU of which some fields were read; the others are absent for `reason`. */
export function gpuOf(
  vendor: GpuVendor,
  index: number,
  readings: Partial<GpuReadings>,
  otherwise: { readonly reason: string; readonly source: string },
): Gpu {
  const none = absent(otherwise.reason, otherwise.source)
  const all = Object.keys(gpuFields).map((field) => [field, readings[field as GpuField] ?? none])
  return { vendor, index, ...(Object.fromEntries(all) as GpuReadings) }
}

/**
 * Two accounts of one GPU: of each field the first that is known; where neither is, the first's reason.
 */
export function withFallback(gpu: Gpu, other: Gpu): Gpu {
  const fields = Object.keys(gpuFields) as GpuField[]
  const better = fields.map((field) => [
    field,
    gpu[field].status === 'ok' ? gpu[field] : bestOf(gpu, other, field),
  ])
  return { ...gpu, ...(Object.fromEntries(better) as GpuReadings) }
}

function bestOf(gpu: Gpu, other: Gpu, field: GpuField): Gpu[GpuField] {
  return other[field].status === 'ok' ? other[field] : gpu[field]
}
