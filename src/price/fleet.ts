import type { Maybe } from '../arithmetic.ts'
import { wholeUp } from './whole.ts'

/** How many machines stand for a demand, and how busy they are: what every cost of machines depends on. */
export interface Fleet {
  /** Bought or rented, spares included; of machines that come and go, their mean. */
  readonly servers: number
  readonly gpus: number
  readonly racks: number
  /** 1 once there is a server, else 0. */
  readonly sites: number
  /** Servers' worth of work: mean load / throughput of one server. */
  readonly busyServers: number
  /** The same in the highest hour. */
  readonly peakBusyServers: number
}

/** In the order in which they are worked out. */
export const fleetNames = [
  'servers',
  'gpus',
  'racks',
  'sites',
  'busyServers',
  'peakBusyServers',
] as const satisfies readonly (keyof Fleet)[]

export type FleetName = (typeof fleetNames)[number]

/** What is bought beyond the bare load. */
export interface FleetRules {
  /** Servers that only together hold a model: they come in such groups. */
  readonly serversPerDeployment: number
  readonly gpusPerServer: number
  readonly serversPerRack: number
  readonly spareServers: number
  /** Share of the time that a server is out, 0 up to but not 1. */
  readonly maintenanceRatio: number
}

/**
 * Servers that carry a peak: ceil(peak / throughput of one), in whole deployments. No demand needs none.
 *
 * @param tokensPerSPerServer of one server, its share where several hold one model
 */
export function servingServers(
  peakTokensPerS: number,
  tokensPerSPerServer: number,
  serversPerDeployment: number,
): Maybe {
  if (!(tokensPerSPerServer > 0)) return undefined
  return (
    wholeUp(peakTokensPerS / (tokensPerSPerServer * serversPerDeployment)) * serversPerDeployment
  )
}

/** Servers to buy for those that serve: ceil(serving / (1 - maintenance)) + spares; none for none. */
export function boughtServers(
  serving: number,
  { maintenanceRatio, spareServers }: Pick<FleetRules, 'maintenanceRatio' | 'spareServers'>,
): number {
  return serving === 0 ? 0 : wholeUp(serving / (1 - maintenanceRatio)) + spareServers
}

/** The fleet of so many bought servers under a load. */
export function fleetOf(
  servers: number,
  rules: Pick<FleetRules, 'gpusPerServer' | 'serversPerRack'>,
  busyServers: number,
  peakBusyServers: number,
): Fleet {
  return {
    servers,
    gpus: servers * rules.gpusPerServer,
    racks: Math.ceil(servers / rules.serversPerRack),
    sites: servers > 0 ? 1 : 0,
    busyServers,
    peakBusyServers,
  }
}
