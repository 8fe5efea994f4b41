import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type EndedRequest, toRecord } from '../../src/load/ended-request.ts'
import { createLineWriter, parseLine } from '../../src/load/record-line.ts'
import { addStamp, createStamps } from '../../src/load/stamps.ts'
import { fuzzCases } from './fuzz-cases.ts'

function stampsOf(timesUs: readonly number[]) {
  const stamps = createStamps(0)
  for (const us of timesUs) addStamp(stamps, us)
  return stamps
}

const ended: EndedRequest = {
  request: {
    id: 4,
    level: 1,
    phase: 'measured',
    dueMs: 1_000,
    requestedInputTokens: 8,
    requestedOutputTokens: 3,
  },
  outcome: { kind: 'completed' },
  sentMs: 1_000.0304,
  firstByteMs: 1_010.5,
  chunks: stampsOf([1_010_500, 1_010_500, 1_031_007]),
  endMs: 1_031.007,
  closedMs: 1_031.0071,
  httpStatus: 200,
  finishReason: 'length',
  usage: { inputTokens: 8, outputTokens: 3 },
}

function write(...all: readonly EndedRequest[]): string[] {
  const blocks: string[] = []
  const writer = createLineWriter((block) => blocks.push(Buffer.from(block).toString('utf8')))
  for (const one of all) writer.write(one)
  writer.flush()
  return blocks
}

const roundTrip = (one: EndedRequest) => parseLine(write(one).join(''))
const asJson = (value: unknown): unknown => JSON.parse(JSON.stringify(value))

describe('a line', () => {
  test('holds times to the microsecond, and chunk times as gaps', () => {
    expect(write(ended)).toEqual([
      '{"id":4,"level":1,"phase":"measured","dueMs":1000.000,"sentMs":1000.030,' +
        '"firstByteMs":1010.500,"endMs":1031.007,"closedMs":1031.007,' +
        '"outcome":{"kind":"completed"},"httpStatus":200,"finishReason":"length",' +
        '"requestedInputTokens":8,"requestedOutputTokens":3,' +
        '"usage":{"inputTokens":8,"outputTokens":3},"chunkGapsUs":[1010500,0,20507]}\n',
    ])
  })

  test('holds what the server said of its times and of the tokens of each chunk, where it did', () => {
    const [text = ''] = write({
      ...ended,
      serverTimings: { promptMs: 1.5, decodeMs: 20.507, queueMs: 0, totalMs: 31, outputTokens: 3 },
      chunkTokens: [1, 0, 12],
    })
    expect(text).toContain(
      '"serverTimings":{"promptMs":1.500,"decodeMs":20.507,"queueMs":0.000,"totalMs":31.000,' +
        '"outputTokens":3},"chunkTokens":[1,0,12],"chunkGapsUs":[1010500,0,20507]}\n',
    )
  })

  test('is the record again when it is read', () => {
    expect(roundTrip(ended)).toEqual(asJson(toRecord(ended)))
  })

  test('is one line whatever a server says in it', () => {
    const detail = 'a\nb\u2028c\u2029d"\\\u0000é漢😀\ud800'
    const [text = ''] = write({
      ...ended,
      outcome: { kind: 'failed', failure: 'error-event', detail },
      finishReason: '\u2028',
    })
    expect(text.split(/[\n\r\u2028\u2029]/)).toHaveLength(2)
    expect(parseLine(text)?.outcome).toEqual({ kind: 'failed', failure: 'error-event', detail })
  })

  test('cut short by a crash is no record', () => {
    const [text = ''] = write(ended)
    expect(parseLine(text.slice(0, -3))).toBeUndefined()
    expect(parseLine('null')).toBeUndefined()
    expect(parseLine('{"id":1}')).toBeUndefined()
    expect(parseLine(text.replace('"chunkGapsUs":', '"chunkTokens":3,$&'))).toBeUndefined()
    // As earlier versions wrote it.
    expect(
      parseLine('{"id":7,"level":1,"outcome":{"kind":"completed"},"chunkMs":[1]}'),
    ).toBeUndefined()
  })
})

