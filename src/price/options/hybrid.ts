import type { Maybe } from '../../arithmetic.ts'
import { S_PER_YEAR, TOKENS_PER_MILLION } from '../../units.ts'
import { type CostComponent, componentsOf } from '../components.ts'
import { type LoadShape, meanServed } from '../demand/load-shape.ts'
import { boughtServers, type Fleet, type FleetRules, servingServers } from '../fleet.ts'
import type { LedgerResult } from '../ledger.ts'
import type { OptionOf, ScenarioOption } from '../scenario.ts'
import { wholeUp } from '../whole.ts'
import { type BillModel, billModel, billRows, isFleetName, pathOf } from './bill.ts'
import type { ModelContext } from './context.ts'
import { boughtRow, countRows } from './fleet-rows.ts'
import { extraRows } from './machine.ts'

/**
 * Rows of a mix: machines for the base of the demand, an API by the token for the rest, with the number of machines that makes the
 * whole cheapest. Every whole number from none to all is tried, so the answer is exact and never dearer than the better of its parts.
 */
export function hybridRows(context: ModelContext, id: string, option: OptionOf<'hybrid'>): void {
  const { scenario, ledger } = context
  const prefix = `options.${id}`
  const base = scenario.options[option.base] as ScenarioOption
  const baseAt = `options.${option.base}`
  const apiAt = `options.${option.api}`
  const components = componentsOf(base, scenario.capitalMethod)
  const apiComponents = componentsOf(
    scenario.options[option.api] as ScenarioOption,
    scenario.capitalMethod,
  )
  extraRows(context, prefix, option)
  servingRow(context, prefix, option)
  fleetRows(context, prefix, baseAt, base)
  const lines = [
    ...baseLines(context, prefix, baseAt, components),
    ...apiLines(context, prefix, apiAt, apiComponents),
  ]
  billRows(ledger, prefix, componentsOf(option, scenario.capitalMethod), lines)
}

/** The demand that the number of machines is sought for: mean, highest hour and peak inside it. */
const SEARCH = [
  'demand.meanOutputTokensPerS',
  'demand.peakToMeanRatio',
  'demand.withinHourFactor',
] as const

function servingRow(context: ModelContext, prefix: string, option: OptionOf<'hybrid'>): void {
  context.ledger.result({
    path: `${prefix}.servingServers`,
    label: 'Machines that carry the base',
    unit: 'servers',
    ...servingChoice(context, option, SEARCH[0], SEARCH[2]),
  })
}

/** How the number of machines of a mix is chosen for a demand, given by the paths of its mean and of its peak inside an hour. */
export function servingChoice(
  { scenario, shape }: ModelContext,
  option: OptionOf<'hybrid'>,
  meanOutputTokensPerS: string,
  withinHourFactor: string,
): Pick<LedgerResult, 'formula' | 'from' | 'work'> {
  const baseAt = `options.${option.base}`
  const apiAt = `options.${option.api}`
  const base = scenario.options[option.base] as ScenarioOption
  const api = scenario.options[option.api] as ScenarioOption
  const model = billModel(baseAt, componentsOf(base, scenario.capitalMethod))
  const apiModel = billModel(apiAt, componentsOf(api, scenario.capitalMethod))
  const head = [
    meanOutputTokensPerS,
    'demand.peakToMeanRatio',
    withinHourFactor,
    `${baseAt}.outputTokensPerSPerServer`,
    `${baseAt}.serversPerDeployment`,
    ...ruleNames(base).map((name) => `${baseAt}.${name}`),
    `${apiAt}.tokenUsdPerMillionOutputTokens`,
  ]
  return {
    formula:
      'the whole number of machines, from none to those that carry the peak, at which the bill of the machines + tokens beyond them x tokenUsdPerMillionOutputTokens is least; a machine carries outputTokensPerSPerServer / withinHourFactor',
    from: [...head, ...model.from, ...apiModel.from],
    work: (values) => cheapestServing(shape, base, model, apiModel, head.length, values),
  }
}

/** Of which rows the rules of a fleet are made, in order. */
function ruleNames(base: ScenarioOption): readonly string[] {
  return base.kind === 'rented'
    ? ['gpusPerServer', 'availabilityRatio']
    : ['gpusPerServer', 'serversPerRack', 'spareServers', 'maintenanceRatio']
}

