import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  highestRateUnder,
  type InstrumentInput,
  type InstrumentLevel,
  instrumentError,
  instrumentLevel,
  type ServerStamp,
} from '../../src/measure/instrument.ts'
import { levelLog, record } from './records.ts'

/** The run's epoch is at 1,000 ms of the server's clock. */
function input(parts: Partial<InstrumentInput>): InstrumentInput {
  return { records: [], stamps: [], idPrefix: 'run', epochMonotonicMs: 1000, ...parts }
}

function stamp(parts: Partial<ServerStamp> = {}): ServerStamp {
  return {
    requestId: 'run-0',
    receivedMonotonicMs: 1000,
    chunkMonotonicMs: [1100, 1150, 1200, 1240],
    ended: 'length',
    ...parts,
  }
}

describe('one request, by hand', () => {
  const { delayMs, ttftErrorMs, gapErrorMs, chunks, requests, latenessMs, negativeDelays } =
    instrumentError(
      input({
        records: [record({ dueMs: 9, sentMs: 10, chunkMs: [20, 30, 30, 45] })],
        stamps: [
          stamp({ receivedMonotonicMs: 1010.5, chunkMonotonicMs: [1019.5, 1028, 1029, 1044.75] }),
        ],
      }),
    )

  test('a delay is from the server’s write to the client’s stamp, on one clock', () => {
    // 1020 - 1019.5, 1030 - 1028, 1030 - 1029, 1045 - 1044.75.
    expect(delayMs).toMatchObject({ n: 4, min: 0.25, max: 2, p50: { value: 0.5 } })
    expect(negativeDelays).toBe(0)
  })

  test('the TTFT error is the client’s TTFT less the server’s', () => {
    // (20 - 10) - (1019.5 - 1010.5) = 10 - 9.
    expect(ttftErrorMs).toMatchObject({ n: 1, min: 1, max: 1 })
  })

  test('a gap error has no sign', () => {
    // Client 10, 0, 15; server 8.5, 1, 15.75.
    expect(gapErrorMs).toMatchObject({ n: 3, min: 0.75, max: 1.5, p50: { value: 1 } })
  })

  test('two chunks came in one read', () => {
    expect(chunks).toEqual({ compared: 4, lost: 0, invented: 0, coalesced: 2 })
  })

  test('nothing is left over', () => {
    expect(requests).toEqual({
      compared: 1,
      incomplete: 0,
      miscounted: 0,
      recordsWithoutStamp: 0,
      stampsWithoutRecord: 0,
      unsent: 0,
    })
  })

  test('it left 1 ms late', () => expect(latenessMs).toMatchObject({ n: 1, max: 1 }))
})

describe('what does not agree is counted, and not dropped', () => {
  test('a chunk the client never saw is lost, and then no chunk of the answer can be paired', () => {
    const error = instrumentError(
      input({ records: [record({ chunkMs: [101, 151, 201] })], stamps: [stamp()] }),
    )
    expect(error.chunks).toMatchObject({ lost: 1, invented: 0, compared: 0 })
    expect(error.requests).toMatchObject({ compared: 0, miscounted: 1 })
    expect(error.delayMs.n).toBe(0)
  })

  test('a chunk the server never sent is invented', () => {
    const chunkMs = [101, 151, 201, 241, 242]
    const error = instrumentError(input({ records: [record({ chunkMs })], stamps: [stamp()] }))
    expect(error.chunks).toMatchObject({ lost: 0, invented: 1, compared: 0 })
    expect(error.requests).toMatchObject({ compared: 0, miscounted: 1 })
  })

  test('what was on its way to a client that left is not lost', () => {
    const left = record({ chunkMs: [101, 151], outcome: { kind: 'cancelled' } })
    const error = instrumentError(input({ records: [left], stamps: [stamp()] }))
    expect(error.chunks).toMatchObject({ lost: 0, invented: 0, compared: 2 })
    expect(error.requests).toMatchObject({ compared: 1, incomplete: 1, miscounted: 0 })
  })

  test('requests that only one side knows', () => {
    const error = instrumentError(
      input({
        records: [
          record({ id: 0 }),
          record({ id: 1 }),
          record({ id: 2, sentMs: undefined, chunkMs: [] }),
        ],
        stamps: [
          stamp(),
          stamp(), // The same request once more.
          stamp({ requestId: 'run-7' }),
          stamp({ requestId: 'other-1' }),
          stamp({ requestId: undefined }),
        ],
      }),
    )
    expect(error.requests).toEqual({
      compared: 1,
      incomplete: 0,
      miscounted: 0,
      recordsWithoutStamp: 1,
      stampsWithoutRecord: 4,
      unsent: 1,
    })
  })

  test('a delay below zero is told, unless it is of the last digit', () => {
    const chunkMs = [99.97, 149.9, 201, 241]
    const error = instrumentError(input({ records: [record({ chunkMs })], stamps: [stamp()] }))
    expect(error.negativeDelays).toBe(1)
    expect(error.delayMs.min).toBeCloseTo(-0.1, 9)
  })

  test('nothing at all is no error, and no figure either', () => {
    const error = instrumentError(input({}))
    expect(error.delayMs).toMatchObject({ n: 0, max: undefined })
    expect(error.latenessMs).toBeUndefined()
  })
})

