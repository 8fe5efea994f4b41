import { BYTES_PER_MIB } from '../../units.ts'
import { type Gpu, type GpuReadings, gpuOf, withFallback } from '../gpu-fields.ts'
import type { ToolReport, Topology } from '../hardware.ts'
import type { Machine } from '../machine.ts'
import { pciAddressOf } from '../pci-address.ts'
import { absent, ok, type Reading, readingValue } from '../reading.ts'
import { explain, type RunCommand } from '../run-command.ts'
import { readIntelCards } from './intel-sysfs.ts'
import { type Facts, listOf, objectIn } from './json-facts.ts'
import type { Vendor, VendorAnswer } from './vendor.ts'

const TOOL = 'xpu-smi'
const TIMEOUT_MS = 5_000
/**
 * Each question starts Level Zero anew. GPUs that are not asked about within this are known by what the
 * list says of them. One more question and its end must fit into the vendor's 15 s.
 */
const BUDGET_MS = 8_000
const PERCENT = 100
const DETAIL_CHARACTERS = 200

/**
 * Intel, through `xpu-smi`, and through sysfs for what it does not say or where it is not installed:
 * it knows data centre GPUs best. The two are joined by PCI address.
 */
export const intel: Vendor = { name: 'intel', tool: TOOL, ask: askIntel }

async function askIntel(machine: Machine): Promise<VendorAnswer> {
  const startMs = performance.now()
  const [told, cards] = await Promise.all([
    askXpuSmi(machine.runCommand),
    machine.platform === 'linux' ? readIntelCards(machine) : [],
  ])
  const sysfs: readonly ToolReport[] =
    cards.length === 0
      ? []
      : [{ tool: '/sys/class/drm', outcome: 'ok', tookMs: Math.round(performance.now() - startMs) }]
  return { ...told, gpus: joined(told.gpus, cards), reports: [...told.reports, ...sysfs] }
}

function joined(told: readonly Gpu[], cards: readonly Gpu[]): readonly Gpu[] {
  const addressOf = (gpu: Gpu) => readingValue(gpu.pciAddress)
  const sameAs = (gpu: Gpu, others: readonly Gpu[]) =>
    addressOf(gpu) === undefined
      ? undefined
      : others.find((other) => addressOf(other) === addressOf(gpu))
  const better = told.map((gpu) => {
    const card = sameAs(gpu, cards)
    return card === undefined ? gpu : withFallback(gpu, card)
  })
  return [...better, ...cards.filter((card) => sameAs(card, told) === undefined)]
}

type Failure = Pick<ToolReport, 'outcome' | 'detail'>

/** An answer, or why there is none. */
interface Answer {
  readonly facts?: Facts
  readonly failure?: Failure
  readonly tookMs: number
}

async function askXpuSmi(runCommand: RunCommand): Promise<VendorAnswer> {
  const list = await askJson(runCommand, ['discovery'])
  const devices = listOf(list.facts?.device_list)
  const answers: Answer[] = [list]
  const ask = async (args: readonly string[]): Promise<Answer> => {
    const usedMs = answers.reduce((sum, { tookMs }) => sum + tookMs, 0)
    if (usedMs > BUDGET_MS)
      return {
        failure: { outcome: 'timed-out', detail: 'no time left to ask about every GPU' },
        tookMs: 0,
      }
    return askJson(runCommand, args)
  }
  const gpus: Gpu[] = []
  for (const device of devices) {
    const id = String(device.device_id)
    const properties = await ask(['discovery', '-d', id])
    answers.push(properties)
    const stats = await ask(['stats', '-d', id])
    answers.push(stats)
    gpus.push(gpuOfAnswers(device, properties, stats, gpus.length))
  }
  if (devices.length < 2) return { gpus, reports: [reportOf(answers)] }
  const matrix = await ask(['topology', '-m'])
  const topology = topologyOf(matrix, gpus)
  return { gpus, reports: [reportOf([...answers, matrix])], topology }
}

