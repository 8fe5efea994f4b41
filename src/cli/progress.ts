import { type Benchmark, describeLevel, type LoadLevel, levelsOf } from '../load/benchmark.ts'
import type { LevelProgress } from '../load/run-load.ts'
import type { LevelLog } from '../load/run-log.ts'
import { findsLevels, type SearchPlan } from '../load/search-plan.ts'
import { MS_PER_S } from '../units.ts'
import type { Io } from './io.ts'

/** Tells the user how a run is going, on stderr: one redrawn line on a terminal, else a line a level. */
export interface Progress {
  readonly onLevelStart: (level: number, load: LoadLevel) => void
  readonly onProgress: (progress: LevelProgress) => void
  readonly onLevelEnd: (log: LevelLog) => void
  readonly close: () => void
}

const REDRAW_MS = 250
const RECENT_MS = 3 * MS_PER_S
const nothing: LevelProgress = { ended: 0, errors: 0, chunks: 0 }
const CLEAR_LINE = '\r\u001b[2K'

export function startProgress(
  benchmark: Benchmark,
  io: Io,
  nowMs: () => number,
  search?: SearchPlan,
): Progress {
  // How many levels a search takes shows as it goes.
  const ofAll = findsLevels(search) ? '' : `/${levelsOf(benchmark.load).length}`
  let title = ''
  let startedMs = 0
  let now: LevelProgress = nothing
  let recent: { ms: number; chunks: number }[] = []

  const line = (): string => {
    const elapsedS = (nowMs() - startedMs) / MS_PER_S
    return `${title}  ${phaseText(benchmark, elapsedS)}  requests ${now.ended}  errors ${now.errors}  ${recentRate(recent)}`
  }
  const draw = (): void => io.stderr(`${CLEAR_LINE}${line()}`)
  const timer = io.live ? setInterval(draw, REDRAW_MS) : undefined
  timer?.unref()

  return {
    onLevelStart: (level, load) => {
      title = `[${level + 1}${ofAll}] ${describeLevel(load)}`
      startedMs = nowMs()
      now = nothing
      recent = [{ ms: startedMs, chunks: 0 }]
      if (!io.live) io.stderr(`${title} ...\n`)
    },
    onProgress: (progress) => {
      now = progress
      const ms = nowMs()
      recent = [
        ...recent.filter((past) => past.ms >= ms - RECENT_MS),
        { ms, chunks: progress.chunks },
      ]
    },
    onLevelEnd: (log) => {
      const text = `${title}  ${log.ended === 'complete' ? 'done' : log.ended}  requests ${log.issued}  errors ${now.errors}\n`
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

/** Rough, for the eye: chunks that came within the last seconds. */
function recentRate(recent: readonly { ms: number; chunks: number }[]): string {
  const [first, last] = [recent[0], recent.at(-1)]
  if (!first || !last || last.ms <= first.ms) return ''
  return `~${Math.round(((last.chunks - first.chunks) * MS_PER_S) / (last.ms - first.ms))} chunks/s`
}
