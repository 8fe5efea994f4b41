import { join } from 'node:path'
import { exitCodes } from '../errors.ts'
import { plainText } from '../report/plain-text.ts'
import type { ChecksumResult } from '../verify/checksums.ts'
import { groupDirectory } from '../verify/read-group.ts'
import { verifyGroup } from '../verify/verify-group.ts'
import { type Verification, verifyRun } from '../verify/verify-run.ts'
import type { Io } from './io.ts'
import { leftOut } from './recompute.ts'

/** `baremark verify`: exit code 1 when anything differs, or a request is recorded twice. @throws UserError */
export async function verifyCommand(path: string, io: Io): Promise<number> {
  const group = await groupDirectory(path)
  const verified =
    group === undefined ? told(await verifyRun(path), io) : await verifiedGroup(group, io)
  return verified ? exitCodes.valid : exitCodes.threshold
}

/** Says what was found; whether all of it is as it should be. */
function told({ run, journal, checksums, figures }: Verification, io: Io): boolean {
  io.stdout(`Run ${run.run.runId}: ${journal.records} records, state ${run.run.state}\n`)
  for (const line of leftOut(journal)) io.stdout(`${line}\n`)
  const unchanged = toldChecksums(checksums, io)
  io.stdout(`Figures from the raw records: ${figures ?? 'none stored'}\n`)
  return unchanged && figures === 'same' && journal.repeatedIds === 0
}

/** What could not be checked is not verified. */
function toldChecksums(checksums: readonly ChecksumResult[] | undefined, io: Io): boolean {
  const changed = checksums?.filter(({ status }) => status !== 'same') ?? []
  for (const { file, status } of changed) io.stdout(`${file}: ${status}\n`)
  io.stdout(
    `Checksums: ${checksums ? (changed.length === 0 ? 'all the same' : 'CHANGED') : 'none stored'}\n`,
  )
  return checksums !== undefined && changed.length === 0
}

async function verifiedGroup(directory: string, io: Io): Promise<boolean> {
  const { stored, runs, checksums, figures } = await verifyGroup(directory)
  const areRuns = runs.map(({ directory: name, verification }) => {
    if (verification !== undefined) return told(verification, io)
    io.stdout(`${plainText(join(directory, name))}: no run that can be read\n`)
    return false
  })
  io.stdout(`\nGroup ${plainText(stored.group.groupId)}: ${runs.length} runs\n`)
  for (const name of stored.strangers)
    io.stdout(`${plainText(name)}: a run that the group does not name\n`)
  const unchanged = toldChecksums(checksums, io)
  io.stdout(`Figures from the records of its runs: ${figures ?? 'none stored'}\n`)
  return (
    areRuns.every((isFine) => isFine) &&
    stored.strangers.length === 0 &&
    unchanged &&
    figures === 'same'
  )
}
