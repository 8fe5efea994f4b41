/** Which layers of a family attend to a window of the last tokens only. */
export type Windows =
  | 'none'
  /** All, where `sliding_window` says how wide. */
  | 'all'
  /** Those from `max_window_layers` on, where `use_sliding_window` asks for it. */
  | 'asked'
  /** All but every n-th. */
  | { readonly fullEvery: number }

/** How a family of models names its experts in `config.json`. */
export interface ExpertNames {
  readonly count: string
  readonly width: string
  /** Width of the expert that every token passes; `perExpert`: a number of experts of the usual width. */
  readonly shared?:
    | { readonly width: string; readonly gated: boolean }
    | { readonly perExpert: string }
  /** Which layers have experts. */
  readonly layers: 'all' | 'step' | 'after-dense'
  /** A learned correction for each, which balances them. */
  readonly corrected?: true
  /** Matrices of experts and router have biases. */
  readonly biased?: true
}

/**
 * What `config.json` does not say, because the program that runs the family knows it. The source of
 * each row is the family's `modeling_*.py` and `configuration_*.py` in Hugging Face transformers; the
 * parameter counts that follow from it are held against published ones in the tests.
 */
export interface Family {
  readonly attention: 'grouped' | 'latent'
  /** Biases of the query, key and value projections; `told`: as `attention_bias` says. */
  readonly qkvBias: 'none' | 'always' | 'told'
  readonly outputBias: 'none' | 'always' | 'told'
  /** Norms of queries and keys, a head wide. */
  readonly qkNorm?: true
  /** A learned sink for each head. */
  readonly sinks?: true
  readonly normsPerLayer: 1 | 2 | 4
  /** LayerNorm with a bias; else RMSNorm without. */
  readonly normBias?: true
  /** Three matrices with a gate, or two. */
  readonly mlp: 'gated' | 'plain'
  readonly mlpBias: 'none' | 'always' | 'told'
  readonly headBias?: true
  /** Positions are learned: a table of `max_position_embeddings` rows. */
  readonly learnedPositions?: true
  /** Output and input share one table, where the file does not say. */
  readonly tied: boolean
  readonly windows: Windows
  readonly experts?: ExpertNames
  /** Sizes may be left out, and then mean: as many KV heads as heads, heads that divide the width. */
  readonly impliedHeads?: true
  /** The values that the family's published files leave out. */
  readonly defaults?: Readonly<Record<string, number>>
}

const rms = {
  qkvBias: 'none',
  outputBias: 'none',
  normsPerLayer: 2,
  mlp: 'gated',
  mlpBias: 'none',
} as const
const grouped = { ...rms, attention: 'grouped', tied: false } as const
const told = { qkvBias: 'told', outputBias: 'told' } as const
const always = {
  qkvBias: 'always',
  outputBias: 'always',
  mlpBias: 'always',
  normBias: true,
} as const

const llama: Family = { ...grouped, ...told, mlpBias: 'told', windows: 'none', impliedHeads: true }
const mistral: Family = { ...grouped, windows: 'all', impliedHeads: true }
const qwen2: Family = { ...grouped, qkvBias: 'always', windows: 'asked', impliedHeads: true }
const qwen3: Family = { ...grouped, ...told, qkNorm: true, windows: 'asked' }
const gemma: Family = { ...grouped, ...told, tied: true, windows: 'none' }
const gemma2: Family = { ...gemma, normsPerLayer: 4, windows: { fullEvery: 2 } }
const gemma3: Family = {
  ...gemma2,
  qkNorm: true,
  windows: { fullEvery: 6 },
  // Gemma3TextConfig: the published files of 4B leave out all of these, those of 12B and 27B some.
  defaults: { vocab_size: 262_208, num_attention_heads: 8, num_key_value_heads: 4, head_dim: 256 },
}
const qwenExperts = {
  count: 'num_experts',
  width: 'moe_intermediate_size',
  layers: 'step',
} as const
const deepseekExperts: ExpertNames = {
  count: 'n_routed_experts',
  width: 'moe_intermediate_size',
  shared: { perExpert: 'n_shared_experts' },
  layers: 'after-dense',
}
const deepseek: Family = {
  ...rms,
  ...told,
  attention: 'latent',
  tied: false,
  windows: 'none',
  experts: deepseekExperts,
}

const deepseekV3: Family = { ...deepseek, experts: { ...deepseekExperts, corrected: true } }

/** By `model_type`. A type that is not here is not guessed at: hybrids with state-space layers look just like the others. */
export const families: Readonly<Record<string, Family>> = {
  llama,
  mistral,
  ministral: mistral,
  qwen2,
  qwen2_vl: qwen2,
  qwen2_vl_text: qwen2,
  qwen2_5_vl: qwen2,
  qwen2_5_vl_text: qwen2,
  qwen3,
  qwen3_vl_text: qwen3,
  gemma,
  gemma2,
  gemma3_text: gemma3,
  phi3: { ...grouped, windows: 'all', impliedHeads: true },
  phi: {
    ...grouped,
    ...always,
    normsPerLayer: 1,
    mlp: 'plain',
    headBias: true,
    windows: 'none',
    impliedHeads: true,
  },
  gpt2: {
    ...grouped,
    ...always,
    mlp: 'plain',
    learnedPositions: true,
    tied: true,
    windows: 'none',
    impliedHeads: true,
  },
  mixtral: {
    ...mistral,
    experts: { count: 'num_local_experts', width: 'intermediate_size', layers: 'all' },
  },
  qwen2_moe: {
    ...qwen2,
    experts: { ...qwenExperts, shared: { width: 'shared_expert_intermediate_size', gated: true } },
  },
  qwen3_moe: { ...qwen3, experts: qwenExperts },
  qwen3_vl_moe_text: { ...qwen3, experts: qwenExperts },
  deepseek_v2: deepseek,
  deepseek_v3: deepseekV3,
  kimi_k2: deepseekV3,
  gpt_oss: {
    ...grouped,
    ...told,
    sinks: true,
    windows: { fullEvery: 2 },
    experts: {
      count: 'num_local_experts',
      width: 'intermediate_size',
      layers: 'all',
      biased: true,
    },
  },
}
