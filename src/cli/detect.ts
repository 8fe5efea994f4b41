import { join } from 'node:path'
import { detectHardware } from '../detect/detect-hardware.ts'
import type { Gpu } from '../detect/gpu-fields.ts'
import type { Hardware, ToolReport } from '../detect/hardware.ts'
import {
  type HardwareProfile,
  loadHardwareProfiles,
  matchProfile,
  profileOf,
} from '../detect/hardware-profile.ts'
import type { Host } from '../detect/host-fields.ts'
import type { Reading } from '../detect/reading.ts'
import { exitCodes } from '../errors.ts'
import { packageRoot } from '../package-files.ts'
import { MIB_PER_GIB } from '../units.ts'

/** Prints what this machine is. No GPU is an answer too, so the exit code is 0 either way. */
export async function detectCommand(
  options: { readonly json: boolean },
  io: { readonly stdout: (text: string) => void; readonly stderr: (text: string) => void },
  detect: () => Promise<Hardware> = detectHardware,
): Promise<number> {
  const profiles = await loadHardwareProfiles(join(packageRoot, 'hardware-profiles'))
  const hardware = await detect()
  io.stdout(options.json ? asJson(hardware, profiles) : asText(hardware, profiles))
  return exitCodes.valid
}

function asJson(hardware: Hardware, profiles: readonly HardwareProfile[]): string {
  const hardwareProfile = profileOf(hardware, profiles)?.id
  return `${JSON.stringify({ ...hardware, hardwareProfile }, null, 2)}\n`
}

function asText(hardware: Hardware, profiles: readonly HardwareProfile[]): string {
  const gpus = hardware.gpus.length === 0 ? noGpuLines() : gpuLines(hardware.gpus)
  const blocks = [
    ['Host', ...indented(table(hostRows(hardware.host)))],
    gpus,
    ['Asked', ...indented(table(hardware.tools.map(toolRow)))],
    ['Hardware profile', ...indented(profileLines(hardware.gpus, profiles))],
  ]
  return `${blocks.map((lines) => lines.join('\n')).join('\n\n')}\n`
}

function hostRows(host: Host): string[][] {
  return [
    ['CPU', shown(host.cpuModel, String)],
    ['Cores', shown(host.cpuCoresPhysical, String)],
    ['Threads', shown(host.cpuCoresLogical, String)],
    ['Memory', shown(host.memoryTotalMib, gib)],
    ['Available', shown(host.memoryAvailableMib, gib)],
    ['Machine', shown(host.board, String)],
    ['System', shown(host.os, String)],
    ['Kernel', shown(host.kernel, String)],
    ['Runs in', shown(host.virtualization, (kind) => (kind === 'none' ? 'bare metal' : kind))],
  ]
}

interface Column {
  readonly title: string
  readonly of: (gpu: Gpu) => Reading<string>
}

const columns: readonly Column[] = [
  { title: 'Name', of: (gpu) => gpu.name },
  { title: 'VRAM', of: (gpu) => mapped(gpu.vramTotalMib, gib) },
  { title: 'Used', of: (gpu) => mapped(gpu.vramUsedMib, gib) },
  { title: 'Free', of: (gpu) => mapped(gpu.vramFreeMib, gib) },
  { title: 'Driver', of: (gpu) => gpu.driverVersion },
  { title: 'Power limit', of: (gpu) => mapped(gpu.powerLimitEnforcedW, (watts) => `${watts} W`) },
  { title: 'PCIe', of: (gpu) => mapped(gpu.pcieGeneration, (value) => `gen ${value}`) },
  { title: 'Lanes', of: (gpu) => mapped(gpu.pcieWidth, (value) => `x${value}`) },
  { title: 'Temp', of: (gpu) => mapped(gpu.temperatureC, (value) => `${value} °C`) },
]

/** A row a GPU; why a value is missing stands below, lest a reason stretch its column. */
function gpuLines(gpus: readonly Gpu[]): string[] {
  const header = ['#', ...columns.map(({ title }) => title)]
  const rows = gpus.map((gpu) => [String(gpu.index), ...columns.map(({ of }) => brief(of(gpu)))])
  const lines = [...table([header, ...rows]), ...gpus.flatMap(missingLines)]
  return [gpus.length === 1 ? '1 GPU' : `${gpus.length} GPUs`, ...indented(lines)]
}

function missingLines(gpu: Gpu): string[] {
  const titles = new Map<string, string[]>()
  for (const { title, of } of columns) {
    const reading = of(gpu)
    if (reading.status === 'ok') continue
    titles.set(reading.reason, [...(titles.get(reading.reason) ?? []), title])
  }
  return [...titles].map(
    ([reason, names]) => `GPU ${gpu.index}, ${names.join(', ')}: n/a (${reason})`,
  )
}

function noGpuLines(): string[] {
  return [
    'No GPU found',
    ...indented(['Only NVIDIA GPUs are looked for. A server on another machine needs none here.']),
  ]
}

function toolRow({ tool, outcome, detail, tookMs }: ToolReport): string[] {
  const said = outcome === 'ok' ? 'answered' : outcome.replace('-', ' ')
  const words = detail === undefined ? said : `${said}: ${detail}`
  return [tool, `${words} (${tookMs} ms)`]
}

/** One line for each kind of GPU in the machine. */
function profileLines(gpus: readonly Gpu[], profiles: readonly HardwareProfile[]): string[] {
  if (gpus.length === 0) return ['none: there is no GPU to match']
  const names = new Set(gpus.map((gpu) => brief(gpu.name)))
  return [...names].map((name) => {
    const profile = matchProfile(name, profiles)
    return profile === undefined
      ? `none has "${name}" among its names`
      : `${profile.id} (${profile.name})`
  })
}

function mapped<T>(reading: Reading<T>, convert: (value: T) => string): Reading<string> {
  return reading.status === 'ok' ? { ...reading, value: convert(reading.value) } : reading
}

function brief(reading: Reading<string>): string {
  return reading.status === 'ok' ? reading.value : 'n/a'
}

function shown<T>(reading: Reading<T>, convert: (value: T) => string): string {
  return reading.status === 'ok' ? convert(reading.value) : `n/a (${reading.reason})`
}

function gib(mib: number): string {
  return `${(mib / MIB_PER_GIB).toFixed(1)} GiB`
}

/** Columns as wide as their widest cell, two spaces apart. */
function table(rows: readonly (readonly string[])[]): string[] {
  const widthOf = (column: number) => Math.max(...rows.map((row) => row[column]?.length ?? 0))
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widthOf(column)))
      .join('  ')
      .trimEnd(),
  )
}

function indented(lines: readonly string[]): string[] {
  return lines.map((line) => `  ${line}`)
}
