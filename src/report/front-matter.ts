import { levelsOf } from '../load/benchmark.ts'
import type { RunLog } from '../load/run-log.ts'
import { findsLevels } from '../load/search-plan.ts'
import type { Gate, Summary, Verdict, WarningKind } from '../measure/summary.ts'
import { formatCount } from './format.ts'
import { instrumentLine } from './instrument-facts.ts'
import { plainText } from './plain-text.ts'
import type { Report } from './report.ts'

/** What must be read before any figure. Every format opens with it, in this order. */
export interface FrontMatter {
  /** What the run was not, e.g. real: one line each, the word in capitals first. */
  readonly notices: readonly string[]
  readonly verdict: Verdict
  /** The verdict and what it means, on one line. */
  readonly verdictLine: string
  /** Whether the figures may be published, as computed, and why not. */
  readonly fitnessLine: string
  /** The instrument's own error at the loads of the run, or why it is not known. */
  readonly instrumentLine: string
  readonly reasons: readonly string[]
  /** Doubts of the measurement, then of the money. */
  readonly warnings: readonly string[]
}

export function frontMatter(report: Report): FrontMatter {
  const { summary, cost } = report
  const notices = noticesOf(report.run)
  const said = new Set<WarningKind>(notices.map(({ covers }) => covers))
  return {
    notices: notices.map(({ text }) => text),
    verdict: summary.verdict,
    verdictLine: verdictLine(summary),
    fitnessLine: fitnessLine(summary),
    instrumentLine: instrumentLine(report),
    reasons: summary.reasons.map(plainText),
    warnings: [
      ...summary.warnings.filter(({ kind }) => !said.has(kind)).map(({ text }) => plainText(text)),
      ...cost.warnings.map(({ text }) => `Cost: ${plainText(text)}`),
    ],
  }
}

/** The front matter as a flat list, for formats that have no layout. */
export function frontLines(report: Report): string[] {
  const { notices, verdictLine, fitnessLine, instrumentLine, reasons, warnings } =
    frontMatter(report)
  return [
    ...notices,
    verdictLine,
    fitnessLine,
    ...reasons.map((reason) => `Reason: ${reason}`),
    instrumentLine,
    ...warnings.map((warning) => `${WARNING}${warning}`),
  ]
}

/**
 * The words that must stay with any part of a report that may be cut out of it: a chart, a printed
 * page, a row. Empty for a complete, valid run of a real model.
 */
export function stampOf({ run, summary }: Report): string {
  const words: string[] = noticesOf(run).map(({ word }) => word)
  if (summary.verdict !== 'VALID') words.push(summary.verdict)
  return words.join(', ')
}

/** Warnings, without the word before them, apart from the other lines that stand before figures. */
export function partNotices(notices: readonly string[]): {
  readonly others: readonly string[]
  readonly warnings: readonly string[]
} {
  const isWarning = (line: string): boolean => line.startsWith(WARNING)
  return {
    others: notices.filter((line) => !isWarning(line)),
    warnings: notices.filter(isWarning).map((line) => line.slice(WARNING.length)),
  }
}

const WARNING = 'Warning: '

interface Notice {
  readonly word: string
  readonly text: string
  /** The warning that says the same and need not be repeated. */
  readonly covers: WarningKind
}

function noticesOf(run: RunLog): Notice[] {
  const notices: Notice[] = []
  if (run.target.simulated) {
    notices.push({
      word: 'SIMULATED',
      text: 'SIMULATED: no model ran; a simulator answered. These figures describe the simulator and say nothing about any hardware or its cost.',
      covers: 'simulated',
    })
  }
  if (run.target.weights === 'random' || run.config.declaredWeights === 'random') {
    notices.push({
      word: 'RANDOM WEIGHTS',
      text: 'RANDOM WEIGHTS: the model was filled with random numbers, so its answers mean nothing and their length may differ from that of the trained model.',
      covers: 'random-weights',
    })
  }
  if (run.state !== 'complete') {
    notices.push({ word: 'PARTIAL RUN', text: partialText(run), covers: 'partial-run' })
  }
  return notices
}

function partialText(run: RunLog): string {
  if (findsLevels(run.config.search))
    return `PARTIAL RUN: it stopped before its end, after ${formatCount(run.levels.length)} load levels of its search.`
  const planned = formatCount(levelsOf(run.config.benchmark.load).length)
  const done = formatCount(run.levels.filter(({ ended }) => ended === 'complete').length)
  return `PARTIAL RUN: it stopped before its end; ${done} of ${planned} load levels are complete.`
}

const verdictMeaning: Record<Verdict, string> = {
  VALID: 'no validity gate failed',
  DEGRADED: 'measured, but with doubts that weaken the figures. Read the reasons first',
  INVALID: 'do not use or quote these figures. The reasons say why',
}

function verdictLine(summary: Summary): string {
  const { verdict, points, gates: runGates } = summary
  const gates = [...runGates, ...points.flatMap((point) => point.gates)]
  const sentences = [`${verdict}: ${meaningOf(summary, gates)}.`]
  if (gates.length === 0) sentences.push('No gate was judged.')
  const unmeasured = count(gates, 'not-measured')
  const applying = gates.length - count(gates, 'does-not-apply')
  if (unmeasured > 0)
    sentences.push(
      `${formatCount(unmeasured)} of ${formatCount(applying)} gate checks that apply could not be measured.`,
    )
  return sentences.join(' ')
}

/** VALID says no more than was judged. */
function meaningOf({ verdict, fitToPublish }: Summary, gates: readonly Gate[]): string {
  if (verdict !== 'VALID') return verdictMeaning[verdict]
  if (fitToPublish) return 'every validity gate that applies was measured and passed'
  const short = gates.filter(({ status, severity }) => status === 'fail' && severity === 'note')
  if (short.length === 0) return verdictMeaning.VALID
  const names = [...new Set(short.map(({ gate }) => gate))].join(', ')
  return `no validity gate failed that weakens the figures; short of what is good to have: ${names}`
}

function fitnessLine({ purpose, fitToPublish, verdict }: Summary): string {
  if (fitToPublish) return 'Fit to publish: yes, by the limits for publishing.'
  if (purpose === 'publish') return `Fit to publish: no, as it is ${verdict}.`
  return 'Fit to publish: no, as it was run to explore (--for publish is judged by stricter limits).'
}

function count(gates: readonly Gate[], status: Gate['status']): number {
  return gates.filter((gate) => gate.status === status).length
}
