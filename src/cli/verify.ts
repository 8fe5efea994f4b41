import { exitCodes } from '../errors.ts'
import { verifyRun } from '../verify/verify-run.ts'
import type { Io } from './io.ts'
import { leftOut } from './recompute.ts'

/** `baremark verify`: exit code 1 when anything differs, or a request is recorded twice. @throws UserError */
export async function verifyCommand(path: string, io: Io): Promise<number> {
  const { run, journal, checksums, figures } = await verifyRun(path)
  const changed = checksums?.filter(({ status }) => status !== 'same') ?? []
  io.stdout(`Run ${run.run.runId}: ${journal.records} records, state ${run.run.state}\n`)
  for (const line of leftOut(journal)) io.stdout(`${line}\n`)
  for (const { file, status } of changed) io.stdout(`${file}: ${status}\n`)
  io.stdout(
    `Checksums: ${checksums ? (changed.length === 0 ? 'all the same' : 'CHANGED') : 'none stored'}\n`,
  )
  io.stdout(`Figures from the raw records: ${figures === undefined ? 'none stored' : figures}\n`)
  // What could not be checked is not verified.
  const verified =
    checksums !== undefined &&
    changed.length === 0 &&
    figures === 'same' &&
    journal.repeatedIds === 0
  return verified ? exitCodes.valid : exitCodes.threshold
}
