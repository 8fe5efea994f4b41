import { BYTES_PER_MIB, NS_PER_MS, US_PER_MS } from '../../../units.ts'
import { pciAddressOf } from '../../pci-address.ts'
import type { DeviceReading, TelemetryDevice, ThrottleTimes } from '../sample.ts'
import type { OpenSource, OwnReading, SamplerWorld, TelemetrySource } from '../source.ts'
import {
  type FieldRequest,
  fieldRequest,
  fieldReturn,
  type NvmlFieldValues,
  readFields,
} from './nvml-fields.ts'
import { loadNvml, type NvmlLibrary, nvmlReturn } from './nvml-library.ts'
import { powerDrawKind } from './power-draw.ts'
import { untimedReasons } from './throttle-reasons.ts'

/** NVIDIA's library itself: alone to tell the energy counter, and the cheapest to ask. */
export const nvml: TelemetrySource = { name: 'nvml', open: openNvml }

const MJ_PER_J = 1000
const MW_PER_W = 1000
const PERCENT = 100
/** `NVML_CLOCK_SM`, `NVML_CLOCK_MEM`, `NVML_TEMPERATURE_GPU` */
const CLOCK_SM = 1
const CLOCK_MEMORY = 2
const SENSOR_GPU = 0
/** Version word of a struct: its size, and the version in the highest byte (`NVML_STRUCT_VERSION`). */
const MEMORY_V2 = 40 | (2 << 24)
const TEMPERATURE_V1 = 12 | (1 << 24)
/** Offset of `used` in `nvmlMemory_v2_t`: u32 version, then u64 total, reserved, free, used. */
const MEMORY_USED_AT = 32
/** Offset of `temperature` in `nvmlTemperature_v1_t`: u32 version, u32 sensor, i32 temperature. */
const TEMPERATURE_AT = 8
/** `nvmlPciInfo_t`: char[16], five u32, then `busId`, char[32]. */
const PCI_SIZE = 68
const BUS_ID_AT = 36
const NAME_SIZE = 96
/** Memory, utilisation and link change slowly, and each is a call into the driver. */
const SLOW_PERIOD_MS = 500
/** A counter that moves faster needs no closer look at its edges, and would fill the disk. */
const TICK_GAP_MS = 40

/** A GPU that is looked at. */
interface Watched {
  readonly handle: bigint
  /** Its place in the list of devices, and that of the module it sits on. */
  readonly device: number
  readonly module?: number
  readonly fields: FieldRequest
  /** What `nvmlDeviceGetPowerUsage` tells of this architecture. */
  readonly powerUsage: 'instant' | 'average'
  readonly has: { readonly energyCall: boolean; readonly temperatureV: boolean }
  slowMs: number
  energyMj: number | undefined
  tickedMs: number
  gone: boolean
}

/** The library, and a place for the numbers it gives. */
interface Nvml {
  readonly library: NvmlLibrary
  readonly world: SamplerWorld
  readonly out: Buffer
  readonly lost: { readonly device: number; readonly reason: string }[]
}

async function openNvml(world: SamplerWorld): Promise<OpenSource | { readonly none: string }> {
  const library = await loadNvml(world)
  if ('none' in library) return library
  const code = await library.init()
  if (code !== nvmlReturn.success) return { none: library.errorText(code) }
  const it: Nvml = { library, world, out: Buffer.alloc(PCI_SIZE), lost: [] }
  const { devices, watched, telling } = await findGpus(it)
  if (!telling) {
    library.shutdown()
    const reason = 'tells neither energy nor power of any GPU'
    return { none: devices.length === 0 ? 'it sees no GPU' : reason }
  }
  return openSource(it, devices, watched)
}

function openSource(
  it: Nvml,
  devices: readonly TelemetryDevice[],
  watched: readonly Watched[],
): OpenSource {
  let asking = false
  return {
    devices,
    look: async () => {
      asking = true
      const readings: OwnReading[] = []
      for (const gpu of watched) {
        if (!gpu.gone) readings.push(...(await lookAt(it, gpu)))
      }
      asking = false
      return readings
    },
    ...(watched.some(({ has }) => has.energyCall) && {
      tick: () => watched.flatMap((gpu) => movedEnergy(it, gpu) ?? []),
    }),
    lost: () => it.lost.splice(0),
    close: async () => {
      // A call that hangs would have this one hang too.
      if (!asking) it.library.shutdown()
    },
  }
}

