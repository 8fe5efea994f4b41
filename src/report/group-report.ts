import type { RunGroup } from '../load/run-group.ts'
import type { RunLog } from '../load/run-log.ts'
import { type FoundRun, type GroupSummary, summarizeGroup } from '../measure/group-summary.ts'
import { hardwareLine, hardwareTitle, serverLine, systemLine, workloadLine } from './facts.ts'
import { plainText } from './plain-text.ts'

/** A name and what there is to say under it. */
interface SubjectFact {
  readonly name: string
  readonly text: string
}

/** All that a format may say of several runs of one thing; `summary.json` of a group folder. */
export interface GroupReport {
  readonly schemaVersion: 1
  readonly kind: 'baremark-group-report'
  /** What was measured, by the first run that tells; empty where none does. */
  readonly subject: readonly SubjectFact[]
  readonly group: RunGroup
  readonly summary: GroupSummary
}

/** The report of a group from its log and what its runs came to. */
export function groupReport(group: RunGroup, found: readonly FoundRun[]): GroupReport {
  const first = found.find(({ run }) => run !== undefined)?.run
  return {
    schemaVersion: 1,
    kind: 'baremark-group-report',
    subject: first ? subjectOf(first.run) : [],
    group,
    summary: summarizeGroup(group, found),
  }
}

function subjectOf(run: RunLog): SubjectFact[] {
  return [
    { name: 'System', text: systemLine(run) },
    { name: 'Model', text: plainText(run.target.model) },
    { name: 'Server', text: serverLine(run) },
    { name: hardwareTitle(run), text: hardwareLine(run.hardware) },
    { name: 'Workload', text: workloadLine(run) },
  ]
}