/** Answers on both sides: gaps of the server, and how late the client saw each chunk. */
const answers = fc.array(
  fc.array(
    fc.record({
      gapMs: fc.integer({ min: 0, max: 400 }),
      delayMs: fc.integer({ min: 0, max: 90 }),
    }),
    { minLength: 1, maxLength: 20 },
  ),
  { minLength: 1, maxLength: 8 },
)

function bothSides(made: readonly (readonly { gapMs: number; delayMs: number }[])[], shift = 0) {
  const records = made.map((chunks, id) => {
    let atMs = 0
    return record({
      id,
      chunkMs: chunks.map(({ gapMs, delayMs }) => {
        atMs += gapMs
        return atMs + delayMs + shift
      }),
    })
  })
  const stamps = made.map((chunks, id) => {
    let atMs = 1000
    return stamp({
      requestId: `run-${id}`,
      chunkMonotonicMs: chunks.map(({ gapMs }) => {
        atMs += gapMs
        return atMs
      }),
    })
  })
  return instrumentError(input({ records, stamps }))
}

test('a constant delay moves every delay figure by just that, the TTFT error too, and no gap figure', () => {
  fc.assert(
    fc.property(answers, fc.integer({ min: 0, max: 500 }), (made, shift) => {
      const before = bothSides(made)
      const after = bothSides(made, shift)
      for (const figures of ['delayMs', 'ttftErrorMs'] as const) {
        const [a, b] = [before[figures], after[figures]]
        expect(b.n).toBe(a.n)
        for (const of of ['min', 'max'] as const) expect(b[of]).toBe((a[of] ?? Number.NaN) + shift)
        expect(b.p50.value).toBe((a.p50.value ?? Number.NaN) + shift)
      }
      expect(after.gapErrorMs).toEqual(before.gapErrorMs)
      expect(after.chunks).toEqual(before.chunks)
      expect(after.requests).toEqual(before.requests)
    }),
  )
})

describe('a level', () => {
  const log = levelLog({
    level: 1,
    windowStartMs: 1000,
    windowEndMs: 3000,
    startMs: 0,
    endMs: 4000,
  })
  const level = instrumentLevel(
    log,
    input({
      records: [
        record({ id: 0, level: 0 }),
        record({
          id: 1,
          level: 1,
          phase: 'warm-up',
          sentMs: 0,
          chunkMs: [900, 1500],
          closedMs: 1500,
        }),
        record({ id: 2, level: 1, sentMs: 1500, chunkMs: [2000, 3000], closedMs: 3500 }),
      ],
      stamps: [
        stamp({ requestId: 'run-0' }),
        stamp({ requestId: 'run-1', chunkMonotonicMs: [1800, 2400] }),
        stamp({ requestId: 'run-2', chunkMonotonicMs: [2999, 3999] }),
      ],
    }),
  )

  test('events are those in the window, whatever the request’s phase', () => {
    // 1500 and 2000, but not 900 and 3000, in 2 s.
    expect(level.eventsPerS).toBe(1)
  })

  test('streams are the mean number of answers under way in the window', () => {
    // 500 ms of one and 1,500 ms of the other, in 2,000 ms.
    expect(level.streams).toBe(1)
  })

  test('errors are of the measured phase, agreement is of every request of the level', () => {
    expect(level.error.delayMs).toMatchObject({ n: 2, min: 1, max: 1 })
    expect(level.agreement.chunks.compared).toBe(4)
    expect(level.agreement.requests).toMatchObject({ compared: 2, stampsWithoutRecord: 0 })
  })

  test('CPU per event is the CPU time of the level over all its chunks', () => {
    // 0.1 core for 4 s is 400,000 us; 4 chunks.
    expect(level.cpuUsPerEvent).toBe(100_000)
    expect(level.cpuCores).toBe(0.1)
  })
})

describe('the highest rate under a limit', () => {
  const base = instrumentLevel(levelLog(), input({}))
  const level = (eventsPerS: number, p99: number | undefined): InstrumentLevel => ({
    ...base,
    eventsPerS,
    error: {
      ...base.error,
      delayMs: { ...base.error.delayMs, p99: { p: 99, n: 1000, value: p99 } },
    },
  })
  test.each([
    [
      'is that of the fastest level under it',
      [
        [100, 0.2],
        [400, 0.9],
        [900, 1],
      ],
      { kind: 'reached', eventsPerS: 400 },
    ],
    [
      'is open where no level is over it',
      [
        [100, 0.2],
        [400, 0.9],
      ],
      { kind: 'all-under', eventsPerS: 400 },
    ],
    ['is none where each level is over it', [[100, 2]], { kind: 'none' }],
    [
      'leaves out a level without a p99',
      [
        [100, 0.2],
        [400, undefined],
      ],
      { kind: 'all-under', eventsPerS: 100 },
    ],
    ['is unknown where no level has a p99', [[100, undefined]], { kind: 'unknown' }],
  ] as const)('%s', (_what, levels, expected) => {
    expect(
      highestRateUnder(
        levels.map(([rate, p99]) => level(rate, p99)),
        1,
      ),
    ).toEqual(expected)
  })
})
