import { type KvGroup, kvBytesOfSequence } from './kv-cache.ts'
import type { ModelShape } from './model-shape.ts'

/** What a server is assumed to do with a GPU's memory. */
export interface MemoryPlan {
  /** Memory of each GPU, of the smallest where they differ: all hold equal parts. */
  readonly bytesPerGpu: number
  /** Share of it that the server takes, as vLLM's `gpu_memory_utilization`. */
  readonly usableRatio: number
  /** Activations, and what the driver and communication take, on each GPU. */
  readonly overheadBytesPerGpu: number
}

/** vLLM's own default. */
export const USABLE_RATIO = 0.9

/**
 * An assumption: what vLLM's own profiling found for Llama-3-8B on an 80 GB GPU was 1.26 GiB of
 * activations and 1.79 GiB beside (vllm-project/vllm, pull request 10511); 3.58 GiB beside on each of two.
 */
export const OVERHEAD_GIB = 3

/** What fits on so many GPUs. All bytes are of one GPU. */
export type Fit =
  | {
      readonly kind: 'fits'
      readonly gpus: number
      readonly weightBytes: number
      /** Left for the KV cache. */
      readonly cacheBytes: number
      readonly sequenceBytes: number
      /** Whole sequences at once; 0 where not even one has room. */
      readonly sequences: number
    }
  | {
      readonly kind: 'too-large'
      readonly gpus: number
      readonly weightBytes: number
      readonly missingBytes: number
    }
  | { readonly kind: 'cannot-split'; readonly gpus: number; readonly why: string }
  | { readonly kind: 'unknown'; readonly gpus: number; readonly missing: readonly string[] }

/**
 * How many sequences of `contextTokens` fit on `gpus` GPUs that split every layer (tensor parallel):
 *
 *     cache     = memory · usable - weights / gpus - overhead
 *     sequences = floor(cache / bytes of one sequence on one GPU)
 *
 * Weights are taken as split evenly; servers keep norms and routers on every GPU, far under 1 %.
 */
export function fitModel(
  shape: ModelShape,
  plan: MemoryPlan,
  { gpus, contextTokens }: { readonly gpus: number; readonly contextTokens: number },
): Fit {
  const { weightBytes, kvGroups } = shape
  if (weightBytes === undefined || kvGroups === undefined) {
    return { kind: 'unknown', gpus, missing: shape.gaps }
  }
  const why = whyNoSplit(shape, kvGroups, gpus)
  if (why !== undefined) return { kind: 'cannot-split', gpus, why }
  const ownWeightBytes = weightBytes / gpus
  const cacheBytes = plan.bytesPerGpu * plan.usableRatio - ownWeightBytes - plan.overheadBytesPerGpu
  if (cacheBytes < 0) {
    return { kind: 'too-large', gpus, weightBytes: ownWeightBytes, missingBytes: -cacheBytes }
  }
  const sequenceBytes = sequenceBytesPerGpu(kvGroups, gpus, contextTokens)
  if (sequenceBytes === 0) return { kind: 'unknown', gpus, missing: ['the size of the KV cache'] }
  const sequences = Math.floor(cacheBytes / sequenceBytes)
  return { kind: 'fits', gpus, weightBytes: ownWeightBytes, cacheBytes, sequenceBytes, sequences }
}

/**
 * Each GPU takes whole heads. KV heads that are too few are copied: with 4 of them on 8 GPUs, two GPUs
 * keep each. As vLLM does it.
 */
function whyNoSplit(
  { attentionHeads }: ModelShape,
  groups: readonly KvGroup[],
  gpus: number,
): string | undefined {
  if (attentionHeads !== undefined && attentionHeads % gpus !== 0) {
    return `${attentionHeads} attention heads do not divide by ${gpus}`
  }
  const uneven = groups.find(
    ({ heads }) => heads !== undefined && headsPerGpu(heads, gpus) === undefined,
  )
  return uneven === undefined
    ? undefined
    : `${uneven.heads} KV heads do not divide among ${gpus} GPUs`
}

function headsPerGpu(heads: number, gpus: number): number | undefined {
  if (heads % gpus === 0) return heads / gpus
  return gpus % heads === 0 ? 1 : undefined
}

function sequenceBytesPerGpu(groups: readonly KvGroup[], gpus: number, tokens: number): number {
  const own = groups.map((group) => {
    const { heads, bytesPerToken } = group
    const held = heads === undefined ? undefined : headsPerGpu(heads, gpus)
    const share = heads === undefined || held === undefined ? 1 : held / heads
    return { ...group, bytesPerToken: bytesPerToken * share }
  })
  return kvBytesOfSequence(own, tokens)
}
