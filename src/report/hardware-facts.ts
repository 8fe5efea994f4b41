import { type Gpu, type GpuField, gpuFields } from '../detect/gpu-fields.ts'
import type { Hardware } from '../detect/hardware.ts'
import { NO_LIMIT } from '../detect/host/cgroup.ts'
import { type HostField, hostFields } from '../detect/host-fields.ts'
import type { Finding } from '../detect/preflight/preflight.ts'
import {
  type FieldInfo,
  type GpuPartition,
  type GpuProcess,
  type Reading,
  type ReadingKind,
  type ReadingOf,
  readingValue,
} from '../detect/reading.ts'
import { formatCount, formatPercent, formatStated, notAvailable } from './format.ts'
import { plainText } from './plain-text.ts'
import type { Report } from './report.ts'

/** Fields that belong together, of one device or of several that say the same. */
interface ReadingGroup {
  readonly title: string
  readonly rows: readonly ReadingRow[]
}

interface ReadingRow {
  readonly label: string
  readonly value: string
  readonly source: string
}

/** A field in which devices differ: a value a device. */
export interface DifferingField {
  readonly label: string
  readonly values: readonly string[]
  readonly source: string
}

/** Readings in an order to be read in. */
export interface ReadingAccount {
  readonly groups: readonly ReadingGroup[]
  readonly differing: readonly DifferingField[]
  /** All that no device tells, and why, in one line; absent where all is told. */
  readonly notTold?: string
}

type Groups<F extends string> = readonly (readonly [title: string, fields: readonly F[]])[]
type AnyReading = Reading<ReadingOf<ReadingKind>>

/** What stands together. A field that is in none of them comes last, under a title of its own. */
const gpuGroups: Groups<GpuField> = [
  [
    'Identity',
    [
      'name',
      'pciAddress',
      'uuid',
      'serial',
      'computeCapability',
      'integrated',
      'gpuCores',
      'virtualFunction',
    ],
  ],
  ['Software', ['driverVersion', 'kernelDriver', 'computeApi', 'vbiosVersion', 'firmwareVersion']],
  ['Memory', ['vramTotalMib', 'vramReservedMib', 'memoryUnified', 'memoryLimitMib']],
  [
    'Power and clocks',
    [
      'powerLimitEnforcedW',
      'powerLimitRequestedW',
      'powerLimitDefaultW',
      'powerLimitMinW',
      'powerLimitMaxW',
      'powerLimitModuleW',
      'powerMode',
      'clockSmMaxMhz',
      'clockSmRequestedMhz',
      'clockMemoryMaxMhz',
      'temperatureSlowdownC',
      'persistenceEnabled',
    ],
  ],
  [
    'Links',
    ['pcieGeneration', 'pcieWidth', 'pcieWidthOfGpu', 'numaNode', 'gpuLinks', 'gpuLinkGbPerS'],
  ],
  ['Reliability', ['eccEnabled', 'eccUncorrectedErrors', 'memoryRepairPending']],
  ['Sharing', ['computeMode', 'migEnabled']],
  [
    'When it was detected',
    [
      'vramUsedMib',
      'vramFreeMib',
      'powerW',
      'temperatureC',
      'temperatureMemoryC',
      'clockSmMhz',
      'clockMemoryMhz',
      'utilisationRatio',
      'throttleReasons',
      'performanceState',
      'pcieGenerationNow',
      'pcieWidthNow',
    ],
  ],
]

const hostGroups: Groups<HostField> = [
  ['Machine', ['board', 'biosVersion', 'hostname']],
  [
    'Processor',
    [
      'cpuModel',
      'cpuSockets',
      'cpuCoresPhysical',
      'cpuCoresLogical',
      'smtEnabled',
      'cpuGovernor',
      'cpuMicrocode',
      'numaNodes',
    ],
  ],
  ['Memory', ['memoryTotalMib', 'memoryAvailableMib', 'swapTotalMib', 'swapUsedMib']],
  ['System', ['os', 'kernel', 'kernelArguments', 'clockSource', 'clockSynchronised']],
  ['Runs in', ['virtualization', 'container', 'cgroupCpuCores', 'cgroupMemoryMib']],
]

