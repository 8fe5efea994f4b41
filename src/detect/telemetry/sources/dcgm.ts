import { messageOf, systemErrorCode } from '../../../errors.ts'
import { pciAddressOf } from '../../pci-address.ts'
import type { DeviceReading, TelemetryDevice } from '../sample.ts'
import type { OpenSource, OwnReading, SamplerWorld, TelemetrySource } from '../source.ts'
import { type PrometheusSample, readPrometheus } from './dcgm-text.ts'

/**
 * NVIDIA's DCGM exporter: at `BAREMARK_DCGM_URL`, else on this machine at its usual ports; no other
 * address is ever asked. It answers with what it collected last, every 30 s unless it was told
 * otherwise; a figure that has not changed is not told again.
 */
export const dcgm: TelemetrySource = { name: 'dcgm-exporter', open: openDcgm }

const usualUrls = ['http://localhost:9400/metrics', 'http://localhost:9401/metrics']
const SCRAPE_TIMEOUT_MS = 1_500
/** How its interval is found: so many scrapes, so far apart. */
const PROBE_SCRAPES = 16
const PROBE_GAP_MS = 100
/** In use: no more often. A scrape of eight GPUs is some tens of kB. */
const SCRAPE_GAP_MS = 100
const SLOW_SCRAPE_GAP_MS = 1_000
const MAX_FAILURES_IN_A_ROW = 5
const MJ_PER_J = 1000
const PERCENT = 100

type Figure = Exclude<keyof DeviceReading, 'atMs' | 'throttle' | 'throttleReasons'>

/**
 * The times of throttling (`*_VIOLATION`) are left out: they were in us and are in ns in newer ones, and
 * nothing says which. What the power is averaged over is not told either.
 */
const figures: Readonly<Record<string, { readonly figure: Figure; readonly unit?: number }>> = {
  DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION: { figure: 'energyJ', unit: MJ_PER_J },
  DCGM_FI_DEV_POWER_USAGE: { figure: 'powerAverageW' },
  DCGM_FI_DEV_SM_CLOCK: { figure: 'clockSmMhz' },
  DCGM_FI_DEV_MEM_CLOCK: { figure: 'clockMemoryMhz' },
  DCGM_FI_DEV_GPU_TEMP: { figure: 'temperatureC' },
  DCGM_FI_DEV_MEMORY_TEMP: { figure: 'temperatureMemoryC' },
  DCGM_FI_DEV_FB_USED: { figure: 'memoryUsedMib' },
  DCGM_FI_DEV_GPU_UTIL: { figure: 'utilisationRatio', unit: PERCENT },
}

/** From this on, DCGM's marks for "no value" (`DCGM_FP64_BLANK`, `DCGM_INT64_BLANK`); and four of 32 bits (`DCGM_INT32_BLANK`). */
const BLANK = 2 ** 47
const BLANK_32 = 0x7ffffff0

/** A GPU as one scrape tells it. */
interface Scraped {
  readonly id: string
  readonly name: string
  readonly pciAddress?: string
  readonly reading: Omit<DeviceReading, 'atMs'>
}

interface Watching {
  readonly world: SamplerWorld
  readonly url: string
  readonly gapMs: number
  readonly ids: readonly string[]
  /** Of each device, what was told last. */
  readonly told: Map<string, string>
  arrived: OwnReading[]
  askedMs: number
  busy: boolean
  failures: number
  reason: string
}

async function openDcgm(world: SamplerWorld): Promise<OpenSource | { readonly none: string }> {
  const named = world.env.BAREMARK_DCGM_URL
  const urls = named === undefined ? usualUrls : [named]
  const answers = await Promise.all(urls.map(async (url) => ({ url, got: await tryScrape(url) })))
  const found = answers.find(({ got }) => typeof got !== 'string' && got.some(tellsEnergyOrPower))
  if (found === undefined || typeof found.got === 'string') {
    const reasons = answers.map(
      ({ url, got }) => `${url}: ${typeof got === 'string' ? got : 'no energy or power there'}`,
    )
    return { none: reasons.join('; ') }
  }
  return watch(world, found.url, found.got)
}

async function watch(
  world: SamplerWorld,
  url: string,
  gpus: readonly Scraped[],
): Promise<OpenSource> {
  const intervalMs = await probeInterval(world, url)
  const watching: Watching = {
    world,
    url,
    gapMs: intervalMs === undefined ? SLOW_SCRAPE_GAP_MS : SCRAPE_GAP_MS,
    ids: gpus.map(({ id }) => id),
    told: new Map(),
    arrived: [],
    askedMs: Number.NEGATIVE_INFINITY,
    busy: false,
    failures: 0,
    reason: '',
  }
  return {
    devices: gpus.map((gpu) => deviceOf(gpu, url, intervalMs)),
    look: () => look(watching),
    close: async () => {},
  }
}

