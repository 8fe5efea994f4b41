import { type Gpu, type GpuReadings, gpuOf } from '../../gpu-fields.ts'
import type { Topology } from '../../hardware.ts'
import { pciAddressOf } from '../../pci-address.ts'
import {
  absent,
  type GpuPartition,
  type GpuProcess,
  ok,
  type Reading,
  readingValue,
} from '../../reading.ts'
import { pcieGenerationOf } from '../pci/link.ts'
import {
  at,
  celsius,
  celsiusLimit,
  driverText,
  gfxText,
  isObject,
  type JsonObject,
  megahertz,
  mib,
  nameText,
  performanceText,
  quantity,
  ratioOfPercent,
  readCell,
  readJson,
  serialText,
  text,
  uuidOfSerial,
  watts,
  wattsOrNone,
  wholeNumber,
} from './json.ts'
import { linksOf, type XgmiLink } from './links.ts'

export const AMD_SMI = 'amd-smi'

/** What each subcommand printed; undefined where it was not asked or said nothing. */
export interface AmdSmiOutputs {
  readonly static: string
  readonly metric?: string
  readonly topology?: string
  readonly process?: string
  readonly version?: string
}

/** All that was said of one GPU, by subcommand. */
interface Said {
  readonly index: number
  readonly static: JsonObject
  readonly metric: unknown
  readonly process: unknown
  readonly version: unknown
}

/** What `amd-smi` told. Undefined when `static` is no JSON with GPUs in it. */
export function readAmdSmi(
  outputs: AmdSmiOutputs,
): { readonly gpus: Gpu[]; readonly topology?: Topology } | undefined {
  const rows = rowsOf(outputs.static)
  if (rows === undefined) return undefined
  const metrics = rowsOf(outputs.metric ?? '') ?? []
  const processes = rowsOf(outputs.process ?? '') ?? []
  const version = firstObject(readJson(outputs.version ?? ''))
  const said = rows.map((row) => ({
    index: row.gpu,
    static: row,
    metric: metrics.find(({ gpu }) => gpu === row.gpu),
    process: processes.find(({ gpu }) => gpu === row.gpu),
    version,
  }))
  const links = readLinks(outputs.topology ?? '', said)
  return {
    gpus: wholeGpus(said).map((one) => gpuOfSaid(one, said, links?.byIndex.get(one.index))),
    ...(links === undefined ? {} : { topology: links.topology }),
  }
}

interface Row extends JsonObject {
  readonly gpu: number
}

/** A row a GPU: an array at the top up to ROCm 6.3, under `gpu_data` since; rows of CPUs are left out. */
function rowsOf(output: string): Row[] | undefined {
  const json = readJson(output)
  const rows = Array.isArray(json) ? json : (at(json, 'gpu_data') ?? [json])
  if (!Array.isArray(rows)) return undefined
  const gpus = rows.filter((row): row is Row => isObject(row) && typeof row.gpu === 'number')
  return gpus.length > 0 ? gpus : undefined
}

function firstObject(json: unknown): unknown {
  return Array.isArray(json) ? json[0] : json
}

/** A GPU that is split in partitions comes as a row each: the first stands for the whole, whose power and temperature it tells. */
function wholeGpus(said: readonly Said[]): Said[] {
  return said.filter((one) => (wholeNumber(at(one.static, 'partition.partition_id')) ?? 0) === 0)
}

function gpuOfSaid(said: Said, all: readonly Said[], links: readonly XgmiLink[] | undefined): Gpu {
  const readings: Partial<GpuReadings> = {
    ...identityOf(said),
    ...stateOf(said),
    ...momentOf(said),
    ...(links === undefined ? {} : linksOf(links, `${AMD_SMI} topology`)),
    partitions: partitionsOf(said, all),
    processes: processesOf(said.process),
  }
  return gpuOf('amd', said.index, readings, {
    reason: `${AMD_SMI} does not tell it`,
    source: AMD_SMI,
  })
}

