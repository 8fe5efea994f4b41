import { type Maybe, ratio } from '../arithmetic.ts'
import type { Benchmark } from '../load/benchmark.ts'
import type { RunLog } from '../load/run-log.ts'
import { askedTokens } from '../load/workloads/sizes.ts'
import { MS_PER_S } from '../units.ts'
import { MIN_COVERAGE_RATIO } from './energy.ts'
import type { DeviceFigures } from './machine-figures.ts'
import { lostGpus, type WatchedMachine } from './machine-summary.ts'
import type {
  Gate,
  OperatingPoint,
  SteadyState,
  TokenCounts,
  TokenDirection,
  Verdict,
} from './summary.ts'
import { exceeds } from './token-counts.ts'

/** What a gate judges: one operating point without its gates, and what was asked of the run. */
export interface GateInput {
  readonly point: Omit<OperatingPoint, 'gates'>
  readonly benchmark: Benchmark
  /** Tokens that each prompt costs before its first word, the same every time. */
  readonly templateTokens: number
}

/** What a gate of the whole run judges. */
export interface RunGateInput {
  readonly tokens: TokenCounts
  readonly run: RunLog
  readonly machine?: WatchedMachine
}

/** One row of a table of gates. */
interface GateRule<Input> {
  /** What a failure means: the numbers are wrong, or they are right about something else. */
  readonly severity: Gate['severity'] | ((input: Input) => Gate['severity'])
  readonly limit: (input: Input) => string
  readonly remedy: string | ((input: Input) => string)
  /** The value judged and whether it passes; nothing when it could not be measured or does not apply. */
  readonly judge: (input: Input) => { readonly value: string; readonly pass: boolean } | undefined
}

const MAX_ERROR_RATIO = 0.01
const MAX_UNSENT_RATIO = 0.01
const MAX_RATE_ERROR_RATIO = 0.005
const MAX_GIVEN_UP_RATIO = 0.05
/** Speculative decoding brings a few tokens at once, a buffering proxy whole answers. */
const MAX_TOKENS_PER_CHUNK = 10
const MIN_LATENCIES_IN_WINDOW = 3
const MAX_LENGTH_DEVIATION_RATIO = 0.1
const MAX_WORKER_CORES = 0.7
const MAX_LOOP_DELAY_P99_MS = 10
const MAX_INSTRUMENT_ERROR_RATIO = 0.1
const MAX_CACHED_RATIO = 0.05
const MIN_LATENESS_LIMIT_MS = 1
const LATENESS_SHARE_OF_TTFT = 0.01

/**
 * Even with the clocks stopped altogether this much of the window costs a thousandth of throughput, a
 * tenth of the 1 % to which counts of tokens agree; below it lies the jitter of the looks at its edges.
 */
const MAX_THROTTLED_RATIO = 0.001

