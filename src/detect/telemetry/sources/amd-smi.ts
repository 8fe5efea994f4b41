import { explain } from '../../run-command.ts'
import {
  byJsonValue,
  inside,
  jsonOf,
  numberOf,
  type Printed,
  type PrintingTool,
  startPrinting,
} from '../printing-tool.ts'
import type { TelemetryDevice, ThrottleTimes } from '../sample.ts'
import type { OpenSource, OwnReading, SamplerWorld, TelemetrySource } from '../source.ts'

const TOOL = 'amd-smi'
const PERIOD_MS = 1000
const STATIC_TIMEOUT_MS = 3_000
/** How much of the start the energy counter is held against power for. */
const CHECK_LOOKS = 3
const CHECK_MS = 2_200
const POLL_MS = 50
/** Beyond this the counter and the power are not of the same thing. */
const MAX_GAP_RATIO = 0.2

/**
 * AMD GPUs by `amd-smi`, printing once a second: starting its Python each time would cost a good part
 * of a core. Its energy counter is known to be off (ROCm/amdsmi#38) or to stand still (ROCm/rocm_smi_lib#180),
 * so it is held against its power first, and is not used where they differ by over a fifth.
 */
export const amdSmi: TelemetrySource = { name: TOOL, open: openAmdSmi }

/** What one look of the tool says of one GPU. */
export interface AmdSmiGpu {
  readonly index: number
  readonly powerW?: number
  readonly energyJ?: number
  readonly clockSmMhz?: number
  readonly clockMemoryMhz?: number
  readonly temperatureC?: number
  readonly temperatureMemoryC?: number
  readonly throttle?: ThrottleTicks
}

/** Cumulative counts; each counts by one while its cause holds, `all` always (MI300 and later). */
export interface ThrottleTicks {
  readonly all: number
  readonly power: number
  readonly prochot: number
  /** The largest of socket, regulators and memory: they overlap. */
  readonly thermal: readonly number[]
}

interface Identity {
  readonly index: number
  readonly name?: string
  readonly pciAddress?: string
}

async function openAmdSmi(world: SamplerWorld): Promise<OpenSource | { readonly none: string }> {
  const [identities, tool] = await Promise.all([askIdentities(world), startWatching(world)])
  if ('none' in tool) return tool
  if ('none' in identities) {
    await tool.close()
    return identities
  }
  const looks = await firstLooks(tool, world)
  const gpus = looks[0]?.value ?? []
  const speaking = gpus.filter((gpu) => !isSilentTwin(gpu, gpus, identities.all))
  const verdicts = speaking.map(({ index }) => checkCounter(looks, index))
  const believed = speaking.map(({ index }, place) => ({
    index,
    counter: verdicts[place] === undefined,
    throttle: throttleClock(),
  }))
  const read = ({ atMs, value }: Printed<readonly AmdSmiGpu[]>) =>
    believed.flatMap(({ index, counter, throttle }, device): readonly OwnReading[] => {
      const gpu = value.find((other) => other.index === index)
      if (gpu === undefined) return []
      const { throttle: ticks, energyJ, powerW, index: _, ...rest } = gpu
      const times = ticks && throttle(ticks, atMs)
      // Whether the power is of the moment or an average depends on the GPU, and is not told.
      return [
        {
          device,
          atMs,
          energyJ: counter ? energyJ : undefined,
          powerAverageW: powerW,
          throttle: times,
          ...rest,
        },
      ]
    })
  let waiting = looks
  return {
    devices: speaking.map((gpu, place) => deviceOf(gpu, identities.all, gpus, verdicts[place])),
    look: () => {
      const taken = [...waiting, ...tool.take()]
      waiting = []
      return taken.flatMap(read)
    },
    close: tool.close,
  }
}

/** Names and PCI addresses: the tool's order is not that of HIP, nor of the driver's cards. */
async function askIdentities(
  world: SamplerWorld,
): Promise<{ readonly all: readonly Identity[] } | { readonly none: string }> {
  const args = ['static', '--asic', '--bus', '--json']
  const answer = await world.runCommand(TOOL, args, { timeoutMs: STATIC_TIMEOUT_MS })
  if (answer.kind !== 'exited') return { none: `${TOOL}: ${explain(answer)}` }
  if (answer.exitCode !== 0) {
    return {
      none: `${TOOL} ended with exit ${answer.exitCode}: ${answer.stderr.trim().slice(0, 200)}`,
    }
  }
  const all = gpusIn(answer.stdout).map((gpu): Identity => {
    const name = inside(gpu, 'asic', 'market_name')
    const pciAddress = inside(gpu, 'bus', 'bdf')
    return {
      index: numberOf(inside(gpu, 'gpu')) ?? -1,
      name: isText(name) ? name : undefined,
      pciAddress: isText(pciAddress) ? pciAddress.toLowerCase() : undefined,
    }
  })
  return all.length > 0 ? { all } : { none: `${TOOL} knows no GPU` }
}

