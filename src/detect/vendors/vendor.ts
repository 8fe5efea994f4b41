import type { Gpu, ToolReport } from '../hardware.ts'
import type { RunCommand } from '../run-command.ts'

/** What a vendor's tool said, and how asking it went. The two are independent: some GPUs may be read of a tool that then failed. */
export interface VendorAnswer {
  readonly gpus: readonly Gpu[]
  readonly report: ToolReport
}

/**
 * One GPU vendor. To add one: a file beside this one, and a line in `index.ts`.
 */
export interface Vendor {
  readonly name: Gpu['vendor']
  /** The program that is asked. */
  readonly tool: string
  /** Asks the tool and reads its answer. A tool that is missing, hangs or talks nonsense is a report, never an exception. */
  readonly ask: (runCommand: RunCommand) => Promise<VendorAnswer>
}
