import { readdir, readFile, realpath } from 'node:fs/promises'
import { askLibrary, SYSTEM_INFORMATION } from './host/library-tool.ts'
import type { Machine } from './machine.ts'
import { runCommand } from './run-command.ts'

/** The machine that this process runs on. */
export const thisMachine: Machine = {
  platform: process.platform,
  runCommand: (file, args, options) =>
    file === SYSTEM_INFORMATION ? askLibrary(args, options) : runCommand(file, args, options),
  readText: (path) => readFile(path, 'utf8'),
  listFolder: async (path) => (await readdir(path)).sort(),
  realPath: (path) => realpath(path),
}
