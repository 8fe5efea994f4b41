import type { Maybe } from '../arithmetic.ts'
import { HOURS_PER_YEAR, MONTHS_PER_YEAR, W_PER_KW } from '../units.ts'
import { annualCapitalCost, straightLineUsdPerYear } from './finance/annuity.ts'
import type { FleetName } from './fleet.ts'
import type { BillPart } from './ledger.ts'
import type { MachineOption, OptionOf, Requirement, Scenario, ScenarioOption } from './scenario.ts'

/** One cost of an option, USD a year. */
export interface CostComponent {
  readonly id: string
  readonly label: string
  readonly part: BillPart
  readonly formula: string
  /** By name: of the fleet (`servers`, `gpus`, `racks`, `busyServers`, `peakBusyServers`), or an input of the option. */
  readonly from: readonly string[]
  /** Called with all of them known, in that order. */
  readonly usdPerYear: (values: readonly number[]) => Maybe
  /** Where the first of `from` is a count of the fleet, and the cost so many times that of one. */
  readonly proportional?: true
  /** The requirement without which it would not be paid. */
  readonly because?: Requirement
  /** Whether money is bound and paid before it serves: the rest is paid as time goes by. */
  readonly capital?: {
    readonly count: FleetName
    readonly priceUsd: string
    readonly lifeYears: string
    readonly residualRatio: string
  }
}

type Method = Scenario['capitalMethod']

/** A row of a table of costs: what it makes of an option; nothing where the option has no such cost. */
type ComponentRow<O> = (option: O, method: Method) => readonly CostComponent[]

/** To add a cost of machines of one's own, add it here: totals, prices per token, hybrids and every report pick it up. */
const machineRows: readonly ComponentRow<MachineOption>[] = [
  (_, method) => [
    capitalComponent(method, {
      id: 'servers',
      label: 'Servers',
      count: 'servers',
      priceUsd: 'serverPriceUsd',
      lifeYears: 'lifeYears',
      residualRatio: 'residualRatio',
    }),
  ],
  ({ capex }, method) =>
    capex.map(({ id, what, per, because }) =>
      capitalComponent(method, {
        id,
        label: what,
        count: countOf[per],
        priceUsd: `capex.${id}.usd`,
        lifeYears: `capex.${id}.lifeYears`,
        residualRatio: `capex.${id}.residualRatio`,
        because,
      }),
    ),
  (option) =>
    option.kind === 'owned' || option.electricity !== undefined ? [electricityComponent] : [],
  (option) => (option.kind === 'owned' && option.demandCharge ? [demandChargeComponent] : []),
  (option) => (option.kind === 'owned' && option.coincidentPeak ? [coincidentPeakComponent] : []),
  (option) => (option.kind === 'owned' && option.spaceUsdPerRackMonth ? [spaceComponent] : []),
  (option) => (option.kind === 'colocated' ? [colocationComponent] : []),
  (option) => (option.kind === 'colocated' && option.crossConnects ? [crossConnectComponent] : []),
  (option) => (option.kind === 'colocated' && option.remoteHands ? [remoteHandsComponent] : []),
  ({ supportRatioPerYear }) => (supportRatioPerYear ? [supportComponent] : []),
  (option) => (option.insuranceRatioPerYear ? [insuranceComponent(option)] : []),
]

const rentedRows: readonly ComponentRow<OptionOf<'rented'>>[] = [
  ({ discountRatio }) => [
    {
      id: 'rent',
      label: 'Rent',
      part: 'rent',
      formula: `servers x rentUsdPerHour x 8,760 h${discountRatio ? ' x (1 - discountRatio)' : ''}`,
      from: ['servers', 'rentUsdPerHour', ...(discountRatio ? ['discountRatio'] : [])],
      proportional: true,
      usdPerYear: ([servers = 0, usdPerHour = 0, discount = 0]) =>
        servers * usdPerHour * HOURS_PER_YEAR * (1 - discount),
    },
  ],
]

