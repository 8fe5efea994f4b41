import type { Maybe } from '../arithmetic.ts'
import { computeGpus } from '../detect/compute-gpus.ts'
import { type HardwarePrice, type HardwareProfile, profileOf } from '../detect/hardware-profile.ts'
import { UserError } from '../errors.ts'
import type { Figure, Source } from '../figure.ts'
import type { RunLog } from '../load/run-log.ts'
import type { Assumption } from './cost-report.ts'
import type {
  ApiPrice,
  ElectricityPrice,
  PriceEntry,
  PriceSheet,
  RentalPrice,
} from './price-sheet.ts'
import type { Scenario } from './scenario.ts'

/** Every number the cost model uses, by name, with its unit. Each becomes a line of the report. */
const inputUnits = {
  units: 'units',
  unitPriceUsd: 'USD/unit',
  loadPowerW: 'W/unit',
  idlePowerW: 'W/unit',
  utilisationRatio: 'ratio',
  lifeYears: 'years',
  residualRatio: 'ratio',
  costOfCapitalRatioPerYear: 'ratio/year',
  supportRatioPerYear: 'ratio/year',
  pueRatio: 'ratio',
  electricityUsdPerKwh: 'USD/kWh',
  rentUsdPerHour: 'USD/unit/h',
  apiUsdPerMillionInputTokens: 'USD/M tokens',
  apiUsdPerMillionOutputTokens: 'USD/M tokens',
  outputTokensPerS: 'tokens/s',
  inputTokensPerS: 'tokens/s',
} as const

export type InputName = keyof typeof inputUnits
export type Inputs = Readonly<Partial<Record<InputName, Assumption>>>

/** The value of an input, or unknown. */
export function inputValue(inputs: Inputs, name: InputName): Maybe {
  return inputs[name]?.value
}

/** What prices are looked up in. */
export interface Catalogue {
  readonly profiles: readonly HardwareProfile[]
  readonly sheets: readonly PriceSheet[]
}

/** Everything chosen for one comparison. */
export interface Chosen {
  readonly inputs: Inputs
  readonly profile?: HardwareProfile
  readonly unitPrice?: HardwarePrice
  readonly rental?: RentalPrice
  readonly api: ApiPrice
}

/**
 * Finds every name of a scenario in the catalogue: to be called before hours of measuring.
 *
 * @throws UserError for the first that does not exist
 */
export function checkNames(scenario: Scenario, catalogue: Catalogue): void {
  if (scenario.hardwareProfile !== undefined) findProfile(catalogue, scenario.hardwareProfile)
  findEntry(catalogue, scenario.electricity, 'electricity')
  findEntry(catalogue, scenario.api, 'api')
  if (scenario.rental !== undefined) findEntry(catalogue, scenario.rental, 'rental')
}

type Priced<E> = { readonly entry: E; readonly sources: Readonly<Record<string, Source>> }

/**
 * Resolves a scenario against the catalogue and the run's hardware.
 *
 * @throws UserError when the scenario names an entry that does not exist
 */
export function chooseInputs(run: RunLog, scenario: Scenario, catalogue: Catalogue): Chosen {
  const profile = chooseProfile(run, scenario, catalogue)
  const units = chooseUnits(run, scenario, profile)
  const unitPrice = profile && cheapestToDefend(profile)
  const electricity = findEntry(catalogue, scenario.electricity, 'electricity')
  const api = findEntry(catalogue, scenario.api, 'api')
  const rental = chooseRental(scenario, catalogue, profile, units?.value)
  const inputs: { [N in InputName]?: Assumption } = {}
  const set = (name: InputName, assumption: Assumption | undefined): void => {
    if (assumption) inputs[name] = assumption
  }
  set('units', units)
  if (profile && unitPrice) set('unitPriceUsd', unitPriceAssumption(profile, unitPrice))
  if (profile) {
    set('loadPowerW', loadPower(profile))
    set('idlePowerW', idlePower(profile))
  }
  for (const name of scenarioFigures) set(name, stated(name, scenario[name], scenario.sources))
  set(
    'electricityUsdPerKwh',
    stated(
      'electricityUsdPerKwh',
      electricity.entry.usdPerKwh,
      electricity.sources,
      electricity.entry.where,
    ),
  )
  if (rental) set('rentUsdPerHour', rentAssumption(rental, units?.value))
  const apiName = `${api.entry.provider} ${api.entry.model}`
  set(
    'apiUsdPerMillionInputTokens',
    stated('apiUsdPerMillionInputTokens', api.entry.usdPerMillionInputTokens, api.sources, apiName),
  )
  set(
    'apiUsdPerMillionOutputTokens',
    stated(
      'apiUsdPerMillionOutputTokens',
      api.entry.usdPerMillionOutputTokens,
      api.sources,
      apiName,
    ),
  )
  return { inputs, profile, unitPrice, rental: rental?.entry, api: api.entry }
}

