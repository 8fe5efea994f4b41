import { largest, type Maybe, ratio } from '../arithmetic.ts'
import type { Slo } from '../load/benchmark.ts'
import type { Limit, LoadAxis, SearchPlan, SloPlan } from '../load/search-plan.ts'
import type {
  LimitCheck,
  Looks,
  NotBracketed,
  Saturation,
  SearchSummary,
  SloOutcome,
  SloTrial,
  SweepTrial,
} from '../measure/search/search-summary.ts'
import type { OperatingPoint } from '../measure/summary.ts'
import { MS_PER_S } from '../units.ts'
import {
  formatCount,
  formatMs,
  formatNumber,
  formatPercent,
  formatStated,
  formatStatedMs,
  notAvailable,
} from './format.ts'
import { plainText } from './plain-text.ts'
import type { Report } from './report.ts'
import type { TextTable } from './server-facts.ts'

export const searchTitle = 'What the search found'

/** The answer in one sentence; nothing where a run had no question. */
export function searchAnswer(report: Report): string | undefined {
  const { search } = report.summary
  switch (search?.question) {
    case undefined:
      return undefined
    case 'sweep':
      return kneeText(search)
    case 'slo':
      return outcomeText(search, report.summary.points)
  }
}

/** The answer, and what it rests on; empty where a run had no question. */
export function searchLines(report: Report): string[] {
  const answer = searchAnswer(report)
  const plan = report.run.config.search
  const { search } = report.summary
  if (answer === undefined || search === undefined || plan === undefined) return []
  return [`${capital(answer)}.`, ...detailLines(report, plan, search)]
}

/** A row a level, in the order they ran; nothing where a run had no question. */
export function searchTable({ summary }: Report): TextTable | undefined {
  const { search } = summary
  switch (search?.question) {
    case undefined:
      return undefined
    case 'sweep':
      return sweepTable(search)
    case 'slo':
      return sloTable(search, summary.points)
  }
}

/** What a level just measured says, for who watches; nothing for one that is no part of the question. */
export function trialLine(
  search: SearchSummary,
  point: OperatingPoint | undefined,
): string | undefined {
  switch (search.question) {
    case 'sweep': {
      const trial = search.trials.find(({ level }) => level === point?.level)
      return trial && `  ${sweepWords(trial)}`
    }
    case 'slo': {
      const trial = search.trials.find(({ level }) => level === point?.level)
      if (!trial) return undefined
      const checks = trial.checks.map((check) => `${limitName(check.limit)} ${checkText(check)}`)
      return `  ${standingText(trial)}: ${checks.join(', ')}`
    }
  }
}

/** What marks a level among others: that it is the answer, or that its figures are not to be used. */
export function levelMark({ summary }: Report, level: number): string | undefined {
  const { search } = summary
  switch (search?.question) {
    case undefined:
      return undefined
    case 'sweep': {
      if (search.knee.kind === 'found' && search.knee.level === level)
        return 'the knee: the highest throughput / latency'
      return search.trials.find((trial) => trial.level === level)?.standing === 'beyond'
        ? BEYOND
        : undefined
    }
    case 'slo': {
      if (search.outcome.kind === 'found' && search.outcome.level === level)
        return 'the highest load found at which the limits hold'
      const trial = search.trials.find((each) => each.level === level)
      return trial?.service === 'beyond' ? BEYOND : undefined
    }
  }
}

const BEYOND = 'more than the server could serve: a finding of the search, no figures to quote'

/** The load that a chart marks, and its name; nothing where there is none. */
export function markedLoad({ summary }: Report): { load: number; text: string } | undefined {
  const { search } = summary
  if (search?.question === 'sweep' && search.knee.kind === 'found')
    return { load: search.knee.size, text: 'knee' }
  if (search?.question === 'slo' && search.outcome.kind === 'found')
    return { load: search.outcome.at.size, text: 'limits hold up to here' }
  return undefined
}

