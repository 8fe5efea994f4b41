import { describe, expect, test } from 'vitest'
import { UserError } from '../../src/errors.ts'
import { type ComparedMetric, type Comparison, compareSides } from '../../src/measure/compare.ts'
import type { Compared, HeadlineMetricName } from '../../src/measure/compare-metrics.ts'
import { noiseFloor } from '../../src/measure/compare-self.ts'
import type { ImportedLoad } from '../../src/measure/imports/imported.ts'
import type { OperatingPoint } from '../../src/measure/summary.ts'
import { comparedImport, told } from './compared-imports.ts'
import { comparedRun } from './compared-runs.ts'
import { benchmark, runLog } from './records.ts'

const throughputs = (values: readonly number[]): Compared[] =>
  values.map((outputTokensPerS) => comparedImport([{ outputTokensPerS }]))

function metricOf(
  { levels }: Pick<Comparison, 'levels'>,
  name: HeadlineMetricName,
): ComparedMetric | undefined {
  return levels.flatMap(({ metrics }) => metrics).find(({ metric }) => metric === name)
}

const differenceOf = ({ differences }: Comparison, wanted: string) =>
  differences.find(({ label }) => label === wanted)

const noteOf = ({ notes }: Comparison, wanted: string) =>
  notes.find(({ kind }) => kind === wanted)?.text

/** One figure a side, but for what rounding leaves of its logarithm. */
function expectFigures(
  comparison: Comparison,
  name: HeadlineMetricName,
  [before, after]: readonly [before: number, after: number],
): void {
  const metric = metricOf(comparison, name)
  expect(metric?.before).toBeCloseTo(before, 9)
  expect(metric?.after).toBeCloseTo(after, 9)
}

const { model } = runLog().target

/** A run at 1 user of that model, whose window and whole level came to these throughputs. */
function ours(window: number, wholeLevel: number, point: Partial<OperatingPoint> = {}): Compared {
  return comparedRun(0, [
    { outputTokensPerS: window, point: { wholeRunOutputTokensPerS: wholeLevel, ...point } },
  ])
}

const oneUser: ImportedLoad = { kind: 'closed', concurrency: 1 }

describe('results of one tool', () => {
  test('one a side have a ratio and no word of better', () => {
    const [a, b] = [throughputs([100]), throughputs([120])]
    expectFigures(compareSides([a, b]), 'outputTokensPerS', [100, 120])
    expect(metricOf(compareSides([a, b]), 'outputTokensPerS')?.word).toBe('not-enough-runs')
  })

  test('three a side are tested as runs are: 100, 102, 104 against 1.2 times as many are better', () => {
    const sides = [throughputs([100, 102, 104]), throughputs([120, 122.4, 124.8])]
    const metric = metricOf(compareSides(sides), 'outputTokensPerS')
    expect(metric).toMatchObject({ word: 'better', runs: [3, 3] })
    expect(metric?.ratio).toBeCloseTo(1.2, 12)
    const runs = [
      [100, 102, 104].map((x, i) => comparedRun(i, [{ outputTokensPerS: x }])),
      [120, 122.4, 124.8].map((x, i) => comparedRun(i + 3, [{ outputTokensPerS: x }])),
    ]
    expect(metric?.pValue).toBe(metricOf(compareSides(runs), 'outputTokensPerS')?.pValue)
  })

  test('are told as NOT JUDGED, with what they cannot tell and what stands beside no metric', () => {
    const { sides } = compareSides([throughputs([100]), throughputs([120])])
    expect(sides[0]?.runs).toEqual([
      {
        name: 'A',
        path: 'other.json',
        tool: { name: 'Other', version: '1.2' },
        verdict: 'NOT JUDGED',
        cannotTell: ['the GPU'],
        notes: ['It counts chunks.'],
      },
    ])
  })

  test('have a noise floor as runs have', () => {
    const noise = noiseFloor(throughputs([100, 102, 104]))
    expect(noise.levels[0]?.metrics[0]?.mean).toBeCloseTo(101.987, 3)
    expect(noise.levels[0]?.metrics[0]?.definitions?.[0]?.runs).toEqual(['A1', 'A2', 'A3'])
  })

  test('are not held against each other by joules or prices, which they do not tell', () => {
    const { levels } = compareSides([throughputs([100]), throughputs([120])])
    expect(levels[0]?.metrics.map(({ metric }) => metric)).toEqual(['outputTokensPerS'])
  })
})

