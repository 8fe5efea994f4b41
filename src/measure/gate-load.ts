import { ratio } from '../arithmetic.ts'
import type { LoadLevel, Purpose } from '../load/benchmark.ts'
import { MS_PER_S } from '../units.ts'
import {
  doesNotApply,
  finePercent,
  type GateInput,
  type Judgement,
  judged,
  notMeasured,
  percent,
  type RunGateInput,
  signedPercent,
} from './gate-rule.ts'
import { shareAtMost } from './statistics/clopper-pearson.ts'
import type { Distribution, SteadyState } from './summary.ts'

type Point = GateInput['point']

/** MLPerf Inference asks for 600 s; a tenth of it shows what a short burst hides. */
export const MIN_WINDOW_S: Readonly<Record<Purpose, number>> = { explore: 60, publish: 600 }
/** The highest percentile that must be there. */
export const NEEDED_PERCENTILE = { explore: 95, publish: 99 } as const
const MAX_ERROR_RATIO: Readonly<Record<Purpose, number>> = { explore: 0.01, publish: 0.001 }
/** 299 requests without an error show as much with 95 % confidence. */
const MAX_ERROR_BOUND_RATIO = 0.01
export const MAX_UNSENT_RATIO = 0.01
export const MAX_RATE_ERROR_RATIO = 0.005
export const MAX_GIVEN_UP_RATIO = 0.05
const MIN_LATENESS_LIMIT_MS = 1
const LATENESS_SHARE_OF_TTFT = 0.01

const CLOSED = 'users wait for answers, so there is no timetable'
const NOTHING_COMPLETED = 'no request completed'

function isClosed({ load }: { readonly load: LoadLevel }): boolean {
  return load.kind === 'closed'
}

export function errorBudget({ purpose }: GateInput): string {
  const most = `at most ${percent(MAX_ERROR_RATIO[purpose])}`
  return purpose === 'publish'
    ? `${most}, and with 95 % confidence at most ${percent(MAX_ERROR_BOUND_RATIO)}`
    : most
}

interface Errors {
  readonly errors: number
  readonly tried: number
}

function errorsOf({ requests }: Point): Errors {
  return {
    errors: requests.failed + requests.timedOut + requests.lost,
    tried: requests.issued - requests.cancelled - requests.abandoned,
  }
}

/** Above what even a run to explore may have, figures are those of the requests that got through. */
export function errorSeverity({ point, purpose }: GateInput): 'invalid' | 'degraded' {
  const { errors, tried } = errorsOf(point)
  const share = ratio(errors, tried) ?? 0
  return purpose === 'publish' && share <= MAX_ERROR_RATIO.explore ? 'degraded' : 'invalid'
}

export function judgeErrors({ point, purpose }: GateInput): Judgement {
  const { errors, tried } = errorsOf(point)
  const share = ratio(errors, tried)
  const bound = shareAtMost(errors, tried)
  if (share === undefined || bound === undefined)
    return notMeasured('no request was left to run to its end')
  const isBoundKept = purpose === 'explore' || bound <= MAX_ERROR_BOUND_RATIO
  return judged(
    `${percent(share)} (${errors} of ${tried}), with 95 % confidence at most ${finePercent(bound)}`,
    share <= MAX_ERROR_RATIO[purpose] && isBoundKept,
  )
}

/** Clocks count fractions of a millisecond, windows none. */
export function judgeDuration({ point: { windowS }, purpose }: GateInput): Judgement {
  const enough = Math.round(windowS * MS_PER_S) >= MIN_WINDOW_S[purpose] * MS_PER_S
  return judged(`${windowS.toFixed(1)} s`, enough)
}

