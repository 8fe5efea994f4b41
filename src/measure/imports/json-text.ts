import { UserError } from '../../errors.ts'

export type JsonValue = null | boolean | number | string | readonly JsonValue[] | JsonObject

export interface JsonObject {
  readonly [key: string]: JsonValue | undefined
}

/** Deeper than any result file, and shallow enough for the stack. */
const MAX_DEPTH = 200

/**
 * The JSON values of a text, one after another, with or without line breaks between: result files are
 * appended to. A byte order mark is skipped. Beyond JSON it takes `NaN`, `Infinity` and `-Infinity`, which
 * Python's `json` writes unless told not to (docs.python.org, json, `allow_nan`); nothing else.
 *
 * @throws UserError naming line and column of what is not JSON
 */
export function jsonValues(text: string): JsonValue[] {
  const start = text.startsWith('\uFEFF') ? 1 : 0
  return parsedAtOnce(text.slice(start)) ?? parsedStepByStep(text, start)
}

/** The usual file holds one value of plain JSON, or one a line, which the engine parses fastest. */
function parsedAtOnce(text: string): JsonValue[] | undefined {
  try {
    return [JSON.parse(text)]
  } catch {
    return parsedByLine(text)
  }
}

function parsedByLine(text: string): JsonValue[] | undefined {
  const lines = text.split('\n').filter((line) => line.trim() !== '')
  try {
    return lines.map((line) => JSON.parse(line))
  } catch {
    return undefined
  }
}

const WORD = /[-+.\w]+/y
const SPACE = /[ \t\r\n]*/y

interface Cursor {
  readonly text: string
  at: number
}

function parsedStepByStep(text: string, start: number): JsonValue[] {
  const cursor: Cursor = { text, at: start }
  const values: JsonValue[] = []
  skipSpace(cursor)
  while (cursor.at < text.length) {
    values.push(readValue(cursor, 0))
    skipSpace(cursor)
  }
  return values
}

function readValue(cursor: Cursor, depth: number): JsonValue {
  if (depth > MAX_DEPTH) throw unexpected(cursor, `nested more than ${MAX_DEPTH} deep`)
  skipSpace(cursor)
  switch (cursor.text[cursor.at]) {
    case '{':
      return readObject(cursor, depth)
    case '[':
      return readArray(cursor, depth)
    case '"':
      return readString(cursor)
    default:
      return readScalar(cursor)
  }
}

function readObject(cursor: Cursor, depth: number): JsonObject {
  const entries: [string, JsonValue][] = []
  eachUntil(cursor, '}', () => {
    skipSpace(cursor)
    const key = readString(cursor)
    skipSpace(cursor)
    if (!take(cursor, ':')) throw unexpected(cursor, 'expected ":"')
    entries.push([key, readValue(cursor, depth + 1)])
  })
  return Object.fromEntries(entries)
}

function readArray(cursor: Cursor, depth: number): JsonValue[] {
  const values: JsonValue[] = []
  eachUntil(cursor, ']', () => values.push(readValue(cursor, depth + 1)))
  return values
}

/** Reads members with commas between them, from after the opening bracket to the closing one. */
function eachUntil(cursor: Cursor, close: string, readMember: () => void): void {
  cursor.at++
  skipSpace(cursor)
  if (take(cursor, close)) return
  for (;;) {
    readMember()
    skipSpace(cursor)
    if (take(cursor, close)) return
    if (!take(cursor, ',')) throw unexpected(cursor, `expected "," or "${close}"`)
  }
}

function readString(cursor: Cursor): string {
  const token = stringToken(cursor)
  if (token === undefined) throw unexpected(cursor, 'expected a string')
  try {
    const value: string = JSON.parse(token)
    cursor.at += token.length
    return value
  } catch {
    throw unexpected(cursor, 'a string with a bad escape or a bare control character')
  }
}

/** From quote to quote. Searched for, as a pattern would run out of stack on texts of megabytes. */
function stringToken({ text, at }: Cursor): string | undefined {
  if (text[at] !== '"') return undefined
  for (let end = text.indexOf('"', at + 1); end !== -1; end = text.indexOf('"', end + 1)) {
    let backslashes = 0
    while (text[end - 1 - backslashes] === '\\') backslashes++
    if (backslashes % 2 === 0) return text.slice(at, end + 1)
  }
  return undefined
}

const words: Readonly<Record<string, JsonValue>> = {
  true: true,
  false: false,
  null: null,
  NaN: Number.NaN,
  Infinity: Number.POSITIVE_INFINITY,
  '-Infinity': Number.NEGATIVE_INFINITY,
}

function readScalar(cursor: Cursor): JsonValue {
  const token = matchHere(cursor, WORD) ?? ''
  const isWord = Object.hasOwn(words, token)
  if (!isWord && !/^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/.test(token))
    throw unexpected(cursor, 'expected a value')
  cursor.at += token.length
  return isWord ? (words[token] as JsonValue) : Number(token)
}

function take(cursor: Cursor, character: string): boolean {
  if (cursor.text[cursor.at] !== character) return false
  cursor.at++
  return true
}

function skipSpace(cursor: Cursor): void {
  cursor.at += matchHere(cursor, SPACE)?.length ?? 0
}

/** @param sticky with the `y` flag: it matches at the cursor or not at all */
function matchHere({ text, at }: Cursor, sticky: RegExp): string | undefined {
  sticky.lastIndex = at
  return sticky.exec(text)?.[0]
}

function unexpected({ text, at }: Cursor, what: string): UserError {
  const before = text.slice(0, at).split('\n')
  const where = `line ${before.length}, column ${(before.at(-1)?.length ?? 0) + 1}`
  return new UserError(`Not JSON at ${where}: ${what}.`, {
    remedy: 'Correct that place, or have the tool write the file again: it may have been cut off.',
  })
}
