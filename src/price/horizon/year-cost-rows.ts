import type { Maybe } from '../../arithmetic.ts'
import { type CostComponent, componentsOf } from '../components.ts'
import { boughtServers, type Fleet, fleetOf } from '../fleet.ts'
import { billModel, pathOf, sumInOrder } from '../options/bill.ts'
import type { ModelContext } from '../options/context.ts'
import type { OptionOf, ScenarioOption } from '../scenario.ts'
import type { DemandYear } from './demand-years.ts'
import { bookValueUsd, type Holdings, holdings } from './holdings.ts'

/** Writes the rows of one year. */
export type YearRow = (
  name: string,
  label: string,
  unit: string,
  formula: string,
  from: readonly string[],
  work: (values: readonly number[]) => Maybe,
) => string

export function yearRow({ ledger }: ModelContext, prefix: string, { year }: DemandYear): YearRow {
  return (name, label, unit, formula, from, work) =>
    ledger.result({
      path: `${prefix}.years.${year}.${name}`,
      label: `${label}, year ${year}`,
      unit,
      formula,
      from,
      work,
    })
}

export function bought(serving: Maybe, maintenanceRatio: number, spareServers: number): Maybe {
  if (serving === undefined) return undefined
  return boughtServers(serving, { maintenanceRatio, spareServers })
}

/** Mean and highest load in servers' worth of work. */
export function busyRows(row: YearRow, year: DemandYear, perServer: string): [string, string] {
  const busy = row(
    'busyServers',
    "Mean load, in servers' worth of work",
    'servers',
    'meanOutputTokensPerS / outputTokensPerSPerServer',
    [year.meanOutputTokensPerS, perServer],
    ([mean = 0, each = 0]) => mean / each,
  )
  const peak = row(
    'peakBusyServers',
    "Load of the highest hour, in servers' worth of work",
    'servers',
    'busyServers x peakToMeanRatio',
    [busy, 'demand.peakToMeanRatio'],
    ([mean = 0, ratio = 0]) => mean * ratio,
  )
  return [busy, peak]
}

const isFleetRule = ({ kind }: ScenarioOption) => kind !== 'rented'

/** Which rows tell how servers stand: of rented ones nobody knows the racks. */
export function ruleFrom(base: ScenarioOption, baseAt: string): string[] {
  return [`${baseAt}.gpusPerServer`, ...(isFleetRule(base) ? [`${baseAt}.serversPerRack`] : [])]
}

function standing(
  servers: number,
  busy: number,
  peakBusy: number,
  gpusPerServer: number,
  serversPerRack: number,
): Fleet {
  const rules = { gpusPerServer, serversPerRack }
  return fleetOf(servers, rules, busy, peakBusy)
}

/** Money bound in what is bought in a year, less what is sold in it. */
export function capexRow(
  baseAt: string,
  components: readonly CostComponent[],
  row: YearRow,
  servers: readonly string[],
): string {
  const { from, items } = capitalOf(baseAt, components)
  const years = servers.length
  return row(
    'capexUsd',
    'Bought, less what is sold',
    'USD',
    'sum over what has a life of bought x price - ended x price x residualRatio; bought is what the count of the year lacks, ended what has had its life',
    [`${baseAt}.gpusPerServer`, `${baseAt}.serversPerRack`, ...servers, ...from],
    (values) =>
      capitalSum(
        values,
        years,
        items,
        ({ bought, ended }, price, residual) =>
          price * ((bought[years - 1] as number) - residual * (ended[years - 1] as number)),
      ),
  )
}

/** Value of what is left at the end of the horizon. */
export function salvageRow(
  { ledger }: ModelContext,
  prefix: string,
  baseAt: string,
  components: readonly CostComponent[],
  servers: readonly string[],
): void {
  const { from, items } = capitalOf(baseAt, components)
  const years = servers.length
  ledger.result({
    path: `${prefix}.horizon.salvageUsd`,
    label: `Value of what is left after ${years} years`,
    unit: 'USD',
    formula:
      'sum over what is left of count x price x (1 - (1 - residualRatio) x age / life): a straight line from the price to what is left at the end of its life',
    from: [`${baseAt}.gpusPerServer`, `${baseAt}.serversPerRack`, ...servers, ...from],
    work: (values) =>
      capitalSum(values, years, items, ({ left }, price, residual, life) =>
        left.reduce(
          (sum, { count, ageYears }) => sum + count * bookValueUsd(price, residual, ageYears, life),
          0,
        ),
      ),
  })
}

