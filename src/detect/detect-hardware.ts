import { within } from './deadline.ts'
import type { Gpu } from './gpu-fields.ts'
import type { Hardware, ToolReport, Topology } from './hardware.ts'
import { hashesOf } from './hashes.ts'
import { readHost } from './host/host.ts'
import type { Host } from './host-fields.ts'
import { identifierKey, withHashedIdentifiers, withoutIdentifiers } from './identifiers.ts'
import { type AskedVendor, joinGpus } from './join-gpus.ts'
import type { Machine } from './machine.ts'
import { absent, type Reading } from './reading.ts'
import { thisMachine } from './this-machine.ts'
import { vendors } from './vendors/index.ts'
import { findPciGpus, PCI_BUS } from './vendors/pci.ts'
import type { Vendor, VendorAnswer } from './vendors/vendor.ts'

/** Vendor tools have their own time limits; this one holds should those fail. */
const VENDOR_DEADLINE_MS = 15_000
/** Files of the kernel, at once but where a driver hangs. */
const PCI_DEADLINE_MS = 5_000

/** What detection touches. */
export interface World {
  readonly machine: Machine
  readonly readHost: (machine: Machine) => Promise<Host>
  readonly now: () => Date
  readonly vendors: readonly Vendor[]
  /** Tells identifiers themselves, not their hashes. */
  readonly includeIds: boolean
  /** The machine is a capture whose identifiers are masked. */
  readonly masked: boolean
}

const realWorld: World = {
  machine: thisMachine,
  readHost,
  now: () => new Date(),
  vendors,
  includeIds: false,
  masked: false,
}

/**
 * What this machine is. All vendors and the host are asked at once, and the answer is there within
 * 20 s whatever hangs. No GPU, no tool and no permission are answers, not errors.
 */
export async function detectHardware(world: Partial<World> = {}): Promise<Hardware> {
  const { machine, readHost, now, vendors, includeIds, masked } = { ...realWorld, ...world }
  const detectedAt = now().toISOString()
  const [host, key, asked, pci] = await Promise.all([
    readHost(machine),
    identifierKey(machine),
    Promise.all(vendors.map((vendor) => askInTime(vendor, machine))),
    findPciInTime(machine),
  ])
  const gpus = joinGpus(asked, pci.gpus)
  const answers = asked.map(({ answer }) => answer)
  const reports = [...answers, pci].flatMap(({ reports }) => reports)
  const hashed = withHashedIdentifiers({ host, gpus }, key, masked)
  return {
    detectedAt,
    ...(includeIds ? { host, gpus } : hashed),
    topology: firstTopology(answers),
    tools: includeIds ? reports : reports.map((report) => withoutDetails(report, { host, gpus })),
    ...hashesOf(hashed.host, hashed.gpus),
  }
}

function withoutDetails(
  { detail, ...report }: ToolReport,
  identified: { readonly host: Host; readonly gpus: readonly Gpu[] },
): ToolReport {
  return detail === undefined
    ? report
    : { ...report, detail: withoutIdentifiers(detail, identified) }
}

function firstTopology(answers: readonly VendorAnswer[]): Reading<Topology> {
  const told = answers.flatMap(({ topology }) => (topology ? [topology] : []))
  return (
    told.find(({ status }) => status === 'ok') ??
    told[0] ??
    absent('no tool tells how GPUs are connected', 'none')
  )
}

async function findPciInTime(machine: Machine): ReturnType<typeof findPciGpus> {
  const answer = await within(PCI_DEADLINE_MS, findPciGpus(machine))
  if (answer.kind === 'done') return answer.value
  const detail = `no answer in ${PCI_DEADLINE_MS} ms`
  return {
    gpus: [],
    reports: [{ tool: PCI_BUS, outcome: 'timed-out', detail, tookMs: PCI_DEADLINE_MS }],
  }
}

async function askInTime(vendor: Vendor, machine: Machine): Promise<AskedVendor> {
  const answer = await within(VENDOR_DEADLINE_MS, vendor.ask(machine))
  if (answer.kind === 'done') return { vendor, answer: answer.value }
  const detail = `no answer in ${VENDOR_DEADLINE_MS} ms`
  const report = {
    tool: vendor.tool,
    outcome: 'timed-out' as const,
    detail,
    tookMs: VENDOR_DEADLINE_MS,
  }
  return { vendor, answer: { gpus: [], reports: [report] } }
}