const isText = (value: unknown): value is string =>
  typeof value === 'string' && value !== '' && value !== 'N/A'

/** A list at the top (ROCm up to 6.3), or under `gpu_data` (since). */
function gpusIn(json: string): readonly unknown[] {
  const parsed = jsonOf(byJsonValue(json).records[0] ?? '')
  const list = Array.isArray(parsed) ? parsed : inside(parsed, 'gpu_data')
  return Array.isArray(list) ? list : []
}

/** Without `--throttle` where the tool is too old for it (before ROCm 6.3). */
async function startWatching(
  world: SamplerWorld,
): Promise<PrintingTool<readonly AmdSmiGpu[]> | { readonly none: string }> {
  const common = ['metric', '--power', '--energy', '--temperature', '--clock']
  const watch = ['--json', '--watch', String(PERIOD_MS / 1000)]
  const start = (args: readonly string[]) =>
    startPrinting(world, {
      file: TOOL,
      args,
      split: byJsonValue,
      read: readMetric,
      // Python fills a pipe by 8 KiB at a time, many seconds late.
      env: { PYTHONUNBUFFERED: '1' },
    })
  const tool = await start([...common, '--throttle', ...watch])
  if ('none' in tool && /throttle/i.test(tool.none)) return start([...common, ...watch])
  return tool
}

/** One printed look: all GPUs. Unknown for what is none. */
export function readMetric(json: string): readonly AmdSmiGpu[] | undefined {
  const gpus = gpusIn(json).flatMap((gpu): readonly AmdSmiGpu[] => {
    const index = numberOf(inside(gpu, 'gpu'))
    if (index === undefined) return []
    return [
      {
        index,
        powerW: quantity(inside(gpu, 'power', 'socket_power'), 'W'),
        energyJ: quantity(inside(gpu, 'energy', 'total_energy_consumption'), 'J'),
        clockSmMhz: quantity(inside(gpu, 'clock', 'gfx_0', 'clk'), 'MHz'),
        clockMemoryMhz: quantity(inside(gpu, 'clock', 'mem_0', 'clk'), 'MHz'),
        temperatureC:
          quantity(inside(gpu, 'temperature', 'hotspot'), 'C') ??
          quantity(inside(gpu, 'temperature', 'edge'), 'C'),
        temperatureMemoryC: quantity(inside(gpu, 'temperature', 'mem'), 'C'),
        throttle: ticksOf(inside(gpu, 'throttle')),
      },
    ]
  })
  return gpus.length > 0 ? gpus : undefined
}

/** `{value, unit}`; in another unit than expected it is unknown rather than wrong. */
function quantity(value: unknown, unit: string): number | undefined {
  const told = inside(value, 'unit')
  if (typeof told === 'string' && told.replace('°', '') !== unit) return undefined
  return numberOf(inside(value, 'value') ?? value)
}

function ticksOf(throttle: unknown): ThrottleTicks | undefined {
  const ticks = (name: string) => {
    const value = inside(throttle, name)
    return numberOf(inside(value, 'value') ?? value)
  }
  const all = ticks('accumulation_counter')
  const power = ticks('ppt_accumulated')
  const prochot = ticks('prochot_accumulated')
  const names = ['socket_thermal', 'vr_thermal', 'hbm_thermal']
  const thermal = names
    .map((name) => ticks(`${name}_accumulated`))
    .filter((tick) => tick !== undefined)
  if (all === undefined || power === undefined || prochot === undefined) return undefined
  return { all, power, prochot, thermal }
}

/**
 * Counts as times. How long a count is is told nowhere; part of all counts is part of the time between
 * two looks, which is how AMD makes its percentages of them (amd_smi.cc, amdsmi_get_violation_status).
 */
