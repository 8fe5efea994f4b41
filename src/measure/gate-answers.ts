import { type Maybe, ratio } from '../arithmetic.ts'
import { askedTokens } from '../load/workloads/sizes.ts'
import {
  doesNotApply,
  type GateInput,
  type Judgement,
  judged,
  notMeasured,
  percent,
  type RunGateInput,
} from './gate-rule.ts'
import { logWelch } from './statistics/log-welch.ts'
import type { FinishReason, TokenAgreement, TokenCounts, TokenDirection } from './summary.ts'
import { exceeds } from './token-counts.ts'

const MAX_LENGTH_DEVIATION_RATIO = 0.1
const MAX_CACHED_RATIO = 0.05
/** Speculative decoding brings a few tokens at once, a buffering proxy whole answers. */
export const MAX_TOKENS_PER_CHUNK = 10
/** Of answers that end for another reason than they were asked to. */
const MAX_OTHER_ENDS_RATIO = 0.01
/** MLPerf Inference, TEST04: the same sample over and over may be at most 10 % faster. */
export const MAX_CACHING_SPEEDUP = 1.1
/** Under five a side a t interval says little. */
const FEWEST_AUDIT_PAIRS = 5

const NOTHING_COMPLETED = 'no request completed'

export function lengthLimit({ benchmark }: GateInput, direction: TokenDirection): string {
  const asked = askedOf(benchmark.workload, direction)
  return `within ${percent(MAX_LENGTH_DEVIATION_RATIO)} of ${asked?.toFixed() ?? 'what was asked'}`
}

export function judgeLength({ point, benchmark }: GateInput, direction: TokenDirection): Judgement {
  const asked = askedOf(benchmark.workload, direction)
  const { mean } = direction === 'output' ? point.outputTokens : point.inputTokens
  if (asked === undefined) return doesNotApply('the workload asks for no one length')
  if (mean === undefined)
    return notMeasured(point.requests.completed === 0 ? NOTHING_COMPLETED : 'nobody counted')
  return judged(
    `mean ${mean.toFixed(1)}`,
    Math.abs(mean - asked) <= asked * MAX_LENGTH_DEVIATION_RATIO,
  )
}

function askedOf(workload: GateInput['benchmark']['workload'], direction: TokenDirection): Maybe {
  const { inputTokens, outputTokens } = askedTokens(workload)
  return direction === 'output' ? outputTokens : inputTokens
}

/** Words of the APIs for an answer that came to the length asked for. */
const BY_LENGTH: ReadonlySet<string> = new Set([
  'length',
  'limit',
  'max_tokens',
  'max_output_tokens',
])
/** And for one that the model ended itself. */
const BY_MODEL: ReadonlySet<string> = new Set([
  'completed',
  'end_turn',
  'eos',
  'eos_token',
  'function_call',
  'stop',
  'stop_sequence',
  'tool_calls',
  'tool_use',
  'word',
])

function isForced({ run }: GateInput): boolean {
  return run?.target.forcesOutputLength === true
}

export function finishLimit(input: GateInput): string {
  const most = percent(MAX_OTHER_ENDS_RATIO)
  return isForced(input)
    ? `at most ${most} ended otherwise than by length, as was forced`
    : `at most ${most} ended otherwise than by length or by the model`
}

export function judgeFinish(input: GateInput): Judgement {
  const { finishReasons } = input.evidence
  const told = finishReasons.filter(({ reason }) => reason !== undefined)
  const total = requestsOf(told)
  if (requestsOf(finishReasons) === 0) return notMeasured(NOTHING_COMPLETED)
  if (total === 0) return notMeasured('no answer told why it ended')
  const isAsMeant = ({ reason = '' }: FinishReason): boolean =>
    BY_LENGTH.has(reason) || (!isForced(input) && BY_MODEL.has(reason))
  const others = requestsOf(told.filter((each) => !isAsMeant(each)))
  const mix = told.map(({ reason, requests }) => `${reason} ${percent(requests / total)}`)
  return judged(mix.join(', '), others <= MAX_OTHER_ENDS_RATIO * total)
}

function requestsOf(reasons: readonly FinishReason[]): number {
  return reasons.reduce((total, { requests }) => total + requests, 0)
}

export function judgeTokenSource({ point }: GateInput): Judgement {
  return point.requests.completed === 0
    ? notMeasured(NOTHING_COMPLETED)
    : judged(point.tokenSource, point.tokenSource === 'usage')
}

export function judgeStreamed({ point: { tokensPerChunk } }: GateInput): Judgement {
  return tokensPerChunk === undefined
    ? notMeasured('nobody counted the tokens of answers')
    : judged(`${tokensPerChunk.toFixed(1)} tokens a chunk`, tokensPerChunk <= MAX_TOKENS_PER_CHUNK)
}

