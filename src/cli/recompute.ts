import { join } from 'node:path'
import { UserError } from '../errors.ts'
import type { JournalCounts } from '../load/read-journal.ts'
import type { Catalogue } from '../price/catalogue.ts'
import { priceSubject } from '../price/price-subject.ts'
import type { Scenario } from '../price/scenario.ts'
import { type Subject, subjectOfRun } from '../price/subject.ts'
import type { Report } from '../report/report.ts'
import { type Pricing, readRun, runFiles, type StoredRun } from '../verify/read-run.ts'
import { recompute } from '../verify/verify-run.ts'
import { loadCatalogue, loadScenario, type PriceFlags, withFlags, withStored } from './catalogue.ts'
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
  return (await priceStored(stored, flags, io)).report
}

/** A run's report, and what it was priced with. */
export interface PricedRun {
  readonly report: Report
  readonly subject: Subject
  readonly scenario: Scenario
  readonly catalogue: Catalogue
  /** What it was priced with when it was measured. */
  readonly stored?: Scenario
}

/** @throws UserError */
export async function priceStored(
  stored: StoredRun,
  flags: PriceFlags,
  io: Io,
): Promise<PricedRun> {
  const { run, pricing } = stored
  const { summary, journal } = await recompute(stored)
  if (run.levels.length === 0) throw nothingFinished(stored, journal)
  for (const line of leftOut(journal)) io.stderr(`${line}\n`)
  const priced = pricedRun({ run, summary }, await pricingWith(flags, pricing))
  return { ...priced, stored: pricing?.scenario }
}

/** A run under a scenario. @throws UserError */
export function pricedRun(
  { run, summary }: Pick<Report, 'run' | 'summary'>,
  { scenario, catalogue }: Omit<Pricing, 'schemaVersion'>,
): PricedRun {
  const subject = subjectOfRun(run, summary)
  const cost = priceSubject(subject, scenario, catalogue)
  return { report: { schemaVersion: 1, run, summary, cost }, subject, scenario, catalogue }
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

/**
 * As it was stored. A scenario file replaces that; other flags change it: hardware at the prices of today, single values at those that are
 * stored.
 *
 * @throws UserError
 */
export async function pricingWith(
  flags: PriceFlags,
  stored: Pricing | undefined,
): Promise<Omit<Pricing, 'schemaVersion'>> {
  if (stored === undefined || flags.scenario !== undefined)
    return { scenario: await loadScenario(flags), catalogue: await loadCatalogue() }
  const { scenario, catalogue } = stored
  if (flags.hardware !== undefined || flags.gpus !== undefined)
    return { scenario: withFlags(scenario, flags), catalogue: await loadCatalogue() }
  if (flags.set === undefined || flags.set.length === 0) return { scenario, catalogue }
  return {
    scenario: withFlags(scenario, flags),
    catalogue: withStored(await loadCatalogue(), catalogue),
  }
}
