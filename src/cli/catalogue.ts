import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { loadHardwareProfiles } from '../detect/hardware-profile.ts'
import { messageOf, UserError } from '../errors.ts'
import { packageRoot } from '../package-files.ts'
import type { Catalogue } from '../price/catalogue.ts'
import { type PriceEntry, type PriceSheet, priceSheetSchema } from '../price/price-sheet.ts'
import { type Scenario, scenarioSchema } from '../price/scenario.ts'
import { type Setting, withSettings } from '../price/setting.ts'
import { readYamlFile } from '../yaml-file.ts'

/** The hardware profiles and price sheets that come with baremark. @throws UserError */
export async function loadCatalogue(): Promise<Catalogue> {
  const [profiles, sheets] = await Promise.all([
    loadHardwareProfiles(join(packageRoot, 'hardware-profiles')),
    loadPriceSheets(join(packageRoot, 'price-sheets')),
  ])
  return { profiles, sheets }
}

async function loadPriceSheets(folder: string): Promise<PriceSheet[]> {
  const names = await readdir(folder).catch((cause: unknown) => {
    throw new UserError(`Cannot read ${folder}: ${messageOf(cause)}`, {
      remedy: 'Install baremark again.',
      cause,
    })
  })
  const files = names.filter((name) => name.endsWith('.yaml')).sort()
  return Promise.all(files.map((name) => readYamlFile(join(folder, name), priceSheetSchema)))
}

/** The same with entries of a stored catalogue in place of those of the same name: what is stored stays as it was. */
export function withStored(installed: Catalogue, stored: Catalogue): Catalogue {
  const keep = new Set(stored.sheets.flatMap(({ entries }) => entries.map(entryKey)))
  const others = installed.sheets.map((sheet) => ({
    ...sheet,
    entries: sheet.entries.filter((entry) => !keep.has(entryKey(entry))),
  }))
  const ids = new Set(stored.profiles.map(({ id }) => id))
  return {
    profiles: [...stored.profiles, ...installed.profiles.filter(({ id }) => !ids.has(id))],
    sheets: [...stored.sheets, ...others],
  }
}

function entryKey({ kind, id }: PriceEntry): string {
  return `${kind} ${id}`
}

/** What `--hardware`, `--gpus`, `--scenario` and `--set` say. */
export interface PriceFlags {
  readonly scenario?: string
  readonly hardware?: string
  readonly gpus?: number
  readonly set?: readonly Setting[]
}

/** The scenario file, or the one that comes with baremark, with the flags in force. @throws UserError */
export async function loadScenario(flags: PriceFlags): Promise<Scenario> {
  const file = flags.scenario ?? join(packageRoot, 'scenarios', 'default.yaml')
  return withFlags(await readYamlFile(file, scenarioSchema), flags)
}

/** A scenario with the flags in force, but for the one that names its file. @throws UserError */
export function withFlags(scenario: Scenario, { hardware, gpus, set = [] }: PriceFlags): Scenario {
  return withSettings(
    {
      ...scenario,
      hardwareProfile: hardware ?? scenario.hardwareProfile,
      units: gpus ?? scenario.units,
    },
    set,
  )
}