/** They have tables of their own. */
const listed: readonly GpuField[] = ['processes', 'partitions']

export function hostAccount({ host }: Hardware): ReadingAccount {
  return accountOf(hostFields, hostGroups, [host])
}

/** All GPUs: what they share once, what differs a value a GPU. */
export function gpuAccount({ gpus }: Hardware): ReadingAccount {
  return accountOf(gpuFields, gpuGroups, gpus, listed)
}

function accountOf<F extends string>(
  table: Readonly<Record<F, FieldInfo>>,
  groups: Groups<NoInfer<F>>,
  devices: readonly Readonly<Record<NoInfer<F>, AnyReading>>[],
  elsewhere: readonly NoInfer<F>[] = [],
): ReadingAccount {
  const placed = new Set<F>([...groups.flatMap(([, fields]) => fields), ...elsewhere])
  const others = (Object.keys(table) as F[]).filter((field) => !placed.has(field))
  const all = [...groups, ['Besides', others] as const].map(([title, fields]) => ({
    title,
    fields: fields.map((field) => fieldOf(field, table[field], devices)),
  }))
  const unknown = [...all.flatMap(({ fields }) => fields)].filter(({ state }) => state === 'absent')
  return {
    groups: all
      .map(({ title, fields }) => ({ title, rows: fields.flatMap(sharedRow) }))
      .filter(({ rows }) => rows.length > 0),
    differing: all.flatMap(({ fields }) => fields.flatMap(differingField)),
    ...(unknown.length > 0 && { notTold: notToldText(unknown) }),
  }
}

interface FieldAccount {
  readonly label: string
  readonly values: readonly string[]
  readonly reasons: readonly string[]
  readonly source: string
  /** Told by no device, by all the same, or not the same by each. */
  readonly state: 'absent' | 'shared' | 'differing'
}

function fieldOf<F extends string>(
  field: F,
  info: FieldInfo,
  devices: readonly Readonly<Record<F, AnyReading>>[],
): FieldAccount {
  const readings = devices.map((device) => device[field])
  const values = readings.map((reading) => readingText(field, info, reading))
  const reasons = readings.flatMap((reading) =>
    reading.status === 'absent' && reading.reason !== NO_LIMIT ? [plainText(reading.reason)] : [],
  )
  const source = [...new Set(readings.map((reading) => plainText(reading.source)))].join(', ')
  const isAbsent = reasons.length === readings.length
  const state = isAbsent ? 'absent' : new Set(values).size === 1 ? 'shared' : 'differing'
  return { label: info.label, values, reasons: [...new Set(reasons)], source, state }
}

function sharedRow({ label, values: [value = ''], source, state }: FieldAccount): ReadingRow[] {
  return state === 'shared' ? [{ label, value, source }] : []
}

function differingField({ label, values, source, state }: FieldAccount): DifferingField[] {
  return state === 'differing' ? [{ label, values, source }] : []
}

/** What is unknown for one reason stands together. */
function notToldText(unknown: readonly FieldAccount[]): string {
  const byReason = new Map<string, string[]>()
  for (const { label, reasons } of unknown) {
    const reason = reasons.join('; ')
    byReason.set(reason, [...(byReason.get(reason) ?? []), label])
  }
  return [...byReason]
    .map(([reason, labels]) => `Not told (${reason}): ${[...new Set(labels)].join('; ')}.`)
    .join(' ')
}

function readingText(field: string, { unit }: FieldInfo, reading: AnyReading): string {
  if (reading.status === 'absent') {
    return reading.reason === NO_LIMIT ? 'none' : `${notAvailable}: ${plainText(reading.reason)}`
  }
  const { value } = reading
  if (typeof value === 'boolean') return value ? 'on' : 'off'
  if (typeof value === 'string') return plainText(value)
  if (typeof value !== 'number')
    return value.map((part) => plainText(String(part))).join(', ') || 'none'
  if (field.endsWith('Ratio')) return formatPercent(value)
  return `${formatStated(value)}${unit === undefined ? '' : ` ${unit}`}`
}