export function judgeFloors({ point, purpose }: GateInput): Judgement {
  if (point.requests.completed === 0) return notMeasured(NOTHING_COMPLETED)
  const metrics: [string, Distribution][] = [
    ['TTFT', point.ttftMs],
    ['TPOT', point.tpotMs],
    ['latency', point.latencyMs],
  ]
  // Answers of one token have no TPOT, however many there are.
  const held = metrics.filter(([, { n }]) => n > 0)
  const needed = NEEDED_PERCENTILE[purpose]
  const withheld = held.flatMap(([name, distribution]) =>
    [distribution.p90, distribution.p95, distribution.p99].flatMap(({ p, n, withheldUntilN }) =>
      withheldUntilN === undefined
        ? []
        : [{ p, text: `${name} p${p} (${n} of ${withheldUntilN})` }],
    ),
  )
  const value =
    withheld.length === 0
      ? 'none withheld'
      : `withheld: ${withheld.map(({ text }) => text).join(', ')}`
  return judged(
    value,
    withheld.every(({ p }) => p > needed),
  )
}

/** 1 ms, or 1 % of the median TTFT where that is more: lateness that cannot change the answer. */
export function latenessLimitMs({ ttftMs }: Pick<Point, 'ttftMs'>): number {
  return Math.max(MIN_LATENESS_LIMIT_MS, (ttftMs.p50.value ?? 0) * LATENESS_SHARE_OF_TTFT)
}

export function judgeSchedule({ point }: GateInput): Judgement {
  if (isClosed(point)) return doesNotApply(CLOSED)
  if (point.heldBack !== undefined) return notMeasured(HELD_BACK)
  const late = point.latenessMs
  const p99 = late?.p99.value ?? late?.max
  return p99 === undefined
    ? notMeasured(NOTHING_COMPLETED)
    : judged(`${p99.toFixed(2)} ms`, p99 <= latenessLimitMs(point))
}

const HELD_BACK = "the load's own limit held requests back, which is not this machine's lateness"

export function arrivalLimit({ point, evidence: { arrivals } }: GateInput): string {
  const most = arrivals === undefined ? '' : ` = ${arrivals.distanceLimit.toFixed(4)}`
  return `due as the seed has it, and distance of the gaps under 1.628 / sqrt(n)${most}, those within ${latenessLimitMs(point).toFixed(1)} ms alike`
}

export function judgeArrivals({ point, evidence: { arrivals } }: GateInput): Judgement {
  if (isClosed(point)) return doesNotApply(CLOSED)
  if (point.heldBack !== undefined) return notMeasured(HELD_BACK)
  if (arrivals === undefined) return notMeasured('fewer than two requests were sent')
  const { gaps, distanceLimit, notOfSeed } = arrivals
  const distance = arrivals.distance(latenessLimitMs(point))
  const seed =
    notOfSeed === undefined
      ? 'the timetable is in the trace'
      : `${notOfSeed} of ${gaps + 1} not due by the seed`
  return judged(
    `distance ${distance.toFixed(4)} over ${gaps} gaps, ${seed}`,
    distance < distanceLimit && (notOfSeed ?? 0) === 0,
  )
}

export function judgeUnsent({ point }: GateInput): Judgement {
  if (isClosed(point)) return doesNotApply(CLOSED)
  const { requests, neverSent = 0 } = point
  const unsent = ratio(neverSent, requests.issued + neverSent)
  return unsent === undefined
    ? notMeasured('no request was due')
    : judged(`${neverSent} of ${requests.issued + neverSent}`, unsent <= MAX_UNSENT_RATIO)
}

export function judgeRate({ point }: GateInput): Judgement {
  if (isClosed(point)) return doesNotApply(CLOSED)
  const { duePerS, sentPerS } = point.rate ?? {}
  const achieved = ratio(sentPerS, duePerS)
  if (achieved === undefined || duePerS === undefined) return notMeasured('no request was due')
  const due = duePerS * point.windowS
  // A request due at the very end of the window may leave just after it.
  const astray = Math.round(Math.abs(achieved - 1) * due)
  return judged(
    `${(100 * achieved).toFixed(2)} %`,
    astray <= Math.max(1, MAX_RATE_ERROR_RATIO * due),
  )
}

