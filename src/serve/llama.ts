import { basename } from 'node:path'
import { exitCodes, messageOf, UserError } from '../errors.ts'
import { type BatchLoop, type Job, startBatchLoop } from './batch-loop.ts'
import type { Engine, GenerateRequest, Piece } from './engine.ts'
import type {
  Llama,
  LlamaContext,
  LlamaModel,
  LlamaModule,
  LlamaSequence,
  Token,
} from './node-llama-cpp.ts'
import { randomModelFile } from './random-model.ts'

export interface LlamaOptions {
  /** Answers that advance together in one batch; further requests wait in turn. Default 8. */
  readonly slots?: number
  /** CPU threads of the engine. Default 1: more of them slow each other down on a shared machine. */
  readonly threads?: number
  /** Tokens of a prompt and its answer together. Default 4096, or what the model allows if less. */
  readonly contextTokens?: number
  /** A GGUF file to load in place of the model with random weights. */
  readonly modelFile?: string
  /** Called with each line in which llama.cpp tells its own counts and times; makes it keep them. */
  readonly onTimings?: (line: string) => void
}

/** An engine that can be asked for what llama.cpp itself counted. */
export interface LlamaEngine extends Engine {
  /** Has llama.cpp tell its timings since the last time, through `onTimings`. */
  readonly tellTimings: () => Promise<void>
}

/** Why llama.cpp cannot run here. */
export type LlamaProblem = 'not-installed' | 'no-binary' | 'no-model-file' | 'not-loaded'

/** llama.cpp cannot run here, for the given reason; the simulated engine always can. */
export class EngineUnavailable extends UserError {
  readonly reason: LlamaProblem

  constructor(reason: LlamaProblem, cause: unknown) {
    const { what, remedy } = problems[reason]
    const detail = messageOf(cause).split('\n')[0]
    super(`${what}: ${detail}`, { remedy, exitCode: exitCodes.setup, cause })
    this.name = 'EngineUnavailable'
    this.reason = reason
  }
}

const problems: Record<LlamaProblem, { readonly what: string; readonly remedy: string }> = {
  'not-installed': {
    what: 'The package node-llama-cpp cannot be loaded',
    remedy: 'Run `npm install` with optional packages, or use the simulated engine.',
  },
  'no-binary': {
    what: 'llama.cpp does not start on this machine',
    remedy: 'Use the simulated engine.',
  },
  'no-model-file': {
    what: 'The model with random weights cannot be written',
    remedy: 'Set BAREMARK_CACHE_DIR to a folder with 20 MB free, or use the simulated engine.',
  },
  'not-loaded': {
    what: 'llama.cpp does not load the model',
    remedy: 'Check the model file and the free memory, or use the simulated engine.',
  },
}

/** Imported by a name TypeScript does not follow: the package is optional. */
const packageName = 'node-llama-cpp'

/** Prompts are read in parts of this many tokens, between which an answer can be given up. */
const PREFILL_TOKENS = 256
/** Tokens in one batch, over all sequences. */
const BATCH_TOKENS = 512
const DEFAULT_CONTEXT_TOKENS = 4096

/**
 * llama.cpp on the CPU of this machine: real batching, real queueing, real sampling, by default of
 * a small model with random weights. No answer reuses what was computed for another.
 *
 * @throws EngineUnavailable
 */
export async function llamaEngine(options: LlamaOptions = {}): Promise<LlamaEngine> {
  const {
    slots = 8,
    threads = 1,
    contextTokens = DEFAULT_CONTEXT_TOKENS,
    modelFile,
    onTimings,
  } = options
  const llama = await startLlama(threads, onTimings)
  try {
    const file = modelFile ?? (await or('no-model-file', randomModelFile()))
    const model = await or('not-loaded', llama.loadModel({ modelPath: file }))
    const size = { slots, threads, contextTokens: Math.min(contextTokens, model.trainContextSize) }
    const context = await or('not-loaded', openContext(model, size, onTimings !== undefined))
    const weights = modelFile ? 'trained' : 'random'
    return engineOf({ ...size, llama, model, context, name: basename(file, '.gguf'), weights })
  } catch (error) {
    await llama.dispose()
    throw error
  }
}

interface Loaded extends ContextSize {
  readonly llama: Llama
  readonly model: LlamaModel
  readonly context: LlamaContext
  readonly name: string
  readonly weights: Engine['weights']
}

function engineOf({
  llama,
  model,
  context,
  name,
  weights,
  slots,
  contextTokens,
}: Loaded): LlamaEngine {
  const { generate, occupancy, close } = startSequences(model, context, slots)
  return {
    name: 'llama.cpp',
    model: name,
    simulated: false,
    weights,
    contextTokens,
    slots,
    countTokens: (text) => model.tokenize(text).length,
    generate,
    occupancy,
    tellTimings: context.printTimings.bind(context),
    close: async () => {
      await close()
      await llama.dispose()
    },
  }
}