/** @param values with those of the rules after the search's own and two of the base */
function rulesFrom(base: ScenarioOption, group: number, values: readonly number[]): FleetRules {
  const at = SEARCH.length + 2
  const gpusPerServer = values[at] as number
  const second = values[at + 1] as number
  return base.kind === 'rented'
    ? {
        serversPerDeployment: group,
        gpusPerServer,
        serversPerRack: Number.POSITIVE_INFINITY,
        spareServers: 0,
        maintenanceRatio: 1 - second,
      }
    : {
        serversPerDeployment: group,
        gpusPerServer,
        serversPerRack: second,
        spareServers: values[at + 2] as number,
        maintenanceRatio: values[at + 3] as number,
      }
}

function cheapestServing(
  shape: LoadShape,
  base: ScenarioOption,
  model: BillModel,
  apiModel: BillModel,
  offset: number,
  values: readonly number[],
): Maybe {
  const [mean = 0, peakRatio = 0, factor = 0, perServer = 0, group = 0] = values
  const rules = rulesFrom(base, group, values)
  const apiUsd = values[offset - 1] as number
  const most = servingServers(mean * peakRatio * factor, perServer, group)
  if (most === undefined) return undefined
  const apiSites: Fleet = {
    servers: 0,
    gpus: 0,
    racks: 0,
    sites: 1,
    busyServers: 0,
    peakBusyServers: 0,
  }
  const apiStanding = apiModel.at(values, offset + model.from.length)(apiSites)
  if (apiStanding === undefined) return undefined
  const baseBill = model.at(values, offset)
  let best: Maybe
  let least = Number.POSITIVE_INFINITY
  const fleet: Mutable<Fleet> = { ...apiSites }
  for (let serving = 0; serving <= most; serving += group) {
    const capacity = (serving * perServer) / factor
    const served = meanServed(shape, mean, capacity)
    fleet.servers = boughtServers(serving, rules)
    fleet.gpus = fleet.servers * rules.gpusPerServer
    fleet.racks = Math.ceil(fleet.servers / rules.serversPerRack)
    fleet.busyServers = served / perServer
    fleet.peakBusyServers = Math.min(mean * peakRatio, capacity) / perServer
    const baseUsd = serving === 0 ? 0 : baseBill(fleet)
    if (baseUsd === undefined) return undefined
    const spilled = serving === most ? 0 : mean - served
    const usd =
      baseUsd +
      (serving === most ? 0 : apiStanding) +
      ((spilled * S_PER_YEAR) / TOKENS_PER_MILLION) * apiUsd
    if (usd < least) {
      least = usd
      best = serving
    }
  }
  return best
}

/** Many are tried, with one object for all of them. */
type Mutable<T> = { -readonly [K in keyof T]: T[K] }

