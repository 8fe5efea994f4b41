import { join } from 'node:path'
import { UserError } from '../errors.ts'
import type { JournalCounts } from '../load/read-journal.ts'
import { priceSubject } from '../price/price-subject.ts'
import type { Scenario } from '../price/scenario.ts'
import { subjectOfRun } from '../price/subject.ts'
import type { Report } from '../report/report.ts'
import { readRun, runFiles, type StoredRun } from '../verify/read-run.ts'
import { recompute, reportOf } from '../verify/verify-run.ts'
import { loadCatalogue, loadScenario, type PriceFlags } from './catalogue.ts'
import type { Io } from './io.ts'

/**
 * The report of a stored run from its raw records: priced as it was, or under other assumptions
 * where flags name them.
 *
 * @throws UserError when it is no results directory
 */
export async function recomputeReport(path: string, flags: PriceFlags, io: Io): Promise<Report> {
  return recomputeStored(await readRun(path), flags, io)
}

/** The same of a run whose directory is read. @throws UserError */
export async function recomputeStored(
  stored: StoredRun,
  flags: PriceFlags,
  io: Io,
): Promise<Report> {
  const { run, pricing } = stored
  const { summary, journal } = await recompute(stored)
  if (run.levels.length === 0) throw nothingFinished(stored, journal)
  for (const line of leftOut(journal)) io.stderr(`${line}\n`)
  const changed =
    flags.scenario !== undefined || flags.hardware !== undefined || flags.gpus !== undefined
  const unchanged = changed ? undefined : reportOf(stored, summary)
  if (unchanged) return unchanged
  const scenario = await scenarioWith(flags, pricing?.scenario)
  return {
    schemaVersion: 1,
    run,
    summary,
    cost: priceSubject(subjectOfRun(run, summary), scenario, await loadCatalogue()),
  }
}

/** What a level came to depends on its window, and only its end tells the window. */
function nothingFinished({ directory }: StoredRun, { records }: JournalCounts): UserError {
  const left = records === 1 ? '1 record' : `${records} records`
  return new UserError(
    `The run in ${directory} stopped before its first load level ended. It left ${left}, of which no figures can be made: only the end of a level tells its measured window.`,
    {
      remedy:
        records === 0
          ? 'Run it again.'
          : `Run it again, for a shorter time if it cannot be left to end. To look at the records themselves see docs/method.md for the format of ${join(directory, runFiles.records)}.`,
    },
  )
}

/** What the reader of figures must know of their journal, a line each. */
export function leftOut({ unreadableLines, repeatedIds }: JournalCounts): string[] {
  return [
    ...leftOutLine(unreadableLines, 'unreadable line', ''),
    ...leftOutLine(repeatedIds, 'record', ', as an earlier one has the same id'),
  ]
}

function leftOutLine(count: number, what: string, why: string): string[] {
  if (count === 0) return []
  const were = count === 1 ? `${what} of the journal was` : `${what}s of the journal were`
  return [`${count} ${were} left out${why}.`]
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
