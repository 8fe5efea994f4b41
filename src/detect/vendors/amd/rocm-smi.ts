import { type Gpu, gpuOf } from '../../gpu-fields.ts'
import type { Topology } from '../../hardware.ts'
import { pciAddressOf } from '../../pci-address.ts'
import { absent, ok, type Reading, readingValue } from '../../reading.ts'
import { pcieGenerationOf } from '../pci/link.ts'
import {
  celsius,
  driverText,
  gfxText,
  isObject,
  type JsonObject,
  megahertz,
  mibOfBytes,
  nameText,
  performanceText,
  ratioOfPercent,
  readJson,
  serialText,
  text,
  uuidOfSerial,
  watts,
  wholeNumber,
} from './json.ts'

export const ROCM_SMI = 'rocm-smi'

/** What `rocm-smi --json` told. Undefined when it is no JSON with a card in it. */
export function readRocmSmi(
  output: string,
): { readonly gpus: Gpu[]; readonly topology?: Topology } | undefined {
  const json = readJson(output)
  if (!isObject(json)) return undefined
  const system = isObject(json.system) ? json.system : {}
  const gpus = Object.entries(json).flatMap(([key, card]) => {
    const index = /^card(\d+)$/.exec(key)?.[1]
    return index !== undefined && isObject(card) ? [gpuOfCard(Number(index), card, system)] : []
  })
  if (gpus.length === 0) return undefined
  const topology = topologyOf(gpus, system)
  return { gpus, ...(topology === undefined ? {} : { topology }) }
}

/** Keys change with release and product, in words, case and colons: hence patterns. The first that says something counts. */
function gpuOfCard(index: number, card: JsonObject, system: JsonObject): Gpu {
  const read = <T>(keys: readonly RegExp[], convert: (cell: unknown) => T | undefined) =>
    readKey(card, keys, convert)
  const total = read([/^vram total memory/i], mibOfBytes)
  const used = read([/^vram total used/i], mibOfBytes)
  const readings = {
    name: read([/^card series$/i, /^device name$/i, /^card model$/i], nameText),
    pciAddress: read([/^pci bus$/i], (cell) => pciAddressOf(text(cell) ?? '')),
    uuid: read([/^unique id$/i], uuidOfSerial),
    serial: read([/^serial number$/i], serialText),
    computeCapability: read([/^gfx version$/i], gfxText),
    vramTotalMib: total,
    vramUsedMib: used,
    vramFreeMib: difference(total, used),
    driverVersion: readKey(system, [/^driver version$/i], driverText),
    vbiosVersion: read([/^vbios version$/i], text),
    firmwareVersion: read([/^smc firmware version$/i], (cell) => {
      const version = text(cell)
      return version === undefined ? undefined : `SMC ${version}`
    }),
    powerLimitEnforcedW: read([/^max graphics package power/i], watts),
    powerW: read([/^(average|current).*package power/i], watts),
    temperatureC: read([/sensor edge/i, /sensor junction/i], celsius),
    temperatureMemoryC: read([/sensor (memory|mem|hbm 0)\b/i], celsius),
    clockSmMhz: read([/^sclk clock speed/i, /^sclk clock level/i], clockText),
    clockSmMaxMhz: read([/^valid sclk range/i], highestOfRange),
    clockMemoryMhz: read([/^mclk clock speed/i, /^mclk clock level/i], clockText),
    clockMemoryMaxMhz: read([/^valid mclk range/i], highestOfRange),
    utilisationRatio: read([/^gpu use/i], ratioOfPercent),
    performanceState: read([/^performance level$/i], performanceText),
    computeMode: partitioningOf(card),
    pcieGenerationNow: read([/^pcie clock level/i], (cell) => linkText(cell)?.generation),
    pcieWidthNow: read([/^pcie clock level/i], (cell) => linkText(cell)?.width),
    numaNode: read(
      [keyOf(card, /numa affinity$/i) === undefined ? /numa node$/i : /numa affinity$/i],
      wholeNumber,
    ),
  }
  return gpuOf('amd', index, readings, {
    reason: `${ROCM_SMI} does not tell it`,
    source: ROCM_SMI,
  })
}

function readKey<T>(
  object: JsonObject,
  keys: readonly RegExp[],
  convert: (cell: unknown) => T | undefined,
): Reading<T> {
  const there = keys.flatMap((key) => Object.keys(object).filter((name) => key.test(name)))
  for (const name of there) {
    const value = convert(object[name])
    if (value !== undefined) return ok(value, `${ROCM_SMI} ${name}`)
  }
  const name = there[0]
  if (name === undefined) return absent(`${ROCM_SMI} does not tell it`, ROCM_SMI)
  return absent(`${ROCM_SMI} says ${String(object[name]).slice(0, 60)}`, `${ROCM_SMI} ${name}`)
}

function keyOf(object: JsonObject, pattern: RegExp): string | undefined {
  return Object.keys(object).find((name) => pattern.test(name))
}

function difference(total: Reading<number>, used: Reading<number>): Reading<number> {
  if (total.status === 'absent') return total
  if (used.status === 'absent') return used
  return ok(total.value - used.value, `${total.source} - ${used.source}`)
}

/** `(1200Mhz)`, or `0 (1200Mhz)` after a level. */
function clockText(cell: unknown): number | undefined {
  return megahertz(/\((\d+(?:\.\d+)?[GM]hz)\)/i.exec(text(cell) ?? '')?.[1])
}

/** `139Mhz - 2100Mhz`. */
function highestOfRange(cell: unknown): number | undefined {
  return megahertz(/- *(\d+(?:\.\d+)?[GM]hz)$/i.exec(text(cell) ?? '')?.[1])
}

/** `1 (16.0GT/s x16)`: level, lane speed and lanes of now. */
function linkText(cell: unknown): { generation: number | undefined; width: number } | undefined {
  const match = /\((\d+(?:\.\d+)?)GT\/s x(\d+)\)/.exec(text(cell) ?? '')
  if (!match) return undefined
  return { generation: pcieGenerationOf(Number(match[1])), width: Number(match[2]) }
}

function partitioningOf(card: JsonObject): Reading<string> {
  const compute = readKey(card, [/^compute partition$/i], text)
  const memory = readKey(card, [/^memory partition$/i], text)
  if (compute.status === 'absent' || memory.status === 'absent') return compute
  return ok(`${compute.value}/${memory.value}`, compute.source)
}

/** `(Topology) Link type between DRM devices 0 and 1`, once a pair, beside the cards. Undefined for fewer than two GPUs. */
function topologyOf(gpus: readonly Gpu[], system: JsonObject): Topology | undefined {
  const kinds = new Map<string, string>()
  for (const [key, kind] of Object.entries(system)) {
    const pair = /Link type between DRM devices (\d+) and (\d+)$/.exec(key)
    const said = text(kind)
    if (!pair || said === undefined) continue
    kinds.set(`${pair[1]} ${pair[2]}`, said)
    kinds.set(`${pair[2]} ${pair[1]}`, said)
  }
  if (gpus.length < 2 || kinds.size === 0) return undefined
  return {
    gpus: gpus.map(({ pciAddress, index }) => readingValue(pciAddress) ?? `card${index}`),
    links: gpus.map((from) =>
      gpus.map((to) =>
        from.index === to.index ? 'SELF' : (kinds.get(`${from.index} ${to.index}`) ?? 'n/a'),
      ),
    ),
  }
}