/** Costs that every option may have: by the year, and people. */
const sharedRows: readonly ComponentRow<ScenarioOption>[] = [
  ({ yearly }) =>
    yearly.map(({ id, what, per, because }) => ({
      id,
      label: what,
      part: 'services',
      formula: `${countOf[per]} x yearly.${id}.usdPerYear`,
      from: [countOf[per], `yearly.${id}.usdPerYear`],
      proportional: true,
      usdPerYear: ([count = 0, usd = 0]) => count * usd,
      because,
    })),
  ({ staff }) =>
    staff.map(({ id, what, per, because }) => ({
      id,
      label: what,
      part: 'people',
      formula: `${countOf[per]} x staff.${id}.fte x staff.${id}.usdPerFteYear`,
      from: [countOf[per], `staff.${id}.fte`, `staff.${id}.usdPerFteYear`],
      proportional: true,
      usdPerYear: ([count = 0, fte = 0, usd = 0]) => count * fte * usd,
      because,
    })),
]

/** Every cost of an option that machines cause, in the order in which they are added up. An API has only the shared ones. */
export function componentsOf(option: ScenarioOption, method: Method): readonly CostComponent[] {
  const own = (): readonly CostComponent[] => {
    switch (option.kind) {
      case 'owned':
      case 'colocated':
        return machineRows.flatMap((row) => row(option, method))
      case 'rented':
        return rentedRows.flatMap((row) => row(option, method))
      case 'api':
      case 'hybrid':
        return []
    }
  }
  return [...own(), ...sharedRows.flatMap((row) => row(option, method))]
}

/**
 * The scenario without what it would buy for requirements that it does not make: such an item is in no bill. All that prices a scenario prices
 * this one.
 */
export function withoutNeedless(scenario: Scenario): Scenario {
  const isBought = ({ because }: { because?: Requirement }) =>
    because === undefined || scenario.requirements[because] !== undefined
  const bought = (option: ScenarioOption): ScenarioOption => {
    const shared = {
      yearly: option.yearly.filter(isBought),
      staff: option.staff.filter(isBought),
    }
    return option.kind === 'owned' || option.kind === 'colocated'
      ? { ...option, ...shared, capex: option.capex.filter(isBought) }
      : { ...option, ...shared }
  }
  const options = Object.entries(scenario.options).map(([id, option]) => [id, bought(option)])
  const left = Object.entries(scenario.options).flatMap(([id, option]) =>
    itemsOf(option)
      .filter((item) => !isBought(item))
      .map((item) => `options.${id}.${item.at}.${item.id}.`),
  )
  const overrides = Object.entries(scenario.overrides ?? {}).filter(
    ([path]) => !left.some((prefix) => path.startsWith(prefix)),
  )
  return {
    ...scenario,
    options: Object.fromEntries(options),
    ...(scenario.overrides && { overrides: Object.fromEntries(overrides) }),
  }
}

/** What an option buys by name, and under which key. */
function itemsOf(option: ScenarioOption): { at: string; id: string; because?: Requirement }[] {
  const of = (at: string, items: readonly { id: string; because?: Requirement }[]) =>
    items.map(({ id, because }) => ({ at, id, because }))
  return [
    ...of('yearly', option.yearly),
    ...of('staff', option.staff),
    ...(option.kind === 'owned' || option.kind === 'colocated' ? of('capex', option.capex) : []),
  ]
}

/** What is counted to know how many are needed; a site is there once there is a server at all. */
const countOf = { server: 'servers', gpu: 'gpus', rack: 'racks', site: 'sites' } as const

interface CapitalItem {
  readonly id: string
  readonly label: string
  readonly count: FleetName
  readonly priceUsd: string
  readonly lifeYears: string
  readonly residualRatio: string
  readonly because?: Requirement
}

