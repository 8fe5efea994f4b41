import { type Gpu, type GpuReadings, gpuOf, withFallback } from '../gpu-fields.ts'
import type { Machine } from '../machine.ts'
import { absent, ok, type Reading, readingValue } from '../reading.ts'
import { explain, type RunCommand } from '../run-command.ts'
import type { Vendor, VendorAnswer } from './vendor.ts'

const MODEL = '/proc/device-tree/model'
const RELEASE = '/etc/nv_tegra_release'
const DEVFREQ = '/sys/class/devfreq'
const THERMAL = '/sys/class/thermal'
const NVPMODEL = 'nvpmodel'
const NVPMODEL_TIMEOUT_MS = 3_000
const HZ_PER_MHZ = 1e6
const MILLI = 1e-3

/**
 * NVIDIA's boards with the GPU inside the processor. `nvidia-smi` and NVML are there, list it, and say
 * `[N/A]` to almost everything; JetPack 5 and older have no `nvidia-smi` at all. So the device tree and
 * sysfs are asked too. It is one GPU then, and not two, which no PCI address could tell: it has none.
 */
export function withJetson(nvidia: Vendor): Vendor {
  return {
    ...nvidia,
    ask: async (machine) => {
      const [answer, board] = await Promise.all([nvidia.ask(machine), readBoard(machine)])
      return board === undefined ? answer : joined(answer, board)
    },
  }
}

interface Board {
  readonly gpu: Gpu
  /** The kernel shows an integrated GPU that runs: with a card in the slot, some boards switch it off. */
  readonly running: boolean
}

/** The first of NVIDIA's GPUs that is inside the processor gets what the board tells. Where there is none, the board's is added, unless cards have taken its place. */
function joined(answer: VendorAnswer, { gpu, running }: Board): VendorAnswer {
  const at = answer.gpus.findIndex(isIntegrated)
  const told = answer.gpus[at]
  if (told !== undefined) {
    const better = { ...withFallback(gpu, told), index: told.index }
    return { ...answer, gpus: answer.gpus.with(at, better) }
  }
  if (answer.gpus.length > 0 && !running) return answer
  return { ...answer, gpus: [...answer.gpus, { ...gpu, index: answer.gpus.length }] }
}

/** `Orin (nvgpu)` of JetPack 6, `NVIDIA Thor` of 7; any without memory and place of its own. */
function isIntegrated(gpu: Gpu): boolean {
  const name = readingValue(gpu.name) ?? ''
  if (/\bnvgpu\b|\btegra\b|^(nvidia )?(xavier|orin|thor)\b/i.test(name)) return true
  return gpu.vramTotalMib.status === 'absent' && gpu.pciAddress.status === 'absent'
}

async function readBoard(machine: Machine): Promise<Board | undefined> {
  if (machine.platform !== 'linux') return undefined
  const [model, release] = await Promise.all([line(machine, MODEL), line(machine, RELEASE)])
  if (!isJetson(model, release)) return undefined
  const node = await gpuNode(machine)
  const [clocks, temperatureC, powerMode] = await Promise.all([
    clocksOf(machine, node),
    gpuTemperature(machine),
    readPowerMode(machine.runCommand),
  ])
  const shared = absent("shares the machine's memory", MODEL)
  const readings = {
    ...(model.status === 'ok' && { name: model }),
    pciAddress: absent('inside the processor', MODEL),
    integrated: ok(true, model.status === 'ok' ? MODEL : RELEASE),
    memoryUnified: ok(true, model.status === 'ok' ? MODEL : RELEASE),
    vramTotalMib: shared,
    vramReservedMib: shared,
    vramUsedMib: shared,
    vramFreeMib: shared,
    firmwareVersion: l4t(release),
    powerW: absent('only tegrastats and the power rails tell it', MODEL),
    powerMode,
    temperatureC,
    ...clocks,
  }
  const otherwise = { reason: 'neither nvidia-smi nor the board tells it', source: MODEL }
  return { gpu: gpuOf('nvidia', 0, readings, otherwise), running: node !== undefined }
}

/** In containers the device tree is hidden; the runtime mounts the other file. */
function isJetson(model: Reading<string>, release: Reading<string>): boolean {
  if (model.status === 'ok') return /\b(jetson|orin|xavier|thor|tegra)\b/i.test(model.value)
  return release.status === 'ok'
}

