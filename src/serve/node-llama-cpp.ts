/**
 * The part of node-llama-cpp that is used here. Declared and not imported, so that baremark compiles
 * where that optional package is not installed.
 */
export interface LlamaModule {
  readonly getLlama: (options: {
    readonly gpu: false
    readonly build: 'never'
    readonly skipDownload: true
    readonly progressLogs: false
    readonly maxThreads: number
    readonly logLevel: 'error' | 'info'
    readonly logger: (level: string, message: string) => void
  }) => Promise<Llama>
}

export interface Llama {
  readonly loadModel: (options: { readonly modelPath: string }) => Promise<LlamaModel>
  readonly dispose: () => Promise<void>
}

export interface LlamaModel {
  /** Longest text the model was made for, in tokens. */
  readonly trainContextSize: number
  readonly tokenize: (text: string) => Token[]
  /** `lastTokens` are what came before; some vocabularies need them to place spaces. */
  readonly detokenize: (
    tokens: readonly Token[],
    specialTokens: false,
    lastTokens: readonly Token[],
  ) => string
  readonly isEogToken: (token: Token) => boolean
  readonly createContext: (options: {
    readonly sequences: number
    readonly contextSize: number
    readonly batchSize: number
    readonly threads: number
    readonly flashAttention: boolean
    /** Needed for `printTimings`. */
    readonly performanceTracking: boolean
  }) => Promise<LlamaContext>
}

export interface LlamaContext {
  readonly getSequence: () => LlamaSequence
  /** Logs what llama.cpp itself counted and timed since it was asked last. */
  readonly printTimings: () => Promise<void>
}

export interface LlamaSequence {
  readonly clearHistory: () => Promise<void>
  readonly evaluateWithoutGeneratingNewTokens: (tokens: Token[]) => Promise<void>
  /** A token handed to `next` takes the place of the one just given. */
  readonly evaluate: (
    tokens: Token[],
    options: {
      readonly temperature: number
      readonly topK: number
      readonly topP: number
      readonly seed: number
      readonly yieldEogToken: boolean
    },
  ) => AsyncGenerator<Token, void, Token | undefined>
}

export type Token = number & { readonly __token?: never }
