import { type Benchmark, describeLevel, type LoadLevel, levelsOf } from '../load/benchmark.ts'
import type { RequestRecord } from '../load/record.ts'
import type { LevelLog } from '../load/run-log.ts'
import { MS_PER_S } from '../units.ts'
import type { Io } from './io.ts'

/** Tells the user how a run is going, on stderr: one redrawn line on a terminal, else a line a level. */
export interface Progress {
  readonly onLevelStart: (level: number, load: LoadLevel) => void
  readonly onRecord: (record: RequestRecord) => void
  readonly onLevelEnd: (log: LevelLog) => void
  readonly close: () => void
}

const REDRAW_MS = 250
const RECENT_MS = 3 * MS_PER_S
const CLEAR_LINE = '\r\u001b[2K'

export function startProgress(benchmark: Benchmark, io: Io, nowMs: () => number): Progress {
  const levels = levelsOf(benchmark.load).length
  let title = ''
  let startedMs = 0
  let requests = 0
  let errors = 0
  let recent: { ms: number; tokens: number }[] = []

  const line = (): string => {
    const elapsedS = (nowMs() - startedMs) / MS_PER_S
    return `${title}  ${phaseText(benchmark, elapsedS)}  requests ${requests}  errors ${errors}  ${recentRate(recent, nowMs(), startedMs)}`
  }
  const draw = (): void => io.stderr(`${CLEAR_LINE}${line()}`)
  const timer = io.live ? setInterval(draw, REDRAW_MS) : undefined
  timer?.unref()

  return {
    onLevelStart: (level, load) => {
      title = `[${level + 1}/${levels}] ${describeLevel(load)}`
      startedMs = nowMs()
      requests = 0
      errors = 0
      recent = []
      if (!io.live) io.stderr(`${title} ...\n`)
    },
    onRecord: (record) => {
      requests++
      if (record.outcome.kind === 'failed' || record.outcome.kind === 'timed-out') errors++
      const oldest = nowMs() - RECENT_MS
      recent = recent.filter(({ ms }) => ms >= oldest)
      recent.push({ ms: nowMs(), tokens: record.usage?.outputTokens ?? record.chunkMs.length })
    },
    onLevelEnd: (log) => {
      const text = `${title}  ${log.ended === 'complete' ? 'done' : log.ended}  requests ${requests}  errors ${errors}\n`
      io.stderr(io.live ? `${CLEAR_LINE}${text}` : text)
    },
    close: () => clearInterval(timer),
  }
}

function phaseText({ warmupS, durationS, requests }: Benchmark, elapsedS: number): string {
  if (elapsedS < warmupS) return `warming up ${elapsedS.toFixed(0)}/${warmupS} s`
  const measuredS = elapsedS - warmupS
  if (durationS === undefined) return `measuring ${measuredS.toFixed(0)} s of ${requests} requests`
  return measuredS < durationS
    ? `measuring ${measuredS.toFixed(0)}/${durationS} s`
    : 'waiting for the last answers'
}

/** Rough, for the eye: tokens of requests that ended within the last seconds. */
function recentRate(
  recent: readonly { ms: number; tokens: number }[],
  nowMs: number,
  startedMs: number,
): string {
  const sinceMs = Math.max(startedMs, nowMs - RECENT_MS)
  const tokens = recent
    .filter(({ ms }) => ms >= sinceMs)
    .reduce((total, each) => total + each.tokens, 0)
  return nowMs > sinceMs ? `~${Math.round((tokens * MS_PER_S) / (nowMs - sinceMs))} tok/s` : ''
}
