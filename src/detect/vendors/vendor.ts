import type { Gpu, GpuVendor } from '../gpu-fields.ts'
import type { ToolReport, Topology } from '../hardware.ts'
import type { Machine } from '../machine.ts'
import type { Reading } from '../reading.ts'

/** What a vendor's tools said, and how asking each went. The two are independent: some GPUs may be read of a tool that then failed. */
export interface VendorAnswer {
  readonly gpus: readonly Gpu[]
  readonly reports: readonly ToolReport[]
  readonly topology?: Reading<Topology>
}

/**
 * One GPU vendor. To add one: a file beside this one, and a line in `index.ts`.
 */
export interface Vendor {
  readonly name: GpuVendor
  /** The program that is asked first. */
  readonly tool: string
  /** Asks its tools, one after another, and reads their answers. A tool that is missing, hangs or talks nonsense is a report, never an exception. */
  readonly ask: (machine: Machine) => Promise<VendorAnswer>
}
