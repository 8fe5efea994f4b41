import { describe, expect, test } from 'vitest'
import type { ComparedRun } from '../../src/measure/compare-metrics.ts'
import { summarizeGroup } from '../../src/measure/group-summary.ts'
import type { MachineFigures, ScopeEnergy } from '../../src/measure/machine-figures.ts'
import type { OperatingPoint } from '../../src/measure/summary.ts'
import { figureFinder } from '../../src/price/cost-report.ts'
import { subjectOfGroup } from '../../src/price/group-subject.ts'
import { choosePoint } from '../../src/price/operating-point.ts'
import { priceSubject } from '../../src/price/price-subject.ts'
import type { Subject } from '../../src/price/subject.ts'
import { comparedRun } from '../measure/compared-runs.ts'
import { foundRuns, runGroup } from '../measure/found-runs.ts'
import { benchmark, runLog } from '../measure/records.ts'
import { catalogue, scenario } from './fixtures.ts'

type Runs = readonly (ComparedRun | undefined)[]

function subjectOf(runs: Runs, group = runGroup(runs.length)): Subject {
  const found = foundRuns(runs.map((run, i) => run && { ...run, path: `run-${i + 1}` }))
  return subjectOfGroup(group, found, summarizeGroup(group, found))
}

/** Runs with these throughputs at 1 user. */
const runsOf = (figures: readonly number[], point: Partial<OperatingPoint> = {}) =>
  figures.map((outputTokensPerS, i) => comparedRun(i, [{ outputTokensPerS, point }]))

const figuresOf = (subject: Subject, changes = {}) =>
  figureFinder(priceSubject(subject, scenario(changes), catalogue))

describe('three runs of 90, 110 and 100 output tokens a second', () => {
  const subject = subjectOf(runsOf([90, 110, 100]))
  const [point] = subject.points

  test('are priced at their median, which names each of them and where it is from', () => {
    const figure = figuresOf(subject)('measured.outputTokensPerS')
    expect(figure).toMatchObject({ value: 100, origin: 'measured', date: '2026-11-23' })
    expect(figure?.source).toBe('group 2026-11-23T12-00-00Z-test-runs, 1 user')
    expect(figure?.note).toContain('median of 3 runs: 90 (run-1), 110 (run-2), 100 (run-3)')
  })

  // Logarithms 4.49981, 4.70048, 4.60517: mean 4.60182, deviation 0.100378; / sqrt(3) x 4.30265 is 0.24935.
  test('are as uncertain as the interval between them says, by hand 77.67 to 127.89', () => {
    expect(point?.betweenRuns?.low).toBeCloseTo(Math.exp(4.60182 - 0.24935), 1)
    expect(point?.betweenRuns?.high).toBeCloseTo(Math.exp(4.60182 + 0.24935), 1)
    expect(figuresOf(subject)('measured.outputTokensPerS')?.uncertain).toMatchObject({
      kind: 'lognormal',
      low: point?.betweenRuns?.low,
      confidenceRatio: 0.95,
    })
  })

  test('half of what one server makes is wanted, 50 tokens/s: a bill of one box, and its price is spread', () => {
    const find = figuresOf(subject)
    expect(find('options.own.servers')?.value).toBe(1)
    expect(find('demand.outputTokensPerDay')?.value).toBe(50 * 86_400)
    const quantile = (name: string) => find(`uncertainty.options.own.${name}`)?.value as number
    expect(quantile('low')).toBeLessThan(quantile('high'))
  })
})

test('what single runs say of themselves is no part of the interval between them', () => {
  const own = { outputTokensPerSInterval: { low: 1, high: 1000 } }
  const [wide] = subjectOf(runsOf([99, 100, 101], own)).points
  const [plain] = subjectOf(runsOf([99, 100, 101])).points
  expect(wide?.interval).toBeUndefined()
  expect(wide?.betweenRuns).toEqual(plain?.betweenRuns)
})

test('runs with the very same figure have no interval, and the price says why', () => {
  const figure = figuresOf(subjectOf(runsOf([100, 100, 100])))('measured.outputTokensPerS')
  expect(figure?.uncertain).toBeUndefined()
  expect(figure?.note).toContain('no interval between runs: every run has the very same figure')
})

test('looks that a group was free to end at make its interval wider, and no surer than 95 %', () => {
  const runs = runsOf([99, 100, 101])
  const until = { kind: 'interval', withinRatio: 0.2, looksAfter: [3, 5] } as const
  const [looked] = subjectOf(runs, runGroup(5, { plan: { runs: 5, pauseS: 0, until } })).points
  const [fixed] = subjectOf(runs).points
  expect(looked?.betweenRuns?.low).toBeLessThan(fixed?.betweenRuns?.low as number)
  expect(looked?.betweenRuns?.confidenceRatio).toBe(0.95)
})

