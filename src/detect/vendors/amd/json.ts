import { BYTES_PER_MIB, MIB_PER_GIB } from '../../../units.ts'
import { absent, ok, type Reading } from '../../reading.ts'

/** Any JSON object. */
export type JsonObject = Readonly<Record<string, unknown>>

/** A figure with its unit as the tool writes it, where it does. */
interface Quantity {
  readonly value: number
  readonly unit: string | undefined
}

const KIB_PER_MIB = 1024
const MHZ_PER_GHZ = 1000
const MW_PER_W = 1000
const PERCENT = 100

/**
 * The JSON in what a tool printed: warnings may stand before and after it, and Python writes NaN
 * where JSON has none. Undefined when there is none or it is cut off.
 */
export function readJson(output: string): unknown {
  const text = output.replaceAll('\uFEFF', '')
  const start = text.search(/^[ \t]*[[{]/m)
  const end = Math.max(text.lastIndexOf('}'), text.lastIndexOf(']'))
  if (start < 0 || end < start) return undefined
  const json = text.slice(start, end + 1)
  return (
    parsed(json) ?? parsed(json.replace(/(?<=[:[,]\s*)(?:NaN|-?Infinity)(?=\s*[,}\]])/g, 'null'))
  )
}

function parsed(json: string): unknown {
  try {
    return JSON.parse(json)
  } catch {
    return undefined
  }
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** What lies at `a.b.c`; undefined where a part of the way is missing. */
export function at(value: unknown, path: string): unknown {
  let here = value
  for (const key of path.split('.')) here = isObject(here) ? here[key] : undefined
  return here
}

/**
 * The first of several cells that says something, converted. These tools rename their keys from
 * release to release. Absent with the tool's own words, or with what is made of the cell.
 */
export function readCell<T>(
  tool: string,
  object: unknown,
  paths: readonly string[],
  convert: (cell: unknown) => T | undefined,
): Reading<T> {
  const there = paths.filter((path) => at(object, path) !== undefined)
  for (const path of there) {
    const value = convert(at(object, path))
    if (value !== undefined) return ok(value, `${tool} ${path}`)
  }
  const path = there[0]
  if (path === undefined) return absent(`${tool} does not tell it`, `${tool} ${paths[0] ?? ''}`)
  return absent(`${tool} says ${shown(at(object, path))}`, `${tool} ${path}`)
}

/** Text that says something: not empty, not N/A in any spelling. */
export function text(cell: unknown): string | undefined {
  if (typeof cell === 'number') return String(cell)
  if (typeof cell !== 'string') return undefined
  const trimmed = cell.trim()
  return /^$|^n\/?a\b|^none$|^unknown$|not supported/i.test(trimmed) ? undefined : trimmed
}

/** A name for people: some releases print a bare PCI id instead. */
export function nameText(cell: unknown): string | undefined {
  const name = text(cell)
  return name === undefined || /^0x[\da-f]+$/i.test(name) ? undefined : name
}

/** A number of things, or an index; -1 and its unsigned forms stand for none. */
export function wholeNumber(cell: unknown): number | undefined {
  const value = quantity(cell)?.value
  const known = value !== undefined && Number.isSafeInteger(value) && value >= 0
  return known && value !== 0xffff && value !== 0xffff_ffff ? value : undefined
}

/** `{value, unit}`, a bare number, or text such as `32 GT/s`. A comma within a number is refused: it may be either sign. */
export function quantity(cell: unknown): Quantity | undefined {
  if (typeof cell === 'number')
    return Number.isFinite(cell) ? { value: cell, unit: undefined } : undefined
  if (isObject(cell)) {
    const value = quantity(cell.value)?.value
    if (value === undefined) return undefined
    return { value, unit: typeof cell.unit === 'string' ? cell.unit : undefined }
  }
  if (typeof cell !== 'string') return undefined
  const match = /^\(?(-?\d+(?:\.\d+)?) *([^\d\s,.)][^)]*)?\)?$/.exec(cell.trim())
  return match ? { value: Number(match[1]), unit: match[2]?.trim() } : undefined
}

/** Watts. 0 and 0xFFFF are what is said where nothing is measured: no GPU that answers draws nothing. */
export function watts(cell: unknown): number | undefined {
  const value = wattsOrNone(cell)
  return value === 0 || value === 0xffff ? undefined : value
}