/** To add a validity gate, add it here. */
const gateRules: Readonly<Record<string, GateRule<GateInput>>> = {
  'completed-requests': {
    severity: 'invalid',
    limit: () => 'at least 1',
    remedy: 'Look at the errors, or measure for longer.',
    judge: ({ point }) => ({
      value: String(point.requests.completed),
      pass: point.requests.completed > 0,
    }),
  },
  'error-budget': {
    severity: 'invalid',
    limit: () => `at most ${percent(MAX_ERROR_RATIO)}`,
    remedy: 'Look at the errors; lower the load or mend the server.',
    judge: ({ point: { requests } }) => {
      const tried = requests.issued - requests.cancelled - requests.abandoned
      const errors = requests.failed + requests.timedOut + requests.lost
      const errorRatio = ratio(errors, tried)
      return errorRatio === undefined
        ? undefined
        : {
            value: `${percent(errorRatio)} (${errors} of ${tried})`,
            pass: errorRatio <= MAX_ERROR_RATIO,
          }
    },
  },
  'schedule-kept': {
    severity: 'invalid',
    limit: ({ point }) => `lateness p99 at most ${latenessLimitMs(point).toFixed(1)} ms`,
    remedy:
      'This machine could not keep the timetable: lower the rate, or run the load from another host.',
    judge: ({ point }) => {
      // What the load itself held back is not this machine's lateness; another gate tells it.
      if (point.heldBack !== undefined) return undefined
      const late = point.latenessMs
      const p99 = late?.p99.value ?? late?.max
      return p99 === undefined
        ? undefined
        : { value: `${p99.toFixed(2)} ms`, pass: p99 <= latenessLimitMs(point) }
    },
  },
  'all-sent': {
    severity: 'invalid',
    limit: () => `at most ${percent(MAX_UNSENT_RATIO)} of those due never sent`,
    remedy:
      'The window closed before the client got to them: lower the rate, or raise maxInFlight.',
    judge: ({ point: { load, requests, neverSent = 0 } }) => {
      const unsent = ratio(neverSent, requests.issued + neverSent)
      if (load.kind === 'closed' || unsent === undefined) return undefined
      return {
        value: `${neverSent} of ${requests.issued + neverSent}`,
        pass: unsent <= MAX_UNSENT_RATIO,
      }
    },
  },
  'rate-achieved': {
    severity: 'degraded',
    limit: () => `within ${percent(MAX_RATE_ERROR_RATIO)} of the timetable, or one request`,
    remedy:
      'The load was not the rate asked for: lower the rate, or run the load from another host.',
    judge: ({ point: { rate, windowS } }) => judgeRate(rate, windowS),
  },
  'in-flight-limit': {
    severity: 'degraded',
    limit: () => '0 held back',
    remedy:
      'The limit on requests under way was reached, so the load was not the rate asked for: raise maxInFlight or lower the rate.',
    judge: ({ point: { load, heldBack = 0 } }) =>
      load.kind === 'closed' || load.maxInFlight === undefined
        ? undefined
        : { value: `${heldBack} held back`, pass: heldBack === 0 },
  },
  'output-length': {
    severity: 'degraded',
    limit: ({ benchmark }) =>
      `within ${percent(MAX_LENGTH_DEVIATION_RATIO)} of ${askedTokens(benchmark.workload).outputTokens?.toFixed() ?? 'what was asked'}`,
    remedy:
      'The server ended answers at another length than asked: use a server or API that can force it.',
    judge: ({ point, benchmark }) =>
      judgeLength(point.outputTokens.mean, askedTokens(benchmark.workload).outputTokens),
  },
  'input-length': {
    severity: 'degraded',
    limit: ({ benchmark }) =>
      `within ${percent(MAX_LENGTH_DEVIATION_RATIO)} of ${askedTokens(benchmark.workload).inputTokens?.toFixed() ?? 'what was asked'}`,
    remedy:
      'The server counts prompts otherwise than asked: see the prompt calibration, or ask for longer prompts.',
    judge: ({ point, benchmark }) =>
      judgeLength(point.inputTokens.mean, askedTokens(benchmark.workload).inputTokens),
  },
  'token-source': {
    severity: 'degraded',
    limit: () => "the server's own count",
    remedy:
      'The server sends no usage: chunks were counted as tokens, and a chunk may hold several.',
    judge: ({ point }) =>
      point.requests.completed === 0
        ? undefined
        : { value: point.tokenSource, pass: point.tokenSource === 'usage' },
  },
  'prefix-cache': {
    severity: 'degraded',
    limit: (input) =>
      `at most ${percent(MAX_CACHED_RATIO)} more than the template's ${percent(templateRatio(input) ?? 0)}`,
    remedy:
      'No two prompts of this run begin alike, and the prefix cache knew them all the same: first tokens and input throughput are those of a warm cache. Empty it (docs/servers.md), or start the server anew.',
    judge: judgeCache,
  },
  streamed: {
    severity: 'degraded',
    limit: () => `at most ${MAX_TOKENS_PER_CHUNK} tokens a chunk`,
    remedy:
      'The server, or something before it, hands out answers in lumps: TPOT and gaps say little. Look for a buffering proxy.',
    judge: ({ point: { tokensPerChunk } }) =>
      tokensPerChunk === undefined
        ? undefined
        : {
            value: `${tokensPerChunk.toFixed(1)} tokens a chunk`,
            pass: tokensPerChunk <= MAX_TOKENS_PER_CHUNK,
          },
  },
  'window-covers-requests': {
    severity: 'invalid',
    limit: () => 'at least the median latency',
    remedy: 'The window is shorter than a request: measure for longer, or more requests.',
    judge: ({ point }) => judgeWindow(point, 1),
  },
  'window-length': {
    severity: 'degraded',
    limit: () => `at least ${MIN_LATENCIES_IN_WINDOW} times the median latency`,
    remedy: 'Few requests fit into the window, so its edges weigh much: measure for longer.',
    judge: ({ point }) => judgeWindow(point, MIN_LATENCIES_IN_WINDOW),
  },
  'steady-state': {
    // Above capacity every figure tells how long the run was, and none what the server can do. Of a
    // throughput that drifts the mean over the window is still what was delivered in it.
    severity: ({ point: { steadyState } }) =>
      steadyState?.kind === 'overloaded' ? 'invalid' : 'degraded',
    limit: () => 'at least half the window without a trend, and a tail of at most a quarter',
    remedy: ({ point: { steadyState } }) => steadyRemedies[steadyState?.kind ?? 'not-judged'],
    judge: ({ point: { steadyState } }) => steadyState && judgeSteady(steadyState),
  },
  'littles-law': {
    // A few requests that outstay the window break it too, so by itself it does not make figures wrong.
    severity: 'degraded',
    limit: ({ point: { littlesLaw } }) =>
      `in flight and ended per s x latency within ${littlesLaw ? (100 * littlesLaw.limitRatio).toFixed(1) : '5'} %`,
    remedy:
      'Two ways to the same figure differ: requests outstay the window (measure for longer), or the times of the records are wrong, which is our mistake: please report it.',
    judge: ({ point: { littlesLaw } }) =>
      littlesLaw && {
        value: `${signedPercent(littlesLaw.residualRatio)} of ${littlesLaw.meanInFlight.toFixed(2)} in flight`,
        pass: Math.abs(littlesLaw.residualRatio) <= littlesLaw.limitRatio,
      },
  },
  'client-event-loop': {
    severity: 'degraded',
    limit: () => `delay p99 at most ${MAX_LOOP_DELAY_P99_MS} ms`,
    remedy:
      'The client itself was slow to notice answers: lower the load, or run it from another host.',
    judge: ({ point: { health } }) =>
      health.loopDelayP99Ms === undefined
        ? undefined
        : {
            value: `${health.loopDelayP99Ms.toFixed(1)} ms`,
            pass: health.loopDelayP99Ms <= MAX_LOOP_DELAY_P99_MS,
          },
  },
  'client-cpu': {
    severity: 'degraded',
    limit: () => `at most ${MAX_WORKER_CORES} core a measuring thread`,
    remedy:
      'The client was near the limit of a thread: give it more with --workers, or use another host.',
    judge: ({ point: { health } }) =>
      health.busiestWorkerCores === undefined
        ? undefined
        : {
            value: `${health.busiestWorkerCores.toFixed(2)} core`,
            pass: health.busiestWorkerCores <= MAX_WORKER_CORES,
          },
  },
  'instrument-error': {
    severity: 'degraded',
    limit: () =>
      `TTFT error p50 at most ${percent(MAX_INSTRUMENT_ERROR_RATIO)} of the median TTFT, gap error p50 at most ${percent(MAX_INSTRUMENT_ERROR_RATIO)} of the median TPOT`,
    remedy:
      'By its certificate the client is too slow for times as short as these: lower the load, or run it from a faster or quieter host and calibrate there.',
    judge: ({ point }) => judgeInstrument(point),
  },
  'thermal-throttling': {
    severity: 'invalid',
    limit: () => `at most ${percent(MAX_THROTTLED_RATIO)} of the window by heat or the power brake`,
    remedy:
      'A GPU that serves the model slowed down to protect itself, so the figures are not those of the hardware: mend cooling or the power supply, let it settle, and repeat.',
    judge: ({ point }) => judgeThrottling(servingDevices(point)),
  },
  'energy-coverage': {
    severity: 'degraded',
    limit: () => `looks cover at least ${percent(MIN_COVERAGE_RATIO)}`,
    remedy:
      'The sampler was held up or died, so energy is not told and clocks held back may be missed: look at what it said, and repeat on a quieter machine.',
    judge: ({ point }) => judgeCoverage(servingDevices(point)),
  },
  drained: {
    severity: 'degraded',
    limit: () => '0 given up',
    remedy: 'The slowest requests were cut off, so latencies look too good: allow a longer drain.',
    judge: ({ point }) => ({
      value: `${point.requests.cancelled} given up`,
      pass: point.requests.cancelled === 0,
    }),
  },
  'given-up': {
    severity: 'invalid',
    limit: () => `at most ${percent(MAX_GIVEN_UP_RATIO)}`,
    remedy:
      'So many of the slowest requests were cut off that the latencies are those of the fast ones: allow a longer drain, or lower the load.',
    judge: ({ point: { requests, ended } }) => {
      const meantToEnd = requests.issued - requests.abandoned
      const share = ratio(requests.cancelled, meantToEnd)
      if (share === undefined || ended !== 'complete') return undefined
      return {
        value: `${percent(share)} (${requests.cancelled} of ${meantToEnd})`,
        pass: share <= MAX_GIVEN_UP_RATIO,
      }
    },
  },
  'level-complete': {
    severity: 'degraded',
    limit: () => 'complete',
    remedy: 'The level stopped before its end: run it again.',
    judge: ({ point }) => ({ value: point.ended, pass: point.ended === 'complete' }),
  },
}

