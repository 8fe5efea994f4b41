/** Status line and headers of a response. Header names are in lower case; repeated ones are joined by `, `. */
export interface ResponseHead {
  readonly status: number
  readonly headers: ReadonlyMap<string, string>
  /** Whether the connection may carry another request. */
  readonly keepAlive: boolean
}

/** What a reader tells of one response. Body bytes are in a buffer that is reused: copy to keep. */
export interface ResponseHandler {
  readonly onHead: (head: ResponseHead) => void
  readonly onBody: (bytes: Buffer, start: number, end: number) => void
  readonly onEnd: () => void
}

/** The peer broke HTTP/1.1. */
export class HttpProtocolError extends Error {}

/** Reads one HTTP/1.1 response after another from a connection's bytes, however they are split. */
export interface ResponseReader {
  /** @throws HttpProtocolError when the bytes are not HTTP/1.1 */
  readonly push: (bytes: Buffer) => void
  /** Call when the peer closed. True when that ended a response properly (a body ended by closing). */
  readonly close: () => boolean
}

const LF = 10
const CR = 13
const MAX_HEAD_BYTES = 65_536
const MAX_LINE_BYTES = 8_192
const EMPTY = Buffer.alloc(0)

/** What comes next on the connection. */
type State =
  | 'idle'
  | 'head'
  | 'body-length'
  | 'body-until-close'
  | 'chunk-size'
  | 'chunk-data'
  | 'chunk-end'
  | 'trailer'

/** A step's answer when it needs more bytes than there are. */
const MORE = -1

/**
 * A reader for the responses of one keep-alive connection. `next` is called when a response begins
 * and returns who hears of it; bytes nobody asked for are a protocol error.
 */
export function createResponseReader(next: () => ResponseHandler | undefined): ResponseReader {
  let state: State = 'idle'
  /** Bytes left of a body or a chunk. */
  let left = 0
  let handler: ResponseHandler | undefined
  let pending: Buffer = EMPTY

  const push = (bytes: Buffer): void => {
    const all = pending.length > 0 ? Buffer.concat([pending, bytes]) : bytes
    pending = EMPTY
    for (let at = 0; at < all.length; ) {
      const after = step(all, at)
      if (after === MORE) {
        // A view of the socket's buffer would be overwritten by the next read.
        pending = Buffer.from(all.subarray(at))
        return
      }
      at = after
    }
  }

  /** Takes what it can from there on and says where it stopped. */
  const step = (bytes: Buffer, at: number): number => {
    switch (state) {
      case 'idle':
        return begin(at)
      case 'head':
        return readHead(bytes, at)
      case 'body-length':
      case 'chunk-data':
        return readBody(bytes, at)
      case 'body-until-close':
        handler?.onBody(bytes, at, bytes.length)
        return bytes.length
      case 'chunk-size':
        return readChunkSize(bytes, at)
      case 'chunk-end':
        return readChunkEnd(bytes, at)
      case 'trailer':
        return withLine(bytes, at, readTrailer)
    }
  }

  const begin = (at: number): number => {
    handler = next()
    if (!handler) throw new HttpProtocolError('bytes arrived that no request asked for')
    state = 'head'
    return at
  }

  const readHead = (bytes: Buffer, at: number): number => {
    const length = headLength(bytes, at)
    if ((length ?? bytes.length - at) > MAX_HEAD_BYTES)
      throw new HttpProtocolError('response head over 64 KiB')
    if (length === undefined) return MORE
    const head = parseHead(bytes.toString('latin1', at, at + length))
    // 101 would hand the connection to another protocol, which nobody asked for.
    if (head.status === 101) throw new HttpProtocolError('unexpected protocol switch')
    if (head.status < 200) return at + length
    handler?.onHead(head)
    const body = bodyOf(head)
    state = body.state
    left = body.length
    if (state === 'idle') finish()
    return at + length
  }

  const readBody = (bytes: Buffer, at: number): number => {
    const end = Math.min(bytes.length, at + left)
    left -= end - at
    handler?.onBody(bytes, at, end)
    if (left === 0) {
      if (state === 'chunk-data') state = 'chunk-end'
      else finish()
    }
    return end
  }

  /** By hand where the line is nothing but digits, as it nearly always is: this is done for every token. */
  const readChunkSize = (bytes: Buffer, at: number): number => {
    let size = 0
    let i = at
    for (; i < bytes.length && i - at < MAX_SIZE_DIGITS; i++) {
      const digit = HEX[bytes[i] ?? 0] ?? -1
      if (digit < 0) break
      size = size * 16 + digit
    }
    if (i === at || bytes[i] !== CR || bytes[i + 1] !== LF)
      return withLine(bytes, at, parseChunkSize)
    beginChunk(size)
    return i + 2
  }

  const parseChunkSize = (line: string): void => {
    const digits = /^([0-9a-fA-F]{1,12})[ \t]*(;|$)/.exec(line)?.[1]
    if (digits === undefined)
      throw new HttpProtocolError(`bad chunk size ${JSON.stringify(line.slice(0, 40))}`)
    beginChunk(Number.parseInt(digits, 16))
  }

  const beginChunk = (size: number): void => {
    left = size
    state = size === 0 ? 'trailer' : 'chunk-data'
  }

  const readChunkEnd = (bytes: Buffer, at: number): number => {
    if (bytes[at] === CR && bytes[at + 1] === LF) {
      state = 'chunk-size'
      return at + 2
    }
    return withLine(bytes, at, (line) => {
      if (line !== '') throw new HttpProtocolError('chunk longer than its size')
      state = 'chunk-size'
    })
  }

  const readTrailer = (line: string): void => {
    if (line === '') finish()
  }

  const finish = (): void => {
    state = 'idle'
    const done = handler
    handler = undefined
    done?.onEnd()
  }

  const close = (): boolean => {
    if (state !== 'body-until-close') return false
    finish()
    return true
  }

  return { push, close }
}