describe('a level is priced', () => {
  const slo = { ttftMs: 500 }
  const met = (goodRatio: number | undefined) => ({
    goodput: { slo, requestsPerS: 1, outputTokensPerS: 1, goodRatio },
  })
  const config = {
    ...runLog().config,
    benchmark: benchmark({ slo, load: { kind: 'closed', concurrency: [1, 2] } }),
  }
  /** 50 tokens/s at 1 user, where all is well; 100 at 2 users, with this share of good requests. */
  const run = (number: number, goodRatio: number | undefined, parts = {}) =>
    comparedRun(
      number,
      [
        { outputTokensPerS: 50, point: met(1) },
        { outputTokensPerS: 100 + number, point: met(goodRatio) },
      ],
      { config, ...parts },
    )

  test('where it met the SLO in every run', () => {
    const { point, reason } = choosePoint(subjectOf([run(0, 0.95), run(1, 0.99), run(2, 1)]))
    expect(point).toMatchObject({ level: 1, outputTokensPerS: 101, goodRatio: 0.95 })
    expect(reason).toBe(
      'highest median throughput at which 95 % of requests met the SLO in every run',
    )
  })

  test.each([
    ['failed', 0.94],
    ['is not known to have met', undefined],
  ])('no more where one run of three %s it, however good their median is', (_, goodRatio) => {
    const { point } = choosePoint(subjectOf([run(0, 1), run(1, goodRatio), run(2, 1)]))
    expect(point?.level).toBe(0)
  })

  test('nowhere where each level failed in some run, and told is how near the worst run came', () => {
    const poor = (number: number, ratio: number) =>
      comparedRun(number, [{ outputTokensPerS: 50, point: met(ratio) }], { config })
    const chosen = choosePoint(subjectOf([poor(0, 1), poor(1, 0.6), poor(2, 1)]))
    expect(chosen.point).toBeUndefined()
    expect(chosen.reason).toContain('in every run (TTFT 500 ms); at best 60 % did in its worst run')
  })

  test('only where every run that went to its end measured it to its end', () => {
    const short = comparedRun(1, [{ outputTokensPerS: 50, point: met(1) }], { config })
    const subject = subjectOf([run(0, 1), short, run(2, 1)])
    expect(choosePoint(subject).point?.level).toBe(0)
    expect(subject.points[1]?.how?.outputTokensPerS).toBe('not known of R2')
  })

  test('without a run that was cut short, of which the group is PARTIAL', () => {
    const cut = comparedRun(1, [{ outputTokensPerS: 50, point: met(1) }], {
      config,
      state: 'partial',
    })
    const subject = subjectOf([run(0, 1), cut, run(2, 1)])
    expect(subject.verdict).toBe('PARTIAL')
    expect(choosePoint(subject).point).toMatchObject({ level: 1, outputTokensPerS: 101 })
  })
})

describe('what else was measured', () => {
  test('is the median too, and unknown where one run does not tell it', () => {
    const [point] = subjectOf(
      [10, 30, 20].map((input, i) =>
        comparedRun(i, [
          {
            outputTokensPerS: 100 + i,
            point: { inputTokensPerS: input, requestsPerS: i === 2 ? undefined : 1 },
          },
        ]),
      ),
    ).points
    expect(point).toMatchObject({ outputTokensPerS: 101, inputTokensPerS: 20 })
    expect(point?.requestsPerS).toBeUndefined()
    expect(point?.how?.requestsPerS).toBe('not known of R3')
  })

  const scope = (meanPowerW: number, idlePowerW?: number): ScopeEnergy => ({
    scope: 'node',
    devices: 1,
    status: 'ok',
    meanPowerW,
    idlePowerW,
  })
  const withScopes = (scopes: readonly (readonly ScopeEnergy[])[]) =>
    subjectOf(
      scopes.map((each, i) => {
        const machine: MachineFigures = { devices: [], scopes: each }
        return comparedRun(i, [{ outputTokensPerS: 100 + i, point: { machine } }])
      }),
    )

  test('power of a whole server is the median of the runs, and so is its idle power', () => {
    const subject = withScopes([[scope(900, 190)], [scope(1000, 230)], [scope(950, 210)]])
    const find = figuresOf(subject)
    expect(find('options.own.loadPowerW')).toMatchObject({ value: 950, origin: 'measured' })
    expect(find('options.own.loadPowerW')?.note).toBe(
      'measured, node; median of 3 runs: 900 (run-1), 1000 (run-2), 950 (run-3)',
    )
    expect(find('options.own.idlePowerW')?.value).toBe(210)
  })

  test('power that one run lacks is unknown: the bill takes what is stated', () => {
    const find = figuresOf(withScopes([[scope(900)], [], [scope(950)]]))
    expect(find('options.own.loadPowerW')).toMatchObject({ value: 1000, origin: 'quote' })
  })

  test('idle power that one run lacks is unknown, and load power is not', () => {
    const [point] = withScopes([[scope(900, 190)], [scope(1000)], [scope(950, 210)]]).points
    expect(point?.power).toMatchObject([{ loadPowerW: 950, idleHow: 'not known of R2' }])
    expect(point?.power[0]?.idlePowerW).toBeUndefined()
  })
})

describe('doubts about the runs are doubts about the price', () => {
  const kinds = (subject: Subject) =>
    priceSubject(subject, scenario(), catalogue).warnings.map(({ kind }) => kind)

  test('one INVALID run makes the price one that is not to be used', () => {
    const invalid = comparedRun(1, [{ outputTokensPerS: 100 }], { summary: { verdict: 'INVALID' } })
    const subject = subjectOf([...runsOf([99, 101]), invalid])
    expect(subject.verdict).toBe('INVALID')
    const { warnings } = priceSubject(subject, scenario(), catalogue)
    expect(warnings.find(({ kind }) => kind === 'invalid-run')?.text).toContain('The group')
  })

  test('random weights of one run are those of the group', () => {
    const run = comparedRun(1, [{ outputTokensPerS: 100 }])
    const target = { ...run.run.target, weights: 'random' as const }
    const subject = subjectOf([...runsOf([99, 101]), { ...run, run: { ...run.run, target } }])
    expect(kinds(subject)).toContain('unreal')
    expect(kinds(subject)).not.toContain('not-judged')
  })

  test('a group without any figures has no price, and says what to do', () => {
    expect(() => subjectOf([undefined, undefined])).toThrow('tells any figures')
  })
})
