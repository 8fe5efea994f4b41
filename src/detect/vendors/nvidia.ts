import { type Gpu, gpuOf } from '../gpu-fields.ts'
import type { ToolReport } from '../hardware.ts'
import type { Machine } from '../machine.ts'
import type { Reading } from '../reading.ts'
import { type CommandResult, explain } from '../run-command.ts'
import type { Vendor, VendorAnswer } from './vendor.ts'

const TOOL = 'nvidia-smi'
const TIMEOUT_MS = 5_000
const DETAIL_CHARACTERS = 200

/**
 * The fields asked for. The PCIe figures are the most that GPU and slot can do together: the current
 * ones drop when the GPU idles, and detection finds it idle.
 */
const wantedFields = [
  'index',
  'name',
  'pci.bus_id',
  'memory.total',
  'memory.reserved',
  'memory.used',
  'memory.free',
  'driver_version',
  'compute_cap',
  'enforced.power.limit',
  'power.default_limit',
  'power.draw',
  'temperature.gpu',
  'clocks.current.sm',
  'clocks.max.sm',
  'ecc.mode.current',
  'mig.mode.current',
  'pcie.link.gen.max',
  'pcie.link.width.max',
] as const

type Field = (typeof wantedFields)[number]

/** NVIDIA, through `nvidia-smi`. It refuses a whole query over one field it does not know, so its list of fields is asked first. */
export const nvidia: Vendor = { name: 'nvidia', tool: TOOL, ask: askNvidia }

async function askNvidia({ runCommand }: Machine): Promise<VendorAnswer> {
  const help = await runCommand(TOOL, ['--help-query-gpu'], { timeoutMs: TIMEOUT_MS })
  if (help.kind !== 'exited' || help.exitCode !== 0) {
    return { gpus: [], reports: [failureReport(help, help.tookMs)] }
  }
  const known = readKnownFields(help.stdout)
  const fields = wantedFields.filter((field) => known.has(field))
  if (fields.length === 0) {
    return { gpus: [], reports: [strangeReport(help.stdout, help.tookMs)] }
  }
  const query = [`--query-gpu=${fields.join(',')}`, '--format=csv,noheader,nounits']
  const answer = await runCommand(TOOL, query, { timeoutMs: TIMEOUT_MS })
  return readAnswer(fields, answer, help.tookMs + answer.tookMs)
}

/** Names, aliases included, of the fields that this driver's `--query-gpu` knows. */
export function readKnownFields(help: string): Set<string> {
  const names = linesOf(help)
    .filter((line) => /^"[\w.]+"( or "[\w.]+")*$/.test(line))
    .flatMap((line) => [...line.matchAll(/"([\w.]+)"/g)].map((match) => match[1] ?? ''))
  return new Set(names)
}

function readAnswer(fields: readonly Field[], answer: CommandResult, tookMs: number): VendorAnswer {
  if (answer.kind !== 'exited') return { gpus: [], reports: [failureReport(answer, tookMs)] }
  const { gpus, strangeLines } = readGpus(fields, answer.stdout)
  // Without a GPU some drivers exit with 0 and some do not; either way the tool has answered.
  if (strangeLines.some((line) => /^no devices were found/i.test(line))) {
    return {
      gpus,
      reports: [{ tool: TOOL, outcome: 'ok', detail: 'No devices were found', tookMs }],
    }
  }
  if (answer.exitCode !== 0) return { gpus, reports: [failureReport(answer, tookMs)] }
  if (strangeLines[0] !== undefined)
    return { gpus, reports: [strangeReport(strangeLines[0], tookMs)] }
  return { gpus, reports: [{ tool: TOOL, outcome: 'ok', tookMs }] }
}

/** One GPU a line, and the lines that are none: complaints about a lost GPU stand between the others' rows. */
export function readGpus(
  fields: readonly string[],
  csv: string,
): { readonly gpus: Gpu[]; readonly strangeLines: string[] } {
  const gpus: Gpu[] = []
  const strangeLines: string[] = []
  for (const line of linesOf(csv)) {
    const cells = line.split(/\s*,\s*/)
    if (cells.length === fields.length) gpus.push(gpuOfRow(fields, cells, gpus.length))
    else strangeLines.push(line)
  }
  return { gpus, strangeLines }
}

