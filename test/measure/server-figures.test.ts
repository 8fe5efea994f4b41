import { describe, expect, test } from 'vitest'
import type { ServerSample } from '../../src/load/server-metrics.ts'
import {
  percentileBounds,
  serverFigures,
  serverTimeline,
} from '../../src/measure/server-figures.ts'
import { summarize } from '../../src/measure/summarize.ts'
import { levelLog, look, record, runLog } from './records.ts'

describe('a percentile of a histogram', () => {
  // 3 at most 10 ms, 4 more up to 20, 2 more up to 50, and 1 beyond.
  const times = {
    sumMs: 300,
    count: 10,
    buckets: [
      [10, 3],
      [20, 7],
      [50, 9],
    ],
  } as const

  test('lies in the bucket that holds its rank, and no more is known', () => {
    // The 5th of 10 is among the 4th to the 7th.
    expect(percentileBounds(times, 50)).toEqual({ p: 50, aboveMs: 10, upToMs: 20 })
  })

  test('in the first bucket is above 0', () => {
    expect(percentileBounds(times, 30)).toEqual({ p: 30, aboveMs: 0, upToMs: 10 })
  })

  test('beyond the last bound has no upper end', () => {
    expect(percentileBounds(times, 91)).toEqual({ p: 91, aboveMs: 50, upToMs: undefined })
  })

  test('is withheld under its sample floor, like any other', () => {
    expect(percentileBounds(times, 95)).toEqual({ p: 95, withheldUntilN: 130 })
  })
})

describe('the figures of a server', () => {
  test('have means of what moved in the window', () => {
    const ttft = (sumMs: number, count: number) => ({ ttftMs: { sumMs, count, buckets: [] } })
    const samples = [look(0, ttft(500, 9)), look(100, ttft(1_000, 10)), look(900, ttft(1_600, 13))]
    // 600 ms over 3 requests; the server keeps no buckets.
    expect(serverFigures(samples, 50, 1_000)).toMatchObject({
      fromMs: 100,
      toMs: 900,
      ttftMs: { n: 3, meanMs: 200 },
    })
    expect(serverFigures(samples, 50, 1_000)?.ttftMs).not.toHaveProperty('p50')
  })

  test('are none where nothing was measured in the window', () => {
    const same = { queueMs: { sumMs: 5, count: 5, buckets: [] } }
    expect(serverFigures([look(0, same), look(1, same)], 0, 1)?.queueMs).toBeUndefined()
  })

  test('stand beside the client’s, by level and for the whole run', () => {
    const running = [1, 4, 6, 9].map((each, i) => look(i * 500 - 250, { running: each }))
    const run = runLog({ levels: [levelLog({ issued: 1 })] })
    const summary = summarize(run, [record()], undefined, running)
    // The window is 0 to 1,000 ms: looks at 250 and 750.
    expect(summary.points[0]?.server).toMatchObject({ runningMean: 5, runningMax: 6, samples: 2 })
    expect(summary.server).toMatchObject({ runningMean: 5, runningMax: 9, samples: 4 })
    expect(summary.serverTimeline?.map(({ running: each }) => each)).toEqual([1, 4, 6, 9])
  })

  test('are absent where the server was not read', () => {
    const summary = summarize(runLog(), [record()])
    expect(summary.server).toBeUndefined()
    expect(summary.serverTimeline).toBeUndefined()
    expect(summary.points[0]?.server).toBeUndefined()
  })
})

describe('the timeline', () => {
  test('leaves out looks that failed or told nothing of load', () => {
    const gap: ServerSample = { atMs: 1, tookMs: 1, gap: 'HTTP 503' }
    expect(
      serverTimeline([gap, look(2, { outputTokensTotal: 5 }), look(3, { waiting: 0 })]),
    ).toEqual([{ atMs: 3, running: undefined, waiting: 0, kvCacheUsedRatio: undefined }])
  })

  test('of a long run has at most 240 moments, and loses no peak', () => {
    const samples = Array.from({ length: 3_601 }, (_, i) =>
      look(i * 1_000, { running: i === 1_234 ? 99 : 3, waiting: i === 3_600 ? 7 : undefined }),
    )
    const timeline = serverTimeline(samples)
    expect(timeline).toHaveLength(240)
    expect(timeline.filter(({ running }) => running === 99)).toHaveLength(1)
    expect(timeline.at(-1)?.waiting).toBe(7)
    expect(timeline[0]?.waiting).toBeUndefined()
  })
})
