import { BYTES_PER_MIB } from '../../../units.ts'
import { type Gpu, type GpuReadings, gpuOf } from '../../gpu-fields.ts'
import type { Topology } from '../../hardware.ts'
import type { Machine } from '../../machine.ts'
import { absent, type GpuProcess, ok, type Reading, readingValue } from '../../reading.ts'
import { listOrNone, readFileReading } from '../pci/files.ts'
import { linksOf, type XgmiLink } from './links.ts'

const KFD = '/sys/class/kfd/kfd'
const NODES = `${KFD}/topology/nodes`
const PROCESSES = `${KFD}/proc`
const AMD_VENDOR = '4098'
/** Kinds of links: HSA_IOLINKTYPE_* of the kernel's kfd_topology.h. */
const linkKinds: Readonly<Record<string, string>> = { '2': 'PCIE', '11': 'XGMI' }

/**
 * Targets that are found in processors only: LLVM's AMDGPU usage table, architecture "APU".
 * gfx942 is both, so there the device decides.
 */
const apuTargets = [
  'gfx902',
  'gfx909',
  'gfx90c',
  'gfx1013',
  'gfx1033',
  'gfx1035',
  'gfx1036',
  'gfx1037',
  'gfx1103',
  'gfx1150',
  'gfx1151',
  'gfx1152',
  'gfx1153',
]
/** MI300A: processor and GPU in one package. */
const apuDevices = [0x74a0]

type Properties = Readonly<Record<string, string>>

interface Node {
  readonly id: string
  readonly properties: Properties
  readonly address: string
  /** The kernel's own number of the GPU, by which it counts processes' memory. */
  readonly gpuId: string | undefined
  readonly links: readonly Properties[]
}

/** What the compute driver (KFD) tells: the target, the links and who computes. */
export async function readAmdKfd(
  machine: Machine,
): Promise<{ readonly gpus: Gpu[]; readonly topology?: Topology }> {
  const ids = await listOrNone(machine, NODES)
  const all = await Promise.all(ids.map((id) => readNode(machine, id)))
  const nodes = all.flatMap((node) => (node ? [node] : []))
  const whole = nodes.filter(
    (node, at) => nodes.findIndex(({ address }) => address === node.address) === at,
  )
  const processes = await Promise.all(whole.map((node) => readProcesses(machine, node)))
  const gpus = whole.map((node, at) => gpuOfNode(node, at, whole, processes[at]))
  return { gpus, ...(whole.length < 2 ? {} : { topology: topologyOf(whole) }) }
}

/** Undefined for processors, and for GPUs that a container may not see. */
async function readNode(machine: Machine, id: string): Promise<Node | undefined> {
  const folder = `${NODES}/${id}`
  const text = readingValue(await readFileReading(machine, `${folder}/properties`))
  const properties = propertiesOf(text ?? '')
  if (properties.vendor_id !== AMD_VENDOR || properties.simd_count === '0') return undefined
  const address = addressOf(properties)
  if (address === undefined) return undefined
  const [gpuId, direct, indirect] = await Promise.all([
    readFileReading(machine, `${folder}/gpu_id`).then(readingValue),
    readLinks(machine, `${folder}/io_links`),
    readLinks(machine, `${folder}/p2p_links`),
  ])
  return { id, properties, address, gpuId, links: [...direct, ...indirect] }
}

async function readLinks(machine: Machine, folder: string): Promise<Properties[]> {
  const names = await listOrNone(machine, folder)
  const texts = await Promise.all(
    names.map((name) => readFileReading(machine, `${folder}/${name}/properties`)),
  )
  return texts.map((text) => propertiesOf(readingValue(text) ?? ''))
}

/** Lines `simd_count 416`. */
function propertiesOf(text: string): Properties {
  return Object.fromEntries(
    [...text.matchAll(/^(\w+) +(\S+)/gm)].map(([, key, value]) => [key, value]),
  )
}