/** Watts, where 0 is an answer: the lowest limit that may be set. */
export function wattsOrNone(cell: unknown): number | undefined {
  const read = quantity(cell)
  if (read === undefined || read.value < 0) return undefined
  switch (read.unit) {
    case undefined:
    case 'W':
      return read.value
    case 'mW':
      return read.value / MW_PER_W
    default:
      return undefined
  }
}

/** MiB. What these tools call MB is 1,048,576 bytes: amd-smi divides bytes by 1024 twice (amdsmi_commands.py, mem_usage). */
export function mib(cell: unknown): number | undefined {
  const read = quantity(cell)
  if (read === undefined || read.value < 0) return undefined
  switch (read.unit?.toUpperCase()) {
    case 'MB':
    case 'MIB':
      return read.value
    case 'GB':
    case 'GIB':
      return read.value * MIB_PER_GIB
    case 'KB':
    case 'KIB':
      return read.value / KIB_PER_MIB
    case 'B':
      return read.value / BYTES_PER_MIB
    default:
      return undefined
  }
}

/** Bytes as a bare number, in MiB. */
export function mibOfBytes(cell: unknown): number | undefined {
  const bytes = quantity(cell)
  return bytes === undefined || bytes.value < 0 ? undefined : bytes.value / BYTES_PER_MIB
}

/** °C. A limit of 0 is one that was not told, see `celsiusLimit`. */
export function celsius(cell: unknown): number | undefined {
  const read = quantity(cell)
  return read === undefined || !/^(°? ?C)?$/.test(read.unit ?? '') ? undefined : read.value
}

export function celsiusLimit(cell: unknown): number | undefined {
  const value = celsius(cell)
  return value === 0 ? undefined : value
}

export function megahertz(cell: unknown): number | undefined {
  const read = quantity(cell)
  if (read === undefined || read.value < 0) return undefined
  switch (read.unit?.toLowerCase()) {
    case undefined:
    case 'mhz':
      return read.value
    case 'ghz':
      return read.value * MHZ_PER_GHZ
    default:
      return undefined
  }
}

/** Per cent as a ratio. 0xFFFF is an unread register. */
export function ratioOfPercent(cell: unknown): number | undefined {
  const value = quantity(cell)?.value
  return value === undefined || value < 0 || value > PERCENT ? undefined : value / PERCENT
}

/**
 * ROCm's name of a GPU's unique number, as `rocminfo` prints it, so that every source tells the same:
 * `GPU-` and 16 hexadecimal digits.
 */
export function uuidOfSerial(cell: unknown): string | undefined {
  const digits = /^(?:0x)?([\da-f]{1,16})$/i.exec(text(cell) ?? '')?.[1]?.toLowerCase()
  if (digits === undefined || /^(0+|f+)$/.test(digits)) return undefined
  return `GPU-${digits.padStart(16, '0')}`
}

/** Serial number of the board; some boards have the digit 0 in its place. */
export function serialText(cell: unknown): string | undefined {
  const serial = text(cell)
  return serial === undefined || /^(0x)?0+$/.test(serial) ? undefined : serial
}

/** Drivers of the kernel itself tell the kernel's version, or its whole banner without spaces. */
export function driverText(cell: unknown): string | undefined {
  const version = text(cell)
  const banner = /^Linux ?version ?(\d[\w.+-]*)/.exec(version ?? '')?.[1]
  return banner === undefined ? version : `in kernel ${banner}`
}

/** `AMDSMI_DEV_PERF_LEVEL_AUTO` and `auto` are one. */
export function performanceText(cell: unknown): string | undefined {
  return text(cell)
    ?.replace(/^AMDSMI_DEV_PERF_LEVEL_/, '')
    .toLowerCase()
}

export function gfxText(cell: unknown): string | undefined {
  return /^gfx[\da-f]{3,5}$/.exec(text(cell)?.toLowerCase() ?? '')?.[0]
}

function shown(cell: unknown): string {
  const read = quantity(cell)
  if (read) return `${read.value}${read.unit === undefined ? '' : ` ${read.unit}`}`
  if (isObject(cell) && cell.value !== undefined) return shown(cell.value)
  const words = typeof cell === 'string' ? cell.trim() : JSON.stringify(cell)
  return words === '' ? 'nothing' : words.slice(0, 60)
}
