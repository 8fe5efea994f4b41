import type { Maybe } from '../arithmetic.ts'
import type { CachedLayers } from '../detect/fit/model-facts.ts'
import type { RequestRecord } from '../load/record.ts'
import { cachedInputTokens, outputTokens } from './metrics.ts'
import { startInFlight } from './series.ts'
import { isInside, type Window } from './throughput.ts'

/** What the answers of a window asked of the model. Tokens are put where the client received them. */
export interface ModelWork {
  /** Output tokens after the first of each answer: each took one step of decoding. */
  readonly decodeTokens: number
  /** Steps that brought these tokens; a step brings one to each answer under way. */
  readonly steps: number
  /** Answers whose first token came, which reading the prompt brings. */
  readonly firstTokens: number
  /** Prompt tokens of these answers that were read, without those known from a cache; unknown where one is. */
  readonly promptTokens: Maybe
  /**
   * Pairs of a query and a token it looks at, over all layers, while decoding and while reading prompts. Unknown
   * where a length is, or the layers are.
   */
  readonly decodePairs: Maybe
  readonly promptPairs: Maybe
  /** Keys and values that decoding read from the cache, as numbers. */
  readonly kvNumbersRead: Maybe
}

/** Adds up the work of a level from its records, of any phase, given one at a time. */
export interface ModelWorkTally {
  readonly add: (record: RequestRecord) => void
  readonly finish: () => ModelWork
}

/** About a step or two: in a bin many times longer, answers that come and go blur how many shared a step. */
const BIN_MS = 25
const FEWEST_BINS = 200
/** 24 bytes each. */
const MOST_BINS = 50_000

/**
 * The work of a window.
 *
 * A step brings a token to each answer that is being decoded, so the tokens of a bin / the answers under way between
 * their first and last token are its steps. Of the bin and the one before the larger mean counts, and at least one:
 * where answers end together, half a bin later fewer are under way than shared the step.
 *
 * @param layers of the model; without them only tokens and steps are known
 * @param mayShare whether prompts may begin alike, so that a cache may know what no answer tells of
 */
export function startModelWork(
  window: Window,
  layers: readonly CachedLayers[] | undefined,
  mayShare: boolean,
): ModelWorkTally {
  const n = Math.min(
    MOST_BINS,
    Math.max(FEWEST_BINS, Math.ceil((window.endMs - window.startMs) / BIN_MS)),
  )
  const binMs = (window.endMs - window.startMs) / n
  const tokensIn = new Float64Array(n)
  const decoding = startInFlight(window, n, binMs)
  const looks = lookTally(layers)
  let firstTokens = 0
  let promptTokens = 0
  let lengthsKnown = true
  let cacheToldBySome = false

  const addPrompt = (record: RequestRecord): void => {
    const until = inputTokensOf(record)
    const cached = cachedInputTokens(record)
    firstTokens++
    if (cached !== undefined) cacheToldBySome = true
    if (until === undefined) {
      lengthsKnown = false
      return
    }
    const from = Math.min(cached ?? 0, until)
    promptTokens += until - from
    looks.prompt(from, until)
  }
  const addChunks = (record: RequestRecord): void => {
    const input = inputTokensOf(record)
    const tokensOf = tokensByChunk(record)
    let before = 0
    for (const [i, ms] of record.chunkMs.entries()) {
      const tokens = tokensOf(i)
      // The first token of an answer comes of reading its prompt.
      const decoded = Math.max(0, i === 0 ? tokens - 1 : tokens)
      if (decoded > 0 && isInside(window, ms)) {
        const bin = Math.min(n - 1, Math.floor((ms - window.startMs) / binMs))
        tokensIn[bin] = (tokensIn[bin] ?? 0) + decoded
        // The k-th token of an answer looks at the prompt and the k - 1 before it; the middle stands for a chunk.
        const middle = before + tokens - (decoded - 1) / 2
        looks.decode(decoded, input === undefined ? undefined : input + middle - 1)
      }
      before += tokens
    }
  }

  return {
    add: (record) => {
      const { outcome, chunkMs } = record
      const [first] = chunkMs
      const last = chunkMs.at(-1)
      if (outcome.kind === 'failed' || outcome.kind === 'timed-out') return
      if (first === undefined || last === undefined) return
      decoding.add(first, last)
      if (isInside(window, first)) addPrompt(record)
      addChunks(record)
    },
    finish: () => {
      const underWay = decoding.finish()
      // Servers leave the field out where it is 0, so one answer that has it is enough.
      const promptsKnown = lengthsKnown && (!mayShare || cacheToldBySome)
      return {
        decodeTokens: tokensIn.reduce((sum, tokens) => sum + tokens, 0),
        steps: stepsOf(tokensIn, underWay),
        firstTokens,
        promptTokens: promptsKnown ? promptTokens : undefined,
        ...looks.finish(promptsKnown),
      }
    },
  }
}

function stepsOf(tokensIn: Float64Array, underWay: Float64Array): number {
  let steps = 0
  for (const [i, tokens] of tokensIn.entries())
    steps += tokens / Math.max(1, underWay[i] ?? 0, underWay[i - 1] ?? 0)
  return steps
}

/** Of a completed answer all its tokens, spread over its chunks where nobody told; of one given up a token a chunk. */
function tokensByChunk(record: RequestRecord): (chunk: number) => number {
  const { chunkTokens, chunkMs, outcome } = record
  if (outcome.kind !== 'completed') return (chunk) => chunkTokens?.[chunk] ?? 1
  const told = chunkTokens?.reduce((total, each) => total + each, 0) ?? 0
  const all = outputTokens(record)
  if (told === 0) return () => all / chunkMs.length
  return (chunk) => (all * (chunkTokens?.[chunk] ?? 0)) / told
}

/** Of an answer that was given up nobody counts the prompt: it is as long as was asked for. */
function inputTokensOf({ usage, requestedInputTokens, outcome }: RequestRecord): Maybe {
  return usage?.inputTokens ?? (outcome.kind === 'completed' ? undefined : requestedInputTokens)
}

/** Adds up who looks at how many tokens, layer by layer: no further back than the layer's window. */
function lookTally(layers: readonly CachedLayers[] | undefined) {
  let known = layers !== undefined
  let decodePairs = 0
  let promptPairs = 0
  let kvNumbersRead = 0
  return {
    decode: (tokens: number, context: Maybe): void => {
      if (context === undefined) known = false
      for (const { layers: count, numbersPerToken, windowTokens = Infinity } of layers ?? []) {
        const pairs = count * tokens * Math.min(context ?? 0, windowTokens)
        decodePairs += pairs
        kvNumbersRead += pairs * numbersPerToken
      }
    },
    prompt: (from: number, until: number): void => {
      for (const { layers: count, windowTokens = Infinity } of layers ?? [])
        promptPairs += count * (pairsUpTo(until, windowTokens) - pairsUpTo(from, windowTokens))
    },
    finish: (promptsKnown: boolean) => ({
      decodePairs: known ? decodePairs : undefined,
      promptPairs: layers !== undefined && promptsKnown ? promptPairs : undefined,
      kvNumbersRead: known ? kvNumbersRead : undefined,
    }),
  }
}

/** Sum of min(i, w) over i from 1 to n: each token looks at itself and those before it. */
function pairsUpTo(n: number, w: number): number {
  return n <= w ? (n * (n + 1)) / 2 : (w * (w + 1)) / 2 + (n - w) * w
}
