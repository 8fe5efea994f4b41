import type { TelemetryScope } from '../detect/telemetry/sample.ts'

/** A power sensor as its own readings show it. */
export interface SensorProbe {
  /** Time between two changes of the energy counter, ms, no shorter than between two looks; absent without one. */
  readonly counterPeriodMs?: number
  /** Time between two changes of the power reading, ms, likewise; absent where it did not change. */
  readonly powerPeriodMs?: number
  /** Time that one power reading is the average of, ms, as found by holding it against the counter or a faster field. */
  readonly powerAveragingMs?: number
  /**
   * What energy is best made of: `counter`; `instant` power that holds for a short while; `average1s`
   * power, smeared over a second or so; `opaque`, where the readings do not tell.
   */
  readonly kind: 'counter' | 'instant' | 'average1s' | 'opaque'
  /**
   * Shortest window of which it can tell the energy, ms: 10 s for `counter` and `instant`, 30 s for
   * `average1s` and `opaque`, or 100 of its periods where that is longer.
   */
  readonly minWindowMs: number
}

/**
 * Whether an energy figure may be quoted. `partial`: looks cover under 95 % of the window. `disputed`:
 * counter and power differ by more than 15 %. `reset`: the counter went down. `too-short`: the window
 * is under what the sensor can tell. Only with `ok` are there figures per token.
 */
export type EnergyStatus = 'ok' | 'partial' | 'disputed' | 'reset' | 'too-short' | 'no-sensor'

/** Energy that one device used in one window. */
export interface DeviceEnergy {
  /** Place in the recording's list of devices. */
  readonly device: number
  readonly id: string
  readonly name: string
  readonly scope: TelemetryScope
  readonly status: EnergyStatus
  /** Why it is not `ok`. */
  readonly reason?: string
  /** The figure that stands: the counter's, but the integral of power where the sensor's `kind` is another. Only with `ok`. */
  readonly joules?: number
  /**
   * Half-width: sensor gain, updates at the edges, the gap between the two methods, what no look covered
   * and, of an `opaque` sensor, what it may have missed, in quadrature, J. Absent where nobody knows the gain of such a sensor: all but GPUs.
   */
  readonly uncertaintyJ?: number
  /** With `ok` and `disputed` alone, as is the integral. */
  readonly counterJ?: number
  /** Trapezoid of power between its changes. */
  readonly integralJ?: number
  /** |counter - integral| / counter. */
  readonly gapRatio?: number
  /** Part of the window that looks cover, 0 to 1. */
  readonly coverageRatio: number
  readonly sensor?: SensorProbe
}

/** Part of the window, 0 to 1, in which clocks were held back, by cause; of what was seen of the window. */
export interface ThrottleShares {
  /** Usual on a GPU at its limit. */
  readonly powerCapRatio?: number
  /** By software or hardware: the larger, as both may hold at once. */
  readonly thermalRatio?: number
  readonly powerBrakeRatio?: number
  readonly syncBoostRatio?: number
  /** `counters` tell all of it; `flags` only the looks at which a cause was named. */
  readonly by: 'counters' | 'flags'
}

/** How one device did in one window. */
export interface DeviceFigures {
  readonly device: number
  readonly id: string
  readonly name: string
  readonly scope: TelemetryScope
  /** Whether it is counted as serving the model: only then is it in the sums and judged by gates. */
  readonly serving: boolean
  /** What it is joined to detection by, where it is a GPU. */
  readonly pciAddress?: string
  readonly looks: number
  readonly powerMeanW?: number
  readonly powerMaxW?: number
  readonly temperatureMaxC?: number
  readonly temperatureMemoryMaxC?: number
  readonly clockSmMedianMhz?: number
  readonly clockSmMinMhz?: number
  readonly memoryPeakMib?: number
  readonly utilisationMeanRatio?: number
  /** Highest that was seen: the link under load. */
  readonly pcieGeneration?: number
  readonly pcieWidth?: number
  readonly throttle?: ThrottleShares
  readonly energy: DeviceEnergy
}

/** Energy of all devices of one scope that serve the model, in one window. Scopes overlap; they are never added up. */
export interface ScopeEnergy {
  readonly scope: TelemetryScope
  readonly devices: number
  readonly status: EnergyStatus
  readonly reason?: string
  readonly joules?: number
  /** Sum of the devices': sensors of one kind err alike. */
  readonly uncertaintyJ?: number
  readonly meanPowerW?: number
  /** Model loaded, no request: mean of what was measured before and after; absent where neither was. */
  readonly idlePowerW?: number
  /** All energy / output tokens that arrived in the window. */
  readonly grossJPerOutputToken?: number
  /** Energy above idle / the same. */
  readonly netJPerOutputToken?: number
  /** Input and output tokens. */
  readonly grossJPerToken?: number
  readonly netJPerToken?: number
  readonly grossJPerRequest?: number
  readonly netJPerRequest?: number
  readonly outputTokensPerJ?: number
  /** uncertaintyJ / joules: of every gross figure above. */
  readonly uncertaintyRatio?: number
}

/** The machine in one window. */
export interface MachineFigures {
  readonly devices: readonly DeviceFigures[]
  readonly scopes: readonly ScopeEnergy[]
}

/** Power of an idle machine with the model loaded, all devices of a scope that serve it. */
export interface IdlePower {
  readonly scope: TelemetryScope
  readonly beforeW?: number
  readonly afterW?: number
  /** Why one of them, or both, are absent. */
  readonly reason?: string
}

/**
 * One device over a run, at most 240 moments: its looks, or for a long run one of each of 240 equal
 * stretches of time: mean power and utilisation, highest temperature, lowest clock.
 */
export interface DeviceTimeline {
  readonly id: string
  readonly name: string
  readonly scope: TelemetryScope
  readonly moments: readonly {
    readonly atMs: number
    readonly powerW?: number
    readonly temperatureC?: number
    readonly clockSmMhz?: number
    readonly utilisationRatio?: number
  }[]
}

/** The machine over a whole run. */
export interface MachineSummary {
  readonly idle: readonly IdlePower[]
  readonly timelines: readonly DeviceTimeline[]
  /** Of the devices that are counted as serving the model: which, and how that is known. */
  readonly attribution: string
  /** CPU of the sampler, 1 is one core; absent when it did not live to tell. */
  readonly samplerCpuCores?: number
  readonly longestGapMs?: number
}
