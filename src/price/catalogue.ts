import type { Maybe } from '../arithmetic.ts'
import {
  type HardwarePrice,
  type HardwareProfile,
  matchProfile,
} from '../detect/hardware-profile.ts'
import { UserError } from '../errors.ts'
import type { Source } from '../figure.ts'
import type { PriceEntry, PriceSheet, RentalPrice } from './price-sheet.ts'
import type { Scenario, ScenarioOption } from './scenario.ts'
import { type Subject, seenGpus } from './subject.ts'

/** What prices are looked up in. */
export interface Catalogue {
  readonly profiles: readonly HardwareProfile[]
  readonly sheets: readonly PriceSheet[]
}

/** An entry of a price sheet, with the sources that its figures name. */
export interface Priced<E> {
  readonly entry: E
  readonly sources: Readonly<Record<string, Source>>
}

export type EntryOf<K extends PriceEntry['kind']> = Extract<PriceEntry, { kind: K }>

/** Every entry of a kind, in the order of the sheets. */
export function entriesOf<K extends PriceEntry['kind']>(
  { sheets }: Catalogue,
  kind: K,
): Priced<EntryOf<K>>[] {
  return sheets.flatMap((sheet) =>
    sheet.entries
      .filter((entry): entry is EntryOf<K> => entry.kind === kind)
      .map((entry) => ({ entry, sources: sheet.sources })),
  )
}

/** @throws UserError when no sheet has an entry of that kind and id */
export function findEntry<K extends PriceEntry['kind']>(
  catalogue: Catalogue,
  kind: K,
  id: string,
  path: string,
): Priced<EntryOf<K>> {
  const known = entriesOf(catalogue, kind)
  const found = known.find(({ entry }) => entry.id === id)
  if (found) return found
  throw new UserError(`${path}: there is no ${kind} price "${id}" in the price sheets.`, {
    remedy: `Use one of: ${known.map(({ entry }) => entry.id).join(', ')}.`,
  })
}

/** @throws UserError when no file has that id */
export function findProfile({ profiles }: Catalogue, id: string): HardwareProfile {
  const profile = profiles.find((each) => each.id === id)
  if (profile) return profile
  throw new UserError(`There is no hardware profile "${id}".`, {
    remedy: `Use one of: ${profiles.map((each) => each.id).join(', ')}.`,
  })
}

/**
 * Finds every name of a scenario in the catalogue: to be called before hours of measuring.
 *
 * @throws UserError for the first that does not exist
 */
export function checkNames(scenario: Scenario, catalogue: Catalogue): void {
  if (scenario.hardwareProfile !== undefined) findProfile(catalogue, scenario.hardwareProfile)
  for (const [id, option] of Object.entries(scenario.options)) {
    const hardware = 'hardwareProfile' in option ? option.hardwareProfile : undefined
    if (hardware !== undefined) findProfile(catalogue, hardware)
    for (const { kind, name, key } of namesOf(option))
      findEntry(catalogue, kind, name, `options.${id}.${key}`)
  }
  const { commitments } = scenario.market
  for (const [key, name] of Object.entries(commitments ?? {}))
    findEntry(catalogue, 'rental', name, `market.commitments.${key}`)
}

function namesOf(
  option: ScenarioOption,
): { kind: PriceEntry['kind']; key: string; name: string }[] {
  const named = (kind: PriceEntry['kind'], name: string | undefined) =>
    name === undefined ? [] : [{ kind, key: kind, name }]
  switch (option.kind) {
    case 'owned':
      return named('electricity', option.electricity)
    case 'colocated':
      return [
        ...named('colocation', option.colocation),
        ...named('electricity', option.electricity),
      ]
    case 'rented':
      return named('rental', option.rental)
    case 'api':
      return named('api', option.api)
    case 'hybrid':
      return []
  }
}

/** The hardware that was measured: as the scenario says, else as it was seen or told. Unknown where none matches. */
export function measuredProfile(
  subject: Subject,
  scenario: Scenario,
  catalogue: Catalogue,
): HardwareProfile | undefined {
  if (scenario.hardwareProfile !== undefined)
    return findProfile(catalogue, scenario.hardwareProfile)
  const names = [...new Set(seenGpus(subject))]
  const told = subject.told?.name
  const candidates = names.length > 0 ? names : told === undefined ? [] : [told]
  const [first, ...rest] = candidates.map((name) => matchProfile(name, catalogue.profiles))
  return rest.every((profile) => profile === first) ? first : undefined
}