describe('definitions', () => {
  const metrics = { tpotMs: told(10, 20, 'The first token is part of it.') }

  test('of a metric stand at it, with whose they are', () => {
    const a = comparedImport([{ metrics }])
    const b = comparedImport([{ metrics: { tpotMs: told(12, 24) } }])
    expect(metricOf(compareSides([[a], [b]]), 'tpotP95Ms')?.definitions).toEqual([
      { runs: ['A'], text: 'The first token is part of it.' },
      { runs: ['A', 'B'], text: "The tool's own percentile, not by nearest rank." },
    ])
  })

  test('say that nobody knows of how many samples a percentile is', () => {
    const unknown = { ...told(10, 20), n: undefined }
    const side = [comparedImport([{ metrics: { tpotMs: unknown } }])]
    const other = [comparedImport([{ metrics }])]
    const definitions = metricOf(compareSides([side, other]), 'tpotP50Ms')?.definitions
    expect(definitions?.[0]?.text).toContain('of an unknown number of samples')
  })

  test('are not needed among runs of ours', () => {
    const runs = [[comparedRun(0, [{ ttftP50Ms: 1 }])], [comparedRun(1, [{ ttftP50Ms: 1 }])]]
    expect(metricOf(compareSides(runs), 'ttftP50Ms')?.definitions).toBeUndefined()
  })

  test('a tool whose clock nobody knows has no TTFT to compare, and its TPOT is of unknown definition', () => {
    const unknown = { clockStart: 'unknown' } as const
    const side = [comparedImport([{ metrics: { ...metrics, ttftMs: told(1, 2) } }], unknown)]
    const other = [comparedImport([{ metrics }], unknown)]
    const comparison = compareSides([side, other])
    expect(metricOf(comparison, 'ttftP50Ms')).toBeUndefined()
    expect(metricOf(comparison, 'tpotP50Ms')?.definitions?.[0]?.text).toContain('does not say how')
  })
})

describe('a run of ours against another tool', () => {
  const other = comparedImport([{ load: oneUser, model, outputTokensPerS: 90 }])

  test('is taken with ramp and drain as theirs is: 80 over the whole level, not 100 over the window', () => {
    const comparison = compareSides([[ours(100, 80)], [other]])
    expectFigures(comparison, 'outputTokensPerS', [80, 90])
    expect(metricOf(comparison, 'outputTokensPerS')?.definitions).toEqual([
      { runs: ['A'], text: expect.stringContaining('Over the whole level') },
      { runs: ['B'], text: 'Over the whole run.' },
    ])
  })

  test('stays as it is against another run of ours on the same comparison', () => {
    const second = comparedRun(1, [{ outputTokensPerS: 110 }])
    const { levels } = compareSides([[ours(100, 80)], [second], [other]])
    const rows = levels.map(({ side, metrics }) => `${side} ${metrics[0]?.before?.toFixed(6)}`)
    expect(rows).toEqual(['B 100.000000', 'C 80.000000'])
  })

  test('names what the file does not tell and so may be another', () => {
    const comparison = compareSides([[ours(100, 80)], [other]])
    expect(noteOf(comparison, 'untold')).toMatch(/^The files of B .*: Simulated; .*workload\.kind/)
    expect(comparison.forced).toBe(false)
  })

  test('does not take what the file does not tell for the same, nor for another', () => {
    const target = {
      ...runLog().target,
      server: {
        kind: 'vllm' as const,
        proof: '',
        version: { value: '0.9', source: '' },
        launch: {},
      },
    }
    const run = comparedRun(0, [{ outputTokensPerS: 1 }], { target })
    const version = differenceOf(compareSides([[run], [other]]), 'Version')
    expect(version).toEqual({
      group: 'server',
      label: 'Version',
      comparable: true,
      values: [
        { runs: ['A'], value: '0.9' },
        { runs: ['B'], value: undefined, unknown: true },
      ],
    })
  })

  test('of another model is no comparison, of an unknown one it is', () => {
    const of = (name?: string) =>
      compareSides([
        [ours(1, 1)],
        [comparedImport([{ load: oneUser, model: name, outputTokensPerS: 1 }])],
      ])
    expect(of(model).forced).toBe(false)
    expect(of('another').forced).toBe(true)
    expect(of().forced).toBe(false)
    expect(differenceOf(of(), 'Model')?.comparable).toBe(true)
  })
})

