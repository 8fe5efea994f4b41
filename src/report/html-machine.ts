import { type Gpu, gpuFields } from '../detect/gpu-fields.ts'
import { hostFields } from '../detect/host-fields.ts'
import type {
  FieldInfo,
  GpuPartition,
  GpuProcess,
  Reading,
  ReadingKind,
  ReadingOf,
} from '../detect/reading.ts'
import { configurationFacts, hardwareTitle, methodFacts } from './facts.ts'
import { formatCount, formatMs, formatStated, notAvailable } from './format.ts'
import { factList, type HtmlCell, htmlSection, htmlTable, paragraph } from './html-table.ts'
import { html, type Markup } from './markup.ts'
import type { Report } from './report.ts'

/** What the machine says of itself, field by field, with the source of each and why any is absent. */
export function hardwareSection({ run }: Report): Markup {
  const { gpus, host, tools } = run.hardware
  return htmlSection(
    hardwareTitle(run),
    run.target.loopback
      ? undefined
      : paragraph(
          'The server is on another machine, which was not looked at. What follows is the machine that sent the requests.',
        ),
    readingTable(
      'Host',
      fieldsOf(hostFields, host).map((field) => [field]),
    ),
    gpus.length === 0 ? paragraph('No GPU was detected.') : gpuTable(gpus),
    htmlTable(
      'Tools asked',
      [
        { heading: 'Tool asked' },
        { heading: 'Outcome' },
        { heading: 'Took' },
        { heading: 'Detail' },
      ],
      tools.map(({ tool, outcome, tookMs, detail }) => [
        tool,
        outcome,
        formatMs(tookMs),
        detail ?? '',
      ]),
    ),
  )
}

export function configurationSection(report: Report): Markup {
  return htmlSection('Effective configuration', factList(configurationFacts(report)))
}

export function methodSection(report: Report): Markup {
  return htmlSection('How the figures were made', factList(methodFacts(report)))
}

type AnyReading = Reading<ReadingOf<ReadingKind>>
type Field = readonly [name: string, reading: AnyReading, unit?: string]

function fieldsOf<F extends string>(
  table: Readonly<Record<F, FieldInfo>>,
  readings: Readonly<Record<NoInfer<F>, AnyReading>>,
): Field[] {
  const names = Object.keys(table) as F[]
  return names.map((name) => [table[name].label, readings[name], table[name].unit])
}

/** One table for all GPUs: a value that all share is written once. */
function gpuTable(gpus: readonly Gpu[]): Markup {
  const each = gpus.map((gpu) => fieldsOf(gpuFields, gpu))
  const title = gpus.length === 1 ? 'GPU' : `GPUs (${formatCount(gpus.length)})`
  const merged = (each[0] ?? []).map((_, i) => each.flatMap((fields) => fields.slice(i, i + 1)))
  return readingTable(title, merged)
}

/** Each row holds the same field of one or more devices. */
function readingTable(title: string, rows: readonly (readonly Field[])[]): Markup {
  return htmlTable(
    title,
    [{ heading: title }, { heading: 'Value' }, { heading: 'Source' }],
    rows.map((devices) => [
      devices[0]?.[0] ?? '',
      mergedCell(devices),
      [...new Set(devices.map(([, { source }]) => source))].join(', '),
    ]),
  )
}

function mergedCell(devices: readonly Field[]): HtmlCell {
  const cells = devices.map(([, reading, unit]) => readingCell(reading, unit))
  const [first, ...others] = cells
  if (first === undefined || others.every(({ markup }) => markup === first.markup)) {
    return first ?? ''
  }
  return html`${cells.map((cell, i) => html`<div>${formatCount(i)}: ${cell}</div>`)}`
}

function readingCell(reading: AnyReading, unit: string | undefined): Markup {
  if (reading.status === 'absent') {
    return html`<span class="absent">${notAvailable}: ${reading.reason}</span>`
  }
  const text = readingText(reading.value)
  return html`${unit === undefined ? text : `${text} ${unit}`}`
}

function readingText(value: ReadingOf<ReadingKind>): string {
  if (typeof value === 'boolean') return value ? 'on' : 'off'
  if (typeof value === 'number') return formatStated(value)
  return typeof value === 'string' ? value : value.map(partText).join(', ') || 'none'
}

function partText(part: string | GpuProcess | GpuPartition): string {
  if (typeof part === 'string') return part
  if ('profile' in part) return part.profile
  const { pid, name = 'unnamed process', usedMib } = part
  const memory = usedMib === undefined ? '' : ` ${formatStated(usedMib)} MiB`
  return `${name}${pid === undefined ? '' : ` (${pid})`}${memory}`
}
