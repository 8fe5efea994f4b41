import type { Purpose } from '../load/benchmark.ts'
import type { RunLog } from '../load/run-log.ts'
import { gatesInGroup, lacksRuns } from './gates.ts'
import type { Gate, OperatingPoint, Summary } from './summary.ts'

type Judged = Pick<Summary, 'verdict' | 'reasons' | 'purpose' | 'fitToPublish'>

interface Labelled {
  readonly gate: Gate
  readonly label: string
}

/**
 * The verdict on a run and why: invalid outweighs degraded. A run without a single point is invalid,
 * one that stopped before its end at best degraded. To explore, what was not measured and what is a note
 * weaken nothing. To publish, all that fails does, and so does all that applies and was not measured; only then
 * is VALID fit to publish.
 */
export function judgeRun(
  points: readonly Pick<OperatingPoint, 'gates' | 'label'>[],
  runGates: readonly Gate[],
  state: RunLog['state'],
  purpose: Purpose,
): Judged {
  if (points.length === 0) {
    const reasons = ['no load level was run']
    return { verdict: 'INVALID', reasons, purpose, fitToPublish: false }
  }
  const all: Labelled[] = [{ gates: runGates, label: WHOLE_RUN }, ...points].flatMap(
    ({ gates, label }) => gates.map((gate) => ({ gate, label })),
  )
  const publish = purpose === 'publish'
  const failures = all.filter(
    ({ gate }) => gate.status === 'fail' && (publish || gate.severity !== 'note'),
  )
  const unmeasured = publish ? all.filter(({ gate }) => gate.status === 'not-measured') : []
  const reasons = [
    ...(state === 'complete' ? [] : ['the run stopped before its end']),
    ...failures.map(
      ({ gate, label }) => `${label}: ${gate.gate} is ${gate.value}, limit ${gate.limit}`,
    ),
    ...unmeasuredReasons(unmeasured, points.length),
  ]
  const verdict = failures.some(({ gate }) => gate.severity === 'invalid')
    ? 'INVALID'
    : reasons.length > 0
      ? 'DEGRADED'
      : 'VALID'
  return { verdict, reasons, purpose, fitToPublish: publish && verdict === 'VALID' }
}

/**
 * The verdict on a run as one of a group. Another one only where it was judged by itself and other runs were
 * asked for, which is to publish.
 */
export function judgeInGroup(
  summary: Pick<Summary, 'points' | 'gates' | keyof Judged>,
  state: RunLog['state'],
  groupRuns: number,
): Judged {
  const { points, gates, verdict, reasons, purpose, fitToPublish } = summary
  return lacksRuns(gates)
    ? judgeRun(points, gatesInGroup(gates, purpose, groupRuns), state, purpose)
    : { verdict, reasons, purpose, fitToPublish }
}

const WHOLE_RUN = 'whole run'

/** A sentence for each gate and reason, with the levels that share it. */
function unmeasuredReasons(unmeasured: readonly Labelled[], levels: number): string[] {
  const labelsOf = new Map<string, string[]>()
  for (const { gate, label } of unmeasured) {
    const text = `${gate.gate} is not measured, as ${gate.reason ?? 'nothing tells'}`
    labelsOf.set(text, [...(labelsOf.get(text) ?? []), label])
  }
  return [...labelsOf].map(([text, labels]) => {
    const where = levels > 1 && labels.length === levels ? 'every level' : labels.join(', ')
    return `${where}: ${text}`
  })
}
