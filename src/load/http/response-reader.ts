/** Status line and headers of a response. Header names are in lower case; repeated ones are joined by `, `. */
export interface ResponseHead {
  readonly status: number
  readonly headers: ReadonlyMap<string, string>
  /** Whether the connection may carry another request. */
  readonly keepAlive: boolean
}

/** What a reader tells of one response. Body bytes are a view that is reused: copy to keep. */
export interface ResponseHandler {
  readonly onHead: (head: ResponseHead) => void
  readonly onBody: (bytes: Buffer) => void
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

type State =
  | { readonly in: 'head' }
  | { readonly in: 'body-length'; left: number }
  | { readonly in: 'body-until-close' }
  | { readonly in: 'chunk-size' }
  | { readonly in: 'chunk-data'; left: number }
  | { readonly in: 'chunk-end' }
  | { readonly in: 'trailer' }
  | { readonly in: 'idle' }

/**
 * A reader for the responses of one keep-alive connection. `next` is called when a response begins
 * and returns who hears of it; bytes nobody asked for are a protocol error.
 */
export function createResponseReader(next: () => ResponseHandler | undefined): ResponseReader {
  let state: State = { in: 'idle' }
  let handler: ResponseHandler | undefined
  let pending: Buffer = EMPTY

  const push = (bytes: Buffer): void => {
    let rest = pending.length > 0 ? Buffer.concat([pending, bytes]) : bytes
    pending = EMPTY
    while (rest.length > 0) {
      const before: State = state
      const used = step(rest)
      rest = rest.subarray(used)
      if (used === 0 && state === before) {
        // A view of the socket's buffer would be overwritten by the next read.
        pending = Buffer.from(rest)
        return
      }
    }
  }

  /** Takes what it can from the bytes and says how much that was; 0 when it needs more. */
  const step = (bytes: Buffer): number => {
    switch (state.in) {
      case 'idle':
        return begin()
      case 'head':
        return readHead(bytes)
      case 'body-length':
        return readBody(bytes, state, finish)
      case 'chunk-data':
        return readBody(bytes, state, () => {
          state = { in: 'chunk-end' }
        })
      case 'body-until-close':
        handler?.onBody(bytes)
        return bytes.length
      case 'chunk-size':
        return withLine(bytes, readChunkSize)
      case 'chunk-end':
        return withLine(bytes, endChunk)
      case 'trailer':
        return withLine(bytes, readTrailer)
    }
  }

  const begin = (): number => {
    handler = next()
    if (!handler) throw new HttpProtocolError('bytes arrived that no request asked for')
    state = { in: 'head' }
    return 0
  }

  const readHead = (bytes: Buffer): number => {
    const length = headLength(bytes)
    if ((length ?? bytes.length) > MAX_HEAD_BYTES)
      throw new HttpProtocolError('response head over 64 KiB')
    if (length === undefined) return 0
    const head = parseHead(bytes.toString('latin1', 0, length))
    // 101 would hand the connection to another protocol, which nobody asked for.
    if (head.status === 101) throw new HttpProtocolError('unexpected protocol switch')
    if (head.status < 200) return length
    handler?.onHead(head)
    state = bodyState(head)
    if (state.in === 'idle') finish()
    return length
  }

  const readBody = (bytes: Buffer, body: { left: number }, done: () => void): number => {
    const used = Math.min(bytes.length, body.left)
    body.left -= used
    handler?.onBody(used === bytes.length ? bytes : bytes.subarray(0, used))
    if (body.left === 0) done()
    return used
  }

  const readChunkSize = (line: string): void => {
    const digits = /^([0-9a-fA-F]{1,12})[ \t]*(;|$)/.exec(line)?.[1]
    if (digits === undefined)
      throw new HttpProtocolError(`bad chunk size ${JSON.stringify(line.slice(0, 40))}`)
    const size = Number.parseInt(digits, 16)
    state = size === 0 ? { in: 'trailer' } : { in: 'chunk-data', left: size }
  }

  const endChunk = (line: string): void => {
    if (line !== '') throw new HttpProtocolError('chunk longer than its size')
    state = { in: 'chunk-size' }
  }

  const readTrailer = (line: string): void => {
    if (line === '') finish()
  }

  const finish = (): void => {
    state = { in: 'idle' }
    const done = handler
    handler = undefined
    done?.onEnd()
  }

  const close = (): boolean => {
    if (state.in !== 'body-until-close') return false
    finish()
    return true
  }

  return { push, close }
}

/** Hands over one line without its end, and says how many bytes it took; 0 when it is not whole yet. */
function withLine(bytes: Buffer, use: (line: string) => void): number {
  const end = bytes.indexOf(LF)
  if ((end < 0 ? bytes.length : end) > MAX_LINE_BYTES)
    throw new HttpProtocolError('line over 8 KiB')
  if (end < 0) return 0
  const textEnd = end > 0 && bytes[end - 1] === CR ? end - 1 : end
  use(bytes.toString('latin1', 0, textEnd))
  return end + 1
}

/** Length of the head with its empty line, or nothing when that has not come yet. */
function headLength(bytes: Buffer): number | undefined {
  for (let from = 0; ; ) {
    const end = bytes.indexOf(LF, from)
    if (end < 0) return undefined
    if (bytes[end + 1] === LF) return end + 2
    if (bytes[end + 1] === CR && bytes[end + 2] === LF) return end + 3
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
function bodyState(head: ResponseHead): State {
  if (head.status === 204 || head.status === 304) return { in: 'idle' }
  if (/(^|,)\s*chunked\s*$/i.test(head.headers.get('transfer-encoding') ?? ''))
    return { in: 'chunk-size' }
  const length = head.headers.get('content-length')
  if (length === undefined) return { in: 'body-until-close' }
  if (!/^\d{1,15}$/.test(length))
    throw new HttpProtocolError(`bad content-length ${JSON.stringify(length)}`)
  return Number(length) === 0 ? { in: 'idle' } : { in: 'body-length', left: Number(length) }
}
