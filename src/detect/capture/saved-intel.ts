import { BYTES_PER_MIB } from '../../units.ts'
import type { Machine } from '../machine.ts'
import type { CommandResult } from '../run-command.ts'
import { intel } from '../vendors/intel.ts'
import type { ReadOutput } from './read-output.ts'

export const XPU_SMI = 'xpu-smi'

type Facts = Readonly<Record<string, unknown>>

/** What `xpu-smi -j` would have printed, by device. */
interface Told {
  readonly id: number
  readonly properties?: Facts
  readonly metrics?: Readonly<Record<string, string>>
}

/** `xpu-smi -j`: of `discovery`, of one device, or `stats`. */
export function readXpuSmiJson(output: string): Promise<ReadOutput> {
  const facts = factsIn(output)
  const devices = facts?.device_list
  if (Array.isArray(devices))
    return askAbout(
      devices.map(({ device_id }) => ({ id: device_id })),
      {
        discovery: output,
      },
    )
  const id = Number(facts?.device_id)
  if (facts === undefined || !Number.isInteger(id)) return askAbout([], {})
  return askAbout([{ id }], { [`discovery -d ${id}`]: output, [`stats -d ${id}`]: output })
}

function factsIn(output: string): Facts | undefined {
  try {
    return JSON.parse(output.slice(Math.max(output.indexOf('{'), 0))) as Facts
  } catch {
    return undefined
  }
}

const properties: Readonly<Record<string, string>> = {
  'Device Name': 'device_name',
  UUID: 'uuid',
  'Serial Number': 'serial_number',
  'PCI BDF Address': 'pci_bdf_address',
  'Driver Version': 'driver_version',
  'Firmware Version': 'gfx_firmware_version',
  'GFX Firmware Version': 'gfx_firmware_version',
  'Memory Physical Size': 'memory_physical_size_byte',
  'Memory Free Size': 'memory_free_size_byte',
  'ECC State': 'memory_ecc_state',
  'Core Clock Rate': 'core_clock_rate_mhz',
  'PCIe Generation': 'pcie_generation',
  'PCIe Max Link Width': 'pcie_max_link_width',
}

const metrics: Readonly<Record<string, string>> = {
  'GPU Power (W)': 'POWER',
  'GPU Frequency (MHz)': 'GPU_FREQUENCY',
  'GPU Core Temperature (C)': 'GPU_CORE_TEMPERATURE',
  'GPU Core Temperature (Celsius Degree)': 'GPU_CORE_TEMPERATURE',
  'GPU Memory Temperature (C)': 'MEMORY_TEMPERATURE',
  'GPU Memory Temperature (Celsius Degree)': 'MEMORY_TEMPERATURE',
  'GPU Memory Used (MiB)': 'MEMORY_USED',
  'GPU Utilization (%)': 'GPU_UTILIZATION',
}

/** The tables of `xpu-smi`: `discovery`, `stats`, `config`, `topology` and `health`, told apart by their words. */
export function readXpuSmiTable(output: string): Promise<ReadOutput> {
  const rows = output.split('\n').flatMap((line) => {
    const cells = /^\|(.*)\|$/.exec(line.trim())?.[1]?.split('|')
    return cells === undefined ? [] : [cells.map((cell) => cell.trim())]
  })
  const told = rows.some(([title]) => title === 'Device Type') ? configured(rows) : described(rows)
  return askAboutTold(told)
}

/** A device begins with its number, in the first cell or beside the title `Device ID`. */
function described(rows: readonly (readonly string[])[]): Told[] {
  const devices: Told[] = []
  for (const [title = '', words = ''] of rows) {
    const id = /^\d+$/.exec(title === 'Device ID' ? words : title)?.[0]
    if (id !== undefined) devices.push({ id: Number(id) })
    const device = devices.pop()
    if (device !== undefined) devices.push(withWords(device, title, words))
  }
  return devices
}

function withWords(device: Told, title: string, words: string): Told {
  const metric = metrics[title]
  if (metric !== undefined) return { ...device, metrics: { ...device.metrics, [metric]: words } }
  const [, label = '', value = ''] = /^([^:]+): *(.*)$/.exec(words) ?? []
  const key = properties[label]
  if (key === undefined) return device
  return { ...device, properties: { ...device.properties, [key]: plain(key, value) } }
}

/** Numbers alone, sizes in bytes, as in the JSON. */
function plain(key: string, words: string): string {
  const number = /^(\d+(?:\.\d+)?)(?: (?:MHz|MiB))?$/.exec(words)?.[1]
  if (number === undefined) return words
  return key.endsWith('_byte') ? String(Math.round(Number(number) * BYTES_PER_MIB)) : number
}

