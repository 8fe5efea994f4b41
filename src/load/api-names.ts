/** The APIs that baremark speaks, by the names that benchmarks and flags call them. */
export const apiNames = [
  'openai-chat',
  'openai-completions',
  'openai-responses',
  'anthropic-messages',
  'ollama-chat',
  'ollama-generate',
  'llama-cpp-completion',
  'sglang-generate',
  'tgi-generate',
  'triton-generate',
] as const

export type ApiName = (typeof apiNames)[number]
