import type { Gpu } from './gpu-fields.ts'
import type { Host } from './host-fields.ts'
import type { Reading } from './reading.ts'

/** What happened when a vendor's tool was asked. */
export interface ToolReport {
  readonly tool: string
  readonly outcome: 'ok' | 'not-found' | 'timed-out' | 'failed'
  readonly detail?: string
  readonly tookMs: number
}

/** How two GPUs reach each other, in the vendor's words: `NV18`, `PIX`, `SYS`, `XGMI` ... */
export interface Topology {
  /** PCI addresses where known, else the vendor's names, in the order of rows and columns. */
  readonly gpus: readonly string[]
  readonly links: readonly (readonly string[])[]
}

/**
 * A machine. No GPU is an answer, not an error: `gpus` is then empty. Identifiers are hashes here,
 * unless they were asked for.
 */
export interface Hardware {
  readonly detectedAt: string
  readonly host: Host
  readonly gpus: readonly Gpu[]
  readonly topology: Reading<Topology>
  readonly tools: readonly ToolReport[]
  /** Over all fields that tell this machine from another: equal for the same machine, whatever its state. */
  readonly hwHash: string
  /** Over all fields that say how it is set up: limits, ECC, driver, kernel ... */
  readonly stateHash: string
}
