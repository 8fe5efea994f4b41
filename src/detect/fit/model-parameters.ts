import { difference, type Maybe, product, sum } from '../../arithmetic.ts'
import type { Reader, Sizes } from './model-config.ts'
import type { ExpertNames, Family } from './model-families.ts'
import type { ParameterParts } from './weight-bytes.ts'

/** A matrix of keys and one of values. */
const KEYS_AND_VALUES = 2

/** The parameters of a model, and how many take part in one token. */
export interface Counted {
  readonly parts: ParameterParts
  readonly parameters: Maybe
  readonly activeParameters: Maybe
  readonly tables: Tables
  /** Routed experts of a layer, and those that a token is sent to; unknown without experts. */
  readonly experts: Maybe
  readonly expertsPerToken: Maybe
}

/** The tables of a model, of which some are multiplied with and some only looked up in. */
interface Tables {
  /** Of which a token takes a row: embeddings that are not the output head too, and learned positions. */
  readonly lookup: Maybe
  /** The output head, be it the embeddings' own table. */
  readonly head: Maybe
}

/** What one layer, or all, come to: matrices, which quantisation shrinks, and the small rest. */
interface Weights {
  readonly matrices: Maybe
  readonly rest: Maybe
}

/**
 * Counts a model's weights from its sizes: tables, then attention, MLP and norms of each layer.
 * What the file leaves out is noted in the reader's gaps.
 */
export function countParameters(config: Reader, family: Family, sizes: Sizes): Counted {
  const layers = config.known('num_hidden_layers', sizes.layers)
  const attention = attentionWeights(config, family, sizes)
  const mlp = mlpWeights(config, family, sizes, layers)
  const tables = tablesOf(config, family, sizes)
  const rest = sum([
    tables.lookup,
    tables.head,
    family.headBias ? sizes.vocabulary : 0,
    norm(family, sizes.hiddenSize),
    product([layers, sum([attention.rest, normsOfLayer(family, sizes.hiddenSize)])]),
    mlp.rest,
  ])
  const parts = {
    attention: product([layers, attention.matrices]),
    dense: mlp.dense,
    experts: mlp.experts,
    rest,
  }
  const parameters = sum([parts.attention, parts.dense, parts.experts, parts.rest])
  const idle = difference(mlp.experts, mlp.activeExperts)
  const count = family.experts && config.may(family.experts.count)
  return {
    parts,
    parameters,
    activeParameters: difference(parameters, idle),
    tables,
    experts: count,
    expertsPerToken: family.experts && usedExperts(config, count),
  }
}

function tablesOf(config: Reader, family: Family, { hiddenSize, vocabulary }: Sizes): Tables {
  const table = product([
    config.known('vocab_size', vocabulary),
    config.known('hidden_size', hiddenSize),
  ])
  const tied = config.flag('tie_word_embeddings', family.tied)
  const positions = family.learnedPositions
    ? product([config.need('max_position_embeddings'), hiddenSize])
    : 0
  return { lookup: sum([tied ? 0 : table, positions]), head: table }
}

function norm({ normBias }: Family, width: Maybe): Maybe {
  return product([normBias ? 2 : 1, width])
}

function normsOfLayer(family: Family, hiddenSize: Maybe): Maybe {
  return product([family.normsPerLayer, norm(family, hiddenSize)])
}

function hasBias(config: Reader, kind: 'none' | 'always' | 'told', key: string): boolean {
  return kind === 'always' || (kind === 'told' && config.flag(key, false))
}

function attentionWeights(config: Reader, family: Family, sizes: Sizes): Weights {
  return family.attention === 'latent'
    ? latentAttention(config, sizes)
    : groupedAttention(config, family, sizes)
}

/** Queries of all heads, keys and values of the KV heads, and the way back: H·qd + 2·H·kd + qd·H. */
function groupedAttention(config: Reader, family: Family, sizes: Sizes): Weights {
  const { hiddenSize } = sizes
  const headSize = config.known('head_dim', sizes.headSize)
  const heads = config.known('num_attention_heads', sizes.attentionHeads)
  const queries = product([heads, headSize])
  const keys = product([config.known('num_key_value_heads', sizes.kvHeads), headSize])
  const outward = sum([queries, product([KEYS_AND_VALUES, keys])])
  return {
    matrices: sum([product([hiddenSize, outward]), product([queries, hiddenSize])]),
    rest: sum([
      hasBias(config, family.qkvBias, 'attention_bias') ? outward : 0,
      hasBias(config, family.outputBias, 'attention_bias') ? hiddenSize : 0,
      family.qkNorm ? product([2, headSize]) : 0,
      family.sinks ? heads : 0,
    ]),
  }
}

/**
 * DeepSeek's multi-head latent attention: queries, keys and values go through narrow layers.
 * DeepSeek-V2, arXiv 2405.04434, section 2.1; without `q_lora_rank` queries are projected at once.
 */
