import { systemErrorCode } from '../../errors.ts'
import { BYTES_PER_MIB } from '../../units.ts'
import { type Gpu, type GpuReadings, gpuOf } from '../gpu-fields.ts'
import type { Machine } from '../machine.ts'
import { absent, ok, type Reading } from '../reading.ts'
import { explain } from '../run-command.ts'

const DRM = '/sys/class/drm'
const INTEL = '0x8086'
/** Intel's own place for the GPU of a processor. */
const INTEGRATED_ADDRESS = '0000:00:02.0'
const LSPCI_TIMEOUT_MS = 3_000
const MICRO = 1e-6
const MILLI = 1e-3

/** Drivers i915 and xe tell the same things at different places. */
interface Card {
  readonly index: number
  /** `/sys/class/drm/cardN`: i915 keeps its files here. */
  readonly path: string
  /** The PCI device: xe keeps its files here. */
  readonly device: string
  readonly address: Reading<string>
  readonly hwmon: string | undefined
}

/**
 * Intel GPUs as the kernel shows them, without any tool. What i915 and xe tell is named in the
 * kernel's Documentation/ABI/testing/sysfs-driver-intel-{i915,xe}-hwmon.
 */
export async function readIntelCards(machine: Machine): Promise<readonly Gpu[]> {
  const names = (await folder(machine, DRM)).filter((name) => /^card\d+$/.test(name))
  const found = await Promise.all(names.map((name) => cardOf(machine, name)))
  const cards = found.filter((card) => card !== undefined)
  if (cards.length === 0) return []
  const nameOf = await pciNames(machine)
  return Promise.all(cards.map((card) => gpuOfCard(machine, card, nameOf)))
}

async function cardOf(machine: Machine, name: string): Promise<Card | undefined> {
  const path = `${DRM}/${name}`
  const device = `${path}/device`
  const vendor = await line(machine, `${device}/vendor`)
  if (vendor.status === 'absent' || vendor.value !== INTEL) return undefined
  const [address, [hwmon]] = await Promise.all([
    addressOf(machine, device),
    folder(machine, `${device}/hwmon`),
  ])
  return {
    index: Number(name.slice('card'.length)),
    path,
    device,
    address,
    hwmon: hwmon === undefined ? undefined : `${device}/hwmon/${hwmon}`,
  }
}

async function addressOf(machine: Machine, device: string): Promise<Reading<string>> {
  try {
    const address = (await machine.realPath(device)).split('/').at(-1) ?? ''
    if (/^[\da-f]{4}:[\da-f]{2}:[\da-f]{2}\.[\da-f]$/.test(address)) return ok(address, device)
    return absent('not on a PCI bus', device)
  } catch (error) {
    return absent(reasonOf(error), device)
  }
}

async function gpuOfCard(
  machine: Machine,
  card: Card,
  nameOf: (address: Reading<string>) => Reading<string>,
): Promise<Gpu> {
  const [memory, powerAndHeat, clocks, numaNode] = await Promise.all([
    memoryOf(machine, card),
    powerAndHeatOf(machine, card),
    clocksOf(machine, card),
    number(machine, `${card.device}/numa_node`),
  ])
  const readings = {
    name: nameOf(card.address),
    pciAddress: card.address,
    ...memory,
    ...powerAndHeat,
    ...clocks,
    // The kernel writes -1 on a machine without such nodes.
    numaNode: checked(numaNode, (node) => node >= 0),
    ...slotOf(card),
  }
  return gpuOf('intel', card.index, readings, { reason: 'sysfs does not tell it', source: DRM })
}

/** The link that the card's own endpoint shows is one inside the card, always 2.5 GT/s on Arc: the slot is on the other side of a switch. */
function slotOf(card: Card): Partial<GpuReadings> {
  const unknown = absent("the card's own switch hides the slot from it", card.device)
  return {
    pcieGeneration: unknown,
    pcieWidth: unknown,
    pcieGenerationNow: unknown,
    pcieWidthNow: unknown,
  }
}