/** To add a gate that judges the run as a whole, add it here. */
const runGateRules: Readonly<Record<string, GateRule<RunGateInput>>> = {
  'alone-on-server': {
    severity: 'invalid',
    limit: () => "at most 1 % more than this client's requests can have caused",
    remedy:
      'Someone else used the server at the same time, so the figures are of a share of it: repeat alone.',
    judge: ({ tokens }) => judgeAlone(tokens),
  },
  'machine-unchanged': {
    severity: 'degraded',
    limit: () => 'the same set-up after the run as before',
    remedy:
      'The machine was set up anew while it was measured, so levels may not compare: find out by whom, and repeat.',
    judge: ({ run: { stateChanges } }) =>
      stateChanges && {
        value: stateChanges.length === 0 ? 'unchanged' : `changed: ${stateChanges.join(', ')}`,
        pass: stateChanges.length === 0,
      },
  },
  'gpu-lost': {
    severity: 'degraded',
    limit: () => '0 lost',
    remedy:
      'A GPU that serves the model told nothing more before the load was over: look for Xid in the kernel log (dmesg), then at what the sampler said.',
    judge: ({ run, machine }) => machine && judgeLost(lostGpus(machine, run.levels)),
  },
}

/** Judges one operating point by every gate. */
export function judgeGates(input: GateInput): Gate[] {
  return judgeAll(gateRules, input)
}

