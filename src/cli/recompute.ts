import { UserError } from '../errors.ts'
import { summarize } from '../measure/summarize.ts'
import { priceRun } from '../price/price-run.ts'
import type { Report } from '../report/report.ts'
import { readRun } from '../verify/read-run.ts'
import { loadCatalogue, loadScenario, type PriceFlags } from './catalogue.ts'
import type { Io } from './io.ts'

/**
 * The report of a stored run from its raw records: priced as it was, or under other assumptions
 * where flags name them.
 *
 * @throws UserError when it is no results directory
 */
export async function recomputeReport(path: string, flags: PriceFlags, io: Io): Promise<Report> {
  const { run, records, pricing, unreadableLines } = await readRun(path)
  if (run.levels.length === 0) {
    throw new UserError(`${path} holds no finished load level.`, {
      remedy: 'Run it again for longer.',
    })
  }
  if (unreadableLines > 0)
    io.stderr(`${unreadableLines} unreadable lines of the journal were left out.\n`)
  const summary = summarize(run, records)
  const changed =
    flags.scenario !== undefined || flags.hardware !== undefined || flags.gpus !== undefined
  const stored = changed ? undefined : pricing
  const scenario = stored?.scenario ?? (await scenarioWith(flags, pricing?.scenario))
  const catalogue = stored?.catalogue ?? (await loadCatalogue())
  return { schemaVersion: 1, run, summary, cost: priceRun(run, summary, scenario, catalogue) }
}

/** Hardware flags change the stored scenario; a scenario file replaces it. */
async function scenarioWith(
  flags: PriceFlags,
  stored: Awaited<ReturnType<typeof loadScenario>> | undefined,
) {
  if (flags.scenario !== undefined || stored === undefined) return loadScenario(flags)
  return {
    ...stored,
    hardwareProfile: flags.hardware ?? stored.hardwareProfile,
    units: flags.gpus ?? stored.units,
  }
}
