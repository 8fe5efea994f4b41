import { S_PER_YEAR, TOKENS_PER_MILLION } from '../../units.ts'
import { componentsOf } from '../components.ts'
import { servingServers } from '../fleet.ts'
import { sumInOrder } from '../options/bill.ts'
import type { ModelContext } from '../options/context.ts'
import { rentedServers } from '../options/rented.ts'
import type { MachineOption, OptionOf, ScenarioOption } from '../scenario.ts'
import type { DemandYear } from './demand-years.ts'
import { holdings } from './holdings.ts'
import { hybridYears } from './hybrid-years.ts'
import {
  bought,
  busyRows,
  capexRow,
  cashRow,
  noCapexRow,
  rentRow,
  runningRow,
  salvageRow,
  standingLines,
  type YearRow,
  yearRow,
} from './year-cost-rows.ts'

/**
 * Rows `options.<id>.years.<y>`: what an option pays in each year of the horizon, in cash. Servers and whatever else has a life are paid
 * for at the start of the year that needs them, and again where their life ends, inside the year too, less what they are sold for then.
 * All else is paid at the end of the year: every line that is no capital, at the fleet and the demand of that year. In the first year
 * these are the lines of the bill.
 */
export function yearRows(
  context: ModelContext,
  id: string,
  option: ScenarioOption,
  demand: readonly DemandYear[],
): void {
  const prefix = `options.${id}`
  switch (option.kind) {
    case 'owned':
    case 'colocated':
      machineYears(context, prefix, option, demand)
      return
    case 'rented':
      rentedYears(context, prefix, option, demand)
      return
    case 'api':
      apiYears(context, prefix, option, demand)
      return
    case 'hybrid':
      hybridYears(context, prefix, option, demand)
      return
  }
}

function machineYears(
  context: ModelContext,
  prefix: string,
  option: MachineOption,
  demand: readonly DemandYear[],
): void {
  const at = (name: string) => `${prefix}.${name}`
  const components = componentsOf(option, context.scenario.capitalMethod)
  const needed: string[] = []
  const servers: string[] = []
  for (const year of demand) {
    const row = yearRow(context, prefix, year)
    needed.push(
      row(
        'neededServers',
        'Servers that the demand needs',
        'servers',
        'ceil(servingServers / (1 - maintenanceRatio)) + spareServers; servingServers = ceil(meanOutputTokensPerS x peakToMeanRatio x withinHourFactor / outputTokensPerSPerServer), in whole deployments',
        [
          year.meanOutputTokensPerS,
          'demand.peakToMeanRatio',
          year.withinHourFactor,
          at('outputTokensPerSPerServer'),
          at('serversPerDeployment'),
          at('maintenanceRatio'),
          at('spareServers'),
        ],
        ([mean = 0, peak = 0, factor = 0, perServer = 0, group = 0, share = 0, spares = 0]) =>
          bought(servingServers(mean * peak * factor, perServer, group), share, spares),
      ),
    )
    servers.push(heldRow(row, needed, at('lifeYears')))
    const busy = busyRows(row, year, at('outputTokensPerSPerServer'))
    capexRow(prefix, components, row, servers)
    runningRow(context, prefix, option, row, [servers.at(-1) as string, ...busy], [])
    cashRow(row, prefix, year)
  }
  salvageRow(context, prefix, prefix, components, servers)
}

function heldRow(row: YearRow, needed: readonly string[], lifeYears: string): string {
  return row(
    'servers',
    'Servers',
    'servers',
    'neededServers, or more where the life of earlier ones has not ended',
    [lifeYears, ...needed],
    ([life = 0, ...counts]) => holdings(counts, life).held.at(-1),
  )
}

function rentedYears(
  context: ModelContext,
  prefix: string,
  option: OptionOf<'rented'>,
  demand: readonly DemandYear[],
): void {
  const at = (name: string) => `${prefix}.${name}`
  for (const year of demand) {
    const row = yearRow(context, prefix, year)
    const servers = row(
      'servers',
      'Machines rented',
      'servers',
      'as in the first year, for the demand of the year: machines can be given back',
      [
        year.meanOutputTokensPerS,
        'demand.peakToMeanRatio',
        year.withinHourFactor,
        at('outputTokensPerSPerServer'),
        at('serversPerDeployment'),
        at('availabilityRatio'),
      ],
      (values) => rentedServers(option.scaling, context.shape, values),
    )
    const fleet = [servers, ...busyRows(row, year, at('outputTokensPerSPerServer'))]
    noCapexRow(row, servers)
    const rent = rentRow(context, prefix, option, row, fleet)
    runningRow(context, prefix, option, row, fleet, [rent])
    cashRow(row, prefix, year)
  }
}

function apiYears(
  { scenario, ...context }: ModelContext,
  prefix: string,
  option: OptionOf<'api'>,
  demand: readonly DemandYear[],
): void {
  for (const year of demand) {
    const row = yearRow({ scenario, ...context }, prefix, year)
    noCapexRow(
      row,
      row('servers', 'Servers', 'servers', '0: an API has none', [`${prefix}.servers`], ([n]) => n),
    )
    const tokens = row(
      'tokensUsd',
      'Tokens',
      'USD',
      'meanOutputTokensPerS x 31,536,000 s / 1e6 x tokenUsdPerMillionOutputTokens',
      [year.meanOutputTokensPerS, `${prefix}.tokenUsdPerMillionOutputTokens`],
      ([mean = 0, usd = 0]) => ((mean * S_PER_YEAR) / TOKENS_PER_MILLION) * usd,
    )
    row(
      'runningUsd',
      'Running costs',
      'USD',
      'tokensUsd and the lines that are not tokens',
      [tokens, ...standingLines(prefix, option, scenario.capitalMethod)],
      sumInOrder,
    )
    cashRow(row, prefix, year)
  }
}