function fleetRows(
  { ledger, shape }: ModelContext,
  prefix: string,
  baseAt: string,
  base: ScenarioOption,
): void {
  const at = (name: string) => `${prefix}.${name}`
  const of = (name: string) => `${baseAt}.${name}`
  const label = 'Machines, spares included'
  if (base.kind === 'rented')
    ledger.result({
      path: at('servers'),
      label,
      unit: 'servers',
      formula: 'ceil(servingServers / availabilityRatio)',
      from: [at('servingServers'), of('availabilityRatio')],
      work: ([serving = 0, available = 0]) => wholeUp(serving / available),
    })
  else boughtRow(ledger, prefix, label, baseAt)
  countRows(ledger, prefix, {
    machine: 'machine',
    rulesAt: baseAt,
    rented: base.kind === 'rented',
  })
  ledger.result({
    path: at('baseOutputTokensPerS'),
    label: 'Output tokens/s that the machines carry, mean',
    unit: 'tokens/s',
    formula:
      'mean over the hours of min(load, servingServers x outputTokensPerSPerServer / withinHourFactor); all of it where they carry the peak',
    from: [
      'demand.meanOutputTokensPerS',
      'demand.peakToMeanRatio',
      'demand.withinHourFactor',
      at('servingServers'),
      of('outputTokensPerSPerServer'),
      of('serversPerDeployment'),
    ],
    work: ([mean = 0, peak = 0, factor = 0, serving = 0, perServer = 0, group = 0]) =>
      serving === servingServers(mean * peak * factor, perServer, group)
        ? mean
        : meanServed(shape, mean, (serving * perServer) / factor),
  })
  ledger.result({
    path: at('busyServers'),
    label: "Mean load of the base, in servers' worth of work",
    unit: 'servers',
    formula: 'baseOutputTokensPerS / outputTokensPerSPerServer',
    from: [at('baseOutputTokensPerS'), of('outputTokensPerSPerServer')],
    work: ([mean = 0, perServer = 0]) => mean / perServer,
  })
  ledger.result({
    path: at('peakBusyServers'),
    label: "The most load of the base, in servers' worth of work",
    unit: 'servers',
    formula:
      'min(meanOutputTokensPerS x peakToMeanRatio / outputTokensPerSPerServer, servingServers / withinHourFactor)',
    from: [...SEARCH, of('outputTokensPerSPerServer'), at('servingServers')],
    work: ([mean = 0, peak = 0, factor = 0, perServer = 0, serving = 0]) =>
      Math.min((mean * peak) / perServer, serving / factor),
  })
  ledger.result({
    path: at('utilisationRatio'),
    label: 'Utilisation of the machines',
    unit: 'ratio',
    formula: 'busyServers / servers',
    from: [at('busyServers'), at('servers')],
    work: ([busy = 0, servers = 0]) => busy / servers,
  })
  ledger.result({
    path: at('spilledOutputTokensPerYear'),
    label: 'Output tokens a year that the API takes',
    unit: 'per year',
    formula: '(meanOutputTokensPerS - baseOutputTokensPerS) x 31,536,000 s',
    from: ['demand.meanOutputTokensPerS', at('baseOutputTokensPerS')],
    work: ([mean = 0, served = 0]) => Math.max(0, mean - served) * S_PER_YEAR,
  })
}

/** The base's own costs, at the fleet of the mix. Without a machine none is due. */
function baseLines(
  { ledger }: ModelContext,
  prefix: string,
  baseAt: string,
  components: readonly CostComponent[],
): string[] {
  return components.map(({ id, label, part, formula, from, usdPerYear }) =>
    ledger.result({
      part,
      path: `${prefix}.lines.base-${id}.usdPerYear`,
      label: `Base: ${label}`,
      unit: 'USD/year',
      formula: `${formula}; 0 without a machine`,
      from: [
        ...from.map((name) => pathOf(isFleetName(name) ? prefix : baseAt, name)),
        `${prefix}.sites`,
      ],
      work: unlessLastIsZero(usdPerYear, from.length),
    }),
  )
}

function apiLines(
  { ledger }: ModelContext,
  prefix: string,
  apiAt: string,
  components: readonly CostComponent[],
): string[] {
  const tokens = ledger.result({
    path: `${prefix}.lines.api-tokens.usdPerYear`,
    part: 'tokens',
    label: 'API: tokens beyond the base',
    unit: 'USD/year',
    formula: 'spilledOutputTokensPerYear / 1e6 x tokenUsdPerMillionOutputTokens',
    from: [`${prefix}.spilledOutputTokensPerYear`, `${apiAt}.tokenUsdPerMillionOutputTokens`],
    work: ([spilled = 0, usd = 0]) => (spilled / TOKENS_PER_MILLION) * usd,
  })
  const standing = components.map(({ id, label, part, formula, from, usdPerYear }) =>
    ledger.result({
      part,
      path: `${prefix}.lines.api-${id}.usdPerYear`,
      label: `API: ${label}`,
      unit: 'USD/year',
      formula: `${formula}; 0 where nothing is left for the API`,
      from: [...from.map((name) => pathOf(apiAt, name)), `${prefix}.spilledOutputTokensPerYear`],
      work: unlessLastIsZero(usdPerYear, from.length),
    }),
  )
  return [tokens, ...standing]
}

/** A cost that is due where the value behind its own is not 0. */
function unlessLastIsZero(
  usdPerYear: CostComponent['usdPerYear'],
  count: number,
): (values: readonly number[]) => Maybe {
  const own = new Array<number>(count).fill(0)
  return (values) => {
    if (values[count] === 0) return 0
    for (let i = 0; i < count; i++) own[i] = values[i] as number
    return usdPerYear(own)
  }
}