const MAX_SIZE_DIGITS = 12

/** Value of a hexadecimal digit by its byte, -1 for other bytes. */
const HEX = Int8Array.from({ length: 256 }, (_, byte) =>
  '0123456789abcdef'.indexOf(String.fromCharCode(byte).toLowerCase()),
)

/** Hands over one line without its end and says where the next one begins. */
function withLine(bytes: Buffer, at: number, use: (line: string) => void): number {
  const end = bytes.indexOf(LF, at)
  if ((end < 0 ? bytes.length : end) - at > MAX_LINE_BYTES)
    throw new HttpProtocolError('line over 8 KiB')
  if (end < 0) return MORE
  const textEnd = end > at && bytes[end - 1] === CR ? end - 1 : end
  use(bytes.toString('latin1', at, textEnd))
  return end + 1
}

/** Length of the head with its empty line, or nothing when that has not come yet. */
function headLength(bytes: Buffer, at: number): number | undefined {
  for (let from = at; ; ) {
    const end = bytes.indexOf(LF, from)
    if (end < 0) return undefined
    if (bytes[end + 1] === LF) return end + 2 - at
    if (bytes[end + 1] === CR && bytes[end + 2] === LF) return end + 3 - at
    from = end + 1
  }
}

function parseHead(text: string): ResponseHead {
  const [statusLine = '', ...lines] = text.split(/\r?\n/)
  const [, minor, status] = /^HTTP\/1\.([01]) (\d{3})( |$)/.exec(statusLine) ?? []
  if (status === undefined) {
    throw new HttpProtocolError(
      `not an HTTP/1.1 status line: ${JSON.stringify(statusLine.slice(0, 60))}`,
    )
  }
  const headers = new Map<string, string>()
  for (const line of lines) {
    if (line === '') continue
    const colon = line.indexOf(':')
    if (colon <= 0) throw new HttpProtocolError(`bad header ${JSON.stringify(line.slice(0, 60))}`)
    const name = line.slice(0, colon).toLowerCase()
    const value = line.slice(colon + 1).trim()
    const earlier = headers.get(name)
    headers.set(name, earlier === undefined ? value : `${earlier}, ${value}`)
  }
  return {
    status: Number(status),
    headers,
    keepAlive: isKeptAlive(minor, headers.get('connection')),
  }
}

/** HTTP/1.1 keeps a connection unless told otherwise, HTTP/1.0 the other way round. */
function isKeptAlive(minor: string | undefined, connection = ''): boolean {
  const options = connection.toLowerCase().split(/\s*,\s*/)
  return minor === '1' ? !options.includes('close') : options.includes('keep-alive')
}

/** How the body is delimited (RFC 9112, section 6.3); `idle` when there is none. */
function bodyOf({ status, headers }: ResponseHead): { state: State; length: number } {
  if (status === 204 || status === 304) return { state: 'idle', length: 0 }
  if (/(^|,)\s*chunked\s*$/i.test(headers.get('transfer-encoding') ?? ''))
    return { state: 'chunk-size', length: 0 }
  const length = headers.get('content-length')
  if (length === undefined) return { state: 'body-until-close', length: 0 }
  if (!/^\d{1,15}$/.test(length))
    throw new HttpProtocolError(`bad content-length ${JSON.stringify(length)}`)
  return { state: Number(length) === 0 ? 'idle' : 'body-length', length: Number(length) }
}
