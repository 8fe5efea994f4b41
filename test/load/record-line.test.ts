import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type EndedRequest, toRecord } from '../../src/load/ended-request.ts'
import { createLineWriter, parseLine } from '../../src/load/record-line.ts'
import { addStamp, createStamps } from '../../src/load/stamps.ts'

function ended(parts: Partial<EndedRequest> = {}, chunksUs: readonly number[] = []): EndedRequest {
  const chunks = createStamps(4)
  for (const us of chunksUs) addStamp(chunks, us)
  return {
    request: {
      id: 7,
      level: 1,
      phase: 'measured',
      bytes: Buffer.alloc(0),
      requestedInputTokens: 16,
      requestedOutputTokens: 3,
    },
    outcome: { kind: 'completed' },
    sentMs: 1_000,
    closedMs: 1_040.0004,
    chunks,
    ...parts,
  }
}

/** What a writer hands on for some requests. */
function written(requests: readonly EndedRequest[]): {
  text: string
  lines: number
  blocks: number
} {
  const blocks: Uint8Array[] = []
  let lines = 0
  const writer = createLineWriter((block, count) => {
    blocks.push(block)
    lines += count
  })
  for (const request of requests) writer.write(request)
  writer.flush()
  return { text: Buffer.concat(blocks).toString('utf8'), lines, blocks: blocks.length }
}

test('a line holds the first chunk since the epoch and then gaps, in whole microseconds', () => {
  const { text } = written([ended({}, [1_020_500, 1_030_500, 1_030_500, 1_039_999])])
  expect(text).toBe(
    '{"id":7,"level":1,"phase":"measured","sentMs":1000,"closedMs":1040,"outcome":{"kind":"completed"},' +
      '"requestedInputTokens":16,"requestedOutputTokens":3,"chunkGapsUs":[1020500,10000,0,9499]}\n',
  )
  expect(parseLine(text)?.chunkMs).toEqual([1_020.5, 1_030.5, 1_030.5, 1_039.999])
})

test('a request without a chunk has an empty list', () => {
  const { text } = written([ended({ outcome: { kind: 'timed-out', timer: 'connect' } })])
  expect(text).toContain('"chunkGapsUs":[]}')
  expect(parseLine(text)?.chunkMs).toEqual([])
})

test('whatever a request came to, its line gives back its record', () => {
  const times = fc.array(fc.integer({ min: 0, max: 3_600_000_000 }), { maxLength: 50 })
  const detail = fc.string({ unit: 'binary', maxLength: 400 })
  fc.assert(
    fc.property(times, detail, fc.integer({ min: 0, max: 2 ** 52 }), (gaps, text, firstUs) => {
      let us = firstUs
      const chunks = gaps.map((gap) => {
        us += gap
        return us
      })
      const request = ended(
        { outcome: { kind: 'failed', failure: 'error-event', detail: text } },
        chunks,
      )
      const { text: line } = written([request])
      // JSON knows no lone surrogates as text: both sides go through it.
      expect(parseLine(line)).toEqual(JSON.parse(JSON.stringify(toRecord(request))))
      expect(line.split(/[\n\u2028\u2029]/)).toHaveLength(2)
    }),
  )
})

test('blocks hold whole lines, and a line longer than a block is one of its own', () => {
  const long = Array.from({ length: 100_000 }, (_, i) => 1_000_000 + 20_000 * i)
  const short = ended({}, [1])
  const many = Array<EndedRequest>(2_000).fill(short)
  const { text, lines, blocks } = written([short, ended({}, long), ...many])
  expect(lines).toBe(2_002)
  expect(blocks).toBe(2)
  const records = text.trimEnd().split('\n').map(parseLine)
  expect(records).toHaveLength(2_002)
  expect(records[1]?.chunkMs).toHaveLength(100_000)
  expect(records[1]?.chunkMs.at(-1)).toBe(1_000 + 20 * 99_999)
})

test('nothing is handed on when nothing was written', () => {
  expect(written([])).toEqual({ text: '', lines: 0, blocks: 0 })
})

test.each([
  ['a cut line', '{"id":7,"level":1,"outcome":{"kind":"comp'],
  ['another JSON', '[1,2,3]'],
  ['null', 'null'],
  [
    'a line of the format before',
    '{"id":7,"level":1,"outcome":{"kind":"completed"},"chunkMs":[1]}',
  ],
])('%s is no record', (_, line) => {
  expect(parseLine(line)).toBeUndefined()
})