/** By the vendor's own number, or where two vendors share one by place. */
export function gpuLabels(gpus: readonly Gpu[]): string[] {
  const isClear = new Set(gpus.map(({ index }) => index)).size === gpus.length
  return gpus.map(({ index }, place) => `GPU ${formatCount(isClear ? index : place)}`)
}

export function gpuLabelAt({ gpus }: Hardware, pciAddress: string | undefined): string | undefined {
  if (pciAddress === undefined) return undefined
  const address = pciAddress.toLowerCase()
  const place = gpus.findIndex((gpu) => readingValue(gpu.pciAddress) === address)
  return place < 0 ? undefined : gpuLabels(gpus)[place]
}

/** A row a program that computes on a GPU: GPU, program, number, memory. */
export function processRows({ gpus }: Hardware): string[][] {
  const labels = gpuLabels(gpus)
  return gpus.flatMap((gpu, i) =>
    (readingValue(gpu.processes) ?? []).map((process) => [
      labels[i] ?? '',
      ...processCells(process),
    ]),
  )
}

function processCells({ name, pid, usedMib }: GpuProcess): string[] {
  return [
    name === undefined ? notAvailable : plainText(name),
    pid === undefined ? notAvailable : String(pid),
    mibText(usedMib),
  ]
}

/** Why there is no list of programs, or that there is none to list. */
export function processNote({ gpus }: Hardware): string | undefined {
  const reasons = gpus.flatMap(({ processes }) =>
    processes.status === 'absent' ? [plainText(processes.reason)] : [],
  )
  if (reasons.length > 0)
    return `Programs on the GPUs: ${notAvailable} (${[...new Set(reasons)].join('; ')}).`
  return gpus.every(({ processes }) => readingValue(processes)?.length === 0)
    ? 'No program computed on a GPU when it was detected.'
    : undefined
}

/** A row a part of a GPU that is offered as one of its own: GPU, profile, memory, memory in use. */
export function partitionRows({ gpus }: Hardware): string[][] {
  const labels = gpuLabels(gpus)
  return gpus.flatMap((gpu, i) =>
    (readingValue(gpu.partitions) ?? []).map((part) => [labels[i] ?? '', ...partitionCells(part)]),
  )
}

function partitionCells({ profile, memoryTotalMib, memoryUsedMib }: GpuPartition): string[] {
  return [plainText(profile), mibText(memoryTotalMib), mibText(memoryUsedMib)]
}

function mibText(mib: number | undefined): string {
  return mib === undefined ? notAvailable : `${formatStated(mib)} MiB`
}

/** How GPUs reach each other, a row a GPU; nothing where there is one, or it is not known. */
export function topologyTable(
  hardware: Hardware,
):
  | { readonly headings: readonly string[]; readonly rows: readonly (readonly string[])[] }
  | undefined {
  const topology = readingValue(hardware.topology)
  if (topology === undefined || topology.gpus.length < 2) return undefined
  const names = topology.gpus.map((name) => gpuLabelAt(hardware, name) ?? plainText(name))
  return {
    headings: ['', ...names],
    rows: names.map((name, row) => [name, ...(topology.links[row] ?? []).map(plainText)]),
  }
}

/** Both hashes, with what they are good for. */
export function hashText({ hwHash, stateHash }: Hardware): string {
  return `Hardware ${plainText(hwHash)}, set-up ${plainText(stateHash)}: the first is equal for the same machine whatever its state, the second for the same limits, driver, kernel and other settings.`
}

const severityOrder: readonly Finding['severity'][] = ['blocker', 'warning', 'note']

/** What the look at the machine before the run found, worst first; nothing where nobody looked. */
export function findingsOf({ run }: Report): readonly Finding[] {
  const { preflight = [] } = run
  return severityOrder.flatMap((each) => preflight.filter(({ severity }) => severity === each))
}

/** A finding on one line. */
export function findingLine({ check, severity, text, remedy }: Finding): string {
  // No full stop of ours: a remedy may be a command, to be copied.
  const help = remedy === undefined ? '' : ` Remedy: ${plainText(remedy)}`
  return `${severity.toUpperCase()} (${plainText(check)}): ${sentenceOf(text)}${help}`
}

function sentenceOf(text: string): string {
  const plain = plainText(text)
  return /[.!?]$/.test(plain) ? plain : `${plain}.`
}
