import { type Maybe, product, ratio } from '../../arithmetic.ts'
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
import { type ParameterParts, weightBytes } from './weight-bytes.ts'

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
  readonly weightBytes: Maybe
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
    weightBytes: weights,
    bytesPerWeight: ratio(weights, parameters),
    kvGroups,
    kvBytesPerToken: kvGroups && kvBytesPerToken(kvGroups),
    ...sizes,
    gaps: [...gaps],
    uncounted: uncountedIn(file, config),
  }
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
): Maybe {
  if (parts === undefined && parameters === undefined) return undefined
  if (stated.bytesPerWeight !== undefined) return product([parameters, stated.bytesPerWeight])
  // Of a stated number of parameters it is unknown which of them are quantised.
  const plain = { attention: 0, dense: 0, experts: 0, rest: parameters }
  const quantised = isFacts(config.quantization_config)
  if (stated.parameters !== undefined && quantised) {
    gaps.add('bytes of a weight (the file says it is quantised)')
    return undefined
  }
  const { bytes, gaps: missing } = weightBytes(config, parts ?? plain)
  for (const gap of missing) gaps.add(gap)
  return bytes
}
