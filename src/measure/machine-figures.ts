import type { TelemetryScope } from '../detect/telemetry/sample.ts'

/** A power sensor as its own readings show it. */
export interface SensorProbe {
  /** Time between two changes of the energy counter, ms; absent without one. */
  readonly counterPeriodMs?: number
  /** Time between two changes of the power reading, ms. */
  readonly powerPeriodMs?: number
  /** Time that one power reading is the average of, ms, as found by holding it against the counter or a faster field. */
  readonly powerAveragingMs?: number
  /**
   * What energy is best made of: `counter`; `instant` power that holds for a short while; `average1s`
   * power, smeared over a second or so; `opaque`, where the readings do not tell.
   */
  readonly kind: 'counter' | 'instant' | 'average1s' | 'opaque'
  /** Shortest window of which it can tell the energy, ms. */
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
  /** The figure that stands: the counter's where there is one, else the integral of power. Absent where the status forbids one. */
  readonly joules?: number
  /** Half-width: sensor gain, ticks at the edges and the gap between the two methods, in quadrature, J. */
  readonly uncertaintyJ?: number
  readonly counterJ?: number
  /** Trapezoid of power between its changes. */
  readonly integralJ?: number
  /** |counter - integral| / counter. */
  readonly gapRatio?: number
  /** Part of the window that looks cover, 0 to 1. */
  readonly coverageRatio: number
  readonly sensor?: SensorProbe
}

/** Part of the window, 0 to 1, in which clocks were held back, by cause. */
export interface ThrottleShares {
  readonly powerCapRatio?: number
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

/** Power of an idle machine with the model loaded. */
export interface IdlePower {
  readonly scope: TelemetryScope
  readonly beforeW?: number
  readonly afterW?: number
}

/** One device over a run, at most 240 moments. */
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
