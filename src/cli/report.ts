import { exitCodes, messageOf, UserError } from '../errors.ts'
import { readingFormats } from '../report/frontier-reading.ts'
import { groupFormats } from '../report/group-formats.ts'
import { reportFormats } from '../report/index.ts'
import { plainText } from '../report/plain-text.ts'
import type { Report } from '../report/report.ts'
import { rivalFormats } from '../report/rival-view.ts'
import { groupDirectory } from '../verify/read-group.ts'
import { readRun } from '../verify/read-run.ts'
import { renderAs } from './as.ts'
import { loadCatalogue } from './catalogue.ts'
import { recomputeGroup } from './group.ts'
import type { Io } from './io.ts'
import { readModelFacts, rooflineFacts } from './model-config.ts'
import { recomputeReport, recomputeStored } from './recompute.ts'
import { writeWhole } from './results-folder.ts'
import { parsePlace } from './values.ts'

interface ReportFlags {
  readonly format: string
  readonly output?: string
  readonly as?: string
  readonly at?: string
  readonly modelConfig?: string
}

/** `baremark report`, of one run or a group of them. @throws UserError */
export async function reportCommand(path: string, flags: ReportFlags, io: Io): Promise<number> {
  const group = await groupDirectory(path)
  const text =
    group === undefined ? await textOf(path, flags, io) : await textOfGroup(group, flags, io)
  if (flags.output === undefined) io.stdout(text)
  else await writeReport(flags.output, text)
  return exitCodes.valid
}

async function textOf(path: string, flags: ReportFlags, io: Io): Promise<string> {
  const { format, as, at, modelConfig } = flags
  if (as !== undefined && at !== undefined) {
    throw new UserError('--as and --at are two reports.', { remedy: 'Choose one of them.' })
  }
  if (modelConfig !== undefined && (as ?? at) !== undefined) {
    throw new UserError('--model-config goes into a whole report.', {
      remedy: `Leave out --${as === undefined ? 'at' : 'as'}.`,
    })
  }
  if (as !== undefined) return renderAs(path, as, formatNamed(rivalFormats, format), io)
  if (at === undefined)
    return formatNamed(reportFormats, format).render(await reportOf(path, flags, io))
  const wanted = parsePlace(at)
  const { render } = formatNamed(readingFormats, format)
  return render(await recomputeReport(path, {}, io), wanted)
}

/** With the model's sizes where they are given only now. @throws UserError */
async function reportOf(path: string, { modelConfig }: ReportFlags, io: Io): Promise<Report> {
  if (modelConfig === undefined) return recomputeReport(path, {}, io)
  const [stored, model] = await Promise.all([readRun(path), readModelFacts(modelConfig)])
  const { profiles } = stored.pricing?.catalogue ?? (await loadCatalogue())
  const stated = stored.pricing?.scenario.hardwareProfile
  const roofline = rooflineFacts(model, stored.run, stated, profiles)
  io.stderr(
    `The model is taken to be that of ${plainText(modelConfig)}, which is not stored with the run.\n`,
  )
  return recomputeStored({ ...stored, run: { ...stored.run, roofline } }, {}, io)
}

async function textOfGroup(
  directory: string,
  { format, as, at, modelConfig }: ReportFlags,
  io: Io,
): Promise<string> {
  if (as !== undefined || at !== undefined || modelConfig !== undefined) {
    throw new UserError(
      '--as, --at and --model-config are of one run, and this is a group of them.',
      {
        remedy: 'Name the folder of one of its runs.',
      },
    )
  }
  return formatNamed(groupFormats, format).render(await recomputeGroup(directory, io))
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

/** Writes what would be printed. @throws UserError where that cannot be, with an exit code of its own */
export async function writeReport(file: string, text: string): Promise<void> {
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