/** Judges the run as a whole. */
export function judgeRunGates(input: RunGateInput): Gate[] {
  return judgeAll(runGateRules, input)
}

function judgeAll<Input>(rules: Readonly<Record<string, GateRule<Input>>>, input: Input): Gate[] {
  return Object.entries(rules).map(([gate, rule]) => {
    const judged = rule.judge(input)
    const shared = {
      gate,
      severity: typeof rule.severity === 'string' ? rule.severity : rule.severity(input),
      limit: rule.limit(input),
      remedy: typeof rule.remedy === 'string' ? rule.remedy : rule.remedy(input),
    }
    if (!judged) return { ...shared, status: 'not-measured', value: 'not measured' }
    return { ...shared, status: judged.pass ? 'pass' : 'fail', value: judged.value }
  })
}

/**
 * The verdict on a run and why: invalid outweighs degraded. A run without a single point is invalid,
 * one that stopped before its end at best degraded.
 */
export function judgeRun(
  points: readonly OperatingPoint[],
  runGates: readonly Gate[],
  state: RunLog['state'],
): { verdict: Verdict; reasons: string[] } {
  if (points.length === 0) return { verdict: 'INVALID', reasons: ['no load level was run'] }
  const judged = [{ gates: runGates, label: 'whole run' }, ...points]
  const failures = judged.flatMap(({ gates, label }) =>
    gates.filter(({ status }) => status === 'fail').map((gate) => ({ gate, label })),
  )
  const stopped = state === 'complete' ? [] : ['the run stopped before its end']
  const reasons = [
    ...stopped,
    ...failures.map(
      ({ gate, label }) => `${label}: ${gate.gate} is ${gate.value}, limit ${gate.limit}`,
    ),
  ]
  if (failures.some(({ gate }) => gate.severity === 'invalid'))
    return { verdict: 'INVALID', reasons }
  return { verdict: reasons.length > 0 ? 'DEGRADED' : 'VALID', reasons }
}