async function memoryOf(machine: Machine, card: Card): Promise<Partial<GpuReadings>> {
  const [total, free] = await Promise.all([
    vramTotal(machine, card),
    number(machine, `${card.path}/lmem_avail_bytes`, 1 / BYTES_PER_MIB),
  ])
  const integrated = integratedOf(card, total)
  if (integrated.status === 'ok' && integrated.value) {
    const shared = absent("shares the machine's memory", card.device)
    return { integrated, memoryUnified: integrated, vramTotalMib: shared, vramFreeMib: shared }
  }
  return { integrated, memoryUnified: integrated, vramTotalMib: total, vramFreeMib: free }
}

/** xe tells it for each tile, Intel's own build of i915 for the card, i915 of the kernel not at all. */
async function vramTotal(machine: Machine, card: Card): Promise<Reading<number>> {
  const names = await folder(machine, card.device)
  const tiles = names
    .filter((name) => /^tile\d+$/.test(name))
    .map((name) => `${card.device}/${name}`)
  const sizes = await Promise.all(
    tiles.map((tile) => number(machine, `${tile}/physical_vram_size_bytes`, 1 / BYTES_PER_MIB)),
  )
  const known = sizes.flatMap((size) => (size.status === 'ok' ? [size.value] : []))
  const total = known.reduce((sum, size) => sum + size, 0)
  if (known.length === tiles.length && total > 0) {
    return ok(Math.floor(total), `${card.device}/tile*/physical_vram_size_bytes`)
  }
  const lmem = await number(machine, `${card.path}/lmem_total_bytes`, 1 / BYTES_PER_MIB)
  return checked(lmem, (mib) => mib > 0)
}

/** A card with memory or sensors of its own is none of the processor, wherever a virtual machine has put it. */
function integratedOf(card: Card, vram: Reading<number>): Reading<boolean> {
  if (card.address.status === 'absent') return card.address
  const own = vram.status === 'ok' || card.hwmon !== undefined
  return ok(!own && card.address.value === INTEGRATED_ADDRESS, card.device)
}

async function powerAndHeatOf(machine: Machine, card: Card): Promise<Partial<GpuReadings>> {
  const { hwmon } = card
  if (hwmon === undefined) {
    const none = absent('the driver offers no sensors', `${card.device}/hwmon`)
    return { powerW: none, powerLimitEnforcedW: none, temperatureC: none, temperatureMemoryC: none }
  }
  const watts = (file: string) => number(machine, `${hwmon}/${file}`, MICRO)
  const [temperatureC, temperatureMemoryC, limit, rated] = await Promise.all([
    temperature(machine, hwmon, 'pkg'),
    temperature(machine, hwmon, 'vram'),
    firstKnown([watts('power1_max'), watts('power2_max')], (value) => value > 0),
    firstKnown([watts('power1_rated_max'), watts('power2_rated_max')], (value) => value > 0),
  ])
  return {
    powerW: absent('the driver counts energy and tells no power', `${hwmon}/energy1_input`),
    powerLimitEnforcedW: limit,
    powerLimitDefaultW: rated,
    temperatureC,
    temperatureMemoryC,
  }
}

/** xe labels its sensors; i915 has one, of the package, without a label. */
async function temperature(
  machine: Machine,
  hwmon: string,
  wanted: 'pkg' | 'vram',
): Promise<Reading<number>> {
  const inputs = (await folder(machine, hwmon)).filter((name) => /^temp\d+_input$/.test(name))
  for (const input of inputs) {
    const label = await line(machine, `${hwmon}/${input.replace('input', 'label')}`)
    const of = label.status === 'ok' ? label.value : 'pkg'
    if (of === wanted) return number(machine, `${hwmon}/${input}`, MILLI)
  }
  return absent(`no sensor of the ${wanted === 'pkg' ? 'package' : 'memory'}`, hwmon)
}

