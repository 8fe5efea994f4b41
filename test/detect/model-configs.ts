import type { ModelConfig } from '../../src/detect/fit/model-config.ts'

// Sizes of published models, as their config.json on huggingface.co gives them; only what sizes follow from.

export const llama31x8b: ModelConfig = {
  model_type: 'llama',
  attention_bias: false,
  hidden_size: 4096,
  intermediate_size: 14_336,
  mlp_bias: false,
  num_attention_heads: 32,
  num_hidden_layers: 32,
  num_key_value_heads: 8,
  tie_word_embeddings: false,
  torch_dtype: 'bfloat16',
  vocab_size: 128_256,
}

export const llama31x70b: ModelConfig = {
  ...llama31x8b,
  hidden_size: 8192,
  intermediate_size: 28_672,
  num_attention_heads: 64,
  num_hidden_layers: 80,
}

export const llama32x1b: ModelConfig = {
  ...llama31x8b,
  head_dim: 64,
  hidden_size: 2048,
  intermediate_size: 8192,
  num_hidden_layers: 16,
  tie_word_embeddings: true,
}

export const mistral7b: ModelConfig = {
  model_type: 'mistral',
  hidden_size: 4096,
  intermediate_size: 14_336,
  num_attention_heads: 32,
  num_hidden_layers: 32,
  num_key_value_heads: 8,
  sliding_window: 4096,
  tie_word_embeddings: false,
  torch_dtype: 'bfloat16',
  vocab_size: 32_000,
}

export const qwen25x7b: ModelConfig = {
  model_type: 'qwen2',
  hidden_size: 3584,
  intermediate_size: 18_944,
  max_window_layers: 28,
  num_attention_heads: 28,
  num_hidden_layers: 28,
  num_key_value_heads: 4,
  sliding_window: 131_072,
  tie_word_embeddings: false,
  torch_dtype: 'bfloat16',
  use_sliding_window: false,
  vocab_size: 152_064,
}

export const qwen3x06b: ModelConfig = {
  model_type: 'qwen3',
  attention_bias: false,
  head_dim: 128,
  hidden_size: 1024,
  intermediate_size: 3072,
  num_attention_heads: 16,
  num_hidden_layers: 28,
  num_key_value_heads: 8,
  sliding_window: null,
  tie_word_embeddings: true,
  torch_dtype: 'bfloat16',
  use_sliding_window: false,
  vocab_size: 151_936,
}

export const qwen3x30b: ModelConfig = {
  ...qwen3x06b,
  model_type: 'qwen3_moe',
  decoder_sparse_step: 1,
  hidden_size: 2048,
  intermediate_size: 6144,
  mlp_only_layers: [],
  moe_intermediate_size: 768,
  num_attention_heads: 32,
  num_experts: 128,
  num_experts_per_tok: 8,
  num_hidden_layers: 48,
  num_key_value_heads: 4,
  tie_word_embeddings: false,
}

export const qwen15moe: ModelConfig = {
  model_type: 'qwen2_moe',
  decoder_sparse_step: 1,
  hidden_size: 2048,
  intermediate_size: 5632,
  moe_intermediate_size: 1408,
  num_attention_heads: 16,
  num_experts: 60,
  num_experts_per_tok: 4,
  num_hidden_layers: 24,
  num_key_value_heads: 16,
  shared_expert_intermediate_size: 5632,
  tie_word_embeddings: false,
  torch_dtype: 'bfloat16',
  use_sliding_window: false,
  vocab_size: 151_936,
}

export const mixtral8x7b: ModelConfig = {
  model_type: 'mixtral',
  hidden_size: 4096,
  intermediate_size: 14_336,
  num_attention_heads: 32,
  num_experts_per_tok: 2,
  num_hidden_layers: 32,
  num_key_value_heads: 8,
  num_local_experts: 8,
  sliding_window: null,
  tie_word_embeddings: false,
  torch_dtype: 'bfloat16',
  vocab_size: 32_000,
}

export const gemma2x9b: ModelConfig = {
  model_type: 'gemma2',
  attention_bias: false,
  head_dim: 256,
  hidden_size: 3584,
  intermediate_size: 14_336,
  num_attention_heads: 16,
  num_hidden_layers: 42,
  num_key_value_heads: 8,
  sliding_window: 4096,
  torch_dtype: 'float32',
  vocab_size: 256_000,
}

