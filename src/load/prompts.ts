import { type Random, randomInteger } from '../random.ts'
import type { PromptCalibration } from './run-log.ts'
import { words } from './words.ts'

/**
 * A prompt of that many words, drawn afresh each time: no two prompts share a beginning, so that a
 * server's prefix cache cannot answer for it.
 */
export function makePrompt(random: Random, wordCount: number): string {
  const drawn: string[] = []
  for (let i = 0; i < wordCount; i++) drawn.push(words[randomInteger(random, words.length)] ?? '')
  return drawn.join(' ')
}

/** One prompt whose length in words and in tokens (by the server's count) is known. */
export interface PromptProbe {
  readonly words: number
  readonly inputTokens: number | undefined
}

/** Right on average at best. */
type FittedCalibration = Extract<PromptCalibration, { readonly kind: 'usage' | 'assumed' }>

/**
 * Tokens per word and the template's own tokens, from a short and a long prompt: the straight line
 * through both. Without counts from the server a word is assumed to be one token.
 */
export function fitCalibration(short: PromptProbe, long: PromptProbe): FittedCalibration {
  if (short.inputTokens === undefined || long.inputTokens === undefined) {
    return assumed('the server does not count prompt tokens')
  }
  const tokensPerWord = (long.inputTokens - short.inputTokens) / (long.words - short.words)
  if (!(tokensPerWord > 0))
    return assumed('the server counts a long prompt no longer than a short one')
  const overheadTokens = Math.max(0, short.inputTokens - short.words * tokensPerWord)
  return { kind: 'usage', overheadTokens, tokensPerWord }
}

/**
 * Tokens of the server's template where a tokenizer counted the prompts: the server's count less the
 * tokenizer's, the same for a short and a long prompt; 0 where the server does not count.
 *
 * @param words of each prompt are its tokens by the tokenizer
 * @returns undefined when the server's counts grow otherwise than the tokenizer's
 */
export function fitOverhead(short: PromptProbe, long: PromptProbe): number | undefined {
  if (short.inputTokens === undefined || long.inputTokens === undefined) return 0
  const overheads = [short.inputTokens - short.words, long.inputTokens - long.words]
  const [overheadTokens = 0, ofLong = 0] = overheads
  return overheadTokens === ofLong && overheadTokens >= 0 ? overheadTokens : undefined
}

function assumed(reason: string): FittedCalibration {
  return { kind: 'assumed', overheadTokens: 0, tokensPerWord: 1, reason }
}
