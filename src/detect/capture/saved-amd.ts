import { type Gpu, gpuOf } from '../gpu-fields.ts'
import { pciAddressOf } from '../pci-address.ts'
import { absent, ok, type Reading } from '../reading.ts'
import {
  at,
  celsius,
  gfxText,
  isObject,
  type JsonObject,
  megahertz,
  mib,
  mibOfBytes,
  nameText,
  ratioOfPercent,
  readCell,
  readJson,
  text,
  uuidOfSerial,
  watts,
} from '../vendors/amd/json.ts'
import { ROCM_SMI, readRocmSmi } from '../vendors/amd/rocm-smi.ts'
import { AMD_SMI, readAmdSmi } from '../vendors/amd/smi.ts'
import type { ReadOutput } from './read-output.ts'

const NONE: ReadOutput = { gpus: [] }
const NOT_WHOLE = 'the JSON is not whole'
const COLUMN_GAP = / {2,}/
const KIB_PER_MIB = 1024

/** `rocm-smi --json`. */
export function readRocmSmiJson(output: string): ReadOutput {
  return readRocmSmi(output) ?? { ...NONE, problem: NOT_WHOLE }
}

/** `rocm-smi -a` and its like: lines such as `GPU[0] : PCI Bus: 0000:26:00.0`, with the keys of the JSON. */
export function readRocmSmiText(output: string): ReadOutput {
  const cards: Record<string, Record<string, string>> = {}
  const system: Record<string, string> = {}
  for (const line of output.split('\n')) {
    const [, index, key = '', words = ''] = /^GPU\[(\d+)\]\s*: ([^:]+):\s*(.*)$/.exec(line) ?? []
    const driver = /^Driver version: *(\S+)/.exec(line)?.[1]
    if (driver !== undefined) system['Driver version'] = driver
    if (index === undefined) continue
    const card = cards[`card${index}`] ?? {}
    cards[`card${index}`] = { [key.trim()]: words.trim(), ...card }
  }
  return readRocmSmi(JSON.stringify({ ...cards, system })) ?? NONE
}

/** Keys of the JSON by the titles of columns. */
const rocmColumns: Readonly<Record<string, string>> = {
  Temp: 'Temperature (Sensor edge) (C)',
  Power: 'Current Socket Graphics Package Power (W)',
  AvgPwr: 'Average Graphics Package Power (W)',
  SCLK: 'sclk clock level',
  MCLK: 'mclk clock level',
  Perf: 'Performance Level',
  PwrCap: 'Max Graphics Package Power (W)',
  'GPU%': 'GPU use (%)',
}

/** The table that a bare `rocm-smi` prints. Rows that do not have the heading's columns are left out. */
export function readRocmSmiTable(output: string): ReadOutput {
  const lines = output.split('\n').map((line) => line.trim())
  const titles = (lines.find((line) => /^(Device|GPU) .*PwrCap/.test(line)) ?? '').split(COLUMN_GAP)
  const sensor = /\((?:Die)?(Edge|Junction)\)/.exec(output)?.[1]?.toLowerCase() ?? 'edge'
  const cards = lines.flatMap((line, place) => {
    const cells = line.split(COLUMN_GAP)
    if (!/^\d+$/.test(cells[0] ?? '') || cells.length !== titles.length) return []
    const readings = titles.flatMap((title, column) => {
      const key = rocmColumns[title.split(' ')[0] ?? '']
      return key === undefined
        ? []
        : [[key.replace('edge', sensor), rocmCell(key, cells[column] ?? '')]]
    })
    const name = lines[place + 1] ?? ''
    const named = /^(AMD|Radeon|Instinct)/.test(name) ? [['Card Series', name]] : []
    return [[`card${cells[0]}`, Object.fromEntries([...readings, ...named])]]
  })
  return readRocmSmi(JSON.stringify(Object.fromEntries(cards))) ?? NONE
}

/** The JSON has figures without units, but clocks in brackets. */
function rocmCell(key: string, cell: string): string {
  if (key.includes('clock')) return `(${cell})`
  return cell.replace(/(?<=\d)(°C|c|W|%)$/, '')
}

