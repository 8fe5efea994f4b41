import { describe, expect, test } from 'vitest'
import type { RequestRecord } from '../../src/load/record.ts'
import { frontierOf } from '../../src/measure/frontier.ts'
import { startSummary, summarize } from '../../src/measure/summarize.ts'
import type { OperatingPoint } from '../../src/measure/summary.ts'
import { benchmark, levelLog, operatingPoint, record, runLog, shifted } from './records.ts'

const log = levelLog({ issued: 4 })
const four = [0, 250, 500, 750].map((ms, id) => shifted(record(), ms, { id }))

describe('four requests back to back, by hand', () => {
  // Each: 8 tokens in 4 chunks at +100, +150, +200 and +240 ms, ended at +250 ms. The window is 0 to 1,000 ms.
  const point = operatingPoint(log, four, benchmark())

  test('output throughput is 32 tokens in a second', () => {
    expect(point.outputTokensPerS).toBe(32)
  })

  test('the last request ended with the window, so three ended inside it', () => {
    expect(point.requestsPerS).toBe(3)
  })

  test('input throughput counts prompts whose first token came inside', () => {
    expect(point.inputTokensPerS).toBe(64)
  })

  test('the whole run has the same tokens over first send to last end', () => {
    expect(point.wholeRunOutputTokensPerS).toBe(32)
  })

  test('interactivity is 1,000 / median TPOT', () => {
    expect(point.tpotMs.p50.value).toBe(20)
    expect(point.tokensPerSPerUser).toBe(50)
  })

  test('two tokens came with each chunk', () => {
    expect(point.tokensPerChunk).toBe(2)
  })

  test('too few requests for a p95', () => {
    expect(point.ttftMs.p50.value).toBe(100)
    expect(point.ttftMs.p95).toEqual({ p: 95, n: 4, withheldUntilN: 130 })
  })
})

describe('the window', () => {
  test('takes the tokens that arrived inside, from requests begun before it too', () => {
    // Chunks at 100, 150 | 200, 240: the window opens at 200, so half of the 8 tokens.
    const cut = levelLog({ windowStartMs: 200, windowEndMs: 1200 })
    expect(operatingPoint(cut, [record({ phase: 'warm-up' })], benchmark()).outputTokensPerS).toBe(
      4,
    )
  })

  test('holds its start and not its end', () => {
    const cut = levelLog({ windowStartMs: 100, windowEndMs: 240 })
    const point = operatingPoint(cut, [record()], benchmark())
    expect(point.outputTokensPerS).toBeCloseTo((3 * 2) / 0.14, 10)
  })

  test('of no length has no throughput', () => {
    const empty = levelLog({ windowStartMs: 500, windowEndMs: 500 })
    expect(operatingPoint(empty, [record()], benchmark()).outputTokensPerS).toBeUndefined()
  })

  test('leaves warm-up requests out of the latencies', () => {
    const slow = record({ phase: 'warm-up', chunkMs: [900, 950] })
    expect(operatingPoint(log, [slow, ...four], benchmark()).ttftMs.max).toBe(100)
  })
})

describe('where the server tells the tokens of each chunk', () => {
  // The same request, but its chunks at 100, 150, 200 and 240 ms brought 1, 2, 1 and 4 of its 8 tokens.
  const told = record({ chunkTokens: [1, 2, 1, 4] })
  const from200 = levelLog({ windowStartMs: 200, windowEndMs: 1200 })

  test('each chunk brought its own, and not the mean of all', () => {
    // 1 at 200 and 4 at 240; spread evenly it would be 4.
    expect(operatingPoint(from200, [told], benchmark()).outputTokensPerS).toBe(5)
  })

  test('a window over the whole answer holds all of it', () => {
    expect(operatingPoint(log, [told], benchmark()).outputTokensPerS).toBe(8)
  })

  test('a count of the whole that differs is shared out in proportion', () => {
    // The end mark was counted too: 9, of which 5 / 8 came inside.
    const counted = { ...told, usage: { inputTokens: 16, outputTokens: 9 } }
    expect(operatingPoint(from200, [counted], benchmark()).outputTokensPerS).toBe((9 * 5) / 8)
  })

  test('and told 0 of every one, it told nothing', () => {
    const zeros = record({ chunkTokens: [0, 0, 0, 0] })
    expect(operatingPoint(from200, [zeros], benchmark()).outputTokensPerS).toBe(4)
  })

  test('what an answer brought that was given up is known to the token', () => {
    const givenUp: RequestRecord = {
      ...shifted(record(), 100, { id: 9 }),
      chunkMs: [200, 250],
      chunkTokens: [3, 2],
      outcome: { kind: 'abandoned' },
      endMs: undefined,
      usage: undefined,
    }
    // 32 of the four, and 5; at 2 tokens a chunk it would be 4.
    expect(operatingPoint(log, [...four, givenUp], benchmark()).outputTokensPerS).toBe(37)
  })

  test('goodput counts the tokens in the same way', () => {
    const { goodput } = operatingPoint(from200, [told], benchmark({ slo: { ttftMs: 200 } }))
    expect(goodput?.outputTokensPerS).toBe(5)
  })

  test('there is a time between tokens, pooled over the chunks of the requests of which it told', () => {
    const point = operatingPoint(log, [told, ...four.slice(1)], benchmark())
    // 50 / 2, 50 / 1 and 40 / 4 ms; the other three requests tell nothing.
    expect(point.itlMs).toMatchObject({ n: 3, min: 10, max: 50, p50: { value: 25 } })
    expect(point.itlMs?.mean).toBeCloseTo(85 / 3, 10)
    expect(point.interChunkMs.n).toBe(12)
  })

  test('and where it does not, there is none', () => {
    expect(operatingPoint(log, four, benchmark()).itlMs).toBeUndefined()
  })

  test('nor of what warmed up, failed or was given up', () => {
    const others: RequestRecord[] = [
      { ...told, phase: 'warm-up' },
      { ...told, outcome: { kind: 'abandoned' }, endMs: undefined },
      { ...told, outcome: { kind: 'timed-out', timer: 'idle' }, endMs: undefined },
    ]
    expect(operatingPoint(log, [...four, ...others], benchmark()).itlMs).toBeUndefined()
  })
})