function capitalComponent(
  method: Method,
  { id, label, because, ...capital }: CapitalItem,
): CostComponent {
  const { count, priceUsd, lifeYears, residualRatio } = capital
  const shared = { id, label, part: 'machines', because, capital, proportional: true } as const
  switch (method) {
    case 'annuity':
      return {
        ...shared,
        formula: `${count} x (${priceUsd} - ${priceUsd} x ${residualRatio} / (1 + r)^n) x r / (1 - (1 + r)^-n); r = costOfCapitalRatioPerYear, n = ${lifeYears}`,
        from: [count, priceUsd, residualRatio, lifeYears, 'costOfCapitalRatioPerYear'],
        usdPerYear: ([units = 0, price = 0, residual = 0, years = 0, rate = 0]) =>
          units * annualCapitalCost(price, price * residual, rate, years),
      }
    case 'straight-line':
      return {
        ...shared,
        formula: `${count} x ${priceUsd} x (1 - ${residualRatio}) / ${lifeYears}`,
        from: [count, priceUsd, residualRatio, lifeYears],
        usdPerYear: ([units = 0, price = 0, residual = 0, years = 0]) => {
          const asset = { priceUsd: price, residualUsd: price * residual, lifeYears: years }
          const usd = straightLineUsdPerYear(asset)
          return usd === undefined ? undefined : units * usd
        },
      }
  }
}

const HOURS_PER_YEAR_PER_KW = HOURS_PER_YEAR / W_PER_KW

const electricityComponent: CostComponent = {
  id: 'electricity',
  label: 'Electricity',
  part: 'energy',
  formula:
    '(servers x idlePowerW + busyServers x (loadPowerW - idlePowerW)) / 1,000 x 8,760 h x pueRatio x electricityUsdPerKwh',
  from: ['servers', 'busyServers', 'idlePowerW', 'loadPowerW', 'pueRatio', 'electricityUsdPerKwh'],
  usdPerYear: ([servers = 0, busy = 0, idle = 0, load = 0, pue = 0, price = 0]) =>
    (servers * idle + busy * (load - idle)) * HOURS_PER_YEAR_PER_KW * pue * price,
}

/** kW at the meter in the highest hour. */
function peakKw(
  servers: number,
  peakBusy: number,
  idle: number,
  load: number,
  pue: number,
): number {
  return ((servers * idle + peakBusy * (load - idle)) / W_PER_KW) * pue
}

const demandChargeComponent: CostComponent = {
  id: 'demand-charge',
  label: 'Demand charge',
  part: 'energy',
  formula:
    'max(kW in the highest hour, ratchetRatio x earlierPeakKw) x demandUsdPerKwMonth x 12; kW = (servers x idlePowerW + peakBusyServers x (loadPowerW - idlePowerW)) / 1,000 x pueRatio',
  from: [
    'servers',
    'peakBusyServers',
    'idlePowerW',
    'loadPowerW',
    'pueRatio',
    'demandUsdPerKwMonth',
    'ratchetRatio',
    'earlierPeakKw',
  ],
  usdPerYear: ([
    servers = 0,
    peakBusy = 0,
    idle = 0,
    load = 0,
    pue = 0,
    usd = 0,
    ratchet = 0,
    earlier = 0,
  ]) =>
    Math.max(peakKw(servers, peakBusy, idle, load, pue), ratchet * earlier) * usd * MONTHS_PER_YEAR,
}

const coincidentPeakComponent: CostComponent = {
  id: 'coincident-peak',
  label: 'Coincident peak',
  part: 'energy',
  formula:
    '(servers x idlePowerW + busyServers x gridPeakToMeanRatio x (loadPowerW - idlePowerW)) / 1,000 x pueRatio x coincidentUsdPerKwYear',
  from: [
    'servers',
    'busyServers',
    'gridPeakToMeanRatio',
    'idlePowerW',
    'loadPowerW',
    'pueRatio',
    'coincidentUsdPerKwYear',
  ],
  usdPerYear: ([servers = 0, busy = 0, peak = 0, idle = 0, load = 0, pue = 0, usd = 0]) =>
    peakKw(servers, Math.min(servers, busy * peak), idle, load, pue) * usd,
}

