import { UserError } from '../errors.ts'
import { summarize } from '../measure/summarize.ts'
import { priceRun } from '../price/price-run.ts'
import type { Scenario } from '../price/scenario.ts'
import type { Report } from '../report/report.ts'
import { readRun } from '../verify/read-run.ts'
import { recompute } from '../verify/verify-run.ts'
import { loadCatalogue, loadScenario, type PriceFlags } from './catalogue.ts'
import type { Io } from './io.ts'

/**
 * The report of a stored run from its raw records: priced as it was, or under other assumptions
 * where flags name them.
 *
 * @throws UserError when it is no results directory
 */
export async function recomputeReport(path: string, flags: PriceFlags, io: Io): Promise<Report> {
  const stored = await readRun(path)
  const { run, records, pricing, certificate, unreadableLines } = stored
  if (run.levels.length === 0) {
    throw new UserError(`${path} holds no finished load level.`, {
      remedy: 'Run it again for longer.',
    })
  }
  if (unreadableLines > 0)
    io.stderr(`${unreadableLines} unreadable lines of the journal were left out.\n`)
  const changed =
    flags.scenario !== undefined || flags.hardware !== undefined || flags.gpus !== undefined
  const unchanged = changed ? undefined : recompute(stored)
  if (unchanged) return unchanged
  const summary = summarize(run, records, certificate)
  const scenario = await scenarioWith(flags, pricing?.scenario)
  return {
    schemaVersion: 1,
    run,
    summary,
    cost: priceRun(run, summary, scenario, await loadCatalogue()),
  }
}

/** Hardware flags change the stored scenario; a scenario file replaces it. */
async function scenarioWith(flags: PriceFlags, stored: Scenario | undefined): Promise<Scenario> {
  if (flags.scenario !== undefined || stored === undefined) return loadScenario(flags)
  return {
    ...stored,
    hardwareProfile: flags.hardware ?? stored.hardwareProfile,
    units: flags.gpus ?? stored.units,
  }
}
