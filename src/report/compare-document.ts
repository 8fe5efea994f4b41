import type { Maybe } from '../arithmetic.ts'
import type {
  ComparedLevel,
  ComparedMetric,
  Comparison,
  ComparisonWord,
  RunFacts,
  SideFacts,
} from '../measure/compare.ts'
import {
  type GateOutcome,
  type GateResult,
  type JudgedRule,
  withinLimit,
} from '../measure/compare-gate.ts'
import type { ComparisonNote } from '../measure/compare-notes.ts'
import type { NoiseFloor, NoiseOfLevel } from '../measure/compare-self.ts'
import type { Difference, DifferenceGroup, MachineChange } from '../measure/compare-set-up.ts'
import type { Verdict } from '../measure/summary.ts'
import { sentence } from './facts.ts'
import {
  formatCount,
  formatDate,
  formatNumber,
  formatPercent,
  formatStated,
  notAvailable,
} from './format.ts'
import { plainText, shorten } from './plain-text.ts'

/** One part of a document: lines, or a table with what must be said of it. */
export interface CompareBlock {
  readonly title: string
  readonly table?: {
    readonly headings: readonly string[]
    readonly rows: readonly (readonly string[])[]
  }
  readonly lines: readonly string[]
}

/** What a comparison says to people, whatever the format. */
export interface CompareDocument {
  /** Read before any figure. */
  readonly notices: readonly string[]
  readonly blocks: readonly CompareBlock[]
}

/** Any result of comparing runs. */
export type CompareResult = Comparison | NoiseFloor | GateResult

export function compareDocument(result: CompareResult): CompareDocument {
  switch (result.kind) {
    case 'baremark-comparison':
      return comparisonDocument(result)
    case 'baremark-noise-floor':
      return noiseDocument(result)
    case 'baremark-gate':
      return gateDocument(result)
  }
}

function comparisonDocument(comparison: Comparison): CompareDocument {
  const { sides, levels } = comparison
  const runs = sides.flatMap((side) => side.runs)
  return {
    notices: [...forcedNotice(comparison, sides), ...runNotices(runs)],
    blocks: [
      runBlock('Runs', sides),
      differenceBlock(comparison, sides),
      ...noteBlock(comparison.notes),
      ...levels.map((level) => levelBlock(level, sides)),
      methodBlock(comparison),
    ],
  }
}

/** What must be the same before runs can be held against each other, and is not; a line each. */
export function incomparableLines(
  differences: readonly Difference[],
  sides: readonly SideFacts[],
): string[] {
  return differences
    .filter(({ comparable }) => !comparable)
    .map((difference) => `${differenceName(difference)}: ${valuesText(difference, sides)}`)
}

function forcedNotice(
  { forced, differences }: { forced: boolean; differences: readonly Difference[] },
  sides: readonly SideFacts[],
): string[] {
  if (!forced) return []
  return [
    `FORCED: compared although these runs measure different things, and the figures may differ for that alone. ${incomparableLines(differences, sides).join('. ')}.`,
  ]
}

const SHOWN_REASONS = 3

/** INVALID, DEGRADED, simulated and random runs, in this order. */
function runNotices(runs: readonly RunFacts[]): string[] {
  return [
    ...verdictNotices('INVALID', runs),
    ...verdictNotices('DEGRADED', runs),
    ...unrealNotices(runs),
  ]
}

/** Runs that measured no real model. */
export function unrealNotices(runs: readonly RunFacts[]): string[] {
  const simulated = runs.filter((run) => run.simulated)
  const random = runs.filter(({ weights }) => weights === 'random')
  return [
    ...(simulated.length === 0
      ? []
      : [`SIMULATED: no model ran in ${listOf(simulated)}; the figures are a simulator's.`]),
    ...(random.length === 0
      ? []
      : [`RANDOM WEIGHTS: the answers of ${listOf(random)} mean nothing.`]),
  ]
}

