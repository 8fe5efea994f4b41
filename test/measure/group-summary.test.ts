import { describe, expect, test } from 'vitest'
import type { Until } from '../../src/load/run-group.ts'
import type { ComparedRun } from '../../src/measure/compare-metrics.ts'
import { judgeRunGates } from '../../src/measure/gates.ts'
import { spreadsReachable } from '../../src/measure/group-looks.ts'
import { summarizeGroup } from '../../src/measure/group-summary.ts'
import { summarize } from '../../src/measure/summarize.ts'
import { judgeRun } from '../../src/measure/verdict.ts'
import { comparedRun } from './compared-runs.ts'
import { foundRuns, runGroup } from './found-runs.ts'
import { runLog } from './records.ts'

/** Valid runs at 1 user with these throughputs. */
const runsOf = (figures: readonly number[]): ComparedRun[] =>
  figures.map((outputTokensPerS, i) => comparedRun(i, [{ outputTokensPerS }]))

const degraded = { summary: { verdict: 'DEGRADED' as const, reasons: ['a doubt'] } }
const invalid = { summary: { verdict: 'INVALID' as const, reasons: ['a fault'] } }
const partial = { state: 'partial' as const, ...degraded }

const one = (parts = {}): ComparedRun => comparedRun(9, [{ outputTokensPerS: 100 }], parts)

describe('the verdict of a group', () => {
  test.each([
    ['VALID', [one(), one(), one()]],
    ['DEGRADED', [one(), one(degraded), one()]],
    ['INVALID', [one(degraded), one(), one(invalid)]],
    ['PARTIAL', [one(), one()]],
    ['PARTIAL', [one(degraded), one()]],
    ['PARTIAL', [one(), one(), one(partial)]],
    ['INVALID', [one(invalid), one()]],
    ['PARTIAL', [one(), undefined, one()]],
    ['PARTIAL', []],
  ])('is %s, the worst of its runs', (verdict, runs) => {
    expect(summarizeGroup(runGroup(3), foundRuns(runs)).verdict).toBe(verdict)
  })

  test('names the runs that it comes from', () => {
    const runs = foundRuns([one(degraded), one(invalid), one(degraded)])
    expect(summarizeGroup(runGroup(3), runs).reasons).toEqual([
      'run R2 INVALID',
      'runs R1, R3 DEGRADED',
    ])
  })
})

describe('runs of different models', () => {
  const other = one()
  const target = { ...other.run.target, model: 'another' }
  const mixed = foundRuns([one(), one(), { ...other, run: { ...other.run, target } }])

  test('are no group to believe, however valid each is', () => {
    const summary = summarizeGroup(runGroup(3), mixed)
    expect(summary).toMatchObject({ verdict: 'INVALID', mixed: ['Model'] })
    expect(summary.reasons).toEqual(['runs measured different things: Model'])
  })
})

describe('a group is fit to publish', () => {
  const publish = { summary: { purpose: 'publish' as const, fitToPublish: true } }
  const unfit = (runs: number, parts: object): readonly string[] =>
    summarizeGroup(runGroup(runs), foundRuns(Array.from({ length: runs }, () => one(parts)))).unfit

  test('when three runs are', () => {
    expect(unfit(3, publish)).toEqual([])
  })

  test('and not when two are', () => {
    expect(unfit(2, publish)).toEqual(['it takes 3 runs that went to their end'])
  })

  test('nor when something beside the seed is another in one of three', () => {
    const runs = [0, 1, 2].map(() => one(publish))
    const [first] = runs
    if (first === undefined) throw new Error('three runs')
    const tool = { ...first.run.tool, version: '9.9.9' }
    const other = { ...first, run: { ...first.run, tool } }
    const { verdict, unfit: why } = summarizeGroup(
      runGroup(3),
      foundRuns([...runs.slice(1), other]),
    )
    expect(verdict).toBe('VALID')
    expect(why).toEqual(['its runs differ in more than their seed'])
  })

  test('nor when three were run to explore, or are DEGRADED', () => {
    expect(unfit(3, {}).join()).toContain('to explore')
    const { summary } = publish
    expect(unfit(3, { summary: { ...summary, verdict: 'DEGRADED' } })).toEqual(['it is DEGRADED'])
  })
})

