import type { RunGroupMember } from '../load/run-group.ts'
import type { ComparedPrice, ComparedRun } from '../measure/compare-metrics.ts'
import type { FoundRun } from '../measure/group-summary.ts'
import type { CostReport } from '../price/cost-report.ts'
import type { Report } from '../report/report.ts'

/** What a comparison needs of a report. @param path as it is to be told */
export function comparedRun(path: string, { run, summary, cost }: Report): ComparedRun {
  return { path, run, summary, price: priceOf(cost) }
}

function priceOf({ levels, options, utilisation }: CostReport): ComparedPrice | undefined {
  const priced = levels.filter(({ usdPerMillionOutputTokens: usd }) => usd !== undefined)
  if (priced.length === 0) return undefined
  const { name = 'not known', usdPerHour } = options.find(({ kind }) => kind === 'owned') ?? {}
  return {
    basis: {
      'Hardware priced': name,
      ...(usdPerHour === undefined ? {} : { 'USD an hour': String(usdPerHour) }),
      Utilisation: String(utilisation),
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
