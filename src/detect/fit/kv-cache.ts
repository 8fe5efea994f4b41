import { type Maybe, product, ratio, sum } from '../../arithmetic.ts'
import { countIn, type ModelConfig, reader, type Sizes } from './model-config.ts'
import type { Family, Windows } from './model-families.ts'

/** A key and a value. */
const KEYS_AND_VALUES = 2

/** Layers whose KV cache is alike. */
export interface KvGroup {
  readonly layers: number
  /** Of one token in one layer, keys and values of all heads. */
  readonly bytesPerToken: number
  /** KV heads, which GPUs can share out among them; absent where each GPU needs the whole cache (MLA). */
  readonly heads?: number
  /** Only the last so many tokens are kept. */
  readonly windowTokens?: number
}

/**
 * Bytes that a sequence holds in the KV cache: each layer keeps its tokens, or those in its window.
 * Servers free what leaves the window (vLLM does by default); one that does not needs as much as without.
 */
export function kvBytesOfSequence(groups: readonly KvGroup[], tokens: number): number {
  const bytes = groups.map(
    ({ layers, bytesPerToken, windowTokens = tokens }) =>
      layers * bytesPerToken * Math.min(tokens, windowTokens),
  )
  return bytes.reduce((total, of) => total + of, 0)
}

/** Bytes of one token in all layers, while no window is full. */
export function kvBytesPerToken(groups: readonly KvGroup[]): number {
  return kvBytesOfSequence(groups, 1)
}

/**
 * Grouped attention keeps a key and a value of each KV head: 2·heads·size numbers a token and layer.
 * Latent attention keeps the compressed vector and one rotated key: rank + rope (arXiv 2405.04434, table 1).
 */
export function kvGroupsOf(
  config: ModelConfig,
  family: Family | undefined,
  sizes: Sizes,
  elementBytes: number,
  gaps: Set<string>,
): readonly KvGroup[] | undefined {
  if (family?.attention === 'latent') {
    const read = reader(config, family, gaps)
    const elements = sum([read.need('kv_lora_rank'), read.need('qk_rope_head_dim')])
    return elements === undefined || sizes.layers === undefined
      ? undefined
      : [{ layers: sizes.layers, bytesPerToken: elements * elementBytes }]
  }
  const { layers, kvHeads, headSize } = sizes
  const windowed = family === undefined ? 0 : windowedLayers(config, family, layers, gaps)
  const all = product([KEYS_AND_VALUES, kvHeads, headSize, elementBytes])
  if (all === undefined || layers === undefined || kvHeads === undefined || windowed === undefined)
    return undefined
  const windowTokens = countIn(config.sliding_window)
  if (windowed > 0 && windowTokens === undefined) {
    gaps.add('sliding_window')
    return undefined
  }
  const group = { bytesPerToken: all, heads: kvHeads }
  const groups = [
    { ...group, layers: layers - windowed },
    { ...group, layers: windowed, ...(windowTokens !== undefined && { windowTokens }) },
  ]
  return groups.filter((each) => each.layers > 0)
}

/** Newer files list the kind of each layer; of kinds other than these two the cache is unknown. */
function windowedLayers(
  config: ModelConfig,
  family: Family,
  layers: Maybe,
  gaps: Set<string>,
): Maybe {
  const types = Array.isArray(config.layer_types) ? config.layer_types : undefined
  if (types === undefined) return windowedByRule(config, family.windows, layers)
  if (types.length !== layers) {
    gaps.add('layer_types (as many as layers)')
    return undefined
  }
  const other = types.find((type) => type !== 'sliding_attention' && type !== 'full_attention')
  if (other === undefined) return types.filter((type) => type === 'sliding_attention').length
  gaps.add(`the cache of layers of type "${String(other)}"`)
  return undefined
}

function windowedByRule(config: ModelConfig, windows: Windows, layers: Maybe): Maybe {
  if (layers === undefined) return undefined
  switch (windows) {
    case 'none':
      return 0
    case 'all':
      return countIn(config.sliding_window) === undefined ? 0 : layers
    case 'asked': {
      if (config.use_sliding_window !== true) return 0
      return Math.max(0, layers - (countIn(config.max_window_layers) ?? 0))
    }
  }
  const full = ratio(layers, countIn(config.sliding_window_pattern) ?? windows.fullEvery)
  return full === undefined ? undefined : layers - Math.floor(full)
}
