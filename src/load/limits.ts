import { readFile } from 'node:fs/promises'
import { filesNeeded, openFilesAllowed, raiseOpenFiles } from '../detect/preflight/open-files.ts'
import { exitCodes, UserError } from '../errors.ts'
import { type Load, levelsOf } from './benchmark.ts'

/**
 * Refuses a load that needs more connections than this process may open: it would measure its own
 * limit. Says nothing where the limit is unknown (it is read on Linux only) or the load sets none.
 *
 * @param limits what /proc/self/limits says, for tests
 * @throws UserError with exit code 3
 */
export async function checkOpenFiles(load: Load, limits = readLimits()): Promise<void> {
  const allowed = openFilesAllowed(await limits)
  const needed = filesNeeded(connectionsOf(load) ?? 0)
  if (allowed === undefined || needed <= allowed) return
  throw new UserError(`The load needs ${needed} open files, this process may open ${allowed}.`, {
    remedy: `Raise the limit of your shell with \`${raiseOpenFiles(needed)}\`, or lower the load.`,
    exitCode: exitCodes.setup,
  })
}

/** Connections that a load has open at once, at most; unknown where a level sets no bound. */
export function connectionsOf(load: Load): number | undefined {
  const bounds = levelsOf(load).map((level) =>
    level.kind === 'closed' ? level.concurrency : level.maxInFlight,
  )
  return bounds.every((bound) => bound !== undefined) ? Math.max(...bounds) : undefined
}

function readLimits(): Promise<string | undefined> {
  return readFile('/proc/self/limits', 'utf8').catch(() => undefined)
}
