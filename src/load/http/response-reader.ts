import { findByte } from './find-byte.ts'

/** Status line and headers of a response. Header names are in lower case; repeated ones are joined by `, `. */
export interface ResponseHead {
  readonly status: number
  readonly headers: ReadonlyMap<string, string>
  /** Whether the connection may carry another request. */
  readonly keepAlive: boolean
}

/** What a reader tells its owner of one response. Body bytes are in a buffer that is reused: copy to keep. */
export interface ResponseHandler<Owner> {
  readonly onHead: (owner: Owner, head: ResponseHead) => void
  readonly onBody: (owner: Owner, bytes: Buffer, start: number, end: number) => void
  readonly onEnd: (owner: Owner) => void
}

/** The peer broke HTTP/1.1. */
export class HttpProtocolError extends Error {}

/** Where the reading of a connection's responses stands, however their bytes are split. */
export interface ResponseReader<Owner> {
  readonly handler: ResponseHandler<Owner>
  state: State
  /** Bytes left of a body or a chunk. */
  left: number
  /** Bytes of an unfinished head or line. */
  pending: Buffer
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

/** A step's answer when it needs more bytes than there are; as `findByte` says it. */
const MORE = -1

/** A reader for the responses of one keep-alive connection, one after another. */
export function createResponseReader<Owner>(
  handler: ResponseHandler<Owner>,
): ResponseReader<Owner> {
  return { handler, state: 'idle', left: 0, pending: EMPTY }
}

/** Call when a request is sent: bytes that no request asked for are a protocol error. */
export function expectResponse<Owner>(reader: ResponseReader<Owner>): void {
  reader.state = 'head'
}

/**
 * Takes the bytes of a read, for an owner to whom the handler speaks of them. What lies beyond `end` is never looked at.
 *
 * @throws HttpProtocolError when the bytes are not HTTP/1.1
 */
export function readResponse<Owner>(
  reader: ResponseReader<Owner>,
  owner: Owner,
  bytes: Buffer,
  start: number,
  end: number,
): void {
  if (reader.pending.length === 0) {
    advance(reader, owner, bytes, start, end)
    return
  }
  const joined = Buffer.concat([reader.pending, bytes.subarray(start, end)])
  reader.pending = EMPTY
  advance(reader, owner, joined, 0, joined.length)
}

/** Call when the peer closed. True when that ended a response properly (a body ended by closing). */
export function closeResponse<Owner>(reader: ResponseReader<Owner>, owner: Owner): boolean {
  if (reader.state !== 'body-until-close') return false
  finish(reader, owner)
  return true
}

function advance<Owner>(
  reader: ResponseReader<Owner>,
  owner: Owner,
  bytes: Buffer,
  start: number,
  end: number,
): void {
  for (let at = start; at < end; ) {
    const after = step(reader, owner, bytes, at, end)
    if (after === MORE) {
      // A view of the socket's buffer would be overwritten by the next read.
      reader.pending = Buffer.from(bytes.subarray(at, end))
      return
    }
    at = after
  }
}

/** Takes what it can from there on and says where it stopped. */
function step<Owner>(
  reader: ResponseReader<Owner>,
  owner: Owner,
  bytes: Buffer,
  at: number,
  end: number,
): number {
  switch (reader.state) {
    case 'chunk-size':
      return readChunkSize(reader, bytes, at, end)
    case 'body-length':
    case 'chunk-data':
      return readBody(reader, owner, bytes, at, end)
    case 'chunk-end':
      return readChunkEnd(reader, bytes, at, end)
    case 'body-until-close':
      reader.handler.onBody(owner, bytes, at, end)
      return end
    case 'head':
      return readHead(reader, owner, bytes, at, end)
    case 'trailer':
      return readTrailer(reader, owner, bytes, at, end)
    case 'idle':
      throw new HttpProtocolError('bytes arrived that no request asked for')
  }
}

/** A head as it was read: what it says, and what comes after it. */
interface KnownHead {
  readonly bytes: Buffer
  readonly head: ResponseHead
  readonly body: { readonly state: State; readonly length: number }
}

/** A server's heads are the same bytes until its date ticks, so the last one is kept rather than read again. */
let lastHead: KnownHead = {
  bytes: EMPTY,
  head: { status: 0, headers: new Map(), keepAlive: false },
  body: { state: 'idle', length: 0 },
}

function readHead<Owner>(
  reader: ResponseReader<Owner>,
  owner: Owner,
  bytes: Buffer,
  at: number,
  end: number,
): number {
  const known = isLastHead(bytes, at, end) ? lastHead : parseNextHead(bytes, at, end)
  if (known === undefined) return MORE
  const after = at + known.bytes.length
  if (known.head.status < 200) return after
  lastHead = known
  reader.handler.onHead(owner, known.head)
  reader.state = known.body.state
  reader.left = known.body.length
  if (reader.state === 'idle') finish(reader, owner)
  return after
}

function isLastHead(bytes: Buffer, at: number, end: number): boolean {
  const { length } = lastHead.bytes
  return length > 0 && length <= end - at && lastHead.bytes.compare(bytes, at, at + length) === 0
}

function parseNextHead(bytes: Buffer, at: number, end: number): KnownHead | undefined {
  const length = headLength(bytes, at, end)
  if ((length ?? end - at) > MAX_HEAD_BYTES)
    throw new HttpProtocolError('response head over 64 KiB')
  if (length === undefined) return undefined
  const head = parseHead(bytes.toString('latin1', at, at + length))
  // 101 would hand the connection to another protocol, which nobody asked for.
  if (head.status === 101) throw new HttpProtocolError('unexpected protocol switch')
  const body = head.status < 200 ? NO_BODY : bodyOf(head)
  return { bytes: Buffer.from(bytes.subarray(at, at + length)), head, body }
}

function readBody<Owner>(
  reader: ResponseReader<Owner>,
  owner: Owner,
  bytes: Buffer,
  at: number,
  end: number,
): number {
  const bodyEnd = Math.min(end, at + reader.left)
  reader.left -= bodyEnd - at
  reader.handler.onBody(owner, bytes, at, bodyEnd)
  if (reader.left === 0) {
    if (reader.state === 'chunk-data') reader.state = 'chunk-end'
    else finish(reader, owner)
  }
  return bodyEnd
}

const MAX_SIZE_DIGITS = 12

/** Value of a hexadecimal digit by its byte, -1 for other bytes. */
const HEX = Int8Array.from({ length: 256 }, (_, byte) =>
  '0123456789abcdef'.indexOf(String.fromCharCode(byte).toLowerCase()),
)

/** By hand where the line is nothing but digits, as it nearly always is: this is done for every token. */
function readChunkSize<Owner>(
  reader: ResponseReader<Owner>,
  bytes: Buffer,
  at: number,
  end: number,
): number {
  let size = 0
  let i = at
  for (; i < end && i - at < MAX_SIZE_DIGITS; i++) {
    const digit = HEX[bytes[i] ?? 0] ?? -1
    if (digit < 0) break
    size = size * 16 + digit
  }
  if (i > at && isLineEnd(bytes, i, end)) {
    beginChunk(reader, size)
    return i + 2
  }
  const lf = lineEnd(bytes, at, end)
  if (lf === MORE) return MORE
  beginChunk(reader, parseChunkSize(lineText(bytes, at, lf)))
  return lf + 1
}

function parseChunkSize(line: string): number {
  const digits = /^([0-9a-fA-F]{1,12})[ \t]*(;|$)/.exec(line)?.[1]
  if (digits === undefined)
    throw new HttpProtocolError(`bad chunk size ${JSON.stringify(line.slice(0, 40))}`)
  return Number.parseInt(digits, 16)
}

function beginChunk<Owner>(reader: ResponseReader<Owner>, size: number): void {
  reader.left = size
  reader.state = size === 0 ? 'trailer' : 'chunk-data'
}

function readChunkEnd<Owner>(
  reader: ResponseReader<Owner>,
  bytes: Buffer,
  at: number,
  end: number,
): number {
  if (isLineEnd(bytes, at, end)) {
    reader.state = 'chunk-size'
    return at + 2
  }
  const lf = lineEnd(bytes, at, end)
  if (lf === MORE) return MORE
  if (lineText(bytes, at, lf) !== '') throw new HttpProtocolError('chunk longer than its size')
  reader.state = 'chunk-size'
  return lf + 1
}

function readTrailer<Owner>(
  reader: ResponseReader<Owner>,
  owner: Owner,
  bytes: Buffer,
  at: number,
  end: number,
): number {
  const lf = isLineEnd(bytes, at, end) ? at + 1 : lineEnd(bytes, at, end)
  if (lf === MORE) return MORE
  if (lineText(bytes, at, lf) === '') finish(reader, owner)
  return lf + 1
}

function finish<Owner>(reader: ResponseReader<Owner>, owner: Owner): void {
  reader.state = 'idle'
  reader.handler.onEnd(owner)
}

/** Whether CR LF is there. */
function isLineEnd(bytes: Buffer, at: number, end: number): boolean {
  return at + 1 < end && bytes[at] === CR && bytes[at + 1] === LF
}

/** Where the line's LF is, or `MORE`. */
function lineEnd(bytes: Buffer, at: number, end: number): number {
  const lf = findByte(bytes, LF, at, end)
  if ((lf === MORE ? end : lf) - at > MAX_LINE_BYTES) throw new HttpProtocolError('line over 8 KiB')
  return lf
}

/** A line without its end. */
function lineText(bytes: Buffer, at: number, lf: number): string {
  const textEnd = lf > at && bytes[lf - 1] === CR ? lf - 1 : lf
  return textEnd === at ? '' : bytes.toString('latin1', at, textEnd)
}

/** Length of the head with its empty line, or nothing when that has not come yet. */
function headLength(bytes: Buffer, at: number, end: number): number | undefined {
  for (let from = at; ; ) {
    const lf = findByte(bytes, LF, from, end)
    if (lf === MORE) return undefined
    if (lf + 1 < end && bytes[lf + 1] === LF) return lf + 2 - at
    if (isLineEnd(bytes, lf + 1, end)) return lf + 3 - at
    from = lf + 1
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

const NO_BODY: KnownHead['body'] = { state: 'idle', length: 0 }

/** How the body is delimited (RFC 9112, section 6.3); `idle` when there is none. */
function bodyOf({ status, headers }: ResponseHead): KnownHead['body'] {
  if (status === 204 || status === 304) return NO_BODY
  if (/(^|,)\s*chunked\s*$/i.test(headers.get('transfer-encoding') ?? ''))
    return { state: 'chunk-size', length: 0 }
  const length = headers.get('content-length')
  if (length === undefined) return { state: 'body-until-close', length: 0 }
  if (!/^\d{1,15}$/.test(length))
    throw new HttpProtocolError(`bad content-length ${JSON.stringify(length)}`)
  return { state: Number(length) === 0 ? 'idle' : 'body-length', length: Number(length) }
}
