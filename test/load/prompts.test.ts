import { describe, expect, test } from 'vitest'
import { fitCalibration, fitOverhead, makePrompt } from '../../src/load/prompts.ts'
import { words } from '../../src/load/words.ts'
import { seededRandom } from '../../src/random.ts'

describe('how many tokens is a word', () => {
  test('the line through a short and a long prompt', () => {
    // 32 more words are 32 more tokens; 32 words at 1 token each leave 37 - 32 = 5 for the template.
    const fit = fitCalibration({ words: 32, inputTokens: 37 }, { words: 64, inputTokens: 69 })
    expect(fit).toEqual({ kind: 'usage', tokensPerWord: 1, overheadTokens: 5 })
  })

  test('words of more than one token', () => {
    // (150 - 54) / (96 - 32) = 1.5; 54 - 32 x 1.5 = 6.
    const fit = fitCalibration({ words: 32, inputTokens: 54 }, { words: 96, inputTokens: 150 })
    expect(fit).toEqual({ kind: 'usage', tokensPerWord: 1.5, overheadTokens: 6 })
  })

  test('a template never has fewer than no tokens', () => {
    // (66 - 32) / 32 = 1.0625, and 32 x 1.0625 = 34 is more than the 32 counted.
    const fit = fitCalibration({ words: 32, inputTokens: 32 }, { words: 64, inputTokens: 66 })
    expect(fit).toEqual({ kind: 'usage', tokensPerWord: 1.0625, overheadTokens: 0 })
  })

  test.each([
    ['the first', undefined, 69],
    ['the second', 37, undefined],
    ['either', undefined, undefined],
  ])('without a count of %s, a word is assumed to be a token, and that is told', (_, a, b) => {
    expect(fitCalibration({ words: 32, inputTokens: a }, { words: 64, inputTokens: b })).toEqual({
      kind: 'assumed',
      tokensPerWord: 1,
      overheadTokens: 0,
      reason: 'the server does not count prompt tokens',
    })
  })

  test('counts that do not grow with the prompt are not believed', () => {
    for (const long of [37, 20]) {
      const fit = fitCalibration({ words: 32, inputTokens: 37 }, { words: 64, inputTokens: long })
      expect(fit).toMatchObject({ kind: 'assumed', reason: expect.stringContaining('no longer') })
    }
  })
})

describe("the template's tokens, where a tokenizer counts the words", () => {
  test('are what the server counts more than the tokenizer, of a short prompt and a long one', () => {
    expect(fitOverhead({ words: 32, inputTokens: 44 }, { words: 512, inputTokens: 524 })).toBe(12)
  })

  test('are taken for none where the server does not count', () => {
    expect(fitOverhead({ words: 32, inputTokens: undefined }, { words: 64, inputTokens: 70 })).toBe(
      0,
    )
  })

  test.each([
    ['grow with the prompt', 44, 530],
    ['are fewer than none', 30, 510],
  ])('that %s are the mark of another tokenizer', (_, short, long) => {
    expect(
      fitOverhead({ words: 32, inputTokens: short }, { words: 512, inputTokens: long }),
    ).toBeUndefined()
  })
})

describe('prompts', () => {
  const prompts = (seed: number, count: number, wordCount: number): string[] => {
    const random = seededRandom(seed, 'prompts-0')
    return Array.from({ length: count }, () => makePrompt(random, wordCount))
  }

  test('a prompt has as many words as asked for, all from the list', () => {
    const [prompt = ''] = prompts(1, 1, 500)
    expect(prompt.split(' ')).toHaveLength(500)
    expect(prompt.split(' ').filter((word) => !words.includes(word))).toEqual([])
  })

  test('the same seed gives the same prompts, another seed others', () => {
    expect(prompts(5, 20, 16)).toEqual(prompts(5, 20, 16))
    expect(prompts(6, 20, 16)).not.toEqual(prompts(5, 20, 16))
  })

  test('no two of 5,000 prompts of a seed begin with the same five words', () => {
    expect(new Set(prompts(1, 5_000, 5)).size).toBe(5_000)
  })

  test('words are plain, and none is listed twice', () => {
    expect(words.filter((word) => !/^[a-z]+$/.test(word))).toEqual([])
    expect(new Set(words).size).toBe(words.length)
  })
})
