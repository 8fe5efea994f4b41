import { MIB_PER_GIB } from '../../units.ts'
import { type Gpu, type GpuReadings, type GpuVendor, gpuOf } from '../gpu-fields.ts'
import type { ToolReport } from '../hardware.ts'
import type { Machine } from '../machine.ts'
import { absent, ok, type Reading } from '../reading.ts'
import { type CommandResult, explain, type RunCommand } from '../run-command.ts'
import { type Facts, listOf, objectIn } from './json-facts.ts'
import type { Vendor, VendorAnswer } from './vendor.ts'

const TOOL = 'system_profiler'
const TIMEOUT_MS = 10_000
const SETTING_TIMEOUT_MS = 2_000

/** Macs, through `system_profiler`: Apple's own GPUs, and those of other makers in older Macs. */
export const apple: Vendor = { name: 'apple', tool: TOOL, ask: askApple }

async function askApple({ platform, runCommand }: Machine): Promise<VendorAnswer> {
  if (platform !== 'darwin') return { gpus: [], reports: [] }
  const [profile, memoryLimitMib, powerMode] = await Promise.all([
    runCommand(TOOL, ['SPHardwareDataType', 'SPDisplaysDataType', '-json'], {
      timeoutMs: TIMEOUT_MS,
    }),
    readMemoryLimit(runCommand),
    readPowerMode(runCommand),
  ])
  const { tookMs } = profile
  if (profile.kind !== 'exited') return { gpus: [], reports: [failureReport(profile)] }
  const facts = objectIn(profile.stdout)
  if (facts === undefined) {
    // Its output names the machine and so is not quoted.
    const detail = `exit code ${profile.exitCode}, and what it printed is no JSON`
    return { gpus: [], reports: [{ tool: TOOL, outcome: 'failed', detail, tookMs }] }
  }
  const machine = listOf(facts.SPHardwareDataType)[0] ?? {}
  const settings = { memoryLimitMib, powerMode }
  const gpus = listOf(facts.SPDisplaysDataType).flatMap((display, index) =>
    gpuOfDisplay(display, machine, index, settings),
  )
  return { gpus, reports: [{ tool: TOOL, outcome: 'ok', tookMs }] }
}

function failureReport(result: Exclude<CommandResult, { kind: 'exited' }>): ToolReport {
  const { kind, tookMs } = result
  if (kind === 'not-found') return { tool: TOOL, outcome: kind, tookMs }
  return { tool: TOOL, outcome: kind, detail: explain(result), tookMs }
}

type Settings = Pick<GpuReadings, 'memoryLimitMib' | 'powerMode'>

/** None of makers that this program does not know: virtual machines show such. */
function gpuOfDisplay(
  display: Facts,
  machine: Facts,
  index: number,
  settings: Settings,
): readonly Gpu[] {
  const vendor = vendorOf(display)
  if (vendor === undefined) return []
  const own = vendor === 'apple' ? unifiedReadings(machine, settings) : otherReadings(display)
  const readings = {
    name: read(display, 'sppci_model', text),
    gpuCores: read(display, 'sppci_cores', count),
    computeApi: read(display, 'spdisplays_mtlgpufamilysupport', metal),
    driverVersion: absent('part of macOS', TOOL),
    ...own,
  }
  const otherwise = { reason: 'macOS tells it to nobody, or to root only', source: TOOL }
  return [gpuOf(vendor, index, readings, otherwise)]
}

/** The GPU is soldered to its machine: the machine's identifiers are its own. */
function unifiedReadings(machine: Facts, settings: Settings): Partial<GpuReadings> {
  const shared = absent("shares the machine's memory", TOOL)
  return {
    uuid: read(machine, 'platform_UUID', text),
    serial: read(machine, 'serial_number', text),
    integrated: ok(true, TOOL),
    memoryUnified: ok(true, TOOL),
    vramTotalMib: shared,
    vramReservedMib: shared,
    vramUsedMib: shared,
    vramFreeMib: shared,
    ...settings,
  }
}

function otherReadings(display: Facts): Partial<GpuReadings> {
  const integrated = display.spdisplays_vram_shared !== undefined
  return {
    integrated: ok(integrated, `${TOOL} spdisplays_vram_shared`),
    memoryUnified: ok(integrated, `${TOOL} spdisplays_vram_shared`),
    vramTotalMib: read(display, 'spdisplays_vram', mib),
  }
}

/** As `sppci_vendor_Apple`, `sppci_vendor_amd`, `Intel` or `NVIDIA (0x10de)`. */
function vendorOf(display: Facts): GpuVendor | undefined {
  const said = String(display.spdisplays_vendor ?? display.sppci_model ?? '').toLowerCase()
  return (['apple', 'nvidia', 'intel', 'amd'] as const).find((vendor) => said.includes(vendor))
}

function read<T>(facts: Facts, key: string, convert: (value: string) => T | undefined): Reading<T> {
  const source = `${TOOL} ${key}`
  const said = facts[key]
  if (typeof said !== 'string') return absent(`${TOOL} does not tell it`, source)
  const value = convert(said.trim())
  return value === undefined ? absent('not understood', source) : ok(value, source)
}

function text(value: string): string | undefined {
  return value === '' ? undefined : value
}

function count(value: string): number | undefined {
  return /^[1-9]\d*$/.test(value) ? Number(value) : undefined
}

/** `spdisplays_metal4`, of older releases `spdisplays_metalfeatureset...`, which names no version. */
function metal(value: string): string | undefined {
  const version = /^spdisplays_metal(\d+)$/.exec(value)?.[1]
  return version === undefined ? undefined : `Metal ${version}`
}

/** `4 GB`, `1536 MB`: powers of 2 under their old names. */
function mib(value: string): number | undefined {
  const [, size, unit] = /^(\d+)\s*(MB|GB)$/.exec(value) ?? []
  if (size === undefined) return undefined
  return unit === 'GB' ? Number(size) * MIB_PER_GIB : Number(size)
}

/** What somebody set with `sysctl iogpu.wired_limit_mb`; 0 leaves it to macOS. */
async function readMemoryLimit(runCommand: RunCommand): Promise<Reading<number>> {
  const source = 'sysctl iogpu.wired_limit_mb'
  const result = await runCommand('sysctl', ['-n', 'iogpu.wired_limit_mb'], {
    timeoutMs: SETTING_TIMEOUT_MS,
  })
  if (result.kind !== 'exited') return absent(explain(result), source)
  const limit = result.stdout.trim()
  if (limit === '0') return absent('left to macOS', source)
  const value = count(limit)
  return value === undefined ? absent('this macOS does not know it', source) : ok(value, source)
}

const powerModes: Readonly<Record<string, string>> = {
  'lowpowermode 0': 'automatic',
  'lowpowermode 1': 'low power',
  'powermode 0': 'automatic',
  'powermode 1': 'low power',
  'powermode 2': 'high power',
}

/** Macs that have a high power mode call the setting `powermode`, the others `lowpowermode`. */
async function readPowerMode(runCommand: RunCommand): Promise<Reading<string>> {
  const source = 'pmset -g'
  const result = await runCommand('pmset', ['-g'], { timeoutMs: SETTING_TIMEOUT_MS })
  if (result.kind !== 'exited') return absent(explain(result), source)
  const lines = result.stdout.split('\n').map((line) => line.trim().replace(/\s+/g, ' '))
  const mode = lines.map((line) => powerModes[line]).find((known) => known !== undefined)
  return mode === undefined ? absent('this Mac has no such setting', source) : ok(mode, source)
}
