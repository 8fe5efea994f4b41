import { type Maybe, ratio, sum } from '../arithmetic.ts'
import type { RequestRecord } from '../load/record.ts'
import type { RunLog } from '../load/run-log.ts'
import { cachedInputTokens } from './metrics.ts'
import type {
  CountSource,
  ServerFigures,
  SourceCount,
  TokenAgreement,
  TokenCounts,
  TokenDirection,
} from './summary.ts'
import type { Tally } from './tally.ts'
import { isCompleted } from './throughput.ts'

/** Sources that count the same may be so far apart. */
const TOLERANCE = 0.01

type RequestSource = Exclude<CountSource, 'server-counters'>
type Count = (record: RequestRecord) => Maybe

interface CountedByRequest {
  readonly source: RequestSource
  readonly of: Readonly<Partial<Record<TokenDirection, Count>>>
}

/** What each completed request tells of itself. To add a source that requests tell, add it here. */
const requestSources: readonly CountedByRequest[] = [
  {
    source: 'usage',
    of: {
      input: ({ usage }) => usage?.inputTokens,
      // A server that counts 0 and sends output has not counted.
      output: ({ usage }) => usage?.outputTokens || undefined,
    },
  },
  {
    source: 'server-timings',
    of: {
      input: ({ serverTimings }) => serverTimings?.inputTokens,
      output: ({ serverTimings }) => serverTimings?.outputTokens,
    },
  },
  { source: 'chunks', of: { output: ({ chunkMs }) => chunkMs.length } },
]

/** Where prompts were counted as they were made, that count is as good as any. */
const promptTokenizer: CountedByRequest = {
  source: 'tokenizer',
  of: { input: ({ requestedInputTokens }) => requestedInputTokens },
}

function sourcesOf({ prompts, config }: RunLog): readonly CountedByRequest[] {
  const counted = prompts.kind === 'tokenizer' || prompts.kind === 'server-tokenizer'
  const { kind } = config.benchmark.workload
  // Of other workloads the template between messages, or the text, is not counted.
  const whole = kind === 'synthetic' || kind === 'shared-prefix'
  return counted && whole ? [...requestSources, promptTokenizer] : requestSources
}

const directions: readonly TokenDirection[] = ['input', 'output']

/**
 * The tokens of a run by source, and whether the sources agree. Takes every record there is, those of
 * levels that never ended too: the server counted them.
 *
 * @param server what it said from the first look at it to the last
 */
export function startTokenCounts(
  run: RunLog,
  server: ServerFigures | undefined,
): Tally<TokenCounts> {
  const sources = sourcesOf(run)
  const input = startDirection('input', sources)
  const output = startDirection('output', sources)
  const issued = startIssued(run)
  let completed = 0
  let cached: Maybe
  let reasoning: Maybe
  return {
    add: (record) => {
      issued.add(record)
      input.add(record)
      output.add(record)
      if (!isCompleted(record)) return
      completed++
      const { reasoningTokens } = record.usage ?? {}
      const cachedTokens = cachedInputTokens(record)
      if (cachedTokens !== undefined) cached = (cached ?? 0) + cachedTokens
      if (reasoningTokens !== undefined) reasoning = (reasoning ?? 0) + reasoningTokens
    },
    finish: () => {
      const { lost, firstSentMs, lastClosedMs } = issued.finish()
      const known = { input: input.finish(lost), output: output.finish(lost) }
      const unusable = server && whyUnusable(run, server, firstSentMs, lastClosedMs)
      // Engines differ in whether their own counts hold what the cache answered; the template is the same each time.
      const mayBeLeftOut = cached ?? run.prompts.overheadTokens * completed
      const clients = { known, completed, mayBeLeftOut }
      return {
        completedRequests: completed,
        counts: directions.flatMap((direction) => countsOf(direction, known[direction], server)),
        agreement: directions.flatMap((direction) =>
          agreementOf(direction, clients, server, unusable),
        ),
        reasoningTokens: reasoning,
        cachedInputTokens: cached,
        mostCausedOutputTokens: known.output.mostCaused,
        mostCausedInputTokens: known.input.mostCaused,
        countersUnusable: unusable,
      }
    },
  }
}

interface Issued {
  /** Issued, and there is no record of them. */
  readonly lost: number
  readonly firstSentMs: Maybe
  readonly lastClosedMs: Maybe
}

