import { readdir, readFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { messageOf, UserError } from '../errors.ts'
import type { RunGroup, RunGroupMember } from '../load/run-group.ts'
import { runGroupSchema } from '../report/group-schema.ts'
import { exists } from './file-exists.ts'
import { GROUP_FILE, readRun, runFiles } from './read-run.ts'

/** A group folder as it was found. */
export interface StoredGroup {
  readonly directory: string
  readonly group: RunGroup
  /** Folders of runs in it that the group does not name. */
  readonly strangers: readonly string[]
}

/** The folder of a group, where the path is one or names its `group.json`; nothing where it is anything else. */
export async function groupDirectory(path: string): Promise<string | undefined> {
  if (basename(path) === GROUP_FILE) return dirname(path)
  return (await exists(join(path, GROUP_FILE))) ? path : undefined
}

/**
 * Reads a group folder, but for its runs. A group that a crash ended does not name its last run: runs that began after it
 * did are then taken for its own.
 *
 * @throws UserError when `group.json` cannot be read, or is of another version of the format
 */
export async function readGroup(directory: string): Promise<StoredGroup> {
  const group = await readGroupFile(join(directory, GROUP_FILE))
  const known = new Set(group.runs.map((run) => run.directory))
  const others = (await runFoldersIn(directory)).filter((name) => !known.has(name))
  if (group.state === 'ended') return { directory, group, strangers: others }
  const left = await Promise.all(others.map((name) => memberIn(directory, name)))
  return { directory, group: { ...group, runs: [...group.runs, ...left] }, strangers: [] }
}

async function readGroupFile(file: string): Promise<RunGroup> {
  const parsed = runGroupSchema.safeParse(await jsonOf(file))
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  throw notReadable(file, `${issue?.path.join('.')}: ${issue?.message}`, parsed.error)
}

async function jsonOf(file: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(file, 'utf8')) as unknown
  } catch (cause) {
    throw notReadable(file, messageOf(cause), cause)
  }
}

function notReadable(file: string, why: string, cause: unknown): UserError {
  return new UserError(`${file} is no group of runs that this version can read: ${why}.`, {
    remedy:
      'Name the folders of its runs themselves, or use the version of baremark that wrote it.',
    cause,
  })
}

/** By name, and so by time. */
async function runFoldersIn(directory: string): Promise<string[]> {
  const entries = await readdir(directory, { withFileTypes: true })
  const folders = entries.filter((entry) => entry.isDirectory()).map(({ name }) => name)
  const isRun = await Promise.all(
    folders.map((name) => exists(join(directory, name, runFiles.run))),
  )
  return folders.filter((_, i) => isRun[i]).sort()
}

async function memberIn(directory: string, name: string): Promise<RunGroupMember> {
  const { run } = await readRun(join(directory, name))
  return { directory: name, seed: run.config.benchmark.seed }
}
