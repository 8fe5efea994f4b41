import { UserError } from '../errors.ts'
import type { RunLog } from '../load/run-log.ts'
import type { Summary } from '../measure/summary.ts'
import type { GroupReport } from '../report/group-report.ts'
import { reportSchema } from '../report/json-schema.ts'
import { readTextFile } from '../yaml-file.ts'

/** What the summary of a run says, without the records that it was made from. */
export interface StoredSummary {
  readonly run: RunLog
  readonly summary: Summary
}

const GROUP_REPORT: GroupReport['kind'] = 'baremark-group-report'

const storedSchema = reportSchema.pick({ run: true, summary: true })

/**
 * Reads a `summary.json` that lies by itself: its figures cannot be computed again.
 *
 * @returns nothing where the file is something else
 * @throws UserError when it cannot be read, another version wrote it, or it is that of a group
 */
export async function readSummary(file: string): Promise<StoredSummary | undefined> {
  const document = parsed(await readTextFile(file))
  if (document !== undefined && 'kind' in document && document.kind === GROUP_REPORT)
    throw new UserError(`${file} is the summary of a group, without its runs.`, {
      remedy: 'Name the folder of the group, or the results directory of one of its runs.',
    })
  if (document === undefined || !('run' in document && 'summary' in document)) return undefined
  const { run, summary } = document
  if (storedSchema.safeParse({ run, summary }).success) return { run, summary } as StoredSummary
  throw new UserError(`${file} is not a summary this version can read.`, {
    remedy: 'Use the version of baremark that wrote it.',
  })
}

function parsed(text: string): object | undefined {
  try {
    const document: unknown = JSON.parse(text)
    return typeof document === 'object' && document !== null ? document : undefined
  } catch {
    return undefined
  }
}