/** `config` tells of devices and their tiles: `0` and `0/1`. */
function configured(rows: readonly (readonly string[])[]): Told[] {
  const devices: Told[] = []
  let inDevice = false
  for (const [kind = '', place = '', words = ''] of rows) {
    if (kind === 'GPU') inDevice = /^\d+$/.test(place)
    if (kind === 'GPU' && inDevice) devices.push({ id: Number(place) })
    const ecc = /^Current: (enabled|disabled)$/.exec(words)?.[1]
    const device = inDevice && ecc !== undefined ? devices.pop() : undefined
    if (device !== undefined) devices.push({ ...device, properties: { memory_ecc_state: ecc } })
  }
  return devices
}

/** `xpu-smi topology -m`: rows `GPU 0/1 |MDF |S |...`, one a tile. */
export function readXpuSmiMatrix(output: string): Promise<ReadOutput> {
  const rows = output.split('\n').flatMap((line) => {
    const [, device, tile, cells] = /^GPU (\d+)\/(\d+) +\|(.*)$/.exec(line.trim()) ?? []
    return cells === undefined ? [] : [{ device, tile, cells: cells.split('|') }]
  })
  const list = rows.flatMap(({ cells }) =>
    rows.map(({ device, tile }, column) => ({
      remote_device_id: Number(device),
      remote_subdevice_id: Number(tile),
      link_type: cells[column]?.trim() ?? '',
    })),
  )
  const ids = new Set(rows.map(({ device }) => Number(device)))
  return askAboutTold(
    [...ids].map((id) => ({ id })),
    { 'topology -m': { topo_list: list } },
  )
}

/** Rows with titles above them: `dump`, `discovery --dump`, `ps`. The last row of a device counts. */
export function readXpuSmiRows(output: string): Promise<ReadOutput> {
  const lines = output.split('\n').map((line) => line.trim())
  const start = lines.findIndex((line) => /\bDevice ?I[Dd]\b/.test(line))
  const gap = lines[start]?.includes(',') ? /, */ : / {2,}/
  const cellsOf = (line: string) => line.split(gap).map((cell) => cell.replace(/^"|"$/g, ''))
  const titles = cellsOf(lines[start] ?? '')
  const devices = new Map<number, Told>()
  for (const line of lines.slice(start + 1)) {
    const cells = cellsOf(line)
    const id = cells[titles.findIndex((title) => /^Device ?I[Dd]$/.test(title))]
    if (cells.length !== titles.length || !/^\d+$/.test(id ?? '')) continue
    const told = titles.reduce<Told>(
      (device, title, column) => {
        const words = cells[column] ?? ''
        return title in metrics
          ? withWords(device, title, words)
          : withWords(device, '', `${title}: ${words}`)
      },
      { id: Number(id) },
    )
    devices.set(told.id, told)
  }
  return askAboutTold([...devices.values()])
}

function askAboutTold(told: readonly Told[], others: Readonly<Record<string, Facts>> = {}) {
  const outputs = told.flatMap(({ id, properties = {}, metrics = {} }) => {
    const level = Object.entries(metrics).map(([metric, value]) => ({
      metrics_type: `XPUM_STATS_${metric}`,
      value,
    }))
    return [
      [`discovery -d ${id}`, JSON.stringify(properties)],
      [`stats -d ${id}`, JSON.stringify({ device_level: level })],
    ]
  })
  const rest = Object.entries(others).map(([call, facts]) => [call, JSON.stringify(facts)])
  return askAbout(told, Object.fromEntries([...outputs, ...rest]))
}

/** The vendor's own reader, with what was saved in place of the tool. Calls that nobody saved tell nothing. */
async function askAbout(
  devices: readonly { readonly id: number }[],
  outputs: Readonly<Record<string, string>>,
): Promise<ReadOutput> {
  const list = JSON.stringify({ device_list: devices.map(({ id }) => ({ device_id: id })) })
  const answer = async (_: string, args: readonly string[]): Promise<CommandResult> => {
    const call = args.filter((arg) => arg !== '-j').join(' ')
    const stdout = outputs[call] ?? (call === 'discovery' ? list : '{}')
    return { kind: 'exited', exitCode: 0, stdout, stderr: '', tookMs: 0 }
  }
  const { gpus, topology } = await intel.ask(onlyCommands(answer))
  return { gpus, ...(topology?.status === 'ok' ? { topology: topology.value } : {}) }
}

/** A machine of no system, whose files nobody saved. */
function onlyCommands(runCommand: Machine['runCommand']): Machine {
  const none = (path: string) => Promise.reject(new Error(`${path} was not saved`))
  return { platform: 'aix', runCommand, readText: none, listFolder: none, realPath: none }
}
