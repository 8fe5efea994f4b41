import { fieldText } from '../detect/diff-hardware.ts'
import { type Gpu, type GpuField, type GpuVendor, gpuFields } from '../detect/gpu-fields.ts'
import type { Hardware, ToolReport } from '../detect/hardware.ts'
import { type HardwareProfile, matchProfile } from '../detect/hardware-profile.ts'
import { NO_LIMIT } from '../detect/host/cgroup.ts'
import { type Host, type HostField, hostFields } from '../detect/host-fields.ts'
import type { FieldInfo, FieldRole, GpuProcess, Reading } from '../detect/reading.ts'
import { readingValue } from '../detect/reading.ts'
import { plainText, shorten } from '../report/plain-text.ts'

const LINE_CHARACTERS = 110
const NAME_CHARACTERS = 60

const vendorNames: Readonly<Record<GpuVendor, string>> = {
  nvidia: 'NVIDIA',
  amd: 'AMD',
  intel: 'Intel',
  apple: 'Apple',
}

/**
 * A machine, for a terminal. What several GPUs have in common is told once, and what is unknown for
 * one reason in one line. All that tools said is untrusted, and told without control characters.
 */
export function hardwareText(
  hardware: Hardware,
  profiles: readonly HardwareProfile[],
  lookedFor: readonly GpuVendor[],
): string {
  const { host, gpus, tools } = hardware
  const blocks = [
    ['Host', ...indented(hostLines(host))],
    gpus.length === 0 ? noGpuLines(lookedFor) : gpuLines(gpus),
    processLines(gpus),
    topologyLines(hardware),
    ['Asked', ...indented(table(tools.map(toolRow)).map(cut))],
    ['Hardware profile', ...indented(profileLines(gpus, profiles))],
    ['Hashes', ...indented(hashLines(hardware))],
  ]
  const filled = blocks.filter((lines) => lines.length > 0)
  return `${filled.map((lines) => lines.join('\n')).join('\n\n')}\n`
}

/** Which fields share a line; those named nowhere here follow on one of their own. */
const hostRows: readonly (readonly [title: string, fields: readonly HostField[]])[] = [
  ['Machine', ['board', 'biosVersion']],
  ['CPU', ['cpuModel', 'cpuSockets', 'cpuCoresPhysical', 'cpuCoresLogical', 'smtEnabled']],
  ['CPU set-up', ['cpuGovernor', 'cpuMicrocode', 'numaNodes']],
  ['Memory', ['memoryTotalMib', 'memoryAvailableMib', 'swapTotalMib', 'swapUsedMib']],
  ['System', ['os', 'kernel', 'kernelArguments']],
  ['Runs in', ['virtualization', 'container', 'cgroupCpuCores', 'cgroupMemoryMib']],
  ['Clock', ['clockSource', 'clockSynchronised']],
  ['Host name', ['hostname']],
]

/** How a value is told where its label before it would not read well. */
const hostWords: Partial<Record<HostField, (text: string) => string>> = {
  board: (text) => text,
  biosVersion: (text) => `BIOS ${text}`,
  cpuModel: (text) => text,
  cpuSockets: (text) => (text === '1' ? '1 socket' : `${text} sockets`),
  cpuCoresPhysical: (text) => `${text} cores`,
  cpuCoresLogical: (text) => `${text} threads`,
  cpuGovernor: (text) => `governor ${text}`,
  cpuMicrocode: (text) => `microcode ${text}`,
  memoryTotalMib: (text) => text,
  memoryAvailableMib: (text) => `${text} available`,
  swapTotalMib: (text) => `swap ${text}`,
  swapUsedMib: (text) => `${text} of it used`,
  os: (text) => text,
  kernel: (text) => `kernel ${text}`,
  kernelArguments: (text) => `with ${text === 'none' ? 'no arguments that change speed' : text}`,
  virtualization: (text) => (text === 'none' ? 'bare metal' : text),
  container: (text) => (text === 'none' ? 'no container' : `container ${text}`),
  cgroupCpuCores: (text) => `limited to ${text}`,
  cgroupMemoryMib: (text) => `limited to ${text} of memory`,
  clockSource: (text) => text,
  clockSynchronised: (text) => (text === 'on' ? 'synchronised' : 'not synchronised'),
  hostname: (text) => text,
}

function hostLines(host: Host): string[] {
  const placed = new Set(hostRows.flatMap(([, fields]) => fields))
  const others = (Object.keys(hostFields) as HostField[]).filter((field) => !placed.has(field))
  const rows = [...hostRows, ['Besides', others] as const].map(([title, fields]) => {
    const items = fields.flatMap((field) => {
      const text = textOf(hostFields[field], host[field])
      if (text === undefined) return []
      return [hostWords[field]?.(text) ?? `${hostFields[field].label} ${text}`]
    })
    return [title, items] as const
  })
  const fields = Object.keys(hostFields) as HostField[]
  const unknown = fields.flatMap((field) => {
    const reading = host[field]
    const unlimited = reading.status === 'absent' && reading.reason === NO_LIMIT
    return unlimited ? [] : missing(hostFields[field].label, reading)
  })
  return titled([...rows, ...unknownRows(unknown)])
}

