import type { Reading } from '../../reading.ts'
import { withoutCodes } from './values.ts'
import { gpusOfLog, type XmlGpu } from './xml.ts'
import type { XmlElement } from './xml-document.ts'

const START = 'NVSMI LOG'
const INDENT = /^ */
/** Behind values since driver 610, whose newer names say the same. */
const REMARK = / \[Deprecated[^\]]*\]\s*$/

interface Line {
  readonly indent: number
  readonly label: string
  readonly words: string
}

/**
 * GPUs of `nvidia-smi -q` without `-x`: the same document in other clothes, with indentation for
 * nesting and words for tags. It is turned into the elements of the XML, which the reader of the XML
 * reads. Of an output that ends in the middle the last section is left out: it may be cut off too.
 */
export function readTextGpus(output: string): {
  readonly gpus: readonly XmlGpu[]
  readonly problem?: string
} {
  const text = withoutCodes(output)
  const sections = elementsOf(linesFrom(text.slice(Math.max(text.indexOf(START), 0))))
  const whole = text.endsWith('\n') && hasProcesses(sections.at(-1))
  const last = sections.at(-1)
  const kept =
    whole || last?.name !== 'gpu'
      ? sections
      : [...sections.slice(0, -1), { ...last, children: last.children.slice(0, -1) }]
  const root = { name: 'nvidia_smi_log', attributes: {}, children: kept.map(asXml), text: '' }
  const gpus = gpusOfLog(root).map(relabelled)
  return { gpus, ...(whole ? {} : { problem: 'the output ends in the middle' }) }
}

/** Each process ends with its memory; that more processes were to follow cannot be known. */
function hasProcesses(element: XmlElement | undefined): boolean {
  const processes = element?.children.find(({ name }) => name === 'processes')
  const last = processes?.children.at(-1)
  if (last === undefined) return processes !== undefined && processes.text !== ''
  return last.children.some(({ name }) => name === 'used_memory')
}

