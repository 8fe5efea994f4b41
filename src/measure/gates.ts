import type { Purpose } from '../load/benchmark.ts'
import { MIN_COVERAGE_RATIO } from './energy.ts'
import * as ofAnswers from './gate-answers.ts'
import * as ofClient from './gate-client.ts'
import * as ofLoad from './gate-load.ts'
import * as ofMachine from './gate-machine.ts'
import {
  type GateInput,
  type GateRule,
  judged,
  noteUnlessPublished,
  percent,
  type RunGateInput,
} from './gate-rule.ts'
import type { Gate } from './summary.ts'

const MIN_LATENCIES_IN_WINDOW = 3

/** To add a validity gate, add it here, with its judge in the file of what it is about. */
const gateRules: Readonly<Record<string, GateRule<GateInput>>> = {
  'completed-requests': {
    severity: 'invalid',
    limit: () => 'at least 1',
    remedy: 'Look at the errors, or measure for longer.',
    judge: ({ point }) => judged(String(point.requests.completed), point.requests.completed > 0),
  },
  'error-budget': {
    severity: ofLoad.errorSeverity,
    limit: ofLoad.errorBudget,
    remedy:
      'Look at the errors; lower the load or mend the server. Where only what may be is too much, measure for longer.',
    judge: ofLoad.judgeErrors,
  },
  duration: {
    severity: noteUnlessPublished,
    limit: ({ purpose }) => `at least ${ofLoad.MIN_WINDOW_S[purpose]} s`,
    remedy: 'A short window shows little of what changes with time: measure for longer.',
    judge: ofLoad.judgeDuration,
  },
  'sample-floors': {
    severity: noteUnlessPublished,
    limit: ({ purpose }) =>
      `p${ofLoad.NEEDED_PERCENTILE[purpose]} of TTFT, TPOT and latency not withheld`,
    remedy: 'Too few requests completed: measure for longer, or more requests.',
    judge: ofLoad.judgeFloors,
  },
  'schedule-kept': {
    severity: 'invalid',
    limit: ({ point }) => `lateness p99 at most ${ofLoad.latenessLimitMs(point).toFixed(1)} ms`,
    remedy:
      'This machine could not keep the timetable: lower the rate, or run the load from another host.',
    judge: ofLoad.judgeSchedule,
  },
  'arrival-process': {
    severity: 'degraded',
    limit: ofLoad.arrivalLimit,
    remedy:
      'Requests came otherwise than asked: lower the rate or run the load from another host. Where they were not due by the seed, the records are not those of this run.',
    judge: ofLoad.judgeArrivals,
  },
  'all-sent': {
    severity: 'invalid',
    limit: () => `at most ${percent(ofLoad.MAX_UNSENT_RATIO)} of those due never sent`,
    remedy:
      'The window closed before the client got to them: lower the rate, or raise maxInFlight.',
    judge: ofLoad.judgeUnsent,
  },
  'rate-achieved': {
    severity: 'degraded',
    limit: () => `within ${percent(ofLoad.MAX_RATE_ERROR_RATIO)} of the timetable, or one request`,
    remedy:
      'The load was not the rate asked for: lower the rate, or run the load from another host.',
    judge: ofLoad.judgeRate,
  },
  'in-flight-limit': {
    severity: 'degraded',
    limit: () => '0 held back',
    remedy:
      'The limit on requests under way was reached, so the load was not the rate asked for: raise maxInFlight or lower the rate.',
    judge: ofLoad.judgeInFlight,
  },
  'output-length': {
    severity: 'degraded',
    limit: (input) => ofAnswers.lengthLimit(input, 'output'),
    remedy:
      'The server ended answers at another length than asked: use a server or API that can force it.',
    judge: (input) => ofAnswers.judgeLength(input, 'output'),
  },
  'finish-reasons': {
    severity: 'degraded',
    limit: ofAnswers.finishLimit,
    remedy:
      'Answers ended otherwise than asked: filtered, aborted, or by a model that was not to. Look at the log of the server.',
    judge: ofAnswers.judgeFinish,
  },
  'input-length': {
    severity: 'degraded',
    limit: (input) => ofAnswers.lengthLimit(input, 'input'),
    remedy:
      'The server counts prompts otherwise than asked: see the prompt calibration, or ask for longer prompts.',
    judge: (input) => ofAnswers.judgeLength(input, 'input'),
  },
  'token-source': {
    severity: 'degraded',
    limit: () => "the server's own count",
    remedy:
      'The server sends no usage: chunks were counted as tokens, and a chunk may hold several.',
    judge: ofAnswers.judgeTokenSource,
  },
  'prefix-cache': {
    severity: 'degraded',
    limit: ofAnswers.cacheLimit,
    remedy:
      'No two prompts of this run begin alike, and the prefix cache knew them all the same: first tokens and input throughput are those of a warm cache. Empty it (docs/servers.md), or start the server anew.',
    judge: ofAnswers.judgeCache,
  },
  streamed: {
    severity: 'degraded',
    limit: () => `at most ${ofAnswers.MAX_TOKENS_PER_CHUNK} tokens a chunk`,
    remedy:
      'The server, or something before it, hands out answers in lumps: TPOT and gaps say little. Look for a buffering proxy.',
    judge: ofAnswers.judgeStreamed,
  },
  'window-covers-requests': {
    severity: 'invalid',
    limit: () => 'at least the median latency',
    remedy: 'The window is shorter than a request: measure for longer, or more requests.',
    judge: ({ point }) => ofLoad.judgeWindow(point, 1),
  },
  'window-length': {
    severity: 'degraded',
    limit: () => `at least ${MIN_LATENCIES_IN_WINDOW} times the median latency`,
    remedy: 'Few requests fit into the window, so its edges weigh much: measure for longer.',
    judge: ({ point }) => ofLoad.judgeWindow(point, MIN_LATENCIES_IN_WINDOW),
  },
  'steady-state': {
    // Above capacity every figure tells how long the run was, and none what the server can do. Of a
    // throughput that drifts the mean over the window is still what was delivered in it.
    severity: ({ point: { steadyState } }) =>
      steadyState?.kind === 'overloaded' ? 'invalid' : 'degraded',
    limit: () => 'at least half the window without a trend, and a tail of at most a quarter',
    remedy: ({ point: { steadyState } }) =>
      ofLoad.steadyRemedies[steadyState?.kind ?? 'not-judged'],
    judge: ofLoad.judgeSteady,
  },
  'littles-law': {
    // A few requests that outstay the window break it too, so by itself it does not make figures wrong.
    severity: 'degraded',
    limit: ({ point: { littlesLaw } }) =>
      `in flight and ended per s x latency within ${littlesLaw ? (100 * littlesLaw.limitRatio).toFixed(1) : '5'} %`,
    remedy:
      'Two ways to the same figure differ: requests outstay the window (measure for longer), or the times of the records are wrong, which is our mistake: please report it.',
    judge: ofLoad.judgeLittlesLaw,
  },
  'client-limits': {
    severity: 'invalid',
    limit: () => '0 requests failed by the client itself, warm-up included',
    remedy:
      'The client ran into its own limit, and the server was never asked: raise it (`baremark doctor` says how), or lower the load.',
    judge: ofClient.judgeClientFailures,
  },
  'open-files': {
    severity: noteUnlessPublished,
    limit: () => 'at least an eighth of what this process may open left',
    remedy: 'The client was near its limit on open files: raise it (`baremark doctor` says how).',
    judge: ofClient.judgeOpenFiles,
  },
  ports: {
    severity: noteUnlessPublished,
    limit: () => 'at least an eighth of the ports for connections left',
    remedy:
      'The machine was near its limit on ports: widen the range (`baremark doctor` says how), or have the server keep connections open.',
    judge: ofClient.judgePorts,
  },
  'client-event-loop': {
    severity: 'degraded',
    limit: () => `delay p99 at most ${ofClient.MAX_LOOP_DELAY_P99_MS} ms`,
    remedy:
      'The client itself was slow to notice answers: lower the load, or run it from another host.',
    judge: ofClient.judgeLoop,
  },
  'client-cpu': {
    severity: 'degraded',
    limit: () => `at most ${ofClient.MAX_WORKER_CORES} core a measuring thread`,
    remedy:
      'The client was near the limit of a thread: give it more with --workers, or use another host.',
    judge: ofClient.judgeCpu,
  },
  'instrument-error': {
    severity: 'degraded',
    limit: () =>
      `TTFT error p50 at most ${percent(ofClient.MAX_INSTRUMENT_ERROR_RATIO)} of the median TTFT, gap error p50 at most ${percent(ofClient.MAX_INSTRUMENT_ERROR_RATIO)} of the median TPOT`,
    remedy:
      'By its certificate the client is too slow for times as short as these: lower the load, or run it from a faster or quieter host and calibrate there.',
    judge: ofClient.judgeInstrument,
  },
  'thermal-throttling': {
    severity: 'invalid',
    limit: () =>
      `at most ${percent(ofMachine.MAX_THROTTLED_RATIO)} of the window by heat or the power brake`,
    remedy:
      'A GPU that serves the model slowed down to protect itself, so the figures are not those of the hardware: mend cooling or the power supply, let it settle, and repeat.',
    judge: ofMachine.judgeThrottling,
  },
  'energy-coverage': {
    severity: 'degraded',
    limit: () => `looks cover at least ${percent(MIN_COVERAGE_RATIO)}`,
    remedy:
      'The sampler was held up or died, so energy is not told and clocks held back may be missed: look at what it said, and repeat on a quieter machine.',
    judge: ofMachine.judgeCoverage,
  },
  drained: {
    severity: 'degraded',
    limit: () => '0 given up',
    remedy: 'The slowest requests were cut off, so latencies look too good: allow a longer drain.',
    judge: ({ point: { requests } }) =>
      judged(`${requests.cancelled} given up`, requests.cancelled === 0),
  },
  'given-up': {
    severity: 'invalid',
    limit: () => `at most ${percent(ofLoad.MAX_GIVEN_UP_RATIO)}`,
    remedy:
      'So many of the slowest requests were cut off that the latencies are those of the fast ones: allow a longer drain, or lower the load.',
    judge: ofLoad.judgeGivenUp,
  },
  'level-complete': {
    severity: 'degraded',
    limit: () => 'complete',
    remedy: 'The level stopped before its end: run it again.',
    judge: ({ point }) => judged(point.ended, point.ended === 'complete'),
  },
}

