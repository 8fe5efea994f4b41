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

/** How many words make a prompt of `inputTokens`, template included; at least one. */
export function wordsForTokens(inputTokens: number, calibration: PromptCalibration): number {
  const forWords = inputTokens - calibration.overheadTokens
  return Math.max(1, Math.round(forWords / calibration.tokensPerWord))
}

/** One prompt whose length in words and in tokens (by the server's count) is known. */
export interface PromptProbe {
  readonly words: number
  readonly inputTokens: number | undefined
}

/**
 * Tokens per word and the template's own tokens, from a short and a long prompt: the straight line
 * through both. Without counts from the server a word is assumed to be one token.
 */
export function fitCalibration(short: PromptProbe, long: PromptProbe): PromptCalibration {
  if (short.inputTokens === undefined || long.inputTokens === undefined) {
    return assumed('the server does not count prompt tokens')
  }
  const tokensPerWord = (long.inputTokens - short.inputTokens) / (long.words - short.words)
  if (!(tokensPerWord > 0))
    return assumed('the server counts a long prompt no longer than a short one')
  const overheadTokens = Math.max(0, short.inputTokens - short.words * tokensPerWord)
  return { kind: 'usage', overheadTokens, tokensPerWord }
}

function assumed(reason: string): PromptCalibration {
  return { kind: 'assumed', overheadTokens: 0, tokensPerWord: 1, reason }
}
