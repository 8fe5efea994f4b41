import { describe, expect, test } from 'vitest'
import { interChunkGapsUs, interTokenUs, requestMetrics } from '../../src/measure/metrics.ts'
import { record } from './records.ts'

const { ttftMs, ttftFromSentMs, ttfvMs, tpotMs, latencyMs, latenessMs, outputTokens } =
  requestMetrics

describe('one request, by hand', () => {
  // Sent at 0, chunks at 100, 150, 200 and 240 ms, 8 tokens, clean end at 250 ms.
  test('time to first token runs from the send to the first chunk', () => {
    expect(ttftMs.of(record())).toBe(100)
  })

  test('time per output token divides by tokens, not chunks', () => {
    // (240 - 100) / (8 - 1) = 20.
    expect(tpotMs.of(record())).toBe(20)
  })

  test('latency runs to the clean end, not to the last chunk', () => {
    expect(latencyMs.of(record())).toBe(250)
  })

  test('gaps are between chunks', () => {
    expect(interChunkGapsUs(record())).toEqual([50_000, 50_000, 40_000])
  })

  test('gaps are whole microseconds, where differences of ms are not: 63.098 - 60.716 is 2.382', () => {
    expect(63.098 - 60.716).not.toBe(2.382)
    expect(interChunkGapsUs(record({ chunkMs: [60.716, 63.098] }))).toEqual([2382])
  })
})

describe('the time of a token, where the server tells the tokens of each chunk', () => {
  const gapsUs = interChunkGapsUs(record()) // 50, 50 and 40 ms.

  test('is the gap over the tokens of the chunk after it: what the first chunk brought is no matter', () => {
    expect(interTokenUs(gapsUs, { chunkTokens: [9, 2, 1, 4] })).toEqual([25_000, 50_000, 10_000])
  })

  test('is the gap itself where each chunk is a token', () => {
    expect(interTokenUs(gapsUs, { chunkTokens: [1, 1, 1, 1] })).toEqual(gapsUs)
  })

  test('is rounded to the microsecond, as no gap is known better: 50 ms / 3 is 16,667 us', () => {
    expect(interTokenUs(gapsUs, { chunkTokens: [1, 3, 3, 3] })).toEqual([16_667, 16_667, 13_333])
  })

  test('is none for a chunk of no tokens', () => {
    expect(interTokenUs(gapsUs, { chunkTokens: [1, 0, 2, 0] })).toEqual([25_000])
  })

  test('is unknown where nobody tells', () => {
    expect(interTokenUs(gapsUs, record())).toEqual([])
  })
})

describe('in open loop', () => {
  const late = record({ dueMs: 30, sentMs: 42, chunkMs: [130, 140], endMs: 150 })

  test('waiting to be sent is part of waiting', () => {
    expect(ttftMs.of(late)).toBe(100)
    expect(latencyMs.of(late)).toBe(120)
  })

  test('the time from the send is kept beside it', () => {
    expect(ttftFromSentMs.of(late)).toBe(88)
    expect(latenessMs.of(late)).toBe(12)
  })

  test('opening a connection is waiting, but not lateness', () => {
    const connecting = { ...late, connectMs: 10 }
    expect(latenessMs.of(connecting)).toBe(2)
    expect(ttftMs.of(connecting)).toBe(100)
  })
})

describe('what is unknown stays unknown', () => {
  test('a single token has no time per output token', () => {
    expect(tpotMs.of(record({ usage: { outputTokens: 1 } }))).toBeUndefined()
  })

  test('an answer that came all at once has no time per output token: 0 ms is not what it took', () => {
    expect(tpotMs.of(record({ chunkMs: [100, 100, 100] }))).toBeUndefined()
    expect(tpotMs.of(record({ chunkMs: [100] }))).toBeUndefined()
  })

  test('a server that counts 0 tokens and sends some has not counted', () => {
    expect(outputTokens.of(record({ usage: { inputTokens: 16, outputTokens: 0 } }))).toBe(4)
  })

  test('a closed loop has no lateness', () => {
    expect(latenessMs.of(record())).toBeUndefined()
  })

  test('a stream that shows text at once has no time to first visible token of its own', () => {
    expect(ttfvMs.of(record())).toBeUndefined()
    expect(ttfvMs.of(record({ firstVisibleMs: 200 }))).toBe(200)
  })

  test('without a count from the server, chunks are counted', () => {
    expect(outputTokens.of(record({ usage: undefined }))).toBe(4)
  })

  test('zero is a value: a first token with no delay took 0 ms', () => {
    expect(ttftMs.of(record({ chunkMs: [0] }))).toBe(0)
  })
})