export function throttleClock(): (ticks: ThrottleTicks, atMs: number) => ThrottleTimes {
  let last: { readonly ticks: ThrottleTicks; readonly atMs: number } | undefined
  let times = { powerCapMs: 0, thermalSoftwareMs: 0, thermalHardwareMs: 0 }
  return (ticks, atMs) => {
    const before = last
    last = { ticks, atMs }
    if (before === undefined || ticks.all <= before.ticks.all) return times
    const perTickMs = (atMs - before.atMs) / (ticks.all - before.ticks.all)
    const grown = (now: number, then = now) =>
      Math.min(Math.max(0, now - then) * perTickMs, atMs - before.atMs)
    const thermal = ticks.thermal.map((tick, place) => grown(tick, before.ticks.thermal[place]))
    times = {
      powerCapMs: times.powerCapMs + grown(ticks.power, before.ticks.power),
      thermalSoftwareMs: times.thermalSoftwareMs + Math.max(0, ...thermal),
      thermalHardwareMs: times.thermalHardwareMs + grown(ticks.prochot, before.ticks.prochot),
    }
    return times
  }
}

async function firstLooks(
  tool: PrintingTool<readonly AmdSmiGpu[]>,
  world: SamplerWorld,
): Promise<readonly Printed<readonly AmdSmiGpu[]>[]> {
  const endMs = world.nowMs() + CHECK_MS
  const looks = [...tool.take()]
  while (looks.length < CHECK_LOOKS && world.nowMs() < endMs) {
    await new Promise((resolve) => setTimeout(resolve, POLL_MS))
    looks.push(...tool.take())
  }
  return looks
}

/**
 * Why a GPU's energy counter is not used, or nothing where it agrees with its power over the looks.
 *
 * @param looks the first of the run, in the order of time
 */
export function checkCounter(
  looks: readonly Printed<readonly AmdSmiGpu[]>[],
  index: number,
): string | undefined {
  const points = looks.map(({ atMs, value }) => ({
    atMs,
    ...value.find((gpu) => gpu.index === index),
  }))
  const [first, last] = [points[0], points.at(-1)]
  if (first?.energyJ === undefined || last?.energyJ === undefined) return `${TOOL} tells none`
  if (points.length < 2) return 'there was no time to hold it against power'
  const countedJ = last.energyJ - first.energyJ
  if (countedJ <= 0) return 'it does not move (ROCm/rocm_smi_lib#180)'
  let powerJ = 0
  for (const [place, { atMs, powerW }] of points.entries()) {
    const before = points[place - 1]
    if (before === undefined) continue
    if (powerW === undefined || before.powerW === undefined)
      return 'there is no power to hold it against'
    powerJ += ((powerW + before.powerW) / 2) * ((atMs - before.atMs) / 1000)
  }
  if (Math.abs(countedJ - powerJ) <= MAX_GAP_RATIO * powerJ) return undefined
  return `it counted ${countedJ.toFixed(1)} J while power came to ${powerJ.toFixed(1)} J (ROCm/amdsmi#38)`
}

/** MI250 and MI250X: of the two GPUs of a package the second tells neither power nor energy. */
function isSilentTwin(
  gpu: AmdSmiGpu,
  gpus: readonly AmdSmiGpu[],
  identities: readonly Identity[],
): boolean {
  const name = identities.find(({ index }) => index === gpu.index)?.name ?? ''
  const silent = (gpu.powerW ?? 0) === 0 && (gpu.energyJ ?? 0) === 0
  return /MI250/.test(name) && silent && gpus.some(({ powerW }) => (powerW ?? 0) > 0)
}

function deviceOf(
  gpu: AmdSmiGpu,
  identities: readonly Identity[],
  gpus: readonly AmdSmiGpu[],
  verdict: string | undefined,
): TelemetryDevice {
  const { name, pciAddress } = identities.find(({ index }) => index === gpu.index) ?? {}
  const hasTwin = gpus.some((other) => isSilentTwin(other, gpus, identities))
  const lacks = [
    verdict === undefined ? [] : [`energy counter: ${verdict}`],
    gpu.powerW === undefined ? [`power: ${TOOL} tells none`] : [],
    gpu.throttle === undefined ? ['throttle times: only MI300 and later count them'] : [],
    hasTwin ? ['power of its own: what is told is of the package, its other GPU included'] : [],
  ].flat()
  return {
    id: pciAddress ?? `amd-gpu-${gpu.index}`,
    scope: 'gpu',
    source: `${TOOL} metric --watch`,
    name: name ?? `AMD GPU ${gpu.index}`,
    pciAddress,
    periodMs: PERIOD_MS,
    ...(lacks.length > 0 && { lacks }),
  }
}
