import type { GpuReadings } from '../../gpu-fields.ts'
import type { Machine } from '../../machine.ts'
import { absent, ok, type Reading } from '../../reading.ts'
import { converted, count, readFileReading } from './files.ts'

type LinkField =
  | 'pcieGeneration'
  | 'pcieWidth'
  | 'pcieGenerationNow'
  | 'pcieWidthNow'
  | 'pcieWidthOfGpu'

/** GT/s of a lane by generation: PCI Express Base Specification, revisions 1 to 6. */
const generationsByGtPerS: Readonly<Record<string, number>> = {
  '2.5': 1,
  '5': 2,
  '8': 3,
  '16': 4,
  '32': 5,
  '64': 6,
}

/** A bridge on AMD's own cards: behind it the GPU always seems to have its full link. */
const AMD_BRIDGE = { vendor: '0x1002', class: '0x0604' }

/** PCIe generation of a lane speed in GT/s. */
export function pcieGenerationOf(gtPerS: number): number | undefined {
  return generationsByGtPerS[String(gtPerS)]
}

/**
 * How a device hangs on PCIe. The link told is that of the slot: on AMD cards with a bridge of their
 * own it is the bridge's. The best of a link is the lesser of its two ends.
 */
export async function readPcieLink(
  machine: Pick<Machine, 'readText' | 'realPath'>,
  device: string,
): Promise<Pick<GpuReadings, LinkField>> {
  const end = await cardEnd(machine, device)
  const slot = parentOf(end)
  const [speed, width, slotSpeed, slotWidth, speedNow, widthNow] = await Promise.all([
    generation(machine, `${end}/max_link_speed`),
    lanes(machine, `${end}/max_link_width`),
    generation(machine, `${slot}/max_link_speed`),
    lanes(machine, `${slot}/max_link_width`),
    generation(machine, `${end}/current_link_speed`),
    lanes(machine, `${end}/current_link_width`),
  ])
  return {
    pcieGeneration: lesser(speed, slotSpeed),
    pcieWidth: lesser(width, slotWidth),
    pcieGenerationNow: speedNow,
    pcieWidthNow: widthNow,
    pcieWidthOfGpu: width,
  }
}

/** The last device, towards the slot, that is still on the card. */
async function cardEnd(
  machine: Pick<Machine, 'readText' | 'realPath'>,
  device: string,
): Promise<string> {
  let end = await realPathOr(machine, device)
  while (await isAmdBridge(machine, parentOf(end))) end = parentOf(end)
  return end
}

async function isAmdBridge(machine: Pick<Machine, 'readText'>, path: string): Promise<boolean> {
  if (!/\/[\da-f]{4,}:[\da-f]{2}:[\da-f]{2}\.[\da-f]$/.test(path)) return false
  const [vendor, kind] = await Promise.all([
    readFileReading(machine, `${path}/vendor`),
    readFileReading(machine, `${path}/class`),
  ])
  if (vendor.status === 'absent' || kind.status === 'absent') return false
  return vendor.value === AMD_BRIDGE.vendor && kind.value.startsWith(AMD_BRIDGE.class)
}

async function realPathOr(machine: Pick<Machine, 'realPath'>, path: string): Promise<string> {
  try {
    return await machine.realPath(path)
  } catch {
    return path
  }
}

function parentOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/'))
}

/** `16.0 GT/s PCIe`; `Unknown` for what is no PCIe link. */
async function generation(
  machine: Pick<Machine, 'readText'>,
  path: string,
): Promise<Reading<number>> {
  return converted(await readFileReading(machine, path), (text) => {
    const gtPerS = /^(\d+(?:\.\d+)?) GT\/s/.exec(text)?.[1]
    return gtPerS === undefined ? undefined : pcieGenerationOf(Number(gtPerS))
  })
}

/** No link has 0 lanes, and 255 is what the kernel reads of a device that is gone. */
async function lanes(machine: Pick<Machine, 'readText'>, path: string): Promise<Reading<number>> {
  return converted(await readFileReading(machine, path), (text) => {
    const width = count(text)
    return width === 0 || width === 255 ? undefined : width
  })
}

function lesser(own: Reading<number>, slot: Reading<number>): Reading<number> {
  if (own.status === 'absent') return absent(own.reason, own.source)
  if (slot.status === 'absent' || slot.value >= own.value) return own
  return ok(slot.value, slot.source)
}