/** Runs with the same reasons share a line. */
export function verdictNotices(verdict: Verdict, runs: readonly RunFacts[]): string[] {
  const alike = new Map<string, RunFacts[]>()
  for (const run of runs.filter((each) => each.verdict === verdict)) {
    const why = whyText(run.reasons)
    alike.set(why, [...(alike.get(why) ?? []), run])
  }
  return [...alike].map(([why, same]) => {
    const which = same.length === 1 ? 'run' : 'runs'
    return `${verdict}: ${which} ${listOf(same)}. ${why}`.trim()
  })
}

function whyText(reasons: readonly string[]): string {
  const shown = reasons.slice(0, SHOWN_REASONS).map((reason) => sentence(plainText(reason)))
  const more = reasons.length - shown.length
  return [...shown, ...(more > 0 ? [`And ${formatCount(more)} more.`] : [])].join(' ')
}

function listOf(runs: readonly RunFacts[]): string {
  return runs.map(({ name }) => name).join(', ')
}

function runBlock(title: string, sides: readonly SideFacts[]): CompareBlock {
  return { title, lines: sides.flatMap(({ runs }) => runs.map(runLine)) }
}

function runLine({ name, path, model, epoch, verdict }: RunFacts): string {
  return `${name}: ${plainText(path)}, ${plainText(model)}, ${formatDate(epoch)}, ${verdict}`
}

const groupTitles: Readonly<Record<DifferenceGroup, string>> = {
  hardware: 'Hardware',
  'set-up': 'Set-up',
  server: 'Server',
  model: 'Model',
  benchmark: 'Benchmark',
  price: 'Price',
  tool: 'Tool',
}

interface Differing {
  readonly differences: readonly Difference[]
  readonly machineChanges: readonly MachineChange[]
}

/** Hardware first: what differs of a machine follows the line that says that it does. */
export function differenceBlock(
  { differences, machineChanges }: Differing,
  sides: readonly SideFacts[],
): CompareBlock {
  const groups = Object.keys(groupTitles) as DifferenceGroup[]
  const lines = groups.flatMap((group) => [
    ...differences
      .filter((each) => each.group === group)
      .map((each) => differenceLine(each, sides)),
    ...machineChanges
      .filter((change) => change.group === group)
      .map(
        ({ runs, text }) => `${groupTitles[group]}, ${namesOf(runs, sides)}: ${plainText(text)}`,
      ),
  ])
  return {
    title: 'What differs',
    lines: lines.length === 0 ? ['Nothing that is known of these runs.'] : lines,
  }
}

const LONGEST_VALUE = 120

function differenceLine(difference: Difference, sides: readonly SideFacts[]): string {
  const mark = difference.comparable ? '' : ' (not comparable)'
  return `${differenceName(difference)}${mark}: ${valuesText(difference, sides)}`
}

function valuesText({ values }: Difference, sides: readonly SideFacts[]): string {
  const texts = values.map(({ runs, value }) => {
    const text = value === undefined ? 'not known or not set' : shorten(value, LONGEST_VALUE)
    return `${namesOf(runs, sides)} ${text}`
  })
  return texts.join('; ')
}

function differenceName({ group, label }: Difference): string {
  return `${groupTitles[group]}, ${plainText(label)}`
}

/** A side's name in place of the names of all its runs. */
function namesOf(runs: readonly string[], sides: readonly SideFacts[]): string {
  const whole = sides.filter((side) => side.runs.every(({ name }) => runs.includes(name)))
  const inside = new Set(whole.flatMap((side) => side.runs.map(({ name }) => name)))
  const rest = runs.filter((name) => !inside.has(name))
  return [...whole.map(({ name }) => name), ...rest].join(', ')
}

function noteBlock(notes: readonly ComparisonNote[]): CompareBlock[] {
  return notes.length === 0 ? [] : [{ title: 'Mind', lines: notes.map(({ text }) => text) }]
}

