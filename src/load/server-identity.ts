/** Servers that are told from each other; `openai` is any other one that lists models as OpenAI does. */
export const serverKindNames = [
  'baremark',
  'llama.cpp',
  'nim',
  'sglang',
  'tgi',
  'tensorrt-llm',
  'vllm',
  'lm-studio',
  'ollama',
  'triton',
  'openai',
] as const

export type ServerKindName = (typeof serverKindNames)[number]

/** A fact, and the endpoint and field that told it. */
export interface Told<T> {
  readonly value: T
  readonly source: string
}

/** How a server was started, as far as it tells. Absent is unknown. */
export interface LaunchConfiguration {
  readonly quantisation?: Told<string>
  /** GPUs that share each layer. */
  readonly tensorParallel?: Told<number>
  /** Groups of layers on GPUs of their own. */
  readonly pipelineParallel?: Told<number>
  /** Copies of the model. */
  readonly dataParallel?: Told<number>
  readonly prefixCaching?: Told<boolean>
  /** The method, or `none`. */
  readonly speculativeDecoding?: Told<string>
  /** Tokens that the KV cache holds, all copies of the model together. */
  readonly kvCacheTokens?: Told<number>
  readonly kvCacheType?: Told<string>
  /** Requests that are worked on at once; more of them wait. */
  readonly maxRunning?: Told<number>
}

/** What kind of server this is, and why that is believed. */
export interface ServerIdentity {
  readonly kind: ServerKindName
  /** Endpoint and field. */
  readonly proof: string
  readonly version?: Told<string>
  /** The engine inside, where the server is built around one of several. */
  readonly engine?: Told<string>
  /** Prompt and answer of one request together. */
  readonly contextTokens?: Told<number>
  readonly launch: LaunchConfiguration
  /** What stands between, where it shows; its time is measured along with the server's. */
  readonly gateway?: { readonly name: string; readonly proof: string }
}

/** What each part of a launch is called where people read of it. */
export const launchNames: Readonly<Record<keyof LaunchConfiguration, string>> = {
  quantisation: 'Quantisation',
  tensorParallel: 'Tensor parallel',
  pipelineParallel: 'Pipeline parallel',
  dataParallel: 'Data parallel',
  prefixCaching: 'Prefix caching',
  speculativeDecoding: 'Speculative decoding',
  kvCacheTokens: 'KV cache tokens',
  kvCacheType: 'KV cache type',
  maxRunning: 'Requests at once',
}
