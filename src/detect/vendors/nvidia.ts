import type { Gpu, GpuReadings } from '../gpu-fields.ts'
import type { ToolReport, Topology } from '../hardware.ts'
import type { Machine } from '../machine.ts'
import { absent, ok, type Reading, readingValue } from '../reading.ts'
import {
  type Answer,
  type Ask,
  answerTo,
  callsOf,
  isFinal,
  onlyReport,
  summedReports,
  type Understood,
} from './nvidia/calls.ts'
import {
  type ComputeApp,
  computeAppsQuery,
  type GpuAccount,
  readComputeApps,
  readKnownFields,
  readRows,
} from './nvidia/csv.ts'
import { askedNames } from './nvidia/fields.ts'
import { areSame, type JoinedGpu, joinedGpus } from './nvidia/join.ts'
import {
  type NvLinks,
  readMigProfiles,
  readNvLinks,
  readTopology,
  type TopologyRow,
  topologyOf,
} from './nvidia/topology.ts'
import { linesOf, TOOL } from './nvidia/values.ts'
import { readXmlGpus, type XmlGpu } from './nvidia/xml.ts'
import type { Vendor, VendorAnswer } from './vendor.ts'

export { readKnownFields } from './nvidia/csv.ts'

/** Help needs no driver. */
const HELP_TIMEOUT_MS = 5_000

/**
 * NVIDIA, through `nvidia-smi`. One call lists the fields of `--query-gpu`, as it refuses a whole query
 * over one field it does not know; one asks for those; `-q -x` tells what they cannot; `topo -m` and
 * `nvlink -s` how GPUs are connected. `-L` is asked only where there are parts to name, and
 * `--query-compute-apps` only where `-q -x` was silent about processes.
 */
export const nvidia: Vendor = { name: 'nvidia', tool: TOOL, ask: askNvidia }

async function askNvidia({ runCommand }: Machine): Promise<VendorAnswer> {
  const ask = callsOf(runCommand)
  const { rows, blocks, reports } = await askForGpus(ask)
  const joined = joinedGpus(rows, blocks)
  if (joined.length === 0) return { gpus: [], reports: [onlyReport(reports)] }
  const details = await askForDetails(ask, joined)
  const gpus = joined.map((gpu) => withDetails(gpu, details, joined.length === 1))
  return {
    gpus,
    reports: summedReports([...reports, ...details.reports]),
    topology: topologyReading(gpus, details.topology),
  }
}

interface GpuAnswers {
  readonly rows: readonly GpuAccount[]
  readonly blocks: readonly XmlGpu[]
  readonly reports: readonly ToolReport[]
}

async function askForGpus(ask: Ask): Promise<GpuAnswers> {
  const help = await answerTo(ask, ['--help-query-gpu'], understandHelp, HELP_TIMEOUT_MS)
  if (!help.answered) return { rows: [], blocks: [], reports: help.reports }
  const rows = await askForRows(ask, help.value)
  const reports = [...help.reports, ...rows.reports]
  if (rows.value.length === 0 && isFinal(rows)) return { rows: [], blocks: [], reports }
  const blocks = await answerTo(ask, ['-q', '-x'], understandXml)
  return { rows: rows.value, blocks: blocks.value, reports: [...reports, ...blocks.reports] }
}

async function askForRows(ask: Ask, names: readonly string[]): Promise<Answer<GpuAccount[]>> {
  if (names.length === 0) return { value: [], reports: [], answered: true }
  const query = [`--query-gpu=${names.join(',')}`, '--format=csv,noheader,nounits']
  return answerTo(ask, query, (output) => understandRows(names, output))
}

function understandHelp(output: string): Understood<string[]> {
  const names = askedNames(readKnownFields(output))
  return names.length > 0 ? { value: names } : { value: [], strange: linesOf(output)[0] ?? '' }
}

function understandRows(names: readonly string[], output: string): Understood<GpuAccount[]> {
  const { gpus, strangeLines } = readRows(names, output)
  return { value: gpus, strange: strangeLines[0] ?? (gpus.length === 0 ? '' : undefined) }
}

function understandXml(output: string): Understood<readonly XmlGpu[]> {
  const { gpus, problem } = readXmlGpus(output)
  return { value: gpus, strange: problem }
}

