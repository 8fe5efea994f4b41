import { boughtServers, servingServers } from '../fleet.ts'
import type { LedgerBuilder } from '../ledger.ts'

/** Whole machines for the highest hour, and its peak inside. */
export function servingRow(ledger: LedgerBuilder, prefix: string, label: string): void {
  ledger.result({
    path: `${prefix}.servingServers`,
    label,
    unit: 'servers',
    formula:
      'ceil(meanOutputTokensPerS x peakToMeanRatio x withinHourFactor / outputTokensPerSPerServer), in whole deployments',
    from: [
      'demand.meanOutputTokensPerS',
      'demand.peakToMeanRatio',
      'demand.withinHourFactor',
      `${prefix}.outputTokensPerSPerServer`,
      `${prefix}.serversPerDeployment`,
    ],
    work: ([mean = 0, peak = 0, factor = 0, perServer = 0, group = 0]) =>
      servingServers(mean * peak * factor, perServer, group),
  })
}

/** Servers to buy for those that serve. @param rulesAt where maintenance and spares are */
export function boughtRow(
  ledger: LedgerBuilder,
  prefix: string,
  label: string,
  rulesAt: string,
): void {
  ledger.result({
    path: `${prefix}.servers`,
    label,
    unit: 'servers',
    formula: 'ceil(servingServers / (1 - maintenanceRatio)) + spareServers',
    from: [`${prefix}.servingServers`, `${rulesAt}.maintenanceRatio`, `${rulesAt}.spareServers`],
    work: ([serving = 0, maintenanceRatio = 0, spareServers = 0]) =>
      boughtServers(serving, { maintenanceRatio, spareServers }),
  })
}

/**
 * What servers stand in: GPUs, racks, the rack units that they take, and a site.
 *
 * @param machine what a server is called
 * @param rulesAt where GPUs, servers to a rack and the height of a server are
 * @param rented of rented ones nobody has the racks, and nobody knows the height
 */
export function countRows(
  ledger: LedgerBuilder,
  prefix: string,
  { machine, rulesAt, rented }: { machine: string; rulesAt: string; rented: boolean },
): void {
  const servers = `${prefix}.servers`
  ledger.result({
    path: `${prefix}.gpus`,
    label: 'GPUs',
    unit: 'units',
    formula: 'servers x gpusPerServer',
    from: [servers, `${rulesAt}.gpusPerServer`],
    work: ([count = 0, gpus = 0]) => count * gpus,
  })
  ledger.result({
    path: `${prefix}.racks`,
    label: 'Racks',
    unit: 'racks',
    formula: rented ? '0: they are not yours' : 'ceil(servers / serversPerRack)',
    from: [servers, ...(rented ? [] : [`${rulesAt}.serversPerRack`])],
    work: ([count = 0, perRack = Number.POSITIVE_INFINITY]) => Math.ceil(count / perRack),
  })
  if (!rented)
    ledger.result({
      path: `${prefix}.rackUnits`,
      label: 'Rack units',
      unit: 'rack units',
      formula: 'servers x rackUnitsPerServer',
      from: [servers, `${rulesAt}.rackUnitsPerServer`],
      work: ([count = 0, height = 0]) => count * height,
    })
  ledger.result({
    path: `${prefix}.sites`,
    label: 'Sites',
    unit: 'sites',
    formula: `1 where there is a ${machine}`,
    from: [servers],
    work: ([count = 0]) => (count > 0 ? 1 : 0),
  })
}
