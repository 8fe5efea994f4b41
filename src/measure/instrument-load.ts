import { ratio } from '../arithmetic.ts'
import type { RequestRecord } from '../load/record.ts'
import type { ClientLoad } from './summary.ts'
import { isInside, perSecond, type Window } from './throughput.ts'

/** Adds up the load of a level from its records, given one at a time; nothing of a record is kept. */
export interface LoadMeter {
  /** Of any phase: what is under way in the window counts, whenever it began. */
  readonly add: (record: RequestRecord) => void
  readonly finish: () => ClientLoad
}

export function startLoadMeter(window: Window): LoadMeter {
  let events = 0
  let underWayMs = 0
  return {
    add: (record) => {
      for (const ms of record.chunkMs) if (isInside(window, ms)) events += 1
      underWayMs += underWayInsideMs(record, window)
    },
    finish: () => ({
      streams: ratio(underWayMs, window.endMs - window.startMs),
      eventsPerS: perSecond(events, window),
    }),
  }
}

/** The load of records that are all at hand. */
export function clientLoad(records: readonly RequestRecord[], window: Window): ClientLoad {
  const meter = startLoadMeter(window)
  for (const record of records) meter.add(record)
  return meter.finish()
}

function underWayInsideMs({ sentMs, closedMs }: RequestRecord, window: Window): number {
  if (sentMs === undefined) return 0
  return Math.max(0, Math.min(closedMs, window.endMs) - Math.max(sentMs, window.startMs))
}