function gpuOfRow(fields: readonly string[], cells: readonly string[], position: number): Gpu {
  const read = <T>(field: Field, convert: (cell: string) => T | undefined): Reading<T> =>
    reading(field, cells[fields.indexOf(field)], convert)
  const index = read('index', number)
  const readings = {
    name: read('name', text),
    pciAddress: read('pci.bus_id', pciAddress),
    vramTotalMib: read('memory.total', number),
    vramReservedMib: read('memory.reserved', number),
    vramUsedMib: read('memory.used', number),
    vramFreeMib: read('memory.free', number),
    driverVersion: read('driver_version', text),
    computeCapability: read('compute_cap', text),
    powerLimitEnforcedW: read('enforced.power.limit', number),
    powerLimitDefaultW: read('power.default_limit', number),
    powerW: read('power.draw', number),
    temperatureC: read('temperature.gpu', number),
    clockSmMhz: read('clocks.current.sm', number),
    clockSmMaxMhz: read('clocks.max.sm', number),
    eccEnabled: read('ecc.mode.current', flag),
    migEnabled: read('mig.mode.current', flag),
    pcieGeneration: read('pcie.link.gen.max', number),
    pcieWidth: read('pcie.link.width.max', number),
  }
  const place = index.status === 'ok' ? index.value : position
  return gpuOf('nvidia', place, readings, { reason: 'not asked for', source: TOOL })
}

function reading<T>(
  field: Field,
  cell: string | undefined,
  convert: (cell: string) => T | undefined,
): Reading<T> {
  const source = `${TOOL} ${field}`
  if (cell === undefined) {
    return { status: 'absent', reason: 'this driver does not know the field', source }
  }
  const value = convert(cell)
  if (value !== undefined) return { status: 'ok', value, source }
  return { status: 'absent', reason: `${TOOL} says ${cell === '' ? 'nothing' : cell}`, source }
}

/** What is not to be had comes in square brackets, mostly: `[N/A]`, `[Not Supported]`, `[Unknown Error]`. */
function text(cell: string): string | undefined {
  return cell === '' || cell === 'N/A' || cell.startsWith('[') ? undefined : cell
}

function number(cell: string): number | undefined {
  return /^-?\d+(\.\d+)?$/.test(cell) ? Number(cell) : undefined
}

function flag(cell: string): boolean | undefined {
  if (cell === 'Enabled') return true
  return cell === 'Disabled' ? false : undefined
}

/** Lower case with the domain in four digits: this tool prints eight, the kernel and other tools four. */
function pciAddress(cell: string): string | undefined {
  const match = /^([\da-f]{4,8}):([\da-f]{2}:[\da-f]{2}\.[\da-f])$/.exec(cell.toLowerCase())
  if (match?.[1] === undefined || match[2] === undefined) return undefined
  return `${Number.parseInt(match[1], 16).toString(16).padStart(4, '0')}:${match[2]}`
}

/** Why there is no answer, or not all of it. */
function failureReport(result: CommandResult, tookMs: number): ToolReport {
  if (result.kind === 'not-found') return { tool: TOOL, outcome: 'not-found', tookMs }
  if (result.kind !== 'exited') {
    return { tool: TOOL, outcome: result.kind, detail: explain(result), tookMs }
  }
  const said = linesOf(`${result.stdout}\n${result.stderr}`)[0]
  const detail = `exit code ${result.exitCode}${said === undefined ? '' : `: ${shortened(said)}`}`
  return { tool: TOOL, outcome: 'failed', detail, tookMs }
}

function strangeReport(output: string, tookMs: number): ToolReport {
  const said = linesOf(output)[0]
  const detail = said === undefined ? 'printed nothing' : `not understood: ${shortened(said)}`
  return { tool: TOOL, outcome: 'failed', detail, tookMs }
}

function shortened(line: string): string {
  return line.length > DETAIL_CHARACTERS ? `${line.slice(0, DETAIL_CHARACTERS)}...` : line
}

/** Lines with something on them, without terminal codes, carriage returns and a byte order mark. */
function linesOf(output: string): string[] {
  return output
    .split('\n')
    .map((line) => line.replace(/\p{Cc}\[[\d;]*m|\p{Cc}|\uFEFF/gu, '').trim())
    .filter((line) => line !== '')
}