const RUNS = 'runs'

/** The one gate that is of a group where there is one. */
const runsRule: GateRule<Pick<RunGateInput, 'purpose' | 'groupRuns'>> = {
  severity: 'degraded',
  limit: () => `at least ${ofLoad.MIN_RUNS} of the same benchmark`,
  remedy:
    'One start of a server says nothing of the next: repeat the run (--runs), the server started anew in between, and quote the median.',
  judge: ofLoad.judgeRuns,
}

/** To add a gate that judges the run as a whole, add it here. */
const runGateRules: Readonly<Record<string, GateRule<RunGateInput>>> = {
  'alone-on-server': {
    severity: 'invalid',
    limit: () => "at most 1 % more than this client's requests can have caused",
    remedy:
      'Someone else used the server at the same time, so the figures are of a share of it: repeat alone.',
    judge: ofAnswers.judgeAlone,
  },
  'tokens-agree': {
    severity: 'degraded',
    limit: () => 'sources within 1 %, or what can come between them',
    remedy:
      'Prices and throughput rest on the first of the two: find out which is right. Where nothing compares, have the server tell its metrics.',
    judge: ofAnswers.judgeAgreement,
  },
  'caching-audit': {
    severity: noteUnlessPublished,
    limit: () =>
      `identical prompts at most ${ofAnswers.MAX_CACHING_SPEEDUP.toFixed(2)} times as fast as unique ones`,
    remedy:
      'The server answers from what it remembers: turn its prefix or response cache off to publish figures of new prompts, or say that it is on.',
    judge: ofAnswers.judgeCachingAudit,
  },
  'server-unchanged': {
    severity: 'invalid',
    limit: () => 'model, version and start options after the run as before',
    remedy:
      'The server was another one at the end, so levels are of two servers: find out who changed it, and repeat.',
    judge: ofMachine.judgeServer,
  },
  'machine-unchanged': {
    severity: 'degraded',
    limit: () => 'the same set-up after the run as before',
    remedy:
      'The machine was set up anew while it was measured, so levels may not compare: find out by whom, and repeat.',
    judge: ofMachine.judgeMachine,
  },
  'gpu-lost': {
    severity: 'degraded',
    limit: () => '0 lost',
    remedy:
      'A GPU that serves the model told nothing more before the load was over: look for Xid in the kernel log (dmesg), then at what the sampler said.',
    judge: ofMachine.judgeLostGpus,
  },
  'clock-steps': {
    severity: 'degraded',
    limit: () => `at most ${ofClient.MAX_CLOCK_STEP_MS} ms against the monotonic clock`,
    remedy:
      'The wall clock was set, or the machine slept: a log by another clock is out of place, and a machine that slept measured nothing. Let the clock settle (chronyc waitsync), keep the machine awake, and repeat.',
    judge: ofClient.judgeClock,
  },
  'tls-verified': {
    severity: noteUnlessPublished,
    limit: () => 'verified, where there is TLS',
    remedy: 'Anybody may have answered: give the authority with --ca instead of --insecure.',
    judge: ofClient.judgeTls,
  },
  'real-model': {
    severity: noteUnlessPublished,
    limit: () => 'a model with trained weights',
    remedy:
      'Measure the model that is meant to be used. A server that does not tell its weights: declare them with --weights.',
    judge: ofMachine.judgeModel,
  },
  [RUNS]: runsRule,
}

