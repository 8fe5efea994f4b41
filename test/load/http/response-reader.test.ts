import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  closeResponse,
  createResponseReader,
  expectResponse,
  HttpProtocolError,
  type ResponseHandler,
  readResponse,
} from '../../../src/load/http/response-reader.ts'
import { fuzzCases } from '../fuzz-cases.ts'
import { anyCuts, bytewise, cutAt, pushReused } from './cut.ts'

interface Heard {
  status?: number
  headers: Record<string, string>
  /** One character a byte. */
  body: string
  ends: number
}

/** A reader that writes down what it hears of each response, as many as are expected. */
interface Listener {
  readonly heard: Heard[]
  readonly read: (pieces: readonly Buffer[]) => void
  readonly close: () => boolean
}

function listen(expected = Number.POSITIVE_INFINITY): Listener {
  const heard: Heard[] = []
  const expectNext = (): void => {
    if (heard.length < expected) expectResponse(reader)
  }
  const handler: ResponseHandler<Heard[]> = {
    onHead: (owner, { status, headers }) => {
      owner.push({ status, headers: Object.fromEntries(headers), body: '', ends: 0 })
    },
    onBody: (owner, bytes, start, end) => {
      const response = owner.at(-1)
      if (response) response.body += bytes.toString('latin1', start, end)
    },
    onEnd: (owner) => {
      const response = owner.at(-1)
      if (response) response.ends++
      expectNext()
    },
  }
  const reader = createResponseReader(handler)
  expectNext()
  return {
    heard,
    read: (pieces) =>
      pushReused((bytes, start, end) => readResponse(reader, heard, bytes, start, end), pieces),
    close: () => closeResponse(reader, heard),
  }
}

function read(pieces: readonly Buffer[]): Heard[] {
  const listener = listen()
  listener.read(pieces)
  return listener.heard
}

const readText = (text: string): Heard[] => read([Buffer.from(text, 'latin1')])