const scenarioFigures = [
  'utilisationRatio',
  'lifeYears',
  'residualRatio',
  'costOfCapitalRatioPerYear',
  'supportRatioPerYear',
  'pueRatio',
] as const

/** A figure somebody stated, as an assumption. */
function stated(
  name: InputName,
  figure: Figure,
  sources: Readonly<Record<string, Source>>,
  note?: string,
): Assumption {
  const source = sources[figure.source]
  return {
    name,
    value: figure.value,
    unit: inputUnits[name],
    kind: figure.kind,
    source: source?.title ?? figure.source,
    date: source?.date,
    note: [note, figure.note].filter(Boolean).join('; ') || undefined,
  }
}

/** A throughput that was measured, as an input like any other. */
export function measured(
  name: 'outputTokensPerS' | 'inputTokensPerS',
  value: Maybe,
  run: RunLog,
  label: string,
): Assumption | undefined {
  if (value === undefined) return undefined
  return {
    name,
    value,
    unit: inputUnits[name],
    kind: 'measured',
    source: `run ${run.runId}, ${label}`,
    date: run.epoch.slice(0, 10),
  }
}

function chooseProfile(
  run: RunLog,
  scenario: Scenario,
  catalogue: Catalogue,
): HardwareProfile | undefined {
  if (scenario.hardwareProfile !== undefined)
    return findProfile(catalogue, scenario.hardwareProfile)
  // What was detected is the client's machine: it says nothing of a server elsewhere.
  return run.target.loopback ? profileOf(run.hardware, catalogue.profiles) : undefined
}

function findProfile({ profiles }: Catalogue, id: string): HardwareProfile {
  const profile = profiles.find((each) => each.id === id)
  if (profile) return profile
  throw new UserError(`There is no hardware profile "${id}".`, {
    remedy: `Use one of: ${profiles.map((each) => each.id).join(', ')}.`,
  })
}

function chooseUnits(
  run: RunLog,
  scenario: Scenario,
  profile: HardwareProfile | undefined,
): Assumption | undefined {
  const shared = { name: 'units', unit: inputUnits.units }
  if (scenario.units !== undefined) {
    return { ...shared, value: scenario.units, kind: 'choice', source: 'stated for this run' }
  }
  if (profile === undefined) return undefined
  if (profile.unit === 'host')
    return { ...shared, value: 1, kind: 'detected', source: 'one machine' }
  const detected = run.target.loopback ? computeGpus(run.hardware).length : 0
  if (detected === 0) return undefined
  const note =
    detected > 1
      ? 'all GPUs of the machine; state fewer with --gpus where not all serve the model'
      : undefined
  return { ...shared, value: detected, kind: 'detected', source: 'detected on this machine', note }
}

/** Whole-server prices first: a board alone serves nobody. Among several of a sort, the first listed. */
function cheapestToDefend(profile: HardwareProfile): HardwarePrice | undefined {
  return profile.prices.find(({ per }) => per === 'server') ?? profile.prices[0]
}

function unitPriceAssumption(profile: HardwareProfile, price: HardwarePrice): Assumption {
  const assumption = stated(
    'unitPriceUsd',
    price.usd,
    profile.sources,
    `${profile.name}: ${price.what}`,
  )
  if (price.per === 'unit') return assumption
  const note = `${assumption.note}; 1/${price.unitsPerServer} of a server at ${price.usd.value} USD`
  return { ...assumption, value: price.usd.value / price.unitsPerServer, note }
}

function loadPower(profile: HardwareProfile): Assumption | undefined {
  const figure = profile.powerW?.load ?? profile.tdpW
  if (!figure) return undefined
  const note = profile.powerW?.load
    ? 'stated, not measured'
    : "the unit's power limit, not measured, without the machine around it"
  return stated('loadPowerW', figure, profile.sources, note)
}

