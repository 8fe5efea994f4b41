import type { RunLog } from '../../src/load/run-log.ts'
import type { ComparedRun } from '../../src/measure/compare-metrics.ts'
import { summarize } from '../../src/measure/summarize.ts'
import type { Distribution, OperatingPoint, Summary } from '../../src/measure/summary.ts'
import { benchmark, levelLog, operatingPoint, record, runLog } from './records.ts'

/** What one level of a run came to; a figure that is left out was not measured. */
interface Figures {
  readonly outputTokensPerS?: number
  readonly ttftP50Ms?: number
  readonly ttftP95Ms?: number
  readonly usd?: number
  readonly point?: Partial<OperatingPoint>
}

/** A valid run with these figures at 1 user, 2 users ...; the later the number, the later it was measured. */
export function comparedRun(
  number: number,
  levels: readonly Figures[],
  parts: Partial<RunLog> & { readonly summary?: Partial<Summary> } = {},
): ComparedRun {
  const { summary, ...log } = parts
  const concurrency = levels.map((_, level) => level + 1)
  const run = runLog({
    runId: `run-${number}`,
    epoch: new Date(Date.UTC(2026, 10, 23, 12, number)).toISOString(),
    config: {
      benchmark: benchmark({ load: { kind: 'closed', concurrency } }),
      url: 'http://127.0.0.1:8000',
    },
    ...log,
  })
  return {
    path: `results/run-${number}`,
    run,
    summary: {
      ...summarize(run, []),
      verdict: 'VALID',
      reasons: [],
      ...summary,
      points: levels.map(pointOf),
    },
    price: {
      basis: { 'USD an hour': '3' },
      usdPerMillionOutputTokens: Object.fromEntries(levels.map(({ usd }, level) => [level, usd])),
    },
  }
}

function pointOf(figures: Figures, level: number): OperatingPoint {
  const load = { kind: 'closed', concurrency: level + 1 } as const
  const base = operatingPoint(levelLog({ level, load }), [record({ level })], benchmark())
  return {
    ...base,
    outputTokensPerS: figures.outputTokensPerS,
    ttftMs: distribution(figures.ttftP50Ms, figures.ttftP95Ms),
    tpotMs: distribution(),
    latencyMs: distribution(),
    ...figures.point,
  }
}

/** Of 200 samples; a percentile without a value is withheld. */
function distribution(p50?: number, p95?: number): Distribution {
  const at = (p: number, value?: number) =>
    value === undefined ? { p, n: 20, withheldUntilN: 130 } : { p, n: 200, value }
  return { n: 200, p50: at(50, p50), p90: at(90), p95: at(95, p95), p99: at(99) }
}