describe('requests that did not complete', () => {
  const failed: RequestRecord = shifted(record(), 100, {
    outcome: { kind: 'failed', failure: 'early-close', detail: 'closed before the answer ended' },
    endMs: undefined,
    usage: undefined,
  })
  const cancelled: RequestRecord = shifted(record(), 100, {
    outcome: { kind: 'cancelled' },
    endMs: undefined,
    usage: undefined,
  })
  const abandoned: RequestRecord = { ...cancelled, outcome: { kind: 'abandoned' } }

  test('bring no tokens when they failed', () => {
    expect(operatingPoint(log, [...four, failed], benchmark()).outputTokensPerS).toBe(32)
  })

  test('bring what arrived when the client gave up, at the tokens per chunk of the others', () => {
    expect(operatingPoint(log, [...four, cancelled], benchmark()).outputTokensPerS).toBe(40)
    // The tokens per chunk are known only after the last record.
    expect(operatingPoint(log, [cancelled, ...four], benchmark()).outputTokensPerS).toBe(40)
  })

  test('bring the same when it gave up on purpose, and no sample of a latency', () => {
    const point = operatingPoint(log, [...four, abandoned], benchmark())
    expect(point.outputTokensPerS).toBe(40)
    expect([point.ttftMs.n, point.interChunkMs.n, point.outputTokens.n]).toEqual([4, 12, 4])
  })

  test('are counted, and every issued request is somewhere', () => {
    const { requests } = operatingPoint(
      levelLog({ issued: 10 }),
      [...four, failed, cancelled, abandoned, abandoned],
      benchmark(),
    )
    expect(requests).toEqual({
      issued: 10,
      completed: 4,
      failed: 1,
      timedOut: 0,
      cancelled: 1,
      abandoned: 2,
      lost: 2,
      warmUp: 0,
    })
    expect(
      requests.completed +
        requests.failed +
        requests.timedOut +
        requests.cancelled +
        requests.abandoned +
        requests.lost,
    ).toBe(requests.issued)
  })

  test('are told by kind and side, with an example', () => {
    expect(operatingPoint(log, [...four, failed, failed, cancelled], benchmark()).errors).toEqual([
      { kind: 'early-close', side: 'server', count: 2, example: 'closed before the answer ended' },
      { kind: 'cancelled', side: 'client', count: 1, example: 'given up by the client' },
    ])
  })

  test('are no errors when they were given up on purpose', () => {
    expect(operatingPoint(log, [...four, abandoned], benchmark()).errors).toEqual([])
  })

  test('leave every figure unknown when there is nothing else', () => {
    const point = operatingPoint(levelLog(), [failed], benchmark())
    expect(point.outputTokensPerS).toBeUndefined()
    expect(point.inputTokensPerS).toBeUndefined()
    expect(point.requestsPerS).toBeUndefined()
    expect(point.ttftMs.n).toBe(0)
    expect(point.tokensPerSPerUser).toBeUndefined()
  })
})

