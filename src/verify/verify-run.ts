import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import type { JournalCounts } from '../load/read-journal.ts'
import { startSummary } from '../measure/summarize.ts'
import type { Summary } from '../measure/summary.ts'
import { priceSubject } from '../price/price-subject.ts'
import { subjectOfRun } from '../price/subject.ts'
import type { Report } from '../report/report.ts'
import { type ChecksumResult, compareChecksums } from './checksums.ts'
import { readRun, runFiles, type StoredRun } from './read-run.ts'

/** What checking a results directory found. */
export interface Verification {
  readonly run: StoredRun
  readonly journal: JournalCounts
  /** As computed again; absent when the run never got as far as prices. */
  readonly report?: Report
  /** Absent when no checksums are stored. */
  readonly checksums?: readonly ChecksumResult[]
  /** Whether the stored figures are those that the raw records give; absent when none are stored. */
  readonly figures?: 'same' | 'different'
}

/** A stored run, computed again from its raw records. */
export interface Recomputed {
  readonly summary: Summary
  readonly journal: JournalCounts
}

/** @throws UserError when the records cannot be read */
export async function recompute(stored: StoredRun): Promise<Recomputed> {
  const { run, certificate, serverSamples, telemetry, eachRecord } = stored
  const { add, finish } = startSummary(run, certificate, serverSamples, telemetry)
  const journal = await eachRecord(add)
  return { summary: finish(), journal }
}

/** The report of a stored run, priced as it was. Nothing without its pricing. */
function reportOf({ run, pricing }: StoredRun, summary: Summary): Report | undefined {
  if (!pricing) return undefined
  const cost = priceSubject(subjectOfRun(run, summary), pricing.scenario, pricing.catalogue)
  return { schemaVersion: 1, run, summary, cost }
}

/**
 * Checks that a results directory is what it says: its files unchanged, its figures those that its
 * raw records give.
 *
 * @throws UserError when it is no results directory
 */
export async function verifyRun(directory: string): Promise<Verification> {
  const run = await readRun(directory)
  const checksums = await compareChecksums(run.directory)
  const stored = await readFile(join(run.directory, runFiles.summary), 'utf8').catch(
    () => undefined,
  )
  const { summary, journal } = await recompute(run)
  const report = reportOf(run, summary)
  const figures = stored !== undefined && report ? compareFigures(stored, report) : undefined
  return { run, journal, report, checksums, figures }
}

function compareFigures(stored: string, again: Report): 'same' | 'different' {
  const { run, summary, cost } = again
  const plain = JSON.parse(JSON.stringify({ run, summary, cost })) as unknown
  return isDeepStrictEqual(storedFigures(stored), plain) ? 'same' : 'different'
}

/** Nothing where the file is no report at all. */
function storedFigures(stored: string): unknown {
  try {
    const { run, summary, cost } = JSON.parse(stored) as Report
    return { run, summary, cost }
  } catch {
    return undefined
  }
}
