import type { Clock } from '../load/clock.ts'
import type { Access } from '../load/get.ts'
import { type Journal, openJournal } from '../load/journal.ts'
import type { ServerMetricsSource, TargetIdentity } from '../load/run-log.ts'
import { serverSampleLine, startScraper } from '../load/server-metrics.ts'

/** The server's metrics, written down for as long as a run lasts. */
export interface ServerMetricsRecording {
  readonly source: ServerMetricsSource
  /** Aborted, with a `UserError` as its reason, once the disk refuses. */
  readonly failed: AbortSignal
  /** Takes a last look and makes sure that all are on the disk. @throws UserError when the disk refused */
  readonly stop: () => Promise<void>
}

/**
 * Looks at the server's metrics once a second from now on, a line a look in `file`, the first before
 * this resolves. Without metrics there is no file.
 *
 * @throws UserError when the disk refuses
 */
export async function recordServerMetrics(
  file: string,
  target: TargetIdentity,
  access: Access,
  clock: Clock,
): Promise<ServerMetricsRecording> {
  const encoder = new TextEncoder()
  const early: Uint8Array[] = []
  let journal: Journal | undefined
  const scraper = await startScraper(target, access, {
    clock,
    onSample: (sample) => {
      const line = encoder.encode(serverSampleLine(sample))
      if (journal) journal.append(line)
      else early.push(line)
    },
  })
  const { address, none } = scraper
  if (address === undefined)
    return {
      source: { none: none ?? 'The server has none.' },
      failed: new AbortController().signal,
      stop: scraper.stop,
    }
  const opened = await openJournal(file).catch(async (error: unknown) => {
    await scraper.stop()
    throw error
  })
  journal = opened
  for (const line of early) opened.append(line)
  return {
    source: { address },
    failed: opened.failed,
    stop: async () => {
      await scraper.stop()
      await opened.close()
    },
  }
}
