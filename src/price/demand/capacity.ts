import { type Maybe, product, ratio } from '../../arithmetic.ts'
import { S_PER_HOUR, TOKENS_PER_MILLION } from '../../units.ts'
import {
  requireBetween,
  requireNotNegative,
  requirePositive,
  requireWhole,
} from '../requirements.ts'
import { wholeUp } from '../whole.ts'
import { hoursOf, type LoadDuration, millionTokensOf, peakTokensPerS } from './load-duration.ts'

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

/** What is kept beyond the bare load. */
export interface CapacityRules {
  /** Throughput of one server under the SLO. */
  readonly tokensPerSPerServer: number
  /** Peak inside an hour / mean of that hour, at least 1: what an hourly curve averages away. */
  readonly withinHourPeakFactor: number
  /** Share of the time in which a server is out for maintenance, 0 up to but not 1. */
  readonly maintenanceRatio: number
  /** Servers beyond: 1 for N+1. */
  readonly spareServers: number
}

/** Whole servers, and how busy the demand keeps them. */
export interface Fleet {
  /** Servers that carry the peak. */
  readonly servingServers: number
  /** Servers to buy. */
  readonly servers: number
  /** Mean load / throughput of all bought servers: an outcome, not an input. Unknown where no time or server is. */
  readonly utilisationRatio: Maybe
}

/**
 * Servers for a demand: ceil(peak x within-hour factor / throughput) serve, ceil(serving / (1 - maintenance)) + spares
 * are bought. No demand needs none, and no spare.
 *
 * @throws UserError for a server without capacity, a peak factor under 1 or a maintenance share of 1
 */
export function fleetFor(curve: LoadDuration, rules: CapacityRules): Fleet {
  requireRules(rules)
  const peak = peakTokensPerS(curve) * rules.withinHourPeakFactor
  const servingServers = wholeUp(peak / rules.tokensPerSPerServer)
  const servers =
    servingServers === 0
      ? 0
      : wholeUp(servingServers / (1 - rules.maintenanceRatio)) + rules.spareServers
  return { servingServers, servers, utilisationRatio: utilisation(curve, servers, rules) }
}

function utilisation(
  curve: LoadDuration,
  servers: number,
  { tokensPerSPerServer }: CapacityRules,
): Maybe {
  const capacity = servers * tokensPerSPerServer * hoursOf(curve) * S_PER_HOUR
  return ratio(millionTokensOf(curve) * TOKENS_PER_MILLION, capacity)
}

function requireRules(rules: CapacityRules): void {
  requirePositive('tokensPerSPerServer', rules.tokensPerSPerServer)
  requireBetween('withinHourPeakFactor', rules.withinHourPeakFactor, 1, Number.MAX_VALUE)
  requireBetween('maintenanceRatio', rules.maintenanceRatio, 0, 0.99)
  requireNotNegative('spareServers', rules.spareServers)
  requireWhole('spareServers', rules.spareServers)
}
