import { within } from './deadline.ts'
import type { Hardware, Host } from './hardware.ts'
import { readHost } from './host.ts'
import { type RunCommand, runCommand } from './run-command.ts'
import { vendors } from './vendors/index.ts'
import type { Vendor, VendorAnswer } from './vendors/vendor.ts'

/** Vendor tools have their own time limits; this one holds should those fail. */
const VENDOR_DEADLINE_MS = 15_000

/** What detection touches. */
export interface World {
  readonly runCommand: RunCommand
  readonly readHost: (runCommand: RunCommand) => Promise<Host>
  readonly now: () => Date
  readonly vendors: readonly Vendor[]
}

const realWorld: World = { runCommand, readHost, now: () => new Date(), vendors }

/**
 * What this machine is. All vendors and the host are asked at once, and the answer is there within
 * 20 s whatever hangs. No GPU, no tool and no permission are answers, not errors.
 */
export async function detectHardware(world: Partial<World> = {}): Promise<Hardware> {
  const { runCommand, readHost, now, vendors } = { ...realWorld, ...world }
  const detectedAt = now().toISOString()
  const [host, answers] = await Promise.all([
    readHost(runCommand),
    Promise.all(vendors.map((vendor) => askInTime(vendor, runCommand))),
  ])
  return {
    detectedAt,
    host,
    gpus: answers.flatMap((answer) => answer.gpus),
    tools: answers.map((answer) => answer.report),
  }
}

async function askInTime(vendor: Vendor, runCommand: RunCommand): Promise<VendorAnswer> {
  const answer = await within(VENDOR_DEADLINE_MS, vendor.ask(runCommand))
  if (answer.kind === 'done') return answer.value
  const detail = `no answer in ${VENDOR_DEADLINE_MS} ms`
  return {
    gpus: [],
    report: { tool: vendor.tool, outcome: 'timed-out', detail, tookMs: VENDOR_DEADLINE_MS },
  }
}