export const gemma3x1b: ModelConfig = {
  model_type: 'gemma3_text',
  attention_bias: false,
  head_dim: 256,
  hidden_size: 1152,
  intermediate_size: 6912,
  num_attention_heads: 4,
  num_hidden_layers: 26,
  num_key_value_heads: 1,
  sliding_window: 512,
  sliding_window_pattern: 6,
  torch_dtype: 'bfloat16',
  vocab_size: 262_144,
}

/** The published file leaves out whatever is the class's default. */
export const gemma3x4b: ModelConfig = {
  model_type: 'gemma3',
  text_config: {
    hidden_size: 2560,
    intermediate_size: 10_240,
    model_type: 'gemma3_text',
    num_hidden_layers: 34,
    sliding_window: 1024,
  },
  torch_dtype: 'bfloat16',
  vision_config: { hidden_size: 1152, model_type: 'siglip_vision_model' },
}

export const phi2: ModelConfig = {
  model_type: 'phi',
  hidden_size: 2560,
  intermediate_size: 10_240,
  num_attention_heads: 32,
  num_hidden_layers: 32,
  num_key_value_heads: 32,
  tie_word_embeddings: false,
  torch_dtype: 'float16',
  vocab_size: 51_200,
}

export const phi3mini: ModelConfig = {
  model_type: 'phi3',
  hidden_size: 3072,
  intermediate_size: 8192,
  num_attention_heads: 32,
  num_hidden_layers: 32,
  num_key_value_heads: 32,
  sliding_window: 2047,
  tie_word_embeddings: false,
  torch_dtype: 'bfloat16',
  vocab_size: 32_064,
}

export const gpt2: ModelConfig = {
  model_type: 'gpt2',
  n_ctx: 1024,
  n_embd: 768,
  n_head: 12,
  n_layer: 12,
  n_positions: 1024,
  vocab_size: 50_257,
}

const deepseek: ModelConfig = {
  attention_bias: false,
  kv_lora_rank: 512,
  moe_layer_freq: 1,
  qk_nope_head_dim: 128,
  qk_rope_head_dim: 64,
  tie_word_embeddings: false,
  torch_dtype: 'bfloat16',
  v_head_dim: 128,
}

export const deepseekV2Lite: ModelConfig = {
  ...deepseek,
  model_type: 'deepseek_v2',
  first_k_dense_replace: 1,
  hidden_size: 2048,
  intermediate_size: 10_944,
  moe_intermediate_size: 1408,
  n_routed_experts: 64,
  n_shared_experts: 2,
  num_attention_heads: 16,
  num_experts_per_tok: 6,
  num_hidden_layers: 27,
  num_key_value_heads: 16,
  q_lora_rank: null,
  vocab_size: 102_400,
}

export const deepseekV3: ModelConfig = {
  ...deepseek,
  model_type: 'deepseek_v3',
  first_k_dense_replace: 3,
  hidden_size: 7168,
  intermediate_size: 18_432,
  moe_intermediate_size: 2048,
  n_routed_experts: 256,
  n_shared_experts: 1,
  num_attention_heads: 128,
  num_experts_per_tok: 8,
  num_hidden_layers: 61,
  num_key_value_heads: 128,
  num_nextn_predict_layers: 1,
  q_lora_rank: 1536,
  quantization_config: { fmt: 'e4m3', quant_method: 'fp8', weight_block_size: [128, 128] },
  topk_method: 'noaux_tc',
  vocab_size: 129_280,
}

export const gptOss20b: ModelConfig = {
  model_type: 'gpt_oss',
  attention_bias: true,
  head_dim: 64,
  hidden_size: 2880,
  intermediate_size: 2880,
  layer_types: Array.from({ length: 24 }, (_, layer) =>
    layer % 2 === 0 ? 'sliding_attention' : 'full_attention',
  ),
  num_attention_heads: 64,
  num_experts_per_tok: 4,
  num_hidden_layers: 24,
  num_key_value_heads: 8,
  num_local_experts: 32,
  quantization_config: {
    modules_to_not_convert: [
      'model.layers.*.self_attn',
      'model.layers.*.mlp.router',
      'model.embed_tokens',
      'lm_head',
    ],
    quant_method: 'mxfp4',
  },
  sliding_window: 128,
  tie_word_embeddings: false,
  torch_dtype: 'bfloat16',
  vocab_size: 201_088,
}