function linesFrom(text: string): Line[] {
  return text.split('\n').flatMap((line) => {
    const words = line.replace(REMARK, '').trim()
    if (words === '' || /^[#=]/.test(words)) return []
    const indent = INDENT.exec(line)?.[0].length ?? 0
    const colon = words.search(/ :(?: |$)/)
    if (colon < 0) return [{ indent, label: words, words: '' }]
    return [{ indent, label: words.slice(0, colon).trim(), words: words.slice(colon + 2).trim() }]
  })
}

/** Each line with the lines under it that are indented further. */
function elementsOf(lines: readonly Line[], section = ''): XmlElement[] {
  const elements: XmlElement[] = []
  let at = 0
  for (let line = lines[at]; line !== undefined; line = lines[at]) {
    const { indent } = line
    const next = lines.findIndex((other, place) => place > at && other.indent <= indent)
    const end = next < 0 ? lines.length : next
    elements.push(elementOf(line, lines.slice(at + 1, end), section))
    at = end
  }
  return elements
}

function elementOf({ label, words }: Line, under: readonly Line[], section: string): XmlElement {
  const gpuId = /^GPU ([\da-f]{4,8}:[\da-f]{2}:[\da-f]{2}\.[\da-f])$/i.exec(label)?.[1]
  const slug = slugOf(label)
  return {
    name: gpuId === undefined ? (tags[`${section}/${slug}`] ?? tags[slug] ?? slug) : 'gpu',
    attributes: gpuId === undefined ? {} : { id: gpuId },
    children: elementsOf(under, slug),
    text: words,
  }
}

function slugOf(label: string): string {
  return label
    .toLowerCase()
    .replace(/[^a-z\d]+/g, '_')
    .replace(/^_|_$/g, '')
}

/** Tags of the XML where they are not simply the words of the text, by section where that matters. */
const tags: Readonly<Record<string, string>> = {
  gpu_uuid: 'uuid',
  serial_number: 'serial',
  'pci/bus_id': 'pci_bus_id',
  gpu_link_info: 'pci_gpu_link_info',
  pcie_generation: 'pcie_gen',
  'pcie_generation/max': 'max_link_gen',
  'pcie_generation/current': 'current_link_gen',
  'pcie_generation/device_current': 'device_current_link_gen',
  link_width: 'link_widths',
  'link_width/max': 'max_link_width',
  'link_width/current': 'current_link_width',
  shared_fb_memory_usage: 'fb_memory_usage',
  instantaneous_power_draw: 'instant_power_draw',
  gpu_current_temp: 'gpu_temp',
  memory_current_temp: 'memory_temp',
  gpu_slowdown_temp: 'gpu_temp_slow_threshold',
  gpu_max_operating_temp: 'gpu_temp_max_gpu_threshold',
  gpu_slowdown_t_limit_temp: 'gpu_temp_slow_tlimit_threshold',
  'clocks/sm': 'sm_clock',
  'clocks/memory': 'mem_clock',
  'max_clocks/sm': 'sm_clock',
  'max_clocks/memory': 'mem_clock',
  'applications_clocks/graphics': 'graphics_clock',
  'utilization/gpu': 'gpu_util',
  'ecc_mode/current': 'current_ecc',
  'mig_mode/current': 'current_mig',
  'remapped_rows/pending': 'remapped_row_pending',
  'retired_pages/pending_page_blacklist': 'pending_blacklist',
  process_id: 'pid',
  'process_id/name': 'process_name',
  used_gpu_memory: 'used_memory',
  'clocks_event_reasons/idle': 'gpu_idle',
  'clocks_throttle_reasons/idle': 'gpu_idle',
  'clocks_event_reasons/display_clock_setting': 'display_clocks_setting',
  'clocks_throttle_reasons/display_clock_setting': 'display_clocks_setting',
}

/** What the XML nests otherwise: reasons for slow clocks, processes, and parts of a GPU. */
function asXml(element: XmlElement): XmlElement {
  if (element.name !== 'gpu') return element
  const parts = element.children.filter(({ name }) => name === 'mig_device')
  const others = element.children.filter(({ name }) => name !== 'mig_device').map(sectionAsXml)
  // Parts come right behind the mode: only what follows shows that these are all.
  const ending = element.children.at(-1)?.name ?? ''
  const tellsOfParts = hasMode(others) && !/^mig_/.test(ending)
  const devices = { name: 'mig_devices', attributes: {}, children: parts, text: '' }
  return { ...element, children: tellsOfParts ? [...others, devices] : others }
}

function hasMode(sections: readonly XmlElement[]): boolean {
  return sections.some(({ name }) => name === 'mig_mode')
}

function sectionAsXml(section: XmlElement): XmlElement {
  switch (section.name) {
    case 'clocks_event_reasons':
    case 'clocks_throttle_reasons':
      return { ...section, children: section.children.flatMap((one) => [one, ...one.children]) }
    case 'gpu_power_readings':
      return { ...section, children: section.children.flatMap(withoutCeiling) }
    case 'processes':
      return { ...section, ...processesAsXml(section) }
    default:
      return section
  }
}

/** Since driver 610 limits are parted into those of a ceiling and those of a base. */
function withoutCeiling(element: XmlElement): readonly XmlElement[] {
  return element.name === 'gpu_ceiling_power_limit' ? element.children : [element]
}

/** `None` stands where the XML has nothing. */
function processesAsXml({ children, text }: XmlElement): Pick<XmlElement, 'children' | 'text'> {
  const processes = children.filter(({ name }) => name === 'pid')
  const infos = processes.map((pid) => ({
    name: 'process_info',
    attributes: {},
    children: [{ ...pid, children: [] }, ...pid.children],
    text: '',
  }))
  return { children: infos, text: text === 'None' ? '' : text }
}

/** Sources and reasons name the call that was made. */
function relabelled(gpu: XmlGpu): XmlGpu {
  const readings = Object.entries(gpu.readings).map(([field, reading]) => [
    field,
    withCall(reading as Reading<unknown>),
  ])
  return { ...gpu, readings: Object.fromEntries(readings) }
}

function withCall(reading: Reading<unknown>): Reading<unknown> {
  const source = reading.source.replace('-q -x', '-q')
  return reading.status === 'ok'
    ? { ...reading, source }
    : { ...reading, source, reason: reading.reason.replace('-q -x', '-q') }
}