/** Which levels a run was to have, where it found them by itself. */
export function plannedLevelsText(plan: SearchPlan): string | undefined {
  switch (plan.question) {
    case 'sweep': {
      const { levels, axis } = plan
      if (levels.chosen === 'by-user') return undefined
      const { lowest, highest, maxLevels } = levels
      const climb = `found by the run: from ${sizeText('users', lowest)}, twice as many each time, up to saturation or ${sizeText('users', highest)}`
      const most = `${formatCount(maxLevels)} ${axis === 'users' ? 'levels' : 'rates'} at most`
      return axis === 'users'
        ? `${climb}, then between; ${most}`
        : `${climb}, then rates up to what was served; ${most}`
    }
    case 'slo':
      return `found by the run: from ${sizeText(plan.axis, plan.start)}, within ${sizeText(plan.axis, plan.lowest)} and ${sizeText(plan.axis, plan.highest)}`
  }
}

/** Limits in words: `TTFT p99 at most 2 s`. */
export function limitText(limit: Limit): string {
  switch (limit.kind) {
    case 'percentile': {
      const { isStrict, limitMs, needsEarlyStopping } = limit
      const proof = needsEarlyStopping ? ' with early stopping' : ''
      return `${limitName(limit)} ${isStrict ? 'under' : 'at most'} ${formatStatedMs(limitMs)}${proof}`
    }
    case 'goodput':
      return `goodput at least ${formatPercent(limit.atLeastRatio)}`
  }
}

function limitName(limit: Limit): string {
  if (limit.kind === 'goodput') return 'goodput'
  const names = { ttftMs: 'TTFT', tpotMs: 'TPOT', latencyMs: 'latency' } as const
  return `${names[limit.metric]} p${formatStated(limit.p)}`
}

function sizeText(axis: LoadAxis, size: number): string {
  if (axis === 'rate') return `${formatStated(size)} req/s`
  return size === 1 ? '1 user' : `${formatCount(size)} users`
}

type SweepSummary = Extract<SearchSummary, { question: 'sweep' }>
type SloSummary = Extract<SearchSummary, { question: 'slo' }>

function kneeText({ axis, knee, trials }: SweepSummary): string {
  if (knee.kind === 'not-found') return `no knee: ${noKnee[knee.why]}`
  const trial = trials.find(({ level }) => level === knee.level)
  const between =
    knee.below === undefined
      ? `below ${sizeText(axis, knee.above)}`
      : `between ${sizeText(axis, knee.below)} and ${sizeText(axis, knee.above)}`
  return `the knee is at ${sizeText(axis, knee.size)}, and by the levels tried lies ${between}: ${formatNumber(trial?.outputTokensPerS)} output tok/s at a mean latency of ${formatMs(trial?.latencyMeanMs)}`
}

const noKnee = {
  'too-few-levels': 'it takes three levels that can be used, and there are fewer',
  'at-lowest-load':
    'throughput / latency is highest at the lowest load, so it may lie below: measure lower ones',
  'at-highest-load':
    'throughput / latency still rises at the highest load, so it may lie above: measure higher ones',
} as const

function outcomeText({ axis, outcome }: SloSummary, points: readonly OperatingPoint[]): string {
  switch (outcome.kind) {
    case 'found': {
      const { at, above } = outcome
      return `the limits hold up to ${sizeText(axis, at.size)} (${heldText(at)}) and not at ${sizeText(axis, above.size)} (${heldText(above)}): ${throughputText(outcome, points)}`
    }
    case 'unreachable':
      return `unreachable: the limits do not hold even at ${sizeText(axis, outcome.at.size)}, the lowest load allowed (${heldText(outcome.at)})`
    case 'not-bracketed': {
      const known = outcome.heldAt
        ? `; they do hold at ${sizeText(axis, outcome.heldAt.size)} (${heldText(outcome.heldAt)})`
        : ''
      return `not bracketed, so the highest load at which the limits hold is not known: ${whyNotBracketed[outcome.why]}${known}`
    }
  }
}

