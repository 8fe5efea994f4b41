import type { Maybe } from '../../arithmetic.ts'
import type { HardwareProfile } from '../../detect/hardware-profile.ts'
import { UserError } from '../../errors.ts'
import { type Figure, scaledFigure } from '../../figure.ts'
import { HOURS_PER_YEAR, W_PER_KW } from '../../units.ts'
import { findEntry, findProfile, priceToDefend } from '../catalogue.ts'
import { type CostComponent, componentsOf } from '../components.ts'
import type { MachineOption } from '../scenario.ts'
import type { PowerSeen } from '../subject.ts'
import { billModel, billRows } from './bill.ts'
import { choiceRow, figureRow, type ModelContext, type Stated, unknownRow } from './context.ts'
import { boughtRow, countRows, servingRow } from './fleet-rows.ts'

/** Rows of machines of one's own, on premises or in colocation. @throws UserError for a name that no catalogue has */
export function machineRows(context: ModelContext, id: string, option: MachineOption): void {
  const prefix = `options.${id}`
  const profile =
    option.hardwareProfile === undefined
      ? context.profile
      : findProfile(context.catalogue, option.hardwareProfile)
  inputRows(context, prefix, option, profile)
  throughputRow(context, prefix)
  fleetRows(context, prefix)
  powerRows(context, prefix, option)
  const components = componentsOf(option, context.scenario.capitalMethod)
  billRows(context.ledger, prefix, components)
  fullUseRows(context, prefix, components)
}

function inputRows(
  context: ModelContext,
  prefix: string,
  option: MachineOption,
  profile: HardwareProfile | undefined,
): void {
  const own = context.scenario.sources
  const stated = (name: string, label: string, unit: string, figure: Figure, note?: string) =>
    figureRow(context, { path: `${prefix}.${name}`, label, unit, note }, figure, own)
  const optional = (name: string, label: string, unit: string, figure: Figure | undefined) =>
    figure && stated(name, label, unit, figure)
  serverRows(context, prefix, option, profile)
  stated('lifeYears', 'Life of a server', 'years', option.lifeYears)
  stated('residualRatio', 'Left of its price at the end', 'ratio', option.residualRatio)
  optional('supportRatioPerYear', 'Support a year', 'ratio of price', option.supportRatioPerYear)
  optional(
    'insuranceRatioPerYear',
    'Insurance a year',
    'ratio of price',
    option.insuranceRatioPerYear,
  )
  ruleRows(context, prefix, option)
  heightRow(context, prefix, option, profile)
  for (const { id, what, usd, lifeYears, residualRatio, per } of option.capex) {
    stated(`capex.${id}.usd`, what, `USD/${per}`, usd)
    stated(`capex.${id}.lifeYears`, `Life of: ${what}`, 'years', lifeYears)
    if (residualRatio)
      stated(`capex.${id}.residualRatio`, `Left of: ${what}`, 'ratio', residualRatio)
    else
      choiceRow(
        context,
        { path: `${prefix}.capex.${id}.residualRatio`, label: `Left of: ${what}`, unit: 'ratio' },
        0,
      )
  }
  extraRows(context, prefix, option)
  siteRows(context, prefix, option)
}

/** What any option may buy beside its own: by the year, and people. */
export function extraRows(
  context: ModelContext,
  prefix: string,
  { yearly, staff }: Pick<MachineOption, 'yearly' | 'staff'>,
): void {
  const own = context.scenario.sources
  for (const { id, what, usdPerYear, per } of yearly)
    figureRow(
      context,
      { path: `${prefix}.yearly.${id}.usdPerYear`, label: what, unit: `USD/year/${per}` },
      usdPerYear,
      own,
    )
  for (const { id, what, fte, usdPerFteYear, per } of staff) {
    figureRow(
      context,
      { path: `${prefix}.staff.${id}.fte`, label: what, unit: `people/${per}` },
      fte,
      own,
    )
    figureRow(
      context,
      {
        path: `${prefix}.staff.${id}.usdPerFteYear`,
        label: `A year of: ${what}`,
        unit: 'USD/year',
      },
      usdPerFteYear,
      own,
    )
  }
}