describe('under a rate', () => {
  const load: ImportedLoad = { kind: 'open', ratePerS: 2, arrivals: 'poisson' }
  const metrics = { ttftMs: told(50, 60), latencyMs: told(500, 600) }
  const shown = (p50: number, p95: number) => {
    const at = (p: number, value?: number) => ({ p, n: 200, value })
    return { n: 200, p50: at(50, p50), p90: at(90), p95: at(95, p95), p99: at(99) }
  }
  const run = comparedRun(
    0,
    [
      {
        point: {
          load: { kind: 'poisson', ratePerS: 2 },
          label: '2 req/s Poisson',
          ttftMs: shown(500, 800),
          ttftFromSentMs: shown(40, 55),
          latencyMs: shown(1000, 2000),
        },
      },
    ],
    {
      config: {
        benchmark: benchmark({ load: { kind: 'poisson', ratePerS: [2] } }),
        url: 'http://127.0.0.1:8000',
      },
    },
  )
  const other = (parts: Partial<typeof load> = {}) =>
    comparedImport([{ load: { ...load, ...parts }, model, metrics }])

  test('our TTFT is taken from the send, as theirs is: 40 ms, and not the 500 from when it was due', () => {
    const comparison = compareSides([[run], [other()]])
    expectFigures(comparison, 'ttftP50Ms', [40, 50])
    expect(metricOf(comparison, 'ttftP50Ms')?.definitions?.[0]).toEqual({
      runs: ['A'],
      text: 'From when a request is sent, as other tools have it.',
    })
  })

  test('our latency starts elsewhere and is refused', () => {
    expect(metricOf(compareSides([[run], [other()]]), 'latencyP95Ms')).toMatchObject({
      runs: [0, 0],
      why: 'measured by different things: from when a request is due against from when a request is sent',
    })
  })

  test('two of theirs are compared in both', () => {
    const both = compareSides([[other()], [other()]])
    expectFigures(both, 'ttftP95Ms', [60, 60])
    expectFigures(both, 'latencyP95Ms', [600, 600])
  })

  test('the same rate with arrivals that a file does not tell is the same level, and they are unknown', () => {
    const comparison = compareSides([[run], [other({ arrivals: undefined })]])
    expect(comparison.levels[0]?.label).toBe('2 req/s')
    expect(comparison.forced).toBe(false)
    expect(differenceOf(comparison, 'Arrivals')?.values).toEqual([
      { runs: ['A'], value: 'poisson' },
      { runs: ['B'], unknown: true },
    ])
  })

  test('the same rate at equal gaps is another load', () => {
    const comparison = compareSides([[run], [other({ arrivals: 'constant' })]])
    expect(comparison.forced).toBe(true)
    expect(comparison.levels).toEqual([])
  })
})

describe('load levels', () => {
  const at = (concurrency: number, outputTokensPerS: number, label = '') => ({
    label,
    load: { kind: 'closed' as const, concurrency },
    outputTokensPerS,
  })

  test('that both have are compared, and the others named', () => {
    const [a, b] = [comparedImport([at(1, 10), at(8, 50)]), comparedImport([at(8, 60), at(16, 80)])]
    const comparison = compareSides([[a], [b]])
    expect(comparison.levels.map(({ label }) => label)).toEqual(['8 users'])
    expect(noteOf(comparison, 'levels-left-out')).toBe(
      'Load levels of one side alone are left out: of A 1 user; of B 16 users.',
    )
  })

  test('that no file tells are not taken for the same', () => {
    const unknown = () => comparedImport([{ load: undefined, outputTokensPerS: 1 }])
    const comparison = compareSides([[unknown()], [unknown()]])
    expect(comparison.forced).toBe(true)
    expect(differenceOf(comparison, 'Load levels')?.comparable).toBe(false)
    expect(comparison.levels.map(({ label }) => label)).toEqual(['load not told'])
  })

  test('with names of their own are the same load beside those without', () => {
    const comparison = compareSides([[comparedImport([at(8, 1, 'mine')])], throughputs([2])])
    expect(comparison.levels.map(({ label }) => label)).toEqual(['8 users'])
    expect(differenceOf(comparison, 'Name of the load, by its tool')?.values[0]?.value).toBe('mine')
  })

  test('keep those names where one file has two tests of one load', () => {
    const tests = () => comparedImport([at(1, 0, 'pp512'), at(1, 50, 'tg128')])
    expect(compareSides([[tests()], [tests()]]).levels.map(({ label }) => label)).toEqual([
      'pp512, 1 user',
      'tg128, 1 user',
    ])
  })

  test('twice in one result are several runs, which the user has to name', () => {
    const twice = comparedImport([at(8, 50), at(8, 51)])
    expect(() => compareSides([[twice], throughputs([1])])).toThrow(UserError)
    expect(() => noiseFloor([twice])).toThrow('8 users')
  })
})

describe('tokens of a request', () => {
  const of = (a: number, b: number) => {
    const side = (mean: number) =>
      comparedImport([
        { outputTokensPerS: 1, metrics: { inputTokens: { key: 'key', mean, percentiles: [] } } },
      ])
    return compareSides([[side(a)], [side(b)]])
  }

  test('that differ by a tenth may be chance, by more they are other work', () => {
    expect(of(1000, 1100).forced).toBe(false)
    expect(of(1000, 1101).forced).toBe(true)
    expect(of(1101, 1000).forced).toBe(true)
  })

  test('are told to the token', () => {
    expect(differenceOf(of(1000.4, 1023.5), 'Input tokens of a request, mean')).toMatchObject({
      comparable: true,
      values: [
        { runs: ['A'], value: '1000' },
        { runs: ['B'], value: '1024' },
      ],
    })
  })
})