/** `# R36 (release), REVISION: 4.3, GCID: ...` is L4T 36.4.3. */
function l4t(release: Reading<string>): Reading<string> {
  if (release.status === 'absent') return release
  const [, major, revision] = /^# R(\d+) \(release\), REVISION: ([\d.]+)/.exec(release.value) ?? []
  if (major === undefined || revision === undefined) return absent('not understood', RELEASE)
  return ok(`L4T ${major}.${revision}`, RELEASE)
}

/** Named by address and kind: `17000000.gpu`, `17000000.ga10b`, `17000000.gv11b`, `57000000.gpu`; of Thor `gpu-gpc-0`. */
async function gpuNode(machine: Machine): Promise<string | undefined> {
  const names = await folder(machine, DEVFREQ)
  const node = names.find((name) => /^[\da-f]+\.(gpu|g[a-z]\d\d[a-z])$|^gpu-gpc-0$/.test(name))
  return node === undefined ? undefined : `${DEVFREQ}/${node}`
}

async function clocksOf(machine: Machine, node: string | undefined): Promise<Partial<GpuReadings>> {
  if (node === undefined) {
    const none = absent('the kernel shows no clock of the GPU', DEVFREQ)
    return { clockSmMhz: none, clockSmMaxMhz: none }
  }
  const [clockSmMhz, limit, highest, load] = await Promise.all([
    number(machine, `${node}/cur_freq`, 1 / HZ_PER_MHZ),
    number(machine, `${node}/max_freq`, 1 / HZ_PER_MHZ),
    highestClock(machine, node),
    number(machine, `${node}/device/load`, MILLI),
  ])
  return {
    clockSmMhz,
    clockSmMaxMhz: highest.status === 'ok' ? highest : limit,
    clockSmRequestedMhz: asked(limit, highest),
    utilisationRatio: load,
  }
}

async function highestClock(machine: Machine, node: string): Promise<Reading<number>> {
  const source = `${node}/available_frequencies`
  const steps = await line(machine, source)
  if (steps.status === 'absent') return steps
  const clocksHz = steps.value.split(/\s+/).map(Number)
  const highestHz = Math.max(...clocksHz)
  return highestHz > 0 ? ok(highestHz / HZ_PER_MHZ, source) : absent('not understood', source)
}

/** The power mode limits the clock; a limit as high as the hardware goes is none. */
function asked(limit: Reading<number>, highest: Reading<number>): Reading<number> {
  if (limit.status === 'absent' || highest.status === 'absent') return limit
  if (limit.value < highest.value) return limit
  return absent('nobody asked for less than the highest', limit.source)
}

/** A zone a sensor; reading the GPU's fails while it is powered down. */
async function gpuTemperature(machine: Machine): Promise<Reading<number>> {
  const zones = (await folder(machine, THERMAL)).filter((name) => name.startsWith('thermal_zone'))
  const types = await Promise.all(zones.map((zone) => line(machine, `${THERMAL}/${zone}/type`)))
  const at = types.findIndex((type) => type.status === 'ok' && /^gpu-therm/i.test(type.value))
  const zone = zones[at]
  if (zone === undefined) return absent('no sensor of the GPU', THERMAL)
  return number(machine, `${THERMAL}/${zone}/temp`, MILLI)
}

/** `NV Power Mode: MAXN`: how many cores run, and how fast all may. Results of two modes do not compare. */
async function readPowerMode(runCommand: RunCommand): Promise<Reading<string>> {
  const source = `${NVPMODEL} -q`
  const result = await runCommand(NVPMODEL, ['-q'], { timeoutMs: NVPMODEL_TIMEOUT_MS })
  if (result.kind !== 'exited') return absent(explain(result), source)
  const mode = /NV Power Mode: *(\S.*)/.exec(result.stdout)?.[1]?.trim()
  return mode === undefined ? absent('it names no mode', source) : ok(mode, source)
}

async function number(machine: Machine, path: string, scale: number): Promise<Reading<number>> {
  const text = await line(machine, path)
  if (text.status === 'absent') return text
  if (!/^\d+$/.test(text.value)) return absent(`the file says ${text.value}`, path)
  return ok(Number(text.value) * scale, path)
}

/** The first line; texts of the device tree end with a NUL. */
async function line(machine: Machine, path: string): Promise<Reading<string>> {
  try {
    const text = (await machine.readText(path)).split(/[\n\0]/)[0]?.trim() ?? ''
    return text === '' ? absent('empty', path) : ok(text, path)
  } catch {
    return absent('cannot be read', path)
  }
}

async function folder(machine: Machine, path: string): Promise<readonly string[]> {
  try {
    return await machine.listFolder(path)
  } catch {
    return []
  }
}
