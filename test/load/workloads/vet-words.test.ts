import { describe, expect, test } from 'vitest'
import { loadTokenizer } from '../../../src/load/tokenizer.ts'
import { words } from '../../../src/load/words.ts'
import { createPlan } from '../../../src/load/workloads/plan.ts'
import { type CountTokens, vetWords } from '../../../src/load/workloads/vet-words.ts'
import type { Wordbook } from '../../../src/load/workloads/wordbook.ts'
import { byteLevelBpe, crossingBpe, tokenizerFile, wordPiece } from './small-tokenizers.ts'

async function bookFor(count: CountTokens): Promise<Wordbook> {
  const book = await vetWords(words, count, [7, 100, 1_000])
  if ('reason' in book) throw new Error(book.reason)
  return book
}

const everyOther = words.filter((_, i) => i % 2 === 0)
const kinds = [
  ['byte-level BPE trained on all of the words', byteLevelBpe(words)],
  ['byte-level BPE trained on every other word', byteLevelBpe(everyOther)],
  ['BPE that merges over spaces after d, e, r and t', crossingBpe(words, ['d', 'e', 'r', 't'])],
  ['WordPiece that knows every other word', wordPiece(everyOther)],
  ['WordPiece that knows letters only', wordPiece([])],
] as const

describe.each(kinds)('%s', (_, tokenizer) => {
  const loaded = loadTokenizer(tokenizerFile(tokenizer))

  test('prompts of every length from 32 to 160, and long ones, are as long as asked, counted whole', async () => {
    const { countTokens } = await loaded
    const wordbook = await bookFor(countTokens)
    const lengths = [...Array.from({ length: 129 }, (_, i) => 32 + i), 511, 512, 513, 1_777]
    for (const inputTokens of lengths) {
      const plan = createPlan(
        { kind: 'synthetic', inputTokens, outputTokens: 1 },
        { seed: 1, salt: 'now', level: 0, wordbook, overheadTokens: 0 },
      )
      if (plan.kind !== 'requests') throw new Error(plan.kind)
      for (const number of [0, 1, 12_345]) {
        const { prompt, inputTokens: told } = plan.requestAt(number)
        expect([countTokens(prompt as string), told]).toEqual([inputTokens, inputTokens])
      }
    }
  })

  test('a prefix and what follows it are together as long as asked', async () => {
    const { countTokens } = await loaded
    const wordbook = await bookFor(countTokens)
    const plan = createPlan(
      {
        kind: 'shared-prefix',
        groups: 3,
        prefixTokens: 200,
        inputTokens: { kind: 'uniform', min: 300, max: 400 },
        outputTokens: 1,
      },
      { seed: 1, salt: 'now', level: 0, wordbook, overheadTokens: 9 },
    )
    if (plan.kind !== 'requests') throw new Error(plan.kind)
    for (let number = 0; number < 30; number++) {
      const { prompt, inputTokens } = plan.requestAt(number)
      expect(countTokens(prompt as string) + 9).toBe(inputTokens)
    }
  })
})

test('words that merge with others are left out, and the rest are kept', async () => {
  // "add" takes the space of the word behind it, which is then spelled otherwise than behind "able".
  const swallowing: CountTokens = (text) => text.replaceAll(/d (\w)/g, 'd$1').split(' ').length
  const book = await bookFor(swallowing)
  expect(book.words.filter((word) => word.endsWith('d'))).toEqual([])
  expect(book.words.length).toBeGreaterThan(64)
})

test('each word of a book is one token where there are enough of those', async () => {
  const { countTokens } = await loadTokenizer(tokenizerFile(wordPiece(everyOther)))
  const book = await bookFor(countTokens)
  expect(new Set(book.costs)).toEqual(new Set([1]))
})

test("a server's count, which takes its time, does as well", async () => {
  const book = await bookFor((text) => Promise.resolve(text.split(' ').length))
  expect(book).toMatchObject({ leadTokens: 0 })
  expect(new Set(book.costs)).toEqual(new Set([1]))
})

test('a tokenizer in which nothing adds up gives a reason and no book', async () => {
  // As if every second word merged with the one before.
  const paired: CountTokens = (text) => Math.ceil(text.split(' ').length / 2)
  expect(await vetWords(words, paired, [100])).toHaveProperty('reason')
  // Adds up for two words, not for many: only whole texts show it.
  const long: CountTokens = (text) => {
    const count = text.split(' ').length
    return count > 600 ? count - 1 : count
  }
  expect(await vetWords(words, long, [100, 1_000])).toEqual({
    reason: 'the tokens of words do not add up in longer texts',
  })
})

test('a file that is no tokenizer is told as such', async () => {
  await expect(loadTokenizer(tokenizerFile({ model: {} }))).rejects.toThrow('is no tokenizer')
  await expect(loadTokenizer('/nowhere/tokenizer.json')).rejects.toThrow('No such file')
})