async function askJson(runCommand: RunCommand, args: readonly string[]): Promise<Answer> {
  const result = await runCommand(TOOL, [...args, '-j'], { timeoutMs: TIMEOUT_MS })
  const { tookMs } = result
  if (result.kind !== 'exited') {
    const detail = result.kind === 'not-found' ? undefined : explain(result)
    return { failure: { outcome: result.kind, ...(detail !== undefined && { detail }) }, tookMs }
  }
  // Some versions print a warning before the JSON.
  const { stdout } = result
  const facts = objectIn(stdout.slice(Math.max(stdout.indexOf('{'), 0)))
  const said =
    facts?.error ?? (facts === undefined ? firstLine(result.stdout, result.stderr) : undefined)
  if (facts !== undefined && said === undefined && result.exitCode === 0) return { facts, tookMs }
  const detail = `${TOOL} ${args.join(' ')}: ${shortened(String(said ?? `exit code ${result.exitCode}`))}`
  return { failure: { outcome: 'failed', detail }, tookMs }
}

function firstLine(...outputs: readonly string[]): string {
  const lines = outputs
    .join('\n')
    .split('\n')
    .map((line) => line.trim())
  return lines.find((line) => line !== '') ?? 'printed nothing'
}

function shortened(line: string): string {
  return line.length > DETAIL_CHARACTERS ? `${line.slice(0, DETAIL_CHARACTERS)}...` : line
}

function reportOf(answers: readonly Answer[]): ToolReport {
  const tookMs = answers.reduce((sum, answer) => sum + answer.tookMs, 0)
  const failure = answers.find((answer) => answer.failure !== undefined)?.failure
  return { tool: TOOL, ...(failure ?? { outcome: 'ok' }), tookMs }
}

function gpuOfAnswers(device: Facts, properties: Answer, stats: Answer, position: number): Gpu {
  const place = numberIn(device.device_id) ?? position
  const readings = {
    ...propertiesOf({ ...device, ...properties.facts }, properties),
    ...momentOf(stats),
  }
  return gpuOf('intel', place, readings, { reason: 'xpu-smi does not tell it', source: TOOL })
}

/** Numbers come as strings here, and `unknown`, -1 or an empty string for what there is not. */
function propertiesOf(facts: Facts, { failure }: Answer): Partial<GpuReadings> {
  const read = <T>(key: string, convert: (value: unknown) => T | undefined): Reading<T> => {
    const source = `${TOOL} discovery ${key}`
    const value = convert(facts[key])
    return value === undefined ? absent(whyNot(facts[key], failure), source) : ok(value, source)
  }
  const memory = (key: string) => read(key, (bytes) => wholeMib(positive(bytes)))
  return {
    name: read('device_name', text),
    pciAddress: read('pci_bdf_address', (value) => pciAddressOf(String(value))),
    uuid: read('uuid', text),
    serial: read('serial_number', text),
    driverVersion: read('driver_version', text),
    firmwareVersion: read('gfx_firmware_version', text),
    vramTotalMib: memory('memory_physical_size_byte'),
    vramFreeMib: memory('memory_free_size_byte'),
    eccEnabled: read('memory_ecc_state', enabled),
    clockSmMaxMhz: read('core_clock_rate_mhz', positive),
    pcieGeneration: read('pcie_generation', positive),
    pcieWidth: read('pcie_max_link_width', positive),
  }
}

/** Levels of a metric: the device's own, and its tiles'. */
interface Metrics {
  readonly device: readonly Facts[]
  readonly tiles: readonly (readonly Facts[])[]
}