async function clocksOf(machine: Machine, card: Card): Promise<Partial<GpuReadings>> {
  const xe = `${card.device}/tile0/gt0/freq0`
  const mhz = (i915: string, name: string) =>
    firstKnown([number(machine, `${card.path}/${i915}`), number(machine, `${xe}/${name}`)])
  const [clockSmMhz, clockSmMaxMhz, limit, throttleReasons] = await Promise.all([
    mhz('gt_act_freq_mhz', 'act_freq'),
    mhz('gt_RP0_freq_mhz', 'rp0_freq'),
    mhz('gt_max_freq_mhz', 'max_freq'),
    throttling(machine, [`${card.path}/gt/gt0`, `${xe}/throttle`]),
  ])
  return {
    clockSmMhz,
    clockSmMaxMhz,
    clockSmRequestedMhz: asked(limit, clockSmMaxMhz),
    throttleReasons,
  }
}

/** A limit as high as the hardware goes was asked for by nobody. */
function asked(limit: Reading<number>, highest: Reading<number>): Reading<number> {
  if (limit.status === 'absent' || highest.status === 'absent') return limit
  if (limit.value < highest.value) return limit
  return absent('nobody asked for less than the highest', limit.source)
}

/** A file a reason, with 1 in it while the reason holds. */
async function throttling(
  machine: Machine,
  folders: readonly string[],
): Promise<Reading<readonly string[]>> {
  for (const place of folders) {
    const files = (await folder(machine, place)).filter((name) =>
      /^(throttle_)?reason_(?!status$)/.test(name),
    )
    if (files.length === 0) continue
    const states = await Promise.all(files.map((file) => line(machine, `${place}/${file}`)))
    const held = files.filter((_, at) => isOne(states[at]))
    return ok(
      held.map((file) => file.replace(/^(throttle_)?reason_/, '')),
      place,
    )
  }
  return absent('the driver does not tell reasons', folders[0] ?? DRM)
}

function isOne(state: Reading<string> | undefined): boolean {
  return state?.status === 'ok' && state.value === '1'
}

/** What `lspci` calls a device: its list of names is all that gives one, where Intel's tool is missing. */
async function pciNames(machine: Machine): Promise<(address: Reading<string>) => Reading<string>> {
  const args = ['-D', '-mm', '-d', '8086:']
  const result = await machine.runCommand('lspci', args, { timeoutMs: LSPCI_TIMEOUT_MS })
  if (result.kind !== 'exited') return () => absent(explain(result), 'lspci')
  const names = new Map(
    result.stdout.split('\n').flatMap((row) => {
      const [, address, name] = /^(\S+) "[^"]*" "[^"]*" "([^"]+)"/.exec(row) ?? []
      return address === undefined || name === undefined ? [] : [[address, name] as const]
    }),
  )
  return (address) => {
    const name = address.status === 'ok' ? names.get(address.value) : undefined
    return name === undefined ? absent('lspci does not list it', 'lspci') : ok(name, 'lspci')
  }
}

async function firstKnown(
  candidates: readonly Promise<Reading<number>>[],
  believable: (value: number) => boolean = () => true,
): Promise<Reading<number>> {
  const readings = (await Promise.all(candidates)).map((reading) => checked(reading, believable))
  const [first = absent('not asked for', DRM)] = readings
  return readings.find(({ status }) => status === 'ok') ?? first
}

function checked(
  reading: Reading<number>,
  believable: (value: number) => boolean,
): Reading<number> {
  if (reading.status === 'absent' || believable(reading.value)) return reading
  return absent(`the file says ${reading.value}`, reading.source)
}

async function number(machine: Machine, path: string, scale = 1): Promise<Reading<number>> {
  const text = await line(machine, path)
  if (text.status === 'absent') return text
  if (!/^-?\d+(\.\d+)?$/.test(text.value)) return absent(`the file says ${text.value}`, path)
  return ok(Number(text.value) * scale, path)
}

async function line(machine: Machine, path: string): Promise<Reading<string>> {
  try {
    return ok((await machine.readText(path)).trim(), path)
  } catch (error) {
    return absent(reasonOf(error), path)
  }
}

async function folder(machine: Machine, path: string): Promise<readonly string[]> {
  try {
    return await machine.listFolder(path)
  } catch {
    return []
  }
}

function reasonOf(error: unknown): string {
  const code = systemErrorCode(error)
  if (code === 'ENOENT') return 'the driver does not tell it'
  return code === 'EACCES' ? 'no permission to read it' : `cannot be read (${code ?? 'unknown'})`
}
