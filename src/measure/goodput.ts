import { ratio } from '../arithmetic.ts'
import type { Slo } from '../load/benchmark.ts'
import type { RequestRecord } from '../load/record.ts'
import { outputTokens, requestMetrics } from './metrics.ts'
import type { OperatingPoint } from './summary.ts'
import { isCompleted, isInside, perSecond, tokensInside, type Window } from './throughput.ts'

/** Whether any limit is set. */
export function hasSlo(slo: Slo): boolean {
  return slo.ttftMs !== undefined || slo.tpotMs !== undefined || slo.latencyMs !== undefined
}

/**
 * Whether a completed request met every limit. A request of one token has no TPOT and cannot miss
 * a limit on it; an answer of more that came all at once has not shown that it meets one.
 */
function meetsSlo(record: RequestRecord, slo: Slo): boolean {
  const within = (value: number | undefined, limit: number | undefined): boolean =>
    limit === undefined || (value !== undefined && value <= limit)
  const tpotMs = requestMetrics.tpotMs.of(record)
  return (
    within(requestMetrics.ttftMs.of(record), slo.ttftMs) &&
    (outputTokens(record) < 2 || within(tpotMs, slo.tpotMs)) &&
    within(requestMetrics.latencyMs.of(record), slo.latencyMs)
  )
}

/** Requests, and their tokens, that met every limit; absent when no limit is set. */
export interface GoodputTally {
  readonly add: (record: RequestRecord) => void
  /** @param asked requests that should have met them: whoever was cut off or never served did not */
  readonly finish: (asked: number) => OperatingPoint['goodput']
}

export function startGoodput(window: Window, slo: Slo): GoodputTally {
  if (!hasSlo(slo)) return { add: () => {}, finish: () => undefined }
  let endedInside = 0
  let outputTokensInside = 0
  let measured = 0
  return {
    add: (record) => {
      if (!isCompleted(record) || !meetsSlo(record, slo)) return
      outputTokensInside += tokensInside(record, window)
      if (isInside(window, record.endMs)) endedInside++
      if (record.phase === 'measured') measured++
    },
    finish: (asked) => ({
      slo,
      requestsPerS: perSecond(endedInside, window),
      outputTokensPerS: perSecond(outputTokensInside, window),
      goodRatio: ratio(measured, asked),
    }),
  }
}