function idlePower(profile: HardwareProfile): Assumption | undefined {
  const figure = profile.powerW?.idle
  if (figure) return stated('idlePowerW', figure, profile.sources, 'stated, not measured')
  const load = loadPower(profile)
  return (
    load && {
      ...load,
      name: 'idlePowerW',
      note: 'no idle power known: taken as power under load, the upper bound',
    }
  )
}

/** The named offer where it is of this hardware; other hardware's rent is no alternative. */
function chooseRental(
  scenario: Scenario,
  catalogue: Catalogue,
  profile: HardwareProfile | undefined,
  units: Maybe,
): Priced<RentalPrice> | undefined {
  const ofProfile = entries(catalogue, 'rental').filter(
    ({ entry }) => entry.hardwareProfile === profile?.id,
  )
  const named = ofProfile.find(({ entry }) => entry.id === scenario.rental)
  return (
    named ??
    medianOffer(
      ofProfile.filter(({ entry }) => entry.commitment === 'on-demand'),
      units,
    )
  )
}

/** The middle offer by price per unit, the lower of two: neither the dearest comparator nor the cheapest. */
function medianOffer(
  offers: readonly Priced<RentalPrice>[],
  units: Maybe,
): Priced<RentalPrice> | undefined {
  const byPrice = offers.toSorted(
    (a, b) => rentPerUnit(a.entry, units) - rentPerUnit(b.entry, units),
  )
  return byPrice[Math.floor((byPrice.length - 1) / 2)]
}

/** USD per hour for each unit that serves: who rents by the instance pays for all of it. */
function rentPerUnit({ usdPerHour, gpus, billed }: RentalPrice, units: Maybe): number {
  if (billed === 'per-gpu' || units === undefined) return usdPerHour.value / gpus
  return (Math.ceil(units / gpus) * usdPerHour.value) / units
}

function rentAssumption({ entry, sources }: Priced<RentalPrice>, units: Maybe): Assumption {
  const whole = entry.billed === 'per-instance' && entry.gpus > 1
  const note = [
    `${entry.provider} ${entry.sku}, ${entry.commitment}`,
    ...(whole ? [`only as a whole of ${entry.gpus} at ${entry.usdPerHour.value} USD/h`] : []),
  ]
  const assumption = stated('rentUsdPerHour', entry.usdPerHour, sources, note.join('; '))
  return { ...assumption, value: rentPerUnit(entry, units) }
}

type EntryOf<K extends PriceEntry['kind']> = Extract<PriceEntry, { kind: K }>

function entries<K extends PriceEntry['kind']>(
  { sheets }: Catalogue,
  kind: K,
): Priced<EntryOf<K>>[] {
  return sheets.flatMap((sheet) =>
    sheet.entries
      .filter((entry): entry is EntryOf<K> => entry.kind === kind)
      .map((entry) => ({ entry, sources: sheet.sources })),
  )
}

function findEntry(catalogue: Catalogue, id: string, kind: 'electricity'): Priced<ElectricityPrice>
function findEntry(catalogue: Catalogue, id: string, kind: 'api'): Priced<ApiPrice>
function findEntry(catalogue: Catalogue, id: string, kind: 'rental'): Priced<RentalPrice>
function findEntry(catalogue: Catalogue, id: string, kind: PriceEntry['kind']): Priced<PriceEntry> {
  const known = entries(catalogue, kind)
  const found = known.find(({ entry }) => entry.id === id)
  if (found) return found
  throw new UserError(`There is no ${kind} price "${id}" in the price sheets.`, {
    remedy: `Use one of: ${known.map(({ entry }) => entry.id).join(', ')}.`,
  })
}

/** The part of a catalogue that a choice used, so that a run can be priced again without the rest. */
export function usedCatalogue(
  { sheets }: Catalogue,
  chosen: Chosen,
  scenario: Scenario,
): Catalogue {
  const used = new Set([scenario.electricity, chosen.api.id, chosen.rental?.id])
  return {
    profiles: chosen.profile ? [chosen.profile] : [],
    sheets: sheets
      .map((sheet) => ({ ...sheet, entries: sheet.entries.filter(({ id }) => used.has(id)) }))
      .filter(({ entries }) => entries.length > 0)
      .map((sheet) => ({ ...sheet, sources: usedSources(sheet) })),
  }
}

function usedSources({ entries, sources }: PriceSheet): PriceSheet['sources'] {
  const text = JSON.stringify(entries)
  return Object.fromEntries(
    Object.entries(sources).filter(([key]) => text.includes(JSON.stringify(key))),
  )
}