const spaceComponent: CostComponent = {
  id: 'space',
  label: 'Space',
  part: 'site',
  formula: 'racks x spaceUsdPerRackMonth x 12',
  from: ['racks', 'spaceUsdPerRackMonth'],
  proportional: true,
  usdPerYear: ([racks = 0, usd = 0]) => racks * usd * MONTHS_PER_YEAR,
}

const colocationComponent: CostComponent = {
  id: 'colocation',
  label: 'Colocation',
  part: 'site',
  formula:
    'servers x contractedKwPerServer x colocationUsdPerKwMonth x 12 x (1 + denseSurchargeRatio for those in a rack whose kW is above denseAboveKwPerRack); racks are filled one after another with serversPerRack',
  from: [
    'servers',
    'serversPerRack',
    'contractedKwPerServer',
    'colocationUsdPerKwMonth',
    'denseAboveKwPerRack',
    'denseSurchargeRatio',
  ],
  usdPerYear: ([servers = 0, perRack = 1, kw = 0, usd = 0, above = 0, surcharge = 0]) => {
    const inLast = servers % perRack
    const dense = (perRack * kw > above ? servers - inLast : 0) + (inLast * kw > above ? inLast : 0)
    return (servers + dense * surcharge) * kw * usd * MONTHS_PER_YEAR
  },
}

const crossConnectComponent: CostComponent = {
  id: 'cross-connects',
  label: 'Cross-connects',
  part: 'site',
  formula: 'sites x crossConnects x crossConnectUsdPerMonth x 12',
  from: ['sites', 'crossConnects', 'crossConnectUsdPerMonth'],
  proportional: true,
  usdPerYear: ([sites = 0, count = 0, usd = 0]) => sites * count * usd * MONTHS_PER_YEAR,
}

const remoteHandsComponent: CostComponent = {
  id: 'remote-hands',
  label: 'Remote hands',
  part: 'site',
  formula: 'sites x remoteHandsHoursPerMonth x remoteHandsUsdPerHour x 12',
  from: ['sites', 'remoteHandsHoursPerMonth', 'remoteHandsUsdPerHour'],
  proportional: true,
  usdPerYear: ([sites = 0, hours = 0, usd = 0]) => sites * hours * usd * MONTHS_PER_YEAR,
}

const supportComponent: CostComponent = {
  id: 'support',
  label: 'Support and maintenance',
  part: 'services',
  formula: 'servers x serverPriceUsd x supportRatioPerYear',
  from: ['servers', 'serverPriceUsd', 'supportRatioPerYear'],
  proportional: true,
  usdPerYear: ([servers = 0, price = 0, share = 0]) => servers * price * share,
}

function insuranceComponent({ capex }: MachineOption): CostComponent {
  const items = [
    { count: 'servers', priceUsd: 'serverPriceUsd' },
    ...capex.map(({ id, per }) => ({ count: countOf[per], priceUsd: `capex.${id}.usd` })),
  ]
  const all = items.map(({ count, priceUsd }) => `${count} x ${priceUsd}`).join(' + ')
  return {
    id: 'insurance',
    label: 'Insurance',
    part: 'services',
    formula: `insuranceRatioPerYear x (${all})`,
    from: ['insuranceRatioPerYear', ...items.flatMap(({ count, priceUsd }) => [count, priceUsd])],
    usdPerYear: (values) => {
      let priceUsd = 0
      for (let i = 1; i < values.length; i += 2)
        priceUsd += (values[i] as number) * (values[i + 1] as number)
      return (values[0] as number) * priceUsd
    },
  }
}
