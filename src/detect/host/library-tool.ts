import { messageOf } from '../../errors.ts'
import { within } from '../deadline.ts'
import type { CommandResult } from '../run-command.ts'

/**
 * The `systeminformation` library is asked as if it were a program, so that what it said is recorded
 * and replayed with everything else. Only on Windows: elsewhere files and small tools tell more, and
 * parts of it start programs synchronously.
 */
export const SYSTEM_INFORMATION = 'systeminformation'

/** Names of this very machine that nothing here asks for, hence never recorded. */
const unread = new Set(['serial', 'uuid', 'fqdn', 'assetTag'])

/** Answers in JSON what the library's function of that name gives. */
export async function askLibrary(
  [what]: readonly string[],
  { timeoutMs }: { readonly timeoutMs: number },
): Promise<CommandResult> {
  const startMs = performance.now()
  const tookMs = () => Math.round(performance.now() - startMs)
  try {
    const answer = await within(timeoutMs, answerOf(what))
    if (answer.kind === 'late') return { kind: 'timed-out', timeoutMs, tookMs: tookMs() }
    const stdout = JSON.stringify(answer.value, (key, value) =>
      unread.has(key) ? undefined : value,
    )
    return { kind: 'exited', exitCode: 0, stdout, stderr: '', tookMs: tookMs() }
  } catch (error) {
    return { kind: 'failed', detail: messageOf(error), tookMs: tookMs() }
  }
}

async function answerOf(what: string | undefined): Promise<unknown> {
  const library = await import('systeminformation')
  switch (what) {
    case 'cpu':
      return library.cpu()
    case 'mem':
      return library.mem()
    case 'system':
      return library.system()
    case 'bios':
      return library.bios()
    case 'osInfo':
      return library.osInfo()
    default:
      throw new Error(`nobody asks the library for ${what}`)
  }
}
