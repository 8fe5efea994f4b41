import { type Maybe, product, ratio, sum } from '../../arithmetic.ts'
import { type KvGroup, kvBytesPerToken, kvGroupsOf } from './kv-cache.ts'
import {
  countIn,
  isFacts,
  languageModel,
  type ModelConfig,
  reader,
  type Sizes,
  sizesOf,
} from './model-config.ts'
import { type Family, families } from './model-families.ts'
import { countParameters } from './model-parameters.ts'
import {
  type ComputeType,
  computeType,
  type ParameterParts,
  type WeightBytes,
  weightBytes,
} from './weight-bytes.ts'

/** What somebody says of a model, in place of what its file says, or without a file. */
export interface StatedShape {
  readonly parameters?: number
  readonly layers?: number
  readonly kvHeads?: number
  readonly headSize?: number
  readonly bytesPerWeight?: number
  /** Of one number in the KV cache: 2 for 16-bit types, 1 for FP8. */
  readonly kvBytesPerElement?: number
}

/**
 * The sizes of a language model that memory and speed follow from. What its file does not tell is
 * unknown, and so is all that depends on it; `gaps` names what is missing.
 */
export interface ModelShape extends Sizes {
  /** `model_type` of the language model. */
  readonly architecture: string | undefined
  /** All weights of the language model, as a count of numbers. */
  readonly parameters: Maybe
  /** Those that take part in one token: all but the experts it is not sent to. The embeddings count in full. */
  readonly activeParameters: Maybe
  /** Of which a token only takes a row: embeddings beside an output head of its own, learned positions. */
  readonly lookupParameters: Maybe
  /** The output head, be it the embeddings' own table. */
  readonly headParameters: Maybe
  /** Routed experts of a layer, and those of a token; unknown without experts. */
  readonly experts: Maybe
  readonly expertsPerToken: Maybe
  readonly weightBytes: Maybe
  /** Of these, all routed experts; 0 without experts. */
  readonly expertBytes: Maybe
  readonly lookupBytes: Maybe
  /** Whether the file says that weights are quantised. */
  readonly quantised: boolean
  /** In which type the matrices are multiplied. */
  readonly computeType: ComputeType | undefined
  /**
   * Floating-point operations that one layer's attention takes for a query and one token it looks at: a product
   * and a sum for each number of key and value, over all heads.
   */
  readonly attentionFlopsPerPair: Maybe
  /** Mean over all weights: quantised models keep some of them in 16 bits. */
  readonly bytesPerWeight: Maybe
  readonly kvGroups: readonly KvGroup[] | undefined
  /** Of a token while no window is full. */
  readonly kvBytesPerToken: Maybe
  readonly gaps: readonly string[]
  /** Parts of the file that hold weights of their own, which no figure here counts. */
  readonly uncounted: readonly string[]
}

const KV_BYTES_PER_ELEMENT = 2

/** The shape of the language model that a `config.json` describes; of a model that sees or hears, its text part. */
export function modelShape(file: ModelConfig, stated: StatedShape = {}): ModelShape {
  const gaps = new Set<string>()
  const config = withStated(languageModel(file), stated)
  const architecture = typeof config.model_type === 'string' ? config.model_type : undefined
  const family = familyOf(architecture)
  const sizes = sizesOf(config, family)
  const counted =
    family === undefined || stated.parameters !== undefined
      ? undefined
      : countParameters(reader(config, family, gaps), family, sizes)
  if (family === undefined && !(saysCache(stated) && stated.parameters !== undefined))
    gaps.add(unknownFamily(architecture))
  const parameters = stated.parameters ?? counted?.parameters
  const weights = weightsOf(config, counted?.parts, parameters, stated, gaps)
  const kvGroups =
    family === undefined && !saysCache(stated)
      ? undefined
      : kvGroupsOf(config, family, sizes, stated.kvBytesPerElement ?? KV_BYTES_PER_ELEMENT, gaps)
  return {
    architecture,
    parameters,
    activeParameters: counted?.activeParameters,
    lookupParameters: counted?.tables.lookup,
    headParameters: counted?.tables.head,
    experts: counted?.experts,
    expertsPerToken: counted?.expertsPerToken,
    weightBytes: weights.bytes,
    expertBytes: weights.expertBytes,
    lookupBytes: product([counted?.tables.lookup, weights.bytesPerPlainWeight]),
    quantised: isFacts(config.quantization_config),
    computeType: computeType(config),
    attentionFlopsPerPair: attentionFlopsPerPair(config, family, sizes),
    bytesPerWeight: ratio(weights.bytes, parameters),
    kvGroups,
    kvBytesPerToken: kvGroups && kvBytesPerToken(kvGroups),
    ...sizes,
    gaps: [...gaps],
    uncounted: uncountedIn(file, config),
  }
}

