import { open, readFile } from 'node:fs/promises'
import { exitCodes, messageOf, UserError } from '../errors.ts'
import type { ServerStamp } from '../measure/instrument.ts'
import { NS_PER_MS } from '../units.ts'

/** Now, on the operating system's monotonic clock, in ms: what every process of this machine can read. */
export function monotonicMs(): number {
  return Number(process.hrtime.bigint()) / NS_PER_MS
}

/** Stamps on disk, a JSON line each, in the order in which answers ended. */
export interface StampFile {
  /** Returns at once; the disk comes later. */
  readonly write: (stamp: ServerStamp) => void
  /** Writes what is left. @throws UserError when the disk refused any of it */
  readonly close: () => Promise<void>
}

/** Makes the file, or empties it. @throws UserError when that cannot be */
export async function openStampFile(file: string): Promise<StampFile> {
  const handle = await open(file, 'w').catch((cause: unknown) => {
    throw stampError(file, cause)
  })
  const stream = handle.createWriteStream()
  let failure: { readonly cause: unknown } | undefined
  stream.on('error', (cause) => {
    failure ??= { cause }
  })
  return {
    write: (stamp) => {
      if (!failure) stream.write(`${JSON.stringify(stamp)}\n`)
    },
    close: async () => {
      await new Promise<void>((resolve) => {
        if (stream.closed) resolve()
        else stream.once('close', resolve).end()
      })
      if (failure) throw stampError(file, failure.cause)
    },
  }
}

/** @throws SyntaxError where a line is cut short, and the system's error where there is no such file */
export async function readStampFile(file: string): Promise<ServerStamp[]> {
  const lines = (await readFile(file, 'utf8')).split('\n')
  return lines.filter((line) => line !== '').map((line) => JSON.parse(line) as ServerStamp)
}

function stampError(file: string, cause: unknown): UserError {
  return new UserError(`Cannot write the stamps to ${file}: ${messageOf(cause)}`, {
    remedy: 'Choose another file with --stamps.',
    exitCode: exitCodes.setup,
    cause,
  })
}
