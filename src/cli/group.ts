import { join } from 'node:path'
import { exitCodes, messageOf, UserError } from '../errors.ts'
import type { RunGroup, RunGroupMember } from '../load/run-group.ts'
import type { FoundRun } from '../measure/group-summary.ts'
import { groupFormats } from '../report/group-formats.ts'
import { type GroupReport, groupReport } from '../report/group-report.ts'
import { plainText } from '../report/plain-text.ts'
import type { Report } from '../report/report.ts'
import { checksumsOf } from '../verify/checksums.ts'
import { foundRun } from '../verify/compared-run.ts'
import { exists } from '../verify/file-exists.ts'
import { groupDirectory, readGroup } from '../verify/read-group.ts'
import { readRun, runFiles, type StoredRun } from '../verify/read-run.ts'
import type { Io } from './io.ts'
import { recomputeStored } from './recompute.ts'
import { writeWhole } from './results-folder.ts'

/**
 * A path, or where it is a group's those of its runs. Runs of which no figures can be made are told and left out.
 *
 * @throws UserError for a group without any other
 */
export async function runsAt(path: string, io: Io): Promise<string[]> {
  const directory = await groupDirectory(path)
  if (directory === undefined) return [path]
  const { group } = await readGroup(directory)
  const paths: string[] = []
  for (const member of group.runs) {
    const stored = await readMember(directory, member)
    if (stored !== undefined && stored.run.levels.length > 0) paths.push(stored.directory)
    else io.stderr(`${join(directory, member.directory)} tells no figures and is left out.\n`)
  }
  if (paths.length > 0) return paths
  throw new UserError(`No run of the group ${plainText(directory)} tells any figures.`, {
    remedy: 'Make the runs again.',
  })
}

/** Whether a run lies in the folder of a group that added runs until their interval was narrow. */
export async function isAddedUntilNarrow(path: string): Promise<boolean> {
  const { directory } = await readRun(path)
  const group = await groupDirectory(join(directory, '..'))
  return group !== undefined && (await readGroup(group)).group.plan.until !== undefined
}

/**
 * The report of a group from the raw records of its runs.
 *
 * @param known reports that are at hand, computed from the same records, by the names of the runs' folders
 * @throws UserError when it is no group folder
 */
export async function recomputeGroup(
  directory: string,
  io: Io,
  known: ReadonlyMap<string, Report> = new Map(),
): Promise<GroupReport> {
  const { group, found } = await findRuns(directory, io, known)
  return groupReport(group, found)
}

/** A group, and what each of its runs came to. Parameters as of `recomputeGroup`. @throws UserError */
export async function findRuns(
  directory: string,
  io: Io,
  known: ReadonlyMap<string, Report> = new Map(),
): Promise<{ readonly group: RunGroup; readonly found: readonly FoundRun[] }> {
  const { group, strangers } = await readGroup(directory)
  for (const name of strangers)
    io.stderr(`${plainText(name)} is no run that the group names, and is left out.\n`)
  const found: FoundRun[] = []
  for (const member of group.runs) {
    const report = known.get(member.directory)
    found.push(report ? foundRun(member, report) : await findRun(directory, member, io))
  }
  return { group, found }
}

async function findRun(directory: string, member: RunGroupMember, io: Io): Promise<FoundRun> {
  const stored = await readMember(directory, member)
  const hasFigures = stored !== undefined && stored.run.levels.length > 0
  return foundRun(member, hasFigures ? await recomputeStored(stored, {}, io) : undefined)
}

/** Nothing where the folder is gone, or holds no run that can be read. */
async function readMember(
  directory: string,
  member: RunGroupMember,
): Promise<StoredRun | undefined> {
  try {
    return await readRun(join(directory, member.directory))
  } catch (error) {
    if (error instanceof UserError) return undefined
    throw error
  }
}

/** Writes the reports of the group that a run belongs to again, where it belongs to one. @throws UserError */
export async function rewriteGroupOf(directory: string, io: Io): Promise<void> {
  const group = await groupDirectory(join(directory, '..'))
  if (group !== undefined) await writeGroupReports(await recomputeGroup(group, io), group)
}

/**
 * Every format of a group's report that is a file, and the checksums of all that is in its folder; of its runs those of
 * their checksums.
 *
 * @throws UserError with exit code 6: what was measured is safe, the report is not
 */
export async function writeGroupReports(report: GroupReport, directory: string): Promise<void> {
  try {
    for (const { name, fileName, render } of groupFormats)
      if (name !== 'text') await writeWhole(join(directory, fileName), render(report))
  } catch (cause) {
    throw new UserError(`The report could not be written: ${messageOf(cause)}`, {
      remedy: `What was measured is safe: run \`baremark report ${directory} --format html\`.`,
      exitCode: exitCodes.reportNotWritten,
      cause,
    })
  }
  const below: string[] = []
  for (const run of report.group.runs) {
    const name = `${run.directory}/${runFiles.checksums}`
    if (await exists(join(directory, name))) below.push(name)
  }
  await writeWhole(join(directory, runFiles.checksums), await checksumsOf(directory, below))
}