function startIssued({ levels }: RunLog): Tally<Issued> {
  const missing = new Map(levels.map(({ level, issued }) => [level, issued]))
  let firstSentMs: Maybe
  let lastClosedMs: Maybe
  return {
    add: ({ level, sentMs, closedMs }) => {
      const before = missing.get(level)
      if (before !== undefined) missing.set(level, before - 1)
      if (sentMs !== undefined) firstSentMs = Math.min(firstSentMs ?? sentMs, sentMs)
      lastClosedMs = Math.max(lastClosedMs ?? closedMs, closedMs)
    },
    finish: () => ({
      lost: [...missing.values()].reduce((all, each) => all + Math.max(0, each), 0),
      firstSentMs,
      lastClosedMs,
    }),
  }
}

interface Pair {
  readonly sources: readonly [RequestSource, RequestSource]
  readonly tokens: [number, number]
  requests: number
}

/** What is known of the tokens of one direction. */
interface Known {
  readonly told: ReadonlyMap<RequestSource, { tokens: number; requests: number }>
  /** Sums over the requests that both sources of a pair tell. */
  readonly pairs: readonly Pair[]
  /** What completed requests were counted, and all that was asked for by the others. */
  readonly mostCaused: Maybe
}

function startDirection(
  direction: TokenDirection,
  all: readonly CountedByRequest[],
): {
  readonly add: (record: RequestRecord) => void
  readonly finish: (lost: number) => Known
} {
  const sources = all.flatMap(({ source, of }) => {
    const count = of[direction]
    return count ? [{ source, count }] : []
  })
  const told = new Map(sources.map(({ source }) => [source, { tokens: 0, requests: 0 }]))
  const pairs: Pair[] = sources.flatMap(({ source: a }, i) =>
    sources.slice(i + 1).map(({ source: b }) => ({ sources: [a, b], tokens: [0, 0], requests: 0 })),
  )
  let mostCaused: Maybe = 0
  let mostAsked: Maybe

  const addCounts = (record: RequestRecord): void => {
    const counts = new Map(sources.map(({ source, count }) => [source, count(record)]))
    for (const [source, count] of counts) {
      const total = told.get(source)
      if (total === undefined || count === undefined) continue
      total.tokens += count
      total.requests++
    }
    for (const pair of pairs) {
      const [a, b] = pair.sources.map((source) => counts.get(source))
      if (a === undefined || b === undefined) continue
      pair.tokens[0] += a
      pair.tokens[1] += b
      pair.requests++
    }
  }

  return {
    add: (record) => {
      const asked = askedFor(direction, record)
      if (asked !== undefined) mostAsked = Math.max(mostAsked ?? asked, asked)
      if (isCompleted(record)) addCounts(record)
      mostCaused = sum([mostCaused, mostCausedBy(direction, record)])
    },
    finish: (lost) => ({
      told,
      pairs,
      mostCaused: lost === 0 ? mostCaused : sum([mostCaused, mostAsked && lost * mostAsked]),
    }),
  }
}

function askedFor(direction: TokenDirection, record: RequestRecord): Maybe {
  return direction === 'output' ? record.requestedOutputTokens : record.requestedInputTokens
}

/** The most tokens of the server that a request can have cost, however it ended. */
function mostCausedBy(direction: TokenDirection, record: RequestRecord): Maybe {
  if (record.sentMs === undefined) return 0
  if (!isCompleted(record)) return askedFor(direction, record)
  const { inputTokens, outputTokens } = record.usage ?? {}
  // No answer is longer than was asked for, but a prompt that nobody counted may have any length.
  return direction === 'output' ? outputTokens || askedFor(direction, record) : inputTokens
}

/** Nothing when the server's counters and the client's cover the same. */
function whyUnusable(
  { state }: RunLog,
  { fromMs, toMs, resets }: ServerFigures,
  firstSentMs: Maybe,
  lastClosedMs: Maybe,
): string | undefined {
  if (resets > 0) return 'the counters went back: the server started anew'
  const covers = fromMs <= (firstSentMs ?? fromMs) && toMs >= (lastClosedMs ?? toMs)
  if (state === 'running' || !covers)
    return 'the server was not read from before the first request until after the last'
  return undefined
}

function counterOf(direction: TokenDirection, server: ServerFigures | undefined): Maybe {
  return direction === 'output' ? server?.outputTokens : server?.inputTokens
}

function countsOf(
  direction: TokenDirection,
  { told }: Known,
  server: ServerFigures | undefined,
): SourceCount[] {
  const counter = counterOf(direction, server)
  const requestCounts = [...told].flatMap(([source, { tokens, requests }]) =>
    requests === 0 ? [] : [{ direction, source, tokens, requests }],
  )
  return counter === undefined
    ? requestCounts
    : [...requestCounts, { direction, source: 'server-counters', tokens: counter }]
}