describe('goodput', () => {
  const slow = shifted(record({ chunkMs: [400, 410, 420, 430], endMs: 440 }), 100, { id: 9 })
  const point = operatingPoint(
    levelLog({ issued: 5 }),
    [...four, slow],
    benchmark({ slo: { ttftMs: 200, tpotMs: 30 } }),
  )

  test('counts requests that met every limit', () => {
    expect(point.goodput?.goodRatio).toBe(0.8)
    expect(point.goodput?.requestsPerS).toBe(3)
    expect(point.goodput?.outputTokensPerS).toBe(32)
  })

  test('is absent when no limit was set', () => {
    expect(operatingPoint(log, four, benchmark()).goodput).toBeUndefined()
  })

  test('a request that was given up, or never sent, is not a good one', () => {
    const cancelled = record({ outcome: { kind: 'cancelled' }, endMs: undefined })
    const log = levelLog({ issued: 5, neverSent: 3, load: { kind: 'constant', ratePerS: 8 } })
    const judged = operatingPoint(log, [...four, cancelled], benchmark({ slo: { ttftMs: 200 } }))
    expect(judged.goodput?.goodRatio).toBe(4 / 8)
  })

  test('a request that was given up on purpose is neither good nor bad', () => {
    const abandoned = record({ outcome: { kind: 'abandoned' }, endMs: undefined })
    const judged = operatingPoint(
      levelLog({ issued: 7 }),
      [...four, slow, abandoned, abandoned],
      benchmark({ slo: { ttftMs: 200, tpotMs: 30 } }),
    )
    expect(judged.goodput).toEqual(point.goodput)
  })

  test('an answer that came all at once has not shown that it meets a limit on TPOT', () => {
    const lumps = four.map((each) => ({ ...each, chunkMs: [each.chunkMs[0] ?? 0] }))
    const judged = operatingPoint(
      levelLog({ issued: 4 }),
      lumps,
      benchmark({ slo: { tpotMs: 1000 } }),
    )
    expect(judged.goodput?.goodRatio).toBe(0)
  })

  test('a failed request is not a good one', () => {
    const failed = record({ outcome: { kind: 'timed-out', timer: 'idle' } })
    const judged = operatingPoint(
      levelLog({ issued: 5 }),
      [...four, failed],
      benchmark({ slo: { ttftMs: 200 } }),
    )
    expect(judged.goodput?.goodRatio).toBe(0.8)
  })
})

describe('open loop', () => {
  const open = levelLog({ load: { kind: 'constant', ratePerS: 4 }, issued: 4 })
  const due = four.map((each) => ({ ...each, dueMs: (each.sentMs ?? 0) - 10 }))

  test('tells the rate asked for beside the rate sent', () => {
    const onTime = four.map((each) => ({ ...each, dueMs: each.sentMs }))
    expect(operatingPoint(open, onTime, benchmark()).rate).toEqual({
      askedPerS: 4,
      duePerS: 4,
      sentPerS: 4,
    })
  })

  test('tells how late requests left', () => {
    expect(operatingPoint(open, due, benchmark()).latenessMs?.max).toBe(10)
  })
})

describe('a run', () => {
  test('is summed up level by level', () => {
    const levels = [
      levelLog({ issued: 4 }),
      levelLog({ level: 1, load: { kind: 'closed', concurrency: 2 }, issued: 1 }),
    ]
    const summary = summarize(runLog({ levels }), [...four, record({ level: 1, id: 7 })])
    expect(summary.points.map(({ label }) => label)).toEqual(['1 user', '2 users'])
    expect(summary.points.map(({ requests }) => requests.completed)).toEqual([4, 1])
  })

  test('takes its records one at a time and in any order, and leaves out those of a level it did not end', () => {
    const levels = [levelLog({ issued: 4 }), levelLog({ level: 1, issued: 1 })]
    const run = runLog({ levels })
    const { add, finish } = startSummary(run)
    const [a, b, c, d] = four as [RequestRecord, RequestRecord, RequestRecord, RequestRecord]
    for (const each of [record({ level: 2, id: 8 }), d, record({ level: 1, id: 7 }), b, a, c])
      add(each)
    const { tokens, ...figures } = finish()
    const known = summarize(run, [...four, record({ level: 1, id: 7 })])
    expect({ ...figures, tokens: known.tokens }).toEqual(known)
    // But the server counted its tokens, and whoever counts after it must, too.
    expect([known.tokens.completedRequests, tokens.completedRequests]).toEqual([5, 6])
  })
})

describe('the frontier', () => {
  const at = (
    level: number,
    tokensPerSPerUser: number | undefined,
    outputTokensPerS: number | undefined,
  ) => ({ level, tokensPerSPerUser, outputTokensPerS }) as OperatingPoint

  test('leaves out what another point beats on both', () => {
    const front = frontierOf([at(0, 100, 100), at(1, 80, 300), at(2, 60, 250), at(3, 40, 400)])
    expect(front.map(({ level }) => level)).toEqual([3, 1, 0])
  })

  test('keeps one of two equal points', () => {
    expect(frontierOf([at(0, 50, 100), at(1, 50, 100)])).toHaveLength(1)
  })

  test('has no place for a point with an unknown', () => {
    expect(frontierOf([at(0, undefined, 100), at(1, 50, undefined)])).toEqual([])
  })
})