/** 1 ms, or 1 % of the median TTFT where that is more: lateness that cannot change the answer. */
function latenessLimitMs(point: Omit<OperatingPoint, 'gates'>): number {
  return Math.max(MIN_LATENESS_LIMIT_MS, (point.ttftMs.p50.value ?? 0) * LATENESS_SHARE_OF_TTFT)
}

function judgeWindow(
  { windowS, latencyMs }: Omit<OperatingPoint, 'gates'>,
  latencies: number,
): { value: string; pass: boolean } | undefined {
  const times = ratio(windowS * MS_PER_S, latencyMs.p50.value)
  return times === undefined
    ? undefined
    : { value: `${times.toFixed(1)} times`, pass: times >= latencies }
}

function judgeInstrument({
  instrument: { error },
  ttftMs,
  tpotMs,
}: Omit<OperatingPoint, 'gates'>): { value: string; pass: boolean } | undefined {
  if (error.kind === 'unknown') return undefined
  const shares = [
    { what: 'TTFT error p50', errorMs: error.ttftErrorMs.p50.value, ofMs: ttftMs.p50.value },
    { what: 'gap error p50', errorMs: error.gapErrorMs.p50.value, ofMs: tpotMs.p50.value },
  ].flatMap(({ what, errorMs, ofMs }) => {
    const share = ratio(errorMs, ofMs)
    return share === undefined ? [] : [{ text: `${what} ${percent(share)}`, share }]
  })
  if (shares.length === 0) return undefined
  return {
    value: shares.map(({ text }) => text).join(', '),
    pass: shares.every(({ share }) => share <= MAX_INSTRUMENT_ERROR_RATIO),
  }
}

const steadyRemedies: Readonly<Record<SteadyState['kind'], string>> = {
  overloaded: 'The rate is above what the server can serve: lower it.',
  drifts:
    'Throughput changed all the while, so its mean depends on when one looked: warm up for longer, look for heat and other users, and repeat.',
  'never-settles': 'The server had not settled: warm up and measure for longer.',
  steady: '',
  'not-judged': '',
}

function judgeSteady(steady: SteadyState): { value: string; pass: boolean } | undefined {
  switch (steady.kind) {
    case 'steady':
      return {
        value: `steady for ${((steady.endMs - steady.startMs) / MS_PER_S).toFixed(1)} s`,
        pass: true,
      }
    case 'overloaded':
      return {
        value: `in flight ${signedPercent(steady.inFlightRatio)} and TTFT ${signedPercent(steady.ttftRatio)} over half the window: rate above capacity`,
        pass: false,
      }
    case 'drifts':
      return {
        value: `throughput ${signedPercent(steady.changeRatio)} from start to end`,
        pass: false,
      }
    case 'never-settles':
      return { value: 'start-up or tail fill too much of the window', pass: false }
    case 'not-judged':
      return undefined
  }
}

function judgeRate(
  rate: OperatingPoint['rate'],
  windowS: number,
): { value: string; pass: boolean } | undefined {
  const { duePerS, sentPerS } = rate ?? {}
  const achieved = ratio(sentPerS, duePerS)
  if (achieved === undefined || duePerS === undefined) return undefined
  const due = duePerS * windowS
  // A request due at the very end of the window may leave just after it.
  const astray = Math.round(Math.abs(achieved - 1) * due)
  return {
    value: `${(100 * achieved).toFixed(2)} %`,
    pass: astray <= Math.max(1, MAX_RATE_ERROR_RATIO * due),
  }
}