/** Those that identify, are set and are of the moment, in this order. */
const gpuRows: readonly (readonly [title: string, role: FieldRole])[] = [
  ['Is', 'identity'],
  ['Set-up', 'state'],
  ['Now', 'moment'],
]

/** Told in the title and in a list of their own. */
const toldElsewhere: ReadonlySet<GpuField> = new Set(['name', 'processes'])
const allGpuFields = Object.keys(gpuFields) as GpuField[]
const listedFields = allGpuFields.filter((field) => !toldElsewhere.has(field))

function gpuLines(gpus: readonly Gpu[]): string[] {
  const shared = listedFields.filter((field) => new Set(gpus.map(account(field))).size === 1)
  const [first] = gpus
  const rows = gpuRows.map(([title, role]) => {
    const fields = shared.filter((field) => gpuFields[field].role === role)
    const items = fields.flatMap((field) => {
      const text = first && textOf(gpuFields[field], first[field])
      return text === undefined ? [] : [`${gpuFields[field].label} ${text}`]
    })
    return [gpus.length > 1 ? `${title}, each` : title, items] as const
  })
  const unknown = shared.flatMap((field) =>
    first ? missing(gpuFields[field].label, first[field]) : [],
  )
  const differing = listedFields.filter((field) => !shared.includes(field))
  const lines = [
    ...titled([...rows, ...unknownRows(unknown)]),
    ...differingLines(gpus, differing),
    ...gpus.flatMap((gpu) => ownUnknown(gpu, differing)),
  ]
  return [gpuTitle(gpus), ...indented(lines)]
}

/** One reading as a word to compare with others': what is unknown for the same reason is the same. */
function account(field: GpuField): (gpu: Gpu) => string {
  return (gpu) => {
    const reading = gpu[field]
    return JSON.stringify(reading.status === 'ok' ? [reading.value] : reading.reason)
  }
}

function gpuTitle(gpus: readonly Gpu[]): string {
  const counts = new Map<string, number>()
  for (const gpu of gpus) counts.set(gpuName(gpu), (counts.get(gpuName(gpu)) ?? 0) + 1)
  const names = [...counts].map(([name, count]) =>
    counts.size > 1 && count > 1 ? `${count} x ${name}` : name,
  )
  return cut(`${gpus.length === 1 ? '1 GPU' : `${gpus.length} GPUs`}: ${names.join(', ')}`)
}

function gpuName(gpu: Gpu): string {
  return shorten(readingValue(gpu.name) ?? `${vendorNames[gpu.vendor]}, name n/a`, NAME_CHARACTERS)
}

/** A row a GPU, in as many tables as the lines' width asks for. */
function differingLines(gpus: readonly Gpu[], fields: readonly GpuField[]): string[] {
  const names = new Set(gpus.map(gpuName)).size > 1
  const columns = [
    ...(names ? [['Name', ...gpus.map(gpuName)]] : []),
    ...fields.map((field) => [
      gpuFields[field].label,
      ...gpus.map((gpu) => textOf(gpuFields[field], gpu[field]) ?? 'n/a'),
    ]),
  ]
  const numbers = ['#', ...gpus.map(({ index }) => String(index))]
  const lines: string[] = []
  let columnsLeft = columns
  while (columnsLeft.length > 0) {
    let count = columnsLeft.length
    const tableOf = () => {
      const some = [numbers, ...columnsLeft.slice(0, count)]
      return table(numbers.map((_, row) => some.map((column) => column[row] ?? '')))
    }
    while (count > 1 && tableOf().some((line) => line.length > LINE_CHARACTERS - 2)) count -= 1
    lines.push(...tableOf().map(cut))
    columnsLeft = columnsLeft.slice(count)
  }
  return lines
}

function ownUnknown(gpu: Gpu, fields: readonly GpuField[]): string[] {
  const unknown = fields.flatMap((field) => missing(gpuFields[field].label, gpu[field]))
  return titled(unknownRows(unknown).map(([title, items]) => [`GPU ${gpu.index}, ${title}`, items]))
}

function noGpuLines(lookedFor: readonly GpuVendor[]): string[] {
  const names = lookedFor.map((vendor) => vendorNames[vendor]).join(', ')
  return [
    'No GPU found',
    ...indented([`Looked for those of ${names}. A server on another machine needs none here.`]),
  ]
}

