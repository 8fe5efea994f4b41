import { writeFile } from 'node:fs/promises'
import type { Bundle } from '../detect/capture/bundle.ts'
import { type Masked, masked, type SecretKind } from '../detect/capture/mask.ts'
import { recordingMachine } from '../detect/capture/recording-machine.ts'
import { detectHardware } from '../detect/detect-hardware.ts'
import type { Machine } from '../detect/machine.ts'
import { thisMachine } from '../detect/this-machine.ts'
import { exitCodes, messageOf, systemErrorCode, UserError } from '../errors.ts'
import { plainText } from '../report/plain-text.ts'
import type { Io } from './io.ts'

/**
 * Detects this machine and writes all that its tools and files answered to one file, from which
 * `detect --from` finds the same again. Never writes over a file.
 *
 * @throws UserError when the file is there already or cannot be written
 */
export async function captureCommand(
  { out, includeIds }: { readonly out: string; readonly includeIds: boolean },
  io: Pick<Io, 'stdout'>,
  of: Machine = thisMachine,
): Promise<number> {
  const { machine, recording } = recordingMachine(of)
  const { detectedAt } = await detectHardware({ machine })
  const { recording: told, counts }: Masked = includeIds
    ? { recording: recording(), counts: new Map() }
    : masked(recording())
  const bundle: Bundle = {
    format: 'baremark-capture',
    version: 1,
    capturedAt: detectedAt,
    masked: !includeIds,
    ...told,
  }
  await writeNew(out, `${JSON.stringify(bundle, null, 2)}\n`)
  io.stdout(summaryOf(out, bundle, counts))
  return exitCodes.valid
}

async function writeNew(file: string, text: string): Promise<void> {
  try {
    await writeFile(file, text, { flag: 'wx' })
  } catch (cause) {
    const there = systemErrorCode(cause) === 'EEXIST'
    throw new UserError(
      there ? `${file} is there already` : `Cannot write ${file}: ${messageOf(cause)}`,
      {
        remedy: 'Name another file with --out.',
        exitCode: there ? exitCodes.usage : exitCodes.reportNotWritten,
        cause,
      },
    )
  }
}

function summaryOf(
  file: string,
  { calls, files, folders, links, masked }: Bundle,
  counts: ReadonlyMap<SecretKind, number>,
): string {
  const found = calls.filter(({ result }) => result.kind !== 'not-found').length
  const replaced = [...counts].map(([kind, count]) => `${kind}: ${count}`).join(', ')
  return [
    `Wrote ${plainText(file)}: ${calls.length} tool calls (${found} found their tool), ${files.length} files,`,
    `${folders.length} folders and ${links.length} links of one detection.`,
    masked
      ? `Masked: ${replaced || 'nothing that looks like an identifier was found'}.`
      : 'Identifiers are in it as they are: UUIDs, serial numbers, host name.',
    'Look it over before you publish it: it holds what tools printed, and nobody knows every way in',
    'which that may name you. `baremark detect --from` shows what it tells of this machine.',
    '',
  ].join('\n')
}
