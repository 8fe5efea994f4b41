import { exitCodes, messageOf, UserError } from '../errors.ts'
import { reportFormats } from '../report/index.ts'
import { rivalFormats } from '../report/rival-view.ts'
import { renderAs } from './as.ts'
import type { Io } from './io.ts'
import { recomputeReport } from './recompute.ts'
import { writeWhole } from './results-folder.ts'

/** `baremark report`. @throws UserError */
export async function reportCommand(
  path: string,
  flags: { readonly format: string; readonly output?: string; readonly as?: string },
  io: Io,
): Promise<number> {
  const text =
    flags.as === undefined
      ? await formatNamed(reportFormats, flags.format).render(await recomputeReport(path, {}, io))
      : await renderAs(path, flags.as, formatNamed(rivalFormats, flags.format), io)
  if (flags.output === undefined) io.stdout(text)
  else await writeReport(flags.output, text)
  return exitCodes.valid
}

function formatNamed<Format extends { readonly name: string }>(
  formats: readonly Format[],
  wanted: string,
): Format {
  const format = formats.find(({ name }) => name === wanted)
  if (format) return format
  throw new UserError(`There is no format "${wanted}".`, {
    remedy: `Use one of: ${formats.map(({ name }) => name).join(', ')}.`,
  })
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
