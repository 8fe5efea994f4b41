import { type Split, startPrinting } from '../printing-tool.ts'
import type { TelemetryScope } from '../sample.ts'
import type { OpenSource, SamplerWorld, TelemetrySource } from '../source.ts'
import { plainNumber } from '../watched-file.ts'
import { type ScopedReading, scopedSource } from './macmon.ts'

const MW_PER_W = 1000
const HZ_PER_MHZ = 1_000_000
const NS_PER_MS = 1_000_000
const SAMPLERS = 'gpu_power,cpu_power,ane_power'
const SAMPLE_MARK = '*** Sampled system activity'

/**
 * Apple's chips by the system's own `powermetrics`, where `sudo` asks for no password. The powers are
 * means over the period. It runs as root and ends by its output being closed.
 */
export const powermetrics: TelemetrySource = { name: 'powermetrics', open: openPowermetrics }

async function openPowermetrics(
  world: SamplerWorld,
): Promise<OpenSource | { readonly none: string }> {
  if (world.platform !== 'darwin') return { none: 'only on macOS' }
  const args = ['--samplers', SAMPLERS, '-i', String(world.periodMs), '-f', 'plist']
  const tool = await startPrinting(world, {
    file: 'sudo',
    args: ['-n', 'powermetrics', ...args],
    split: bySample,
    read: readPowermetrics,
  })
  if ('none' in tool)
    return { none: `${tool.none} (sudo must ask for no password; or: brew install macmon)` }
  return scopedSource(tool, 'powermetrics', world.periodMs)
}

/** Property lists are ended by a NUL, samples in words only by the next one's heading. */
export const bySample: Split = (text) => {
  const lists = text.split('\0')
  const last = lists.pop() ?? ''
  const samples = last.split(SAMPLE_MARK)
  const rest = samples.pop() ?? ''
  const words = samples.slice(1).map((sample) => SAMPLE_MARK + sample)
  return {
    records: [...lists, ...words].filter((record) => record.trim() !== ''),
    rest: samples.length > 0 ? SAMPLE_MARK + rest : rest,
  }
}

/** One sample, as a property list or in words; unknown where it is neither or tells no power. */
export function readPowermetrics(sample: string): readonly ScopedReading[] | undefined {
  const told = sample.includes('<plist') ? tellList(sample) : tellWords(sample)
  const of = (scope: TelemetryScope, milliwatts: number | undefined): readonly ScopedReading[] =>
    milliwatts === undefined ? [] : [{ scope, reading: { powerW: milliwatts / MW_PER_W } }]
  if (told.gpuMw === undefined && told.cpuMw === undefined) return undefined
  const { clockMhz, idleRatio } = told
  const gpu = of('gpu', told.gpuMw).map(({ scope, reading }) => ({
    scope,
    reading: {
      ...reading,
      clockSmMhz: clockMhz || undefined,
      utilisationRatio: idleRatio === undefined ? undefined : 1 - idleRatio,
    },
  }))
  return [
    ...gpu,
    ...of('cpu-package', told.cpuMw),
    ...of('dram', told.dramMw),
    ...of('soc', told.chipMw),
  ]
}

interface Told {
  readonly gpuMw?: number
  readonly cpuMw?: number
  readonly dramMw?: number
  /** All of the chip: with memory on the first chips (`Package Power`), without since (`Combined Power`). */
  readonly chipMw?: number
  readonly clockMhz?: number
  readonly idleRatio?: number
}

function tellList(list: string): Told {
  const value = (key: string, within = list) =>
    plainNumber(new RegExp(`<key>${key}</key>\\s*<(?:real|integer)>([^<]*)<`).exec(within)?.[1])
  const elapsedMs = (value('elapsed_ns') ?? 0) / NS_PER_MS
  // Some systems tell energy over the sample, mJ, in place of power.
  const milliwatts = (part: string) => {
    const energyMj = value(`${part}_energy`)
    const mean =
      energyMj === undefined || elapsedMs === 0 ? undefined : (energyMj * 1000) / elapsedMs
    return value(`${part}_power`) ?? mean
  }
  const gpu = /<key>gpu<\/key>\s*<dict>([\s\S]*)/.exec(list)?.[1] ?? ''
  const clock = value('freq_hz', gpu)
  return {
    gpuMw: milliwatts('gpu'),
    cpuMw: milliwatts('cpu'),
    dramMw: milliwatts('dram'),
    chipMw: value('combined_power') ?? value('package_power'),
    // Called Hz; MHz on most systems.
    clockMhz: clock !== undefined && clock > HZ_PER_MHZ ? clock / HZ_PER_MHZ : clock,
    idleRatio: value('idle_ratio', gpu),
  }
}

function tellWords(words: string): Told {
  const value = (label: string, unit: string) =>
    plainNumber(
      new RegExp(`^${label}:\\s*(\\d*\\.?\\d+)\\s*${unit}`, 'm')
        .exec(words)?.[1]
        ?.replace(/^\./, '0.'),
    )
  const idlePercent = value('GPU idle residency', '%')
  return {
    gpuMw: value('GPU Power', 'mW'),
    cpuMw: value('CPU Power', 'mW'),
    dramMw: value('DRAM Power', 'mW'),
    chipMw: value('Combined Power \\(CPU \\+ GPU \\+ ANE\\)', 'mW') ?? value('Package Power', 'mW'),
    clockMhz: value('GPU HW active frequency', 'MHz') ?? value('GPU active frequency', 'MHz'),
    idleRatio: idlePercent === undefined ? undefined : idlePercent / 100,
  }
}