describe('runs to publish', () => {
  const { tokens } = summarize(runLog(), [])
  /** Judged by itself, it lacks other runs and nothing else. */
  const publishing = (): ComparedRun => {
    const run = one()
    const log = { ...run.run, config: { ...run.run.config, purpose: 'publish' as const } }
    const points = run.summary.points.map((point) => ({ ...point, gates: [] }))
    const gates = judgeRunGates({ tokens, run: log, purpose: 'publish' }).filter(
      ({ gate }) => gate === 'runs',
    )
    const judged = judgeRun(points, gates, 'complete', 'publish')
    return { ...run, run: log, summary: { ...run.summary, points, gates, ...judged } }
  }
  const groupOf = (...runs: readonly ComparedRun[]) =>
    summarizeGroup(runGroup(runs.length), foundRuns(runs))

  test('that lack other runs alone have them in a group of three', () => {
    expect(publishing().summary).toMatchObject({
      verdict: 'DEGRADED',
      reasons: ['whole run: runs is not measured, as this is a single run'],
    })
    const three = groupOf(publishing(), publishing(), publishing())
    expect(three).toMatchObject({ verdict: 'VALID', reasons: [], unfit: [] })
    expect(three.runs.map(({ facts }) => facts?.verdict)).toEqual(['VALID', 'VALID', 'VALID'])
  })

  test('are too few in a group of two', () => {
    const two = groupOf(publishing(), publishing())
    expect(two.verdict).toBe('DEGRADED')
    expect(two.unfit).toContain('it is DEGRADED')
    expect(two.runs[0]?.facts?.reasons).toEqual([
      'whole run: runs is 2, limit at least 3 of the same benchmark',
    ])
  })
})

describe('a group that was interrupted in its second run', () => {
  const whole = comparedRun(0, [{ outputTokensPerS: 100 }, { outputTokensPerS: 150 }])
  const cut = comparedRun(
    1,
    [{ outputTokensPerS: 104 }, { outputTokensPerS: 9, point: { ended: 'interrupted' } }],
    partial,
  )
  const summary = summarizeGroup(runGroup(3, { stopped: 'interrupted' }), foundRuns([whole, cut]))

  test('says how many runs went to their end, and why no more', () => {
    expect(summary).toMatchObject({ verdict: 'PARTIAL', completeRuns: 1, wantedRuns: 3 })
    expect(summary.reasons[0]).toBe('1 of 3 runs went to their end: interrupted')
  })

  test('takes of the second run the level that ended, and not the one that was cut', () => {
    const figures = summary.levels.map(({ metrics }) => metrics[0]?.figures)
    expect(figures).toEqual([
      [
        { run: 'R1', value: 100 },
        { run: 'R2', value: 104 },
      ],
      [{ run: 'R1', value: 150 }],
    ])
    expect(summary.levels[1]?.metrics[0]).toMatchObject({ median: 150, min: 150, max: 150 })
    expect(summary.levels[1]?.metrics[0]?.interval).toBeUndefined()
    expect(summary.levels[1]?.metrics[0]?.why).toContain('one run has no spread')
  })

  test('speaks of the 2 runs that figures rest on', () => {
    expect(summary.notes[0]?.text).toContain('; 2 runs cannot show that')
    expect(summary.notes[0]?.text).toContain('in 50 % of cases')
  })
})

test('the median, the least and the most of dollars are those of runs, as of every other metric', () => {
  const runs = [3, 1, 2].map((usd, i) => comparedRun(i, [{ outputTokensPerS: 10 * usd, usd }]))
  const { levels } = summarizeGroup(runGroup(3), foundRuns(runs))
  const usd = levels[0]?.metrics.find(({ metric }) => metric === 'usdPerMillionOutputTokens')
  expect(usd).toMatchObject({ median: 2, min: 1, max: 3 })
})

describe('what runs say of themselves against how they differ', () => {
  /** Two runs 4 % apart, each sure of itself to this much either way. */
  const apart = (own: number) => {
    const figures = [100, 100 * Math.exp(0.04)]
    const runs = figures.map((value, i) => {
      const interval = { low: value * (1 - own), high: value * (1 + own) }
      const point = { outputTokensPerSInterval: interval }
      return comparedRun(i, [{ outputTokensPerS: value, point }])
    })
    return summarizeGroup(runGroup(2), foundRuns(runs)).levels[0]?.scatter
  }

  test('two runs 4 % apart that are sure to 1 %: 0.04^2 / 2 over (0.01 / 2.0930)^2 is 35.04, its root 5.92', () => {
    const scatter = apart(0.01)
    expect(scatter?.ownWithinRatio).toBeCloseTo(0.01, 12)
    expect(scatter?.spreadRatio).toBeCloseTo(0.04 / Math.SQRT2, 12)
    expect(scatter?.timesExpected).toBeCloseTo(Math.sqrt(35.04), 2)
    expect(scatter?.pValue).toBeLessThan(1e-5)
  })

  test('that are sure to 10 % differ by no more than chance', () => {
    expect(apart(0.1)?.timesExpected).toBeLessThan(1)
    expect(apart(0.1)?.pValue).toBeGreaterThan(0.5)
  })

  test('are not held against each other where a run has no interval', () => {
    const point = { outputTokensPerSInterval: undefined }
    const runs = [100, 104].map((value, i) => comparedRun(i, [{ outputTokensPerS: value, point }]))
    const { levels } = summarizeGroup(runGroup(2), foundRuns(runs))
    expect(levels[0]?.scatter).toBeUndefined()
  })
})

