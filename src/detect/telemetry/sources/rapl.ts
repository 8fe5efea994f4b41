import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { systemErrorCode } from '../../../errors.ts'
import { standingStill } from '../moving-counter.ts'
import type { TelemetryDevice, TelemetryScope } from '../sample.ts'
import type { OpenSource, OwnReading, SamplerWorld, TelemetrySource } from '../source.ts'
import { namesIn, plainNumber, readSmall, type WatchedFile, watchFile } from '../watched-file.ts'

const FOLDER = 'sys/class/powercap'
const REMEDY = `sudo chmod a+r /${FOLDER}/intel-rapl:*/energy_uj (until the next boot)`
const UJ_PER_J = 1_000_000
const MS_PER_S = 1000
/** More than any package or machine can draw: what would need more is a counter begun anew, no wrap. */
const PLAUSIBLE_W = 20_000

/**
 * Energy of processor packages and their memory, from Intel's and AMD's own counters (the folder is
 * `intel-rapl` for both). Packages and memory are devices of their own and are never added up: some
 * processors count memory in the package. GPUs, fans and the loss in power supplies are in none.
 * There is no `tick`: the counter moves every millisecond, so a look is as exact as its own moment.
 */
export const rapl: TelemetrySource = { name: 'rapl', open: openRapl }

interface Zone {
  readonly id: string
  readonly scope: TelemetryScope
  readonly name: string
  readonly note?: string
  readonly folder: string
}

async function openRapl(world: SamplerWorld): Promise<OpenSource | { readonly none: string }> {
  if (world.platform !== 'linux') return { none: 'only on Linux' }
  const zones = zonesIn(join(world.root, FOLDER))
  if (zones.length === 0) return { none: `no package under /${FOLDER}` }
  const readable = zones.filter(({ folder }) => problemWith(folder) === undefined)
  if (readable.length === 0) return { none: problemWith(zones[0]?.folder ?? '') ?? 'not readable' }
  const counters = readable.map(openCounter)
  const still = await standingStill(
    counters.map(
      ({ file }) =>
        () =>
          plainNumber(file.text()),
    ),
  )
  return {
    devices: readable.map((zone, place) => deviceOf(zone, still[place] === true)),
    look: () => counters.flatMap((counter, device) => lookAt(counter, device, world.nowMs)),
    close: async () => {
      for (const { file } of counters) file.close()
    },
  }
}

/**
 * Zones that count something of their own. The same package may be there a second time, by another
 * register (`intel-rapl-mmio`): it counts only where the first is missing. Core and uncore are parts
 * of the package.
 */
function zonesIn(folder: string): readonly Zone[] {
  const named = (control: string) =>
    namesIn(folder)
      .filter((name) => new RegExp(`^${control}:[^:]+(:[^:]+)?$`).test(name))
      .map((name) => join(folder, name))
  const folders =
    [named('intel-rapl'), named('intel-rapl-mmio')].find((all) => all.length > 0) ?? []
  const seen = new Set<string>()
  return folders.flatMap(zoneOf).filter(({ id }) => !seen.has(id) && seen.add(id))
}

function zoneOf(folder: string): readonly Zone[] {
  const name = readSmall(join(folder, 'name')) ?? ''
  if (name.startsWith('package-')) {
    return [{ id: name, scope: 'cpu-package', name: `CPU ${name}`, folder }]
  }
  if (name === 'dram') {
    const owner = readSmall(join(folder.replace(/:[^:]+$/, ''), 'name')) ?? folder
    return [{ id: `${owner}/dram`, scope: 'dram', name: `Memory of ${owner}`, folder }]
  }
  // Not `node`: a management controller may tell that too, and the two are not one.
  if (name === 'psys') {
    const note = 'certain bounds: what of the machine psys counts is up to the board’s maker'
    return [{ id: 'psys', scope: 'soc', name: 'Platform (psys)', note, folder }]
  }
  return []
}

/** Why a zone's counter cannot be read. Root only since CVE-2020-8694. */
function problemWith(folder: string): string | undefined {
  try {
    readFileSync(join(folder, 'energy_uj'))
    return undefined
  } catch (error) {
    const code = systemErrorCode(error)
    const forbidden = code === 'EACCES' || code === 'EPERM'
    return forbidden
      ? `only root may read the energy counters: ${REMEDY}`
      : `no energy counter in ${folder}: ${code}`
  }
}

function deviceOf({ id, scope, name, note }: Zone, still: boolean): TelemetryDevice {
  const stuck = still ? 'its energy counter does not move: not believed until it does' : undefined
  const lacks = [note, stuck].filter((text) => text !== undefined)
  return { id, scope, source: `/${FOLDER}`, name, ...(lacks.length > 0 && { lacks }) }
}

interface Counter {
  readonly file: WatchedFile
  readonly unwrap: (rawUj: number, atMs: number) => number | undefined
}

function openCounter({ folder }: Zone): Counter {
  const file = watchFile(join(folder, 'energy_uj'))
  if (file === undefined) throw new Error(`${folder} could be read and now cannot`)
  return { file, unwrap: unwrapper(plainNumber(readSmall(join(folder, 'max_energy_range_uj')))) }
}

/**
 * A counter that goes round is made one that only rises. It is taken for gone round only where what
 * that makes it count since the last look can be; else it began anew, and is handed on as it is, so
 * that it is seen to. Nothing is told before it first moves.
 *
 * @param rangeUj where it goes round, µJ
 */
export function unwrapper(
  rangeUj: number | undefined,
): (rawUj: number, atMs: number) => number | undefined {
  let last: { readonly rawUj: number; readonly atMs: number } | undefined
  let roundsUj = 0
  let moved = false
  return (rawUj, atMs) => {
    if (last !== undefined && rawUj < last.rawUj) {
      const countedJ = rangeUj === undefined ? Infinity : (rangeUj - last.rawUj + rawUj) / UJ_PER_J
      const canBe = countedJ <= (PLAUSIBLE_W * (atMs - last.atMs)) / MS_PER_S
      roundsUj = canBe ? roundsUj + (rangeUj ?? 0) : 0
    }
    moved ||= last !== undefined && rawUj !== last.rawUj
    last = { rawUj, atMs }
    return moved ? (roundsUj + rawUj) / UJ_PER_J : undefined
  }
}

function lookAt(
  { file, unwrap }: Counter,
  device: number,
  nowMs: () => number,
): readonly OwnReading[] {
  const rawUj = plainNumber(file.text())
  const atMs = nowMs()
  const energyJ = rawUj === undefined ? undefined : unwrap(rawUj, atMs)
  return energyJ === undefined ? [] : [{ device, atMs, energyJ }]
}
