import type { ModelConfig } from './model-config.ts'
import { modelShape } from './model-shape.ts'
import type { ComputeType } from './weight-bytes.ts'

/** Layers that keep as many keys and values of as many tokens. */
export interface CachedLayers {
  readonly layers: number
  /** Keys and values of one token in one layer. */
  readonly numbersPerToken: number
  /** Only the last so many tokens are looked at. */
  readonly windowTokens?: number
}

/** A language model as its `config.json` describes it, as far as speed follows from it. Absent is unknown. */
export interface ModelFacts {
  /** SHA-256 of the file. */
  readonly sha256: string
  readonly architecture?: string
  readonly parameters?: number
  /** Those that take part in one token; embeddings count in full. */
  readonly activeParameters?: number
  /** Of which a token only takes a row. */
  readonly lookupParameters?: number
  readonly headParameters?: number
  readonly weightBytes?: number
  readonly lookupBytes?: number
  /** Of all routed experts; 0 without experts. */
  readonly expertBytes?: number
  readonly experts?: number
  readonly expertsPerToken?: number
  /** Whether the file says that weights are quantised. */
  readonly quantised: boolean
  readonly computeType?: ComputeType
  /** Floating-point operations of one layer's attention for a query and one token it looks at. */
  readonly attentionFlopsPerPair?: number
  readonly cachedLayers?: readonly CachedLayers[]
  /** What the file lacks, in words. */
  readonly gaps: readonly string[]
  /** Parts of the file with weights of their own that no figure counts. */
  readonly uncounted: readonly string[]
}

/** What a `config.json` tells of a model's speed. */
export function modelFacts(file: ModelConfig, sha256: string): ModelFacts {
  const shape = modelShape(file, { kvBytesPerElement: 1 })
  return {
    sha256,
    architecture: shape.architecture,
    parameters: shape.parameters,
    activeParameters: shape.activeParameters,
    lookupParameters: shape.lookupParameters,
    headParameters: shape.headParameters,
    weightBytes: shape.weightBytes,
    lookupBytes: shape.lookupBytes,
    expertBytes: shape.expertBytes,
    experts: shape.experts,
    expertsPerToken: shape.expertsPerToken,
    quantised: shape.quantised,
    computeType: shape.computeType,
    attentionFlopsPerPair: shape.attentionFlopsPerPair,
    // A byte each, so that bytes are numbers: in which type a server keeps them, it tells or not.
    cachedLayers: shape.kvGroups?.map(({ layers, bytesPerToken, windowTokens }) => ({
      layers,
      numbersPerToken: bytesPerToken,
      windowTokens,
    })),
    gaps: shape.gaps,
    uncounted: shape.uncounted,
  }
}