async function findGpus(it: Nvml): Promise<{
  readonly devices: readonly TelemetryDevice[]
  readonly watched: readonly Watched[]
  /** Whether any GPU tells energy or power. */
  readonly telling: boolean
}> {
  const devices: TelemetryDevice[] = []
  const watched: Watched[] = []
  let telling = false
  const count = it.library.deviceCount(it.out) === nvmlReturn.success ? it.out.readUInt32LE() : 0
  for (let index = 0; index < count; index++) {
    const code = it.library.handleByIndex(index, it.out)
    if (code !== nvmlReturn.success) {
      devices.push(deadGpu(index, it.library.errorText(code)))
      continue
    }
    const found = await meetGpu(it, index, it.out.readBigUInt64LE(), devices.length)
    devices.push(...found.devices)
    watched.push(found.watched)
    telling ||= found.telling
  }
  return { devices, watched, telling }
}

/** Listed all the same: a GPU that nobody mentions is not missed. */
function deadGpu(index: number, reason: string): TelemetryDevice {
  return {
    id: `gpu-${index}`,
    scope: 'gpu',
    source: 'nvml',
    name: `GPU ${index}`,
    lacks: [`everything: ${reason}`],
  }
}

/** A first look: what it is, and what it can tell. */
async function meetGpu(it: Nvml, index: number, handle: bigint, device: number) {
  const { library, out } = it
  const fields = fieldRequest()
  const code = await library.fieldValues(handle, fields.count, fields.buffer)
  const values = code === nvmlReturn.success ? readFields(fields) : {}
  const energyCode = library.totalEnergyMj(handle, out)
  const power = powerUsageW(it, handle) ?? values.powerInstantMw
  const hasModule = isModule(values)
  const watched: Watched = {
    handle,
    device,
    ...(hasModule && { module: device + 1 }),
    fields,
    powerUsage: powerDrawKind(computeCapability(it, handle)),
    has: {
      energyCall: energyCode === nvmlReturn.success,
      temperatureV: temperature(it, handle, true) !== undefined,
    },
    slowMs: Number.NEGATIVE_INFINITY,
    energyMj: undefined,
    tickedMs: Number.NEGATIVE_INFINITY,
    gone: false,
  }
  const noEnergy = energyCode !== nvmlReturn.success && values.energyMj === undefined
  const why = (name: Parameters<typeof fieldReturn>[1]): string =>
    library.errorText(code === nvmlReturn.success ? fieldReturn(fields, name) : code)
  const lacks = [
    ...(noEnergy ? [`energy counter: ${library.errorText(energyCode)}`] : []),
    ...(values.powerInstantMw === undefined ? [`instant power: ${why('powerInstantMw')}`] : []),
    ...(power === undefined ? [`power: ${library.errorText(library.powerMw(handle, out))}`] : []),
    ...(values.thermalHardwareNs === undefined
      ? [`time held back by heat: ${why('thermalHardwareNs')}`]
      : []),
  ]
  const devices = devicesOf(it, index, handle, lacks, hasModule)
  return { devices, watched, telling: !noEnergy || power !== undefined }
}

function devicesOf(
  it: Nvml,
  index: number,
  handle: bigint,
  lacks: readonly string[],
  hasModule: boolean,
): readonly TelemetryDevice[] {
  const pciAddress = pciAddressOf(text(it.out, it.library.pciInfo(handle, it.out), BUS_ID_AT))
  const label = Buffer.alloc(NAME_SIZE)
  const name = text(label, it.library.name(handle, label, NAME_SIZE), 0) ?? `GPU ${index}`
  const id = pciAddress ?? `gpu-${index}`
  const known = { source: 'nvml', ...(pciAddress !== undefined && { pciAddress }) }
  const gpu = { id, scope: 'gpu', name, ...known, ...(lacks.length > 0 && { lacks }) } as const
  if (!hasModule) return [gpu]
  return [gpu, { id: `${id}/module`, scope: 'module', name: `${name}, whole module`, ...known }]
}

