import { readFile } from 'node:fs/promises'
import os from 'node:os'
import { messageOf, systemErrorCode } from '../errors.ts'
import { BYTES_PER_MIB } from '../units.ts'
import { within } from './deadline.ts'
import { type Host, hostOf } from './host-fields.ts'
import type { Machine } from './machine.ts'
import type { Reading } from './reading.ts'
import { explain, type RunCommand } from './run-command.ts'

/** Longest that any one source may take. */
const SOURCE_TIMEOUT_MS = 2_000

interface Cpu {
  readonly model?: string
  readonly coresPhysical?: number
  readonly coresLogical?: number
}

interface Memory {
  readonly totalBytes?: number
  readonly availableBytes?: number
}

/** Somewhere to read a fact about the host from. May fail, hang, and give '' or 0 for what it does not know. */
interface Source<T> {
  readonly name: string
  readonly read: () => Promise<T>
}

/** Where each fact about the host comes from. */
export interface HostSources {
  readonly cpu: Source<Cpu>
  readonly memory: Source<Memory>
  readonly board: Source<string>
  readonly os: Source<string>
  readonly kernel: Source<string>
  readonly virtualization: Source<string>
}

/** The machine around the accelerators. What a source cannot say, or says too late, is absent with the reason. */
export async function readHost(
  machine: Pick<Machine, 'platform' | 'runCommand'>,
  sources: HostSources = hostSources(machine.platform, machine.runCommand),
): Promise<Host> {
  const [cpu, memory, board, system, kernel, virtualization] = await Promise.all([
    ask(sources.cpu),
    ask(sources.memory),
    ask(sources.board),
    ask(sources.os),
    ask(sources.kernel),
    ask(sources.virtualization),
  ])
  const readings = {
    cpuModel: pick(cpu, (value) => value.model),
    cpuCoresPhysical: pick(cpu, (value) => value.coresPhysical),
    cpuCoresLogical: pick(cpu, (value) => value.coresLogical),
    memoryTotalMib: mib(pick(memory, (value) => value.totalBytes)),
    memoryAvailableMib: mib(pick(memory, (value) => value.availableBytes)),
    board: pick(board, (value) => value),
    os: pick(system, (value) => value),
    kernel: pick(kernel, (value) => value),
    virtualization: pick(virtualization, (value) => value),
  }
  return hostOf(readings, { reason: 'not read', source: 'none' })
}

async function ask<T>({ name, read }: Source<T>): Promise<Reading<T>> {
  const absent = (reason: string): Reading<T> => ({ status: 'absent', reason, source: name })
  try {
    const answer = await within(SOURCE_TIMEOUT_MS, read())
    if (answer.kind === 'late') return absent(`no answer in ${SOURCE_TIMEOUT_MS} ms`)
    return { status: 'ok', value: answer.value, source: name }
  } catch (error) {
    return absent(messageOf(error))
  }
}

/** No fact about a host can be 0 or empty, so either means that the source does not know. */
function pick<T, V extends string | number>(
  from: Reading<T>,
  value: (of: T) => V | undefined,
): Reading<V> {
  if (from.status === 'absent') return from
  const picked = value(from.value)
  if (picked === undefined || picked === '' || picked === 0 || Number.isNaN(picked)) {
    return { status: 'absent', reason: `${from.source} does not say`, source: from.source }
  }
  return { status: 'ok', value: picked, source: from.source }
}

function mib(bytes: Reading<number>): Reading<number> {
  if (bytes.status === 'absent') return bytes
  return { ...bytes, value: Math.floor(bytes.value / BYTES_PER_MIB) }
}

/**
 * The usual sources of a platform. Of systeminformation only what spawns nothing synchronously:
 * its osInfo, system and baseboard do on Linux (osInfo resolves the host's name, even), and cpu and mem on macOS.
 */
function hostSources(platform: NodeJS.Platform, runCommand: RunCommand): HostSources {
  const kernel = { name: 'node os.release', read: async () => os.release() }
  const mac = platform === 'darwin'
  const common = { cpu: mac ? nodeCpu : cpu, memory: mac ? nodeMemory : memory, kernel }
  if (platform !== 'linux') {
    const unread = {
      name: 'none',
      read: () => Promise.reject(new Error(`not read on ${platform}`)),
    }
    const system = { name: 'node os.version', read: async () => os.version() }
    return { ...common, board: unread, os: system, virtualization: unread }
  }
  return { ...common, board, os: osRelease, virtualization: detectVirt(runCommand) }
}

const cpu: Source<Cpu> = {
  name: 'systeminformation cpu',
  read: async () => {
    const { cpu } = await import('systeminformation')
    const { manufacturer, brand, physicalCores, cores } = await cpu()
    return {
      model: `${manufacturer} ${brand}`.trim(),
      coresPhysical: physicalCores,
      coresLogical: cores,
    }
  },
}

const memory: Source<Memory> = {
  name: 'systeminformation mem',
  read: async () => {
    const { mem } = await import('systeminformation')
    const { total, available } = await mem()
    return { totalBytes: total, availableBytes: available }
  },
}

const nodeCpu: Source<Cpu> = {
  name: 'node os.cpus',
  read: async () => ({ model: os.cpus()[0]?.model, coresLogical: os.cpus().length }),
}

const nodeMemory: Source<Memory> = {
  name: 'node os.totalmem',
  read: async () => ({ totalBytes: os.totalmem() }),
}

/** The machine as its maker calls it, e.g. `Dell Inc. PowerEdge XE9680`; on boards without DMI, the device tree's name. */
const board: Source<string> = {
  name: '/sys/class/dmi/id',
  read: async () => {
    const product = await Promise.all([dmi('sys_vendor'), dmi('product_name')])
    const board = await Promise.all([dmi('board_vendor'), dmi('board_name')])
    return joined(product) || joined(board) || (await lineOf('/proc/device-tree/model'))
  },
}

async function dmi(field: string): Promise<string> {
  const line = await lineOf(`/sys/class/dmi/id/${field}`)
  // Makers who fill in nothing leave these.
  return /o\.e\.m\.|default string|^system (product name|manufacturer)$/i.test(line) ? '' : line
}

function joined(parts: readonly string[]): string {
  return parts.filter((part) => part !== '').join(' ')
}

/** First line of a file, without its end; '' where there is no such file. */
async function lineOf(file: string): Promise<string> {
  try {
    const text = await readFile(file, 'utf8')
    return (text.split(/[\n\0]/)[0] ?? '').trim()
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return ''
    throw error
  }
}

const osRelease: Source<string> = {
  name: '/etc/os-release',
  read: async () => {
    const text = await readFile('/etc/os-release', 'utf8')
    return /^PRETTY_NAME=["']?(.*?)["']?$/m.exec(text)?.[1] ?? ''
  },
}

/** `none` on bare metal, else the kind of virtual machine or container. */
function detectVirt(runCommand: RunCommand): Source<string> {
  const name = 'systemd-detect-virt'
  return {
    name,
    read: async () => {
      const result = await runCommand(name, [], { timeoutMs: SOURCE_TIMEOUT_MS })
      // On bare metal it prints `none` and exits with 1.
      if (result.kind === 'exited') return result.stdout.trim()
      throw new Error(`${name}: ${explain(result)}`)
    },
  }
}
