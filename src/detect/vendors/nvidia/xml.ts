import type { GpuReadings } from '../../gpu-fields.ts'
import { absent, type GpuPartition, ok, type Reading, readingValue } from '../../reading.ts'
import { type GpuAccount, processOf, readRepairs } from './csv.ts'
import { readFields } from './fields.ts'
import {
  type Account,
  noValue,
  quantity,
  readFirst,
  readWords,
  TOOL,
  text,
  withoutCodes,
} from './values.ts'
import { elementAt, readXml, textAt, type XmlElement } from './xml-document.ts'

const SOURCE = `${TOOL} -q -x`
const NOT_TOLD = `${SOURCE} does not tell`

/** A part of a GPU, by the number that `nvidia-smi -L` names it by. */
interface MigDevice extends Omit<GpuPartition, 'profile'> {
  readonly index: number
}

export interface XmlGpu extends GpuAccount {
  /** Absent where the tool does not tell of parts; empty where it says that there are none. */
  readonly migDevices?: readonly MigDevice[]
}

/** GPUs of `nvidia-smi -q -x`, schema v10 to v13, and what was wrong with the document. */
export function readXmlGpus(output: string): {
  readonly gpus: readonly XmlGpu[]
  readonly problem?: string
} {
  const { root, problem } = readXml(withoutCodes(output))
  if (root?.name !== 'nvidia_smi_log') return { gpus: [], problem: problem ?? 'another document' }
  return { gpus: gpusOfLog(root), ...(problem === undefined ? {} : { problem }) }
}

/** GPUs of the root element of that document. */
export function gpusOfLog(root: XmlElement): XmlGpu[] {
  return root.children.filter(({ name }) => name === 'gpu').map((gpu) => readGpu(root, gpu))
}

function readGpu(root: XmlElement, gpu: XmlElement): XmlGpu {
  const account = accountOf(gpu)
  const ofAll = accountOf(root)
  const migDevices = readMigDevices(gpu)
  const readings: Partial<GpuReadings> = {
    ...readFields(account, 'xml'),
    driverVersion: readFirst(ofAll, ['driver_version'], text),
    computeApi: readFirst(ofAll, ['cuda_version'], cudaVersion),
    temperatureSlowdownC: readSlowdown(account),
    throttleReasons: readReasons(gpu),
    eccUncorrectedErrors: readUncorrectedErrors(gpu),
    memoryRepairPending: readRepairs(account, repairPaths),
    processes: readProcesses(gpu),
  }
  return { readings, ...(migDevices === undefined ? {} : { migDevices }) }
}

function accountOf(element: XmlElement): Account {
  return {
    said: (path) => (path === '@id' ? element.attributes.id : textAt(element, path)),
    source: (path) => `${SOURCE} ${path}`,
    missing: NOT_TOLD,
  }
}

function cudaVersion(said: string): string | undefined {
  return /^\d+(\.\d+)+$/.test(said) ? `CUDA ${said}` : undefined
}

const celsius = quantity('C')
const thresholds = ['temperature/gpu_temp_max_gpu_threshold', 'temperature/gpu_temp_slow_threshold']
const margin = 'temperature/gpu_temp_slow_tlimit_threshold'

/**
 * The driver takes clocks back above the highest operating temperature, the hardware at its slowdown
 * threshold: the lower one counts. Newer GPUs tell only how far from the limit that is, and the limit
 * is of whichever sensor is nearest to its own.
 */
function readSlowdown(account: Account): Reading<number> {
  const known = thresholds
    .map((path) => readFirst(account, [path], celsius))
    .flatMap((reading) => (reading.status === 'ok' ? [reading] : []))
    .sort((one, other) => one.value - other.value)
  if (known[0] !== undefined) return known[0]
  const left = celsius(account.said(margin) ?? '')
  if (left === undefined) return readFirst(account, thresholds, celsius)
  return absent(`told only as a margin to a limit (${left} °C)`, account.source(margin))
}

/** Tags are `clocks_event_reason_sw_power_cap` or `clocks_throttle_reason_sw_power_cap`. */
function readReasons(gpu: XmlElement): Reading<readonly string[]> {
  const reasons = gpu.children.find(({ name }) => /^clocks_(event|throttle)_reasons$/.test(name))
  const source = `${SOURCE} ${reasons?.name ?? 'clocks_event_reasons'}`
  if (reasons === undefined) return absent(NOT_TOLD, source)
  const told = reasons.children.filter((reason) => /^(Not )?Active$/.test(reason.text))
  if (told.length === 0) return noValue(reasons.text, source)
  const active = told.filter((reason) => reason.text === 'Active')
  return ok(
    active.map(({ name }) => name.replace(/^clocks_(event|throttle)_reason_/, '')),
    source,
  )
}

/** Of DRAM and SRAM together; before Turing, the total of double bits. */
function readUncorrectedErrors(gpu: XmlElement): Reading<number> {
  const source = `${SOURCE} ecc_errors/volatile`
  const errors = elementAt(gpu, 'ecc_errors/volatile')
  if (errors === undefined) return absent(NOT_TOLD, source)
  const total = textAt(errors, 'double_bit/total')
  if (total !== undefined) return readWords(total, quantity(''), `${source}/double_bit/total`)
  const counts = errors.children.filter(({ name }) => name.includes('uncorrectable'))
  const known = counts.flatMap((count) => quantity('')(count.text) ?? [])
  const unknown = counts.find((count) => quantity('')(count.text) === undefined)
  if (known.length === 0 || unknown !== undefined) {
    return noValue(unknown?.text ?? '', source)
  }
  return ok(
    known.reduce((sum, count) => sum + count, 0),
    source,
  )
}

const repairPaths = [
  'remapped_rows/remapped_row_pending',
  'retired_pages/pending_retirement',
  'retired_pages/pending_blacklist',
  'ecc_errors/channel_repair_pending',
  'ecc_errors/tpc_repair_pending',
]

/** Those that compute: the type is `C`, `C+G` or, through MPS, `M+C`. */
function readProcesses(gpu: XmlElement): GpuReadings['processes'] {
  const source = `${SOURCE} processes`
  const processes = elementAt(gpu, 'processes')
  if (processes === undefined) return absent(NOT_TOLD, source)
  if (processes.text !== '') return noValue(processes.text, source)
  const computing = processes.children.filter((process) => textAt(process, 'type')?.includes('C'))
  const said = (process: XmlElement, name: string) => textAt(process, name) ?? ''
  return ok(
    computing.map((process) =>
      processOf(said(process, 'pid'), said(process, 'process_name'), said(process, 'used_memory')),
    ),
    source,
  )
}

function readMigDevices(gpu: XmlElement): MigDevice[] | undefined {
  const devices = elementAt(gpu, 'mig_devices')
  if (devices === undefined || !/^(None)?$/.test(devices.text)) return undefined
  return devices.children.map((device, place) => {
    const account = accountOf(device)
    const read = (path: string) => readingValue(readFirst(account, [path], quantity('MiB')))
    const memoryTotalMib = read('fb_memory_usage/total')
    const memoryUsedMib = read('fb_memory_usage/used')
    return {
      index: readingValue(readFirst(account, ['index'], quantity(''))) ?? place,
      ...(memoryTotalMib === undefined ? {} : { memoryTotalMib }),
      ...(memoryUsedMib === undefined ? {} : { memoryUsedMib }),
    }
  })
}