/**
 * Older drivers take no notice of the scope and answer with the GPU's own figures; a module's energy is
 * its own field, and its power is more than its GPU's.
 */
function isModule(values: NvmlFieldValues): boolean {
  const { powerInstantMw, modulePowerInstantMw } = values
  if (modulePowerInstantMw === undefined || powerInstantMw === undefined) return false
  return modulePowerInstantMw > powerInstantMw
}

async function lookAt(it: Nvml, gpu: Watched): Promise<OwnReading[]> {
  const { library, world } = it
  const beforeMs = world.nowMs()
  const code = await library.fieldValues(gpu.handle, gpu.fields.count, gpu.fields.buffer)
  const atMs = Math.round(((beforeMs + world.nowMs()) / 2) * US_PER_MS) / US_PER_MS
  if (isGone(code)) return lose(it, gpu, code)
  const values = code === nvmlReturn.success ? readFields(gpu.fields) : {}
  const energyMj = values.energyMj ?? energyByCall(it, gpu)
  if (gpu.gone) return []
  if (energyMj !== undefined) gpu.energyMj = energyMj
  const { powerInstantMw, powerAverageMw } = values
  const reading: OwnReading = {
    device: gpu.device,
    atMs,
    ...defined({
      energyJ: per(energyMj, MJ_PER_J),
      powerW: per(powerInstantMw, MW_PER_W),
      powerAverageW: per(powerAverageMw, MW_PER_W),
      temperatureMemoryC: positive(values.temperatureMemoryC),
      clockSmMhz: clockMhz(it, gpu, CLOCK_SM),
      clockMemoryMhz: clockMhz(it, gpu, CLOCK_MEMORY),
      temperatureC: temperature(it, gpu.handle, gpu.has.temperatureV),
    }),
    ...(powerInstantMw === undefined && powerByCall(it, gpu)),
    ...throttleOf(it, gpu, values),
    ...slowReading(it, gpu, atMs),
  }
  return gpu.module === undefined ? [reading] : [reading, moduleReading(gpu.module, atMs, values)]
}

function moduleReading(device: number, atMs: number, values: NvmlFieldValues): OwnReading {
  return {
    device,
    atMs,
    ...defined({
      energyJ: per(values.moduleEnergyMj, MJ_PER_J),
      powerW: per(values.modulePowerInstantMw, MW_PER_W),
      powerAverageW: per(values.modulePowerAverageMw, MW_PER_W),
    }),
  }
}

/** The counter alone, where it has moved since it was last asked. */
function movedEnergy(it: Nvml, gpu: Watched): OwnReading | undefined {
  if (gpu.gone || !gpu.has.energyCall) return undefined
  const energyMj = energyByCall(it, gpu)
  if (energyMj === undefined || energyMj === gpu.energyMj) return undefined
  gpu.energyMj = energyMj
  const atMs = it.world.nowMs()
  if (atMs - gpu.tickedMs < TICK_GAP_MS) return undefined
  gpu.tickedMs = atMs
  return { device: gpu.device, atMs, energyJ: energyMj / MJ_PER_J }
}

function energyByCall(it: Nvml, gpu: Watched): number | undefined {
  const code = it.library.totalEnergyMj(gpu.handle, it.out)
  if (isGone(code)) lose(it, gpu, code)
  return code === nvmlReturn.success ? Number(it.out.readBigUInt64LE()) : undefined
}

function powerByCall(it: Nvml, gpu: Watched): Partial<DeviceReading> {
  const watts = powerUsageW(it, gpu.handle)
  if (watts === undefined) return {}
  return gpu.powerUsage === 'instant' ? { powerW: watts } : { powerAverageW: watts }
}

function powerUsageW({ library, out }: Nvml, handle: bigint): number | undefined {
  return per(u32(library.powerMw(handle, out), out), MW_PER_W)
}

function clockMhz({ library, out }: Nvml, gpu: Watched, type: number): number | undefined {
  return u32(library.clockMhz(gpu.handle, type, out), out)
}