/** `location_id` holds bus, device and function as PCI does: 8, 5 and 3 bits. */
function addressOf({ location_id, domain }: Properties): string | undefined {
  const location = Number(location_id)
  if (!Number.isSafeInteger(location) || location <= 0) return undefined
  const hex = (value: number, digits: number) => value.toString(16).padStart(digits, '0')
  const bus = (location >> 8) & 0xff
  return `${hex(Number(domain ?? 0), 4)}:${hex(bus, 2)}:${hex((location >> 3) & 0x1f, 2)}.${location & 7}`
}

function gpuOfNode(
  node: Node,
  index: number,
  all: readonly Node[],
  processes: Reading<readonly GpuProcess[]> | undefined,
): Gpu {
  const source = `${NODES}/${node.id}`
  const target = targetOf(node.properties)
  const clock = Number(node.properties.max_engine_clk_fcompute)
  const integrated = target === undefined ? undefined : isApu(target, node.properties)
  const readings: Partial<GpuReadings> = {
    pciAddress: ok(node.address, source),
    ...(target === undefined ? {} : { computeCapability: ok(target, source) }),
    ...(clock > 0 ? { clockSmMaxMhz: ok(clock, source) } : {}),
    ...(integrated === undefined
      ? {}
      : { integrated: ok(integrated, source), memoryUnified: ok(integrated, source) }),
    ...linksOf(xgmiLinks(node, all), source),
    ...(processes === undefined ? {} : { processes }),
  }
  return gpuOf('amd', index, readings, { reason: 'the compute driver does not tell it', source })
}

/** `90010` is gfx90a: major, two digits of minor, two of stepping; the last two are one hexadecimal digit each. */
function targetOf({ gfx_target_version }: Properties): string | undefined {
  const version = Number(gfx_target_version)
  if (!Number.isSafeInteger(version) || version <= 0) return undefined
  const minor = Math.floor(version / 100) % 100
  return `gfx${Math.floor(version / 10_000)}${minor.toString(16)}${(version % 100).toString(16)}`
}

function isApu(target: string, { device_id }: Properties): boolean {
  return apuTargets.includes(target) || apuDevices.includes(Number(device_id))
}

function xgmiLinks(node: Node, all: readonly Node[]): XgmiLink[] {
  return node.links
    .filter((link) => linkKinds[link.type ?? ''] === 'XGMI')
    .filter((link) => all.some(({ id }) => id === link.node_to))
    .map((link) => ({
      minMbPerS: Number(link.min_bandwidth),
      maxMbPerS: Number(link.max_bandwidth),
    }))
}

function topologyOf(nodes: readonly Node[]): Topology {
  return {
    gpus: nodes.map(({ address }) => address),
    links: nodes.map((from) => nodes.map((to) => kindOfLink(from, to))),
  }
}

function kindOfLink(from: Node, to: Node): string {
  if (from.id === to.id) return 'SELF'
  const link = from.links.find(({ node_to }) => node_to === to.id)
  return linkKinds[link?.type ?? ''] ?? 'n/a'
}

/** Processes with memory on the GPU. Each process of the compute driver has a file for every GPU, most of them with 0. */
async function readProcesses(
  machine: Machine,
  { gpuId }: Node,
): Promise<Reading<readonly GpuProcess[]>> {
  if (gpuId === undefined) return absent('the compute driver does not tell it', PROCESSES)
  const pids = (await listOrNone(machine, PROCESSES)).filter((name) => /^\d+$/.test(name))
  const found = await Promise.all(pids.map((pid) => readProcess(machine, pid, gpuId)))
  return ok(
    found.flatMap((process) => (process ? [process] : [])),
    PROCESSES,
  )
}

async function readProcess(
  machine: Machine,
  pid: string,
  gpuId: string,
): Promise<GpuProcess | undefined> {
  const [vram, name] = await Promise.all([
    readFileReading(machine, `${PROCESSES}/${pid}/vram_${gpuId}`).then(readingValue),
    readFileReading(machine, `/proc/${pid}/comm`).then(readingValue),
  ])
  const bytes = Number(vram)
  if (!(bytes > 0)) return undefined
  return {
    pid: Number(pid),
    usedMib: bytes / BYTES_PER_MIB,
    ...(name === undefined ? {} : { name }),
  }
}
