import { exitCodes } from '../errors.ts'
import { importedJson, importedText } from '../report/imported.ts'
import { plainText } from '../report/plain-text.ts'
import { readImported } from '../verify/read-imported.ts'
import type { Io } from './io.ts'

/**
 * `baremark import`: what another tool's result says, in our terms, and what it does not tell.
 *
 * @throws UserError when nothing there is a result of a known format
 */
export async function importCommand(
  path: string,
  flags: { readonly json: boolean },
  io: Pick<Io, 'stdout' | 'stderr'>,
): Promise<number> {
  const { imported, skipped } = await readImported(path)
  for (const { file, why } of skipped) io.stderr(`Left out ${plainText(file)}: ${plainText(why)}\n`)
  io.stdout(flags.json ? importedJson(imported) : importedText(imported))
  return exitCodes.valid
}