export function judgeInFlight({ point: { load, heldBack = 0 } }: GateInput): Judgement {
  if (load.kind === 'closed') return doesNotApply(CLOSED)
  if (load.maxInFlight === undefined) return doesNotApply('requests under way have no limit')
  return judged(`${heldBack} held back`, heldBack === 0)
}

export function judgeWindow(
  { windowS, latencyMs }: Pick<Point, 'windowS' | 'latencyMs'>,
  latencies: number,
): Judgement {
  const times = ratio(windowS * MS_PER_S, latencyMs.p50.value)
  return times === undefined
    ? notMeasured(NOTHING_COMPLETED)
    : judged(`${times.toFixed(1)} times`, times >= latencies)
}

export function judgeGivenUp({ point: { requests, ended } }: GateInput): Judgement {
  const meantToEnd = requests.issued - requests.abandoned
  const share = ratio(requests.cancelled, meantToEnd)
  if (ended !== 'complete') return notMeasured('the level stopped before its end')
  if (share === undefined) return notMeasured('no request was to run to its end')
  return judged(
    `${percent(share)} (${requests.cancelled} of ${meantToEnd})`,
    share <= MAX_GIVEN_UP_RATIO,
  )
}

/** Where the rate is meant to change there is no steady state to look for. */
const CHANGING_LOADS: ReadonlySet<LoadLevel['kind']> = new Set(['ramp', 'trace'])
const CHANGES = 'the load itself changes with time'

export function judgeSteady({ point: { load, steadyState } }: GateInput): Judgement {
  if (steadyState === undefined) return notMeasured('there are no records to judge by')
  switch (steadyState.kind) {
    case 'steady':
      return judged(
        `steady for ${((steadyState.endMs - steadyState.startMs) / MS_PER_S).toFixed(1)} s`,
        true,
      )
    case 'overloaded':
      return judged(
        `in flight ${signedPercent(steadyState.inFlightRatio)} and TTFT ${signedPercent(steadyState.ttftRatio)} over half the window: rate above capacity`,
        false,
      )
    case 'drifts':
      return judged(`throughput ${signedPercent(steadyState.changeRatio)} from start to end`, false)
    case 'never-settles':
      return judged('start-up or tail fill too much of the window', false)
    case 'not-judged':
      return CHANGING_LOADS.has(load.kind) ? doesNotApply(CHANGES) : notMeasured(steadyState.reason)
  }
}

export const steadyRemedies: Readonly<Record<SteadyState['kind'], string>> = {
  overloaded: 'The rate is above what the server can serve: lower it.',
  drifts:
    'Throughput changed all the while, so its mean depends on when one looked: warm up for longer, look for heat and other users, and repeat.',
  'never-settles': 'The server had not settled: warm up and measure for longer.',
  steady: '',
  'not-judged': '',
}

export function judgeLittlesLaw({ point: { load, littlesLaw } }: GateInput): Judgement {
  if (CHANGING_LOADS.has(load.kind)) return doesNotApply(CHANGES)
  if (littlesLaw === undefined)
    return notMeasured('it holds of a steady part alone, and none is known')
  return judged(
    `${signedPercent(littlesLaw.residualRatio)} of ${littlesLaw.meanInFlight.toFixed(2)} in flight`,
    Math.abs(littlesLaw.residualRatio) <= littlesLaw.limitRatio,
  )
}

/** SPEC CPU takes the median of three. */
export const MIN_RUNS = 3

/** A run by itself knows of no other. */
export function judgeRuns({
  purpose,
  groupRuns,
}: Pick<RunGateInput, 'purpose' | 'groupRuns'>): Judgement {
  if (purpose === 'explore') return doesNotApply('one run is enough to explore')
  return groupRuns === undefined
    ? notMeasured('this is a single run')
    : judged(`${groupRuns}`, groupRuns >= MIN_RUNS)
}
