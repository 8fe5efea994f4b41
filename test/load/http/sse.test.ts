import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createSseReader, readEvents } from '../../../src/load/http/sse.ts'
import { fuzzCases } from '../fuzz-cases.ts'
import { anyCuts, bytewise, cutAt, pushReused } from './cut.ts'
import { interpret } from './interpret.ts'

function read(pieces: readonly Buffer[]): string[] {
  const events: string[] = []
  const reader = createSseReader<string[]>((owner, bytes, start, end) =>
    owner.push(bytes.toString('utf8', start, end)),
  )
  pushReused((bytes, start, end) => readEvents(reader, events, bytes, start, end), pieces)
  return events
}

/** What a text says, the same whether it comes whole or byte by byte. */
function readText(text: string): string[] {
  const bytes = Buffer.from(text)
  const whole = read([bytes])
  expect(read(bytewise(bytes))).toEqual(whole)
  return whole
}

describe('server-sent events, by hand', () => {
  test.each([
    ['LF', 'data: a\n\ndata: b\n\n'],
    ['CRLF', 'data: a\r\n\r\ndata: b\r\n\r\n'],
    ['CR', 'data: a\r\rdata: b\r\r'],
    ['all three', 'data: a\r\n\ndata: b\r\r\n'],
  ])('lines may end with %s', (_, text) => {
    expect(readText(text)).toEqual(['a', 'b'])
  })

  test('comments and other fields are skipped, also inside an event', () => {
    expect(
      readText(
        ': ping\n\nevent: x\nid: 1\ndata: a\n: in between\nretry: 5\n\ndatax: no\n data: no\n\n',
      ),
    ).toEqual(['a'])
  })

  test('several data lines are one event, joined by a line feed', () => {
    expect(readText('data: a\ndata:\ndata:  b\n\n')).toEqual(['a\n\n b'])
  })

  test('only one space after the colon is not part of the data', () => {
    expect(readText('data:a\n\ndata: b\n\ndata:  c\n\ndata::d\n\n')).toEqual(['a', 'b', ' c', ':d'])
  })

  test('data without a colon is an empty line of data', () => {
    expect(readText('data\n\ndata\ndata\n\n')).toEqual(['', '\n'])
  })

  test('a byte order mark is skipped, at the very start only', () => {
    expect(readText('\uFEFFdata: a\n\n\uFEFFdata: b\n\ndata: \uFEFFc\n\n')).toEqual([
      'a',
      '\uFEFFc',
    ])
  })

  test('an event that the stream never finished is not an event', () => {
    expect(readText('data: a\n\ndata: b\n')).toEqual(['a'])
    expect(readText('data: a\n\ndata: b')).toEqual(['a'])
  })

  test('an empty line without data before it is no event', () => {
    expect(readText('\n\r\n\r\nevent: ping\n\n')).toEqual([])
  })

  test('the line feed of a CRLF may come with the next read', () => {
    expect(read(['data: a\r', '\n\r', '\ndata: b\r', '\r'].map((s) => Buffer.from(s)))).toEqual([
      'a',
      'b',
    ])
  })

  test('characters of several bytes survive every split', () => {
    const bytes = Buffer.from('data: é漢😀\n\n')
    for (let cut = 0; cut <= bytes.length; cut++) {
      expect(read(cutAt(bytes, [cut]))).toEqual(['é漢😀'])
    }
  })
})

describe('any stream, cut anywhere', () => {
  const word = fc.constantFrom(
    ...['data', 'data:', 'data: ', 'event: x', ': ping', ':', ' ', '{"a":"b"}', '[DONE]'],
    ...['\n', '\n\n', '\r', '\r\n', '\r\n\r\n', 'é', '漢', '😀', '\uFEFF', '\0'],
  )

  test('says what the rules say', () => {
    fc.assert(
      fc.property(fc.array(word, { maxLength: 60 }), anyCuts, (words, cuts) => {
        const bytes = Buffer.from(words.join(''))
        const expected = interpret(bytes)
        expect(read(cutAt(bytes, cuts))).toEqual(expected)
        expect(read(bytewise(bytes))).toEqual(expected)
      }),
      { numRuns: fuzzCases(600) },
    )
  })

  test('also where it is not valid UTF-8', () => {
    const piece = fc.oneof(
      word.map((text) => Buffer.from(text)),
      fc.uint8Array({ maxLength: 3 }).map((bytes) => Buffer.from(bytes)),
    )
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 60 }), anyCuts, (pieces, cuts) => {
        const bytes = Buffer.concat(pieces)
        expect(read(cutAt(bytes, cuts))).toEqual(interpret(bytes))
      }),
      { numRuns: fuzzCases(600) },
    )
  })
})
