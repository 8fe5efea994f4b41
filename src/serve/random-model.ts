import { createHash, randomUUID } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, rename, rm, writeFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { words } from '../load/words.ts'
import { type Random, seededRandom } from '../random.ts'
import { encodeGguf, type GgufTensor, type GgufValue } from './gguf.ts'
import { endToken, wordVocabulary } from './word-vocabulary.ts'

/** Dimensions of a Llama-architecture model. */
interface ModelShape {
  readonly embedding: number
  readonly layers: number
  readonly heads: number
  /** Dimensions of one head; the heads together may be narrower than the embedding. */
  readonly headSize: number
  readonly feedForward: number
  readonly contextTokens: number
}

/** Everything a random model is made from: the same recipe gives the same bytes. */
export interface ModelRecipe {
  readonly seed: number
  readonly shape: ModelShape
  readonly words: readonly string[]
}

/** Raised whenever the bytes made from an unchanged recipe change. */
const RECIPE_VERSION = 1

/**
 * About 3 million parameters: real work, yet hundreds of tokens per second on one CPU core. Attention
 * is narrow because its cost grows with each sequence, while the rest is shared by the batch: that
 * sharing, which larger models owe to memory bandwidth, is what makes batching worth measuring.
 */
export const defaultRecipe: ModelRecipe = {
  seed: 1,
  shape: {
    embedding: 192,
    layers: 6,
    heads: 2,
    headSize: 16,
    feedForward: 512,
    contextTokens: 4096,
  },
  words,
}

/**
 * Path of the model made from `recipe`, written on first use. The file is complete or absent: it is
 * written beside its place and renamed. Its name holds a hash of the recipe.
 */
export async function randomModelFile(recipe: ModelRecipe = defaultRecipe): Promise<string> {
  const folder = cacheFolder()
  const file = join(folder, `${randomModelName(recipe)}.gguf`)
  if (existsSync(file)) return file
  await mkdir(folder, { recursive: true })
  const unfinished = join(folder, `${randomUUID()}.tmp`)
  try {
    await writeFile(unfinished, encodeRandomModel(recipe))
    await rename(unfinished, file)
  } finally {
    await rm(unfinished, { force: true })
  }
  return file
}

/** Name of the model made from `recipe`, as the server offers it. */
export function randomModelName(recipe: ModelRecipe): string {
  const text = JSON.stringify([RECIPE_VERSION, recipe])
  return `random-llama-${createHash('sha256').update(text).digest('hex').slice(0, 12)}`
}

/** `$BAREMARK_CACHE_DIR`, else `baremark` in `$XDG_CACHE_HOME` or `~/.cache`. */
function cacheFolder(): string {
  const { BAREMARK_CACHE_DIR, XDG_CACHE_HOME } = process.env
  if (BAREMARK_CACHE_DIR) return BAREMARK_CACHE_DIR
  return join(XDG_CACHE_HOME || join(homedir(), '.cache'), 'baremark')
}

/** The bytes of the model's GGUF file. */
export function encodeRandomModel(recipe: ModelRecipe): Uint8Array {
  return encodeGguf({ metadata: metadataOf(recipe), tensors: tensorsOf(recipe) })
}

function metadataOf({ shape, words }: ModelRecipe): Record<string, GgufValue> {
  const vocabulary = wordVocabulary(words)
  const endId = vocabulary.tokens.indexOf(endToken)
  return {
    'general.architecture': text('llama'),
    'general.name': text('baremark random weights'),
    'general.file_type': u32(1),
    'llama.block_count': u32(shape.layers),
    'llama.context_length': u32(shape.contextTokens),
    'llama.embedding_length': u32(shape.embedding),
    'llama.feed_forward_length': u32(shape.feedForward),
    'llama.attention.head_count': u32(shape.heads),
    'llama.attention.head_count_kv': u32(1),
    'llama.attention.key_length': u32(shape.headSize),
    'llama.attention.value_length': u32(shape.headSize),
    'llama.attention.layer_norm_rms_epsilon': { type: 'f32', value: 1e-5 },
    'llama.rope.dimension_count': u32(shape.headSize),
    'llama.vocab_size': u32(vocabulary.tokens.length),
    'tokenizer.ggml.model': text('gpt2'),
    'tokenizer.ggml.pre': text('gpt-2'),
    'tokenizer.ggml.tokens': { type: 'strings', values: vocabulary.tokens },
    'tokenizer.ggml.token_type': { type: 'i32s', values: vocabulary.types },
    'tokenizer.ggml.merges': { type: 'strings', values: vocabulary.merges },
    'tokenizer.ggml.bos_token_id': u32(endId),
    'tokenizer.ggml.eos_token_id': u32(endId),
    'tokenizer.ggml.add_bos_token': { type: 'bool', value: false },
  }
}

