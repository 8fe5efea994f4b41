import { difference, type Maybe, ratio, sum } from '../arithmetic.ts'
import type { RequestRecord } from '../load/record.ts'
import { MS_PER_S } from '../units.ts'
import { outputTokens } from './metrics.ts'

/** A stretch of time, ms since the run's epoch: from its start, up to but without its end. */
export interface Window {
  readonly startMs: number
  readonly endMs: number
}

export function windowSeconds(window: Window): number {
  return (window.endMs - window.startMs) / MS_PER_S
}

export function isInside(window: Window, ms: Maybe): boolean {
  return ms !== undefined && ms >= window.startMs && ms < window.endMs
}

/** A number per second of the window; unknown for an empty window. */
export function perSecond(amount: Maybe, window: Window): Maybe {
  return ratio(amount, windowSeconds(window))
}

/**
 * Output tokens that arrived inside the window. A request's tokens are spread evenly over its
 * chunks. What failed requests brought does not count; what cancelled ones brought does, at the
 * tokens per chunk of the completed ones, as it was the client that gave up.
 */
export function outputTokensInside(records: readonly RequestRecord[], window: Window): Maybe {
  const perChunk = tokensPerChunk(records.filter(isCompleted))
  return sum(records.map((record) => tokensInside(record, window, perChunk ?? 1)))
}

function tokensInside(record: RequestRecord, window: Window, tokensPerChunk: number): number {
  const inside = record.chunkMs.filter((ms) => isInside(window, ms)).length
  if (inside === 0) return 0
  switch (record.outcome.kind) {
    case 'completed':
      return (outputTokens(record) * inside) / record.chunkMs.length
    case 'cancelled':
      return inside * tokensPerChunk
    case 'failed':
    case 'timed-out':
      return 0
  }
}

/** Input tokens of completed requests whose first token arrived inside the window. */
export function inputTokensInside(records: readonly RequestRecord[], window: Window): Maybe {
  const begun = records.filter(
    (record) => isCompleted(record) && isInside(window, record.chunkMs[0]),
  )
  return sum(begun.map((record) => record.usage?.inputTokens))
}

/** Mean tokens per output chunk, by the server's count; unknown when it does not count. */
export function tokensPerChunk(completed: readonly RequestRecord[]): Maybe {
  const tokens = sum(completed.map((record) => record.usage?.outputTokens))
  return ratio(
    tokens,
    completed.reduce((chunks, record) => chunks + record.chunkMs.length, 0),
  )
}

/** Output tokens of completed requests over the time from the first send to the last end. */
export function wholeRunOutputTokensPerS(records: readonly RequestRecord[]): Maybe {
  const completed = records.filter(isCompleted)
  const firstMs = minimum(records.map(({ sentMs }) => sentMs))
  const lastMs = maximum(completed.map(({ endMs }) => endMs))
  const tokens = completed.length === 0 ? undefined : sum(completed.map(outputTokens))
  return ratio(tokens, ratio(difference(lastMs, firstMs), MS_PER_S))
}

export function isCompleted(record: RequestRecord): boolean {
  return record.outcome.kind === 'completed'
}

function minimum(values: readonly Maybe[]): Maybe {
  return values.reduce(
    (least, value) =>
      value !== undefined && (least === undefined || value < least) ? value : least,
    undefined,
  )
}

function maximum(values: readonly Maybe[]): Maybe {
  return values.reduce(
    (most, value) => (value !== undefined && (most === undefined || value > most) ? value : most),
    undefined,
  )
}
