import { type Maybe, ratio } from '../arithmetic.ts'
import { UserError } from '../errors.ts'
import {
  ALPHA,
  finite,
  type MetricPair,
  nameRuns,
  pairsOf,
  type RunFacts,
  runFacts,
  smallestRatio,
  testPairs,
} from './compare.ts'
import { type ComparedRun, type HeadlineMetricName, headlineMetric } from './compare-metrics.ts'
import { type ComparisonNote, comparisonNotes } from './compare-notes.ts'
import type { GatePolicy, GatePolicyRule } from './compare-policy.ts'
import {
  type Difference,
  differencesOf,
  type MachineChange,
  machineChanges,
  type NamedRun,
} from './compare-set-up.ts'
import type { MetricComparison } from './statistics/comparison.ts'

/**
 * `not-judged`: these runs cannot tell what the policy asks, which is no pass. `invalid`: a run is INVALID,
 * and nothing follows from it.
 */
export type GateOutcome = 'pass' | 'regression' | 'not-judged' | 'invalid'

/** One rule at one load level. */
export interface JudgedRule {
  readonly metric: HeadlineMetricName
  readonly label: string
  readonly level: string
  readonly maxWorseRatio: number
  readonly needSignificance: boolean
  /** How many times worse than the baseline: over 1 is worse, whichever direction that is. */
  readonly worseRatio?: number
  /** Its 95 % interval. */
  readonly low?: number
  readonly high?: number
  /** By Holm, over the rules that need significance; absent for the others. */
  readonly adjustedPValue?: number
  /** Smallest worsening that would have been found 4 times in 5; absent where no significance is asked for. */
  readonly smallestRatio?: number
  readonly outcome: Exclude<GateOutcome, 'invalid'>
  readonly why: string
}

export interface GateResult {
  readonly schemaVersion: 1
  readonly kind: 'baremark-gate'
  readonly outcome: GateOutcome
  readonly baseline: readonly RunFacts[]
  readonly candidate: readonly RunFacts[]
  readonly differences: readonly Difference[]
  readonly machineChanges: readonly MachineChange[]
  readonly notes: readonly ComparisonNote[]
  readonly alpha: number
  /** That need significance and could be made. */
  readonly tests: number
  readonly rules: readonly JudgedRule[]
}

/** The `why` that needs no telling. */
export const withinLimit = 'within the limit'

/**
 * Holds runs against a baseline under a policy.
 *
 * @throws UserError where the policy names a load level that the baseline does not have
 */
export function judgePolicy(
  baselineRuns: readonly ComparedRun[],
  candidateRuns: readonly ComparedRun[],
  policy: GatePolicy,
): GateResult {
  const [baseline = [], candidate = []] = nameRuns([baselineRuns, candidateRuns])
  const all = [...baseline, ...candidate]
  const differences = differencesOf(all)
  const { rules, tests } = judgeRules(baseline, candidate, policy)
  return {
    schemaVersion: 1,
    kind: 'baremark-gate',
    outcome: all.some(({ summary }) => summary.verdict === 'INVALID') ? 'invalid' : worstOf(rules),
    baseline: baseline.map(runFacts),
    candidate: candidate.map(runFacts),
    differences,
    machineChanges: machineChanges(all),
    notes: policy.rules.some(({ needSignificance }) => needSignificance)
      ? comparisonNotes([baseline, candidate], differences)
      : [],
    alpha: ALPHA,
    tests,
    rules,
  }
}

function worstOf(rules: readonly JudgedRule[]): GateOutcome {
  const order = ['regression', 'not-judged'] as const
  return order.find((outcome) => rules.some((rule) => rule.outcome === outcome)) ?? 'pass'
}

/** A rule at a level, and the figures there where both sides have any. */
interface RuleAtLevel {
  readonly rule: GatePolicyRule
  readonly level: string
  readonly pair: MetricPair | undefined
}

function judgeRules(
  baseline: readonly NamedRun[],
  candidate: readonly NamedRun[],
  policy: GatePolicy,
): { rules: JudgedRule[]; tests: number } {
  const levels = [...new Set(baseline.flatMap(({ summary }) => summary.points.map((p) => p.label)))]
  const pairs = pairsOf(baseline, candidate)
  const rows = policy.rules.flatMap((rule) =>
    levelsOfRule(rule, levels).map((level): RuleAtLevel => {
      const pair = pairs.find((each) => each.label === level && each.metric === rule.metric)
      return { rule, level, pair }
    }),
  )
  // Rules that go by the ratio alone make no test, and so cost the others nothing.
  const tested = compared(rows.filter(({ rule }) => rule.needSignificance))
  const plain = compared(rows.filter(({ rule }) => !rule.needSignificance))
  const tests = [...tested.values()].filter(({ pValue }) => pValue !== undefined).length
  return {
    tests,
    rules: rows.map((row) => judgeRule(row, tested.get(row) ?? plain.get(row), tests)),
  }
}