async function startLlama(threads: number, onTimings: LlamaOptions['onTimings']): Promise<Llama> {
  const { getLlama }: LlamaModule = await or('not-installed', import(packageName))
  const starting = getLlama({
    gpu: false,
    build: 'never',
    skipDownload: true,
    progressLogs: false,
    maxThreads: threads,
    logLevel: onTimings ? 'info' : 'error',
    // Its own default writes to stdout, which belongs to the command.
    logger: (level, message) => {
      if (level !== 'info') process.stderr.write(`${message.trimEnd()}\n`)
      else if (message.startsWith('llama_perf_context_print:')) onTimings?.(message)
    },
  })
  return or('no-binary', starting)
}

async function or<T>(reason: LlamaProblem, work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (error) {
    throw new EngineUnavailable(reason, error)
  }
}

interface ContextSize {
  readonly slots: number
  readonly threads: number
  readonly contextTokens: number
}

function openContext(
  model: LlamaModel,
  { slots, threads, contextTokens }: ContextSize,
  performanceTracking: boolean,
): Promise<LlamaContext> {
  return model.createContext({
    sequences: slots,
    contextSize: contextTokens,
    batchSize: BATCH_TOKENS,
    threads,
    // Its blocked kernel costs a small model on a CPU more than it saves.
    flashAttention: false,
    performanceTracking,
  })
}

/** Gives a piece, or nothing when the step went into the prompt or into half a character. */
type Answer = AsyncGenerator<Piece | undefined, void>

/**
 * All sequences take their steps together: left to themselves they drift apart, and llama.cpp is
 * then handed batches of one.
 */
function startSequences(model: LlamaModel, context: LlamaContext, slots: number): BatchLoop {
  const sequences = Array.from({ length: slots }, () => context.getSequence())
  return startBatchLoop<Answer>({
    slots,
    begin: (request, slot) => answer(model, sequences[slot] ?? context.getSequence(), request),
    step: async (jobs) => {
      await Promise.all(jobs.map(advance))
    },
    end: async (state) => {
      await state.return()
    },
  })
}

async function advance({ state, emit, finish }: Job<Answer>): Promise<void> {
  try {
    const { value, done } = await state.next()
    if (value) emit(value)
    if (done) finish()
  } catch (error) {
    finish(error)
  }
}

async function* answer(
  model: LlamaModel,
  sequence: LlamaSequence,
  request: GenerateRequest,
): Answer {
  await sequence.clearHistory()
  let prompt = model.tokenize(request.prompt)
  for (; prompt.length > PREFILL_TOKENS; prompt = prompt.slice(PREFILL_TOKENS)) {
    await sequence.evaluateWithoutGeneratingNewTokens(prompt.slice(0, PREFILL_TOKENS))
    yield undefined
  }
  yield* piecesOf(model, tokensAfter(model, sequence, prompt, request), request.maxTokens)
}

/** The model's own tokens, its end excepted: an end that comes too early becomes a line break. */
async function* tokensAfter(
  model: LlamaModel,
  sequence: LlamaSequence,
  prompt: Token[],
  { minTokens, seed }: GenerateRequest,
): AsyncGenerator<Token, void> {
  const sampling = { temperature: 1, topK: 40, topP: 1, seed, yieldEogToken: true }
  const tokens = sequence.evaluate(prompt, sampling)
  try {
    let next = await tokens.next()
    for (let said = 1; !next.done; said++) {
      const ends = model.isEogToken(next.value)
      // An answer of nothing would be a failure of the server, so the first token never ends it.
      if (ends && said > Math.max(1, minTokens)) return
      const token = ends ? lineBreak(model) : next.value
      yield token
      next = await tokens.next(token)
    }
  } finally {
    await tokens.return()
  }
}

function lineBreak(model: LlamaModel): Token {
  const token = model.tokenize('\n').at(-1)
  if (token === undefined) throw new Error('the vocabulary of the model has no line break')
  return token
}

/** Tokens as text; those that are only part of a character are held until it is whole. */
async function* piecesOf(
  model: LlamaModel,
  tokens: AsyncGenerator<Token, void>,
  maxTokens: number,
): Answer {
  let said = 0
  let held: Token[] = []
  let before: Token[] = []
  for await (const token of tokens) {
    said += 1
    held.push(token)
    const text = model.detokenize(held, false, before)
    const isLast = said >= maxTokens
    if (isWholeText(text) || isLast) {
      yield { text, tokens: held.length }
      before = held
      held = []
    } else yield undefined
    if (isLast) return
  }
  if (held.length > 0) yield { text: model.detokenize(held, false, before), tokens: held.length }
}

function isWholeText(text: string): boolean {
  return text !== '' && !text.endsWith('\uFFFD')
}
