import { difference, type Maybe, ratio, sum } from '../arithmetic.ts'
import type { RequestRecord } from '../load/record.ts'
import { MS_PER_S } from '../units.ts'
import { outputTokens } from './metrics.ts'
import type { OperatingPoint } from './summary.ts'
import type { Tally } from './tally.ts'

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

export function isCompleted(record: RequestRecord): boolean {
  return record.outcome.kind === 'completed'
}

function chunksInside({ chunkMs }: RequestRecord, window: Window): number {
  let inside = 0
  for (const ms of chunkMs) if (isInside(window, ms)) inside++
  return inside
}

/** Tokens of the chunks that arrived inside the window, as the server told them chunk by chunk. */
function toldInside(
  { chunkMs }: RequestRecord,
  chunkTokens: readonly number[],
  window: Window,
): number {
  let inside = 0
  for (const [i, ms] of chunkMs.entries()) if (isInside(window, ms)) inside += chunkTokens[i] ?? 0
  return inside
}

/**
 * Output tokens of a completed request that arrived inside the window. Each chunk brought what the server
 * told of it, and where it told nothing all brought the same. Where what it told adds up to another
 * number than its count of the whole answer, the whole is shared out in proportion.
 */
export function tokensInside(record: RequestRecord, window: Window): number {
  const { chunkMs, chunkTokens = [] } = record
  const told = total(chunkTokens)
  if (told > 0) return (outputTokens(record) * toldInside(record, chunkTokens, window)) / told
  const inside = chunksInside(record, window)
  return inside === 0 ? 0 : (outputTokens(record) * inside) / chunkMs.length
}

function total(numbers: readonly number[]): number {
  return numbers.reduce((sum, each) => sum + each, 0)
}

export type Throughput = Pick<
  OperatingPoint,
  | 'tokensPerChunk'
  | 'outputTokensPerS'
  | 'inputTokensPerS'
  | 'wholeRunOutputTokensPerS'
  | 'requestsPerS'
>

/**
 * Over everything that happened inside the window, whichever phase it was issued in. What failed
 * requests brought does not count; what those brought that the client gave up does, by the tokens that
 * the server told of each chunk, else at the tokens per chunk of the completed ones.
 */
export function startThroughput(window: Window): Tally<Throughput> {
  const whole = startWholeRun()
  let completed = 0
  let endedInside = 0
  let chunks = 0
  let givenUpTokensInside = 0
  let givenUpChunksInside = 0
  let completedTokensInside = 0
  let inputTokensInside: Maybe = 0
  /** By the server's count; unknown as soon as it gives none. */
  let countedTokens: Maybe = 0

  const addCompleted = (record: RequestRecord): void => {
    completed++
    chunks += record.chunkMs.length
    countedTokens = sum([countedTokens, record.usage?.outputTokens])
    completedTokensInside += tokensInside(record, window)
    if (isInside(window, record.endMs)) endedInside++
    if (isInside(window, record.chunkMs[0]))
      inputTokensInside = sum([inputTokensInside, record.usage?.inputTokens])
  }

  const addGivenUp = (record: RequestRecord): void => {
    const { chunkTokens } = record
    if (chunkTokens === undefined) givenUpChunksInside += chunksInside(record, window)
    else givenUpTokensInside += toldInside(record, chunkTokens, window)
  }

  return {
    add: (record) => {
      whole.add(record)
      switch (record.outcome.kind) {
        case 'completed':
          addCompleted(record)
          break
        case 'cancelled':
        case 'abandoned':
          addGivenUp(record)
          break
        case 'failed':
        case 'timed-out':
          break
      }
    },
    finish: () => {
      const tokensPerChunk = ratio(countedTokens, chunks)
      const tokens =
        completedTokensInside + givenUpTokensInside + givenUpChunksInside * (tokensPerChunk ?? 1)
      const rate = (amount: Maybe): Maybe => (completed > 0 ? perSecond(amount, window) : undefined)
      return {
        tokensPerChunk,
        outputTokensPerS: rate(tokens),
        inputTokensPerS: rate(inputTokensInside),
        ...whole.finish(),
        requestsPerS: rate(endedInside),
      }
    },
  }
}

/** Output tokens of completed requests over the time from the first send to the last end. */
function startWholeRun(): Tally<Pick<OperatingPoint, 'wholeRunOutputTokensPerS'>> {
  let firstSentMs: Maybe
  let lastEndMs: Maybe
  let tokens: Maybe
  return {
    add: (record) => {
      const { sentMs, endMs } = record
      if (sentMs !== undefined) firstSentMs = Math.min(firstSentMs ?? sentMs, sentMs)
      if (!isCompleted(record)) return
      tokens = (tokens ?? 0) + outputTokens(record)
      if (endMs !== undefined) lastEndMs = Math.max(lastEndMs ?? endMs, endMs)
    },
    finish: () => ({
      wholeRunOutputTokensPerS: ratio(tokens, ratio(difference(lastEndMs, firstSentMs), MS_PER_S)),
    }),
  }
}
