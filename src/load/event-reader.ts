import type { EventMeaning, ServerApi } from './servers/server.ts'

/** What an event means, from its bytes. */
export type EventReader = (bytes: Buffer, start: number, end: number) => EventMeaning

/** A value that may differ while the meaning stays: a string that is not empty, or a whole number. */
type Hole = 'string' | 'number'

/** An event cut around its holes: hole i lies between part i and part i + 1. */
interface Pattern {
  readonly parts: readonly Part[]
  readonly holes: readonly Hole[]
  readonly meaning: EventMeaning
}

/**
 * Bytes that must be the same, as whole words of eight and the few bytes left over. A word is compared as
 * a number. Equal ones are the same bytes, but for zero, which no JSON text holds; one that is no number
 * equals nothing, so that its events are parsed.
 */
interface Part {
  readonly length: number
  readonly words: Float64Array
  readonly rest: Uint8Array
}

const SPACE = 32
const QUOTE = 34
const BACKSLASH = 92
const FIRST_PRINTABLE = 32
const ZERO = 48
const NINE = 57
const WORD_BYTES = 8
const NONE = -1
/** What may follow a backslash; `\u` is left to the parser. */
const ESCAPES = new Set(Buffer.from('"\\/bfnrt'))

const MAX_PATTERNS = 8
/** So many patterns are learned whether or not they serve; after that only as many as served. */
const FREE_LESSONS = 64

/**
 * Events of a server mostly differ in nothing but their text, and from answer to answer in fields
 * that mean nothing to the API. Once one was parsed, those that agree with it byte for byte around
 * such values mean the same, and JSON is parsed only for the others. Exact: see `skipString`. One
 * reader serves all streams of a server.
 *
 * @throws SyntaxError from the reader when an event is not what the API sends
 */
export function createEventReader(api: ServerApi): EventReader {
  const patterns: Pattern[] = []
  let lessons = 0
  let served = 0
  let view: DataView = new DataView(new ArrayBuffer(0))
  let viewed: Buffer | undefined

  const recall = (bytes: Buffer, start: number, end: number): EventMeaning | undefined => {
    if (bytes !== viewed) {
      view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
      viewed = bytes
    }
    for (let i = 0; i < patterns.length; i++) {
      const pattern = patterns[i]
      if (pattern === undefined || !agrees(pattern, view, start, end)) continue
      const first = patterns[0]
      if (i > 0 && first !== undefined) {
        patterns[0] = pattern
        patterns[i] = first
      }
      served++
      return pattern.meaning
    }
    return undefined
  }

  return (bytes, start, end) => {
    const known = recall(bytes, start, end)
    if (known !== undefined) return known
    const meaning = api.readEvent(bytes.toString('utf8', start, end))
    if (isCommon(meaning) && lessons < FREE_LESSONS + served) {
      const pattern = learn(api, meaning, Buffer.from(bytes.subarray(start, end)))
      if (pattern) {
        lessons++
        patterns.length = Math.min(patterns.length, MAX_PATTERNS - 1)
        patterns.push(pattern)
      }
    }
    return meaning
  }
}

/** Token counts, timings and errors differ from event to event. */
function isCommon({ usage, serverTimings, tokens, error }: EventMeaning): boolean {
  return (
    usage === undefined &&
    serverTimings === undefined &&
    tokens?.kind !== 'answer' &&
    error === undefined
  )
}

/** May look at bytes beyond the event; it agrees only if it ends where the event does. */
function agrees({ parts, holes }: Pattern, view: DataView, start: number, end: number): boolean {
  let at = start
  for (let i = 0; i < parts.length; i++) {
    const part = parts[i]
    if (part === undefined || !matches(part, view, at, end)) return false
    at += part.length
    const hole = holes[i]
    if (hole === undefined) break
    at = hole === 'string' ? skipString(view, at, end) : skipNumber(view, at, end)
    if (at === NONE) return false
  }
  return at === end
}

