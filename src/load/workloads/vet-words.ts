import { seededRandom } from '../../random.ts'
import { createWriter, joinWords, type Wordbook } from './wordbook.ts'

/** Tokens of a text by itself, without a template and special tokens: a local tokenizer, or a server's. */
export type CountTokens = (text: string) => number | Promise<number>

/** How many counts may be made. */
export interface VetLimits {
  /** Words tried: a few counts each. */
  readonly candidates: number
  /** Words kept: each is tried with each, so their square is what it costs. */
  readonly words: number
}

/** Plenty, as prompts begin with a nonce. */
const fullLimits: VetLimits = { candidates: 160, words: 96 }
/** Fewer would make prompts of little variety. */
const MIN_WORDS = 16
/** With such a share of the words being one token each, others are not needed. */
const ENOUGH_SINGLES = 2 / 3
/** A word that gets on with no other must not keep the others out: so many are begun with in turn. */
const STARTS = 8
/** So many tried and so few taken: the beginning was such a word. */
const TRIED_IN_VAIN = 24
const TAKEN_IN_VAIN = 3

/**
 * Finds words whose tokens add up next to each other, whatever the tokenizer: builds, counts,
 * corrects. Words are gathered that add up in one text with those before them; then every ordered
 * pair is counted by itself, and a word of each pair that merges or splits at its join is struck out.
 * A byte-pair merge over a join needs no more than the two words at it, so that pairs speak for
 * texts. Last, texts of `lengths` tokens are made and counted whole: one token off, and the book is
 * not used.
 *
 * @returns the reason where there is no such book
 */
export async function vetWords(
  candidates: readonly string[],
  count: CountTokens,
  lengths: readonly number[],
  limits: VetLimits = fullLimits,
): Promise<Wordbook | { readonly reason: string }> {
  const alone = await countAlone(evenly(candidates, limits.candidates), count)
  const singles = await compatible(
    alone.filter(({ cost }) => cost === 1),
    count,
    limits.words,
  )
  const enough = singles.length >= ENOUGH_SINGLES * limits.words
  const gathered = enough ? singles : await compatible(alone, count, limits.words)
  const taken = await strikeOut(gathered, count)
  if (taken.length < MIN_WORDS) return { reason: 'too few words keep their tokens to themselves' }
  const book: Wordbook = {
    words: taken.map(({ word }) => word),
    costs: taken.map(({ cost }) => cost),
    leadTokens: taken[0]?.lead ?? 0,
  }
  return (await holds(book, count, lengths))
    ? book
    : { reason: 'the tokens of words do not add up in longer texts' }
}

function evenly(candidates: readonly string[], limit: number): string[] {
  const step = Math.max(1, candidates.length / limit)
  return candidates.filter((_, i) => Math.floor(i / step) !== Math.floor((i - 1) / step))
}

/** Tokens of a word behind another, and how many of them are due to the space before it. */
interface Counted {
  readonly word: string
  readonly cost: number
  readonly lead: number
}

async function countAlone(candidates: readonly string[], count: CountTokens): Promise<Counted[]> {
  const all = await Promise.all(
    candidates.map(async (word): Promise<Counted> => {
      const [first, both] = await Promise.all([count(word), count(`${word} ${word}`)])
      const cost = both - first
      return { word, cost, lead: cost - first }
    }),
  )
  return all.filter(({ cost }) => Number.isSafeInteger(cost) && cost > 0)
}

/** As many words as can be found whose tokens add up whatever their order. */
async function compatible(
  counted: readonly Counted[],
  count: CountTokens,
  limit: number,
): Promise<Counted[]> {
  const alike = mostAlike(counted)
  let best: Counted[] = []
  for (let start = 0; start < STARTS && 2 * best.length < alike.length; start++) {
    const from = Math.floor((start * alike.length) / STARTS)
    const taken = await grow([...alike.slice(from), ...alike.slice(0, from)], count, limit)
    if (taken.length > best.length) best = taken
  }
  return best
}

/** The largest group of words that pay the same for the space before them. */
function mostAlike(counted: readonly Counted[]): Counted[] {
  const groups = new Map<number, Counted[]>()
  for (const word of counted) groups.set(word.lead, [...(groups.get(word.lead) ?? []), word])
  return [...groups.values()].sort((a, b) => b.length - a.length)[0] ?? []
}

/** Takes each word that adds up with all taken before it. */
async function grow(
  words: readonly Counted[],
  count: CountTokens,
  limit: number,
): Promise<Counted[]> {
  const taken: Counted[] = []
  for (const [tried, word] of words.entries()) {
    if (taken.length >= limit) break
    if (tried >= TRIED_IN_VAIN && taken.length <= TAKEN_IN_VAIN) break
    const trial = [word, ...taken.flatMap((other) => [word, other])]
    if (await addsUp(trial, count)) taken.push(word)
  }
  return taken
}

/**
 * The words without those that do not add up in some pair. In a longer text a word may take a token
 * on its right that it gives back on its left: only pairs tell.
 */
async function strikeOut(words: readonly Counted[], count: CountTokens): Promise<Counted[]> {
  const guilty: Counted[][] = []
  for (const first of words) {
    const pairs = words.map((second) => [first, second])
    const good = await Promise.all(pairs.map((pair) => addsUp(pair, count)))
    guilty.push(...pairs.filter((_, i) => !good[i]))
  }
  const struck = fewestOf(guilty)
  return words.filter((word) => !struck.has(word))
}

/** Words of which every pair holds at least one: the word in most pairs first. */
function fewestOf(pairs: readonly (readonly Counted[])[]): Set<Counted> {
  const struck = new Set<Counted>()
  let left = pairs
  while (left.length > 0) {
    const seen = new Map<Counted, number>()
    for (const word of left.flat()) seen.set(word, (seen.get(word) ?? 0) + 1)
    const [worst] = [...seen].sort((a, b) => b[1] - a[1])[0] ?? []
    if (!worst) break
    struck.add(worst)
    left = left.filter((pair) => !pair.includes(worst))
  }
  return struck
}

async function addsUp(words: readonly Counted[], count: CountTokens): Promise<boolean> {
  const expected = words.reduce((sum, { cost }) => sum + cost, 0) - (words[0]?.lead ?? 0)
  return (await count(words.map(({ word }) => word).join(' '))) === expected
}

/** Whether texts of those lengths are as long as they should be, counted whole. */
async function holds(
  book: Wordbook,
  count: CountTokens,
  lengths: readonly number[],
): Promise<boolean> {
  const writer = createWriter(book)
  const random = seededRandom(0, 'trial')
  for (const length of lengths) {
    const { text, tokens } = joinWords([writer.draw(random, length + book.leadTokens)], writer)
    if ((await count(text)) !== tokens) return false
  }
  return true
}
