import type { RunCommand } from '../run-command.ts'
import type { DeviceReading, TelemetryDevice } from './sample.ts'

/** What a source may touch. */
export interface SamplerWorld {
  readonly platform: NodeJS.Platform
  /** Monotonic, ms since the run's epoch. */
  readonly nowMs: () => number
  /** Time between looks, ms. */
  readonly periodMs: number
  /** Folder that stands for `/`: tests lay out a file system of their own. */
  readonly root: string
  readonly env: Readonly<Record<string, string | undefined>>
  readonly runCommand: RunCommand
}

/** A reading of one of a source's devices, by its place in the source's own list. */
export type OwnReading = DeviceReading & { readonly device: number }

/** A source that answers. */
export interface OpenSource {
  readonly devices: readonly TelemetryDevice[]
  /**
   * What has been read since the last call: for a source that is asked, one reading a device, now; for
   * one that tells of itself (a tool that prints line after line), all that arrived. Rejects when the
   * source is gone.
   */
  readonly look: () => Promise<readonly OwnReading[]> | readonly OwnReading[]
  /**
   * Cheap enough for every 10 ms, between looks: readings of only the energy counter, of devices whose
   * counter has moved since it was last asked. Absent where that costs too much.
   */
  readonly tick?: () => readonly OwnReading[]
  /** Devices that have gone since this was last asked, while others still answer. Absent where one cannot go alone. */
  readonly lost?: () => readonly { readonly device: number; readonly reason: string }[]
  readonly close: () => Promise<void>
}

/**
 * Somewhere that devices can be looked at. `open` never throws for what the machine lacks: it says why
 * the source cannot be used. To add one: a file in `sources/`, and a line in `sources/index.ts`.
 */
export interface TelemetrySource {
  readonly name: string
  readonly open: (world: SamplerWorld) => Promise<OpenSource | { readonly none: string }>
}