test('any request gives a line that is the record again', () => {
  const ms = fc.double({ min: 0, max: 1e8, noNaN: true })
  const wholeUs = fc.nat(1e12).map((us) => us / 1_000)
  const maybe = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined })
  const text = fc.string({ unit: 'binary', maxLength: 300 })
  const count = maybe(fc.nat())
  const outcome: fc.Arbitrary<EndedRequest['outcome']> = fc.oneof(
    fc.constantFrom(
      { kind: 'completed' } as const,
      { kind: 'cancelled' } as const,
      { kind: 'abandoned' } as const,
    ),
    fc.constantFrom({ kind: 'timed-out', timer: 'idle' } as const),
    text.map((detail) => ({ kind: 'failed', failure: 'client-other', detail }) as const),
  )
  const any = fc
    .record({
      id: fc.integer(),
      phase: fc.constantFrom('warm-up' as const, 'measured' as const),
      dueMs: maybe(ms),
      outcome,
      times: fc.record({ sentMs: maybe(ms), connectMs: maybe(ms), firstByteMs: maybe(ms) }),
      more: fc.record({
        firstEventMs: maybe(ms),
        firstVisibleMs: maybe(ms),
        finishMs: maybe(ms),
        endMs: maybe(ms),
        closedMs: ms,
      }),
      firstUs: fc.nat(1e12),
      gapsUs: fc.array(fc.nat(2 ** 32 - 1), { maxLength: 50 }),
      httpStatus: count,
      finishReason: maybe(text),
      usage: maybe(
        fc.record({
          inputTokens: count,
          outputTokens: count,
          cachedInputTokens: count,
          reasoningTokens: count,
        }),
      ),
      serverTimings: maybe(
        fc.record({
          promptMs: maybe(wholeUs),
          decodeMs: maybe(wholeUs),
          queueMs: maybe(wholeUs),
          totalMs: maybe(wholeUs),
          inputTokens: count,
          outputTokens: count,
          cachedInputTokens: count,
        }),
      ),
      chunkTokens: maybe(fc.array(fc.nat(), { maxLength: 50 })),
    })

    .map(({ id, phase, dueMs, times, more, firstUs, gapsUs, ...rest }): EndedRequest => {
      let us = firstUs
      const chunks = stampsOf([us, ...gapsUs.map((gap) => (us += gap))])
      return { ...rest, ...times, ...more, chunks, request: { ...ended.request, id, phase, dueMs } }
    })
  fc.assert(
    fc.property(any, (one) => {
      expect(roundTrip(one)).toEqual(asJson(toRecord(one)))
    }),
    { numRuns: fuzzCases(1_000) },
  )
})

test('blocks hold whole lines in their order, however long a line is', () => {
  const long = { ...ended, chunks: stampsOf(Array.from({ length: 30_000 }, (_, i) => 1e9 * i)) }
  const all = Array.from({ length: 2_000 }, (_, id) => ({
    ...(id === 1_000 ? long : ended),
    request: { ...ended.request, id },
  }))
  const blocks = write(...all)
  expect(blocks.length).toBeGreaterThan(3)
  expect(blocks.every((block) => block.endsWith('}\n'))).toBe(true)
  const ids = blocks.flatMap((block) => block.trim().split('\n').map(parseLine)).map((r) => r?.id)
  expect(ids).toEqual(all.map(({ request }) => request.id))
})

test('each block says how many lines are in it, and an empty one is not handed on', () => {
  const told: number[] = []
  const writer = createLineWriter((_, lines) => told.push(lines))
  writer.flush()
  for (let i = 0; i < 3; i++) writer.write(ended)
  writer.flush()
  writer.flush()
  expect(told).toEqual([3])
})
