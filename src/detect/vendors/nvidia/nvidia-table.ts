import { type Gpu, type GpuReadings, gpuOf } from '../../gpu-fields.ts'
import { pciAddressOf } from '../../pci-address.ts'
import { absent, ok, type Reading } from '../../reading.ts'
import { processOf } from './csv.ts'
import { noValue, quantity, readWords, TOOL, text, withoutCodes } from './values.ts'

const SOURCE = `${TOOL} (table)`
const PERCENT = 100
const NO_PROCESSES = /No running processes found/i

/** GPUs of the table that a bare `nvidia-smi` prints; a row that was cut off is left out. */
export function readTableGpus(output: string): Gpu[] {
  const lines = withoutCodes(output)
    .split('\n')
    .map((line) => line.trim())
  const heading = lines.find((line) => /(Driver|KMD) Version/.test(line)) ?? ''
  const end = lines.findIndex((line) => /^\| *(MIG devices|Processes):/i.test(line))
  const table = end < 0 ? lines : lines.slice(0, end)
  const processes = processLines(lines)
  return table.flatMap((line, at) => {
    const rows = [line, table[at + 1] ?? '', table[at + 2] ?? ''].map(cellsOf)
    const index = /^(\d+) /.exec(rows[0]?.[0] ?? '')?.[1]
    if (index === undefined || rows.some((cells) => cells.length !== COLUMNS)) return []
    const readings = { ...driverOf(heading), ...readingsOf(rows) }
    const own = { processes: processesOf(Number(index), processes) }
    return [gpuOf('nvidia', Number(index), { ...readings, ...own }, notTold)]
  })
}

const COLUMNS = 3
const notTold = { reason: `the table of ${TOOL} does not tell it`, source: SOURCE }

/** None of a line that its right edge is missing of. */
function cellsOf(line: string): string[] {
  return /^\|.*\|$/.test(line)
    ? line
        .slice(1, -1)
        .split('|')
        .map((cell) => cell.trim())
    : []
}

function driverOf(heading: string): Partial<GpuReadings> {
  const said = (label: string) => new RegExp(`${label}: *([\\w./]+)`).exec(heading)?.[1] ?? ''
  return {
    driverVersion: read(said('(?:Driver|KMD) Version'), text),
    computeApi: read(said('CUDA (?:UMD )?Version'), (words) =>
      /^\d+(\.\d+)+$/.test(words) ? `CUDA ${words}` : undefined,
    ),
  }
}

function readingsOf(rows: readonly (readonly string[])[]): Partial<GpuReadings> {
  const [names = [], figures = [], modes = []] = rows
  const [, name = '', persistence = ''] =
    /^\d+ +(.*?) +(On|Off|N\/A|WDDM|TCC|MCDM)$/.exec(names[0] ?? '') ?? []
  const [, celsius = '', state = '', powerW = '', limitW = ''] =
    /^(?:\S+) +(\S+) +(\S+) +(\S+) *\/ *(\S+)$/.exec(figures[0] ?? '') ?? []
  const [used = '', total = ''] = (figures[1] ?? '').split('/').map((words) => words.trim())
  const [, busy = '', computeMode = ''] = /^(\S+) +(.*)$/.exec(figures[2] ?? '') ?? []
  const ecc = names[2] ?? ''
  return {
    name: nameOf(name),
    pciAddress: read(/^\S+/.exec(names[1] ?? '')?.[0] ?? '', pciAddressOf),
    persistenceEnabled: read(persistence, onOrOff),
    temperatureC: read(celsius, quantity('C')),
    performanceState: read(state, text),
    powerW: read(powerW, quantity('W')),
    powerLimitEnforcedW: read(limitW, quantity('W')),
    vramUsedMib: read(used, quantity('MiB')),
    vramTotalMib: read(total, quantity('MiB')),
    utilisationRatio: read(busy, ratio),
    computeMode: read(computeMode, text),
    eccEnabled: read(ecc, eccMode),
    eccUncorrectedErrors: read(ecc, quantity('')),
    // Before Ampere's drivers this cell is empty.
    migEnabled: modes[2] ? read(modes[2], migMode) : absent(notTold.reason, SOURCE),
  }
}

function read<T>(words: string, convert: (said: string) => T | undefined): Reading<T> {
  return readWords(words, convert, SOURCE)
}

/** Older drivers cut names after some 20 characters: `NVIDIA GeForce ...`. */
function nameOf(words: string): Reading<string> {
  if (words.endsWith('...')) return absent(`cut off in the table: ${words}`, SOURCE)
  return read(words, text)
}

function onOrOff(words: string): boolean | undefined {
  if (words === 'On') return true
  return words === 'Off' ? false : undefined
}

/** A number is a count of errors, which only ECC finds. */
function eccMode(words: string): boolean | undefined {
  return quantity('')(words) === undefined ? onOrOff(words) : true
}

/** A star stands for a change that waits for a reset. */
function migMode(words: string): boolean | undefined {
  if (/^Enabled\*?$/.test(words)) return true
  return /^Disabled\*?$/.test(words) ? false : undefined
}

function ratio(words: string): number | undefined {
  const percent = quantity('%')(words)
  return percent === undefined ? undefined : percent / PERCENT
}

/** The part about processes, whole to its last line; absent where it is missing or cut off. */
function processLines(lines: readonly string[]): readonly string[] | undefined {
  const start = lines.findIndex((line) => /^\| *Processes:/i.test(line))
  const edge = lines.findIndex((line, at) => at > start && /^\|=+\|$/.test(line))
  const end = lines.findIndex((line, at) => at > edge && /^\+-+\+$/.test(line))
  return start < 0 || edge < 0 || end < 0 ? undefined : lines.slice(edge + 1, end)
}

const PROCESS =
  /^\| +(\d+) +(?:(?:N\/A|\d+) +(?:N\/A|\d+) +)?(\d+) +([CGM+]+) +(.*?) +(N\/A|\d+MiB) *\|$/

function processesOf(
  index: number,
  lines: readonly string[] | undefined,
): GpuReadings['processes'] {
  if (lines === undefined) return absent(notTold.reason, SOURCE)
  const rows = lines.map((line) => PROCESS.exec(line))
  const strange = lines.find((line, at) => rows[at] === null && !NO_PROCESSES.test(line))
  if (strange !== undefined) return noValue(strange, SOURCE)
  const computing = rows.flatMap((row) => {
    const [, gpu, pid = '', type = '', name = '', used = ''] = row ?? []
    return Number(gpu) === index && type.includes('C') ? [processOf(pid, name, used)] : []
  })
  return ok(computing, SOURCE)
}
