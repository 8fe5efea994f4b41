import type { ServerKindName } from '../server-identity.ts'
import { baremark } from './baremark.ts'
import { llamaCpp } from './llama-cpp.ts'
import { lmStudio } from './lm-studio.ts'
import { nim } from './nim.ts'
import { ollama } from './ollama.ts'
import { openAi } from './openai.ts'
import type { ServerKind } from './server-kind.ts'
import { sglang } from './sglang.ts'
import { tensorRtLlm } from './tensorrt-llm.ts'
import { tgi } from './tgi.ts'
import { triton } from './triton.ts'
import { vllm } from './vllm.ts'

/**
 * Every kind of server, in the order in which they are tried: who answers another one's pages comes
 * before it, and the one that believes anything comes last. To add one, write its file and name it here.
 */
export const serverKinds: readonly ServerKind[] = [
  baremark,
  llamaCpp,
  nim,
  sglang,
  tgi,
  tensorRtLlm,
  vllm,
  lmStudio,
  ollama,
  triton,
  openAi,
]

/** What is known of servers of this kind. */
export function serverKindOf(name: ServerKindName): ServerKind {
  return serverKinds.find((kind) => kind.name === name) ?? openAi
}
