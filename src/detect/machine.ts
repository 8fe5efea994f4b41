import type { RunCommand } from './run-command.ts'

/**
 * All that detection may touch of a machine. The real one runs tools and reads files; a bundle written
 * by `baremark capture` answers the same questions from what was recorded.
 */
export interface Machine {
  readonly platform: NodeJS.Platform
  readonly runCommand: RunCommand
  /** Content of a file. Rejects with a system error (`code` ENOENT, EACCES ...) when there is none to be had. */
  readonly readText: (path: string) => Promise<string>
  /** Names in a folder, sorted. Rejects as `readText` does. */
  readonly listFolder: (path: string) => Promise<readonly string[]>
  /** The path with every link in it followed: PCI addresses are in the targets of links. Rejects as `readText` does. */
  readonly realPath: (path: string) => Promise<string>
}
