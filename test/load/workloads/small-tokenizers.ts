import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Writes a tokenizer.json into a folder of its own. */
export function tokenizerFile(tokenizer: object): string {
  const file = join(mkdtempSync(join(tmpdir(), 'baremark-tokenizer-')), 'tokenizer.json')
  writeFileSync(file, JSON.stringify(tokenizer))
  return file
}

const letters = 'abcdefghijklmnopqrstuvwxyz'.split('')

/** The parts of a tokenizer.json that all of these have in common. */
const plain = {
  version: '1.0',
  truncation: null,
  padding: null,
  added_tokens: [],
  post_processor: null,
}

/** Merges that build each of the texts from the left, one piece after the other, and the vocabulary they need. */
function mergesFor(texts: readonly string[]): [string, string][] {
  const seen = new Set<string>()
  const merges: [string, string][] = []
  for (const text of texts) {
    for (let end = 2; end <= text.length; end++) {
      const merge: [string, string] = [text.slice(0, end - 1), text.slice(end - 1, end)]
      if (seen.has(merge.join(' '))) continue
      seen.add(merge.join(' '))
      merges.push(merge)
    }
  }
  return merges
}

function bpe(space: string, merges: readonly (readonly [string, string])[]): object {
  const vocab: Record<string, number> = {}
  for (const token of [...letters, space, ...merges.map((pair) => pair.join(''))])
    vocab[token] ??= Object.keys(vocab).length
  return {
    type: 'BPE',
    dropout: null,
    unk_token: null,
    continuing_subword_prefix: null,
    end_of_word_suffix: null,
    fuse_unk: false,
    byte_fallback: false,
    vocab,
    merges: merges.map((pair) => pair.join(' ')),
  }
}

/** Byte-pair encoding as GPT-2 has it: texts are cut before each space, and no token spans two words. */
export function byteLevelBpe(whole: readonly string[]): object {
  return {
    ...plain,
    normalizer: null,
    pre_tokenizer: {
      type: 'ByteLevel',
      add_prefix_space: false,
      trim_offsets: true,
      use_regex: true,
    },
    decoder: { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true },
    model: bpe('Ġ', [...mergesFor(whole), ...whole.map((word): [string, string] => ['Ġ', word])]),
  }
}

/**
 * Byte-pair encoding over the whole text, spaces and all: the first merges join a letter with the
 * space behind it, so that words that end in that letter take the space from the word after.
 */
export function crossingBpe(whole: readonly string[], greedyLetters: readonly string[]): object {
  const crossing = greedyLetters.map((letter): [string, string] => [letter, '▁'])
  return {
    ...plain,
    normalizer: { type: 'Replace', pattern: { String: ' ' }, content: '▁' },
    pre_tokenizer: null,
    decoder: { type: 'Replace', pattern: { String: '▁' }, content: ' ' },
    model: bpe('▁', [
      ...crossing,
      ...mergesFor(whole),
      ...whole.map((word): [string, string] => ['▁', word]),
    ]),
  }
}

/** WordPiece as BERT has it, which knows some words whole and spells the others. */
export function wordPiece(whole: readonly string[]): object {
  const vocab: Record<string, number> = { '[UNK]': 0 }
  for (const token of [...letters, ...letters.map((letter) => `##${letter}`), ...whole])
    vocab[token] ??= Object.keys(vocab).length
  return {
    ...plain,
    normalizer: {
      type: 'BertNormalizer',
      clean_text: true,
      handle_chinese_chars: true,
      strip_accents: null,
      lowercase: true,
    },
    pre_tokenizer: { type: 'BertPreTokenizer' },
    decoder: { type: 'WordPiece', prefix: '##', cleanup: true },
    model: {
      type: 'WordPiece',
      unk_token: '[UNK]',
      continuing_subword_prefix: '##',
      max_input_chars_per_word: 100,
      vocab,
    },
  }
}
