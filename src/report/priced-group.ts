import type { FoundRun } from '../measure/group-summary.ts'
import type { WarningKind } from '../measure/summary.ts'
import { type CostReport, figureFinder } from '../price/cost-report.ts'
import type { Subject } from '../price/subject.ts'
import { exactText, provenanceText } from './explain.ts'
import { partNotices } from './front-matter.ts'
import { groupDocument } from './group-document.ts'
import type { GroupReport } from './group-report.ts'
import { pricedText } from './imported.ts'
import { plainText } from './plain-text.ts'
import { wrap } from './text.ts'

/** A group as prices are told of it: its report, and what its runs came to, in their order. */
export interface PricedGroup {
  readonly report: GroupReport
  readonly found: readonly FoundRun[]
}

/** What must be read before any price made of a group of runs. */
export function pricedGroupNotice({ report, found }: PricedGroup, cost: CostReport): string[] {
  return [
    ...groupDocument(report).notices,
    ...report.summary.notes.map(({ text }) => `Warning: ${plainText(text)}`),
    ...runWarnings(found).map((line) => `Warning: ${plainText(line)}`),
    ...cost.warnings.map(({ text }) => `Warning: Cost: ${plainText(text)}`),
  ]
}

/** Said by the verdict or the notices of a group. */
const covered: readonly WarningKind[] = ['simulated', 'random-weights', 'partial-run']

/** What several runs warn of at one level is told once, in the words of the first of them. */
function runWarnings(found: readonly FoundRun[]): string[] {
  const lines = new Map<string, { readonly names: string[]; readonly text: string }>()
  for (const [i, { run }] of found.entries())
    for (const { kind, level, text } of run?.summary.warnings ?? []) {
      if (covered.includes(kind)) continue
      const key = `${kind} ${level}`
      const line = lines.get(key) ?? { names: [], text }
      if (!line.names.includes(`R${i + 1}`)) line.names.push(`R${i + 1}`)
      lines.set(key, line)
    }
  return [...lines.values()].map(({ names, text }) => `${names.join(', ')}: ${text}`)
}

/** A group of runs, and what it costs, for a terminal: what it is first, and the throughput that everything rests on. */
export function pricedGroupText(group: PricedGroup, subject: Subject, cost: CostReport): string {
  const { others, warnings } = partNotices(pricedGroupNotice(group, cost))
  const head = [...others, ...throughputLines(cost)]
  return pricedText(
    head.flatMap((line) => wrap(line, '', '  ')),
    warnings,
    subject.points,
    cost,
  )
}

/** Nothing where no level is priced. */
function throughputLines(cost: CostReport): string[] {
  const figure = figureFinder(cost)('measured.outputTokensPerS')
  if (figure?.value === undefined) return []
  return [`${figure.label}: ${exactText(figure)}. ${plainText(provenanceText(figure))}.`]
}