interface Clients {
  readonly known: Readonly<Record<TokenDirection, Known>>
  readonly completed: number
  /** Input tokens that a counter may not hold. */
  readonly mayBeLeftOut: number
}

function agreementOf(
  direction: TokenDirection,
  clients: Clients,
  server: ServerFigures | undefined,
  unusable: string | undefined,
): TokenAgreement[] {
  const { told, pairs } = clients.known[direction]
  const tokensPerChunk = tokensPerChunkOf(clients.known.output)
  const between = pairs
    .filter(({ requests }) => requests > 0)
    .map(({ sources, tokens }) => {
      const why = whyNotTokens(sources, tokensPerChunk)
      const compared = compareOwn(direction, tokens, clients.mayBeLeftOut)
      const outcome = why === undefined ? compared : ({ outcome: 'not-comparable', why } as const)
      return { direction, sources, tokens, ratio: ratio(tokens[1], tokens[0]), ...outcome }
    })
  const counter = counterOf(direction, server)
  if (counter === undefined) return between
  const withCounter = [...told].flatMap(([source, count]): TokenAgreement[] => {
    if (count.requests === 0) return []
    const tokens = [count.tokens, counter] as const
    const sources = [source, 'server-counters'] as const
    const doubt =
      unusable ?? whyNotTokens(sources, tokensPerChunk) ?? whyIncomplete(count, clients.completed)
    const outcome =
      doubt === undefined
        ? compareCounter(direction, tokens, clients)
        : ({ outcome: 'not-comparable', why: doubt } as const)
    return [{ direction, sources, tokens, ratio: ratio(counter, count.tokens), ...outcome }]
  })
  return [...between, ...withCounter]
}

type Comparison = Pick<TokenAgreement, 'outcome' | 'why'>

const leftOut = 'servers may leave out what came from the prefix cache'

/** Two counts of the same requests: only the cache may come between them. */
function compareOwn(
  direction: TokenDirection,
  [a, b]: readonly [number, number],
  mayBeLeftOut: number,
): Comparison {
  if (isClose(b, a)) return { outcome: 'agree' }
  const least = (Math.max(a, b) - mayBeLeftOut) * (1 - TOLERANCE)
  return direction === 'input' && Math.min(a, b) >= least
    ? { outcome: 'within-bounds', why: leftOut }
    : { outcome: 'differ' }
}

/** By the server's own count of tokens. */
function tokensPerChunkOf({ pairs }: Known): Maybe {
  const pair = pairs.find(({ sources: [a, b] }) => a === 'usage' && b === 'chunks')
  return pair && ratio(pair.tokens[0], pair.tokens[1])
}

function whyNotTokens(
  sources: TokenAgreement['sources'],
  tokensPerChunk: Maybe,
): string | undefined {
  if (!sources.includes('chunks')) return undefined
  if (tokensPerChunk === undefined) return 'how many tokens a chunk holds is not known'
  if (isClose(tokensPerChunk, 1)) return undefined
  return `a chunk holds ${tokensPerChunk.toFixed(2)} tokens on average`
}

function whyIncomplete({ requests }: { requests: number }, completed: number): string | undefined {
  return requests < completed
    ? `${completed - requests} of ${completed} completed requests tell no count`
    : undefined
}

/** Counters hold what unfinished requests brought about too, and may lack what the cache answered. */
function compareCounter(
  direction: TokenDirection,
  [own, counter]: readonly [number, number],
  { known, mayBeLeftOut }: Clients,
): Comparison {
  if (isClose(counter, own)) return { outcome: 'agree' }
  const least = direction === 'input' ? own - mayBeLeftOut : own
  if (counter < own) {
    return counter < least * (1 - TOLERANCE)
      ? { outcome: 'differ' }
      : { outcome: 'within-bounds', why: leftOut }
  }
  const { mostCaused } = known[direction]
  if (mostCaused === undefined)
    return { outcome: 'not-comparable', why: 'what unfinished requests asked for is not known' }
  if (exceeds(counter, mostCaused)) return { outcome: 'differ' }
  const most = mostCaused - own
  return {
    outcome: 'within-bounds',
    why: `unfinished requests may have cost up to ${most} of them`,
  }
}

function isClose(one: number, other: number): boolean {
  return Math.abs(one - other) <= TOLERANCE * other
}

/** Whether a counter moved by more than this client can have caused. */
export function exceeds(counter: number, mostCaused: number): boolean {
  return counter > mostCaused * (1 + TOLERANCE)
}
