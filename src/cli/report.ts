import { exitCodes, messageOf, UserError } from '../errors.ts'
import { reportFormats } from '../report/index.ts'
import type { Io } from './io.ts'
import { recomputeReport } from './recompute.ts'
import { writeWhole } from './results-folder.ts'

/** `baremark report`. @throws UserError */
export async function reportCommand(
  path: string,
  flags: { readonly format: string; readonly output?: string },
  io: Io,
): Promise<number> {
  const format = reportFormats.find(({ name }) => name === flags.format)
  if (!format) {
    throw new UserError(`There is no format "${flags.format}".`, {
      remedy: `Use one of: ${reportFormats.map(({ name }) => name).join(', ')}.`,
    })
  }
  const text = await format.render(await recomputeReport(path, {}, io))
  if (flags.output === undefined) io.stdout(text)
  else await writeReport(flags.output, text)
  return exitCodes.valid
}

async function writeReport(file: string, text: string): Promise<void> {
  try {
    await writeWhole(file, text)
  } catch (cause) {
    throw new UserError(messageOf(cause), {
      remedy: 'Choose another file.',
      exitCode: exitCodes.reportNotWritten,
      cause,
    })
  }
}