function identityOf(said: Said): Partial<GpuReadings> {
  const read = reader(said)
  return {
    name: read(['static.asic.market_name', 'static.board.product_name'], nameText),
    pciAddress: addressOf(said),
    uuid: read(['static.asic.asic_serial'], uuidOfSerial),
    serial: read(['static.board.product_serial'], serialText),
    computeCapability: read(['static.asic.target_graphics_version'], gfxText),
    pcieWidthOfGpu: read(['static.bus.max_pcie_width'], lanes),
  }
}

function stateOf(said: Said): Partial<GpuReadings> {
  const read = reader(said)
  const limit = limitReader(read)
  return {
    vramTotalMib: read(['metric.mem_usage.total_vram', 'static.vram.size'], mib),
    driverVersion: read(['static.driver.version', 'static.driver.driver_version'], driverText),
    computeApi: read(['version.rocm_version'], (cell) => {
      const version = text(cell)
      return version === undefined ? undefined : `ROCm ${version}`
    }),
    vbiosVersion: read(
      ['static.vbios.part_number', 'static.ifwi.part_number', 'static.vbios.version'],
      text,
    ),
    powerLimitEnforcedW: limit(['socket_power', 'current_power', 'power_cap'], watts),
    powerLimitMinW: limit(['min_power', 'min_power_cap'], wattsOrNone),
    powerLimitMaxW: limit(['max_power', 'max_power_cap'], watts),
    temperatureSlowdownC: read(
      [`static.limit.slowdown_${sensorOf(said)}_temperature`],
      celsiusLimit,
    ),
    clockSmMaxMhz: highestClock(said, 'gfx', ['max_clk']),
    clockMemoryMaxMhz: highestClock(said, 'mem', ['max_clk']),
    eccEnabled: eccOf(said),
    computeMode: partitioningOf(said),
    pcieGeneration: read(['static.bus.max_pcie_speed'], generation),
    pcieWidth: read(['static.bus.max_pcie_width'], lanes),
    numaNode: read(
      typeof at(said.static, 'numa.affinity') === 'number'
        ? ['static.numa.affinity']
        : ['static.numa.node'],
      wholeNumber,
    ),
  }
}

function momentOf(said: Said): Partial<GpuReadings> {
  const read = reader(said)
  return {
    vramUsedMib: read(['metric.mem_usage.used_vram'], mib),
    vramFreeMib: read(['metric.mem_usage.free_vram'], mib),
    powerW: read(
      [
        'metric.power.socket_power',
        'metric.power.current_power',
        'metric.power.average_socket_power',
      ],
      watts,
    ),
    temperatureC: read([`metric.temperature.${sensorOf(said)}`], celsius),
    temperatureMemoryC: read(['metric.temperature.mem', 'metric.temperature.vram'], celsius),
    clockSmMhz: highestClock(said, 'gfx', ['clk', 'cur_clk']),
    clockMemoryMhz: highestClock(said, 'mem', ['clk', 'cur_clk']),
    utilisationRatio: read(['metric.usage.gfx_activity', 'metric.usage.gfx_usage'], ratioOfPercent),
    throttleReasons: throttlingOf(said),
    performanceState: read(['metric.perf_level'], performanceText),
    eccUncorrectedErrors: read(
      [
        'metric.ecc.total_uncorrectable_count',
        'metric.ecc.uncorrectable',
        'metric.ecc.total_uncorrectable',
      ],
      wholeNumber,
    ),
    pcieGenerationNow: read(['metric.pcie.speed', 'metric.pcie.current_speed'], generation),
    pcieWidthNow: read(
      ['metric.pcie.width', 'metric.pcie.current_width', 'metric.pcie.current_lanes'],
      lanes,
    ),
  }
}

type Read = <T>(paths: readonly string[], convert: (cell: unknown) => T | undefined) => Reading<T>

function reader(said: Said): Read {
  return (paths, convert) => readCell(AMD_SMI, said, paths, convert)
}

/** Limits of the socket: beside the others up to AMD SMI 25, under `ppt0`, its slow limit, since 26. */
function limitReader(read: Read): Read {
  return (names, convert) =>
    read(
      names.flatMap((name) => [`static.limit.ppt0.${name}_limit`, `static.limit.${name}`]),
      convert,
    )
}