describe('bodies', () => {
  test('a body with a length ends after that many bytes', () => {
    expect(readText('HTTP/1.1 200 OK\r\nContent-Length: 5\r\nServer: x\r\n\r\nhello')).toEqual([
      { status: 200, headers: { 'content-length': '5', server: 'x' }, body: 'hello', ends: 1 },
    ])
  })

  test('a body with a length has not ended one byte before it', () => {
    const [response] = readText('HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhell')
    expect(response).toMatchObject({ body: 'hell', ends: 0 })
  })

  test('a body of length 0 ends with its head', () => {
    const [response] = readText('HTTP/1.1 500 Oops\r\ncontent-length: 0\r\n\r\n')
    expect(response).toMatchObject({ status: 500, body: '', ends: 1 })
  })

  test('a chunked body is its chunks; extensions and trailers are not part of it', () => {
    const text =
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n' +
      '5;name="value"\r\nhello\r\n7 \r\n, world\r\n0\r\nx-checksum: 1\r\nx-more: 2\r\n\r\n'
    expect(readText(text)).toEqual([
      { status: 200, headers: { 'transfer-encoding': 'chunked' }, body: 'hello, world', ends: 1 },
    ])
  })

  test('a chunk size is hexadecimal, in either case', () => {
    const body = 'a'.repeat(0x1a)
    const text = `HTTP/1.1 200 OK\r\ntransfer-encoding: gzip, Chunked\r\n\r\n01A\r\n${body}\r\n0\r\n\r\n`
    expect(readText(text)).toMatchObject([{ body, ends: 1 }])
  })

  test('a chunk may hold what looks like the end', () => {
    const text = 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\n0\r\n\r\n\r\n0\r\n\r\n'
    expect(readText(text)).toMatchObject([{ body: '0\r\n\r\n', ends: 1 }])
  })

  test('chunks go before a length', () => {
    const text =
      'HTTP/1.1 200 OK\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n'
    expect(readText(text)).toMatchObject([{ body: 'abc', ends: 1 }])
  })

  test.each([204, 304])('%i has no body, whatever its head says', (status) => {
    const text = `HTTP/1.1 ${status} x\r\ncontent-length: 3\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\na`
    expect(readText(text)).toMatchObject([
      { status, body: '', ends: 1 },
      { status: 200, body: 'a', ends: 1 },
    ])
  })

  test('a body without length or chunks ends when the peer closes, and only that is a proper end', () => {
    const { read, close, heard } = listen()
    read(bytewise(Buffer.from('HTTP/1.0 200 OK\r\n\r\nall of it')))
    expect(heard).toMatchObject([{ body: 'all of it', ends: 0 }])
    expect(close()).toBe(true)
    expect(heard).toMatchObject([{ body: 'all of it', ends: 1 }])
    expect(close()).toBe(false)
  })

  test.each([
    ['nothing', ''],
    ['half a head', 'HTTP/1.1 200 OK\r\ncontent-'],
    ['half a body', 'HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhel'],
    ['a last chunk without its end', 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n'],
  ])('closing after %s ends no response', (_, text) => {
    const { read, close, heard } = listen()
    read([Buffer.from(text)])
    expect(close()).toBe(false)
    expect(heard.every(({ ends }) => ends === 0)).toBe(true)
  })
})

describe('heads', () => {
  test('an interim response is not the response', () => {
    const text =
      'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n' +
      'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok'
    expect(readText(text)).toEqual([
      { status: 200, headers: { 'content-length': '2' }, body: 'ok', ends: 1 },
    ])
  })

  test('a head of bare line feeds is read like any other', () => {
    expect(readText('HTTP/1.1 200 OK\nContent-Length: 2\nA: b\n\nok')).toEqual([
      { status: 200, headers: { 'content-length': '2', a: 'b' }, body: 'ok', ends: 1 },
    ])
  })

  test('a reason is optional, a repeated header is joined, spaces around a value are not part of it', () => {
    expect(readText('HTTP/1.1 204\r\nVary: a\r\nvary:\t b \r\nempty:\r\n\r\n')).toMatchObject([
      { status: 204, headers: { vary: 'a, b', empty: '' }, ends: 1 },
    ])
  })

  test('several responses on one connection go to one handler each', () => {
    const text =
      'HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\na' +
      'HTTP/1.1 404 No\r\ntransfer-encoding: chunked\r\n\r\n1\r\nb\r\n0\r\n\r\n' +
      'HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n'
    const expected = [
      { status: 200, body: 'a', ends: 1 },
      { status: 404, body: 'b', ends: 1 },
      { status: 200, body: '', ends: 1 },
    ]
    expect(readText(text)).toMatchObject(expected)
    expect(read(bytewise(Buffer.from(text)))).toMatchObject(expected)
  })
})

describe('what is not HTTP/1.1 is a protocol error', () => {
  const chunked = 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n'
  test.each([
    ['another protocol', 'SSH-2.0-OpenSSH_9.6\r\n\r\n', 'not an HTTP/1.1 status line'],
    ['HTTP/2', 'HTTP/2 200\r\n\r\n', 'not an HTTP/1.1 status line'],
    ['a status of two digits', 'HTTP/1.1 20 OK\r\n\r\n', 'not an HTTP/1.1 status line'],
    ['an empty head', '\r\n\r\n', 'not an HTTP/1.1 status line'],
    ['a header without colon', 'HTTP/1.1 200 OK\r\nserver\r\n\r\n', 'bad header "server"'],
    ['a header without name', 'HTTP/1.1 200 OK\r\n: x\r\n\r\n', 'bad header ": x"'],
    ['a switch of protocol', 'HTTP/1.1 101 Go\r\n\r\n', 'unexpected protocol switch'],
    ['a negative length', 'HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n', 'bad content-length'],
    ['two lengths', 'HTTP/1.1 200 OK\r\ncontent-length: 1, 2\r\n\r\n', 'bad content-length "1, 2"'],
    ['a chunk size that is no number', `${chunked}xyz\r\n`, 'bad chunk size "xyz"'],
    ['no chunk size', `${chunked}\r\n`, 'bad chunk size ""'],
    ['a chunk size beyond all bounds', `${chunked}${'f'.repeat(13)}\r\n`, 'bad chunk size'],
    ['a chunk longer than its size', `${chunked}3\r\nabcd\r\n`, 'chunk longer than its size'],
  ])('%s', (_, text, message) => {
    for (const pieces of [[Buffer.from(text)], bytewise(Buffer.from(text))]) {
      expect(() => read(pieces)).toThrow(HttpProtocolError)
      expect(() => read(pieces)).toThrow(message)
    }
  })

  test('bytes that no request asked for', () => {
    const { read, heard } = listen(1)
    const whole = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok'
    read([Buffer.from(whole)])
    expect(heard).toMatchObject([{ body: 'ok', ends: 1 }])
    expect(() => read([Buffer.from('more')])).toThrow('bytes arrived that no request asked for')
  })

  test('bytes after the end, in the same read: the response ends first', () => {
    const { read, heard } = listen(1)
    const tooMuch = Buffer.from('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok?')
    expect(() => read([tooMuch])).toThrow('bytes arrived that no request asked for')
    expect(heard).toMatchObject([{ body: 'ok', ends: 1 }])
  })
})

describe('a limit is the same however the bytes are split', () => {
  const long = 'x'.repeat(9_000)
  test.each([
    ['a head', `HTTP/1.1 200 OK\r\nx: ${'x'.repeat(66_000)}\r\n\r\n`, 'response head over 64 KiB'],
    [
      'a chunk extension',
      `HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1;${long}\r\na\r\n0\r\n\r\n`,
      'line over 8 KiB',
    ],
    [
      'a trailer',
      `HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\nx: ${long}\r\n\r\n`,
      'line over 8 KiB',
    ],
  ])('%s that is too long', (_, text, message) => {
    const bytes = Buffer.from(text)
    expect(() => read([bytes])).toThrow(message)
    expect(() => read(cutAt(bytes, [1_000, bytes.length - 10]))).toThrow(message)
    expect(() => read(cutAt(bytes, [bytes.length - 1]))).toThrow(message)
  })

  test('a head without end is given up at 64 KiB', () => {
    const pieces = [Buffer.from('HTTP/1.1 200 OK\r\n'), Buffer.alloc(70_000, 'x: y\r\n')]
    expect(() => read(pieces)).toThrow('response head over 64 KiB')
  })
})

interface Sample {
  readonly text: string
  readonly expected: Heard
}

/** A valid response and what it says. A body that ends by closing can only come last. */
function anyResponse(framings: readonly ('length' | 'chunked' | 'close')[]): fc.Arbitrary<Sample> {
  return fc
    .record({
      framing: fc.constantFrom(...framings),
      status: fc.constantFrom(200, 200, 200, 201, 204, 304, 404, 500),
      newline: fc.constantFrom('\r\n', '\n'),
      interims: fc.array(fc.constantFrom('100 Continue', '103 Early Hints'), { maxLength: 2 }),
      extra: fc.array(fc.tuple(fc.constantFrom('X-A', 'x-b', 'Vary'), fc.stringMatching(/^\w+$/)), {
        maxLength: 4,
      }),
      chunks: fc.array(fc.uint8Array({ minLength: 1, maxLength: 60 }), { maxLength: 6 }),
      extension: fc.constantFrom('', ';a', ' ; a="b c"'),
      trailers: fc.array(fc.constantFrom('x-end: 1', 'x-sum: abc'), { maxLength: 2 }),
    })
    .map(({ framing, status, newline, interims, extra, chunks, extension, trailers }) => {
      const parts = chunks.map((chunk) => Buffer.from(chunk).toString('latin1'))
      const bodiless = status === 204 || status === 304
      const body = bodiless ? '' : parts.join('')
      const framingHeader: [string, string][] =
        framing === 'length'
          ? [['Content-Length', String(body.length)]]
          : framing === 'chunked'
            ? [['Transfer-Encoding', 'chunked']]
            : []
      const headers = [...extra, ...framingHeader]
      const head = [`HTTP/1.1 ${status} Some Reason`, ...headers.map(([k, v]) => `${k}: ${v}`)]
      const sizes = parts.map((part) => `${part.length.toString(16)}${extension}\r\n${part}\r\n`)
      const framed =
        framing === 'chunked' && !bodiless
          ? `${sizes.join('')}0\r\n${trailers.map((line) => `${line}\r\n`).join('')}\r\n`
          : body
      const text = [
        ...interims.map((line) => `HTTP/1.1 ${line}${newline}${newline}`),
        ...head.map((line) => `${line}${newline}`),
        newline,
        framed,
      ].join('')
      return { text, expected: { status, headers: joined(headers), body, ends: 1 } }
    })
}

function joined(headers: readonly (readonly [string, string])[]): Record<string, string> {
  const result: Record<string, string> = {}
  for (const [name, value] of headers) {
    const key = name.toLowerCase()
    result[key] = key in result ? `${result[key]}, ${value}` : value
  }
  return result
}

/** Another reader, of a whole and valid text at once. */
function parseWhole(text: string): Heard[] {
  if (text === '') return []
  const empty = /\r?\n\r?\n/.exec(text)
  if (empty === null) throw new Error('no end of the head')
  const [statusLine = '', ...lines] = text.slice(0, empty.index).split(/\r?\n/)
  const status = Number(statusLine.split(' ')[1])
  const rest = text.slice(empty.index + empty[0].length)
  if (status < 200) return parseWhole(rest)
  const headers = joined(
    lines.map((line): [string, string] => {
      const [name = '', ...value] = line.split(':')
      return [name, value.join(':').trim()]
    }),
  )
  const [body, after] = splitBody(status, headers, rest)
  return [{ status, headers, body, ends: 1 }, ...parseWhole(after)]
}

function splitBody(
  status: number,
  headers: Readonly<Record<string, string>>,
  rest: string,
): [body: string, after: string] {
  if (status === 204 || status === 304) return ['', rest]
  if (headers['transfer-encoding'] === 'chunked') return splitChunks(rest)
  const length = headers['content-length']
  return length === undefined ? [rest, ''] : [rest.slice(0, +length), rest.slice(+length)]
}

function splitChunks(text: string): [body: string, after: string] {
  const lineEnd = text.indexOf('\r\n')
  const size = Number.parseInt(text.slice(0, lineEnd), 16)
  const rest = text.slice(lineEnd + 2)
  if (size === 0) {
    const end = rest.startsWith('\r\n') ? 2 : rest.indexOf('\r\n\r\n') + 4
    return ['', rest.slice(end)]
  }
  const [more, after] = splitChunks(rest.slice(size + 2))
  return [rest.slice(0, size) + more, after]
}

describe('any responses, cut anywhere', () => {
  const anyConnection = fc
    .tuple(
      fc.array(anyResponse(['length', 'chunked']), { maxLength: 3 }),
      anyResponse(['length', 'chunked', 'close']),
    )
    .map(([first, last]) => [...first, last])

  test('say the same as whole, and the same as a simpler reader says of them', () => {
    fc.assert(
      fc.property(anyConnection, anyCuts, (samples, cuts) => {
        const text = samples.map((sample) => sample.text).join('')
        const bytes = Buffer.from(text, 'latin1')
        const expected = samples.map((sample) => sample.expected)
        expect(parseWhole(text)).toEqual(expected)
        for (const pieces of [[bytes], cutAt(bytes, cuts), bytewise(bytes)]) {
          const { read, close, heard } = listen()
          read(pieces)
          close()
          expect(heard).toEqual(expected)
        }
      }),
      { numRuns: fuzzCases(400) },
    )
  })

  const survives = (bytes: Buffer, cuts: readonly number[]): void => {
    const { read, close } = listen()
    try {
      read(cutAt(bytes, cuts))
      close()
    } catch (error) {
      expect(error).toBeInstanceOf(HttpProtocolError)
    }
  }

  test('bytes at random give a protocol error or nothing', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 500 }), anyCuts, (bytes, cuts) =>
        survives(Buffer.from(bytes), cuts),
      ),
      { numRuns: fuzzCases(500) },
    )
  })

  test('responses with bytes changed at random give a protocol error or something', () => {
    const change = fc.tuple(
      fc.nat(4_000),
      fc.oneof(fc.constantFrom(10, 13, 32, 48, 58), fc.nat(255)),
    )
    fc.assert(
      fc.property(
        anyConnection,
        fc.array(change, { minLength: 1, maxLength: 5 }),
        anyCuts,
        (samples, changes, cuts) => {
          const bytes = Buffer.from(samples.map(({ text }) => text).join(''), 'latin1')
          for (const [place, byte] of changes) bytes[place % bytes.length] = byte
          survives(bytes, cuts)
        },
      ),
      { numRuns: fuzzCases(1_000) },
    )
  })
})
