import { type Maybe, product, ratio } from '../../arithmetic.ts'
import { requirePositive } from '../requirements.ts'
import { wholeUp } from '../whole.ts'

/** How instances lie on servers. */
export interface InstanceShape {
  readonly requestsPerSPerInstance: Maybe
  readonly gpusPerInstance: number
  readonly gpusPerServer: number
}

/**
 * Servers as NVIDIA's sizing notebook counts them: peak / instance x GPUs of an instance / GPUs of a server, a fraction.
 * Nobody sells the fraction, and the notebook divides its price by one server's prompts (4.8x too dear).
 *
 * @throws UserError when an instance has no capacity
 */
export function fractionalServers(peakRequestsPerS: Maybe, shape: InstanceShape): Maybe {
  requirePositive('requestsPerSPerInstance', shape.requestsPerSPerInstance)
  const instances = ratio(peakRequestsPerS, shape.requestsPerSPerInstance)
  return ratio(product([instances, shape.gpusPerInstance]), shape.gpusPerServer)
}

/**
 * Whole servers for whole instances: as many instances to a server as fit it, or as many servers to an instance
 * as it spans.
 *
 * @throws UserError when an instance has no capacity or no GPU, or a server none
 */
export function wholeServers(peakRequestsPerS: Maybe, shape: InstanceShape): Maybe {
  const { gpusPerInstance, gpusPerServer } = shape
  requirePositive('requestsPerSPerInstance', shape.requestsPerSPerInstance)
  requirePositive('gpusPerInstance', gpusPerInstance)
  requirePositive('gpusPerServer', gpusPerServer)
  const exact = ratio(peakRequestsPerS, shape.requestsPerSPerInstance)
  if (exact === undefined) return undefined
  const instances = wholeUp(exact)
  return gpusPerInstance <= gpusPerServer
    ? Math.ceil(instances / Math.floor(gpusPerServer / gpusPerInstance))
    : instances * Math.ceil(gpusPerInstance / gpusPerServer)
}