function matches(
  { length, words, rest }: Part,
  view: DataView,
  start: number,
  end: number,
): boolean {
  if (start + length > end) return false
  let at = start
  for (let i = 0; i < words.length; i++) {
    if (view.getFloat64(at, true) !== words[i]) return false
    at += WORD_BYTES
  }
  for (let i = 0; i < rest.length; i++) {
    if (view.getUint8(at++) !== rest[i]) return false
  }
  return true
}

/**
 * Where the quote is that ends a JSON string, or `NONE` when it is empty, never ends, or holds what
 * JSON forbids or the parser should look at. What it passes over is a valid string in any case.
 */
function skipString(view: DataView, start: number, end: number): number {
  for (let at = start; at < end; at++) {
    const byte = view.getUint8(at)
    if (byte === QUOTE) return at > start ? at : NONE
    if (byte < FIRST_PRINTABLE) return NONE
    if (byte === BACKSLASH && (++at >= end || !ESCAPES.has(view.getUint8(at)))) return NONE
  }
  return NONE
}

/** Where a whole number above 0 ends, or `NONE`. A fraction or an exponent will not agree with what follows. */
function skipNumber(view: DataView, start: number, end: number): number {
  let at = start
  while (at < end) {
    const byte = view.getUint8(at)
    if (byte < ZERO || byte > NINE || (at === start && byte === ZERO)) break
    at++
  }
  return at > start ? at : NONE
}

interface Stretch {
  readonly start: number
  readonly end: number
  readonly hole: Hole
}

/** An event of output without a text that can be told apart teaches nothing. */
function learn(api: ServerApi, meaning: EventMeaning, event: Buffer): Pattern | undefined {
  const free = api.freeFields.map((field) => findValue(event, field))
  const text = meaning.output === undefined ? undefined : findText(api, event)
  if (meaning.output !== undefined && text === undefined) return undefined
  const stretches = [...free, text]
    .filter((stretch) => stretch !== undefined)
    .sort((a, b) => a.start - b.start)
  const starts = [0, ...stretches.map(({ end }) => end)]
  const ends = [...stretches.map(({ start }) => start), event.length]
  if (starts.some((start, i) => start > (ends[i] ?? 0))) return undefined
  return {
    parts: starts.map((start, i) => partOf(event.subarray(start, ends[i]))),
    holes: stretches.map(({ hole }) => hole),
    meaning,
  }
}

/** The value of the first field that can hold output and is not empty: any other text is output as well. */
function findText(api: ServerApi, event: Buffer): Stretch | undefined {
  for (const field of api.outputFields) {
    const text = findValue(event, field)
    if (text?.hole === 'string') return text
  }
  return undefined
}

/**
 * The value of a field's first mention, if it is one that may differ. The mark cannot lie inside a
 * string: a quote in there has a backslash before it, which is looked for.
 */
function findValue(event: Buffer, field: string): Stretch | undefined {
  const key = `"${field}":`
  const at = event.indexOf(key)
  if (at < 0 || event[at - 1] === BACKSLASH) return undefined
  const view = new DataView(event.buffer, event.byteOffset, event.length)
  const space = event[at + key.length] === SPACE ? 1 : 0
  const value = at + key.length + space
  const isString = event[value] === QUOTE
  const start = isString ? value + 1 : value
  const end = isString
    ? skipString(view, start, event.length)
    : skipNumber(view, start, event.length)
  return end === NONE ? undefined : { start, end, hole: isString ? 'string' : 'number' }
}

function partOf(bytes: Buffer): Part {
  const words = Float64Array.from({ length: Math.floor(bytes.length / WORD_BYTES) }, (_, i) =>
    bytes.readDoubleLE(i * WORD_BYTES),
  )
  return {
    length: bytes.length,
    words,
    rest: Uint8Array.from(bytes.subarray(words.length * WORD_BYTES)),
  }
}
