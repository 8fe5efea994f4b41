import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { loadHardwareProfiles } from '../detect/hardware-profile.ts'
import { messageOf, UserError } from '../errors.ts'
import { packageRoot } from '../package-files.ts'
import type { Catalogue } from '../price/catalogue.ts'
import { type PriceSheet, priceSheetSchema } from '../price/price-sheet.ts'
import { type Scenario, scenarioSchema } from '../price/scenario.ts'
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

/** What `--hardware`, `--gpus` and `--scenario` say. */
export interface PriceFlags {
  readonly scenario?: string
  readonly hardware?: string
  readonly gpus?: number
}

/** The scenario file, or the one that comes with baremark, with the flags in force. @throws UserError */
export async function loadScenario(flags: PriceFlags): Promise<Scenario> {
  const file = flags.scenario ?? join(packageRoot, 'scenarios', 'default.yaml')
  const scenario = await readYamlFile(file, scenarioSchema)
  return {
    ...scenario,
    hardwareProfile: flags.hardware ?? scenario.hardwareProfile,
    units: flags.gpus ?? scenario.units,
  }
}
