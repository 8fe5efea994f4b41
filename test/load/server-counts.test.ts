import { describe, expect, test } from 'vitest'
import { serverCounts } from '../../src/load/server-counts.ts'
import type { ServerSample } from '../../src/load/server-metrics.ts'
import type { ServerReadings } from '../../src/load/server-readings.ts'

const at = (atMs: number, readings: ServerReadings): ServerSample => ({ atMs, tookMs: 1, readings })
const gap = (atMs: number): ServerSample => ({ atMs, tookMs: 1, gap: 'HTTP 503' })

describe('what a server counted in a window', () => {
  test('from the first to the last sample inside, and it says which', () => {
    const samples = [
      at(0, { inputTokensTotal: 0, outputTokensTotal: 0 }),
      at(1_000, { inputTokensTotal: 100, outputTokensTotal: 10 }),
      at(2_000, { inputTokensTotal: 250, outputTokensTotal: 40 }),
      at(3_000, { inputTokensTotal: 999, outputTokensTotal: 999 }),
    ]
    expect(serverCounts(samples, 500, 2_500)).toMatchObject({
      fromMs: 1_000,
      toMs: 2_000,
      samples: 2,
      gaps: 0,
      resets: 0,
      inputTokens: 150,
      outputTokens: 30,
    })
  })

  test('one sample, or none, counts nothing', () => {
    expect(serverCounts([], 0, 10)).toBeUndefined()
    expect(serverCounts([at(5, { running: 1 })], 0, 10)).toBeUndefined()
    expect(serverCounts([gap(1), gap(2)], 0, 10)).toBeUndefined()
  })

  test('gaps in between are counted and lose nothing', () => {
    const samples = [
      gap(0),
      at(1, { outputTokensTotal: 5 }),
      gap(2),
      at(3, { outputTokensTotal: 9 }),
      gap(4),
    ]
    expect(serverCounts(samples, 0, 10)).toMatchObject({ outputTokens: 4, gaps: 1, samples: 2 })
  })

  test('a server that starts anew counts from 0 again, which is told once', () => {
    const samples = [
      at(0, { inputTokensTotal: 100, outputTokensTotal: 50 }),
      at(1, { inputTokensTotal: 120, outputTokensTotal: 60 }),
      at(2, { inputTokensTotal: 7, outputTokensTotal: 3 }),
      at(3, { inputTokensTotal: 9, outputTokensTotal: 8 }),
    ]
    // 20 + 7 + 2, and 10 + 3 + 5.
    expect(serverCounts(samples, 0, 3)).toMatchObject({
      inputTokens: 29,
      outputTokens: 18,
      resets: 1,
    })
  })

  test('ratios are of what moved, not of what was', () => {
    const samples = [
      at(0, {
        prefixCacheHitTokensTotal: 900,
        prefixCacheQueryTokensTotal: 1_000,
        specAcceptedTokensTotal: 10,
        specDraftedTokensTotal: 10,
        preemptionsTotal: 4,
      }),
      at(1, {
        prefixCacheHitTokensTotal: 910,
        prefixCacheQueryTokensTotal: 1_100,
        specAcceptedTokensTotal: 40,
        specDraftedTokensTotal: 50,
        preemptionsTotal: 4,
      }),
    ]
    expect(serverCounts(samples, 0, 1)).toMatchObject({
      prefixCacheHitRatio: 0.1,
      specAcceptedRatio: 0.75,
      preemptions: 0,
    })
  })

  test('what is not told is unknown, and never 0', () => {
    const counts = serverCounts([at(0, { running: 1 }), at(1, { outputTokensTotal: 5 })], 0, 1)
    expect(counts).toMatchObject({ runningMean: 1, runningMax: 1 })
    for (const key of [
      'outputTokens',
      'inputTokens',
      'prefixCacheHitRatio',
      'waitingMax',
      'ttftMs',
    ])
      expect(counts?.[key as 'outputTokens']).toBeUndefined()
  })

  test('nothing looked for in the cache is no hit ratio', () => {
    const idle = { prefixCacheHitTokensTotal: 5, prefixCacheQueryTokensTotal: 9 }
    expect(serverCounts([at(0, idle), at(1, idle)], 0, 1)?.prefixCacheHitRatio).toBeUndefined()
  })

  test('gauges: mean and most', () => {
    const samples = [
      at(0, { running: 1, waiting: 0, kvCacheUsedRatio: 0.2 }),
      at(1, { running: 5, waiting: 2, kvCacheUsedRatio: 0.9 }),
      at(2, { running: 3, waiting: 1, kvCacheUsedRatio: 0.4 }),
    ]
    expect(serverCounts(samples, 0, 2)).toMatchObject({
      runningMean: 3,
      runningMax: 5,
      waitingMean: 1,
      waitingMax: 2,
      kvCacheUsedRatioMax: 0.9,
    })
  })

  test('histograms are differences too, through a restart as well', () => {
    const times = (sumMs: number, count: number, low: number) => ({
      ttftMs: { sumMs, count, buckets: [[100, low]] as const },
    })
    const steady = [at(0, times(1_000, 10, 4)), at(1, times(1_600, 13, 5))]
    expect(serverCounts(steady, 0, 1)?.ttftMs).toEqual({
      sumMs: 600,
      count: 3,
      buckets: [[100, 1]],
    })
    const restarted = [...steady, at(2, times(200, 2, 2))]
    expect(serverCounts(restarted, 0, 2)?.ttftMs).toEqual({
      sumMs: 800,
      count: 5,
      buckets: [[100, 3]],
    })
  })
})
