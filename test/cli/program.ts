import type { Io } from '../../src/cli/io.ts'
import { main } from '../../src/cli/main.ts'

/** What a command printed and how it ended. */
export interface Ran {
  readonly exitCode: number
  readonly stdout: string
  readonly stderr: string
}

/** Runs baremark in this process, with streams and an interrupt of the test's own. */
export async function baremark(argv: readonly string[], parts: Partial<Io> = {}): Promise<Ran> {
  let stdout = ''
  let stderr = ''
  const exitCode = await main(argv, {
    stdout: (text) => {
      stdout += text
    },
    stderr: (text) => {
      stderr += text
    },
    readStdin: async () => '',
    signal: new AbortController().signal,
    live: false,
    ...parts,
    // The certificates of whoever runs the tests are none of theirs.
    env: { BAREMARK_STATE_DIR: '/nowhere/baremark-tests', ...parts.env },
  })
  return { exitCode, stdout, stderr }
}
