import { describe, expect, test } from 'vitest'
import type { RequestRecord } from '../../src/load/record.ts'
import { binCount, coarser, startSeries } from '../../src/measure/series.ts'
import { record, shifted } from './records.ts'

/** 200 bins of 10 ms from 1,000 ms on. */
const window = { startMs: 1000, endMs: 3000 }

function seriesOf(records: readonly RequestRecord[], tokensPerChunk = 1) {
  const { add, finish } = startSeries(window)
  for (const each of records) add(each)
  return finish(tokensPerChunk)
}

const filled = (values: Float64Array): [bin: number, value: number][] =>
  [...values.entries()].filter(([, value]) => Math.abs(value) > 1e-9)

describe('a series of a window', () => {
  // Sent at 1,005 ms; chunks at 1,105, 1,155, 1,205 and 1,245, 8 tokens; ended and closed at 1,255.
  const one = shifted(record(), 1005)

  test('has the tokens where their chunks came', () => {
    expect(filled(seriesOf([one]).outputTokens)).toEqual([
      [10, 2],
      [15, 2],
      [20, 2],
      [24, 2],
    ])
  })

  test('and where the server told them of each chunk, those of each', () => {
    const told = { ...one, chunkTokens: [1, 0, 3, 4] }
    expect(filled(seriesOf([told]).outputTokens)).toEqual([
      [10, 1],
      [20, 3],
      [24, 4],
    ])
  })

  test('counts of a given-up answer the chunks that came, of a failed one nothing', () => {
    const unfinished = { ...one, endMs: undefined }
    const givenUp: RequestRecord = { ...unfinished, outcome: { kind: 'abandoned' } }
    const failed: RequestRecord = {
      ...unfinished,
      outcome: { kind: 'failed', failure: 'early-close', detail: '' },
    }
    expect(seriesOf([givenUp], 1.5).outputTokens.reduce((a, b) => a + b)).toBe(6)
    expect(filled(seriesOf([failed]).outputTokens)).toEqual([])
  })

  test('has a request in flight for the share of each bin that it was', () => {
    const found = filled(seriesOf([one]).inFlight)
    // From the middle of bin 0 to the middle of bin 25.
    expect(found).toHaveLength(26)
    expect(found[0]?.[1]).toBeCloseTo(0.5, 9)
    expect(found[1]?.[1]).toBeCloseTo(1, 9)
    expect(found[25]).toEqual([25, expect.closeTo(0.5, 9)])
  })

  test('knows of what was in flight before it and after it only what was inside', () => {
    const across = record({ sentMs: 0, chunkMs: [900, 3100], endMs: 3200, closedMs: 3200 })
    const before = record()
    const after = shifted(record(), 3000)
    const { inFlight, outputTokens, ended, firstTokens } = seriesOf([across, before, after])
    expect([...inFlight].every((value) => Math.abs(value - 1) < 1e-9)).toBe(true)
    for (const values of [outputTokens, ended, firstTokens]) expect(filled(values)).toEqual([])
  })

  test('has a TTFT where the request began, and a latency where it ended', () => {
    const { firstTokens, ttftTotalMs, ended, latencyTotalMs } = seriesOf([one, one])
    expect(filled(firstTokens)).toEqual([[0, 2]])
    expect(filled(ttftTotalMs)).toEqual([[0, 200]])
    expect(filled(ended)).toEqual([[25, 2]])
    expect(filled(latencyTotalMs)).toEqual([[25, 500]])
  })

  test('counts waiting to be sent as being in flight, from when it was due', () => {
    const { inFlight, ttftTotalMs } = seriesOf([{ ...one, dueMs: 1000 }])
    expect(inFlight[0]).toBeCloseTo(1, 9)
    expect(ttftTotalMs[0]).toBe(105)
  })

  test('puts what never left nowhere', () => {
    const unsent: RequestRecord = {
      ...one,
      sentMs: undefined,
      chunkMs: [],
      endMs: undefined,
      outcome: { kind: 'failed', failure: 'connection-refused', detail: '' },
    }
    const { inFlight, ended } = seriesOf([unsent])
    expect(filled(inFlight)).toEqual([])
    expect(filled(ended)).toEqual([])
  })
})

test('bins are of a second, shorter in a short window, and no more than 7,200', () => {
  const binsOf = (seconds: number) => binCount({ startMs: 0, endMs: 1000 * seconds })
  expect([1, 200, 201, 600, 7200, 7201, 100_000].map(binsOf)).toEqual([
    200, 200, 300, 600, 7200, 7200, 7200,
  ])
})

test('bins made one have their sum, and a last one that is not full is left out', () => {
  const values = Float64Array.from([1, 3, 5, 7, 100])
  expect(coarser(values, 2)).toEqual([4, 12])
})
