/** NVIDIA's compute capability of the architectures named. */
const PASCAL = 6
const GA100 = 8

/**
 * What NVIDIA's one power figure without a name of its own (`power.draw`, `nvmlDeviceGetPowerUsage`) is:
 * "on Ampere (except GA100) or newer GPUs [...] power averaged over 1 sec interval; on GA100 and older
 * architectures, instantaneous" (`nvml.h`). Before Pascal it lags behind for as long (arXiv 2312.02741).
 * An architecture that is not known counts as averaged.
 *
 * @param computeCapability e.g. 8.6
 */
export function powerDrawKind(computeCapability: number | undefined): 'instant' | 'average' {
  if (computeCapability === undefined) return 'average'
  return computeCapability >= PASCAL && computeCapability <= GA100 ? 'instant' : 'average'
}