/** `amd-smi --json`, of one subcommand: which one is told by its keys. */
export function readAmdSmiJson(output: string): ReadOutput {
  const json = readJson(output)
  if (json === undefined) return { ...NONE, problem: NOT_WHOLE }
  const rows = Array.isArray(json) ? json : (at(json, 'gpu_data') ?? [json])
  return readAmdRows(Array.isArray(rows) ? rows.filter(isObject) : [])
}

/** Addresses lie elsewhere in `list` and `topology` than in `static`. */
function readAmdRows(rows: readonly JsonObject[]): ReadOutput {
  const said = rows.map((row) => ({
    ...row,
    ...(row.bdf === undefined ? {} : { bus: { bdf: row.bdf } }),
  }))
  const all = JSON.stringify(said)
  const linked = rows.some((row) => row.links !== undefined || row.link_type !== undefined)
  const outputs = { static: all, metric: all, process: all }
  const read = readAmdSmi(linked ? { ...outputs, topology: all } : outputs)
  return read === undefined ? NONE : read
}

/** `amd-smi` without `--json`: blocks that begin with `GPU: 0`, with the keys of the JSON in capitals. */
export function readAmdSmiText(output: string): ReadOutput {
  const blocks = output.split(/^(?=(?:GPU|CPU|CORE): \d+ *$)/m)
  const rows = blocks.flatMap((block) => {
    const index = /^GPU: (\d+)/.exec(block)?.[1]
    if (index === undefined) return []
    const [first = '', ...others] = block.split(/^(?= *PROCESS_INFO:)/m)
    const processes = others.map((part) => treeOf(wrappedLines(part)))
    const list = processes.length > 0 ? { process_list: processes } : {}
    return [{ gpu: Number(index), ...treeOf(wrappedLines(first).slice(1)), ...list }]
  })
  return readAmdRows(rows)
}

/** Lists run on over lines until their bracket closes. */
function wrappedLines(block: string): string[] {
  return block.replace(/\[[^\]]*\]/g, (list) => list.replace(/\s+/g, ' ')).split('\n')
}

function treeOf(lines: readonly string[]): Record<string, unknown> {
  const root: Record<string, unknown> = {}
  const open: { indent: number; node: Record<string, unknown> }[] = [{ indent: -1, node: root }]
  for (const line of lines) {
    const [, space = '', label, words = ''] =
      /^( *)([^:]+?) *:(?: +(.*))?$/.exec(line.trimEnd()) ?? []
    if (label === undefined) continue
    while ((open.at(-1)?.indent ?? -1) >= space.length) open.pop()
    const key = label.toLowerCase().replace(/ /g, '_')
    const node = {}
    const parent = open.at(-1)?.node ?? root
    parent[key] = words === '' ? node : masked(words)
    if (words === '') open.push({ indent: space.length, node })
  }
  return root
}

/** What somebody blacked out is not told. */
function masked(words: string): string {
  return /^<.*>$/.test(words) ? 'N/A' : words
}

const monitorColumns: Readonly<Record<string, string>> = {
  POWER: 'power.socket_power',
  GPU_TEMP: 'temperature.hotspot',
  GPU_T: 'temperature.hotspot',
  MEM_TEMP: 'temperature.mem',
  MEM_T: 'temperature.mem',
  GFX_UTIL: 'usage.gfx_activity',
  GFX_CLOCK: 'clock.gfx_0.clk',
  GFX_CLK: 'clock.gfx_0.clk',
  MEM_CLOCK: 'clock.mem_0.clk',
  VRAM_USED: 'mem_usage.used_vram',
  VRAM_TOTAL: 'mem_usage.total_vram',
}

/** The table of `amd-smi monitor`. */
export function readAmdSmiMonitor(output: string): ReadOutput {
  const lines = output.split('\n').map((line) => line.trim())
  const start = lines.findIndex((line) => /^GPU +[A-Z]/.test(line))
  const titles = (lines[start] ?? '').split(COLUMN_GAP)
  const rows: JsonObject[] = []
  for (const line of lines.slice(start + 1)) {
    const cells = line.split(COLUMN_GAP)
    if (!/^\d+$/.test(cells[0] ?? '') || cells.length !== titles.length) break
    rows.push({ gpu: Number(cells[0]), ...nested(titles, cells) })
  }
  return readAmdRows(rows)
}