function ruleRows(context: ModelContext, prefix: string, option: MachineOption): void {
  const choice = (name: string, label: string, unit: string, value: number) =>
    choiceRow(context, { path: `${prefix}.${name}`, label, unit }, value)
  choice('spareServers', 'Spare servers', 'servers', option.spareServers)
  choice('serversPerRack', 'Servers in a rack', 'servers', option.serversPerRack)
  if (option.maintenanceRatio)
    figureRow(
      context,
      { path: `${prefix}.maintenanceRatio`, label: 'Time a server is out', unit: 'ratio' },
      option.maintenanceRatio,
      context.scenario.sources,
    )
  else choice('maintenanceRatio', 'Time a server is out', 'ratio', 0)
}

/** How high a server is: by the scenario; else by the profile, where its price is of that very server. */
function heightRow(
  context: ModelContext,
  prefix: string,
  { rackUnitsPerServer, gpusPerServer, serversPerRack }: MachineOption,
  profile: HardwareProfile | undefined,
): void {
  const row = {
    path: `${prefix}.rackUnitsPerServer`,
    label: 'Height of a server',
    unit: 'rack units/server',
  }
  const price = priceToDefend(profile)
  const isThatServer =
    price?.per === 'server' && (gpusPerServer ?? price.unitsPerServer) === price.unitsPerServer
  const ofProfile = isThatServer ? price.rackUnits : undefined
  requireRack(prefix, (rackUnitsPerServer ?? ofProfile)?.value, serversPerRack)
  if (rackUnitsPerServer) figureRow(context, row, rackUnitsPerServer, context.scenario.sources)
  else if (ofProfile && profile) figureRow(context, row, ofProfile, profile.sources)
  else unknownRow(context.ledger, { ...row, note: 'state it as rackUnitsPerServer' })
}

/** Cabinets are sold with 42 to 52 rack units. */
const MOST_RACK_UNITS = 60

/** @throws UserError for servers that are higher together than any rack */
function requireRack(prefix: string, height: Maybe, serversPerRack: number): void {
  if (height === undefined || height * serversPerRack <= MOST_RACK_UNITS) return
  throw new UserError(
    `${prefix}.serversPerRack is ${serversPerRack}, and ${serversPerRack} servers of ${height} rack units are ${height * serversPerRack} high: no rack is.`,
    { remedy: 'State in serversPerRack how many servers stand in one rack.' },
  )
}

function siteRows(context: ModelContext, prefix: string, option: MachineOption): void {
  const own = context.scenario.sources
  const stated = (name: string, label: string, unit: string, figure: Figure | undefined) =>
    figure && figureRow(context, { path: `${prefix}.${name}`, label, unit }, figure, own)
  stated('pueRatio', 'PUE', 'ratio', option.pueRatio)
  if (option.electricity !== undefined) electricityRow(context, prefix, option.electricity)
  stated('gridGPerKwh', 'Carbon intensity of the grid', 'gCO2e/kWh', option.gridGPerKwh)
  stated('waterLPerKwh', 'Water', 'litres/kWh', option.waterLPerKwh)
  stated('embodiedKgPerServer', 'Carbon of making a server', 'kgCO2e', option.embodiedKgPerServer)
  switch (option.kind) {
    case 'owned': {
      const { demandCharge, coincidentPeak } = option
      stated('spaceUsdPerRackMonth', 'Space', 'USD/rack/month', option.spaceUsdPerRackMonth)
      if (demandCharge) {
        stated('demandUsdPerKwMonth', 'Demand charge', 'USD/kW/month', demandCharge.usdPerKwMonth)
        orZero(context, prefix, 'ratchetRatio', 'Ratchet', 'ratio', demandCharge.ratchetRatio)
        orZero(context, prefix, 'earlierPeakKw', 'Earlier peak', 'kW', demandCharge.earlierPeakKw)
      }
      if (coincidentPeak) {
        stated(
          'coincidentUsdPerKwYear',
          'Coincident peak',
          'USD/kW/year',
          coincidentPeak.usdPerKwYear,
        )
        choiceRow(
          context,
          {
            path: `${prefix}.gridPeakToMeanRatio`,
            label: 'Load while the grid peaks / mean load',
            unit: 'ratio',
            note: `weekdays, hours ${coincidentPeak.hours.join(', ')}`,
          },
          gridPeakRatio(context, coincidentPeak.hours),
        )
      }
      return
    }
    case 'colocated':
      colocationRows(context, prefix, option)
  }
}

