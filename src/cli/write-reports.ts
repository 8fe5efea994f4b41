import { join } from 'node:path'
import { exitCodes, messageOf, UserError } from '../errors.ts'
import { reportFormats } from '../report/index.ts'
import type { Report } from '../report/report.ts'
import { checksumsOf } from '../verify/checksums.ts'
import { runFiles } from '../verify/read-run.ts'
import { writeWhole } from './results-folder.ts'

/**
 * Every format of a report that is a file, into a results directory, and the checksums of all that is in it.
 *
 * @throws UserError with exit code 6: what was measured is safe, the report is not
 */
export async function writeReports(report: Report, directory: string): Promise<void> {
  try {
    for (const { name, fileName, render } of reportFormats) {
      if (name !== 'text') await writeWhole(join(directory, fileName), await render(report))
    }
  } catch (cause) {
    throw new UserError(`The report could not be written: ${messageOf(cause)}`, {
      remedy: `What was measured is safe: run \`baremark report ${directory} --format html\`.`,
      exitCode: exitCodes.reportNotWritten,
      cause,
    })
  }
  await writeWhole(join(directory, runFiles.checksums), await checksumsOf(directory))
}