describe('runs that are added until they agree to 2 %', () => {
  const until: Until = { kind: 'interval', withinRatio: 0.02, looksAfter: [3, 5, 7, 10] }
  const group = runGroup(10, { plan: { runs: 10, pauseS: 0, until } })

  test('three that differ by a thousandth are enough, and the group is whole', () => {
    const summary = summarizeGroup(group, foundRuns(runsOf([100, 100.1, 100.2])))
    expect(summary.looks).toMatchObject([{ afterRuns: 3, reached: true, level: '1 user' }])
    expect(summary).toMatchObject({ verdict: 'VALID', completeRuns: 3, wantedRuns: 3 })
    expect(summary.confidence).toBeCloseTo(0.9875, 12)
  })

  test('the interval is that of the share of confidence that a look has: t of 2 degrees is 8.860', () => {
    const { levels } = summarizeGroup(group, foundRuns(runsOf([99, 100, 101])))
    const { interval, spreadRatio = 0 } = levels[0]?.metrics[0] ?? {}
    const half = Math.log((interval?.high ?? 0) / (interval?.low ?? 1)) / 2
    expect(half).toBeCloseTo((8.8602 * spreadRatio) / Math.sqrt(3), 5)
  })

  test('four that differ by a tenth were looked at once, in vain, and are not all of ten', () => {
    const summary = summarizeGroup(group, foundRuns(runsOf([100, 110, 105, 95])))
    expect(summary.looks).toMatchObject([{ afterRuns: 3, reached: false }])
    expect(summary).toMatchObject({ verdict: 'PARTIAL', wantedRuns: 10 })
  })

  test('ten that differ by a tenth are whole, but not what was asked for', () => {
    const figures = [100, 110, 105, 95, 100, 110, 105, 95, 100, 110]
    const summary = summarizeGroup(group, foundRuns(runsOf(figures)))
    expect(summary.looks?.map(({ afterRuns, reached }) => [afterRuns, reached])).toEqual([
      [3, false],
      [5, false],
      [7, false],
      [10, false],
    ])
    expect(summary.verdict).toBe('VALID')
    expect(summary.levels[0]?.metrics[0]?.interval?.method).toBe('log-t')
  })

  test('the level that is furthest off decides', () => {
    const runs = [0, 1, 2].map((i) =>
      comparedRun(i, [{ outputTokensPerS: 100 + i / 10 }, { outputTokensPerS: 100 + 10 * i }]),
    )
    const [look] = summarizeGroup(group, foundRuns(runs)).looks ?? []
    expect(look).toMatchObject({ reached: false, level: '2 users' })
  })

  test('a run without the figure is no reason to go by the others alone', () => {
    const runs = [...runsOf([100, 100.1]), undefined, ...runsOf([100.2])]
    const [look] = summarizeGroup(group, foundRuns(runs)).looks ?? []
    expect(look).toMatchObject({ afterRuns: 3, reached: false, why: '2 of 3 runs have it' })
  })

  test('a look that was not due is not made', () => {
    expect(summarizeGroup(group, foundRuns(runsOf([100, 100.1]))).looks).toEqual([])
  })

  test('the spread that a look can just reach is ln 1.02 sqrt 3 / 8.860 after 3 runs at 98.75 %', () => {
    const [first] = spreadsReachable(until, 0.9875)
    expect(first?.spreadRatio).toBeCloseTo((Math.log(1.02) * Math.sqrt(3)) / 8.8602, 6)
  })
})

describe('notes', () => {
  const kinds = (runs: number): string[] =>
    summarizeGroup(runGroup(runs), foundRuns(runsOf([1, 2, 3, 4, 5, 6].slice(0, runs)))).notes.map(
      ({ kind }) => kind,
    )

  test('say of one run that it has no spread, of 5 what their interval rests on, and of 6 nothing', () => {
    expect(kinds(1)).toEqual(['one-run'])
    expect(kinds(5)).toEqual(['few-runs'])
    expect(kinds(6)).toEqual([])
  })

  test('say when runs are not of one thing, and seeds of their own are no such thing', () => {
    const runs = [0, 1].map((i) => {
      const run = comparedRun(i, [{ outputTokensPerS: 100 + i }])
      const { config } = run.run
      const benchmark = { ...config.benchmark, seed: i }
      return { ...run, run: { ...run.run, config: { ...config, benchmark } } }
    })
    const [first, second] = runs
    if (first === undefined || second === undefined) throw new Error('two runs')
    const of = (given: readonly ComparedRun[]) =>
      summarizeGroup(runGroup(2), foundRuns(given)).notes.map(({ kind }) => kind)
    expect(of([first, second])).toEqual(['few-runs'])
    const otherTool = { ...second.run.tool, version: '9.9.9' }
    const other = { ...second, run: { ...second.run, tool: otherTool } }
    expect(of([first, other])).toEqual(['few-runs', 'mixed-runs'])
  })
})