function addressOf({ static: row }: Said): Reading<string> {
  return readCell(AMD_SMI, row, ['bus.bdf', 'bdf', 'asic.pci_bdf'], (cell) =>
    pciAddressOf(text(cell) ?? ''),
  )
}

/** Datacentre GPUs have no sensor at the edge of the die, only the hotspot's. Reading and limit must be of one. */
function sensorOf({ metric }: Said): 'edge' | 'hotspot' {
  return celsius(at(metric, 'temperature.edge')) === undefined &&
    celsius(at(metric, 'temperature.hotspot')) !== undefined
    ? 'hotspot'
    : 'edge'
}

/** Each die of a package has a clock: the fastest counts. */
function highestClock(
  said: Said,
  domain: 'gfx' | 'mem',
  names: readonly string[],
): Reading<number> {
  const clocks = at(said.metric, 'clock')
  const ours = isObject(clocks)
    ? Object.keys(clocks).filter((key) => new RegExp(`^${domain}(_\\d+)?$`).test(key))
    : []
  const all = ours.map((key) =>
    readCell(
      AMD_SMI,
      said,
      names.map((name) => `metric.clock.${key}.${name}`),
      megahertz,
    ),
  )
  const known = all.filter((reading) => reading.status === 'ok')
  const highest = known.toSorted((a, b) => b.value - a.value)[0]
  return highest ?? all[0] ?? absent(`${AMD_SMI} does not tell it`, `${AMD_SMI} metric.clock`)
}

/** UMC is the memory controller: a map by block, or a list of blocks in older releases. */
function eccOf(said: Said): Reading<boolean> {
  const blocks = at(said.static, 'ras.ecc_block_state')
  const listed = Array.isArray(blocks)
    ? blocks.find((block) => at(block, 'block') === 'UMC')
    : undefined
  const cell = listed === undefined ? at(blocks, 'UMC') : at(listed, 'status')
  return readCell(
    AMD_SMI,
    { 'ras ecc_block_state UMC': cell ?? blocks },
    ['ras ecc_block_state UMC'],
    (value) => {
      if (value === 'ENABLED') return true
      return value === 'DISABLED' ? false : undefined
    },
  )
}

/** How the GPU is split, e.g. `SPX/NPS1`: compute dies together, memory in one piece. */
function partitioningOf({ static: row }: Said): Reading<string> {
  return readCell(AMD_SMI, row, ['partition'], (cell) => {
    const compute = text(at(cell, 'compute_partition'))
    const memory = text(at(cell, 'memory_partition'))
    if (compute === undefined) return undefined
    return memory === undefined ? compute : `${compute}/${memory}`
  })
}

function partitionsOf(said: Said, all: readonly Said[]): Reading<readonly GpuPartition[]> {
  const split = partitioningOf(said)
  if (split.status === 'absent') return split
  const profile = split.value.split('/')[0] ?? split.value
  const parts = profile === 'SPX' ? [] : all.filter((one) => boardOf(one) === boardOf(said))
  return ok(
    parts.map((part) => ({ profile, ...vramOf(part) })),
    split.source,
  )
}

/** The address without its function: partitions of a GPU differ in that at most. */
function boardOf(said: Said): string | number {
  return readingValue(addressOf(said))?.replace(/\.[\da-f]$/, '') ?? said.index
}

function vramOf({ metric }: Said): Pick<GpuPartition, 'memoryTotalMib' | 'memoryUsedMib'> {
  const memoryTotalMib = mib(at(metric, 'mem_usage.total_vram'))
  const memoryUsedMib = mib(at(metric, 'mem_usage.used_vram'))
  return {
    ...(memoryTotalMib === undefined ? {} : { memoryTotalMib }),
    ...(memoryUsedMib === undefined ? {} : { memoryUsedMib }),
  }
}

