import { eachRecord, type JournalCounts } from '../../src/load/read-journal.ts'
import type { RequestRecord } from '../../src/load/record.ts'

type Content = Omit<JournalCounts, 'records'> & { readonly records: readonly RequestRecord[] }

/** Everything a journal holds. */
export async function readAll(file: string): Promise<Content> {
  const records: RequestRecord[] = []
  const counts = await eachRecord(file, (record) => records.push(record))
  if (counts.records !== records.length) throw new Error('visited and counted records differ')
  return { ...counts, records }
}

/** Nothing was left out. */
export const whole = { unreadableLines: 0, repeatedIds: 0 } as const
