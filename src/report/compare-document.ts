import type { Maybe } from '../arithmetic.ts'
import type {
  ComparedFacts,
  ComparedLevel,
  ComparedMetric,
  Comparison,
  ComparisonWord,
  ImportFacts,
  RunFacts,
  SideFacts,
} from '../measure/compare.ts'
import type { MetricDefinition } from '../measure/compare-definitions.ts'
import type { DifferenceGroup } from '../measure/compare-facets.ts'
import {
  type GateOutcome,
  type GateResult,
  type JudgedRule,
  withinLimit,
} from '../measure/compare-gate.ts'
import type { ComparisonNote } from '../measure/compare-notes.ts'
import type { NoiseFloor, NoiseOfLevel } from '../measure/compare-self.ts'
import type { Difference, MachineChange } from '../measure/compare-set-up.ts'
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
      ...toolBlock(runs),
      ...(levels.length === 0 ? [nothingBlock] : levels.map((level) => levelBlock(level, sides))),
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

const nothingBlock: CompareBlock = {
  title: 'Figures',
  lines: [
    'No side has a figure at a load that the first side has: nothing can be held against it.',
  ],
}

/** INVALID, DEGRADED, simulated and random runs, in this order, with what was not judged or not computed again in between. */
function runNotices(all: readonly ComparedFacts[]): string[] {
  const runs = all.filter((each) => each.verdict !== 'NOT JUDGED')
  return [
    ...verdictNotices('INVALID', runs),
    ...verdictNotices('DEGRADED', runs),
    ...importNotices(importsOf(all)),
    ...summaryNotices(runs),
    ...unrealNotices(runs),
  ]
}

function importsOf(all: readonly ComparedFacts[]): ImportFacts[] {
  return all.filter((each) => each.verdict === 'NOT JUDGED')
}

/** Results of one tool that tell the same share a line. */
function importNotices(imports: readonly ImportFacts[]): string[] {
  const alike = new Map<string, ImportFacts[]>()
  for (const each of imports) {
    const untold =
      each.cannotTell.length === 0
        ? ''
        : ` What the file does not tell: ${each.cannotTell.join(', ')}.`
    const what = `imported from ${toolName(each)}: the records are not there, and none of the validity gates could be judged.${untold}`
    alike.set(what, [...(alike.get(what) ?? []), each])
  }
  return [...alike].map(([what, same]) => `NOT JUDGED: ${listOf(same)}, ${what}`)
}

function toolName({ tool: { name, version } }: ImportFacts): string {
  return plainText(version === undefined ? name : `${name} ${version}`)
}

function summaryNotices(runs: readonly RunFacts[]): string[] {
  const from = runs.filter(({ withoutRecords }) => withoutRecords)
  if (from.length === 0) return []
  return [
    `FROM A SUMMARY: the records of ${listOf(from)} are not there, so the figures were not computed again.`,
  ]
}

