import { createHash } from 'node:crypto'

/** Remembers the beginnings of prompts, in blocks of tokens, as serving engines do. */
export interface PrefixCache {
  /** Tokens at the beginning of the prompt that an earlier one began with. */
  readonly knownTokens: (prompt: readonly string[]) => number
  readonly add: (prompt: readonly string[]) => void
}

const BLOCK_TOKENS = 16
/** A million tokens; beyond that the oldest are forgotten. */
const MAX_BLOCKS = 65_536

/** A beginning is known up to the last whole block; a prompt that comes again is known to its end. */
export function createPrefixCache(): PrefixCache {
  const known = new Set<string>()
  return {
    knownTokens: (prompt) => {
      const keys = blockKeys(prompt)
      const first = keys.findIndex((key) => !known.has(key))
      return first < 0 ? prompt.length : first * BLOCK_TOKENS
    },
    add: (prompt) => {
      for (const key of blockKeys(prompt)) {
        known.delete(key)
        known.add(key)
      }
      for (const oldest of known) {
        if (known.size <= MAX_BLOCKS) break
        known.delete(oldest)
      }
    },
  }
}

/** Each block's key depends on all before it. */
function blockKeys(prompt: readonly string[]): string[] {
  const keys: string[] = []
  for (let start = 0; start < prompt.length; start += BLOCK_TOKENS) {
    const block = prompt.slice(start, start + BLOCK_TOKENS).join(' ')
    keys.push(
      createHash('sha1')
        .update(`${keys.at(-1) ?? ''} ${block}`)
        .digest('base64'),
    )
  }
  return keys
}