const whyNotBracketed: Readonly<Record<NotBracketed, string>> = {
  'highest-load-holds': 'they hold at the highest load allowed (raise it with --to)',
  'too-few-samples':
    'levels had too few requests to judge the limits by, or to prove them (measure each for longer with --duration)',
  'unusable-level': 'a level could not be used, for a reason that is not the load',
  'not-confirmed':
    'loads that held at first missed when looked at again (measure each level for longer, on a quieter machine)',
  'levels-used-up': 'all levels allowed were used (raise --max-levels, or start nearer)',
  'stopped-early': 'the run stopped before its end',
}

function heldText({ held, looks }: Looks): string {
  return `held at ${formatCount(held)} of ${formatCount(looks)} ${looks === 1 ? 'look' : 'looks'}`
}

type Found = Extract<SloOutcome, { kind: 'found' }>

function throughputText(
  { level, outputTokensPerS }: Found,
  points: readonly OperatingPoint[],
): string {
  const median = points.find((point) => point.level === level)?.outputTokensPerS
  const range = outputTokensPerS
    ? ` (${formatNumber(outputTokensPerS.low)} to ${formatNumber(outputTokensPerS.high)} over its looks)`
    : ''
  return `${formatNumber(median)} output tok/s${range}`
}

function detailLines(report: Report, plan: SearchPlan, search: SearchSummary): string[] {
  if (plan.question === 'slo' && search.question === 'slo') return sloDetails(report, plan, search)
  if (search.question === 'slo') return []
  const { saturation } = search
  return [
    ...(saturation ? [`${capital(saturationText(saturation))}.`] : []),
    ...search.trials
      .filter(({ standing }) => standing !== 'served')
      .map((trial) => `${sizeText(trial.axis, trial.size)}: ${sweepStanding(trial)}.`),
    'The knee is the level with the most throughput / mean latency: below it more load brings more throughput than latency, above it more latency than throughput.',
  ]
}

function saturationText(saturation: Saturation): string {
  switch (saturation.kind) {
    case 'no-gain':
      return `saturated: ${sizeText('users', saturation.to)} bring ${signed(saturation.gainRatio)} output tok/s against ${sizeText('users', saturation.from)}`
    case 'gave-way':
      return `at ${sizeText('users', saturation.at)} the server gave way: ${plainText(saturation.why)}`
    case 'unusable-level':
      return `it climbed no further than ${sizeText('users', saturation.at)}, a level that cannot be used: ${plainText(saturation.why)}`
    case 'not-reached':
      return `not saturated at ${sizeText('users', saturation.highest)}, the most users allowed`
  }
}

function signed(value: number): string {
  return `${value > 0 ? '+' : ''}${formatPercent(value)}`
}

function sloDetails(report: Report, plan: SloPlan, search: SloSummary): string[] {
  const { limits, limitsFrom, confirmations, maxCandidates, maxLevels } = plan
  const goodput = limits.some(({ kind }) => kind === 'goodput')
  const request = goodput
    ? ` A request is good within ${requestLimits(report.run.config.benchmark.slo)}.`
    : ''
  const from = limitsFrom
    ? [
        `Limits from ${plainText(limitsFrom.title)}, ${limitsFrom.sources.map(({ title, date }) => `${plainText(title)} (${date})`).join('; ')}.`,
        ...limitsFrom.notes.map(plainText),
      ]
    : []
  return [
    `Limits, all of which must hold: ${limits.map(limitText).join(', ')}.${request}`,
    ...from,
    `Fixed before the run: ${formatCount(1 + confirmations)} looks at the load found, all of which must hold; at most ${formatCount(maxCandidates)} loads put to that; at most ${formatCount(maxLevels)} levels, of which ${formatCount(search.trials.length)} were run. A load of which one look misses does not hold, nor any above it.`,
    ...sampleAdvice(report, search),
    ...search.trials
      .filter((trial) => standingText(trial) !== shortStanding[trial.standing])
      .map((trial) => `${sizeText(search.axis, trial.size)}: ${standingText(trial)}.`),
  ]
}