/** By the newer function where it is there: the older one is to go with CUDA 14. */
function temperature({ library, out }: Nvml, handle: bigint, newer: boolean): number | undefined {
  if (!newer) return u32(library.temperature(handle, SENSOR_GPU, out), out)
  out.writeUInt32LE(TEMPERATURE_V1)
  out.writeUInt32LE(SENSOR_GPU, 4)
  const code = library.temperatureV(handle, out)
  return code === nvmlReturn.success ? out.readInt32LE(TEMPERATURE_AT) : undefined
}

function slowReading(it: Nvml, gpu: Watched, atMs: number): Partial<DeviceReading> {
  if (atMs - gpu.slowMs < SLOW_PERIOD_MS) return {}
  gpu.slowMs = atMs
  const { library, out } = it
  out.writeUInt32LE(MEMORY_V2)
  const memoryCode = library.memoryInfo(gpu.handle, out)
  const usedBytes =
    memoryCode === nvmlReturn.success ? Number(out.readBigUInt64LE(MEMORY_USED_AT)) : undefined
  return defined({
    memoryUsedMib: per(usedBytes, BYTES_PER_MIB),
    utilisationRatio: per(u32(library.utilisation(gpu.handle, out), out), PERCENT),
    pcieGeneration: u32(library.pcieGeneration(gpu.handle, out), out),
    pcieWidth: u32(library.pcieWidth(gpu.handle, out), out),
  })
}

function throttleOf(it: Nvml, gpu: Watched, values: NvmlFieldValues): Partial<DeviceReading> {
  const throttle: ThrottleTimes = defined({
    powerCapMs: per(values.powerCapNs, NS_PER_MS),
    thermalSoftwareMs: per(values.thermalSoftwareNs, NS_PER_MS),
    thermalHardwareMs: per(values.thermalHardwareNs, NS_PER_MS),
    powerBrakeMs: per(values.powerBrakeNs, NS_PER_MS),
    syncBoostMs: per(values.syncBoostNs, NS_PER_MS),
  })
  const throttleReasons = untimedReasons(throttle, () => reasonMask(it, gpu))
  return {
    ...(Object.keys(throttle).length > 0 && { throttle }),
    ...defined({ throttleReasons }),
  }
}

/** By either of its names. */
function reasonMask({ library, out }: Nvml, { handle }: Watched): number | undefined {
  const ok =
    library.eventReasons(handle, out) === nvmlReturn.success ||
    library.throttleReasons(handle, out) === nvmlReturn.success
  return ok ? Number(out.readBigUInt64LE()) : undefined
}

function computeCapability({ library }: Nvml, handle: bigint): number | undefined {
  const major = Buffer.alloc(4)
  const minor = Buffer.alloc(4)
  if (library.computeCapability(handle, major, minor) !== nvmlReturn.success) return undefined
  return Number(`${major.readInt32LE()}.${minor.readInt32LE()}`)
}

function isGone(code: number): boolean {
  return code === nvmlReturn.gpuIsLost || code === nvmlReturn.resetRequired
}

function lose(it: Nvml, gpu: Watched, code: number): [] {
  if (gpu.gone) return []
  gpu.gone = true
  const reason = it.library.errorText(code)
  it.lost.push({ device: gpu.device, reason })
  if (gpu.module !== undefined) it.lost.push({ device: gpu.module, reason })
  return []
}

function u32(code: number, out: Buffer): number | undefined {
  return code === nvmlReturn.success ? out.readUInt32LE() : undefined
}

function per(value: number | undefined, unit: number): number | undefined {
  return value === undefined ? undefined : value / unit
}

/** Memory that is at 0 degrees has no sensor. */
function positive(value: number | undefined): number | undefined {
  return value !== undefined && value > 0 ? value : undefined
}

function text(buffer: Buffer, code: number, at: number): string | undefined {
  if (code !== nvmlReturn.success) return undefined
  return buffer.toString('utf8', at, buffer.indexOf(0, at))
}

/** Without what is unknown. */
function defined<T extends object>(values: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>
  }
}