function deviceOf(gpu: Scraped, url: string, intervalMs: number | undefined): TelemetryDevice {
  const probedMs = PROBE_SCRAPES * PROBE_GAP_MS
  return {
    id: gpu.id,
    scope: 'gpu',
    source: `dcgm-exporter at ${url}`,
    name: gpu.name,
    ...(gpu.pciAddress !== undefined && { pciAddress: gpu.pciAddress }),
    ...(intervalMs === undefined ? { coarse: true } : { periodMs: intervalMs }),
    lacks: [
      'time held back: its unit is not told',
      ...(gpu.reading.energyJ === undefined ? ['energy counter: not exported'] : []),
      ...(intervalMs === undefined
        ? [`more than one new value in ${probedMs} ms: set DCGM_EXPORTER_INTERVAL=100`]
        : []),
    ],
  }
}

/** Median time between changes; unknown where there are too few to tell. */
async function probeInterval(world: SamplerWorld, url: string): Promise<number | undefined> {
  const changesMs: number[] = []
  let before: string | undefined
  for (let i = 0; i < PROBE_SCRAPES; i++) {
    const got = await tryScrape(url)
    const now = JSON.stringify(typeof got === 'string' ? undefined : got)
    if (before !== undefined && now !== before) changesMs.push(world.nowMs())
    before = now
    await new Promise((resolve) => setTimeout(resolve, PROBE_GAP_MS))
  }
  const gaps = changesMs.slice(1).map((ms, i) => ms - (changesMs[i] ?? ms))
  const median = gaps.sort((a, b) => a - b)[Math.floor(gaps.length / 2)]
  return median === undefined ? undefined : Math.round(median)
}

function look(watching: Watching): readonly OwnReading[] {
  if (watching.failures === MAX_FAILURES_IN_A_ROW) throw new Error(watching.reason)
  const now = watching.world.nowMs()
  if (!watching.busy && now - watching.askedMs >= watching.gapMs) {
    watching.askedMs = now
    watching.busy = true
    void ask(watching)
  }
  return watching.arrived.splice(0)
}

async function ask(watching: Watching): Promise<void> {
  const { world, url, ids, told } = watching
  const got = await tryScrape(url)
  const atMs = world.nowMs()
  watching.busy = false
  if (typeof got === 'string') {
    watching.failures++
    watching.reason = got
    return
  }
  watching.failures = 0
  for (const { id, reading } of got) {
    const device = ids.indexOf(id)
    const text = JSON.stringify(reading)
    if (device === -1 || told.get(id) === text) continue
    told.set(id, text)
    watching.arrived.push({ device, atMs, ...reading })
  }
}

/** The GPUs told, or why there is no answer. */
async function tryScrape(url: string): Promise<readonly Scraped[] | string> {
  try {
    const signal = AbortSignal.timeout(SCRAPE_TIMEOUT_MS)
    // Where it leads elsewhere is not the address that was meant.
    const response = await fetch(url, { signal, redirect: 'error' })
    if (!response.ok) return `HTTP ${response.status}`
    return gpusOf(readPrometheus(await response.text()))
  } catch (error) {
    // What `fetch` itself says is no more than that it failed.
    const { cause } = error as { cause?: unknown }
    return systemErrorCode(cause) ?? messageOf(cause ?? error)
  }
}

/** Of a GPU that is split, its parts' samples tell of the parts, or of the whole again. */
function gpusOf(samples: readonly PrometheusSample[]): readonly Scraped[] {
  const gpus = new Map<string, Scraped & { reading: { [F in Figure]?: number } }>()
  for (const { name, labels, value } of samples) {
    const row = figures[name]
    if (row === undefined || labels.GPU_I_ID || isBlank(value)) continue
    const pciAddress = pciAddressOf(labels.pci_bus_id)
    const id = pciAddress ?? labels.UUID ?? `gpu-${labels.gpu}`
    const gpu = gpus.get(id) ?? {
      id,
      name: labels.modelName ?? `GPU ${labels.gpu}`,
      ...(pciAddress !== undefined && { pciAddress }),
      reading: {},
    }
    gpus.set(id, gpu)
    // Each process on a GPU may have a sample of its own, all of one value.
    gpu.reading[row.figure] ??= value / (row.unit ?? 1)
  }
  return [...gpus.values()]
}

function isBlank(value: number): boolean {
  return value >= BLANK || (value >= BLANK_32 && value < BLANK_32 + 4)
}

function tellsEnergyOrPower({ reading }: Scraped): boolean {
  return (reading.energyJ ?? reading.powerAverageW) !== undefined
}
