import { type Clock, startClock } from '../load/clock.ts'
import { words } from '../load/words.ts'
import { type Random, randomInteger, seededRandom } from '../random.ts'
import { MS_PER_S } from '../units.ts'
import { type Job, startBatchLoop } from './batch-loop.ts'
import type { Engine, GenerateRequest } from './engine.ts'

/**
 * The law a simulated engine obeys. It does one thing at a time, a prefill or a decode step:
 * - a prefill reads one prompt, alone, in `promptTokens / prefillTokensPerS`, and ends with the first
 *   token of its answer; prompts go before decode steps;
 * - a decode step takes `decodeBaseMs + decodePerSequenceMs * batch` and gives each of the `batch`
 *   answers under way one token.
 */
export interface SimulatedOptions {
  readonly prefillTokensPerS: number
  readonly decodeBaseMs: number
  readonly decodePerSequenceMs: number
  /** Answers that advance together; further requests wait in the order they came. */
  readonly slots: number
  /** Each prefill and step takes between `1 - jitterRatio` and `1 + jitterRatio` of its time, uniformly. */
  readonly jitterRatio: number
  /** Of the jitter. */
  readonly seed: number
  /** Prompt and answer together. */
  readonly contextTokens: number
  /** Tokens are handed out in groups of this many. */
  readonly tokensPerChunk: number
  /** Answers end by themselves at this many tokens; when absent, only at the limit asked for. */
  readonly naturalOutputTokens?: number
  /** What time the law is kept on; a test hands in one that does not wait. */
  readonly clock?: Clock
}

/** One user sees 98 tokens/s; 32 users see 61 each, 1,951 together. */
const defaultLaw: SimulatedOptions = {
  prefillTokensPerS: 20_000,
  decodeBaseMs: 10,
  decodePerSequenceMs: 0.2,
  slots: 32,
  jitterRatio: 0.02,
  seed: 1,
  contextTokens: 32_768,
  tokensPerChunk: 1,
}

interface Progress {
  readonly promptTokens: number
  readonly outputTokens: number
  readonly random: Random
  said: number
  held: string[]
}

/**
 * An engine that computes how long it takes and says random words. A token of it is a word between
 * white space, in prompts and answers alike. It keeps an absolute timetable: when it wakes late it
 * catches up, so that its rates hold however busy the machine is.
 */
export function simulatedEngine(options: Partial<SimulatedOptions> = {}): Engine {
  const law = { ...defaultLaw, ...options }
  const spend = timetable(law)
  const loop = startBatchLoop<Progress>({
    slots: law.slots,
    begin: (request) => beginAnswer(law, request),
    step: (jobs) => advance(law, spend, jobs),
    idle: spend.rest,
  })
  return {
    name: 'simulated',
    model: 'simulated',
    simulated: true,
    weights: 'random',
    contextTokens: law.contextTokens,
    slots: law.slots,
    countTokens: countWords,
    generate: loop.generate,
    occupancy: loop.occupancy,
    close: () => {
      spend.stop()
      return loop.close()
    },
  }
}

function beginAnswer(law: SimulatedOptions, request: GenerateRequest): Progress {
  const natural = Math.max(law.naturalOutputTokens ?? request.maxTokens, request.minTokens)
  return {
    promptTokens: countWords(request.prompt),
    outputTokens: Math.min(natural, request.maxTokens),
    random: seededRandom(request.seed, request.prompt),
    said: 0,
    held: [],
  }
}

async function advance(law: SimulatedOptions, spend: Timetable, jobs: readonly Job<Progress>[]) {
  const unread = jobs.find(({ state }) => state.said === 0)
  if (unread) await spend.forMs((unread.state.promptTokens / law.prefillTokensPerS) * MS_PER_S)
  else await spend.forMs(law.decodeBaseMs + law.decodePerSequenceMs * jobs.length)
  for (const job of unread ? [unread] : jobs) sayToken(law, job)
}

function sayToken(law: SimulatedOptions, { state, emit, finish }: Job<Progress>): void {
  state.held.push(` ${words[randomInteger(state.random, words.length)]}`)
  state.said += 1
  const isLast = state.said >= state.outputTokens
  if (isLast || state.held.length >= law.tokensPerChunk) {
    emit({ text: state.held.join(''), tokens: state.held.length })
    state.held = []
  }
  if (isLast) finish()
}

interface Timetable {
  /** Resolves when that long has passed since the end of what was done before. */
  readonly forMs: (durationMs: number) => Promise<void>
  /** Nothing is left to do: what comes next starts when it comes. */
  readonly rest: () => void
  /** Nothing takes time any more. */
  readonly stop: () => void
}

function timetable({ clock = startClock().clock, seed, jitterRatio }: SimulatedOptions): Timetable {
  const random = seededRandom(seed, 'jitter')
  const stopped = new AbortController()
  let freeAtMs: number | undefined
  return {
    forMs: (durationMs) => {
      const jitter = 1 + jitterRatio * (2 * random() - 1)
      freeAtMs = (freeAtMs ?? clock.nowMs()) + durationMs * jitter
      return clock.sleepUntil(freeAtMs, stopped.signal)
    },
    rest: () => {
      freeAtMs = undefined
    },
    stop: () => stopped.abort(),
  }
}

function countWords(text: string): number {
  return text.match(/\S+/g)?.length ?? 0
}
