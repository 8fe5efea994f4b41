import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createNdjsonReader, endNdjson, readNdjson } from '../../../src/load/http/ndjson.ts'
import { HttpProtocolError } from '../../../src/load/http/response-reader.ts'
import { fuzzCases } from '../fuzz-cases.ts'
import { anyCuts, bytewise, cutAt, pushReused } from './cut.ts'

function read(pieces: readonly Buffer[]): string[] {
  const events: string[] = []
  const reader = createNdjsonReader<string[]>((owner, bytes, start, end) =>
    owner.push(bytes.toString('utf8', start, end)),
  )
  pushReused((bytes, start, end) => readNdjson(reader, events, bytes, start, end), pieces)
  endNdjson(reader, events)
  return events
}

/** What a text says, the same whether it comes whole or byte by byte. */
function readText(text: string): string[] {
  const bytes = Buffer.from(text)
  const whole = read([bytes])
  expect(read(bytewise(bytes))).toEqual(whole)
  return whole
}

describe('lines of JSON, by hand', () => {
  test('end with LF or CRLF', () => {
    expect(readText('{"a":1}\n{"b":2}\r\n{"c":3}\n')).toEqual(['{"a":1}', '{"b":2}', '{"c":3}'])
  })

  test('may be blank, or have blanks around them', () => {
    expect(readText('\n\r\n  \n\t{"a":1} \r\n\r\r\n{"b":2}\n\n')).toEqual(['{"a":1}', '{"b":2}'])
  })

  test('a CR inside is part of the line', () => {
    expect(readText('{"a":\r1}\n')).toEqual(['{"a":\r1}'])
  })

  test('the last needs no end', () => {
    expect(readText('{"a":1}\n{"b":2}')).toEqual(['{"a":1}', '{"b":2}'])
    expect(readText('{"a":1}\n{"b":2}\r')).toEqual(['{"a":1}', '{"b":2}'])
    expect(readText('{"a":1}\n \r')).toEqual(['{"a":1}'])
    expect(readText('')).toEqual([])
  })

  test('a reader tells its last line once, and not before the end', () => {
    const events: string[] = []
    const reader = createNdjsonReader<string[]>((to, bytes, start, end) =>
      to.push(bytes.toString('utf8', start, end)),
    )
    readNdjson(reader, events, Buffer.from('{"a":1}'), 0, 7)
    expect(events).toEqual([])
    endNdjson(reader, events)
    endNdjson(reader, events)
    expect(events).toEqual(['{"a":1}'])
  })

  test('letters of several bytes survive every split', () => {
    const bytes = Buffer.from('é漢😀\n')
    for (let cut = 0; cut <= bytes.length; cut++)
      expect(read(cutAt(bytes, [cut]))).toEqual(['é漢😀'])
  })

  test('16 MiB are a line, and more without an end is an error', () => {
    const piece = Buffer.alloc(4 * 1024 * 1024, 'x')
    const most = [piece, piece, piece, piece]
    expect(read(most).map(({ length }) => length)).toEqual([16 * 1024 * 1024])
    expect(() => read([...most, Buffer.from('y')])).toThrow(HttpProtocolError)
  })
})

test('any lines, cut anywhere, are what splitting the text at its ends gives', () => {
  const word = fc.constantFrom(
    ...[
      '{"a":1}',
      '{',
      '}',
      ' ',
      '\t',
      '\n',
      '\n\n',
      '\r',
      '\r\n',
      'é',
      '漢',
      '😀',
      '\uFEFF',
      '\0',
    ],
  )
  const bytesOf = fc.oneof(
    word.map((text) => Buffer.from(text)),
    fc.uint8Array({ maxLength: 3 }).map((bytes) => Buffer.from(bytes)),
  )
  fc.assert(
    fc.property(fc.array(bytesOf, { maxLength: 60 }), anyCuts, (pieces, cuts) => {
      const bytes = Buffer.concat(pieces)
      // Latin-1 has a letter for each byte, so nothing is lost where it is no UTF-8.
      const expected = bytes
        .toString('latin1')
        .split('\n')
        .map((line) => line.replace(/^[ \t\r]+|[ \t\r]+$/g, ''))
        .filter((line) => line !== '')
        .map((line) => Buffer.from(line, 'latin1').toString('utf8'))
      expect(read(cutAt(bytes, cuts))).toEqual(expected)
      expect(read(bytewise(bytes))).toEqual(expected)
    }),
    { numRuns: fuzzCases(600) },
  )
})
