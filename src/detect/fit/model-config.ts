import { type Maybe, ratio } from '../../arithmetic.ts'
import type { Family } from './model-families.ts'

/** The content of a model's `config.json`, as Hugging Face transformers writes it. */
export type ModelConfig = Readonly<Record<string, unknown>>

const textParts = ['text_config', 'llm_config', 'language_config']
/** What files of models with several parts say once for all. */
const shared = ['tie_word_embeddings', 'torch_dtype', 'dtype', 'quantization_config']

/** The part of the file that describes the language model, with what the file says once for all parts. */
export function languageModel(file: ModelConfig): ModelConfig {
  const text = textParts.map((part) => file[part]).find(isFacts)
  if (text === undefined) return file
  const outer = shared.flatMap((key) => (file[key] === undefined ? [] : [[key, file[key]]]))
  return { ...Object.fromEntries(outer), ...text }
}

/** GPT-2's names of the same things. */
const oldNames: Readonly<Record<string, string>> = {
  hidden_size: 'n_embd',
  num_hidden_layers: 'n_layer',
  num_attention_heads: 'n_head',
  intermediate_size: 'n_inner',
  max_position_embeddings: 'n_positions',
}

function valueIn(config: ModelConfig, family: Family | undefined, key: string): Maybe {
  const old = oldNames[key]
  return (
    countIn(config[key]) ??
    (old === undefined ? undefined : countIn(config[old])) ??
    family?.defaults?.[key]
  )
}

/** A number that counts something; anything else is unknown. */
export function countIn(value: unknown): Maybe {
  return Number.isSafeInteger(value) && Number(value) >= 0 ? Number(value) : undefined
}

/** The sizes that every family has. */
export interface Sizes {
  readonly layers: Maybe
  readonly hiddenSize: Maybe
  readonly attentionHeads: Maybe
  readonly kvHeads: Maybe
  readonly headSize: Maybe
  readonly vocabulary: Maybe
}

export function sizesOf(config: ModelConfig, family: Family | undefined): Sizes {
  const read = (key: string) => valueIn(config, family, key)
  const attentionHeads = read('num_attention_heads')
  const hiddenSize = read('hidden_size')
  const implied = family?.impliedHeads === true
  return {
    layers: read('num_hidden_layers'),
    hiddenSize,
    attentionHeads,
    kvHeads: read('num_key_value_heads') ?? (implied ? attentionHeads : undefined),
    headSize: read('head_dim') ?? (implied ? ratio(hiddenSize, attentionHeads) : undefined),
    vocabulary: read('vocab_size'),
  }
}

/** Reads the file's numbers, and notes those that are not there. */
export interface Reader {
  readonly need: (key: string) => Maybe
  readonly may: (key: string) => Maybe
  readonly flag: (key: string, otherwise: boolean) => boolean
  readonly known: (key: string, value: Maybe) => Maybe
  readonly list: (key: string) => readonly unknown[]
}

export function reader(config: ModelConfig, family: Family, gaps: Set<string>): Reader {
  const known = (key: string, value: Maybe): Maybe => {
    if (value === undefined) gaps.add(key)
    return value
  }
  const may = (key: string) => valueIn(config, family, key)
  return {
    known,
    may,
    need: (key) => known(key, may(key)),
    flag: (key, otherwise) => (typeof config[key] === 'boolean' ? config[key] : otherwise),
    list: (key) => (Array.isArray(config[key]) ? config[key] : []),
  }
}

/** An object of JSON. */
export function isFacts(value: unknown): value is ModelConfig {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
