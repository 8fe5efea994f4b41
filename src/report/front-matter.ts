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
  const { notices, verdictLine, instrumentLine, reasons, warnings } = frontMatter(report)
  return [
    ...notices,
    verdictLine,
    ...reasons.map((reason) => `Reason: ${reason}`),
    instrumentLine,
    ...warnings.map((warning) => `Warning: ${warning}`),
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

function verdictLine({ verdict, points, gates: runGates }: Summary): string {
  const gates = [...runGates, ...points.flatMap((point) => point.gates)]
  const unmeasured = count(gates, 'not-measured')
  const meaning = `${verdict}: ${verdictMeaning[verdict]}.`
  if (gates.length === 0) return `${meaning} No gate was judged.`
  if (unmeasured === 0) return meaning
  return `${meaning} ${formatCount(unmeasured)} of ${formatCount(gates.length)} gate checks did not apply or could not be measured.`
}

function count(gates: readonly Gate[], status: Gate['status']): number {
  return gates.filter((gate) => gate.status === status).length
}