function tensorsOf({ seed, shape, words }: ModelRecipe): GgufTensor[] {
  const { embedding } = shape
  const { tokens, speakable } = wordVocabulary(words)
  const matrix = matrixMaker(seededRandom(seed, 'weights'))
  const steer = (token: number) => (speakable.has(token) ? STEERING_WEIGHT : -STEERING_WEIGHT)
  return [
    steered(matrix('token_embd.weight', embedding, tokens.length, 1), () => STEERING_INPUT),
    norm('output_norm.weight', embedding),
    steered(matrix('output.weight', embedding, tokens.length), steer),
    ...Array.from({ length: shape.layers }, (_, layer) =>
      layerTensors(layer, shape, matrix),
    ).flat(),
  ]
}

function layerTensors(layer: number, shape: ModelShape, matrix: MatrixMaker): GgufTensor[] {
  const { embedding, heads, headSize, feedForward } = shape
  const name = (part: string) => `blk.${layer}.${part}.weight`
  return [
    norm(name('attn_norm'), embedding),
    matrix(name('attn_q'), embedding, heads * headSize),
    matrix(name('attn_k'), embedding, headSize),
    matrix(name('attn_v'), embedding, headSize),
    unsteering(matrix(name('attn_output'), heads * headSize, embedding)),
    norm(name('ffn_norm'), embedding),
    matrix(name('ffn_gate'), embedding, feedForward),
    matrix(name('ffn_up'), embedding, feedForward),
    unsteering(matrix(name('ffn_down'), feedForward, embedding)),
  ]
}

/**
 * Dimension 0 of the hidden state is not random. Every token sets it to the same value, no layer
 * writes to it, and the output layer reads it to favour whole words: each token the model says is
 * then visible text, never half a character or the beginning of a word.
 */
const STEERING_INPUT = 2
const STEERING_WEIGHT = 16

/** Sets dimension 0 of each row. */
function steered(tensor: GgufTensor, value: (row: number) => number): GgufTensor {
  const width = tensor.shape[0] ?? 1
  for (let row = 0; row * width < tensor.values.length; row++) {
    tensor.values[row * width] = value(row)
  }
  return tensor
}

/** Writes nothing to dimension 0: its row, the first, is zero. */
function unsteering(tensor: GgufTensor): GgufTensor {
  tensor.values.fill(0, 0, tensor.shape[0])
  return tensor
}

function norm(name: string, width: number): GgufTensor {
  return { name, type: 'f32', shape: [width], values: new Float32Array(width).fill(1) }
}

type MatrixMaker = (
  name: string,
  inputs: number,
  outputs: number,
  /** Standard deviation of the weights; by default the outputs vary as much as the inputs. */
  deviation?: number,
) => GgufTensor

/** Uniform weights around 0, whose arithmetic is exact on every platform. */
function matrixMaker(random: Random): MatrixMaker {
  return (name, inputs, outputs, deviation = inputs ** -0.5) => {
    const limit = deviation * Math.sqrt(3)
    const values = Float32Array.from({ length: inputs * outputs }, () => (2 * random() - 1) * limit)
    return { name, type: 'f16', shape: [inputs, outputs], values }
  }
}

function text(value: string): GgufValue {
  return { type: 'string', value }
}

function u32(value: number): GgufValue {
  return { type: 'u32', value }
}
