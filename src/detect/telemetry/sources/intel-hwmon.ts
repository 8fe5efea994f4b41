import { join } from 'node:path'
import { believeWhenMoving, standingStill } from '../moving-counter.ts'
import type { TelemetryDevice } from '../sample.ts'
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
  watchFile,
} from '../watched-file.ts'

const VENDOR = '0x8086'
const UJ_PER_J = 1_000_000
const UW_PER_W = 1_000_000
const MILLI = 1000

/**
 * Intel's boards by the `i915` and `xe` drivers' own files (the kernel's sysfs-driver-intel-i915-hwmon
 * and -xe-hwmon). The drivers unwrap the counter of 32 bits themselves. Processor graphics have no such
 * files: their energy is in the package's. No `tick`: the counter moves all the time.
 */
export const intelHwmon: TelemetrySource = { name: 'intel-hwmon', open: openIntel }

interface Card {
  readonly device: string
  readonly hwmon: string
  readonly files: ReturnType<typeof openFiles>
  readonly believe: (energyJ: number | undefined) => number | undefined
}

async function openIntel(world: SamplerWorld): Promise<OpenSource | { readonly none: string }> {
  if (world.platform !== 'linux') return { none: 'only on Linux' }
  const cards = drmCards(world.root, VENDOR).flatMap((device): readonly Card[] => {
    // `i915_gt0` is a part of the card, counted once more.
    const hwmon = hwmonsOf(device).find(({ name }) => name === 'i915' || name === 'xe')?.path
    if (hwmon === undefined) return []
    return [{ device, hwmon, files: openFiles(device, hwmon), believe: believeWhenMoving() }]
  })
  if (cards.length === 0)
    return { none: 'no Intel card with files of i915 or xe under /sys/class/drm' }
  const still = await standingStill(
    cards.map(
      ({ files }) =>
        () =>
          energyJ(files),
    ),
  )
  return {
    devices: cards.map((card, place) => deviceOf(card, still[place] === true)),
    look: () => cards.flatMap((card, device) => lookAt(card, device, world.nowMs())),
    close: async () => {
      for (const { files } of cards) {
        for (const file of Object.values(files)) file?.close()
      }
    },
  }
}

function openFiles(device: string, hwmon: string) {
  const energies = labelledInputs(hwmon, 'energy')
  const temps = labelledInputs(hwmon, 'temp')
  const open = (path: string | undefined) => (path === undefined ? undefined : watchFile(path))
  return {
    energy: open(energyPath(energies)),
    powerNow: watchFile(join(hwmon, 'power1_input')),
    powerAverage: watchFile(join(hwmon, 'power1_average')),
    temperature: open(temps.get('pkg') ?? temps.get('temp2') ?? temps.get('temp1')),
    memoryTemperature: open(temps.get('vram')),
    clock:
      watchFile(join(device, 'tile0/gt0/freq0/act_freq')) ??
      watchFile(join(device, '../gt_act_freq_mhz')),
  }
}

/**
 * The counter of the whole card; where that is at 0, as on some boards for ever, of the package on it.
 * Chosen once: going from one to the other would be a leap.
 */
function energyPath(energies: ReadonlyMap<string, string>): string | undefined {
  const card = energies.get('card') ?? energies.get('energy1')
  const counts = (path: string | undefined) => path !== undefined && Number(readSmall(path)) > 0
  return [card, energies.get('pkg')].find(counts) ?? card
}

/** 0 J is what a board says whose counter does not work. */
const energyJ = ({ energy }: Card['files']): number | undefined =>
  scaled(energy, UJ_PER_J) || undefined

function lookAt({ files, believe }: Card, device: number, atMs: number): readonly OwnReading[] {
  const values = {
    energyJ: believe(energyJ(files)),
    powerW: scaled(files.powerNow, UW_PER_W),
    powerAverageW: scaled(files.powerAverage, UW_PER_W),
    temperatureC: scaled(files.temperature, MILLI),
    temperatureMemoryC: scaled(files.memoryTemperature, MILLI),
    // A sleeping card has no clock.
    clockSmMhz: plainNumber(files.clock?.text()) || undefined,
  }
  return tellsAnything(values) ? [{ device, atMs, ...values }] : []
}

function deviceOf({ device, hwmon, files }: Card, still: boolean): TelemetryDevice {
  const pciAddress = slotOf(device)
  const zero = 'it is at 0, which a card in use never is'
  const stuck = energyJ(files) === undefined ? [zero] : still ? ['it stands still'] : []
  const counts = stuck.map((why) => `energy counter: ${why}; not believed until it moves`)
  const lacks = [
    files.energy ? counts : ['energy counter: the driver has no file for it'],
    files.powerNow || files.powerAverage ? [] : ['power: the driver has no file for it'],
    ['utilisation and throttle times: the driver has no file for them'],
  ].flat()
  const id = pciAddress ?? device
  return {
    id,
    scope: 'gpu',
    source: hwmon.replace(/^.*(\/sys\/)/, '$1'),
    name: `Intel GPU ${id}`,
    pciAddress,
    lacks,
  }
}
