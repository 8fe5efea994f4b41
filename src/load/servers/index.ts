import type { ApiName } from '../benchmark.ts'
import { openAiChat } from './openai-chat.ts'
import { openAiCompletions } from './openai-completions.ts'
import type { ServerApi } from './server.ts'

/** Every API baremark speaks. To add one, write its file and name it here. */
export const serverApis: Readonly<Record<ApiName, ServerApi>> = {
  'openai-chat': openAiChat,
  'openai-completions': openAiCompletions,
}