/** What only further calls tell. */
interface Details {
  readonly topology: readonly TopologyRow[] | undefined
  /** By UUID. */
  readonly nvLinks: ReadonlyMap<string, NvLinks>
  /** Names of parts by their number, by UUID. */
  readonly migProfiles: ReadonlyMap<string, ReadonlyMap<number, string>>
  /** Absent where it was not asked for or got no answer. */
  readonly apps: readonly ComputeApp[] | undefined
  readonly reports: readonly ToolReport[]
}

const notAsked = { value: undefined, reports: [], answered: false }

async function askForDetails(ask: Ask, joined: readonly JoinedGpu[]): Promise<Details> {
  const parted = joined.some(({ block }) => (block?.migDevices ?? []).length > 0)
  const silent = joined.some(({ gpu }) => gpu.processes.status === 'absent')
  const topology = await answerTo(ask, ['topo', '-m'], understandTopology)
  const nvLinks = await answerTo(ask, ['nvlink', '-s'], understandNvLinks)
  const profiles = parted ? await answerTo(ask, ['-L'], understandMigProfiles) : notAsked
  const apps = silent ? await answerTo(ask, computeAppsQuery, understandApps) : notAsked
  return {
    topology: topology.value,
    nvLinks: nvLinks.value,
    migProfiles: profiles.value ?? new Map(),
    apps: apps.answered ? apps.value : undefined,
    reports: [topology, nvLinks, profiles, apps].flatMap(({ reports }) => reports),
  }
}

function understandTopology(output: string): Understood<TopologyRow[] | undefined> {
  const value = readTopology(output)
  return { value, strange: value === undefined ? (linesOf(output)[0] ?? '') : undefined }
}

function understandNvLinks(output: string): Understood<Map<string, NvLinks>> {
  const value = readNvLinks(output)
  return { value, strange: value.size === 0 ? (linesOf(output)[0] ?? '') : undefined }
}

function understandMigProfiles(output: string): Understood<Map<string, Map<number, string>>> {
  const value = readMigProfiles(output)
  return { value, strange: value.size === 0 ? (linesOf(output)[0] ?? '') : undefined }
}

function understandApps(output: string): Understood<ComputeApp[]> {
  const { apps, strangeLines } = readComputeApps(output)
  return { value: apps, strange: strangeLines[0] }
}

function withDetails({ gpu, block }: JoinedGpu, details: Details, alone: boolean): Gpu {
  const row = details.topology?.find(({ index }) => index === gpu.index)
  const uuid = readingValue(gpu.uuid) ?? ''
  const links = details.nvLinks.get(uuid)
  return {
    ...gpu,
    numaNode: row?.numaNode ?? notTold('topo -m'),
    gpuLinks: links?.gpuLinks ?? notTold('nvlink -s'),
    gpuLinkGbPerS: links?.gpuLinkGbPerS ?? notTold('nvlink -s'),
    partitions: partitionsOf(block, details.migProfiles.get(uuid)),
    processes: processesOf(gpu, details.apps, alone),
  }
}

function notTold(call: string): Reading<never> {
  return absent(`${TOOL} ${call} told nothing of it`, `${TOOL} ${call}`)
}

/** Parts of a GPU, by the names that `nvidia-smi -L` gave them where it did. */
export function partitionsOf(
  block: XmlGpu | undefined,
  profiles: ReadonlyMap<number, string> | undefined,
): GpuReadings['partitions'] {
  if (block?.migDevices === undefined) return notTold('-q -x')
  const parts = block.migDevices.map(({ index, ...memory }) => ({
    profile: profiles?.get(index) ?? `MIG device ${index}`,
    ...memory,
  }))
  return ok(parts, `${TOOL} -q -x mig_devices`)
}

function processesOf(
  gpu: Gpu,
  apps: readonly ComputeApp[] | undefined,
  alone: boolean,
): GpuReadings['processes'] {
  if (gpu.processes.status === 'ok' || apps === undefined) return gpu.processes
  const own = apps.filter((app) => areSame(app.gpu, { readings: gpu }, alone))
  return ok(
    own.map(({ process }) => process),
    `${TOOL} --query-compute-apps`,
  )
}

/** The matrix names GPUs by index, which holds within one detection; the answer names them by address. */
function topologyReading(
  gpus: readonly Gpu[],
  rows: readonly TopologyRow[] | undefined,
): Reading<Topology> {
  if (rows === undefined) return notTold('topo -m')
  const addressOf = (index: number) => gpus.find((gpu) => gpu.index === index)?.pciAddress
  return topologyOf(rows, (index) => readingValue(addressOf(index)))
}