function momentOf(stats: Answer): Partial<GpuReadings> {
  const metrics: Metrics = {
    device: listOf(stats.facts?.device_level),
    tiles: listOf(stats.facts?.tile_level).map((tile) => listOf(tile.data_list)),
  }
  const read = (
    metric: string,
    convert: (value: number | undefined) => number | undefined,
    ofTiles?: (values: readonly number[]) => number,
  ): Reading<number> => {
    const source = `${TOOL} stats XPUM_STATS_${metric}`
    const raw = metricValue(metrics, `XPUM_STATS_${metric}`, ofTiles)
    const value = convert(raw)
    return value === undefined ? absent(whyNot(raw, stats.failure), source) : ok(value, source)
  }
  return {
    // Counters of a card that always say 0 are known of Arc: no card that runs draws nothing.
    powerW: read('POWER', positive),
    clockSmMhz: read('GPU_FREQUENCY', numberIn),
    temperatureC: read('GPU_CORE_TEMPERATURE', positive, hottest),
    temperatureMemoryC: read('MEMORY_TEMPERATURE', positive, hottest),
    vramUsedMib: read('MEMORY_USED', numberIn, total),
    utilisationRatio: read('GPU_UTILIZATION', (percent) => scaled(percent, 1 / PERCENT)),
  }
}

/** Of the device; where only its tiles have the metric and a rule says what they come to, of them together. */
function metricValue(
  { device, tiles }: Metrics,
  metric: string,
  ofTiles: ((values: readonly number[]) => number) | undefined,
): number | undefined {
  const find = (facts: readonly Facts[]) =>
    numberIn(facts.find(({ metrics_type }) => metrics_type === metric)?.value)
  const own = find(device)
  if (own !== undefined || ofTiles === undefined) return own
  const values = tiles.map(find).filter((value) => value !== undefined)
  return values.length > 0 && values.length === tiles.length ? ofTiles(values) : undefined
}

const hottest = (values: readonly number[]): number => Math.max(...values)
const total = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0)

function whyNot(value: unknown, failure: Failure | undefined): string {
  if (failure !== undefined) return failure.detail ?? failure.outcome
  if (value === undefined) return 'xpu-smi does not tell it'
  return `xpu-smi says ${value === '' ? 'nothing' : String(value)}`
}

function text(value: unknown): string | undefined {
  if (typeof value !== 'string' || /^(|unknown|n\/a)$/i.test(value.trim())) return undefined
  return value.trim()
}

function numberIn(value: unknown): number | undefined {
  if (typeof value === 'number') return Number.isFinite(value) ? value : undefined
  return typeof value === 'string' && /^-?\d+(\.\d+)?$/.test(value) ? Number(value) : undefined
}

function positive(value: unknown): number | undefined {
  const number = numberIn(value)
  return number !== undefined && number > 0 ? number : undefined
}

function wholeMib(bytes: number | undefined): number | undefined {
  return bytes === undefined ? undefined : Math.floor(bytes / BYTES_PER_MIB)
}

function scaled(value: number | undefined, factor: number): number | undefined {
  return value === undefined ? undefined : value * factor
}

function enabled(value: unknown): boolean | undefined {
  if (value === 'enabled') return true
  return value === 'disabled' ? false : undefined
}

/**
 * The matrix lists its cells row by row. A GPU of several tiles has a row for each, which is then
 * called as the tool calls it: `GPU 0/1`.
 */
function topologyOf({ facts, failure }: Answer, gpus: readonly Gpu[]): Reading<Topology> {
  const source = `${TOOL} topology`
  const cells = listOf(facts?.topo_list)
  const size = Math.sqrt(cells.length)
  if (size === 0 || !Number.isInteger(size)) {
    const reason = failure?.detail ?? failure?.outcome ?? 'xpu-smi tells no square matrix'
    return absent(reason, source)
  }
  const rows = Array.from({ length: size }, (_, row) => cells.slice(row * size, (row + 1) * size))
  const titles = (rows[0] ?? []).map((cell) => tileName(cell))
  const links = rows.map((row) => row.map(({ link_type }) => text(link_type) ?? 'unknown'))
  const addresses = gpus.map(({ pciAddress }) => readingValue(pciAddress))
  const known = addresses.filter((address) => address !== undefined)
  return ok({ gpus: known.length === size ? known : titles, links }, source)
}

function tileName({ remote_device_id, remote_subdevice_id }: Facts): string {
  return `GPU ${String(remote_device_id)}/${String(remote_subdevice_id)}`
}
