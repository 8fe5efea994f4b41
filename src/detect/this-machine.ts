import { readdir, readFile, realpath } from 'node:fs/promises'
import type { Machine } from './machine.ts'
import { runCommand } from './run-command.ts'

/** The machine that this process runs on. */
export const thisMachine: Machine = {
  platform: process.platform,
  runCommand,
  readText: (path) => readFile(path, 'utf8'),
  listFolder: async (path) => (await readdir(path)).sort(),
  realPath: (path) => realpath(path),
}
