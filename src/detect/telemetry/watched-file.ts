import { closeSync, openSync, readdirSync, readFileSync, readSync } from 'node:fs'
import { join } from 'node:path'
import { pciAddressOf } from '../pci-address.ts'

/**
 * A small file that is read over and over through one handle: 2 µs of ours, where opening it each time
 * takes 13 and a thread pool 260 (plain files, Node 20). What the driver takes to answer comes on top.
 */
export interface WatchedFile {
  readonly path: string
  /** What it says now, without space around it; unknown where the driver says nothing just now. */
  readonly text: () => string | undefined
  readonly close: () => void
}

/** The kernel gives at most a page. */
const PAGE_BYTES = 4096
const page = Buffer.allocUnsafe(PAGE_BYTES)

/** Opens a file of `/sys` for reading again and again; unknown where it cannot be read at all. */
export function watchFile(path: string): WatchedFile | undefined {
  let handle: number
  try {
    handle = openSync(path, 'r')
  } catch {
    return undefined
  }
  return { path, text: () => readHandle(handle), close: () => closeSync(handle) }
}

/**
 * A driver refuses while a card sleeps (EPERM, EINVAL, EBUSY) and once it is taken out (ENODEV): no
 * reading, either way. Synchronous, for the sampler is a process of its own.
 */
function readHandle(handle: number): string | undefined {
  try {
    return page.toString('latin1', 0, readSync(handle, page, 0, PAGE_BYTES, 0)).trim()
  } catch {
    return undefined
  }
}

/** Whether a look told anything: of a card that is asleep or gone there is no reading. */
export function tellsAnything(values: object): boolean {
  return Object.values(values).some((value) => value !== undefined)
}

/** Content of a small file without space around it; unknown where it cannot be read. */
export function readSmall(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8').trim()
  } catch {
    return undefined
  }
}

/** Names in a folder, sorted as people count; none where it cannot be listed. */
export function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder).sort((a, b) => a.localeCompare(b, 'en', { numeric: true }))
  } catch {
    return []
  }
}

/** Cards of one maker under `/sys/class/drm`, by PCI vendor, e.g. `0x1002`. Connectors (`card0-DP-1`) are none. */
export function drmCards(root: string, vendor: string): readonly string[] {
  const folder = join(root, 'sys/class/drm')
  return namesIn(folder)
    .filter((name) => /^card\d+$/.test(name))
    .map((name) => join(folder, name, 'device'))
    .filter((device) => readSmall(join(device, 'vendor')) === vendor)
}

/** PCI address as the driver gives it, e.g. `0000:09:00.0`. */
export function slotOf(device: string): string | undefined {
  const uevent = readSmall(join(device, 'uevent')) ?? ''
  return pciAddressOf(/^PCI_SLOT_NAME=(\S+)$/m.exec(uevent)?.[1])
}

/** Folders under `hwmon/` of a device, with the name that its driver gave each. */
export function hwmonsOf(
  device: string,
): readonly { readonly path: string; readonly name: string }[] {
  const folder = join(device, 'hwmon')
  return namesIn(folder)
    .filter((name) => name.startsWith('hwmon'))
    .map((name) => join(folder, name))
    .map((path) => ({ path, name: readSmall(join(path, 'name')) ?? '' }))
}

/** Sensors of a kind, by label: `temp2_input` under `junction` where `temp2_label` says so. */
export function labelledInputs(
  hwmon: string,
  kind: 'temp' | 'energy' | 'freq',
): Map<string, string> {
  const inputs = namesIn(hwmon).filter((name) => new RegExp(`^${kind}\\d+_input$`).test(name))
  return new Map(
    inputs.map((name) => {
      const label = readSmall(join(hwmon, name.replace('_input', '_label')))
      return [label ?? name.replace('_input', ''), join(hwmon, name)]
    }),
  )
}

/** A plain number of 0 or more, whole or not; unknown for all else that a tool may print: `N/A`, `-`, `14,61`. */
export function plainNumber(text: string | undefined): number | undefined {
  return text !== undefined && /^\d+(\.\d+)?$/.test(text) ? Number(text) : undefined
}

/** A file's number in another unit, e.g. µW as W. */
export function scaled(file: WatchedFile | undefined, perUnit: number): number | undefined {
  const value = plainNumber(file?.text())
  return value === undefined ? undefined : value / perUnit
}