/** Only where every prompt is new can the cache know nothing but the template. */
function judgeCache(input: GateInput): { value: string; pass: boolean } | undefined {
  const { point, benchmark } = input
  if (benchmark.workload.kind !== 'synthetic') return undefined
  const { cachedInputRatio, server } = point
  const cached = cachedInputRatio ?? server?.prefixCacheHitRatio
  if (cached === undefined) return undefined
  const source = cachedInputRatio === undefined ? "the server's counters" : 'the answers'
  return {
    value: `${percent(cached)} of input tokens cached, by ${source}`,
    pass: cached - (templateRatio(input) ?? 0) <= MAX_CACHED_RATIO,
  }
}

/** Share of the input tokens that all prompts have in common. */
function templateRatio({ point, templateTokens }: GateInput): Maybe {
  return ratio(templateTokens, point.inputTokens.mean)
}

function judgeAlone(tokens: TokenCounts): { value: string; pass: boolean } | undefined {
  if (tokens.countersUnusable !== undefined) return undefined
  const counterOf = (direction: TokenDirection): Maybe =>
    tokens.counts.find(
      (count) => count.direction === direction && count.source === 'server-counters',
    )?.tokens
  const judged = [
    { what: 'output', counter: counterOf('output'), most: tokens.mostCausedOutputTokens },
    { what: 'input', counter: counterOf('input'), most: tokens.mostCausedInputTokens },
  ].flatMap(({ what, counter, most }) =>
    counter === undefined || most === undefined
      ? []
      : [{ text: `${counter} ${what} tokens of ${most}`, pass: !exceeds(counter, most) }],
  )
  if (judged.length === 0) return undefined
  return {
    value: `the server counted ${judged.map(({ text }) => text).join(' and ')} possible`,
    pass: judged.every(({ pass }) => pass),
  }
}

function servingDevices({ machine }: GateInput['point']): DeviceFigures[] {
  return machine?.devices.filter(({ serving }) => serving) ?? []
}

/** By the worst device. The share at the power limit is stated, and no fault: it is how a loaded GPU runs. */
function judgeThrottling(
  devices: readonly DeviceFigures[],
): { value: string; pass: boolean } | undefined {
  const worst = (cause: 'thermalRatio' | 'powerBrakeRatio' | 'powerCapRatio'): Maybe => {
    const shares = devices.flatMap(({ throttle }) => throttle?.[cause] ?? [])
    return shares.length > 0 ? Math.max(...shares) : undefined
  }
  const judged = [
    { cause: 'heat', share: worst('thermalRatio') },
    { cause: 'power brake', share: worst('powerBrakeRatio') },
  ].filter(({ share }) => share !== undefined)
  if (judged.length === 0) return undefined
  return {
    value: [...judged, { cause: 'power limit', share: worst('powerCapRatio') }]
      .flatMap(({ cause, share }) => (share === undefined ? [] : [`${cause} ${percent(share)}`]))
      .join(', '),
    pass: judged.every(({ share = 0 }) => share <= MAX_THROTTLED_RATIO),
  }
}

/** By the device that was looked at least, of those that have anything to tell of energy. */
function judgeCoverage(
  devices: readonly DeviceFigures[],
): { value: string; pass: boolean } | undefined {
  const shares = devices.flatMap(({ energy }) =>
    energy.status === 'no-sensor' ? [] : [energy.coverageRatio],
  )
  if (shares.length === 0) return undefined
  const least = Math.min(...shares)
  return { value: `${(100 * least).toFixed(1)} % of the window`, pass: least >= MIN_COVERAGE_RATIO }
}

function judgeLost(lost: readonly string[]): { value: string; pass: boolean } {
  const which = lost.length > 0 ? `: ${lost.join('; ')}` : ''
  return { value: `${lost.length} lost${which}`, pass: lost.length === 0 }
}

function judgeLength(mean: Maybe, asked: Maybe): { value: string; pass: boolean } | undefined {
  if (mean === undefined || asked === undefined) return undefined
  return {
    value: `mean ${mean.toFixed(1)}`,
    pass: Math.abs(mean - asked) <= asked * MAX_LENGTH_DEVIATION_RATIO,
  }
}

function signedPercent(value: number): string {
  return `${value < 0 ? '' : '+'}${(100 * value).toFixed(1)} %`
}

function percent(value: number): string {
  return `${(value * 100).toFixed(value > 0 && value < 0.1 ? 1 : 0)} %`
}
