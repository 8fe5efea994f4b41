import { difference, type Maybe, ratio } from '../arithmetic.ts'
import { type RequestRecord, startMs } from '../load/record.ts'
import { US_PER_MS } from '../units.ts'

/** A figure that each completed request has, or that is unknown for it. */
export interface RequestMetric {
  readonly label: string
  readonly of: (record: RequestRecord) => Maybe
}

/** To add a metric, add it here and to `OperatingPoint`. Definitions: docs/method.md. */
export const requestMetrics = {
  ttftMs: {
    label: 'Time to first token (ms)',
    of: (record) => difference(record.chunkMs[0], startMs(record)),
  },
  ttftFromSentMs: {
    label: 'Time to first token from the send (ms)',
    of: (record) => difference(record.chunkMs[0], record.sentMs),
  },
  ttfvMs: {
    label: 'Time to first visible token, where reasoning comes first (ms)',
    of: (record) => difference(record.firstVisibleMs, startMs(record)),
  },
  tpotMs: {
    label: 'Time per output token after the first (ms)',
    of: (record) => {
      const spanMs = difference(record.chunkMs.at(-1), record.chunkMs[0])
      // All at once is not token by token: nothing is known of the time between.
      return spanMs === 0 ? undefined : ratio(spanMs, Math.max(0, outputTokens(record) - 1))
    },
  },
  latencyMs: {
    label: 'Latency, start to clean end (ms)',
    of: (record) => difference(record.endMs, startMs(record)),
  },
  latenessMs: {
    label: 'Acted on after it was due, open loop (ms)',
    // Opening a connection is not this machine's lateness, however long the network takes.
    of: ({ sentMs, dueMs, connectMs = 0 }) => difference(difference(sentMs, connectMs), dueMs),
  },
  inputTokens: {
    label: 'Input tokens',
    of: (record) => record.usage?.inputTokens,
  },
  outputTokens: {
    label: 'Output tokens',
    of: (record) => outputTokens(record),
  },
} as const satisfies Record<string, RequestMetric>

export type RequestMetricName = keyof typeof requestMetrics

/** The server's own count; where it gives none, the number of chunks, which may hold several tokens each. */
export function outputTokens(record: RequestRecord): number {
  // A server that counts 0 and sends output has not counted.
  return record.usage?.outputTokens || record.chunkMs.length
}

/** Part of the input tokens that the prefix cache answered, by whatever the answer tells of it. */
export function cachedInputTokens({ usage, serverTimings }: RequestRecord): Maybe {
  return usage?.cachedInputTokens ?? serverTimings?.cachedInputTokens
}

/** Values of a metric over requests, unknowns left out. */
export function valuesOf(records: readonly RequestRecord[], metric: RequestMetricName): number[] {
  const { of } = requestMetrics[metric]
  return records.map(of).filter((value) => value !== undefined)
}

/**
 * Of each gap, the time that a token of the chunk after it took, rounded to the microsecond, as records
 * hold no more. A chunk of no tokens has none, and so has every chunk where nobody told its tokens.
 *
 * @param gapsUs as `interChunkGapsUs` gives them
 */
export function interTokenUs(
  gapsUs: readonly number[],
  { chunkTokens }: Pick<RequestRecord, 'chunkTokens'>,
): number[] {
  if (chunkTokens === undefined) return []
  const eachUs: number[] = []
  for (const [i, us] of gapsUs.entries()) {
    const tokens = chunkTokens[i + 1] ?? 0
    if (tokens > 0) eachUs.push(Math.round(us / tokens))
  }
  return eachUs
}

/** Gaps between successive chunks, in whole microseconds: records hold no more. */
export function interChunkGapsUs({ chunkMs }: RequestRecord): number[] {
  const gapsUs: number[] = []
  let beforeUs: Maybe
  for (const ms of chunkMs) {
    const us = Math.round(ms * US_PER_MS)
    if (beforeUs !== undefined) gapsUs.push(us - beforeUs)
    beforeUs = us
  }
  return gapsUs
}
