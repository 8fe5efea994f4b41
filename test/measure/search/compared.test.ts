import { expect, test } from 'vitest'
import type { RunLog } from '../../../src/load/run-log.ts'
import { pointsAt } from '../../../src/measure/compare-points.ts'
import { differencesOf } from '../../../src/measure/compare-set-up.ts'
import { comparedRun } from '../compared-runs.ts'
import { levelLog, runLog } from '../records.ts'
import { sloPlan } from './trials.ts'

/** A run that asked for these users one after the other, each of its levels with so many tokens/s. */
function searched(number: number, users: readonly number[], answer?: number) {
  const logs = users.map((concurrency, level) =>
    levelLog({ level, load: { kind: 'closed', concurrency } }),
  )
  const base: RunLog = runLog()
  const run = comparedRun(
    number,
    users.map((concurrency, level) => ({
      outputTokensPerS: 100 + level,
      point: { level, label: concurrency === 1 ? '1 user' : `${concurrency} users` },
    })),
    { config: { ...base.config, search: sloPlan() }, levels: logs },
  )
  const looks = { size: 2, held: 3, looks: 3 }
  const outcome =
    answer === undefined
      ? ({ kind: 'unreachable', at: looks } as const)
      : ({ kind: 'found', at: looks, above: looks, level: answer } as const)
  const search = { question: 'slo', axis: 'users', trials: [], outcome } as const
  return { ...run, summary: { ...run.summary, search } }
}

test('of several looks at one load, that which the search goes by is compared', () => {
  const levelAt = (answer?: number) =>
    pointsAt([searched(1, [1, 2, 3, 2, 2], answer)], '2 users').map(({ point }) => point.level)
  expect(levelAt(3)).toEqual([3])
  expect(levelAt()).toEqual([1])
})

test('searches that ran different levels are compared where they met', () => {
  const differences = (users: readonly number[]) =>
    differencesOf([
      { name: 'A', ...searched(1, [1, 2, 4]) },
      { name: 'B', ...searched(2, users) },
    ]).filter(({ label }) => label === 'Load levels')
  expect(differences([1, 2, 4, 2])).toEqual([])
  expect(differences([2, 8])).toMatchObject([{ comparable: true }])
  expect(differences([8])).toMatchObject([{ comparable: false }])
})
