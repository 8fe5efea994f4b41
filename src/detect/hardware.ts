/**
 * One value read from the machine, with the tool and field it came from. What a tool could not say
 * is absent with a reason; it is never 0.
 */
export type Reading<T> =
  | { readonly status: 'ok'; readonly value: T; readonly source: string }
  | { readonly status: 'absent'; readonly reason: string; readonly source: string }

/** The value of a reading, or unknown. */
export function readingValue<T>(reading: Reading<T> | undefined): T | undefined {
  return reading?.status === 'ok' ? reading.value : undefined
}

/** One accelerator. Memory is in MiB, power in W, temperature in degrees C, clocks in MHz. */
export interface Gpu {
  readonly vendor: 'nvidia' | 'amd' | 'intel' | 'apple'
  /** The vendor tool's own index: for reading its output only, never for joining (it changes on reboot). */
  readonly index: number
  readonly name: Reading<string>
  /** PCI address in lower case, `domain:bus:device.function`; what tools are joined by. */
  readonly pciAddress: Reading<string>
  readonly vramTotalMib: Reading<number>
  readonly vramReservedMib: Reading<number>
  readonly vramUsedMib: Reading<number>
  readonly vramFreeMib: Reading<number>
  readonly driverVersion: Reading<string>
  readonly computeCapability: Reading<string>
  /** The limit in force, not the one asked for. */
  readonly powerLimitEnforcedW: Reading<number>
  readonly powerLimitDefaultW: Reading<number>
  readonly powerW: Reading<number>
  readonly temperatureC: Reading<number>
  readonly clockSmMhz: Reading<number>
  readonly clockSmMaxMhz: Reading<number>
  readonly eccEnabled: Reading<boolean>
  readonly migEnabled: Reading<boolean>
  readonly pcieGeneration: Reading<number>
  readonly pcieWidth: Reading<number>
}

/** The machine around the accelerators. No hostname, serial or address: results are published. */
export interface Host {
  readonly cpuModel: Reading<string>
  readonly cpuCoresPhysical: Reading<number>
  readonly cpuCoresLogical: Reading<number>
  readonly memoryTotalMib: Reading<number>
  readonly memoryAvailableMib: Reading<number>
  readonly board: Reading<string>
  readonly os: Reading<string>
  readonly kernel: Reading<string>
  readonly virtualization: Reading<string>
}

/** What happened when a vendor's tool was asked. */
export interface ToolReport {
  readonly tool: string
  readonly outcome: 'ok' | 'not-found' | 'timed-out' | 'failed'
  readonly detail?: string
  readonly tookMs: number
}

/** No GPU is an answer, not an error: `gpus` is then empty. */
export interface Hardware {
  readonly detectedAt: string
  readonly host: Host
  readonly gpus: readonly Gpu[]
  readonly tools: readonly ToolReport[]
}