function requestLimits({ ttftMs, tpotMs, latencyMs }: Slo): string {
  return [
    ttftMs === undefined ? [] : [`TTFT ${formatStatedMs(ttftMs)}`],
    tpotMs === undefined ? [] : [`TPOT ${formatStatedMs(tpotMs)}`],
    latencyMs === undefined ? [] : [`latency ${formatStatedMs(latencyMs)}`],
  ]
    .flat()
    .join(', ')
}

/** How long a window would have to be, where levels had too few requests. */
function sampleAdvice({ summary }: Report, { trials }: SloSummary): string[] {
  const short = trials.filter(({ standing }) => standing === 'too-few-samples')
  const neededS = largest(
    short.map(({ level, checks }): Maybe => {
      const windowS = summary.points.find((point) => point.level === level)?.windowS
      const times = largest(checks.map(({ n, neededN }) => ratio(neededN, n)))
      return windowS === undefined || times === undefined ? undefined : windowS * times
    }),
  )
  if (neededS === undefined) return []
  return [
    `${formatCount(short.length)} of the levels had too few requests for a limit: at their pace a window of ${formatStated(Math.ceil(neededS))} s would have done.`,
  ]
}

function sloTable({ trials }: SloSummary, points: readonly OperatingPoint[]): TextTable {
  const limits = trials[0]?.checks.map(({ limit }) => limitName(limit)) ?? []
  return {
    note: 'Levels in the order they ran. A withheld percentile, or a level that cannot be used, does not hold.',
    headings: ['Load', 'Result', ...limits, 'Output tok/s', 'Per user tok/s'],
    rows: trials.map((trial) => {
      const point = points.find(({ level }) => level === trial.level)
      return [
        plainText(point?.label ?? ''),
        shortStanding[trial.standing],
        ...trial.checks.map(checkText),
        formatNumber(trial.outputTokensPerS),
        formatNumber(point?.tokensPerSPerUser),
      ]
    }),
  }
}

const shortStanding: Readonly<Record<SloTrial['standing'], string>> = {
  held: 'held',
  missed: 'missed',
  'not-proven': 'not proven',
  'too-few-samples': 'too few requests',
  unusable: 'cannot be used',
}

function standingText({ standing, service, why }: SloTrial): string {
  return service === 'served' && standing !== 'unusable'
    ? shortStanding[standing]
    : `${shortStanding[standing]} (${plainText(why)})`
}

function checkText({ limit, value, n, neededN, outcome, earlyStoppingMs }: LimitCheck): string {
  if (value === undefined)
    return outcome === 'too-few-samples'
      ? `${notAvailable} (${formatCount(n)} of ${formatCount(neededN)})`
      : notAvailable
  if (limit.kind === 'goodput') return formatPercent(value)
  const text = formatMs(value)
  return earlyStoppingMs === undefined ? text : `${text} (surely ${formatMs(earlyStoppingMs)})`
}

function sweepTable({ trials }: SweepSummary): TextTable {
  return {
    note: 'Levels in the order they ran. Power is output tok/s / mean latency in s.',
    headings: ['Load', 'Result', 'Output tok/s', 'Mean latency, s', 'Power'],
    rows: trials.map((trial) => [
      sizeText(trial.axis, trial.size),
      shortSweepStanding[trial.standing],
      formatNumber(trial.outputTokensPerS),
      formatNumber(trial.latencyMeanMs === undefined ? undefined : trial.latencyMeanMs / MS_PER_S),
      formatNumber(trial.power),
    ]),
  }
}

const shortSweepStanding: Readonly<Record<SweepTrial['standing'], string>> = {
  served: 'served',
  beyond: 'gave way',
  unusable: 'cannot be used',
}

function sweepStanding({ standing, why }: SweepTrial): string {
  const short = shortSweepStanding[standing]
  return standing === 'served' ? short : `${short} (${plainText(why)})`
}

function sweepWords(trial: SweepTrial): string {
  const { outputTokensPerS, latencyMeanMs } = trial
  return `${sweepStanding(trial)}: ${formatNumber(outputTokensPerS)} output tok/s, mean latency ${formatMs(latencyMeanMs)}`
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1)
}
