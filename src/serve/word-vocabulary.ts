/** Ends a text; the name is one llama.cpp knows as an end of generation. */
export const endToken = '<|endoftext|>'

/** llama.cpp's numbers for ordinary text and for control tokens, which are never text. */
const tokenTypes = { normal: 1, control: 3 } as const

/** A vocabulary for byte-level byte pair encoding, as GPT-2 introduced it. */
export interface Vocabulary {
  readonly tokens: readonly string[]
  readonly types: readonly number[]
  readonly merges: readonly string[]
  /** Tokens that are a whole word or the end, by id. */
  readonly speakable: ReadonlySet<number>
}

/**
 * The 256 bytes, the end token, and for each word all its beginnings, so that merging from the left
 * makes each word with the space before it exactly one token. Every text can be encoded: what is
 * not such a word is encoded byte by byte.
 */
export function wordVocabulary(words: readonly string[]): Vocabulary {
  const bytes = Array.from({ length: 256 }, (_, byte) => byteCharacter(byte))
  const spelled = words.map((word) => [...Buffer.from(` ${word}`)].map(byteCharacter))
  const beginnings = new Map(spelled.flatMap(beginningsOf))
  const tokens = [...bytes, endToken, ...beginnings.keys()]
  const whole = new Set([endToken, ...spelled.map((characters) => characters.join(''))])
  return {
    tokens,
    types: tokens.map((token) => (token === endToken ? tokenTypes.control : tokenTypes.normal)),
    merges: [...beginnings.values()],
    speakable: new Set(tokens.flatMap((token, id) => (whole.has(token) ? [id] : []))),
  }
}

/** Each beginning of two characters or more, with the merge that makes it. */
function beginningsOf(characters: readonly string[]): [string, string][] {
  return characters.slice(1).map((character, index) => {
    const before = characters.slice(0, index + 1).join('')
    return [before + character, `${before} ${character}`]
  })
}

/** GPT-2 writes each byte as one printable character; those that are none move up past 255. */
function byteCharacter(byte: number): string {
  return String.fromCodePoint(isPrintable(byte) ? byte : 256 + unprintableBefore(byte))
}

function isPrintable(byte: number): boolean {
  return (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte !== 0xad)
}

function unprintableBefore(byte: number): number {
  return Array.from({ length: byte }, (_, other) => other).filter((other) => !isPrintable(other))
    .length
}
