import { type FileHandle, open } from 'node:fs/promises'
import { exitCodes, messageOf, systemErrorCode, UserError } from '../errors.ts'
import { BYTES_PER_MIB } from '../units.ts'

/** Records on disk, a line each (`record-line.ts`), in the order in which the measuring threads hand them over. */
export interface Journal {
  /** Takes a block of whole lines; it is written as soon as the disk can. */
  readonly append: (block: Uint8Array) => void
  /** Waits until all that was taken is written. @returns bytes written so far */
  readonly written: () => Promise<number>
  /** Aborted, with a `UserError` as its reason, once the disk refuses or falls behind. */
  readonly failed: AbortSignal
  /** Writes what is left and makes sure it is on the disk. @throws UserError when the disk refused */
  readonly close: () => Promise<void>
}

/** What may wait for the disk: beyond it memory would grow without end. */
const MAX_WAITING_BYTES = 256 * BYTES_PER_MIB

/** @throws UserError when the file cannot be made */
export async function openJournal(file: string): Promise<Journal> {
  const handle = await open(file, 'a').catch((cause: unknown) => {
    throw diskError(file, cause)
  })
  const failure = new AbortController()
  let waitingBytes = 0
  let writtenBytes = 0
  let writing: Promise<void> = Promise.resolve()

  const write = async (block: Uint8Array): Promise<void> => {
    if (!failure.signal.aborted) {
      await writeAll(handle, block)
      writtenBytes += block.byteLength
    }
    waitingBytes -= block.byteLength
  }

  return {
    append: (block) => {
      waitingBytes += block.byteLength
      if (waitingBytes > MAX_WAITING_BYTES) failure.abort(tooSlow(file))
      writing = writing
        .then(() => write(block))
        .catch((cause: unknown) => failure.abort(diskError(file, cause)))
    },
    written: async () => {
      await writing
      return writtenBytes
    },
    failed: failure.signal,
    close: async () => {
      await writing
      await handle.sync().catch(() => {})
      await handle.close()
      failure.signal.throwIfAborted()
    },
  }
}

/** A write may take only part of what it is given. */
async function writeAll(handle: FileHandle, block: Uint8Array): Promise<void> {
  for (let at = 0; at < block.byteLength; ) {
    const { bytesWritten } = await handle.write(block, at)
    at += bytesWritten
  }
}

function tooSlow(file: string): UserError {
  return new UserError(`The disk does not keep up with ${file}.`, {
    remedy: 'Choose a faster disk with --out, or lower the load.',
    exitCode: exitCodes.setup,
  })
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