/** What other tools' results need said of them beside their figures. */
function toolBlock(all: readonly ComparedFacts[]): CompareBlock[] {
  const imports = importsOf(all)
  const notes = [...new Set(imports.flatMap((each) => each.notes))]
  if (notes.length === 0) return []
  const lines = notes.map((note) => {
    const whose = imports.filter((each) => each.notes.includes(note))
    return `${listOf(whose)}: ${plainText(note)}`
  })
  return [{ title: 'How other tools measured', lines }]
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

function listOf(runs: readonly ComparedFacts[]): string {
  return runs.map(({ name }) => name).join(', ')
}

function runBlock(title: string, sides: readonly SideFacts[]): CompareBlock {
  return { title, lines: sides.flatMap(({ runs }) => runs.map(runLine)) }
}

function runLine(facts: ComparedFacts): string {
  const { name, path } = facts
  return `${name}: ${plainText(path)}, ${runParts(facts).map(plainText).join(', ')}, ${facts.verdict}`
}

function runParts(facts: ComparedFacts): string[] {
  if (facts.verdict !== 'NOT JUDGED') return [facts.model, formatDate(facts.epoch)]
  const { model = 'model unknown', date = 'date unknown', failedRequests } = facts
  return [toolName(facts), model, date, `failed requests: ${formatCount(failedRequests)}`]
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
  const texts = values.map(({ runs, value, unknown }) => {
    const absent = unknown ? 'unknown' : 'not known or not set'
    const text = value === undefined ? absent : shorten(value, LONGEST_VALUE)
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
    markedLabel(metric, metric.runs[0] + metric.runs[1]),
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
    title: `${plainText(label)}: ${side} against ${first}${notJudged([first, side], sides)}`,
    table: { headings, rows },
    lines: [
      ...definitionLines(metrics, sides),
      ...whyLines(metrics),
      ...countLines(metrics, side, sides),
    ],
  }
}

function notJudged(names: readonly string[], sides: readonly SideFacts[]): string {
  const runs = sides.filter(({ name }) => names.includes(name)).flatMap((side) => side.runs)
  const imports = importsOf(runs)
  if (imports.length === 0) return ''
  return imports.length === runs.length ? ', NOT JUDGED' : `, ${listOf(imports)} NOT JUDGED`
}

interface Defined {
  readonly label: string
  readonly definitions?: readonly MetricDefinition[]
}

/** With a star where runs have it by another definition than ours, and two where not all of them have it by the same. */
function markedLabel({ label, definitions }: Defined, runs: number): string {
  if (definitions === undefined) return label
  return definitions.every((each) => each.runs.length === runs) ? `${label} *` : `${label} **`
}

/** Every definition that is not ours once, with the metrics and the runs that it is of. */
function definitionLines(rows: readonly Defined[], sides: readonly SideFacts[]): string[] {
  const found = new Map<string, { labels: string[]; whose: string; text: string }>()
  for (const { label, definitions = [] } of rows) {
    for (const { runs, text } of definitions) {
      const whose = namesOf(runs, sides)
      const key = JSON.stringify([whose, text])
      const labels = [...(found.get(key)?.labels ?? []), label]
      found.set(key, { labels, whose, text })
    }
  }
  return [...found.values()].map(
    ({ labels, whose, text }) => `* ${labels.join('; ')} (${whose}): ${sentence(plainText(text))}`,
  )
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

function methodBlock(comparison: Comparison): CompareBlock {
  const { alpha, power, minimumEffectRatio, tests, sides } = comparison
  return {
    title: 'How to read it',
    lines: [
      'Figures are geometric means over runs. The interval of the ratio is by Welch on logarithms, not adjusted.',
      `p is adjusted by Holm for ${formatCount(tests)} tests. Better and worse ask for p of at most ${formatStated(alpha)} and a difference of at least ${formatPercent(minimumEffectRatio)}.`,
      'U p is exact by Mann and Whitney, not adjusted; 4 runs a side are the fewest that can reach 0.05.',
      `sees: the smallest ratio (or 1 over it) that these runs would have found with a chance of ${formatPercent(power)}.`,
      ...notJudgedLines(sides.flatMap(({ runs }) => runs)),
    ],
  }
}

function notJudgedLines(runs: readonly ComparedFacts[]): string[] {
  if (importsOf(runs).length === 0) return []
  return [
    '* by another definition than ours, told under the table. ** by more than one: such a ratio is of the definitions, too.',
    'Of what is NOT JUDGED better and worse say how figures differ, and nothing of whether they may be believed.',
  ]
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
      ...toolBlock(runs),
      ...levels.map((level) => noiseBlock(level, [side])),
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

function noiseBlock({ label, metrics }: NoiseOfLevel, sides: readonly SideFacts[]): CompareBlock {
  const headings = ['', 'runs', 'mean', 'least', 'most', 'spread', '3 runs', '5 runs', '10 runs']
  const rows = metrics.map(({ runs, mean, min, max, spreadRatio, floors, ...metric }) => [
    markedLabel(metric, runs),
    formatCount(runs),
    formatNumber(mean),
    formatNumber(min),
    formatNumber(max),
    formatPercent(spreadRatio),
    ...[3, 5, 10].map((n) =>
      formatRatio(floors.find(({ runsPerSide }) => runsPerSide === n)?.smallestRatio),
    ),
  ])
  const lines = [...definitionLines(metrics, sides), ...whyLines(metrics)]
  return { title: plainText(label), table: { headings, rows }, lines }
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
