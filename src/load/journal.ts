import { createReadStream } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { createInterface } from 'node:readline'
import { exitCodes, messageOf, systemErrorCode, UserError } from '../errors.ts'
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
function lineOf(record: RequestRecord): string {
  const json = JSON.stringify(record)
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

/** What a journal holds, and how many lines of it could not be read (a crash cuts the last one). */
export interface JournalContent {
  readonly records: readonly RequestRecord[]
  readonly unreadableLines: number
}

/** @throws UserError when there is no such journal */
export async function readJournal(file: string): Promise<JournalContent> {
  const records: RequestRecord[] = []
  let unreadableLines = 0
  try {
    for await (const line of createInterface({
      input: createReadStream(file),
      crlfDelay: Number.POSITIVE_INFINITY,
    })) {
      const record = parseRecord(line)
      if (record) records.push(record)
      else if (line !== '') unreadableLines++
    }
  } catch (cause) {
    throw new UserError(`Cannot read ${file}: ${messageOf(cause)}`, {
      remedy: 'Is it a results directory?',
      cause,
    })
  }
  return { records, unreadableLines }
}

function parseRecord(line: string): RequestRecord | undefined {
  try {
    const record = JSON.parse(line) as RequestRecord
    return isRecord(record) ? record : undefined
  } catch {
    return undefined
  }
}

/** Enough of a record's shape that figures can be made of it. */
function isRecord(record: RequestRecord | null): boolean {
  return (
    typeof record?.id === 'number' &&
    typeof record.level === 'number' &&
    typeof record.outcome?.kind === 'string' &&
    Array.isArray(record.chunkMs) &&
    record.chunkMs.every((ms) => typeof ms === 'number')
  )
}
