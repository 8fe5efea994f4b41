import type { LibraryHandle } from 'koffi'
import { messageOf } from '../../../errors.ts'
import type { SamplerWorld } from '../source.ts'

/**
 * NVIDIA's management library, as `nvml.h` (API 13) has it. Numbers come back in the buffers given;
 * each call returns an `nvmlReturn_t`.
 */
export interface NvmlLibrary {
  /** Off this thread: without persistence mode the driver takes seconds. */
  readonly init: () => Promise<number>
  readonly shutdown: () => number
  /** In the library's own words. */
  readonly errorText: (code: number) => string
  readonly deviceCount: (out: Buffer) => number
  readonly handleByIndex: (index: number, out: Buffer) => number
  /** Off this thread: where a driver hangs, this is what hangs. */
  readonly fieldValues: (device: bigint, count: number, fields: Buffer) => Promise<number>
  readonly pciInfo: (device: bigint, out: Buffer) => number
  readonly name: (device: bigint, out: Buffer, size: number) => number
  readonly computeCapability: (device: bigint, major: Buffer, minor: Buffer) => number
  readonly totalEnergyMj: (device: bigint, out: Buffer) => number
  readonly powerMw: (device: bigint, out: Buffer) => number
  readonly clockMhz: (device: bigint, type: number, out: Buffer) => number
  readonly temperatureV: (device: bigint, inOut: Buffer) => number
  readonly temperature: (device: bigint, sensor: number, out: Buffer) => number
  readonly memoryInfo: (device: bigint, inOut: Buffer) => number
  readonly utilisation: (device: bigint, out: Buffer) => number
  readonly pcieGeneration: (device: bigint, out: Buffer) => number
  readonly pcieWidth: (device: bigint, out: Buffer) => number
  readonly eventReasons: (device: bigint, out: Buffer) => number
  readonly throttleReasons: (device: bigint, out: Buffer) => number
}

/** `nvmlReturn_t`. */
export const nvmlReturn = {
  success: 0,
  notSupported: 3,
  functionNotFound: 13,
  gpuIsLost: 15,
  resetRequired: 16,
} as const

/** Functions that every driver of the last ten years has. */
const REQUIRED = ['nvmlInit_v2', 'nvmlDeviceGetCount_v2', 'nvmlDeviceGetHandleByIndex_v2']

/**
 * Loads the library: the one that `BAREMARK_NVML` names, else where drivers put it. Never throws.
 *
 * @returns the library, or why there is none
 */
export async function loadNvml({
  platform,
  env,
}: SamplerWorld): Promise<NvmlLibrary | { readonly none: string }> {
  const places = env.BAREMARK_NVML === undefined ? placesOf(platform) : [env.BAREMARK_NVML]
  if (places.length === 0) return { none: `there is no NVML on ${platform}` }
  let load: (path: string) => LibraryHandle
  try {
    load = (await import('koffi')).load
  } catch {
    return { none: 'the optional package koffi is not installed' }
  }
  let reason = ''
  for (const place of places) {
    try {
      return bind(load(place))
    } catch (error) {
      // The first place's answer is the one to tell: the others are for unusual systems.
      if (reason === '') reason = messageOf(error)
    }
  }
  return { none: reason }
}

/** By name as the loader finds it; then WSL, NixOS, and containers of managed clusters. */
function placesOf(platform: NodeJS.Platform): readonly string[] {
  if (platform === 'win32') {
    return ['nvml.dll', 'C:\\Program Files\\NVIDIA Corporation\\NVSMI\\nvml.dll']
  }
  if (platform !== 'linux') return []
  return [
    'libnvidia-ml.so.1',
    '/usr/lib/wsl/lib/libnvidia-ml.so.1',
    '/run/opengl-driver/lib/libnvidia-ml.so.1',
    '/usr/local/nvidia/lib64/libnvidia-ml.so.1',
  ]
}

function bind(library: LibraryHandle): NvmlLibrary {
  for (const name of REQUIRED) library.symbol(name)
  const call = <Args extends readonly unknown[]>(name: string, parameters: string) =>
    functionOf<Args>(library, name, parameters).now
  return {
    init: functionOf<[]>(library, 'nvmlInit_v2', 'void').later,
    shutdown: call<[]>('nvmlShutdown', 'void'),
    errorText: errorTexts(library),
    deviceCount: call('nvmlDeviceGetCount_v2', 'void *count'),
    handleByIndex: call('nvmlDeviceGetHandleByIndex_v2', 'unsigned int index, void *device'),
    fieldValues: functionOf<[bigint, number, Buffer]>(
      library,
      'nvmlDeviceGetFieldValues',
      'void *device, int count, void *values',
    ).later,
    pciInfo: call('nvmlDeviceGetPciInfo_v3', 'void *device, void *pci'),
    name: call('nvmlDeviceGetName', 'void *device, void *name, unsigned int length'),
    computeCapability: call(
      'nvmlDeviceGetCudaComputeCapability',
      'void *device, void *major, void *minor',
    ),
    totalEnergyMj: call('nvmlDeviceGetTotalEnergyConsumption', 'void *device, void *energy'),
    powerMw: call('nvmlDeviceGetPowerUsage', 'void *device, void *power'),
    clockMhz: call('nvmlDeviceGetClockInfo', 'void *device, int type, void *clock'),
    temperatureV: call('nvmlDeviceGetTemperatureV', 'void *device, void *temperature'),
    temperature: call('nvmlDeviceGetTemperature', 'void *device, int sensor, void *temp'),
    memoryInfo: call('nvmlDeviceGetMemoryInfo_v2', 'void *device, void *memory'),
    utilisation: call('nvmlDeviceGetUtilizationRates', 'void *device, void *utilization'),
    pcieGeneration: call('nvmlDeviceGetCurrPcieLinkGeneration', 'void *device, void *generation'),
    pcieWidth: call('nvmlDeviceGetCurrPcieLinkWidth', 'void *device, void *width'),
    eventReasons: call('nvmlDeviceGetCurrentClocksEventReasons', 'void *device, void *reasons'),
    throttleReasons: call(
      'nvmlDeviceGetCurrentClocksThrottleReasons',
      'void *device, void *reasons',
    ),
  }
}

/** A function of the library; where this driver has none of that name, one that says so by its return code. */
function functionOf<Args extends readonly unknown[]>(
  library: LibraryHandle,
  name: string,
  parameters: string,
): { now: (...args: Args) => number; later: (...args: Args) => Promise<number> } {
  const missing = nvmlReturn.functionNotFound
  try {
    const native = library.func(`int ${name}(${parameters})`)
    const later = (...args: Args): Promise<number> =>
      new Promise((resolve, reject) => {
        native.async(...args, (error: unknown, code: number) =>
          error === null || error === undefined ? resolve(code) : reject(error),
        )
      })
    return { now: (...args) => native(...args) as number, later }
  } catch {
    return { now: () => missing, later: async () => missing }
  }
}

function errorTexts(library: LibraryHandle): (code: number) => string {
  try {
    const text = library.func('const char *nvmlErrorString(int code)')
    return (code) =>
      code === nvmlReturn.functionNotFound
        ? 'this driver does not have it'
        : `${text(code) ?? 'NVML error'} (${code})`
  } catch {
    return (code) => `NVML error ${code}`
  }
}
