import { UserError } from '../errors.ts'
import type { Compared, ComparedImport, ComparedRun } from '../measure/compare-metrics.ts'
import { toSummary } from '../measure/imports/to-summary.ts'
import { plainText } from '../report/plain-text.ts'
import { comparedRun } from '../verify/compared-run.ts'
import { readSummary, type StoredSummary } from '../verify/read-summary.ts'
import { isAddedUntilNarrow } from './group.ts'
import type { Io } from './io.ts'
import { isFile, readOneImported, runDirectory } from './read-priced.ts'
import { pricedRun, pricingWith, recomputeReport } from './recompute.ts'

/**
 * Reads all runs of all sides, one after the other: there may be more records than fit into memory.
 *
 * @throws UserError for a run given twice, which would pass for a run without chance
 */
export async function readSides<Run extends Compared>(
  lists: readonly (readonly string[])[],
  read: (path: string) => Promise<Run>,
): Promise<Run[][]> {
  const seen = new Map<string, string>()
  const sides: Run[][] = []
  for (const paths of lists) {
    const side: Run[] = []
    for (const path of paths) {
      const run = await read(path)
      refuseRepeated(run, seen)
      side.push(run)
    }
    sides.push(side)
  }
  return sides
}

/**
 * Whatever a path holds as one run: a results directory, computed again from its records, the summary of one, or another
 * tool's result.
 *
 * @throws UserError when it is none of them
 */
export async function readCompared(path: string, io: Io): Promise<Compared> {
  if ((await runDirectory(path)) !== undefined) return recomputedRun(path, io)
  const stored = await summaryAt(path)
  return stored === undefined ? importedRun(path, io) : runOfSummary(path, stored)
}

/**
 * A results directory as one run. Nothing follows from figures that nobody can compute again or judge, so nothing else
 * will do.
 *
 * @throws UserError for anything else
 */
export async function readJudged(path: string, io: Io): Promise<ComparedRun> {
  const isOther = (await runDirectory(path)) === undefined && (await isFile(path))
  if (!isOther) return recomputedRun(path, io)
  const run = await readCompared(path, io)
  const what =
    run.imported === undefined
      ? 'a summary without its records'
      : `a result of ${plainText(run.imported.tool.name)}, which is NOT JUDGED`
  throw new UserError(`${path} is ${what}, and a gate passes nothing that cannot be judged.`, {
    remedy:
      'Measure it with `baremark run` and name the results directory; `baremark compare` holds figures against each other without judging them.',
  })
}

async function recomputedRun(path: string, io: Io): Promise<ComparedRun> {
  const report = await recomputeReport(path, {}, io)
  return { ...comparedRun(path, report), addedUntilNarrow: await isAddedUntilNarrow(path) }
}

async function summaryAt(path: string): Promise<StoredSummary | undefined> {
  return (await isFile(path)) ? readSummary(path) : undefined
}

/** Priced with the default scenario: a summary does not hold the catalogue that it was priced with. */
async function runOfSummary(path: string, stored: StoredSummary): Promise<ComparedRun> {
  const { report } = pricedRun(stored, await pricingWith({}, undefined))
  return { ...comparedRun(path, report), withoutRecords: true }
}

async function importedRun(path: string, io: Io): Promise<ComparedImport> {
  const imported = await readOneImported(path, io)
  return { path, imported, summary: toSummary(imported) }
}

function refuseRepeated(run: Compared, seen: Map<string, string>): void {
  const identity = identityOf(run)
  const before = seen.get(identity)
  if (before !== undefined) {
    const which = run.imported === undefined ? `run, ${run.run.runId}` : 'result, copied'
    throw new UserError(`${run.path} and ${before} are the same ${which}.`, {
      remedy: 'Name each run once.',
    })
  }
  seen.set(identity, run.path)
}

/** Of another tool's result all that it says: a copy is no other run. */
function identityOf(run: Compared): string {
  if (run.imported === undefined) return `${run.run.runId} ${run.run.epoch}`
  return JSON.stringify([run.imported.format, run.imported.points])
}