/** Load of the hours in which the grid peaks / mean load, by the weights of a scenario; of a trace, which knows no hours, the highest. */
function gridPeakRatio({ scenario, shape }: ModelContext, hours: readonly number[]): number {
  const { hourWeights, weekdayWeights, trace } = scenario.demand
  if (trace) return shape.relative[0] ?? 1
  const meanOf = (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / values.length
  const hourly = hourWeights
    ? meanOf(hours.map((hour) => hourWeights[hour] ?? 0)) / meanOf(hourWeights)
    : 1
  const daily = weekdayWeights ? meanOf(weekdayWeights.slice(0, 5)) / meanOf(weekdayWeights) : 1
  return hourly * daily
}

function orZero(
  context: ModelContext,
  prefix: string,
  name: string,
  label: string,
  unit: string,
  figure: Figure | undefined,
): void {
  const row = { path: `${prefix}.${name}`, label, unit }
  if (figure) figureRow(context, row, figure, context.scenario.sources)
  else choiceRow(context, { ...row, note: 'none stated' }, 0)
}

function electricityRow(context: ModelContext, prefix: string, id: string): void {
  const { entry, sources } = findEntry(
    context.catalogue,
    'electricity',
    id,
    `${prefix}.electricity`,
  )
  figureRow(
    context,
    {
      path: `${prefix}.electricityUsdPerKwh`,
      label: 'Electricity',
      unit: 'USD/kWh',
      note: entry.where,
    },
    entry.usdPerKwh,
    sources,
  )
}

function colocationRows(
  context: ModelContext,
  prefix: string,
  option: Extract<MachineOption, { kind: 'colocated' }>,
): void {
  const own = context.scenario.sources
  const { catalogue, ledger } = context
  const { entry, sources } = findEntry(
    catalogue,
    'colocation',
    option.colocation,
    `${prefix}.colocation`,
  )
  const row = (name: string, label: string, unit: string): Stated => ({
    path: `${prefix}.${name}`,
    label,
    unit,
  })
  figureRow(
    context,
    { ...row('colocationUsdPerKwMonth', 'Colocation', 'USD/kW/month'), note: entry.where },
    entry.usdPerKwMonth,
    sources,
  )
  if (option.contractedKwPerServer)
    figureRow(
      context,
      row('contractedKwPerServer', 'Power under contract', 'kW/server'),
      option.contractedKwPerServer,
      own,
    )
  else
    ledger.result({
      ...row('contractedKwPerServer', 'Power under contract', 'kW/server'),
      formula: 'loadPowerW / 1,000',
      from: [`${prefix}.loadPowerW`],
      work: ([load = 0]) => load / W_PER_KW,
    })
  orZero(
    context,
    prefix,
    'denseAboveKwPerRack',
    'Dense above',
    'kW/rack',
    option.dense?.aboveKwPerRack,
  )
  orZero(
    context,
    prefix,
    'denseSurchargeRatio',
    'Dense surcharge',
    'ratio',
    option.dense?.surchargeRatio,
  )
  const { crossConnects, remoteHands } = option
  if (crossConnects) {
    figureRow(context, row('crossConnects', 'Cross-connects', 'links'), crossConnects.count, own)
    figureRow(
      context,
      row('crossConnectUsdPerMonth', 'A cross-connect', 'USD/month'),
      crossConnects.usdEachPerMonth,
      own,
    )
  }
  if (remoteHands) {
    figureRow(
      context,
      row('remoteHandsHoursPerMonth', 'Remote hands', 'h/month'),
      remoteHands.hoursPerMonth,
      own,
    )
    figureRow(
      context,
      row('remoteHandsUsdPerHour', 'Remote hands', 'USD/h'),
      remoteHands.usdPerHour,
      own,
    )
  }
}

/** What a server is, costs and draws. */
function serverRows(
  context: ModelContext,
  prefix: string,
  option: MachineOption,
  profile: HardwareProfile | undefined,
): void {
  const gpusPerServer = gpusPerServerOf(context, option, profile)
  choiceRow(
    context,
    {
      path: `${prefix}.gpusPerServer`,
      label: profile?.unit === 'host' ? 'Hosts in a server' : 'GPUs in a server',
      unit: 'units/server',
      note: profile?.name,
    },
    gpusPerServer,
    option.gpusPerServer === undefined ? 'specification' : 'choice',
  )
  priceRow(context, prefix, option, profile, gpusPerServer)
  powerInputRows(context, prefix, option, profile, gpusPerServer)
}

function gpusPerServerOf(
  { units }: ModelContext,
  option: MachineOption,
  profile: HardwareProfile | undefined,
): Maybe {
  if (option.gpusPerServer !== undefined) return option.gpusPerServer
  const price = priceToDefend(profile)
  if (price?.per === 'server') return price.unitsPerServer
  return profile?.unit === 'host' ? 1 : units
}

function priceRow(
  context: ModelContext,
  prefix: string,
  option: MachineOption,
  profile: HardwareProfile | undefined,
  gpusPerServer: Maybe,
): void {
  const row = { path: `${prefix}.serverPriceUsd`, label: 'Price of a server', unit: 'USD/server' }
  if (option.serverPriceUsd) {
    figureRow(context, row, option.serverPriceUsd, context.scenario.sources)
    return
  }
  const price = priceToDefend(profile)
  if (profile === undefined || price === undefined || gpusPerServer === undefined) {
    unknownRow(context.ledger, { ...row, note: 'the hardware has no price in its profile' })
    return
  }
  const scale = price.per === 'server' ? gpusPerServer / price.unitsPerServer : gpusPerServer
  const what = `${profile.name}: ${price.what}`
  const note = scale === 1 ? what : `${what}; ${price.usd.value} USD x ${scale}`
  figureRow(context, { ...row, note }, scaledFigure(price.usd, scale), profile.sources)
}

/**
 * Stated by the scenario; else measured, where that is of a whole server; else measured boards and the profile's share of the machine around
 * them; else the profile alone.
 */
function powerInputRows(
  context: ModelContext,
  prefix: string,
  option: MachineOption,
  profile: HardwareProfile | undefined,
  gpusPerServer: Maybe,
): void {
  const { serverPowerW } = option
  const seen =
    option.hardwareProfile === undefined
      ? measuredPower(context, profile, gpusPerServer)
      : undefined
  const label = { load: 'Power of a server under load', idle: 'Power of an idle server' }
  requirePower(prefix, serverPowerW, {
    load: serverPowerW.load?.value ?? seen?.load ?? profilePowerW('load', profile, gpusPerServer),
    idle: serverPowerW.idle?.value ?? seen?.idle ?? profilePowerW('idle', profile, gpusPerServer),
  })
  for (const state of ['load', 'idle'] as const) {
    const row = { path: `${prefix}.${state}PowerW`, label: label[state], unit: 'W/server' }
    const figure = serverPowerW[state]
    if (figure) figureRow(context, row, figure, context.scenario.sources)
    else if (seen?.[state] !== undefined)
      context.ledger.input({
        ...row,
        value: seen[state],
        origin: 'measured',
        source: `${context.subject.what}, ${context.point?.label ?? ''}`,
        date: context.subject.date,
        note: [seen.note, seen.how?.[state]].filter(Boolean).join('; '),
      })
    else if (state === 'idle' && profileFigure('idle', profile) === undefined)
      unknownIdleRow(context, prefix, row)
    else profilePowerRow(context, row, state, profile, gpusPerServer)
  }
}

/** @throws UserError for power that cannot be: above the cap, or idle above load where the scenario states either */
function requirePower(
  prefix: string,
  stated: MachineOption['serverPowerW'],
  { load, idle }: { readonly load: Maybe; readonly idle: Maybe },
): void {
  const cap = stated.enforcedCapW?.value
  const isStated = stated.load !== undefined || stated.idle !== undefined
  if (cap !== undefined && load !== undefined && load > cap)
    throw new UserError(
      `${prefix}.loadPowerW is ${load} W; expected at most the enforced cap of ${cap} W, serverPowerW.enforcedCapW.`,
      {
        remedy:
          'Measure under the cap, or state in serverPowerW.load what a server draws under it.',
      },
    )
  if (isStated && idle !== undefined && load !== undefined && idle > load)
    throw new UserError(
      `${prefix}.idlePowerW is ${idle} W; expected at most the power under load, ${load} W.`,
      { remedy: 'State both in serverPowerW, of one whole server at the plug.' },
    )
}

function profilePowerW(
  state: 'load' | 'idle',
  profile: HardwareProfile | undefined,
  gpusPerServer: Maybe,
): Maybe {
  const figure = profileFigure(state, profile)
  return figure && gpusPerServer !== undefined ? figure.value * gpusPerServer : undefined
}

/** Power under load is bounded by the units' limit; idle power by nothing. */
function profileFigure(state: 'load' | 'idle', profile: HardwareProfile | undefined) {
  return state === 'load' ? (profile?.powerW?.load ?? profile?.tdpW) : profile?.powerW?.idle
}

/** What draws nobody knows how much when idle is taken to draw what it does under load: the dear assumption. */
function unknownIdleRow({ ledger }: ModelContext, prefix: string, row: Stated): void {
  ledger.result({
    ...row,
    formula: 'loadPowerW: no idle power is known, so the upper bound',
    from: [`${prefix}.loadPowerW`],
    work: ([load]) => load,
  })
}

function profilePowerRow(
  context: ModelContext,
  row: Stated,
  state: 'load' | 'idle',
  profile: HardwareProfile | undefined,
  gpusPerServer: Maybe,
): void {
  const figure = profileFigure(state, profile)
  if (profile === undefined || figure === undefined || gpusPerServer === undefined) {
    unknownRow(context.ledger, { ...row, note: 'no power is known, neither measured nor stated' })
    return
  }
  figureRow(
    context,
    { ...row, note: profilePowerNote(state, profile, gpusPerServer, figure.value) },
    scaledFigure(figure, gpusPerServer),
    profile.sources,
  )
}

function profilePowerNote(
  state: 'load' | 'idle',
  { powerW }: HardwareProfile,
  gpusPerServer: number,
  value: number,
): string {
  const scale = gpusPerServer === 1 ? '' : `; ${value} W x ${gpusPerServer}`
  return powerW?.[state] !== undefined
    ? `stated, not measured${scale}`
    : `the units' power limit, not measured, without the machine around them${scale}`
}

interface MeasuredPower {
  readonly load?: number
  readonly idle?: number
  readonly note: string
  /** How each came about, where it is worked from several readings. */
  readonly how?: { readonly load?: string; readonly idle?: string }
}

function measuredPower(
  { point, units }: ModelContext,
  profile: HardwareProfile | undefined,
  gpusPerServer: Maybe,
): MeasuredPower | undefined {
  if (point === undefined || units === undefined || gpusPerServer === undefined) return undefined
  const whole = wholeMachine(point.power)
  if (whole && units === gpusPerServer)
    return {
      load: whole.loadPowerW,
      idle: whole.idlePowerW,
      note: `measured, ${whole.scope}`,
      how: howOf(whole),
    }
  const boards = point.power.find(({ scope }) => scope === 'gpu')
  if (boards === undefined || profile?.unit !== 'gpu') return undefined
  return boardsInServer(boards, units, gpusPerServer, profile)
}

function howOf({ loadHow, idleHow }: PowerSeen): MeasuredPower['how'] {
  return { load: loadHow, idle: idleHow }
}

function wholeMachine(power: readonly PowerSeen[]): PowerSeen | undefined {
  return power.find(({ scope }) => scope === 'wall') ?? power.find(({ scope }) => scope === 'node')
}

/** Of power that lacks a part: it is warned of. */
export const BOARDS_ONLY = 'boards measured; the machine around them is unknown and left out'

/** The machine around a board: what the profile says of both together, less the board's limit. */
function boardsInServer(
  boards: PowerSeen,
  units: number,
  gpusPerServer: number,
  { powerW, tdpW }: HardwareProfile,
): MeasuredPower {
  const { loadPowerW, idlePowerW } = boards
  const aroundW = powerW?.load && tdpW ? Math.max(0, powerW.load.value - tdpW.value) : undefined
  const whole = (boardsW: number) => (boardsW / units + (aroundW ?? 0)) * gpusPerServer
  return {
    load: whole(loadPowerW),
    idle: idlePowerW === undefined ? undefined : whole(idlePowerW),
    how: howOf(boards),
    note:
      aroundW === undefined
        ? BOARDS_ONLY
        : `boards measured; ${aroundW} W a board for the machine around them, by the profile`,
  }
}

/** Output tokens/s of one server: whole deployments in it, or its share of one that spans several. */
export function throughputRow({ ledger }: ModelContext, prefix: string): void {
  ledger.result({
    path: `${prefix}.serversPerDeployment`,
    label: 'Servers that hold the model together',
    unit: 'servers',
    formula: 'ceil(measured.units / gpusPerServer)',
    from: ['measured.units', `${prefix}.gpusPerServer`],
    work: ([units = 0, perServer = 0]) => Math.ceil(units / perServer),
  })
  ledger.result({
    path: `${prefix}.outputTokensPerSPerServer`,
    label: 'Output tokens/s of a server',
    unit: 'tokens/s',
    formula:
      'measured.outputTokensPerS x floor(gpusPerServer / measured.units), or / serversPerDeployment where one model takes several servers',
    from: [
      'measured.outputTokensPerS',
      'measured.units',
      `${prefix}.gpusPerServer`,
      `${prefix}.serversPerDeployment`,
    ],
    work: ([tokensPerS = 0, units = 0, perServer = 0, servers = 0]) =>
      servers > 1 ? tokensPerS / servers : tokensPerS * Math.floor(perServer / units),
  })
}

/** Whole servers for the peak, and how busy they are. */
function fleetRows({ ledger }: ModelContext, prefix: string): void {
  servingRow(ledger, prefix, 'Servers that carry the peak')
  boughtRow(ledger, prefix, 'Servers to buy', prefix)
  countRows(ledger, prefix, { machine: 'server', rulesAt: prefix, rented: false })
  busyRows(ledger, prefix)
}

/** How much work there is, in servers. */
export function busyRows(ledger: ModelContext['ledger'], prefix: string): void {
  const at = (name: string) => `${prefix}.${name}`
  ledger.result({
    path: at('busyServers'),
    label: "Mean load, in servers' worth of work",
    unit: 'servers',
    formula: 'meanOutputTokensPerS / outputTokensPerSPerServer',
    from: ['demand.meanOutputTokensPerS', at('outputTokensPerSPerServer')],
    work: ([mean = 0, perServer = 0]) => mean / perServer,
  })
  ledger.result({
    path: at('peakBusyServers'),
    label: "Load of the highest hour, in servers' worth of work",
    unit: 'servers',
    formula: 'busyServers x peakToMeanRatio',
    from: [at('busyServers'), 'demand.peakToMeanRatio'],
    work: ([busy = 0, peak = 0]) => busy * peak,
  })
  ledger.result({
    path: at('utilisationRatio'),
    label: 'Utilisation',
    unit: 'ratio',
    formula: 'busyServers / servers',
    from: [at('busyServers'), at('servers')],
    work: ([busy = 0, servers = 0]) => busy / servers,
  })
}

/** Power, energy, carbon and water. */
function powerRows({ ledger }: ModelContext, prefix: string, option: MachineOption): void {
  const at = (name: string) => `${prefix}.${name}`
  const hasPue = option.pueRatio !== undefined
  const pue = hasPue ? [at('pueRatio')] : []
  ledger.result({
    path: at('meanPowerKw'),
    label: hasPue ? 'Mean power, cooling included' : 'Mean power of the machines',
    unit: 'kW',
    formula: `(servers x idlePowerW + busyServers x (loadPowerW - idlePowerW)) / 1,000${hasPue ? ' x pueRatio' : ''}`,
    from: [at('servers'), at('busyServers'), at('idlePowerW'), at('loadPowerW'), ...pue],
    work: ([servers = 0, busy = 0, idle = 0, load = 0, factor = 1]) =>
      ((servers * idle + busy * (load - idle)) / W_PER_KW) * factor,
  })
  ledger.result({
    path: at('energyKwhPerYear'),
    label: 'Energy',
    unit: 'kWh/year',
    formula: 'meanPowerKw x 8,760 h',
    from: [at('meanPowerKw')],
    work: ([kw = 0]) => kw * HOURS_PER_YEAR,
  })
  ledger.result({
    path: at('kwPerRack'),
    label: 'Power of a rack under load',
    unit: 'kW/rack',
    formula: 'servers x loadPowerW / 1,000 / racks',
    from: [at('servers'), at('loadPowerW'), at('racks')],
    work: ([servers = 0, load = 0, racks = 0]) => (servers * load) / W_PER_KW / racks,
  })
  if (option.waterLPerKwh)
    ledger.result({
      path: at('waterLPerRackYear'),
      label: 'Water',
      unit: 'litres/rack/year',
      formula: 'energyKwhPerYear x waterLPerKwh / racks',
      from: [at('energyKwhPerYear'), at('waterLPerKwh'), at('racks')],
      work: ([kwh = 0, litres = 0, racks = 0]) => (kwh * litres) / racks,
    })
  if (option.gridGPerKwh) carbonRow(ledger, prefix, option)
}

function carbonRow(
  ledger: ModelContext['ledger'],
  prefix: string,
  { embodiedKgPerServer }: MachineOption,
): void {
  const at = (name: string) => `${prefix}.${name}`
  const embodied = embodiedKgPerServer !== undefined
  ledger.result({
    path: at('gramsPerThousandTokens'),
    label: embodied ? 'Carbon' : 'Carbon of the energy alone',
    unit: 'gCO2e/1,000 tokens',
    formula: `(energyKwhPerYear x gridGPerKwh${embodied ? ' + servers x embodiedKgPerServer x 1,000 / lifeYears' : ''}) / (totalTokensPerYear / 1,000); SCI, ISO/IEC 21031:2024, location-based`,
    from: [
      at('energyKwhPerYear'),
      at('gridGPerKwh'),
      'demand.totalTokensPerYear',
      ...(embodied ? [at('servers'), at('embodiedKgPerServer'), at('lifeYears')] : []),
    ],
    work: ([kwh = 0, grid = 0, tokens = 0, servers = 0, kg = 0, years = 1]) =>
      ((kwh * grid + (servers * kg * G_PER_KG) / years) / tokens) * 1000,
  })
}

const G_PER_KG = 1000

/** What a token would cost were the serving servers full all the time. */
export function fullUseRows(
  { ledger }: ModelContext,
  prefix: string,
  components: readonly CostComponent[],
): void {
  const at = (name: string) => `${prefix}.${name}`
  const model = billModel(prefix, components)
  ledger.result({
    path: at('atFullUse.usdPerMillionOutputTokens'),
    label: 'The same, were the serving servers full around the clock',
    unit: 'USD/M output tokens',
    formula:
      'the bill with busyServers = servingServers / (servingServers x outputTokensPerSPerServer x 31,536,000 s / 1e6)',
    from: [
      at('servers'),
      at('gpus'),
      at('racks'),
      at('servingServers'),
      at('outputTokensPerSPerServer'),
      ...model.from,
    ],
    work: (values) => {
      const [servers = 0, gpus = 0, racks = 0, serving = 0, perServer = 0] = values
      const sites = servers > 0 ? 1 : 0
      const fleet = { servers, gpus, racks, sites, busyServers: serving, peakBusyServers: serving }
      const usd = model.at(values, 5)(fleet)
      return usd === undefined ? undefined : usd / (serving * perServer * M_TOKENS_PER_YEAR_PER_S)
    },
  })
}

/** Million tokens that one token a second makes in a year. */
const M_TOKENS_PER_YEAR_PER_S = (HOURS_PER_YEAR * 3600) / 1_000_000