function latentAttention(config: Reader, { hiddenSize, attentionHeads }: Sizes): Weights {
  const heads = config.known('num_attention_heads', attentionHeads)
  const queryRank = config.may('q_lora_rank')
  const rank = config.need('kv_lora_rank')
  const rope = config.need('qk_rope_head_dim')
  const plain = config.need('qk_nope_head_dim')
  const value = config.need('v_head_dim')
  const queries = product([heads, sum([plain, rope])])
  const queryMatrices =
    queryRank === undefined
      ? product([hiddenSize, queries])
      : product([queryRank, sum([hiddenSize, queries])])
  return {
    matrices: sum([
      queryMatrices,
      product([hiddenSize, sum([rank, rope])]),
      product([rank, heads, sum([plain, value])]),
      product([heads, value, hiddenSize]),
    ]),
    rest: sum([rank, queryRank ?? 0]),
  }
}

interface MlpWeights {
  readonly dense: Maybe
  readonly experts: Maybe
  readonly activeExperts: Maybe
  readonly rest: Maybe
}

function mlpWeights(config: Reader, family: Family, sizes: Sizes, layers: Maybe): MlpWeights {
  const { experts } = family
  if (experts === undefined) return denseLayers(config, family, sizes, layers)
  const sparse = sparseLayers(config, experts, layers)
  const idle = difference(layers, sparse)
  const dense = idle === 0 ? noWeights : denseLayers(config, family, sizes, idle)
  const routed = expertLayers(config, experts, sizes, sparse)
  return {
    dense: sum([dense.dense, routed.dense]),
    experts: routed.experts,
    activeExperts: routed.activeExperts,
    rest: sum([dense.rest, routed.rest]),
  }
}

const noWeights: MlpWeights = { dense: 0, experts: 0, activeExperts: 0, rest: 0 }

/** With a gate three matrices of H·I, without two; GPT-2 leaves out an inner width of 4 H. */
function denseLayers(config: Reader, family: Family, sizes: Sizes, layers: Maybe): MlpWeights {
  const { hiddenSize } = sizes
  const told = config.may('intermediate_size')
  const width =
    told ?? (family.learnedPositions ? product([4, hiddenSize]) : config.need('intermediate_size'))
  const inward = family.mlp === 'gated' ? 2 : 1
  const biased = hasBias(config, family.mlpBias, 'mlp_bias')
  const biases = biased ? sum([product([inward, width]), hiddenSize]) : 0
  return {
    ...noWeights,
    dense: product([layers, inward + 1, hiddenSize, width]),
    rest: product([layers, biases]),
  }
}

/** How many layers have experts. */
function sparseLayers(config: Reader, experts: ExpertNames, layers: Maybe): Maybe {
  if (layers === undefined || experts.layers === 'all') return layers
  if (experts.layers === 'after-dense') {
    const first = config.need('first_k_dense_replace')
    const every = config.may('moe_layer_freq') ?? 1
    return first === undefined
      ? undefined
      : countLayers(layers, (layer) => layer >= first && layer % every === 0)
  }
  const step = config.may('decoder_sparse_step') ?? 1
  const dense = config.list('mlp_only_layers')
  return countLayers(layers, (layer) => !dense.includes(layer) && (layer + 1) % step === 0)
}

/** No model has more layers: the file is wrong. */
const MAX_LAYERS = 10_000

function countLayers(layers: number, has: (layer: number) => boolean): Maybe {
  if (layers > MAX_LAYERS) return undefined
  return Array.from({ length: layers }, (_, layer) => layer).filter(has).length
}

/** Each expert is a small gated MLP; a router has a row for each. */
function expertLayers(config: Reader, names: ExpertNames, sizes: Sizes, layers: Maybe): MlpWeights {
  const { hiddenSize } = sizes
  const count = config.need(names.count)
  const width = config.need(names.width)
  const used = usedExperts(config, count)
  const expert = product([3, hiddenSize, width])
  const shared = sharedExpert(config, names, hiddenSize, width)
  const biases = names.biased ? product([count, sum([product([2, width]), hiddenSize, 1])]) : 0
  return {
    dense: product([layers, shared.matrices]),
    experts: product([layers, count, expert]),
    activeExperts: product([layers, used, expert]),
    rest: product([
      layers,
      sum([product([count, hiddenSize]), names.corrected ? count : 0, biases, shared.rest]),
    ]),
  }
}

function usedExperts(config: Reader, count: Maybe): Maybe {
  const used = config.need('num_experts_per_tok')
  return used === undefined || count === undefined || used > count ? undefined : used
}

function sharedExpert(
  config: Reader,
  { shared }: ExpertNames,
  hiddenSize: Maybe,
  width: Maybe,
): Weights {
  if (shared === undefined) return { matrices: 0, rest: 0 }
  if ('perExpert' in shared) {
    return { matrices: product([3, hiddenSize, width, config.may(shared.perExpert) ?? 0]), rest: 0 }
  }
  const matrices = product([3, hiddenSize, config.need(shared.width)])
  return { matrices, rest: shared.gated ? hiddenSize : 0 }
}
