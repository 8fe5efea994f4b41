import { readFile } from 'node:fs/promises'
import { exitCodes, UserError } from '../errors.ts'
import { type Load, levelsOf } from './benchmark.ts'

/** Files that this process needs besides the load's connections: libraries, journal, reports. */
const OWN_FILES = 64

/**
 * Refuses a load that needs more connections than this process may open: it would measure its own
 * limit. Says nothing where the limit is unknown (it is read on Linux only) or the load sets none.
 *
 * @param limits what /proc/self/limits says, for tests
 * @throws UserError with exit code 3
 */
export async function checkOpenFiles(load: Load, limits = readLimits()): Promise<void> {
  const allowed = openFilesAllowed(await limits)
  const needed = Math.max(0, ...levelsOf(load).map(connectionsOf)) + OWN_FILES
  if (allowed === undefined || needed <= allowed) return
  throw new UserError(`The load needs ${needed} open files, this process may open ${allowed}.`, {
    remedy: `Raise the limit with \`ulimit -n ${needed}\`, or lower the load.`,
    exitCode: exitCodes.setup,
  })
}

function connectionsOf(level: ReturnType<typeof levelsOf>[number]): number {
  return level.kind === 'closed' ? level.concurrency : (level.maxInFlight ?? 0)
}

function readLimits(): Promise<string | undefined> {
  return readFile('/proc/self/limits', 'utf8').catch(() => undefined)
}

function openFilesAllowed(limits: string | undefined): number | undefined {
  const soft = /^Max open files\s+(\d+)/m.exec(limits ?? '')?.[1]
  return soft === undefined ? undefined : Number(soft)
}
