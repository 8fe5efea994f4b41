import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { messageOf, systemErrorCode, UserError } from '../../errors.ts'

/** A piece of a file: a line, or an element of a JSON array. Its bytes are good for the length of the call. */
export interface Piece {
  readonly bytes: Buffer
  /** Where it is in the file, bytes. */
  readonly offset: number
  /** The line it begins on, from 1. */
  readonly line: number
}

/** Longer lines and elements are refused: far beyond any context, and a thread must hold one. */
export const MAX_PIECE_BYTES = 16 * 1024 * 1024

const LF = 10
const CR = 13
const QUOTE = 34
const BACKSLASH = 92
const byteOrderMark = Buffer.from([0xef, 0xbb, 0xbf])

/**
 * Reads the lines of a file as they stream in; LF and CRLF, empty lines left out, a byte order mark
 * too. Holds one line at a time.
 *
 * @returns SHA-256 of the file
 * @throws UserError when the file cannot be read or a line is longer than `MAX_PIECE_BYTES`
 */
export function readLines(file: string, onLine: (piece: Piece) => void): Promise<string> {
  const held = createHeld(file)
  let line = 1
  const end = (): void => {
    const { bytes, offset } = held.take()
    const length = bytes.at(-1) === CR ? bytes.length - 1 : bytes.length
    const from = offset === 0 && bytes.subarray(0, 3).equals(byteOrderMark) ? 3 : 0
    const own = bytes.subarray(from, length)
    if (!isBlank(own)) onLine({ bytes: own, offset: offset + from, line })
    line++
  }
  return readChunks(file, {
    onChunk: (chunk) => {
      let at = 0
      for (let lf = chunk.indexOf(LF); lf >= 0; lf = chunk.indexOf(LF, at)) {
        held.add(chunk.subarray(at, lf), line)
        end()
        held.skip(1)
        at = lf + 1
      }
      held.add(chunk.subarray(at), line)
    },
    onEnd: end,
  })
}

/**
 * Reads the elements of a file that is one JSON array of objects, as it streams in; holds one element
 * at a time. The elements themselves are not parsed.
 *
 * @returns SHA-256 of the file
 * @throws UserError when the file cannot be read, is no array of objects, ends in the middle, or an
 * element is longer than `MAX_PIECE_BYTES`
 */
export function readArray(file: string, onElement: (piece: Piece) => void): Promise<string> {
  const held = createHeld(file)
  const refuse = (what: string): never => {
    throw new UserError(`${file}:${line}: ${what}.`, {
      remedy: 'Expected one JSON array of objects: `[{...}, {...}]`.',
    })
  }
  let state: 'start' | 'between' | 'inside' | 'string' | 'end' = 'start'
  let line = 1
  let startLine = 1
  let depth = 0
  let escaped = false

  /** Looks at one byte outside an element. */
  const outside = (byte: number): void => {
    const character = String.fromCharCode(byte)
    if (byte === LF) line++
    else if (' \t\r'.includes(character)) return
    else if (state === 'start' && byteOrderMark.includes(byte)) return
    else if (state === 'start' && character === '[') state = 'between'
    else if (state === 'between' && character === ',') return
    else if (state === 'between' && character === ']') state = 'end'
    else refuse(`unexpected "${character}"`)
  }

  const onChunk = (chunk: Buffer): void => {
    let from = 0
    let at = 0
    while (at < chunk.length) {
      const byte = chunk[at] ?? 0
      if (state === 'string') {
        if (!escaped) at = endOfRun(chunk, at)
        if (at === chunk.length) break
        if (!escaped && chunk[at] === QUOTE) state = 'inside'
        escaped = !escaped && chunk[at] === BACKSLASH
        at++
        continue
      }
      at++
      if (state !== 'inside') {
        if (state === 'between' && byte === 0x7b) {
          held.skip(at - 1 - from)
          from = at - 1
          state = 'inside'
          startLine = line
          depth = 1
        } else outside(byte)
        continue
      }
      if (byte === LF) line++
      else if (byte === QUOTE) state = 'string'
      else if (byte === 0x7b || byte === 0x5b) depth++
      else if (byte === 0x7d || byte === 0x5d) {
        if (--depth > 0) continue
        held.add(chunk.subarray(from, at), startLine)
        onElement({ ...held.take(), line: startLine })
        from = at
        state = 'between'
      }
    }
    if (state === 'inside' || state === 'string') held.add(chunk.subarray(from), startLine)
    else held.skip(chunk.length - from)
  }
  return readChunks(file, {
    onChunk,
    onEnd: () => {
      if (state !== 'end') refuse('the file ends in the middle of the array')
    },
  })
}

/** The next byte of a string that is a quote or a backslash, or the chunk's end. */
function endOfRun(chunk: Buffer, from: number): number {
  let at = from
  while (at < chunk.length && chunk[at] !== QUOTE && chunk[at] !== BACKSLASH) at++
  return at
}

/** The start of a piece that began in an earlier chunk. */
function createHeld(file: string) {
  let parts: Buffer[] = []
  let length = 0
  let offset = 0
  return {
    add: (bytes: Buffer, line: number): void => {
      length += bytes.length
      if (length > MAX_PIECE_BYTES) {
        throw new UserError(`${file}:${line}: longer than ${MAX_PIECE_BYTES} bytes.`, {
          remedy: 'Shorten it, or leave it out: no request is that long.',
        })
      }
      if (bytes.length > 0) parts.push(bytes)
    },
    /** The whole piece; the next one begins behind it. */
    take: (): { bytes: Buffer; offset: number } => {
      const bytes = parts.length === 1 ? (parts[0] ?? Buffer.alloc(0)) : Buffer.concat(parts)
      const piece = { bytes, offset }
      offset += length
      parts = []
      length = 0
      return piece
    },
    /** Passes over bytes between pieces. */
    skip: (bytes: number): void => {
      offset += bytes
    },
  }
}

interface ChunkEars {
  readonly onChunk: (chunk: Buffer) => void
  readonly onEnd: () => void
}

async function readChunks(file: string, { onChunk, onEnd }: ChunkEars): Promise<string> {
  const hash = createHash('sha256')
  const stream = createReadStream(file, { highWaterMark: 256 * 1024 })
  try {
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      hash.update(chunk)
      onChunk(chunk)
    }
  } catch (cause) {
    const code = systemErrorCode(cause)
    if (cause instanceof UserError || code === undefined) throw cause
    throw new UserError(
      code === 'ENOENT' ? `No such file: ${file}` : `Cannot read ${file}: ${messageOf(cause)}`,
      { remedy: 'Check the path and its permissions.', cause },
    )
  }
  onEnd()
  return hash.digest('hex')
}

function isBlank(bytes: Buffer): boolean {
  return bytes.every((byte) => byte === 32 || byte === 9 || byte === CR)
}

/** The JSON of a piece. @throws UserError naming file and line */
export function parsePiece({ bytes, line }: Piece, file: string): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'))
  } catch (cause) {
    throw brokenPiece(file, line, `no JSON: ${messageOf(cause)}`, cause)
  }
}

/** A line or element that cannot be used. */
export function brokenPiece(file: string, line: number, what: string, cause?: unknown): UserError {
  return new UserError(`${file}:${line}: ${what}`, {
    remedy: 'Correct or remove it; docs/workloads.md says what each format holds.',
    cause,
  })
}