/** 2 heads (key size + value size): scores, then the weighted sum of values (PaLM, arXiv 2204.02311, appendix B, forward pass). */
function attentionFlopsPerPair(
  config: ModelConfig,
  family: Family | undefined,
  sizes: Sizes,
): Maybe {
  const { attentionHeads, headSize } = sizes
  if (family?.attention !== 'latent') return product([2, attentionHeads, 2, headSize])
  const numbers = sum([
    countIn(config.qk_nope_head_dim),
    countIn(config.qk_rope_head_dim),
    countIn(config.v_head_dim),
  ])
  return product([2, attentionHeads, numbers])
}

function familyOf(architecture: string | undefined): Family | undefined {
  const known = architecture !== undefined && Object.hasOwn(families, architecture)
  return known ? families[architecture] : undefined
}

function unknownFamily(architecture: string | undefined): string {
  return architecture === undefined ? 'model_type' : `the architecture "${architecture}"`
}

function saysCache({ layers, kvHeads, headSize }: StatedShape): boolean {
  return ![layers, kvHeads, headSize].includes(undefined)
}

const statedKeys = {
  layers: 'num_hidden_layers',
  kvHeads: 'num_key_value_heads',
  headSize: 'head_dim',
} as const

function withStated(config: ModelConfig, stated: StatedShape): ModelConfig {
  const names = Object.keys(statedKeys) as (keyof typeof statedKeys)[]
  const said = names.filter((name) => stated[name] !== undefined)
  return { ...config, ...Object.fromEntries(said.map((name) => [statedKeys[name], stated[name]])) }
}

function uncountedIn(file: ModelConfig, config: ModelConfig): readonly string[] {
  const parts = ['vision_config', 'audio_config'].filter((part) => isFacts(file[part]))
  const predicts = countIn(config.num_nextn_predict_layers) ?? 0
  return predicts > 0 ? [...parts, 'the layers for multi-token prediction'] : parts
}

function weightsOf(
  config: ModelConfig,
  parts: ParameterParts | undefined,
  parameters: Maybe,
  stated: StatedShape,
  gaps: Set<string>,
): Omit<WeightBytes, 'gaps'> {
  if (parts === undefined && parameters === undefined) return unknownBytes
  if (stated.bytesPerWeight !== undefined) {
    return {
      bytes: product([parameters, stated.bytesPerWeight]),
      expertBytes: product([parts?.experts, stated.bytesPerWeight]),
      bytesPerPlainWeight: stated.bytesPerWeight,
    }
  }
  // Of a stated number of parameters it is unknown which of them are quantised.
  const plain = { attention: 0, dense: 0, experts: 0, rest: parameters }
  const quantised = isFacts(config.quantization_config)
  if (stated.parameters !== undefined && quantised) {
    gaps.add('bytes of a weight (the file says it is quantised)')
    return unknownBytes
  }
  const { gaps: missing, ...bytes } = weightBytes(config, parts ?? plain)
  for (const gap of missing) gaps.add(gap)
  return parts === undefined ? { ...bytes, expertBytes: undefined } : bytes
}

const unknownBytes = { bytes: undefined, expertBytes: undefined, bytesPerPlainWeight: undefined }
