import type { RunGroupMember } from '../load/run-group.ts'
import type { ComparedPrice, ComparedRun } from '../measure/compare-metrics.ts'
import type { FoundRun } from '../measure/group-summary.ts'
import { type CostReport, figureFinder } from '../price/cost-report.ts'
import type { Report } from '../report/report.ts'

/** What a comparison needs of a report. @param path as it is to be told */
export function comparedRun(path: string, { run, summary, cost }: Report): ComparedRun {
  return { path, run, summary, price: priceOf(cost) }
}

/** Beyond these, figures that are the same come out different by the order of arithmetic. */
const DIGITS = 12

function priceOf(cost: CostReport): ComparedPrice | undefined {
  const { levels, options } = cost
  const priced = levels.filter(({ usdPerMillionOutputTokens: usd }) => usd !== undefined)
  if (priced.length === 0) return undefined
  const machines = options.find(({ kind }) => kind === 'owned' || kind === 'colocated')
  const find = figureFinder(cost)
  const figures = ['usdPerHour', 'utilisationRatio'].flatMap((name) => {
    const { label, value } = find(`options.${machines?.id}.${name}`) ?? {}
    return label === undefined || value === undefined
      ? []
      : [[`${label}, ${name}`, String(Number(value.toPrecision(DIGITS)))]]
  })
  return {
    basis: {
      Scenario: cost.scenario,
      'Hardware priced': machines?.name ?? 'not known',
      ...Object.fromEntries(figures),
    },
    usdPerMillionOutputTokens: Object.fromEntries(
      priced.map(({ level, usdPerMillionOutputTokens }) => [level, usdPerMillionOutputTokens]),
    ),
  }
}

/**
 * A run of a group as its report tells it, by the name of its folder wherever the group lies.
 *
 * @param report absent where none can be made
 */
export function foundRun(member: RunGroupMember, report: Report | undefined): FoundRun {
  if (report === undefined || report.run.levels.length === 0)
    return { ...member, why: 'no load level of it ended, or its files cannot be read' }
  return { ...member, run: comparedRun(member.directory, report) }
}
