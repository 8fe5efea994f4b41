import type { Clock } from '../load/clock.ts'
import { words } from '../load/words.ts'
import { type Random, randomInteger, seededRandom } from '../random.ts'
import { MS_PER_S } from '../units.ts'
import { type Job, startBatchLoop } from './batch-loop.ts'
import type { Engine, GenerateRequest } from './engine.ts'
import { engineClock } from './engine-clock.ts'
import { createPrefixCache, type PrefixCache } from './prefix-cache.ts'

/**
 * The law a simulated engine obeys. It does one thing at a time, a prefill or a decode step:
 * - a prefill reads one prompt, alone, in `promptTokens / prefillTokensPerS`, and ends with the first
 *   token of its answer; prompts go before decode steps;
 * - a decode step takes `decodeBaseMs + decodePerSequenceMs * batch` and gives each of the `batch`
 *   answers under way one token, at its end.
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
  /**
   * The tokens of a step leave one by one, evenly over it, as from many replicas out of step with
   * each other, and not all at its end.
   */
  readonly spread: boolean
  /** For this long after its first work the engine is slower, as one is that has yet to warm up. */
  readonly slowStartS: number
  /** What begins in that time takes this many times as long. */
  readonly slowStartFactor: number
  /** From this long after its first work on the engine grows slower, as one does that heats up or fills its disk. */
  readonly driftAfterS: number
  /** What begins t s after that takes `1 + driftPerS x t` times as long. */
  readonly driftPerS: number
  /** The beginning of a prompt that an earlier prompt had, too, takes no time to read. */
  readonly prefixCache: boolean
  /**
   * Tokens that fit at once. An answer takes room for its prompt and for all it will say from its
   * slot to its end, and requests wait, in the order they came, until there is room. No limit when absent.
   */
  readonly kvTokens?: number
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
  spread: false,
  slowStartS: 0,
  slowStartFactor: 2,
  driftAfterS: 0,
  driftPerS: 0,
  prefixCache: false,
}

interface Progress {
  readonly prompt: readonly string[]
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
  const prefixes = law.prefixCache ? createPrefixCache() : undefined
  const room = kvRoom(law)
  const loop = startBatchLoop<Progress>({
    slots: law.slots,
    fits: room.fits,
    begin: (request) => room.take(beginAnswer(law, request)),
    step: (jobs) => advance(law, { spend, prefixes }, jobs),
    end: room.giveBack,
    idle: spend.rest,
  })
  return {
    name: 'simulated',
    model: 'simulated',
    simulated: true,
    weights: 'random',
    contextTokens: Math.min(law.contextTokens, law.kvTokens ?? law.contextTokens),
    slots: law.slots,
    countTokens: (text) => tokensOf(text).length,
    generate: loop.generate,
    occupancy: loop.occupancy,
    close: () => {
      spend.stop()
      return loop.close()
    },
  }
}

function beginAnswer(law: SimulatedOptions, request: GenerateRequest): Progress {
  return {
    prompt: tokensOf(request.prompt),
    outputTokens: answerTokens(law, request),
    random: seededRandom(request.seed, request.prompt),
    said: 0,
    held: [],
  }
}

function answerTokens({ naturalOutputTokens }: SimulatedOptions, request: GenerateRequest): number {
  const natural = Math.max(naturalOutputTokens ?? request.maxTokens, request.minTokens)
  return Math.min(natural, request.maxTokens)
}

interface KvRoom {
  /** Absent where there is no limit. */
  readonly fits?: (request: GenerateRequest) => boolean
  readonly take: (answer: Progress) => Progress
  readonly giveBack: (answer: Progress) => Promise<void>
}

function kvRoom(law: SimulatedOptions): KvRoom {
  const { kvTokens } = law
  let used = 0
  // The first in the queue is asked about before every step.
  let asked: { readonly request: GenerateRequest; readonly tokens: number } | undefined
  const tokensFor = (request: GenerateRequest): number => {
    const tokens = (): number => tokensOf(request.prompt).length + answerTokens(law, request)
    if (asked?.request !== request) asked = { request, tokens: tokens() }
    return asked.tokens
  }
  return {
    fits: kvTokens === undefined ? undefined : (request) => used + tokensFor(request) <= kvTokens,
    take: (answer) => {
      used += answer.prompt.length + answer.outputTokens
      return answer
    },
    giveBack: async ({ prompt, outputTokens }) => {
      used -= prompt.length + outputTokens
    },
  }
}

interface Works {
  readonly spend: Timetable
  readonly prefixes: PrefixCache | undefined
}

async function advance(law: SimulatedOptions, works: Works, jobs: readonly Job<Progress>[]) {
  const unread = jobs.find(({ state }) => state.said === 0)
  if (unread) await prefill(law, works, unread)
  else await decode(law, works.spend, jobs)
}

async function prefill(law: SimulatedOptions, { spend, prefixes }: Works, job: Job<Progress>) {
  const { prompt } = job.state
  const unknown = prompt.length - (prefixes?.knownTokens(prompt) ?? 0)
  await spend.forMs((unknown / law.prefillTokensPerS) * MS_PER_S)
  prefixes?.add(prompt)
  sayToken(law, job)
}

async function decode(law: SimulatedOptions, spend: Timetable, jobs: readonly Job<Progress>[]) {
  const stepMs = law.decodeBaseMs + law.decodePerSequenceMs * jobs.length
  if (!law.spread) await spend.forMs(stepMs)
  for (const job of jobs) {
    if (law.spread) await spend.forMs(stepMs / jobs.length)
    sayToken(law, job)
  }
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

function timetable(law: SimulatedOptions): Timetable {
  const { clock = engineClock({ dueAllTheTime: law.spread }), seed, jitterRatio } = law
  const random = seededRandom(seed, 'jitter')
  const stopped = new AbortController()
  let freeAtMs: number | undefined
  let firstMs: number | undefined
  return {
    forMs: (durationMs) => {
      const beginMs = freeAtMs ?? clock.nowMs()
      firstMs ??= beginMs
      const jitter = 1 + jitterRatio * (2 * random() - 1)
      freeAtMs = beginMs + durationMs * jitter * slownessAt(law, (beginMs - firstMs) / MS_PER_S)
      return clock.sleepUntil(freeAtMs, stopped.signal)
    },
    rest: () => {
      freeAtMs = undefined
    },
    stop: () => stopped.abort(),
  }
}

/** How many times as long takes what begins so long after the first work. */
function slownessAt(law: SimulatedOptions, workingS: number): number {
  const cold = workingS < law.slowStartS ? law.slowStartFactor : 1
  return cold * (1 + law.driftPerS * Math.max(0, workingS - law.driftAfterS))
}

function tokensOf(text: string): string[] {
  return text.match(/\S+/g) ?? []
}
