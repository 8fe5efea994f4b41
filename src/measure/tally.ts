import type { RequestRecord } from '../load/record.ts'

/** Figures made of records that come one at a time, and are not kept. */
export interface Tally<Figures> {
  readonly add: (record: RequestRecord) => void
  readonly finish: () => Figures
}
