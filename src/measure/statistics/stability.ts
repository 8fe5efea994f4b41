import { coefficientOfVariation } from './moments.ts'

/** What one window of a run came to. */
export interface StabilityWindow {
  readonly throughputPerS: number
  readonly latencyMs: number
}

/** Of triton-inference-server/perf_analyzer: the last 3 windows within 10 %, up to 10 windows tried. */
export const perfAnalyzerRule = { windows: 3, maxSpreadRatio: 0.1, maxTrials: 10 } as const

/**
 * Whether the last windows agree, in throughput and in latency: the largest at most 10 % over the smallest. Not
 * stable where there are fewer windows.
 */
export function lastWindowsAgree(
  windows: readonly StabilityWindow[],
  rule: { windows: number; maxSpreadRatio: number } = perfAnalyzerRule,
): boolean {
  const last = windows.slice(-rule.windows)
  const agree = (values: readonly number[]): boolean =>
    Math.max(...values) <= Math.min(...values) * (1 + rule.maxSpreadRatio)
  return (
    last.length === rule.windows &&
    agree(last.map(({ throughputPerS }) => throughputPerS)) &&
    agree(last.map(({ latencyMs }) => latencyMs))
  )
}

/** The stricter and the laxer limit of Georges, Buytaert and Eeckhout (OOPSLA 2007). */
export const georgesLimits = { strict: 0.01, lax: 0.02 } as const

/** Whether the last `k` values vary little enough: coefficient of variation under the limit. */
export function lastVaryLittle(
  values: readonly number[],
  k: number,
  limit: number = georgesLimits.lax,
): boolean {
  const variation = values.length < k ? undefined : coefficientOfVariation(values.slice(-k))
  return variation !== undefined && variation < limit
}
