import { type Gpu, type GpuReadings, type GpuVendor, gpuOf } from '../gpu-fields.ts'
import type { ToolReport } from '../hardware.ts'
import type { Machine } from '../machine.ts'
import { pciAddressOf } from '../pci-address.ts'
import { absent, ok, readingValue } from '../reading.ts'
import { converted, count, listOrNone, readFileReading } from './pci/files.ts'
import { readPcieLink } from './pci/link.ts'

export const PCI_BUS = 'PCI bus'
const DEVICES = '/sys/bus/pci/devices'

/** Drivers that hand a device to a virtual machine. */
const passThroughDrivers = ['vfio-pci', 'pci-stub', 'xen-pciback']

/** By PCI vendor id. Others that show pictures, such as the ASPEED of a BMC, do not compute. */
const vendorsById: Readonly<Record<string, GpuVendor>> = {
  '0x10de': 'nvidia',
  '0x1002': 'amd',
  '0x8086': 'intel',
}

/** VGA controller, 3D controller, other display controller, processing accelerator. */
const gpuClasses = ['0x0300', '0x0302', '0x0380', '0x1200']
/** An Intel device of this class is an NPU; AMD's Instinct GPUs have it too. */
const ACCELERATOR_CLASS = '0x1200'

/** A GPU that the kernel sees on the PCI bus, whether or not a driver or tool knows it. */
export interface PciGpu {
  readonly vendor: GpuVendor
  readonly pciAddress: string
  /** Vendor and device, e.g. `10de:2330`. */
  readonly ids: string
  /** Absent where none is bound. */
  readonly driver?: string
  /** Address of the GPU that it is a share of. */
  readonly virtualFunctionOf?: string
  readonly readings: Partial<GpuReadings>
}

/** GPUs on the PCI bus, in the order of their addresses, and how asking went where there is such a bus. Only Linux tells. */
export async function findPciGpus(
  machine: Machine,
): Promise<{ readonly gpus: readonly PciGpu[]; readonly reports: readonly ToolReport[] }> {
  if (machine.platform !== 'linux') return { gpus: [], reports: [] }
  const startMs = performance.now()
  const addresses = await listOrNone(machine, DEVICES)
  if (addresses.length === 0) return { gpus: [], reports: [] }
  const found = await Promise.all(addresses.map((address) => readDevice(machine, address)))
  const tookMs = Math.round(performance.now() - startMs)
  return {
    gpus: found.flatMap((gpu) => (gpu ? [gpu] : [])),
    reports: [{ tool: PCI_BUS, outcome: 'ok', tookMs }],
  }
}

/** A GPU that only the PCI bus tells of. `why` says what became of the tools that should know it. */
export function gpuOfPci(pci: PciGpu, index: number, why: string): Gpu {
  const reason = [...states(pci), why].join('; ')
  return gpuOf(
    pci.vendor,
    index,
    { ...pci.readings, name: absent(`${reason} (PCI ids ${pci.ids})`, PCI_BUS) },
    { reason, source: PCI_BUS },
  )
}

function states({ driver, virtualFunctionOf }: PciGpu): string[] {
  return [
    ...(virtualFunctionOf === undefined ? [] : [`virtual function of ${virtualFunctionOf}`]),
    ...(driver === undefined ? ['no driver is bound to it'] : []),
    ...(driver !== undefined && passThroughDrivers.includes(driver)
      ? [`bound to ${driver}, which hands it to a virtual machine`]
      : []),
  ]
}

/** Whether the host keeps its hands off the GPU, so that a virtual machine can have it. */
export function isPassedThrough(gpu: Gpu): boolean {
  const driver = readingValue(gpu.kernelDriver)
  return driver !== undefined && passThroughDrivers.includes(driver)
}

async function readDevice(machine: Machine, name: string): Promise<PciGpu | undefined> {
  const pciAddress = pciAddressOf(name)
  const device = `${DEVICES}/${name}`
  const [vendorId, kind] = await Promise.all([
    readFileReading(machine, `${device}/vendor`).then(readingValue),
    readFileReading(machine, `${device}/class`).then(readingValue),
  ])
  const vendor = vendorsById[vendorId ?? '']
  if (pciAddress === undefined || vendor === undefined || !isGpu(vendor, kind ?? ''))
    return undefined
  return readGpu(machine, { device, pciAddress, vendor, vendorId: vendorId ?? '' })
}

function isGpu(vendor: GpuVendor, kind: string): boolean {
  const group = kind.slice(0, ACCELERATOR_CLASS.length)
  return gpuClasses.includes(group) && !(vendor === 'intel' && group === ACCELERATOR_CLASS)
}

async function readGpu(
  machine: Machine,
  which: {
    readonly device: string
    readonly pciAddress: string
    readonly vendor: GpuVendor
    readonly vendorId: string
  },
): Promise<PciGpu> {
  const { device, pciAddress, vendor } = which
  const [deviceId, numa, driver, physical, link] = await Promise.all([
    readFileReading(machine, `${device}/device`).then(readingValue),
    readFileReading(machine, `${device}/numa_node`),
    nameOfTarget(machine, `${device}/driver`),
    nameOfTarget(machine, `${device}/physfn`),
    readPcieLink(machine, device),
  ])
  const integrated = integratedOf(vendor, pciAddress)
  return {
    vendor,
    pciAddress,
    ids: [which.vendorId, deviceId ?? '?'].map((id) => id.replace('0x', '')).join(':'),
    ...(driver === undefined ? {} : { driver }),
    ...(physical === undefined ? {} : { virtualFunctionOf: physical }),
    readings: {
      ...link,
      pciAddress: ok(pciAddress, device),
      kernelDriver: driver === undefined ? absent('none is bound', device) : ok(driver, device),
      virtualFunction: ok(physical !== undefined, device),
      numaNode: converted(numa, count),
      ...(integrated === undefined ? {} : { integrated: ok(integrated, device) }),
    },
  }
}

/** Intel puts the graphics of its processors at this address, and nothing else there. Of others the address tells nothing. */
function integratedOf(vendor: GpuVendor, pciAddress: string): boolean | undefined {
  return vendor === 'intel' ? pciAddress.startsWith('0000:00:02.') : undefined
}

/** Last part of where a link leads: drivers and physical functions are told so. */
async function nameOfTarget(machine: Machine, link: string): Promise<string | undefined> {
  try {
    const target = await machine.realPath(link)
    return target === link ? undefined : target.slice(target.lastIndexOf('/') + 1)
  } catch {
    return undefined
  }
}