const words: Readonly<Record<ComparisonWord, string>> = {
  better: 'better',
  worse: 'worse',
  'no-detectable-difference': 'no detectable difference',
  'not-enough-runs': 'not enough runs',
}

function levelBlock(
  { label, side, metrics }: ComparedLevel,
  sides: readonly SideFacts[],
): CompareBlock {
  const first = sides[0]?.name ?? ''
  const headings = ['', first, side, `${side}/${first}`, '95 % interval', 'p', 'U p', 'sees', '']
  const rows = metrics.map((metric) => [
    metric.label,
    formatNumber(metric.before),
    formatNumber(metric.after),
    formatRatio(metric.ratio),
    formatRange(metric.low, metric.high),
    formatP(metric.adjustedPValue),
    formatP(metric.mannWhitneyP),
    formatRatio(metric.smallestRatio),
    words[metric.word],
  ])
  return {
    title: `${plainText(label)}: ${side} against ${first}`,
    table: { headings, rows },
    lines: [...whyLines(metrics), ...countLines(metrics, side, sides)],
  }
}

/** Every reason once, with the metrics that it is of. */
export function whyLines(
  rows: readonly { readonly label: string; readonly why?: string }[],
): string[] {
  const reasons = [...new Set(rows.flatMap(({ why }) => why ?? []))]
  return reasons.map((reason) => {
    const labels = rows.filter(({ why }) => why === reason).map(({ label }) => label)
    const whose = labels.length === rows.length ? 'All' : labels.join('; ')
    return `${whose}: ${sentence(reason)}`
  })
}

/** A metric that some runs do not have is told of the others alone. */
function countLines(
  metrics: readonly ComparedMetric[],
  side: string,
  sides: readonly SideFacts[],
): string[] {
  const all = [sides[0], sides.find(({ name }) => name === side)].map((each) => each?.runs.length)
  return metrics
    .filter(({ runs }) => runs[0] !== all[0] || runs[1] !== all[1])
    .map(
      ({ label, runs }) =>
        `${label}: ${formatCount(runs[0])} of ${formatCount(all[0])} runs of ${sides[0]?.name} have it, ${formatCount(runs[1])} of ${formatCount(all[1])} of ${side}.`,
    )
}

function methodBlock({ alpha, power, minimumEffectRatio, tests }: Comparison): CompareBlock {
  return {
    title: 'How to read it',
    lines: [
      'Figures are geometric means over runs. The interval of the ratio is by Welch on logarithms, not adjusted.',
      `p is adjusted by Holm for ${formatCount(tests)} tests. Better and worse ask for p of at most ${formatStated(alpha)} and a difference of at least ${formatPercent(minimumEffectRatio)}.`,
      'U p is exact by Mann and Whitney, not adjusted; 4 runs a side are the fewest that can reach 0.05.',
      `sees: the smallest ratio (or 1 over it) that these runs would have found with a chance of ${formatPercent(power)}.`,
    ],
  }
}

function noiseDocument(noise: NoiseFloor): CompareDocument {
  const { runs, levels, alpha, power, tests } = noise
  const side = { name: 'A', runs }
  return {
    notices: [...forcedNotice(noise, [side]), ...runNotices(runs)],
    blocks: [
      runBlock('Runs', [side]),
      differenceBlock(noise, [side]),
      ...noteBlock(noise.notes),
      ...levels.map(noiseBlock),
      {
        title: 'How to read it',
        lines: [
          'Spread is the standard deviation of the logarithm from run to run, about that over the mean.',
          `3, 5, 10 runs: the smallest ratio that a comparison of so many runs a side sees with a chance of ${formatPercent(power)}, at ${formatStated(alpha)} after Holm for ${formatCount(tests)} tests.`,
        ],
      },
    ],
  }
}

