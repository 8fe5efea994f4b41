import type { ThrottleTimes } from '../sample.ts'

/** Bits of NVIDIA's clock event reasons (`nvmlClocksEventReason...` in `nvml.h`), and the times that tell the same, where told. */
const reasons: readonly {
  readonly bit: number
  readonly name: string
  readonly timedBy?: keyof ThrottleTimes
}[] = [
  { bit: 0x4, name: 'power-cap', timedBy: 'powerCapMs' },
  // Heat, power brake or both: of the parts, one is told by a bit of its own.
  { bit: 0x8, name: 'hardware-slowdown', timedBy: 'thermalHardwareMs' },
  { bit: 0x10, name: 'sync-boost', timedBy: 'syncBoostMs' },
  { bit: 0x20, name: 'thermal-software', timedBy: 'thermalSoftwareMs' },
  { bit: 0x40, name: 'thermal-hardware', timedBy: 'thermalHardwareMs' },
  { bit: 0x80, name: 'power-brake', timedBy: 'powerBrakeMs' },
]

/**
 * Names of what holds the clocks back, of the causes whose time is not told. Idle and clocks that were
 * set by someone hold nothing back.
 *
 * @param mask asked for only where a time is missing
 */
export function untimedReasons(
  times: ThrottleTimes,
  mask: () => number | undefined,
): readonly string[] | undefined {
  const untimed = reasons.filter(
    ({ timedBy }) => timedBy === undefined || times[timedBy] === undefined,
  )
  if (untimed.length === 0) return undefined
  const bits = mask()
  if (bits === undefined) return undefined
  return untimed.filter(({ bit }) => (bits & bit) !== 0).map(({ name }) => name)
}
