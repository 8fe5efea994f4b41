import { createHash } from 'node:crypto'
import { dirname, join } from 'node:path'
import { messageOf, systemErrorCode, UserError } from '../errors.ts'
import { readTextFile } from '../yaml-file.ts'

/** A model's own tokenizer, from a file on this machine. */
export interface Tokenizer {
  readonly file: string
  readonly sha256: string
  /** Tokens of a text alone: no template, no special tokens. */
  readonly countTokens: (text: string) => number
}

/**
 * Reads a `tokenizer.json` of Hugging Face's format, and the `tokenizer_config.json` beside it where
 * there is one. About 0.3 million tokens a second: not for the time of a run.
 *
 * @throws UserError when the file cannot be read or is no tokenizer
 */
export async function loadTokenizer(file: string): Promise<Tokenizer> {
  const text = await readTextFile(file)
  const config = await readTextFile(join(dirname(file), 'tokenizer_config.json')).catch(
    (error: unknown) => {
      if (error instanceof UserError && systemErrorCode(error.cause) === 'ENOENT') return '{}'
      throw error
    },
  )
  const { Tokenizer } = await import('@huggingface/tokenizers')
  try {
    const tokenizer = new Tokenizer(JSON.parse(text) as object, JSON.parse(config) as object)
    const countTokens = (prompt: string): number =>
      tokenizer.encode(prompt, { add_special_tokens: false }).ids.length
    countTokens('a word')
    return { file, sha256: createHash('sha256').update(text).digest('hex'), countTokens }
  } catch (cause) {
    throw new UserError(`${file} is no tokenizer that can be used: ${messageOf(cause)}`, {
      remedy: "Give the tokenizer.json from the model's folder.",
      cause,
    })
  }
}
