import { nvmlReturn } from './nvml-library.ts'

/** `NVML_POWER_SCOPE_GPU` and `NVML_POWER_SCOPE_MODULE`. */
const GPU = 0
const MODULE = 1

/**
 * The fields asked for in one call, by their `NVML_FI_DEV_` names in `nvml.h`. The times of
 * `CLOCKS_EVENT_REASON` are cumulative.
 */
const fields = {
  /** TOTAL_ENERGY_CONSUMPTION */
  energyMj: { id: 83, scope: GPU },
  /** POWER_AVERAGE: over 1 s; Ampere, but for GA100, and newer. */
  powerAverageMw: { id: 185, scope: GPU },
  /** POWER_INSTANT */
  powerInstantMw: { id: 186, scope: GPU },
  /** MEMORY_TEMP */
  temperatureMemoryC: { id: 82, scope: GPU },
  /** CLOCKS_EVENT_REASON_SW_POWER_CAP, by its older name PERF_POLICY_POWER */
  powerCapNs: { id: 74, scope: GPU },
  /** CLOCKS_EVENT_REASON_SYNC_BOOST, by its older name PERF_POLICY_SYNC_BOOST */
  syncBoostNs: { id: 76, scope: GPU },
  /** CLOCKS_EVENT_REASON_SW_THERM_SLOWDOWN */
  thermalSoftwareNs: { id: 269, scope: GPU },
  /** CLOCKS_EVENT_REASON_HW_THERM_SLOWDOWN */
  thermalHardwareNs: { id: 270, scope: GPU },
  /** CLOCKS_EVENT_REASON_HW_POWER_BRAKE_SLOWDOWN */
  powerBrakeNs: { id: 271, scope: GPU },
  /** ENERGY: of a module with its processor, Grace and the like. */
  moduleEnergyMj: { id: 191, scope: MODULE },
  modulePowerAverageMw: { id: 185, scope: MODULE },
  modulePowerInstantMw: { id: 186, scope: MODULE },
} as const

export type NvmlField = keyof typeof fields
const fieldNames = Object.keys(fields) as NvmlField[]

/** What the driver told of them; the others are not to be had. */
export type NvmlFieldValues = { readonly [F in NvmlField]?: number }

/** A request for all fields of one GPU, filled in by the driver over and over. */
export interface FieldRequest {
  readonly count: number
  readonly buffer: Buffer
}

/**
 * `nvmlFieldValue_t`: u32 fieldId, u32 scopeId, i64 timestamp in us, i64 latency in us, i32 valueType,
 * i32 nvmlReturn, 8 bytes of value.
 */
const SIZE = 40
const SCOPE_AT = 4
const TYPE_AT = 24
const RETURN_AT = 28
const VALUE_AT = 32

export function fieldRequest(): FieldRequest {
  const buffer = Buffer.alloc(SIZE * fieldNames.length)
  for (const [i, name] of fieldNames.entries()) {
    buffer.writeUInt32LE(fields[name].id, i * SIZE)
    buffer.writeUInt32LE(fields[name].scope, i * SIZE + SCOPE_AT)
    // What the driver leaves as it was has not been answered.
    buffer.writeInt32LE(nvmlReturn.notSupported, i * SIZE + RETURN_AT)
  }
  return { count: fieldNames.length, buffer }
}

/** The values of an answered request. */
export function readFields({ buffer }: FieldRequest): NvmlFieldValues {
  const values: { [F in NvmlField]?: number } = {}
  for (const [i, name] of fieldNames.entries()) {
    if (buffer.readInt32LE(i * SIZE + RETURN_AT) !== nvmlReturn.success) continue
    const value = numberOf(buffer.readInt32LE(i * SIZE + TYPE_AT), buffer, i * SIZE + VALUE_AT)
    if (value !== undefined) values[name] = value
  }
  return values
}

/** `nvmlReturn_t` of one field of an answered request. */
export function fieldReturn({ buffer }: FieldRequest, name: NvmlField): number {
  return buffer.readInt32LE(fieldNames.indexOf(name) * SIZE + RETURN_AT)
}

/** By `nvmlValueType_t`, in its order. An `unsigned long` has 8 bytes on Linux, 4 on Windows. */
function numberOf(type: number, buffer: Buffer, at: number): number | undefined {
  const readers: readonly (() => number)[] = [
    () => buffer.readDoubleLE(at),
    () => buffer.readUInt32LE(at),
    () =>
      process.platform === 'win32' ? buffer.readUInt32LE(at) : Number(buffer.readBigUInt64LE(at)),
    () => Number(buffer.readBigUInt64LE(at)),
    () => Number(buffer.readBigInt64LE(at)),
    () => buffer.readInt32LE(at),
    () => buffer.readUInt16LE(at),
  ]
  const value = readers[type]?.()
  return value !== undefined && Number.isFinite(value) ? value : undefined
}