function levelsOfRule({ level }: GatePolicyRule, levels: readonly string[]): readonly string[] {
  if (level === 'all') return levels
  if (levels.includes(level)) return [level]
  throw new UserError(`The baseline has no load level "${level}", which the policy names.`, {
    remedy: `Name one of: all, ${levels.join(', ')}.`,
  })
}

function compared(rows: readonly RuleAtLevel[]): Map<RuleAtLevel, MetricComparison> {
  const results = testPairs(
    rows.map(({ rule: { metric }, pair }) => ({
      metric,
      before: pair?.before ?? [],
      after: pair?.after ?? [],
    })),
  )
  return new Map(results.flatMap((result, i) => (rows[i] ? [[rows[i], result] as const] : [])))
}

function judgeRule(
  { rule, level, pair }: RuleAtLevel,
  result: MetricComparison | undefined,
  tests: number,
): JudgedRule {
  const { label, better } = headlineMetric(rule.metric)
  const worse = worsening(better, result)
  const seen =
    pair && rule.needSignificance ? smallestRatio(pair.before, pair.after, tests) : undefined
  const adjustedPValue = rule.needSignificance ? result?.adjustedPValue : undefined
  return {
    ...rule,
    label,
    level,
    ...worse,
    adjustedPValue,
    smallestRatio: seen,
    ...judgement(rule, worse.worseRatio, { pair, adjustedPValue, seen }),
  }
}

/** Ratio and interval turned so that over 1 is worse. */
function worsening(better: 'higher' | 'lower', result: MetricComparison | undefined) {
  if (better === 'lower')
    return { worseRatio: result?.ratio, low: result?.low, high: finite(result?.high) }
  return {
    worseRatio: ratio(1, result?.ratio),
    low: ratio(1, result?.high),
    high: ratio(1, result?.low),
  }
}

function judgement(
  { maxWorseRatio, needSignificance }: GatePolicyRule,
  worseRatio: Maybe,
  evidence: { pair: MetricPair | undefined; adjustedPValue: Maybe; seen: Maybe },
): Pick<JudgedRule, 'outcome' | 'why'> {
  const { pair, adjustedPValue, seen } = evidence
  if (worseRatio === undefined) return { outcome: 'not-judged', why: whyNoRatio(pair) }
  const isOver = worseRatio > maxWorseRatio
  if (!needSignificance)
    return isOver
      ? { outcome: 'regression', why: 'over the limit' }
      : { outcome: 'pass', why: withinLimit }
  if (adjustedPValue === undefined) return withoutTest(isOver, pair)
  if (isOver && adjustedPValue <= ALPHA)
    return { outcome: 'regression', why: 'over the limit, and no chance' }
  if (isOver) return { outcome: 'pass', why: 'over the limit, but chance may have done it' }
  const isBlind = seen === undefined || seen > maxWorseRatio
  return {
    outcome: 'pass',
    why: isBlind ? 'within the limit, of which so few runs cannot be sure' : withinLimit,
  }
}

/** Runs that all have one figure have no chance in them; one run has nothing to tell chance by. */
function withoutTest(
  isOver: boolean,
  pair: MetricPair | undefined,
): Pick<JudgedRule, 'outcome' | 'why'> {
  const enough = pair !== undefined && pair.before.length > 1 && pair.after.length > 1
  if (!enough)
    return {
      outcome: 'not-judged',
      why: 'significance needs at least 2 runs a side that have the metric',
    }
  return isOver
    ? { outcome: 'regression', why: 'over the limit, the same in every run' }
    : { outcome: 'pass', why: 'within the limit, the same in every run' }
}

function whyNoRatio(pair: MetricPair | undefined): string {
  if (pair === undefined) return 'not measured on either side, or no such level in the run'
  if (pair.refused !== undefined) return pair.refused
  if (pair.before.length === 0) return 'not measured in the baseline, or withheld'
  if (pair.after.length === 0) return 'not measured in the run, or withheld'
  return 'a figure is not above 0'
}
