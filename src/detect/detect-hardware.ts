import { within } from './deadline.ts'
import type { Gpu } from './gpu-fields.ts'
import type { Hardware, Topology } from './hardware.ts'
import { hashesOf } from './hashes.ts'
import { readHost } from './host.ts'
import type { Host } from './host-fields.ts'
import type { Machine } from './machine.ts'
import { absent, type Reading } from './reading.ts'
import { thisMachine } from './this-machine.ts'
import { vendors } from './vendors/index.ts'
import type { Vendor, VendorAnswer } from './vendors/vendor.ts'

/** Vendor tools have their own time limits; this one holds should those fail. */
const VENDOR_DEADLINE_MS = 15_000

/** What detection touches. */
export interface World {
  readonly machine: Machine
  readonly readHost: (machine: Machine) => Promise<Host>
  readonly now: () => Date
  readonly vendors: readonly Vendor[]
}

const realWorld: World = { machine: thisMachine, readHost, now: () => new Date(), vendors }

/**
 * What this machine is. All vendors and the host are asked at once, and the answer is there within
 * 20 s whatever hangs. No GPU, no tool and no permission are answers, not errors.
 */
export async function detectHardware(world: Partial<World> = {}): Promise<Hardware> {
  const { machine, readHost, now, vendors } = { ...realWorld, ...world }
  const detectedAt = now().toISOString()
  const [host, answers] = await Promise.all([
    readHost(machine),
    Promise.all(vendors.map((vendor) => askInTime(vendor, machine))),
  ])
  const gpus: Gpu[] = answers.flatMap((answer) => answer.gpus)
  return {
    detectedAt,
    host,
    gpus,
    topology: firstTopology(answers),
    tools: answers.flatMap(({ reports }) => reports),
    ...hashesOf(host, gpus),
  }
}

function firstTopology(answers: readonly VendorAnswer[]): Reading<Topology> {
  const told = answers.flatMap(({ topology }) => (topology ? [topology] : []))
  return (
    told.find(({ status }) => status === 'ok') ??
    told[0] ??
    absent('no tool tells how GPUs are connected', 'none')
  )
}

async function askInTime(vendor: Vendor, machine: Machine): Promise<VendorAnswer> {
  const answer = await within(VENDOR_DEADLINE_MS, vendor.ask(machine))
  if (answer.kind === 'done') return answer.value
  const detail = `no answer in ${VENDOR_DEADLINE_MS} ms`
  return {
    gpus: [],
    reports: [{ tool: vendor.tool, outcome: 'timed-out', detail, tookMs: VENDOR_DEADLINE_MS }],
  }
}
