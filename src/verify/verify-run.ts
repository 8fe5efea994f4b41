import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { summarize } from '../measure/summarize.ts'
import { priceRun } from '../price/price-run.ts'
import type { Report } from '../report/report.ts'
import { type ChecksumResult, compareChecksums } from './checksums.ts'
import { readRun, runFiles, type StoredRun } from './read-run.ts'

/** What checking a results directory found. */
export interface Verification {
  readonly run: StoredRun
  /** Absent when no checksums are stored. */
  readonly checksums?: readonly ChecksumResult[]
  /** Whether the stored figures are those that the raw records give; absent when none are stored. */
  readonly figures?: 'same' | 'different'
}

/** The report of a stored run, computed again from its raw records. Nothing without its pricing. */
export function recompute({ run, records, pricing, certificate }: StoredRun): Report | undefined {
  if (!pricing) return undefined
  const summary = summarize(run, records, certificate)
  return {
    schemaVersion: 1,
    run,
    summary,
    cost: priceRun(run, summary, pricing.scenario, pricing.catalogue),
  }
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
  const again = recompute(run)
  const figures = stored !== undefined && again ? compareFigures(stored, again) : undefined
  return { run, checksums, figures }
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
