import type {
  DeviceReading,
  Telemetry,
  TelemetryDevice,
} from '../../src/detect/telemetry/sample.ts'
import type { RunLog, TelemetryLog } from '../../src/load/run-log.ts'
import { deviceEnergy, energyTrace } from '../../src/measure/energy.ts'
import type { DeviceEnergy } from '../../src/measure/machine-figures.ts'

export const PERIOD_MS = 100

/** A look every so often, both ends included. */
export function looks(
  fromMs: number,
  toMs: number,
  tell: (atMs: number) => Omit<DeviceReading, 'atMs'>,
  everyMs: number = PERIOD_MS,
): DeviceReading[] {
  const count = Math.floor((toMs - fromMs) / everyMs) + 1
  return Array.from({ length: count }, (_, i) => {
    const atMs = fromMs + i * everyMs
    return { atMs, ...tell(atMs) }
  })
}

/** Steady power, by counter and by sensor, on the energy of `startJ` at 0. */
export const steady =
  (powerW: number, startJ = 1000) =>
  (atMs: number): Omit<DeviceReading, 'atMs'> => ({
    powerW,
    energyJ: startJ + (powerW * atMs) / 1000,
  })

export function gpu(parts: Partial<TelemetryDevice> = {}): TelemetryDevice {
  return {
    id: '0000:01:00.0',
    scope: 'gpu',
    source: 'test',
    name: 'Some GPU',
    pciAddress: '0000:01:00.0',
    ...parts,
  }
}

export const otherGpu = gpu({ id: '0000:02:00.0', pciAddress: '0000:02:00.0', name: 'Other GPU' })

export function recording(
  devices: readonly (readonly [TelemetryDevice, readonly DeviceReading[]])[],
  parts: Partial<Telemetry> = {},
): Telemetry {
  return {
    periodMs: PERIOD_MS,
    devices: devices.map(([device]) => device),
    notUsed: [],
    readings: devices.map(([, readings]) => readings),
    lost: [],
    unreadableLines: 0,
    ...parts,
  }
}

/** How a run watched its machine, with these GPUs serving. */
export function watched(
  pciAddresses: readonly string[] | undefined,
  idle: Extract<TelemetryLog, { kind: 'recorded' }>['idle'] = [],
): Pick<RunLog, 'telemetry'> {
  const serving =
    pciAddresses === undefined
      ? ({ kind: 'unknown', reason: 'the server is elsewhere' } as const)
      : ({
          kind: 'known',
          pciAddresses,
          how: 'process 7 listens on port 8000',
          processes: [],
        } as const)
  return { telemetry: { kind: 'recorded', serving, idle } }
}

export function energyOf(
  readings: readonly DeviceReading[],
  startMs: number,
  endMs: number,
  device = gpu(),
): DeviceEnergy {
  return deviceEnergy(energyTrace(0, device, readings, PERIOD_MS), { startMs, endMs })
}