export function cacheLimit(input: GateInput): string {
  return `at most ${percent(MAX_CACHED_RATIO)} more than the template's ${percent(templateRatio(input) ?? 0)}`
}

/** Only where every prompt is new can the cache know nothing but the template. */
export function judgeCache(input: GateInput): Judgement {
  const { point, benchmark } = input
  if (benchmark.workload.kind !== 'synthetic')
    return doesNotApply('prompts of this workload have beginnings in common')
  const { cachedInputRatio, server } = point
  const cached = cachedInputRatio ?? server?.prefixCacheHitRatio
  if (cached === undefined)
    return notMeasured("neither the answers nor the server's metrics tell of a cache")
  const source = cachedInputRatio === undefined ? "the server's counters" : 'the answers'
  return judged(
    `${percent(cached)} of input tokens cached, by ${source}`,
    cached - (templateRatio(input) ?? 0) <= MAX_CACHED_RATIO,
  )
}

/** Share of the input tokens that all prompts have in common. */
function templateRatio({ point, run }: GateInput): Maybe {
  return ratio(run?.prompts.overheadTokens ?? 0, point.inputTokens.mean)
}

export function judgeAlone({ tokens }: RunGateInput): Judgement {
  if (tokens.countersUnusable !== undefined) return notMeasured(tokens.countersUnusable)
  const compared = [
    { what: 'output', counter: counterOf(tokens, 'output'), most: tokens.mostCausedOutputTokens },
    { what: 'input', counter: counterOf(tokens, 'input'), most: tokens.mostCausedInputTokens },
  ].flatMap(({ what, counter, most }) =>
    counter === undefined || most === undefined
      ? []
      : [{ text: `${counter} ${what} tokens of ${most}`, pass: !exceeds(counter, most) }],
  )
  if (compared.length === 0)
    return notMeasured("the server's own counters, or what was asked of it, are not known")
  return judged(
    `the server counted ${compared.map(({ text }) => text).join(' and ')} possible`,
    compared.every(({ pass }) => pass),
  )
}

function counterOf({ counts }: TokenCounts, direction: TokenDirection): Maybe {
  return counts.find((each) => each.direction === direction && each.source === 'server-counters')
    ?.tokens
}

/** Prices and throughput rest on output tokens, so those must have been held against something. */
export function judgeAgreement({ tokens: { agreement } }: RunGateInput): Judgement {
  const compared = agreement.filter(({ outcome }) => outcome !== 'not-comparable')
  const differing = compared.filter(({ outcome }) => outcome === 'differ')
  const known = compared.filter(({ direction }) => direction === 'output')
  if (differing.length === 0 && known.length === 0)
    return notMeasured('output tokens were counted by one source, or by none that compare')
  const shown = differing.length > 0 ? differing : compared
  return judged(shown.map(agreementText).join(', '), differing.length === 0)
}

function agreementText({ direction, sources, ratio, outcome }: TokenAgreement): string {
  const apart = ratio === undefined ? outcome : ratio.toFixed(3)
  return `${direction} tokens by ${sources[1]} / by ${sources[0]} ${apart}`
}

export function judgeCachingAudit({ run: { cachingAudit } }: RunGateInput): Judgement {
  if (cachingAudit === undefined) return notMeasured('the server was not asked (--audit-caching)')
  const { pairs, failed, cutShort } = cachingAudit
  if (pairs.length < FEWEST_AUDIT_PAIRS) {
    const why = cutShort ?? `${failed} requests failed`
    return notMeasured(`only ${pairs.length} pairs were measured: ${why}`)
  }
  const speedup = (of: 'latencyMs' | 'ttftMs') =>
    logWelch(
      pairs.map(({ identical }) => identical[of]),
      pairs.map(({ unique }) => unique[of]),
    )
  const latency = speedup('latencyMs')
  const ttft = speedup('ttftMs')
  if (latency.ratio === undefined) return notMeasured('a request took no time')
  const value = `identical prompts ${timesText(latency)} as fast, to the first token ${timesText(ttft)}, ${pairs.length} pairs`
  // Without any spread the ratio is exact.
  const { low = latency.ratio, high = latency.ratio } = latency
  if (low <= MAX_CACHING_SPEEDUP && high > MAX_CACHING_SPEEDUP)
    return notMeasured(`times differ too much to tell: ${value}`)
  return judged(value, high <= MAX_CACHING_SPEEDUP)
}

function timesText({ ratio, low, high }: ReturnType<typeof logWelch>): string {
  if (ratio === undefined) return 'n/a times'
  const interval =
    low === undefined || high === undefined ? '' : ` (${low.toFixed(2)} to ${high.toFixed(2)})`
  return `${ratio.toFixed(2)}${interval} times`
}
