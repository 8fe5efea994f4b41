import { S_PER_YEAR, TOKENS_PER_MILLION } from '../../units.ts'
import { componentsOf } from '../components.ts'
import { meanServed } from '../demand/load-shape.ts'
import { servingServers } from '../fleet.ts'
import { billModel, sumInOrder } from '../options/bill.ts'
import type { ModelContext } from '../options/context.ts'
import { servingChoice } from '../options/hybrid.ts'
import type { OptionOf, ScenarioOption } from '../scenario.ts'
import { wholeUp } from '../whole.ts'
import type { DemandYear } from './demand-years.ts'
import {
  bought,
  capexRow,
  cashRow,
  fleetFrom,
  isRunning,
  noCapexRow,
  rentRow,
  ruleFrom,
  salvageRow,
  standingLines,
  type YearRow,
  yearRow,
} from './year-cost-rows.ts'

/**
 * A mix chooses its machines for the demand of each year as it does for the first, at the prices of today; machines that were bought
 * are kept, so it never has fewer than the year before.
 */
export function hybridYears(
  context: ModelContext,
  prefix: string,
  option: OptionOf<'hybrid'>,
  demand: readonly DemandYear[],
): void {
  const { scenario } = context
  const base = scenario.options[option.base] as ScenarioOption
  const baseAt = `options.${option.base}`
  const components = componentsOf(base, scenario.capitalMethod)
  const servers: string[] = []
  let before: string | undefined
  for (const year of demand) {
    const row = yearRow(context, prefix, year)
    const serving = servingRow(
      context,
      option,
      year,
      row,
      base.kind === 'rented' ? undefined : before,
    )
    before = serving
    servers.push(hybridServersRow(row, base, baseAt, serving))
    const load = hybridLoadRows(context, baseAt, year, row, serving)
    const fleet = [servers.at(-1) as string, load.busy, load.peakBusy]
    if (base.kind === 'rented') noCapexRow(row, servers.at(-1) as string)
    else capexRow(baseAt, components, row, servers)
    const rent = base.kind === 'rented' ? [rentRow(context, baseAt, base, row, fleet)] : []
    hybridRunningRow(context, prefix, option, base, row, fleet, rent, load.spilled)
    cashRow(row, prefix, year)
  }
  if (base.kind !== 'rented') salvageRow(context, prefix, baseAt, components, servers)
}

function servingRow(
  context: ModelContext,
  option: OptionOf<'hybrid'>,
  year: DemandYear,
  row: YearRow,
  before: string | undefined,
): string {
  const { formula, from, work } = servingChoice(
    context,
    option,
    year.meanOutputTokensPerS,
    year.withinHourFactor,
  )
  const label = 'Machines that carry the base'
  if (before === undefined) return row('servingServers', label, 'servers', formula, from, work)
  return row(
    'servingServers',
    label,
    'servers',
    `${formula}; at least those of the year before`,
    [...from, before],
    (values) => {
      const chosen = work(values)
      return chosen === undefined ? undefined : Math.max(chosen, values.at(-1) as number)
    },
  )
}

function hybridServersRow(
  row: YearRow,
  base: ScenarioOption,
  baseAt: string,
  serving: string,
): string {
  const label = 'Machines, spares included'
  if (base.kind === 'rented')
    return row(
      'servers',
      label,
      'servers',
      'ceil(servingServers / availabilityRatio)',
      [serving, `${baseAt}.availabilityRatio`],
      ([count = 0, available = 0]) => wholeUp(count / available),
    )
  return row(
    'servers',
    label,
    'servers',
    'ceil(servingServers / (1 - maintenanceRatio)) + spareServers',
    [serving, `${baseAt}.maintenanceRatio`, `${baseAt}.spareServers`],
    ([count = 0, share = 0, spares = 0]) => bought(count, share, spares),
  )
}

