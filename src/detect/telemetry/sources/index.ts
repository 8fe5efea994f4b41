import type { TelemetrySource } from '../source.ts'
import { amdSmi } from './amd-smi.ts'
import { amdSysfs } from './amd-sysfs.ts'
import { dcgm } from './dcgm.ts'
import { intelHwmon } from './intel-hwmon.ts'
import { ipmi } from './ipmi.ts'
import { macmon } from './macmon.ts'
import { nvidiaSmiOnce } from './nvidia-smi-once.ts'
import { nvidiaSmiStream } from './nvidia-smi-stream.ts'
import { nvml } from './nvml.ts'
import { powermetrics } from './powermetrics.ts'
import { rapl } from './rapl.ts'
import { redfish } from './redfish.ts'
import { tegrastats } from './tegrastats.ts'
import { xpuSmi } from './xpu-smi.ts'

/**
 * Every source that is tried, in groups of alternatives: they see the same devices, so of each group
 * the first that opens is used. Groups are tried at the same time.
 */
export const telemetrySources: readonly (readonly TelemetrySource[])[] = [
  // A Jetson's GPU is seen by the first three without its power, so that they do not open there.
  [nvml, nvidiaSmiStream, dcgm, tegrastats, nvidiaSmiOnce],
  [amdSysfs, amdSmi],
  [intelHwmon, xpuSmi],
  [macmon, powermetrics],
  [rapl],
  [redfish, ipmi],
]
