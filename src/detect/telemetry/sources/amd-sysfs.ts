import { join } from 'node:path'
import { messageOf } from '../../../errors.ts'
import { BYTES_PER_MIB } from '../../../units.ts'
import { within } from '../../deadline.ts'
import { believeWhenMoving } from '../moving-counter.ts'
import type { TelemetryDevice, TelemetryScope } from '../sample.ts'
import type { OpenSource, OwnReading, SamplerWorld, TelemetrySource } from '../source.ts'
import {
  drmCards,
  hwmonsOf,
  labelledInputs,
  plainNumber,
  readSmall,
  scaled,
  slotOf,
  tellsAnything,
  type WatchedFile,
  watchFile,
} from '../watched-file.ts'
import { amdSmi } from './amd-smi.ts'

const VENDOR = '0x1002'
const SOURCE = '/sys/class/drm'
const UW_PER_W = 1_000_000
const UJ_PER_J = 1_000_000
const MILLI = 1000
const HZ_PER_MHZ = 1_000_000
/** Two GPUs on one package (MI250, MI250X); only one of the two tells its power: the package's. */
const TWIN_DEVICES = ['0x7408', '0x740c']
/** GPU and processor in one package (MI300A): its power is of both. */
const MODULE_DEVICES = ['0x74a0']
/** What must come up in 5 s leaves this for the tool beside it. */
const COMPANION_MS = 4_600

/**
 * AMD GPUs by the driver's own files, without a tool or a right: 10 Hz costs nothing there. What the
 * files do not tell, energy and throttle times, comes from `amd-smi` where it is installed. Meaning of
 * the files: the kernel's docs/gpu/amdgpu/thermal.rst.
 */
export const amdSysfs: TelemetrySource = {
  name: 'amd-sysfs',
  open: async (world) => {
    const cards = world.platform === 'linux' ? openCards(world.root) : []
    if (cards.length === 0) return { none: `no AMD GPU under ${SOURCE}` }
    return withCompanion(cards, await openCompanion(world), world)
  },
}

interface Card {
  readonly device: TelemetryDevice
  readonly read: () => Omit<OwnReading, 'device' | 'atMs'>
  readonly close: () => void
}

/** A GPU whose package another one speaks for is no device of its own: its share would be missed or counted twice. */
function openCards(root: string): readonly Card[] {
  const cards = drmCards(root, VENDOR)
  const twins = cards.filter(isSilentTwin).map((card) => slotOf(card) ?? card)
  return cards.filter((card) => !isSilentTwin(card)).flatMap((card) => openCard(card, twins))
}

function isSilentTwin(card: string): boolean {
  if (!TWIN_DEVICES.includes(readSmall(join(card, 'device')) ?? '')) return false
  const hwmon = amdHwmon(card)
  const told = powerNames.map((name) => readSmall(join(hwmon ?? card, name)))
  return told.every((power) => (plainNumber(power) ?? 0) === 0)
}

const amdHwmon = (card: string): string | undefined =>
  hwmonsOf(card).find(({ name }) => name === 'amdgpu')?.path

function openCard(card: string, twins: readonly string[]): readonly Card[] {
  const pciAddress = slotOf(card)
  const hwmon = amdHwmon(card)
  const files = openFiles(card, hwmon)
  if (Object.values(files).every((file) => file === undefined)) return []
  const believe = believeWhenMoving()
  const scope = scopeOf(card, hwmon)
  return [
    {
      device: {
        id: pciAddress ?? card,
        scope,
        source: SOURCE,
        name: readSmall(join(card, 'product_name')) || `AMD GPU ${pciAddress ?? card}`,
        pciAddress,
        lacks: anyOf(lacksOf(files, card, scope, twins)),
      },
      read: () => readFiles(files, believe),
      close: () => {
        for (const file of Object.values(files)) file?.close()
      },
    },
  ]
}

const anyOf = (lacks: readonly string[]) => (lacks.length > 0 ? lacks : undefined)

/**
 * Whose the power is. The driver tells an APU's for processor and GPU together, and offers a power cap
 * for boards only (amdgpu_pm.c; MI300A has both).
 */
function scopeOf(card: string, hwmon: string | undefined): TelemetryScope {
  if (MODULE_DEVICES.includes(readSmall(join(card, 'device')) ?? '')) return 'module'
  const tellsPower = hwmon !== undefined && powerNames.some((name) => exists(join(hwmon, name)))
  return tellsPower && !exists(join(hwmon, 'power1_cap')) ? 'soc' : 'gpu'
}

const powerNames = ['power1_input', 'power1_average']
const exists = (path: string) => readSmall(path) !== undefined

function openFiles(card: string, hwmon: string | undefined) {
  const inCard = (name: string) => watchFile(join(card, name))
  const inHwmon = (name: string) => (hwmon === undefined ? undefined : watchFile(join(hwmon, name)))
  const temps = hwmon === undefined ? new Map<string, string>() : labelledInputs(hwmon, 'temp')
  const temp = (...labels: readonly string[]) =>
    labels.flatMap((label) => temps.get(label) ?? []).map(watchFile)[0]
  return {
    busy: inCard('gpu_busy_percent'),
    memoryUsed: inCard('mem_info_vram_used'),
    linkSpeed: inCard('current_link_speed'),
    linkWidth: inCard('current_link_width'),
    clock: inHwmon('freq1_input'),
    clockSteps: inCard('pp_dpm_sclk'),
    memoryClock: inHwmon('freq2_input'),
    memoryClockSteps: inCard('pp_dpm_mclk'),
    powerNow: inHwmon('power1_input'),
    powerAverage: inHwmon('power1_average'),
    energy: inHwmon('energy1_input'),
    // The junction is what the clocks are taken back by; the edge is cooler by up to 30 degrees.
    temperature: temp('junction', 'edge', 'temp1'),
    memoryTemperature: temp('mem'),
  }
}

