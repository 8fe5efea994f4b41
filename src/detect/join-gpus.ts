import { type Gpu, withFallback } from './gpu-fields.ts'
import type { ToolReport } from './hardware.ts'
import { readingValue } from './reading.ts'
import { gpuOfPci, type PciGpu } from './vendors/pci.ts'
import type { Vendor, VendorAnswer } from './vendors/vendor.ts'

/** A vendor and what came of asking it. */
export interface AskedVendor {
  readonly vendor: Pick<Vendor, 'name' | 'tool'>
  readonly answer: VendorAnswer
}

/**
 * All GPUs of the machine, each once: those that tools told of, with what the PCI bus adds, and those
 * that only the bus tells of.
 */
export function joinGpus(asked: readonly AskedVendor[], pciGpus: readonly PciGpu[]): Gpu[] {
  return joinAccounts([
    ...asked.map(({ answer }) => answer.gpus),
    pciGpus.map((pci, index) => gpuOfPci(pci, index, whyUntold(pci, asked))),
  ])
}

/**
 * Several accounts of the same GPUs, the better source first: those with the same PCI address are one
 * GPU, but not within an account, whose tool tells its GPUs apart. Indices stay unique within a vendor.
 */
export function joinAccounts(accounts: readonly (readonly Gpu[])[]): Gpu[] {
  return accounts.reduce<Gpu[]>((joined, account) => {
    const same = (gpu: Gpu) => account.find((other) => sameDevice(gpu, other))
    const known = joined.map((gpu) => withFallback(gpu, same(gpu) ?? gpu))
    const others = account.filter((gpu) => !joined.some((other) => mayBeSame(other, gpu)))
    return others.reduce(withGpu, known)
  }, [])
}

function withGpu(joined: readonly Gpu[], gpu: Gpu): Gpu[] {
  const taken = joined.filter(({ vendor }) => vendor === gpu.vendor).map(({ index }) => index)
  const index = taken.includes(gpu.index) ? Math.max(...taken) + 1 : gpu.index
  return [...joined, { ...gpu, index }]
}

function sameDevice(one: Gpu, other: Gpu): boolean {
  const address = readingValue(one.pciAddress)
  return address !== undefined && address === readingValue(other.pciAddress)
}

/** A better source that tells a GPU without its address may well mean this one: better one too few than one twice. */
function mayBeSame(better: Gpu, gpu: Gpu): boolean {
  if (sameDevice(better, gpu)) return true
  const addressed = better.pciAddress.status === 'absent' && gpu.pciAddress.status === 'ok'
  return better.vendor === gpu.vendor && addressed
}

function whyUntold(pci: PciGpu, asked: readonly AskedVendor[]): string {
  const own = asked.filter(({ vendor }) => vendor.name === pci.vendor)
  if (own.length === 0) return 'no tool is known that tells of it'
  const reports = own.flatMap(({ answer }) => answer.reports)
  const failed = [...new Set(reports.flatMap(failure))]
  if (failed.length > 0) return failed.join('; ')
  return `${own.map(({ vendor }) => vendor.tool).join(', ')} does not list it`
}

function failure({ tool, outcome, detail }: ToolReport): string[] {
  switch (outcome) {
    case 'ok':
      return []
    case 'not-found':
      return [`${tool} was not found`]
    case 'timed-out':
      return [`${tool} did not answer in time`]
    case 'failed':
      return [`${tool} failed${detail === undefined ? '' : `: ${detail}`}`]
  }
}