function nested(titles: readonly string[], cells: readonly string[]): JsonObject {
  const root: Record<string, Record<string, unknown>> = {}
  titles.forEach((title, column) => {
    const [group, key, leaf] = (monitorColumns[title] ?? '').split('.')
    if (group === undefined || key === undefined) return
    const value = leaf === undefined ? cells[column] : { [leaf]: cells[column] }
    root[group] = { ...root[group], [key]: value }
  })
  return root
}

/** The tables of `amd-smi topology` and `xgmi`: who is there by address, and how they are linked. */
export function readAmdSmiTopology(output: string): ReadOutput {
  const lines = output.split('\n').map((line) => line.trim())
  const address = /[\da-f]{4}:[\da-f]{2}:[\da-f]{2}\.[\da-f]/gi
  const heading = lines.findIndex((line) => /^(bdf .*)?(?:[\da-f]{4}:[\da-f:.]+ *)+$/i.test(line))
  const addresses: string[] = (lines[heading] ?? '').match(address) ?? []
  const start = lines.findIndex((line) => /^LINK TYPE TABLE/i.test(line))
  const cells = lines
    .slice(start + 2, start + 2 + addresses.length)
    .map((line) => line.split(/ +/).slice(1))
  const linked = start >= 0 && cells.every((row) => row.length === addresses.length)
  const rows = addresses.map((bdf, gpu) => ({
    gpu,
    bdf,
    ...(linked ? { links: cells[gpu]?.map((link_type, to) => ({ gpu: to, link_type })) } : {}),
  }))
  return readAmdRows(rows)
}

/** `amdgpu_top --json`, one sample or more: the last whole one counts. */
export function readAmdgpuTop(output: string): ReadOutput {
  const samples = [output, ...output.trim().split('\n').reverse()].map(readJson)
  const sample = samples.find((one) => Array.isArray(at(one, 'devices')))
  const devices = at(sample, 'devices')
  if (!Array.isArray(devices)) return { ...NONE, problem: NOT_WHOLE }
  const asleep = at(sample, 'suspended_devices')
  const suspended = Array.isArray(asleep) ? asleep : []
  return {
    gpus: [
      ...devices.map((device, index) => gpuOfDevice(device, index)),
      ...suspended.map((device, index) => gpuOfSuspended(device, devices.length + index)),
    ],
  }
}

/** `amd-smi version` tells of no GPU. */
export function readAmdSmiVersion(): ReadOutput {
  return NONE
}

const AMDGPU_TOP = 'amdgpu_top'

function gpuOfDevice(device: unknown, index: number): Gpu {
  const read = <T>(paths: readonly string[], convert: (cell: unknown) => T | undefined) =>
    readCell(AMDGPU_TOP, device, paths, (cell) => (cell === null ? undefined : convert(cell)))
  const readings = {
    name: read(['Info.DeviceName', 'Info.ASIC Name'], nameText),
    pciAddress: read(['Info.PCI', 'Info.DevicePath.pci'], (cell) => pciAddressOf(text(cell) ?? '')),
    computeCapability: read(['Info.gfx_target_version'], gfxText),
    integrated: read(['Info.GPU Type'], (cell) => apu(cell)),
    vramTotalMib: read(['VRAM.Total VRAM', 'Info.VRAM Size'], size),
    vramUsedMib: read(['VRAM.Total VRAM Usage', 'Info.VRAM Usage Size'], size),
    computeApi: read(['Info.ROCm Version'], (cell) => {
      const version = text(cell)
      return version === undefined ? undefined : `ROCm ${version}`
    }),
    vbiosVersion: read(['Info.VBIOS.pn'], text),
    powerLimitEnforcedW: read(['Info.Power Cap.current'], watts),
    powerLimitDefaultW: read(['Info.Power Cap.default'], watts),
    powerLimitMaxW: read(['Info.Power Cap.max'], watts),
    powerW: read(['Sensors.Average Power', 'Sensors.Input Power', 'Sensors.GFX Power'], watts),
    temperatureC: read(['Sensors.Edge Temperature'], celsius),
    temperatureMemoryC: read(['Sensors.Memory Temperature'], celsius),
    clockSmMhz: read(['Sensors.GFX_SCLK'], megahertz),
    clockSmMaxMhz: read(['Info.GPU Clock.max'], megahertz),
    clockMemoryMhz: read(['Sensors.GFX_MCLK'], megahertz),
    clockMemoryMaxMhz: read(['Info.Memory Clock.max'], megahertz),
    utilisationRatio: read(['gpu_activity.GFX'], ratioOfPercent),
  }
  return gpuOf('amd', index, readings, doesNotTell(AMDGPU_TOP))
}