function noiseBlock({ label, metrics }: NoiseOfLevel): CompareBlock {
  const headings = ['', 'runs', 'mean', 'least', 'most', 'spread', '3 runs', '5 runs', '10 runs']
  const rows = metrics.map(({ label: name, runs, mean, min, max, spreadRatio, floors }) => [
    name,
    formatCount(runs),
    formatNumber(mean),
    formatNumber(min),
    formatNumber(max),
    formatPercent(spreadRatio),
    ...[3, 5, 10].map((n) =>
      formatRatio(floors.find(({ runsPerSide }) => runsPerSide === n)?.smallestRatio),
    ),
  ])
  return { title: plainText(label), table: { headings, rows }, lines: whyLines(metrics) }
}

const outcomeLines: Readonly<Record<GateOutcome, string>> = {
  pass: 'PASS: no rule is broken.',
  regression: 'REGRESSION: the run is worse than the policy lets pass.',
  'not-judged': 'NOT JUDGED: these runs cannot tell all that the policy asks, which is no pass.',
  invalid: 'INVALID: a run is INVALID, so nothing follows from its figures. No rule counts.',
}

function gateDocument(gate: GateResult): CompareDocument {
  const { outcome, baseline, candidate, rules, alpha, tests } = gate
  const sides = [
    { name: 'A', runs: baseline },
    { name: 'B', runs: candidate },
  ]
  return {
    notices: [outcomeLines[outcome], ...runNotices([...baseline, ...candidate])],
    blocks: [
      ruleBlock(rules),
      runBlock('Runs, A the baseline and B the run', sides),
      differenceBlock(gate, sides),
      ...noteBlock(gate.notes),
      {
        title: 'How to read it',
        lines: [
          'worse: how many times worse B is than A, over 1 is worse; the interval is of 95 %.',
          `p is adjusted by Holm for the ${formatCount(tests)} tests that the policy asks for; a regression there needs at most ${formatStated(alpha)}.`,
          'sees: the smallest worsening that these runs would have found with a chance of 80 %.',
        ],
      },
    ],
  }
}

const LONGEST_LEVEL = 18

const ruleOutcomes: Readonly<Record<JudgedRule['outcome'], string>> = {
  pass: 'pass',
  regression: 'REGRESSION',
  'not-judged': 'NOT JUDGED',
}

function ruleBlock(rules: readonly JudgedRule[]): CompareBlock {
  const headings = ['', 'level', 'worse', '95 % interval', 'limit', 'p', 'sees', '']
  const rows = rules.map((rule) => [
    rule.label,
    shorten(rule.level, LONGEST_LEVEL),
    formatRatio(rule.worseRatio),
    formatRange(rule.low, rule.high),
    formatRatio(rule.maxWorseRatio),
    formatP(rule.adjustedPValue),
    formatRatio(rule.smallestRatio),
    ruleOutcomes[rule.outcome],
  ])
  const whys = rules
    .filter(({ why }) => why !== withinLimit)
    .map(({ label, level, why }) => ({ label: `${label} at ${plainText(level)}`, why }))
  return { title: 'Rules', table: { headings, rows }, lines: whyLines(whys) }
}

const [LEAST_SHOWN, MOST_SHOWN] = [0.01, 100]

function formatRatio(value: Maybe): string {
  if (value === undefined) return notAvailable
  if (value > MOST_SHOWN) return `>${MOST_SHOWN}`
  return value < LEAST_SHOWN ? `<${LEAST_SHOWN}` : value.toFixed(3)
}

function formatRange(low: Maybe, high: Maybe): string {
  if (low === undefined) return notAvailable
  return high === undefined
    ? `${formatRatio(low)} or more`
    : `${formatRatio(low)} to ${formatRatio(high)}`
}

const LEAST_P = 0.001

function formatP(value: Maybe): string {
  if (value === undefined) return notAvailable
  return value < LEAST_P ? `<${LEAST_P}` : value.toFixed(3)
}
