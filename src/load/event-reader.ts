import type { EventMeaning, ServerApi } from './servers/server.ts'

/** What an event of one stream means, from its bytes. */
export type EventReader = (bytes: Buffer, start: number, end: number) => EventMeaning

/** An event of plain output, cut around its text: `head` ends with the text's opening quote, `tail` begins with the closing one. */
interface Pattern {
  readonly head: Buffer
  readonly tail: Buffer
  readonly meaning: EventMeaning
}

const QUOTE = 34
const BACKSLASH = 92

/**
 * Events of a stream mostly differ in nothing but their text. Once one was parsed, those that agree
 * with it byte for byte before and after the text mean the same, and JSON is parsed only for the
 * others. One reader serves one stream, as ids are in the bytes too.
 *
 * @throws SyntaxError from the reader when an event is not what the API sends
 */
export function createEventReader(api: ServerApi): EventReader {
  let pattern: Pattern | undefined
  return (bytes, start, end) => {
    if (pattern && agrees(pattern, bytes, start, end)) return pattern.meaning
    const meaning = api.readEvent(bytes.toString('utf8', start, end))
    if (isPlainOutput(meaning)) pattern = learn(api, meaning, bytes.subarray(start, end)) ?? pattern
    return meaning
  }
}

/**
 * Exact: the text holds no quote at all and does not end with a backslash, so it ends where the tail
 * begins, and everything else is the same bytes as in an event that was parsed.
 */
function agrees({ head, tail }: Pattern, bytes: Buffer, start: number, end: number): boolean {
  const textStart = start + head.length
  const textEnd = end - tail.length
  return (
    textEnd > textStart &&
    head.compare(bytes, start, textStart) === 0 &&
    tail.compare(bytes, textEnd, end) === 0 &&
    bytes.indexOf(QUOTE, textStart) === textEnd &&
    bytes[textEnd - 1] !== BACKSLASH
  )
}

function isPlainOutput({ output, usage, finishReason, error, done }: EventMeaning): boolean {
  return (
    output !== undefined && !usage && finishReason === undefined && error === undefined && !done
  )
}

/** Cuts an event around the value of the first field that can hold output and is not empty. */
function learn(api: ServerApi, meaning: EventMeaning, event: Buffer): Pattern | undefined {
  for (const field of api.outputFields) {
    for (const marker of [`"${field}":"`, `"${field}": "`]) {
      const at = event.indexOf(marker)
      const textStart = at + Buffer.byteLength(marker)
      const textEnd = event.indexOf(QUOTE, textStart)
      const once = at >= 0 && event.indexOf(marker, textStart) < 0
      if (!once || textEnd <= textStart || event[textEnd - 1] === BACKSLASH) continue
      return {
        head: Buffer.from(event.subarray(0, textStart)),
        tail: Buffer.from(event.subarray(textEnd)),
        meaning,
      }
    }
  }
  return undefined
}
