import type { Gpu } from '../gpu-fields.ts'
import type { Topology } from '../hardware.ts'

/** What one output tells. */
export interface ReadOutput {
  readonly gpus: readonly Gpu[]
  readonly topology?: Topology
  /** What is wrong with it, where something is. */
  readonly problem?: string
}
