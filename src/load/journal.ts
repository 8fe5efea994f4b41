import { type FileHandle, open } from 'node:fs/promises'
import { exitCodes, messageOf, systemErrorCode, UserError } from '../errors.ts'
import { US_PER_MS } from '../units.ts'
import type { RequestRecord } from './record.ts'

/** Records on disk, a JSON line each, in the order they ended. */
export interface Journal {
  readonly append: (record: RequestRecord) => void
  /** Aborted, with a `UserError` as its reason, once the disk refuses. */
  readonly failed: AbortSignal
  /** Writes what is left and makes sure it is on the disk. @throws UserError when the disk refused */
  readonly close: () => Promise<void>
}

const FLUSH_MS = 200

/** @throws UserError when the file cannot be made */
export async function openJournal(file: string): Promise<Journal> {
  const handle = await open(file, 'a').catch((cause: unknown) => {
    throw diskError(file, cause)
  })
  const failure = new AbortController()
  let lines: string[] = []
  let writing: Promise<void> = Promise.resolve()

  const flush = (): Promise<void> => {
    const text = lines.join('')
    lines = []
    if (text !== '' && !failure.signal.aborted) {
      writing = writing
        .then(() => write(handle, text))
        .catch((cause: unknown) => failure.abort(diskError(file, cause)))
    }
    return writing
  }
  const timer = setInterval(flush, FLUSH_MS)
  timer.unref()

  return {
    append: (record) => lines.push(lineOf(record)),
    failed: failure.signal,
    close: async () => {
      clearInterval(timer)
      await flush()
      await handle.sync().catch(() => {})
      await handle.close()
      failure.signal.throwIfAborted()
    },
  }
}

/** JSON leaves U+2028 and U+2029 as they are, and newer versions of Node read them as line ends. */
function lineOf({ chunkMs, ...head }: RequestRecord): string {
  const us = chunkMs.map((ms) => Math.round(ms * US_PER_MS))
  const chunkGapsUs = us.map((time, i) => time - (us[i - 1] ?? 0))
  const json = JSON.stringify({ ...head, chunkGapsUs })
  return `${json.replaceAll('\u2028', '\\u2028').replaceAll('\u2029', '\\u2029')}\n`
}

async function write(handle: FileHandle, text: string): Promise<void> {
  await handle.appendFile(text)
}

/** The user's disk would not take a file. */
export function diskError(file: string, cause: unknown): UserError {
  const code = systemErrorCode(cause)
  const remedies: Record<string, string> = {
    ENOSPC: 'The disk is full: free some space or choose another folder with --out.',
    EMFILE: 'This process may not open more files: raise the limit with `ulimit -n`.',
    EROFS: 'The disk is read-only: choose another folder with --out.',
    EACCES: 'No permission: choose another folder with --out.',
  }
  return new UserError(`Cannot write ${file}: ${messageOf(cause)}`, {
    remedy: remedies[code ?? ''] ?? 'Choose another folder with --out.',
    exitCode: exitCodes.setup,
    cause,
  })
}