function processLines(gpus: readonly Gpu[]): string[] {
  const known = gpus.filter(({ processes }) => processes.status === 'ok')
  if (gpus.length === 0) return []
  if (known.length === 0) {
    const [reason] = gpus.flatMap((gpu) => missing('', gpu.processes).map(([why]) => why))
    return ['Compute processes', ...indented([cut(`n/a (${reason})`)])]
  }
  const rows = known.flatMap((gpu) =>
    (readingValue(gpu.processes) ?? []).map((process) => processRow(gpu, process)),
  )
  return ['Compute processes', ...indented(rows.length === 0 ? ['none'] : table(rows).map(cut))]
}

function processRow(gpu: Gpu, { pid, name, usedMib }: GpuProcess): string[] {
  const memory = usedMib === undefined ? 'memory n/a' : mib(usedMib)
  const number = pid === undefined ? 'pid n/a' : `pid ${pid}`
  return [`GPU ${gpu.index}`, shorten(name ?? 'name n/a', NAME_CHARACTERS), number, memory]
}

function mib(value: number): string {
  return fieldText(gpuFields.vramUsedMib, value)
}

/** How GPUs reach each other; columns are numbered as the rows are. */
function topologyLines({ gpus, topology }: Hardware): string[] {
  if (gpus.length < 2) return []
  if (topology.status === 'absent') {
    return ['Links between GPUs', ...indented([cut(`n/a (${plainText(topology.reason)})`)])]
  }
  const { gpus: names, links } = topology.value
  const header = ['', '', ...names.map((_, column) => String(column))]
  const rows = names.map((name, row) => [
    String(row),
    plainText(name),
    ...(links[row] ?? []).map(plainText),
  ])
  return ['Links between GPUs', ...indented(table([header, ...rows]))]
}

function toolRow({ tool, outcome, detail, tookMs }: ToolReport): string[] {
  const said = outcome === 'ok' ? 'answered' : outcome.replace('-', ' ')
  const words = detail === undefined ? said : `${said}: ${plainText(detail)}`
  return [plainText(tool), `${tookMs} ms`, words]
}

/** One line for each kind of GPU in the machine. */
function profileLines(gpus: readonly Gpu[], profiles: readonly HardwareProfile[]): string[] {
  if (gpus.length === 0) return ['none: there is no GPU to match']
  const names = new Set(gpus.map((gpu) => readingValue(gpu.name)))
  return [...names].map((name) => {
    if (name === undefined) return 'none for a GPU whose name is not known'
    const profile = matchProfile(name, profiles)
    return profile === undefined
      ? `none has "${shorten(name, NAME_CHARACTERS)}" among its names`
      : `${profile.id} (${profile.name})`
  })
}

function hashLines({ hwHash, stateHash }: Hardware): string[] {
  return table([
    ['Machine', hwHash, 'equal for the same machine, whatever its state'],
    ['Set-up', stateHash, 'equal for the same limits, ECC, driver, kernel ...'],
  ])
}

function textOf(info: FieldInfo, reading: Reading<unknown>): string | undefined {
  return reading.status === 'ok' ? plainText(fieldText(info, reading.value)) : undefined
}

type Missing = readonly [reason: string, label: string]

function missing(label: string, reading: Reading<unknown>): Missing[] {
  return reading.status === 'ok' ? [] : [[plainText(reading.reason), label]]
}

type Row = readonly [title: string, items: readonly string[]]

/** A row a reason. */
function unknownRows(missing: readonly Missing[]): Row[] {
  const labels = new Map<string, Set<string>>()
  for (const [reason, label] of missing) {
    labels.set(reason, (labels.get(reason) ?? new Set()).add(label))
  }
  return [...labels].map(([reason, names]) => {
    const all = [...names]
    const last = `${all.at(-1)}: ${reason}`
    return ['not known', [...all.slice(0, -1), last]]
  })
}

/** A title and its items in a row, broken between items where the line is full. */
function titled(rows: readonly Row[]): string[] {
  const filled = rows.filter(([, items]) => items.length > 0)
  const width = Math.max(0, ...filled.map(([title]) => title.length))
  return filled.flatMap(([title, items]) => {
    const lines = broken(items, LINE_CHARACTERS - width - 4)
    return lines.map((line, i) => cut(`${(i === 0 ? title : '').padEnd(width)}  ${line}`))
  })
}

/** Items in lines of at most so many characters, parted by semicolons where one has a comma in it. */
function broken(items: readonly string[], most: number): string[] {
  const mark = items.some((item) => item.includes(', ')) ? ';' : ','
  const lines: string[] = []
  for (const [i, item] of items.entries()) {
    const word = i < items.length - 1 ? `${item}${mark}` : item
    const last = lines.pop()
    const longer = last === undefined ? word : `${last} ${word}`
    if (last === undefined || longer.length <= most) lines.push(longer)
    else lines.push(last, word)
  }
  return lines
}

/** Nothing that a tool said may fill the screen. */
function cut(line: string): string {
  const most = LINE_CHARACTERS - 2
  return line.length <= most ? line : `${line.slice(0, most - 1)}…`
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
