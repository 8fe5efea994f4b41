import type { GpuProcess } from './reading.ts'

/** How bad a finding is: `blocker` the run cannot work; `warning` its figures suffer; `note` good to know. */
export type FindingSeverity = 'blocker' | 'warning' | 'note'

/** Something about the machine that a run will suffer from. */
export interface Finding {
  /** Name of the check, e.g. `persistence-mode`. */
  readonly check: string
  readonly severity: FindingSeverity
  /** What is so, with figures, and what it does to a run. */
  readonly text: string
  /** What to do, as a command where there is one. */
  readonly remedy?: string
}

/** Which GPUs serve the model, by PCI address, or why that is not known and all of them count. */
export type ServingGpus =
  | {
      readonly kind: 'known'
      readonly pciAddresses: readonly string[]
      readonly how: string
      readonly processes: readonly GpuProcess[]
    }
  | { readonly kind: 'unknown'; readonly reason: string }
