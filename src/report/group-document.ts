import type { Maybe } from '../arithmetic.ts'
import type { Look } from '../measure/group-looks.ts'
import type { GroupMetric, RunScatter } from '../measure/group-metrics.ts'
import type { GroupLevel, GroupRun, GroupSummary, GroupVerdict } from '../measure/group-summary.ts'
import {
  type CompareBlock,
  type CompareDocument,
  differenceBlock,
  unrealNotices,
  verdictNotices,
  whyLines,
} from './compare-document.ts'
import { sentence } from './facts.ts'
import {
  formatCount,
  formatDate,
  formatNumber,
  formatPercent,
  formatStated,
  notAvailable,
} from './format.ts'
import type { GroupReport } from './group-report.ts'
import { plainText } from './plain-text.ts'

/** What a group says to people, whatever the format. */
export function groupDocument(report: GroupReport): CompareDocument {
  const { group, subject, summary } = report
  const facts = summary.runs.flatMap((run) => run.facts ?? [])
  return {
    notices: [
      ...unrealNotices(facts),
      verdictLine(report),
      ...verdictNotices('INVALID', facts),
      ...verdictNotices('DEGRADED', facts),
      ...mixedNotices(summary),
      ...notReached(report),
      fitnessLine(summary),
    ],
    blocks: [
      {
        title: `${formatCount(summary.runs.length)} runs of ${plainText(group.benchmark)}`,
        lines: subject.map(({ name, text }) => `${name}: ${text}`),
      },
      headlineBlock(report),
      ...scatterBlock(summary.levels),
      ...lookBlock(report),
      ...summary.levels.map((level) => levelBlock(level, report)),
      { title: 'Runs', lines: summary.runs.map(runLine) },
      differenceBlock(besideSeeds(summary), [{ name: 'all', runs: facts }]),
      ...(summary.notes.length === 0
        ? []
        : [{ title: 'Mind', lines: summary.notes.map(({ text }) => text) }]),
      { title: 'How to read it', lines: methodLines(report) },
    ],
  }
}

const verdictMeaning: Readonly<Record<GroupVerdict, string>> = {
  VALID: 'no validity gate failed in any run',
  DEGRADED: 'measured, but with doubts that weaken the figures. Read the reasons first',
  PARTIAL: 'fewer runs than were to be made',
  INVALID: 'do not use or quote these figures. The reasons say why',
}

/** The verdict of the group, what it means, and how many runs it is of; the notices after it say why. */
function verdictLine({ group: { stopped }, summary }: GroupReport): string {
  const { verdict, completeRuns, wantedRuns } = summary
  const why = completeRuns < wantedRuns && stopped !== undefined ? `: ${plainText(stopped)}` : ''
  const count = `${formatCount(completeRuns)} of ${formatCount(wantedRuns)} runs went to their end${why}`
  return `${verdict}: ${verdictMeaning[verdict]}. ${sentence(count)}`
}

function mixedNotices({ mixed }: GroupSummary): string[] {
  if (mixed.length === 0) return []
  return [`INVALID: the runs measured different things: ${mixed.map(plainText).join('; ')}.`]
}

function fitnessLine({ unfit }: GroupSummary): string {
  if (unfit.length === 0) return 'Fit to publish: yes, by the limits for publishing.'
  return `Fit to publish: no, as ${unfit.join(', and ')}.`
}

function notReached({ group: { plan }, summary: { looks } }: GroupReport): string[] {
  if (plan.until === undefined || looks === undefined || looks.some(({ reached }) => reached))
    return []
  return [
    `NOT REACHED: output tokens/s within ±${formatPercent(plan.until.withinRatio)} at every level was asked for.`,
  ]
}

function headlineBlock(report: GroupReport): CompareBlock {
  const { summary } = report
  const rows = summary.levels.flatMap(({ label, metrics, scatter }) => {
    const figure = metrics.find(({ metric }) => metric === 'outputTokensPerS')
    if (figure === undefined) return []
    return [[plainText(label), ...figureCells(figure), ownCell(scatter)]]
  })
  if (rows.length === 0)
    return { title: HEADLINE, lines: ['No load level was measured to its end in any run.'] }
  return {
    title: HEADLINE,
    table: { headings: [...figureHeadings(report), 'one run says'], rows },
    lines: [],
  }
}

const HEADLINE = 'Output tokens/s, median of runs'

function figureHeadings({ summary }: GroupReport): string[] {
  const confidence = formatPercent(summary.confidence)
  return ['', 'runs', 'median', `${confidence} interval`, '±', 'least', 'most', 'spread']
}

/** Runs of one thing differ in the third digit. */
const DIGITS = 4

function figureCells(figure: GroupMetric): string[] {
  const { figures, median, interval, withinRatio, min, max, spreadRatio } = figure
  return [
    formatCount(figures.length),
    formatNumber(median, DIGITS),
    interval
      ? `${formatNumber(interval.low, DIGITS)} to ${formatNumber(interval.high, DIGITS)}`
      : notAvailable,
    formatPercent(withinRatio),
    formatNumber(min, DIGITS),
    formatNumber(max, DIGITS),
    formatPercent(spreadRatio),
  ]
}

function ownCell(scatter: RunScatter | undefined): string {
  return scatter ? `±${formatPercent(scatter.ownWithinRatio)}` : notAvailable
}

/** A difference that chance makes in one case of twenty. */
const ALPHA = 0.05

/** Nothing where runs have no interval of their own, or there is only one. */
function scatterBlock(levels: readonly GroupLevel[]): CompareBlock[] {
  const lines = levels.flatMap(({ label, scatter }) =>
    scatter ? [scatterLine(label, scatter)] : [],
  )
  return lines.length === 0 ? [] : [{ title: 'What one run cannot say', lines }]
}

