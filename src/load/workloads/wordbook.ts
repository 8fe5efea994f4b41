import { type Random, randomInteger, seededRandom } from '../../random.ts'
import { words as commonWords } from '../words.ts'

/**
 * Words whose tokens add up when spaces join them, so that a text of a wanted length is drawn by
 * adding, without a tokenizer. Plain data: measuring threads get it as it is.
 */
export interface Wordbook {
  readonly words: readonly string[]
  /** Tokens of each word with the space before it: whole numbers, or one average for all. */
  readonly costs: readonly number[]
  /** A text has so many tokens less than its words cost: its first word has no space before it. */
  readonly leadTokens: number
}

/** A book of common words that are so many tokens each on average: as exact as that average. */
export function averageWordbook(tokensPerWord: number): Wordbook {
  return { words: commonWords, costs: commonWords.map(() => tokensPerWord), leadTokens: 0 }
}

/** Words with spaces between them, and what they cost together. */
export interface Drawn {
  readonly text: string
  readonly cost: number
}

/** Draws words of wanted costs. */
export interface Writer {
  readonly book: Wordbook
  /** Words that cost exactly `cost` together, or as near below it as any do. */
  readonly draw: (random: Random, cost: number) => Drawn
  /** Whether words can cost that together; where all cost the same, to the nearest word. */
  readonly canMake: (cost: number) => boolean
}

export function createWriter(book: Wordbook): Writer {
  const { costs } = book
  const [first = 1] = costs
  return costs.every((cost) => cost === first) ? evenWriter(book, first) : unevenWriter(book)
}

/** All words cost the same, so that counting them is enough. */
function evenWriter(book: Wordbook, each: number): Writer {
  return {
    book,
    canMake: (cost) => cost >= 0,
    draw: (random, cost) => {
      const drawn: string[] = []
      const count = Math.round(cost / each)
      while (drawn.length < count) drawn.push(randomWord(book, random))
      return { text: drawn.join(' '), cost: drawn.length * each }
    },
  }
}

/** Draws freely while much is left, and then only words after which the rest can still be made. */
function unevenWriter(book: Wordbook): Writer {
  const { words, costs } = book
  const dearest = Math.max(...costs)
  // Costs without a common factor make every sum from (dearest - 1)^2 on (Frobenius, Sylvester).
  const endgame = 2 * dearest ** 2
  const sums = reachableSums(costs, endgame)
  return {
    book,
    canMake: (cost) => cost > endgame || sums[cost] === 1,
    draw: (random, cost) => {
      const drawn: string[] = []
      let left = Math.max(0, Math.floor(cost))
      let spent = 0
      const take = (word: number): void => {
        drawn.push(words[word] ?? '')
        left -= costs[word] ?? 0
        spent += costs[word] ?? 0
      }
      while (left > endgame) take(randomInteger(random, words.length))
      while (sums[left] !== 1) left--
      while (left > 0) take(nextWord(costs, sums, left, randomInteger(random, words.length)))
      return { text: drawn.join(' '), cost: spent }
    },
  }
}

/** Which sums up to a limit the costs can make. */
function reachableSums(costs: readonly number[], limit: number): Uint8Array {
  const distinct = [...new Set(costs)]
  const sums = new Uint8Array(limit + 1)
  sums[0] = 1
  for (let sum = 1; sum <= limit; sum++) {
    if (distinct.some((cost) => sums[sum - cost] === 1)) sums[sum] = 1
  }
  return sums
}

/** The first word, from a place on and round, after which the rest can be made. */
function nextWord(costs: readonly number[], sums: Uint8Array, left: number, from: number): number {
  for (let i = 0; i < costs.length; i++) {
    const word = (from + i) % costs.length
    if (sums[left - (costs[word] ?? 0)] === 1) return word
  }
  throw new Error(`no word fits into ${left} tokens`)
}

function randomWord({ words }: Wordbook, random: Random): string {
  return words[randomInteger(random, words.length)] ?? ''
}

/** Cost of the words of a text of that many tokens. */
export function costOf(tokens: number, { leadTokens }: Wordbook): number {
  return tokens + leadTokens
}

/** A text of words, and its length in tokens. One word at least: no server takes an empty prompt. */
export function joinWords(
  parts: readonly Drawn[],
  { book }: Writer,
): { readonly text: string; readonly tokens: number } {
  const texts = parts.map(({ text }) => text).filter((text) => text !== '')
  const cost = parts.reduce((total, part) => total + part.cost, 0)
  if (texts.length > 0) return { text: texts.join(' '), tokens: cost - book.leadTokens }
  const cheapest = book.costs.indexOf(Math.min(...book.costs))
  return {
    text: book.words[cheapest] ?? '',
    tokens: (book.costs[cheapest] ?? 0) - book.leadTokens,
  }
}

/** As many requests as one level may have that no two begin alike. */
const MAX_NUMBERED = 1e9
/** After the number, so that two runs do not share what follows either. */
const RUN_WORDS = 2

/**
 * Words that no other request of a level begins with: its number, written in words, the fastest
 * digit first, so that requests after each other differ from the first word on. `salt` differs from
 * level to level and run to run.
 *
 * @returns words of at most `budget` cost, such that the rest can be made too: fewer than it takes
 * to be unique where a prompt is shorter than that
 */
export function createNonce(
  { book, canMake }: Writer,
  salt: string,
): (number: number, budget: number) => Drawn {
  const { words, costs } = book
  const radix = words.length
  const digits = Math.max(1, Math.ceil(Math.log(MAX_NUMBERED) / Math.log(radix)))
  const random = seededRandom(0, salt)
  const shifts = Array.from({ length: digits + RUN_WORDS }, () => randomInteger(random, radix))
  return (number, budget) => {
    const drawn: string[] = []
    let cost = 0
    let rest = number
    for (const shift of shifts) {
      const word = (rest + shift) % radix
      rest = Math.floor(rest / radix)
      const next = cost + (costs[word] ?? 0)
      if (next > budget || !canMake(budget - next)) break
      drawn.push(words[word] ?? '')
      cost = next
    }
    return { text: drawn.join(' '), cost }
  }
}
