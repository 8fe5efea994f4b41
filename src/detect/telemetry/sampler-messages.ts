import type { TelemetryDevice } from './sample.ts'

/** What the sampler is told, as the first line of its standard input. That input's end tells it to stop. */
export interface SamplerOrder {
  /** `telemetry.jsonl`; written anew. */
  readonly file: string
  /** The run's epoch on the operating system's monotonic clock, ms. */
  readonly epochMonotonicMs: number
  /** Time between looks, ms. */
  readonly periodMs: number
  /** Folder that stands for `/`: for tests. */
  readonly root: string
}

export interface NotUsed {
  readonly source: string
  readonly reason: string
}

/** What the sampler says, a line each on its standard output: once how it started, and once how it ended. */
export type SamplerMessage =
  | {
      readonly kind: 'ready'
      readonly devices: readonly TelemetryDevice[]
      readonly notUsed: readonly NotUsed[]
    }
  /** Nothing to look at; it has ended, and there is no file. */
  | { readonly kind: 'none'; readonly notUsed: readonly NotUsed[] }
  | { readonly kind: 'failed'; readonly reason: string }
  | { readonly kind: 'ended' }