/** Whole-server prices first: a board alone serves nobody. Among several of a sort, the first listed. */
export function priceToDefend(profile: HardwareProfile | undefined): HardwarePrice | undefined {
  return profile?.prices.find(({ per }) => per === 'server') ?? profile?.prices[0]
}

/**
 * The named offer where it is of this hardware, else the median on-demand one: neither the dearest comparator nor the cheapest. An offer of
 * other hardware is none: nobody knows what it would make.
 *
 * @param units that serve the model together
 */
function chooseRental(
  named: string | undefined,
  catalogue: Catalogue,
  profile: HardwareProfile | undefined,
  units: Maybe,
): Priced<RentalPrice> | undefined {
  const ofProfile = entriesOf(catalogue, 'rental').filter(
    ({ entry }) => entry.hardwareProfile === profile?.id,
  )
  const ofName = ofProfile.find(({ entry }) => entry.id === named)
  if (ofName) return ofName
  const byPrice = ofProfile
    .filter(({ entry }) => entry.commitment === 'on-demand')
    .toSorted((a, b) => rentPerUnit(a.entry, units) - rentPerUnit(b.entry, units))
  return byPrice[Math.floor((byPrice.length - 1) / 2)]
}

/** USD per hour for each unit that serves: who rents by the instance pays for all of it. */
function rentPerUnit({ usdPerHour, gpus, billed }: RentalPrice, units: Maybe): number {
  if (billed === 'per-gpu' || units === undefined) return usdPerHour.value / gpus
  return (Math.ceil(units / gpus) * usdPerHour.value) / units
}

/** The part of a catalogue that a scenario uses, so that a run can be priced again without the rest. */
export function usedCatalogue(
  subject: Subject,
  scenario: Scenario,
  catalogue: Catalogue,
): Catalogue {
  const measured = measuredProfile(subject, scenario, catalogue)
  const profiles = new Set([measured, ...optionProfiles(scenario, catalogue)])
  const used = new Set([
    ...Object.values(scenario.options).flatMap((option) => namesOf(option).map(({ name }) => name)),
    ...Object.values(scenario.market.commitments ?? {}),
    ...Object.values(scenario.options).flatMap((option) =>
      option.kind === 'rented'
        ? (rentalOf(option, subject, scenario, catalogue)?.entry.id ?? [])
        : [],
    ),
  ])
  return {
    profiles: catalogue.profiles.filter((profile) => profiles.has(profile)),
    sheets: catalogue.sheets
      .map((sheet) => ({ ...sheet, entries: sheet.entries.filter(({ id }) => used.has(id)) }))
      .filter(({ entries }) => entries.length > 0)
      .map((sheet) => ({ ...sheet, sources: usedSources(sheet) })),
  }
}

function optionProfiles(scenario: Scenario, catalogue: Catalogue): HardwareProfile[] {
  return Object.values(scenario.options).flatMap((option) =>
    'hardwareProfile' in option && option.hardwareProfile !== undefined
      ? [findProfile(catalogue, option.hardwareProfile)]
      : [],
  )
}

/** The offer that an option rents. */
export function rentalOf(
  option: Extract<ScenarioOption, { kind: 'rented' }>,
  subject: Subject,
  scenario: Scenario,
  catalogue: Catalogue,
): Priced<RentalPrice> | undefined {
  const profile =
    option.hardwareProfile === undefined
      ? measuredProfile(subject, scenario, catalogue)
      : findProfile(catalogue, option.hardwareProfile)
  const units = measuredUnits(subject, scenario, profile)?.value
  return chooseRental(option.rental, catalogue, profile, units)
}

/** How many units made the measured throughput, and how that is known. */
export function measuredUnits(
  subject: Subject,
  scenario: Scenario,
  profile: HardwareProfile | undefined,
): { value: number; origin: 'choice' | 'detected'; source: string; note?: string } | undefined {
  if (scenario.units !== undefined)
    return { value: scenario.units, origin: 'choice', source: 'stated for this run' }
  if (profile?.unit === 'host') return { value: 1, origin: 'detected', source: 'one machine' }
  const told = subject.told?.gpus
  if (told !== undefined) return { value: told, origin: 'detected', source: subject.what }
  const detected = seenGpus(subject).length
  if (detected === 0) return undefined
  const note =
    detected > 1
      ? 'all GPUs of the machine; state fewer with --gpus where not all serve the model'
      : undefined
  return { value: detected, origin: 'detected', source: 'detected on this machine', note }
}

function usedSources({ entries, sources }: PriceSheet): PriceSheet['sources'] {
  const text = JSON.stringify(entries)
  return Object.fromEntries(
    Object.entries(sources).filter(([key]) => text.includes(JSON.stringify(key))),
  )
}