/** Judges one operating point by every gate. */
export function judgeGates(input: GateInput): Gate[] {
  return judgeAll(gateRules, input)
}

/** Judges the run as a whole. */
export function judgeRunGates(input: RunGateInput): Gate[] {
  return judgeAll(runGateRules, input)
}

/** Whether a run was judged by itself, and more of them were asked for. */
export function lacksRuns(gates: readonly Gate[]): boolean {
  return gates.some(({ gate, status }) => gate === RUNS && status === 'not-measured')
}

/** The gates of a run as those of one of a group of so many that went to their end. */
export function gatesInGroup(gates: readonly Gate[], purpose: Purpose, groupRuns: number): Gate[] {
  return gates.map((gate) =>
    gate.gate === RUNS ? judgeOne(RUNS, runsRule, { purpose, groupRuns }) : gate,
  )
}

function judgeAll<Input>(rules: Readonly<Record<string, GateRule<Input>>>, input: Input): Gate[] {
  return Object.entries(rules).map(([gate, rule]) => judgeOne(gate, rule, input))
}

function judgeOne<Input>(gate: string, rule: GateRule<Input>, input: Input): Gate {
  const judgement = rule.judge(input)
  const shared = {
    gate,
    severity: typeof rule.severity === 'string' ? rule.severity : rule.severity(input),
    limit: rule.limit(input),
    remedy: typeof rule.remedy === 'string' ? rule.remedy : rule.remedy(input),
  }
  const { kind } = judgement
  switch (kind) {
    case 'judged':
      return { ...shared, status: judgement.pass ? 'pass' : 'fail', value: judgement.value }
    case 'not-measured':
      return { ...shared, status: kind, value: 'not measured', reason: judgement.reason }
    case 'does-not-apply':
      return { ...shared, status: kind, value: 'does not apply', reason: judgement.reason }
  }
}
