import type { RunGroup } from '../../src/load/run-group.ts'
import type { ComparedRun } from '../../src/measure/compare-metrics.ts'
import { type GroupReport, groupReport } from '../../src/report/group-report.ts'
import { comparedRun } from '../measure/compared-runs.ts'
import { foundRuns, runGroup } from '../measure/found-runs.ts'
import { sampleReport } from './sample-report.ts'

/** Throughputs at 1 and 2 users. At 1 user runs differ by more than they say themselves, at 2 by less. */
const throughputs = [
  [100, 190],
  [108, 191],
  [95, 189],
  [103, 190.5],
] as const

function sampleRun(index: number): ComparedRun {
  const { run } = sampleReport()
  const [one, two] = throughputs[index] ?? [100, 190]
  const sure = (value: number, own: number) => ({
    outputTokensPerSInterval: { low: value * (1 - own), high: value * (1 + own) },
  })
  const degraded = {
    summary: {
      verdict: 'DEGRADED' as const,
      reasons: ['1 user: window-length is 2.1 latencies, limit at least 3'],
    },
  }
  const levels = [
    {
      outputTokensPerS: one,
      ttftP50Ms: 20 + index,
      ttftP95Ms: 40,
      usd: 300 / one,
      point: sure(one, 0.01),
    },
    {
      outputTokensPerS: two,
      ttftP50Ms: 30 - index,
      // Of the second run there are too few requests for it.
      ttftP95Ms: index === 1 ? undefined : 60 + index,
      usd: 300 / two,
      point: sure(two, 0.03),
    },
  ]
  return comparedRun(index, levels, {
    hardware: run.hardware,
    target: run.target,
    ...(index === 1 ? degraded : {}),
  })
}

/** Three runs, of which one is DEGRADED. */
export function sampleGroup(): GroupReport {
  const found = foundRuns([0, 1, 2].map(sampleRun))
  return groupReport(runGroup(3, membersOf(found)), found)
}

/** A group that was to make runs until they agree, interrupted in its fourth; of the third nothing is left. */
export function cutGroup(): GroupReport {
  const cut = sampleRun(3)
  const points = cut.summary.points.map((point, level) =>
    level === 0 ? point : { ...point, ended: 'interrupted' as const },
  )
  const found = foundRuns([
    sampleRun(0),
    sampleRun(1),
    undefined,
    { ...cut, run: { ...cut.run, state: 'partial' }, summary: { ...cut.summary, points } },
  ])
  const until = { kind: 'interval', withinRatio: 0.02, looksAfter: [3, 5, 7, 8] } as const
  const plan = { runs: 8, pauseS: 30, until }
  return groupReport(runGroup(8, { ...membersOf(found), plan, stopped: 'interrupted' }), found)
}

/** Six simulated runs of random weights: enough for an exact interval. */
export function simulatedGroup(): GroupReport {
  const found = foundRuns(
    [0, 1, 2, 3, 4, 5].map((i) => {
      const run = comparedRun(i, [{ outputTokensPerS: 100 + i }])
      const target = { ...run.run.target, simulated: true, weights: 'random' as const }
      return { ...run, run: { ...run.run, target } }
    }),
  )
  return groupReport(runGroup(6, membersOf(found)), found)
}

function membersOf(found: ReturnType<typeof foundRuns>): Pick<RunGroup, 'runs'> {
  return { runs: found.map(({ directory, seed }) => ({ directory, seed })) }
}