function gpuOfSuspended(device: unknown, index: number): Gpu {
  const readings = {
    name: readCell(AMDGPU_TOP, device, ['DeviceName'], nameText),
    pciAddress: readCell(AMDGPU_TOP, device, ['pci'], (cell) => pciAddressOf(text(cell) ?? '')),
  }
  const reason = 'the GPU was suspended, and was not woken to be asked'
  return gpuOf('amd', index, readings, { reason, source: AMDGPU_TOP })
}

/** With a unit in most places, bytes without. */
function size(cell: unknown): number | undefined {
  return mib(cell) ?? mibOfBytes(cell)
}

function apu(cell: unknown): boolean | undefined {
  if (cell === 'APU') return true
  return cell === 'dGPU' ? false : undefined
}

function doesNotTell(tool: string): { reason: string; source: string } {
  return { reason: `${tool} does not tell it`, source: tool }
}

/** `rocminfo`: its agents that are GPUs, as far as they are told to their end. */
export function readRocminfo(output: string): ReadOutput {
  const agents = output.split(/^\*+ *\nAgent \d+ *\n\*+ *$/m).slice(1)
  const gpus = agents.filter(
    (agent) => /^ *Device Type: +GPU/m.test(agent) && /ISA Info/.test(agent),
  )
  return { gpus: gpus.map(gpuOfAgent) }
}

const ROCMINFO = 'rocminfo'

function gpuOfAgent(agent: string, index: number): Gpu {
  const read = <T>(label: string, convert: (words: string) => T | undefined): Reading<T> => {
    const words = new RegExp(`^ *${label}: +(.*?) *$`, 'm').exec(agent)?.[1]
    const source = `${ROCMINFO} ${label.replaceAll('\\', '')}`
    if (words === undefined) return absent(`${ROCMINFO} does not tell it`, source)
    const value = convert(words)
    return value === undefined ? absent(`${ROCMINFO} says ${words}`, source) : ok(value, source)
  }
  const readings = {
    name: read('Marketing Name', nameText),
    uuid: read('Uuid', (words) => uuidOfSerial(words.replace(/^GPU-/, ''))),
    computeCapability: read('Name', gfxText),
    clockSmMaxMhz: read('Max Clock Freq\\. \\(MHz\\)', megahertz),
    pciAddress: addressOfAgent(read('Domain', number), read('BDFID', number)),
    vramTotalMib: poolOf(agent),
  }
  return gpuOf('amd', index, readings, doesNotTell(ROCMINFO))
}

function number(words: string): number | undefined {
  return /^\d+$/.test(words) ? Number(words) : undefined
}

/** Bus, device and function in 16 bits; no domain is told by older releases, which know only the first. */
function addressOfAgent(domain: Reading<number>, id: Reading<number>): Reading<string> {
  if (id.status === 'absent') return id
  const hex = (value: number, digits: number) => value.toString(16).padStart(digits, '0')
  const bus = hex(id.value >> 8, 2)
  const device = hex((id.value >> 3) & 0x1f, 2)
  const first = domain.status === 'ok' ? domain.value : 0
  return ok(`${hex(first, 4)}:${bus}:${device}.${id.value & 7}`, id.source)
}

/** The GPU's own memory: the coarse-grained pool. */
function poolOf(agent: string): Reading<number> {
  const source = `${ROCMINFO} Pool Info`
  const kib = /FLAGS: COARSE GRAINED *\n *Size: +(\d+)\(/.exec(agent)?.[1]
  if (kib === undefined) return absent(`${ROCMINFO} does not tell it`, source)
  return ok(Number(kib) / KIB_PER_MIB, source)
}

export { AMD_SMI, AMDGPU_TOP, ROCM_SMI, ROCMINFO }
