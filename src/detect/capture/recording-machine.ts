import { systemErrorCode } from '../../errors.ts'
import type { Machine } from '../machine.ts'
import type { Bundle } from './bundle.ts'

/** What a machine was asked and answered. */
export type Recording = Pick<Bundle, 'platform' | 'calls' | 'files' | 'folders' | 'links'>

/** The machine, and what it was asked so far: each path once, with its first answer; paths sorted. */
export function recordingMachine(machine: Machine): {
  readonly machine: Machine
  readonly recording: () => Recording
} {
  const calls: { at: number; call: Bundle['calls'][number] }[] = []
  const files = new Map<string, Bundle['files'][number]>()
  const folders = new Map<string, Bundle['folders'][number]>()
  const links = new Map<string, Bundle['links'][number]>()
  let asked = 0
  return {
    machine: {
      platform: machine.platform,
      runCommand: async (file, args, options) => {
        const at = asked++
        const result = await machine.runCommand(file, args, options)
        calls.push({ at, call: { file, args: [...args], result } })
        return result
      },
      readText: (path) => noting(files, path, machine.readText(path), (text) => ({ path, text })),
      listFolder: (path) =>
        noting(folders, path, machine.listFolder(path), (names) => ({ path, names: [...names] })),
      realPath: (path) =>
        noting(links, path, machine.realPath(path), (target) => ({ path, target })),
    },
    recording: () => ({
      platform: machine.platform,
      calls: calls.sort((a, b) => a.at - b.at).map(({ call }) => call),
      files: sorted(files),
      folders: sorted(folders),
      links: sorted(links),
    }),
  }
}

type Unread = { path: string; error: string }

/** The answer as it comes, an error too, once it is noted. */
async function noting<T, E extends { path: string }>(
  entries: Map<string, E | Unread>,
  path: string,
  answer: Promise<T>,
  entryOf: (value: T) => E,
): Promise<T> {
  const note = (entry: E | Unread) => {
    if (!entries.has(path)) entries.set(path, entry)
  }
  try {
    const value = await answer
    note(entryOf(value))
    return value
  } catch (error) {
    note({ path, error: systemErrorCode(error) ?? 'EIO' })
    throw error
  }
}

function sorted<E extends { path: string }>(entries: ReadonlyMap<string, E>): E[] {
  return [...entries.values()].sort((a, b) => (a.path < b.path ? -1 : 1))
}