function scatterLine(label: string, scatter: RunScatter): string {
  const { ownWithinRatio, spreadRatio, timesExpected, pValue } = scatter
  return `${plainText(label)}: by its own interval a run is sure of its output tokens/s to ±${formatPercent(ownWithinRatio)}; from run to run they scatter by ${formatPercent(spreadRatio)}, ${formatNumber(timesExpected, 2)} times what those intervals lead to expect${scatterWord(timesExpected, pValue)}`
}

function scatterWord(timesExpected: number, pValue: number): string {
  const p = `(F test, p ${pValue < 0.001 ? '<0.001' : pValue.toFixed(3)})`
  if (pValue <= ALPHA)
    return ` ${p}. The interval of one run is too narrow: something differs from run to run that no run can see in itself.`
  return timesExpected > 1
    ? ` ${p}, which chance may have done.`
    : ` ${p}: no more than happens inside a run.`
}

function lookBlock({ group: { plan }, summary: { looks } }: GroupReport): CompareBlock[] {
  if (plan.until === undefined || looks === undefined) return []
  const wanted = formatPercent(plan.until.withinRatio)
  const lines = looks.map((look) => lookLine(look, wanted))
  const none = `The first look was to be after ${formatCount(plan.until.looksAfter[0])} runs.`
  return [{ title: 'Looks at the intervals', lines: lines.length === 0 ? [none] : lines }]
}

/** One look, for the report and for who waits. */
export function lookLine(look: Look, wanted: string): string {
  const { afterRuns, reached, level, withinRatio, why } = look
  const at = level === undefined ? '' : ` at ${plainText(level)}`
  const found =
    why === undefined
      ? `±${formatPercent(withinRatio)}${at}, the widest; ±${wanted} was asked for`
      : `no interval${at}: ${why}`
  return `After ${formatCount(afterRuns)} runs: ${found}. ${reached ? 'Reached.' : 'Not reached.'}`
}

function levelBlock({ label, metrics }: GroupLevel, report: GroupReport): CompareBlock {
  return {
    title: plainText(label),
    table: {
      headings: figureHeadings(report),
      rows: metrics.map((figure) => [figure.label, ...figureCells(figure)]),
    },
    lines: [...whyLines(metrics), ...whyLines(missing(metrics, report))],
  }
}

/** A metric that some runs do not have is told of the others alone. */
function missing(metrics: readonly GroupMetric[], { summary: { runs } }: GroupReport) {
  return metrics.map(({ label, figures }) => ({
    label,
    why:
      figures.length === runs.length
        ? undefined
        : `of ${figures.map(({ run }) => run).join(', ') || 'no run'} alone, ${formatCount(figures.length)} of ${formatCount(runs.length)} runs`,
  }))
}

function runLine({ name, directory, seed, state, facts, why }: GroupRun): string {
  const known = `${name}: ${plainText(directory)}, seed ${seed}`
  if (facts === undefined) return `${known}, nothing to show: ${sentence(why ?? 'not known')}`
  return `${known}, ${formatDate(facts.epoch)}, ${state}, ${facts.verdict}`
}

/** Seeds differ because they are to, and stand beside the runs. */
function besideSeeds(summary: GroupReport['summary']): Parameters<typeof differenceBlock>[0] {
  const { differences, machineChanges } = summary
  return { differences: differences.filter(({ label }) => label !== 'seed'), machineChanges }
}

function methodLines(report: GroupReport): string[] {
  const { group, summary } = report
  const methods = new Set(
    summary.levels.flatMap(({ metrics }) => metrics.flatMap(({ interval }) => interval ?? [])),
  )
  const isExact = [...methods].some(({ method }) => method === 'order-statistics')
  const isLogT = [...methods].some(({ method }) => method === 'log-t')
  return [
    'The interval is where the median of ever so many runs like these lies; ± is its further end from the median.',
    ...(isLogT
      ? [
          "Intervals are Student's t on the logarithms of the runs' figures, one a run, as baremark compare has it.",
        ]
      : []),
    ...(isExact
      ? [
          `Intervals are exact, between two of the runs' own figures${reachedText([...methods])}, and assume nothing of how runs scatter.`,
        ]
      : []),
    ...looksText(report),
    ...(group.plan.pauseS > 0
      ? [`The server was left alone for ${formatStated(group.plan.pauseS)} s between runs.`]
      : []),
    'Spread is the standard deviation of the logarithm from run to run, about that over the mean.',
    'What one run says is half of its own 95 % interval, the median of runs. It knows of nothing that is the same throughout a run.',
    `Seeds of runs are drawn from the benchmark's, ${group.seed}. Nothing here starts the server anew: what its start draws is the same in all runs that one start answered, and in no interval.`,
  ]
}

function reachedText(intervals: readonly { readonly confidence: number }[]): string {
  const reached = intervals.map(({ confidence }) => confidence)
  const least: Maybe = reached.length === 0 ? undefined : Math.min(...reached)
  return least === undefined ? '' : ` (they reach ${formatPercent(least)} or more)`
}

function looksText({ group: { plan }, summary }: GroupReport): string[] {
  if (plan.until === undefined) return []
  const { looksAfter, withinRatio } = plan.until
  const looks = looksAfter.length
  return [
    `Runs are added until ±${formatPercent(withinRatio)} is reached. looks=${formatCount(looks)}, fixed before the first run (after ${looksAfter.map((n) => formatCount(n)).join(', ')} runs), each at ${formatPercent(summary.confidence)}, so that an interval holds with 95 % whichever look ends it. That is of each level by itself.`,
  ]
}