/** What the machines carry and what is left for the API. */
function hybridLoadRows(
  { shape }: ModelContext,
  baseAt: string,
  year: DemandYear,
  row: YearRow,
  serving: string,
): { busy: string; peakBusy: string; spilled: string } {
  const perServer = `${baseAt}.outputTokensPerSPerServer`
  const demand = [year.meanOutputTokensPerS, 'demand.peakToMeanRatio', year.withinHourFactor]
  const carried = row(
    'baseOutputTokensPerS',
    'Output tokens/s that the machines carry, mean',
    'tokens/s',
    'mean over the hours of min(load, servingServers x outputTokensPerSPerServer / withinHourFactor); all of it where they carry the peak',
    [...demand, serving, perServer, `${baseAt}.serversPerDeployment`],
    ([mean = 0, peak = 0, factor = 0, count = 0, each = 0, group = 0]) =>
      count >= (servingServers(mean * peak * factor, each, group) ?? Number.POSITIVE_INFINITY)
        ? mean
        : meanServed(shape, mean, (count * each) / factor),
  )
  const busy = row(
    'busyServers',
    "Mean load of the base, in servers' worth of work",
    'servers',
    'baseOutputTokensPerS / outputTokensPerSPerServer',
    [carried, perServer],
    ([mean = 0, each = 0]) => mean / each,
  )
  const peakBusy = row(
    'peakBusyServers',
    "The most load of the base, in servers' worth of work",
    'servers',
    'min(meanOutputTokensPerS x peakToMeanRatio / outputTokensPerSPerServer, servingServers / withinHourFactor)',
    [...demand, perServer, serving],
    ([mean = 0, peak = 0, factor = 0, each = 0, count = 0]) =>
      Math.min((mean * peak) / each, count / factor),
  )
  const spilled = row(
    'spilledOutputTokens',
    'Output tokens that the API takes',
    'tokens',
    '(meanOutputTokensPerS - baseOutputTokensPerS) x 31,536,000 s',
    [year.meanOutputTokensPerS, carried],
    ([mean = 0, served = 0]) => Math.max(0, mean - served) * S_PER_YEAR,
  )
  return { busy, peakBusy, spilled }
}

function hybridRunningRow(
  { scenario }: ModelContext,
  prefix: string,
  option: OptionOf<'hybrid'>,
  base: ScenarioOption,
  row: YearRow,
  fleet: readonly string[],
  rent: readonly string[],
  spilled: string,
): void {
  const baseAt = `options.${option.base}`
  const apiAt = `options.${option.api}`
  const api = scenario.options[option.api] as ScenarioOption
  const tokens = row(
    'tokensUsd',
    'Tokens beyond the base',
    'USD',
    'spilledOutputTokens / 1e6 x tokenUsdPerMillionOutputTokens',
    [spilled, `${apiAt}.tokenUsdPerMillionOutputTokens`],
    ([count = 0, usd = 0]) => (count / TOKENS_PER_MILLION) * usd,
  )
  const method = scenario.capitalMethod
  const model = billModel(baseAt, componentsOf(base, method).filter(isRunning))
  const own = billModel(prefix, componentsOf(option, method))
  const standing = standingLines(apiAt, api, method)
  const head = [...fleet, ...ruleFrom(base, baseAt), spilled, tokens, ...rent, ...standing]
  const spilledIndex = head.indexOf(spilled)
  row(
    'runningUsd',
    'Running costs',
    'USD',
    'sum of the lines that are no capital, at the fleet of the year; those of the base without a machine, and of the API without a token for it, are 0',
    [...head, ...model.from, ...own.from],
    (values) => {
      const machines = fleetFrom(values, base)
      const baseUsd = machines.sites === 0 ? 0 : model.at(values, head.length)(machines)
      const ownUsd = own.at(values, head.length + model.from.length)(machines)
      if (baseUsd === undefined || ownUsd === undefined) return undefined
      const paid = spilledIndex + 1
      const bills = values.slice(paid, paid + 1 + rent.length)
      const apiUsd =
        values[spilledIndex] === 0
          ? 0
          : sumInOrder(values.slice(paid + 1 + rent.length, head.length))
      return baseUsd + sumInOrder(bills) + apiUsd + ownUsd
    },
  )
}
