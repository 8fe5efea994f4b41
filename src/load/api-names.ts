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

/** Whether an API takes a conversation, which the server's chat template makes a prompt of. */
export function takesMessages(api: ApiName): boolean {
  switch (api) {
    case 'openai-chat':
    case 'openai-responses':
    case 'anthropic-messages':
    case 'ollama-chat':
      return true
    case 'openai-completions':
    case 'ollama-generate':
    case 'llama-cpp-completion':
    case 'sglang-generate':
    case 'tgi-generate':
    case 'triton-generate':
      return false
  }
}
