import { join } from 'node:path'
import type { LoadLevel } from '../load/benchmark.ts'
import type { Journal } from '../load/journal.ts'
import { eachRecord } from '../load/read-journal.ts'
import type { LevelLog, RunLog } from '../load/run-log.ts'
import type { SearchPlan } from '../load/search-plan.ts'
import type { Certificate } from '../measure/instrument-certificate.ts'
import { nextLevel, summarizeSearch } from '../measure/search/search.ts'
import { startSummary } from '../measure/summarize.ts'
import type { OperatingPoint } from '../measure/summary.ts'
import { trialLine } from '../report/search-facts.ts'
import { runFiles } from '../verify/read-run.ts'
import { readServerMetrics } from '../verify/read-server-metrics.ts'
import { readTelemetryOf } from '../verify/read-telemetry.ts'
import type { Io } from './io.ts'

/** What a search needs of the run that it is a part of. */
export interface SearchWorld {
  /** As it stands before its first level. */
  readonly run: RunLog
  readonly directory: string
  readonly journal: Pick<Journal, 'written'>
  readonly certificate?: Certificate
  readonly io: Pick<Io, 'stderr'>
}

/** Gives a run its levels one by one, each by what those before it came to. */
export interface LevelSource {
  readonly nextLevel: (done: readonly LevelLog[]) => Promise<LoadLevel | undefined>
  /** Whether it came to its own end, and was not stopped. */
  readonly isAtEnd: () => boolean
}

/**
 * The levels of a search. Each level is summed up from its own part of the journal by the code that makes
 * reports, so that the records alone give the same answer later.
 */
export function searchLevels(plan: SearchPlan, world: SearchWorld): LevelSource {
  const points: OperatingPoint[] = []
  let fromByte = 0
  let atEnd = false
  const sumUp = async (log: LevelLog): Promise<void> => {
    points.push(...(await pointsOf(log, fromByte, world)))
    fromByte = await world.journal.written()
    const line = trialLine(summarizeSearch(plan, points), points.at(-1))
    if (line !== undefined) world.io.stderr(`${line}\n`)
  }
  return {
    nextLevel: async (done) => {
      for (const log of done.slice(points.length)) await sumUp(log)
      const level = nextLevel(plan, world.run.config.benchmark.load, points)
      atEnd = level === undefined
      return level
    },
    isAtEnd: () => atEnd,
  }
}

/** One level, by what is on the disk of it. */
async function pointsOf(
  log: LevelLog,
  fromByte: number,
  { run, directory, journal, certificate }: SearchWorld,
): Promise<readonly OperatingPoint[]> {
  await journal.written()
  const [samples, telemetry] = await Promise.all([
    readServerMetrics(join(directory, runFiles.serverMetrics)),
    // A sampler that has written nothing yet has not failed; after the run it is judged as ever.
    readTelemetryOf(directory, run).catch(() => undefined),
  ])
  const { add, finish } = startSummary({ ...run, levels: [log] }, certificate, samples, telemetry)
  await eachRecord(join(directory, runFiles.records), add, fromByte)
  return finish().points
}
