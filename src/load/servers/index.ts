import type { ApiName } from '../api-names.ts'
import { anthropicMessages } from './anthropic-messages.ts'
import { llamaCppCompletion } from './llama-cpp-completion.ts'
import { ollamaChat } from './ollama-chat.ts'
import { ollamaGenerate } from './ollama-generate.ts'
import { openAiChat } from './openai-chat.ts'
import { openAiCompletions } from './openai-completions.ts'
import { openAiResponses } from './openai-responses.ts'
import type { ServerApi } from './server.ts'
import { sglangGenerate } from './sglang-generate.ts'
import { tgiGenerate } from './tgi-generate.ts'
import { tritonGenerate } from './triton-generate.ts'

/** Every API baremark speaks. To add one, write its file and name it here. */
export const serverApis: Readonly<Record<ApiName, ServerApi>> = {
  'openai-chat': openAiChat,
  'openai-completions': openAiCompletions,
  'openai-responses': openAiResponses,
  'anthropic-messages': anthropicMessages,
  'ollama-chat': ollamaChat,
  'ollama-generate': ollamaGenerate,
  'llama-cpp-completion': llamaCppCompletion,
  'sglang-generate': sglangGenerate,
  'tgi-generate': tgiGenerate,
  'triton-generate': tritonGenerate,
}