type Capital = NonNullable<CostComponent['capital']>

function capitalOf(
  baseAt: string,
  components: readonly CostComponent[],
): { from: string[]; items: Capital[] } {
  const items = components.flatMap(({ capital }) => capital ?? [])
  return {
    items,
    from: items.flatMap(({ priceUsd, residualRatio, lifeYears }) =>
      [priceUsd, residualRatio, lifeYears].map((name) => pathOf(baseAt, name)),
    ),
  }
}

/** Sums over capital items what `of` makes of each, by the holdings that the servers of the years so far ask for. */
function capitalSum(
  values: readonly number[],
  years: number,
  items: readonly Capital[],
  of: (held: Holdings, price: number, residual: number, life: number) => number,
): number {
  const [gpusPerServer = 0, serversPerRack = 0] = values
  const fleets = values
    .slice(2, 2 + years)
    .map((servers) => standing(servers, 0, 0, gpusPerServer, serversPerRack))
  return items.reduce((total, { count }, index) => {
    const [price = 0, residual = 0, life = 0] = values.slice(2 + years + 3 * index)
    const counts = fleets.map((fleet) => fleet[count])
    return total + of(holdings(counts, life), price, residual, life)
  }, 0)
}

/** All that is paid as time goes by: lines of machines, at their fleet, and then `others`, rows of this year. */
export function runningRow(
  { scenario }: ModelContext,
  baseAt: string,
  base: ScenarioOption,
  row: YearRow,
  fleet: readonly string[],
  others: readonly string[],
): string {
  const components = componentsOf(base, scenario.capitalMethod)
  const model = billModel(baseAt, components.filter(isRunning))
  const rules = ruleFrom(base, baseAt)
  const head = [...fleet, ...rules, ...others]
  return row(
    'runningUsd',
    'Running costs',
    'USD',
    'sum of the lines that are no capital, at the fleet of the year',
    [...head, ...model.from],
    (values) => {
      const usd = model.at(values, head.length)(fleetFrom(values, base))
      if (usd === undefined) return undefined
      const added = values.slice(fleet.length + rules.length, head.length)
      return usd + sumInOrder(added)
    },
  )
}

export const isRunning = ({ capital, part }: CostComponent) =>
  capital === undefined && part !== 'rent'

/** From the first values of a row: servers, busy and peak, and what `ruleFrom` names. */
export function fleetFrom(
  [servers = 0, busy = 0, peak = 0, gpus = 0, perRack = 0]: readonly number[],
  base: ScenarioOption,
): Fleet {
  return standing(servers, busy, peak, gpus, isFleetRule(base) ? perRack : Number.POSITIVE_INFINITY)
}

export function cashRow(row: YearRow, prefix: string, { year }: DemandYear): void {
  const at = (name: string) => `${prefix}.years.${year}.${name}`
  row('usd', 'Paid', 'USD', 'capexUsd + runningUsd', [at('capexUsd'), at('runningUsd')], sumInOrder)
}

/** Nothing is bought. The row is there so that all options can be compared. */
export function noCapexRow(row: YearRow, servers: string): void {
  row('capexUsd', 'Bought', 'USD', '0: none of the servers is bought', [servers], () => 0)
}

export function rentRow(
  { scenario }: ModelContext,
  baseAt: string,
  base: OptionOf<'rented'>,
  row: YearRow,
  fleet: readonly string[],
): string {
  const components = componentsOf(base, scenario.capitalMethod)
  const model = billModel(
    baseAt,
    components.filter(({ part }) => part === 'rent'),
  )
  const head = [...fleet, ...ruleFrom(base, baseAt)]
  return row(
    'rentUsd',
    'Rent',
    'USD',
    'as the line of the bill, for the machines of the year',
    [...head, ...model.from],
    (values) => model.at(values, head.length)(fleetFrom(values, base)),
  )
}

/** Lines of an API that do not grow with the tokens. */
export function standingLines(
  apiAt: string,
  option: ScenarioOption,
  method: ModelContext['scenario']['capitalMethod'],
): string[] {
  return componentsOf(option, method).map(({ id }) => `${apiAt}.lines.${id}.usdPerYear`)
}
