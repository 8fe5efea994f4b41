import type { RunGroup } from '../../src/load/run-group.ts'
import type { ComparedRun } from '../../src/measure/compare-metrics.ts'
import type { FoundRun } from '../../src/measure/group-summary.ts'

/** The log of a group that ended. */
export function runGroup(runs: number, parts: Partial<RunGroup> = {}): RunGroup {
  return {
    schemaVersion: 1,
    kind: 'baremark-group',
    groupId: '2026-11-23T12-00-00Z-test-runs',
    tool: { name: 'baremark', version: '0.1.0', node: 'v24.1.0', platform: 'linux-x64' },
    startedAt: '2026-11-23T12:00:00.000Z',
    benchmark: 'test',
    seed: 1,
    plan: { runs, pauseS: 0 },
    state: 'ended',
    runs: [],
    ...parts,
  }
}

/** Runs as they were found in the folder of a group, in this order. */
export function foundRuns(runs: readonly (ComparedRun | undefined)[]): FoundRun[] {
  return runs.map((run, i) => {
    const member = { directory: `run-${i + 1}`, seed: 100 + i }
    return run ? { ...member, run } : { ...member, why: 'its files cannot be read' }
  })
}
