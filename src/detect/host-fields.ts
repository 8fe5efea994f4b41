import { absent, type FieldInfo, type ReadingsOf } from './reading.ts'

/** All that is read of the machine around the GPUs. To add a field, add a row, and read it in `host.ts`. */
export const hostFields = {
  cpuModel: { kind: 'text', label: 'CPU', role: 'identity' },
  cpuSockets: { kind: 'number', label: 'Sockets', role: 'identity' },
  cpuCoresPhysical: { kind: 'number', label: 'Cores', role: 'identity' },
  cpuCoresLogical: { kind: 'number', label: 'Threads', role: 'state' },
  smtEnabled: { kind: 'flag', label: 'SMT', role: 'state' },
  cpuGovernor: { kind: 'text', label: 'Frequency governor', role: 'state' },
  cpuMicrocode: { kind: 'text', label: 'Microcode', role: 'state' },
  numaNodes: { kind: 'number', label: 'NUMA nodes', role: 'state' },
  /** What the kernel has left of what is fitted: another kernel has another figure for the same machine. */
  memoryTotalMib: { kind: 'number', label: 'Memory', role: 'state', unit: 'MiB' },
  memoryAvailableMib: { kind: 'number', label: 'Memory available', role: 'moment', unit: 'MiB' },
  swapTotalMib: { kind: 'number', label: 'Swap', role: 'state', unit: 'MiB' },
  swapUsedMib: { kind: 'number', label: 'Swap used', role: 'moment', unit: 'MiB' },
  board: { kind: 'text', label: 'Board', role: 'identity' },
  biosVersion: { kind: 'text', label: 'BIOS', role: 'state' },
  os: { kind: 'text', label: 'Operating system', role: 'state' },
  kernel: { kind: 'text', label: 'Kernel', role: 'state' },
  /** Those of the kernel's arguments that change speed: IOMMU, mitigations, isolated cores, huge pages, C-states. */
  kernelArguments: { kind: 'texts', label: 'Kernel arguments', role: 'state' },
  virtualization: { kind: 'text', label: 'Virtualisation', role: 'state' },
  container: { kind: 'text', label: 'Container', role: 'state' },
  /** Cores and memory that the control group of this process may use. */
  cgroupCpuCores: {
    kind: 'number',
    label: 'CPU limit of the control group',
    role: 'state',
    unit: 'cores',
  },
  cgroupMemoryMib: {
    kind: 'number',
    label: 'Memory limit of the control group',
    role: 'state',
    unit: 'MiB',
  },
  clockSource: { kind: 'text', label: 'Clock source', role: 'state' },
  clockSynchronised: { kind: 'flag', label: 'Clock synchronised', role: 'moment' },
  hostname: { kind: 'text', label: 'Host name', role: 'moment', identifier: true },
} as const satisfies Readonly<Record<string, FieldInfo>>

export type HostField = keyof typeof hostFields

/** The machine around the accelerators. */
export type Host = ReadingsOf<typeof hostFields>

/** A host of which some fields were read; the others are absent for `reason`. */
export function hostOf(
  readings: Partial<Host>,
  otherwise: { readonly reason: string; readonly source: string },
): Host {
  const none = absent(otherwise.reason, otherwise.source)
  const all = Object.keys(hostFields).map((field) => [field, readings[field as HostField] ?? none])
  return Object.fromEntries(all) as Host
}
