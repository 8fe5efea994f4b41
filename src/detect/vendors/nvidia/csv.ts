import type { GpuReadings } from '../../gpu-fields.ts'
import { pciAddressOf } from '../../pci-address.ts'
import { absent, type GpuProcess, type Reading, readingValue } from '../../reading.ts'
import { knownName, readFields, repairNames } from './fields.ts'
import {
  type Account,
  flag,
  linesOf,
  programName,
  quantity,
  readFirst,
  readWords,
  TOOL,
  text,
} from './values.ts'

/** What one account tells of one GPU. */
export interface GpuAccount {
  /** The tool's own index, where told: only good within one detection. */
  readonly index?: number
  readonly readings: Partial<GpuReadings>
}

const plain = quantity('')

/** Names, aliases included, of the fields that this driver's `--query-gpu` knows. */
export function readKnownFields(help: string): Set<string> {
  const names = linesOf(help)
    .filter((line) => /^"[\w.]+"( or "[\w.]+")*$/.test(line))
    .flatMap((line) => [...line.matchAll(/"([\w.]+)"/g)].map((match) => match[1] ?? ''))
  return new Set(names)
}

/**
 * One GPU a row, and the lines that are none: complaints about a lost GPU stand between the others'
 * rows. Cells are parted by comma and blank, so that a decimal comma stays inside its cell, where it is
 * refused.
 */
export function readRows(
  names: readonly string[],
  csv: string,
): { readonly gpus: GpuAccount[]; readonly strangeLines: string[] } {
  const gpus: GpuAccount[] = []
  const strangeLines: string[] = []
  for (const line of linesOf(csv)) {
    const cells = line.split(', ').map((cell) => cell.trim())
    if (cells.length === names.length) gpus.push(accountOfRow(names, cells))
    else strangeLines.push(line)
  }
  return { gpus, strangeLines }
}

function accountOfRow(names: readonly string[], cells: readonly string[]): GpuAccount {
  const byName = new Map(names.map((name, place) => [name, cells[place] ?? '']))
  const account: Account = {
    said: (name) => byName.get(knownName(name, byName) ?? ''),
    source: (name) => `${TOOL} ${knownName(name, byName) ?? name}`,
    missing: 'this driver does not know the field',
  }
  const index = readingValue(readFirst(account, ['index'], plain))
  return {
    ...(index === undefined ? {} : { index }),
    readings: {
      ...readFields(account, 'csv'),
      memoryRepairPending: readRepairs(account, repairNames),
    },
  }
}

/** Whether any of these repairs waits. */
export function readRepairs(account: Account, names: readonly string[]): Reading<boolean> {
  const readings = names.map((name) => readFirst(account, [name], flag))
  return anyOf(readings, absent(account.missing, TOOL))
}

/** Yes if any says so, no if all that say anything say no. */
export function anyOf(
  readings: readonly Reading<boolean>[],
  otherwise: Reading<boolean>,
): Reading<boolean> {
  const known = readings.filter(({ status }) => status === 'ok')
  return known.find((reading) => readingValue(reading)) ?? known[0] ?? readings[0] ?? otherwise
}

/** A program that computes, and the GPU it is on. */
export interface ComputeApp {
  readonly process: GpuProcess
  readonly gpu: GpuAccount
}

const COMPUTE_APPS_FIELDS = 'pid,process_name,used_memory,gpu_uuid,gpu_bus_id'
export const computeAppsQuery = [
  `--query-compute-apps=${COMPUTE_APPS_FIELDS}`,
  '--format=csv,noheader,nounits',
]

/** Programs that compute. A name may hold commas itself, hence it is what the cells around it leave. */
export function readComputeApps(csv: string): {
  readonly apps: ComputeApp[]
  readonly strangeLines: string[]
} {
  const apps: ComputeApp[] = []
  const strangeLines: string[] = []
  for (const line of linesOf(csv)) {
    const [pid = '', ...cells] = line.split(', ')
    const [used = '', uuid = '', bus = ''] = cells.slice(-3)
    const name = cells.slice(0, -3).join(', ')
    if (cells.length < 4) strangeLines.push(line)
    else apps.push({ process: processOf(pid, name, used), gpu: gpuNamed(uuid, bus) })
  }
  return { apps, strangeLines }
}

function gpuNamed(uuid: string, bus: string): GpuAccount {
  const source = `${TOOL} --query-compute-apps`
  return {
    readings: {
      uuid: readWords(uuid, text, source),
      pciAddress: readWords(bus, pciAddressOf, source),
    },
  }
}

/** A process by the tool's words. */
export function processOf(pid: string, name: string, used: string): GpuProcess {
  const read = { pid: plain(pid), name: programName(name), usedMib: quantity('MiB')(used) }
  return {
    ...(read.pid === undefined ? {} : { pid: read.pid }),
    ...(read.name === undefined ? {} : { name: read.name }),
    ...(read.usedMib === undefined ? {} : { usedMib: read.usedMib }),
  }
}
