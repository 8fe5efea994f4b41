/**
 * What a device measures. Scopes overlap and are never added up across: a node's power holds its GPUs'.
 * `gpu` one board; `module` a GPU with the processor beside it (Grace Hopper); `cpu-package`, `dram`,
 * `soc` (all of a system on a chip), `node` the whole machine by its own sensors, `wall` by an
 * external meter.
 */
export const telemetryScopes = [
  'gpu',
  'module',
  'cpu-package',
  'dram',
  'soc',
  'node',
  'wall',
] as const
export type TelemetryScope = (typeof telemetryScopes)[number]

/** Something that is looked at over and over while load runs. */
export interface TelemetryDevice {
  /** Unique in a recording, e.g. a PCI address or `package-0`. */
  readonly id: string
  readonly scope: TelemetryScope
  /** Where its readings come from, e.g. `nvml`, `nvidia-smi -lms 100`, `/sys/class/hwmon`. */
  readonly source: string
  /** For people: the GPU's name, the package's number. */
  readonly name: string
  /** What it is joined to detection by, where it is a GPU. */
  readonly pciAddress?: string
  /** Longest time between two looks for which the source may be trusted to tell every change, ms; absent where not known. */
  readonly periodMs?: number
  /** No more than now and then, e.g. by a tool that is started each time: too coarse for energy. */
  readonly coarse?: true
  /** What cannot be had of it, and why, e.g. no energy counter. */
  readonly lacks?: readonly string[]
}

/** Time during which clocks were held back, by cause, ms since the driver was loaded. */
export interface ThrottleTimes {
  readonly powerCapMs?: number
  readonly thermalSoftwareMs?: number
  readonly thermalHardwareMs?: number
  readonly powerBrakeMs?: number
  readonly syncBoostMs?: number
}

/** One look at one device. What it did not tell is absent, never 0. */
export interface DeviceReading {
  /** Moment of the look, ms since the run's epoch, on the monotonic clock. */
  readonly atMs: number
  /** Cumulative; from any starting value. A driver that is loaded anew begins again: a counter that goes down is a reset. */
  readonly energyJ?: number
  /** Power now, as nearly as the sensor tells. */
  readonly powerW?: number
  /** Power by a field that is an average over a second or so, or whose averaging is not known. */
  readonly powerAverageW?: number
  readonly clockSmMhz?: number
  readonly clockMemoryMhz?: number
  readonly temperatureC?: number
  readonly temperatureMemoryC?: number
  readonly memoryUsedMib?: number
  /** 0 to 1. */
  readonly utilisationRatio?: number
  readonly throttle?: ThrottleTimes
  /** Names of what holds the clocks back at this moment: only where no times are told. */
  readonly throttleReasons?: readonly string[]
  readonly pcieGeneration?: number
  readonly pcieWidth?: number
}

/** What the sampler itself cost from its start until now. */
export interface SamplerCost {
  /** CPU time / wall time; 1 is one core. With that of the tools it ran, where the system tells (Linux). */
  readonly cpuCores: number
  readonly looks: number
  /** Longest time between two looks, ms. */
  readonly longestGapMs: number
  /** Time that sources took to answer one look, the driver's own time included, ms; absent without a look. */
  readonly lookMeanMs?: number
  readonly lookLongestMs?: number
}

/**
 * A line of `telemetry.jsonl`. The first is `start`. `look` holds the readings of one or more devices,
 * by their place in `devices`. `lost` says that a device or source tells nothing more from now on. The
 * last is `end`; a file without one is of a sampler that was killed.
 */
export type TelemetryLine =
  | {
      readonly kind: 'start'
      readonly schemaVersion: 1
      /** Time between looks that was aimed at, ms. */
      readonly periodMs: number
      readonly devices: readonly TelemetryDevice[]
      /** Sources that were tried and are not in use, and why. */
      readonly notUsed: readonly { readonly source: string; readonly reason: string }[]
    }
  | {
      readonly kind: 'look'
      readonly readings: readonly (DeviceReading & { readonly device: number })[]
    }
  | {
      readonly kind: 'lost'
      readonly atMs: number
      readonly device: number
      readonly reason: string
    }
  | { readonly kind: 'end'; readonly atMs: number; readonly cost: SamplerCost }

/** A recording, put together from its lines. */
export interface Telemetry {
  readonly periodMs: number
  readonly devices: readonly TelemetryDevice[]
  readonly notUsed: readonly { readonly source: string; readonly reason: string }[]
  /** Of each device, in the order of `devices`, its readings in the order of time. */
  readonly readings: readonly (readonly DeviceReading[])[]
  readonly lost: readonly {
    readonly atMs: number
    readonly device: number
    readonly reason: string
  }[]
  /** Absent when the sampler did not live to tell. */
  readonly end?: { readonly atMs: number; readonly cost: SamplerCost }
  /** Lines that could not be read: what a crash left, or damage. */
  readonly unreadableLines: number
}