/** Instinct GPUs since MI300 tell each cause; the others only whether there is one. */
function throttlingOf(said: Said): Reading<readonly string[]> {
  const causes = at(said.metric, 'throttle')
  const states = isObject(causes)
    ? Object.entries(causes).flatMap(([key, state]) => {
        const cause = /^(.+)_violation_status$/.exec(key)?.[1]
        return cause !== undefined && text(state) !== undefined ? [{ cause, state }] : []
      })
    : []
  if (states.length > 0) {
    const active = states.filter(({ state }) => state === 'ACTIVE').map(({ cause }) => cause)
    return ok(active, `${AMD_SMI} metric.throttle`)
  }
  return readCell(AMD_SMI, said, ['metric.power.throttle_status'], (cell) => {
    if (cell === 'UNTHROTTLED') return []
    return cell === 'THROTTLED' ? ['throttled'] : undefined
  })
}

/** Without the rights to see others' processes their names are N/A. */
function processesOf(row: unknown): Reading<readonly GpuProcess[]> {
  const source = `${AMD_SMI} process`
  const list = at(row, 'process_list')
  if (!Array.isArray(list)) return absent(`${source} does not tell it`, source)
  const infos = list.map((entry) => at(entry, 'process_info') ?? entry).filter(isObject)
  return ok(infos.map(processOf), source)
}

function processOf(info: JsonObject): GpuProcess {
  const pid = wholeNumber(info.pid)
  const name = text(info.name)?.split('/').at(-1)
  const usedMib = mib(at(info, 'memory_usage.vram_mem')) ?? mib(info.mem_usage)
  return {
    ...(pid === undefined ? {} : { pid }),
    ...(name === undefined ? {} : { name }),
    ...(usedMib === undefined ? {} : { usedMib }),
  }
}

function generation(cell: unknown): number | undefined {
  const speed = quantity(cell)
  return speed === undefined ? undefined : pcieGenerationOf(speed.value)
}

/** No link has 0 lanes. */
function lanes(cell: unknown): number | undefined {
  const width = wholeNumber(cell)
  return width === 0 ? undefined : width
}

interface Links {
  readonly topology: Topology
  readonly byIndex: ReadonlyMap<number, readonly XgmiLink[]>
}

/** Links between whole GPUs: a list with addresses since ROCm 6.1.1, maps by `gpu_N` before. Undefined for fewer than two GPUs. */
function readLinks(output: string, said: readonly Said[]): Links | undefined {
  const whole = wholeGpus(said)
  const rows = rowsOf(output)
  if (rows === undefined || whole.length < 2) return undefined
  const cells = whole.map((from) => {
    const row = rows.find(({ gpu }) => gpu === from.index)
    return whole.map((to) => linkBetween(row, to.index))
  })
  return {
    topology: {
      gpus: whole.map((one) => readingValue(addressOf(one)) ?? `GPU${one.index}`),
      links: cells.map((row) => row.map(({ kind }) => kind)),
    },
    byIndex: new Map(whole.map((one, row) => [one.index, xgmiOf(cells[row] ?? [])])),
  }
}

interface Link {
  readonly kind: string
  readonly bandwidth: unknown
}

function linkBetween(row: Row | undefined, to: number): Link {
  const list = at(row, 'links')
  const entry = Array.isArray(list) ? list.find((link) => at(link, 'gpu') === to) : undefined
  if (entry !== undefined)
    return { kind: text(at(entry, 'link_type')) ?? 'n/a', bandwidth: at(entry, 'bandwidth') }
  return {
    kind: text(at(row, `link_type.gpu_${to}`)) ?? 'n/a',
    bandwidth: at(row, `numa_bandwidth.gpu_${to}`),
  }
}

/** Bandwidth comes as `50000-100000`, in MB/s: of one link, and of all links to that GPU. */
function xgmiOf(links: readonly Link[]): XgmiLink[] {
  return links
    .filter(({ kind }) => kind === 'XGMI')
    .map(({ bandwidth }) => {
      const range = /^(\d+)-(\d+)$/.exec(text(bandwidth) ?? '')
      return range
        ? { minMbPerS: Number(range[1]), maxMbPerS: Number(range[2]) }
        : { minMbPerS: undefined, maxMbPerS: undefined }
    })
}