type CardFiles = ReturnType<typeof openFiles>

function readFiles(
  files: CardFiles,
  believe: (energy: number | undefined) => number | undefined,
): Omit<OwnReading, 'device' | 'atMs'> {
  return {
    energyJ: believe(scaled(files.energy, UJ_PER_J)),
    powerW: scaled(files.powerNow, UW_PER_W),
    powerAverageW: scaled(files.powerAverage, UW_PER_W),
    clockSmMhz: scaled(files.clock, HZ_PER_MHZ) ?? chosenStep(files.clockSteps),
    clockMemoryMhz: scaled(files.memoryClock, HZ_PER_MHZ) ?? chosenStep(files.memoryClockSteps),
    temperatureC: scaled(files.temperature, MILLI),
    temperatureMemoryC: scaled(files.memoryTemperature, MILLI),
    memoryUsedMib: scaled(files.memoryUsed, BYTES_PER_MIB),
    utilisationRatio: scaled(files.busy, 100),
    pcieGeneration: pcieGeneration(files.linkSpeed?.text()),
    pcieWidth: plainNumber(files.linkWidth?.text()),
  }
}

/** The step that is marked as in use: `1: 991Mhz *`. */
function chosenStep(file: WatchedFile | undefined): number | undefined {
  return plainNumber(/:\s*(\d+)Mhz\s*\*/i.exec(file?.text() ?? '')?.[1])
}

/** GT/s a lane of PCIe 1 to 6. */
const linkSpeeds = [2.5, 5, 8, 16, 32, 64]

function pcieGeneration(speed: string | undefined): number | undefined {
  const perLane = plainNumber(/^([\d.]+) GT\/s/.exec(speed ?? '')?.[1])
  const place = perLane === undefined ? -1 : linkSpeeds.indexOf(perLane)
  return place < 0 ? undefined : place + 1
}

function lacksOf(
  files: CardFiles,
  card: string,
  scope: TelemetryScope,
  twins: readonly string[],
): readonly string[] {
  const isTwin = TWIN_DEVICES.includes(readSmall(join(card, 'device')) ?? '')
  return [
    files.powerNow || files.powerAverage ? [] : ['power: the driver has no file for it'],
    files.energy ? [] : ['energy counter: the driver has no file for it'],
    scope === 'soc' ? ['power of its own: what is told is of processor and GPU together'] : [],
    scope === 'module' ? ['power of its own: what is told is of the whole package'] : [],
    isTwin && twins.length > 0
      ? [`power of its own: what is told is of the package, one of ${twins.join(', ')} included`]
      : [],
  ].flat()
}

/** What `amd-smi` knows beyond the files, or why nothing. */
async function openCompanion(world: SamplerWorld): Promise<OpenSource | { readonly none: string }> {
  try {
    const opening = amdSmi.open(world)
    const result = await within(COMPANION_MS, opening)
    if (result.kind === 'done') return result.value
    opening.then((late) => ('none' in late ? undefined : late.close())).catch(() => {})
    return { none: `amd-smi: not up in ${COMPANION_MS} ms` }
  } catch (error) {
    return { none: `amd-smi: ${messageOf(error)}` }
  }
}

/** Cards with what `amd-smi` tells of the same PCI address: its energy and throttle times only. */
function withCompanion(
  cards: readonly Card[],
  companion: OpenSource | { readonly none: string },
  world: SamplerWorld,
): OpenSource {
  let beside = 'none' in companion ? undefined : companion
  const told = beside?.devices ?? []
  const placeOf = (pciAddress: string | undefined) =>
    cards.findIndex(({ device }) => pciAddress !== undefined && device.pciAddress === pciAddress)
  const fromBeside = async (): Promise<readonly OwnReading[]> => {
    try {
      const readings = (await beside?.look()) ?? []
      return readings.flatMap((reading) =>
        additions(reading, placeOf(told[reading.device]?.pciAddress)),
      )
    } catch {
      // The files go on telling; energy and throttle times end here, and the gap shows.
      await beside?.close()
      beside = undefined
      return []
    }
  }
  return {
    devices: cards.map(({ device }) => joined(device, companion)),
    look: async () => {
      const own = cards.flatMap(({ read }, device) => {
        const values = read()
        return tellsAnything(values) ? [{ device, atMs: world.nowMs(), ...values }] : []
      })
      return [...own, ...(await fromBeside())]
    },
    close: async () => {
      for (const card of cards) card.close()
      await beside?.close()
    },
  }
}

function additions({ atMs, energyJ, throttle }: OwnReading, device: number): readonly OwnReading[] {
  const tells = energyJ !== undefined || throttle !== undefined
  return device >= 0 && tells ? [{ device, atMs, energyJ, throttle }] : []
}

function joined(
  device: TelemetryDevice,
  companion: OpenSource | { readonly none: string },
): TelemetryDevice {
  const lacks = device.lacks ?? []
  if ('none' in companion)
    return { ...device, lacks: [...lacks, `throttle times: ${companion.none}`] }
  const same = companion.devices.find(({ pciAddress }) => pciAddress === device.pciAddress)
  if (same === undefined) return device
  const own = lacks.filter((lack) => !lack.startsWith('energy counter'))
  return {
    ...device,
    name: same.name,
    source: `${device.source}, ${same.source}`,
    lacks: anyOf([...new Set([...own, ...(same.lacks ?? [])])]),
  }
}
