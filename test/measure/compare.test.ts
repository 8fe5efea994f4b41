import { describe, expect, test } from 'vitest'
import { type ComparedMetric, compareSides } from '../../src/measure/compare.ts'
import type { ComparedRun } from '../../src/measure/compare-metrics.ts'
import { noiseFloor } from '../../src/measure/compare-self.ts'
import { smallestDetectableRatio } from '../../src/measure/statistics/power.ts'
import { selfComparisonBand } from '../../src/measure/statistics/self-comparison.ts'
import { randomNormal, seededRandom } from '../../src/random.ts'
import { comparedRun } from './compared-runs.ts'
import { benchmark, runLog } from './records.ts'

const throughputs = (values: readonly number[], from = 0): ComparedRun[] =>
  values.map((outputTokensPerS, i) => comparedRun(from + i, [{ outputTokensPerS }]))

function only(sides: readonly (readonly ComparedRun[])[]): ComparedMetric {
  const metric = compareSides(sides).levels[0]?.metrics[0]
  if (metric === undefined) throw new Error('nothing was compared')
  return metric
}

/** Two-sided p of Student's t with 4 degrees of freedom, in closed form (Abramowitz and Stegun 26.7.4). */
function pAtFourDegrees(t: number): number {
  const angle = Math.atan(t / 2)
  return 1 - Math.sin(angle) * (1 + Math.cos(angle) ** 2 / 2)
}

describe('three runs against three, by hand', () => {
  // ln 100, 102, 104 = ln 100 + 0, 0.019803, 0.039221: mean + 0.019674, squares around it 0.00076916,
  // variance 0.00038458. The other side is 1.2 times as much: the same variance, so 4 degrees of freedom.
  const faster = only([throughputs([100, 102, 104]), throughputs([120, 122.4, 124.8], 3)])
  const error = Math.sqrt((2 * 0.000_384_58) / 3)

  test('the ratio is 1.2, from 1.148 to 1.255', () => {
    expect(faster.before).toBeCloseTo(101.987, 3)
    expect(faster.ratio).toBeCloseTo(1.2, 12)
    // t of 97.5 % with 4 degrees of freedom is 2.776445.
    expect(faster.low).toBeCloseTo(1.2 * Math.exp(-2.776_445 * error), 4)
    expect(faster.high).toBeCloseTo(1.2 * Math.exp(2.776_445 * error), 4)
    expect(faster.low).toBeCloseTo(1.1478, 4)
  })

  test('its p is 0.00034, and one test is not adjusted', () => {
    expect(faster.pValue).toBeCloseTo(pAtFourDegrees(Math.log(1.2) / error), 6)
    expect(faster.pValue).toBeCloseTo(0.000_34, 5)
    expect(faster.adjustedPValue).toBe(faster.pValue)
  })

  test('more tokens/s are better, and fewer worse', () => {
    expect(faster.word).toBe('better')
    const slower = only([throughputs([120, 122.4, 124.8]), throughputs([100, 102, 104], 3)])
    expect(slower.word).toBe('worse')
    expect(slower.ratio).toBeCloseTo(1 / 1.2, 12)
  })

  test('a higher TTFT is worse', () => {
    const runs = (values: number[], from: number) =>
      values.map((ttftP50Ms, i) => comparedRun(from + i, [{ ttftP50Ms }]))
    expect(only([runs([100, 102, 104], 0), runs([120, 122.4, 124.8], 3)])).toMatchObject({
      metric: 'ttftP50Ms',
      word: 'worse',
    })
  })

  test('Mann and Whitney cannot tell three from three, and are not asked', () => {
    expect(faster.mannWhitneyP).toBeUndefined()
  })

  test('four against four, all above, have an exact p of 2 in 70', () => {
    const four = only([throughputs([100, 102, 104, 106]), throughputs([120, 122, 124, 126], 4)])
    expect(four.mannWhitneyP).toBeCloseTo(2 / 70, 12)
  })

  test('with a tie the exact p counts arrangements of shared ranks', () => {
    // 1, 2, 3, 4 against 4, 5, 6, 7: the 4s share rank 4.5. The rank sum of the first side, 10.5, is reached or
    // undercut by 1, 2, 3 with either 4: 2 of 70 arrangements; both tails make 4 of 70.
    const tied = only([throughputs([1, 2, 3, 4]), throughputs([4, 5, 6, 7], 4)])
    expect(tied.mannWhitneyP).toBeCloseTo(4 / 70, 12)
  })

  test('the smallest ratio that could be seen is that of a spread of 1.96 % and three runs', () => {
    const seen = smallestDetectableRatio(3, Math.sqrt(0.000_384_58))
    expect(faster.smallestRatio).toBeCloseTo(seen, 4)
    expect(seen).toBeGreaterThan(1.05)
  })
})

describe('several tests', () => {
  const both = compareSides([
    [100, 102, 104].map((x, i) => comparedRun(i, [{ outputTokensPerS: x, ttftP50Ms: x }])),
    [100, 102, 104].map((x, i) =>
      comparedRun(i + 3, [{ outputTokensPerS: 1.2 * x, ttftP50Ms: 1.03 * x }]),
    ),
  ])
  const [throughput, ttft] = both.levels[0]?.metrics ?? []

  test('by Holm the surer of two p is doubled, the other stays', () => {
    expect(both.tests).toBe(2)
    expect(throughput?.adjustedPValue).toBeCloseTo(2 * (throughput?.pValue ?? 0), 12)
    expect(ttft?.adjustedPValue).toBe(ttft?.pValue)
  })

  test('3 % that these runs cannot tell from chance are no detectable difference', () => {
    expect(ttft?.word).toBe('no-detectable-difference')
    expect(ttft?.smallestRatio).toBeGreaterThan(1.03)
  })

  test('levels and sides count as tests too', () => {
    const runs = (from: number, by: number) =>
      [100, 102, 104].map((x, i) =>
        comparedRun(from + i, [{ outputTokensPerS: by * x }, { outputTokensPerS: 2 * by * x }]),
      )
    const three = compareSides([runs(0, 1), runs(3, 1.1), runs(6, 1.2)])
    expect(three.tests).toBe(4)
    expect(three.levels.map(({ label, side }) => `${side} ${label}`)).toEqual([
      'B 1 user',
      'B 2 users',
      'C 1 user',
      'C 2 users',
    ])
  })

  test('a sure difference of 1 % is not called better: 2 % are the least that matters', () => {
    const sure = only([
      throughputs([100, 100.01, 100.02, 100.03]),
      throughputs([101, 101.01, 101.02, 101.03], 4),
    ])
    expect(sure.adjustedPValue).toBeLessThan(1e-6)
    expect(sure.word).toBe('no-detectable-difference')
  })
})

describe('too little to tell', () => {
  test('one run a side shows its ratio, without a word of better', () => {
    const one = only([throughputs([100]), throughputs([200], 1)])
    expect(one).toMatchObject({ word: 'not-enough-runs', runs: [1, 1] })
    expect(one.ratio).toBeCloseTo(2, 12)
    expect(one.low).toBeUndefined()
    expect(one.adjustedPValue).toBeUndefined()
    expect(one.smallestRatio).toBeUndefined()
    expect(one.why).toContain('2 runs a side')
  })

  test('a percentile that one side withholds has no ratio, and says why', () => {
    const [withheld] = [0, 1].map((i) => comparedRun(i, [{}]))
    const known = comparedRun(2, [{ ttftP95Ms: 100 }])
    expect(only([[withheld ?? known], [known]])).toMatchObject({
      metric: 'ttftP95Ms',
      runs: [0, 1],
      word: 'not-enough-runs',
      why: 'the first side does not have it: not measured or withheld',
    })
  })

  test('a metric that no run has takes no row', () => {
    const { levels } = compareSides([throughputs([100]), throughputs([200], 1)])
    expect(levels[0]?.metrics.map(({ metric }) => metric)).toEqual(['outputTokensPerS'])
  })

  test('runs that all have one figure differ by nothing, or by what no spread can judge', () => {
    expect(only([throughputs([5, 5]), throughputs([5, 5], 2)]).word).toBe(
      'no-detectable-difference',
    )
    expect(only([throughputs([5, 5]), throughputs([6, 6], 2)]).word).toBe('not-enough-runs')
    // The mean of three equal logarithms is off by a rounding, which is no spread.
    const three = [throughputs([14.9, 14.9, 14.9]), throughputs([15.9, 15.9, 15.9], 3)]
    expect(only(three)).toMatchObject({ word: 'not-enough-runs', pValue: undefined })
  })

  test('a throughput of 0 has no ratio', () => {
    expect(only([throughputs([0, 1]), throughputs([1, 2], 2)])).toMatchObject({
      ratio: undefined,
      why: 'a figure is not above 0, so there is no ratio',
    })
  })

  test('joules of a GPU and of a wall meter are not held against each other', () => {
    const joules = (scope: 'gpu' | 'wall') => ({
      point: {
        machine: {
          devices: [],
          scopes: [{ scope, devices: 1, status: 'ok' as const, grossJPerOutputToken: 2 }],
        },
      },
    })
    const apart = only([[comparedRun(0, [joules('gpu')])], [comparedRun(1, [joules('wall')])]])
    expect(apart).toMatchObject({ metric: 'grossJPerOutputToken', runs: [0, 0] })
    expect(apart.why).toBe('measured by different things: gpu against wall')
    const same = only([[comparedRun(0, [joules('gpu')])], [comparedRun(1, [joules('gpu')])]])
    expect(same.ratio).toBe(1)
  })
})

describe('what differs', () => {
  const server = (version: string) => ({
    kind: 'vllm' as const,
    proof: 'GET /version: version',
    version: { value: version, source: 'GET /version: version' },
    launch: {},
  })
  const on = (version: string) => ({ target: { ...runLog().target, server: server(version) } })
  const level = [{ outputTokensPerS: 100 }]

  test('is nothing for runs of one thing', () => {
    const same = compareSides([[comparedRun(0, level)], [comparedRun(1, level)]])
    expect(same.differences).toEqual([])
    expect(same.forced).toBe(false)
  })

  test('another version of the server is told, by run, and refuses nothing', () => {
    const { differences, forced } = compareSides([
      [comparedRun(0, level, on('0.6')), comparedRun(1, level, on('0.6'))],
      [comparedRun(2, level, on('0.7'))],
    ])
    expect(differences).toEqual([
      {
        group: 'server',
        label: 'Version',
        comparable: true,
        values: [
          { runs: ['A1', 'A2'], value: '0.6' },
          { runs: ['B'], value: '0.7' },
        ],
      },
    ])
    expect(forced).toBe(false)
  })

  test('a side of two versions is no side of one thing', () => {
    const { notes } = compareSides([
      [comparedRun(0, level, on('0.6')), comparedRun(2, level, on('0.7'))],
      [comparedRun(1, level, on('0.6')), comparedRun(3, level, on('0.6'))],
    ])
    expect(notes.map(({ kind }) => kind)).toEqual(['few-runs', 'mixed-side'])
    expect(notes[1]?.text).toContain('Runs A1, A2 are not of one thing: server Version.')
  })

  const asked = (parts: object) => ({
    config: { benchmark: benchmark(parts), url: 'http://127.0.0.1:8000' },
  })
  test.each([
    [
      'another workload',
      asked({ workload: { kind: 'synthetic', inputTokens: 17, outputTokens: 8 } }),
    ],
    ['another loop', asked({ load: { kind: 'poisson', ratePerS: [1] } })],
    ['no load level in common', asked({ load: { kind: 'closed', concurrency: [7] } })],
    ['another model', { target: { ...runLog().target, model: 'other' } }],
    ['a simulator against a server', { target: { ...runLog().target, simulated: true } }],
    ['other data', { dataset: { format: 'jsonl', sha256: 'ab', requests: 1, leftOut: 0 } }],
  ])('%s cannot be compared', (_, parts) => {
    const { forced } = compareSides([[comparedRun(0, level)], [comparedRun(1, level, parts)]])
    expect(forced).toBe(true)
  })

  test('chunks taken for tokens are another unit', () => {
    const chunks = comparedRun(1, [{ outputTokensPerS: 100, point: { tokenSource: 'chunks' } }])
    const { differences } = compareSides([[comparedRun(0, level)], [chunks]])
    expect(differences).toMatchObject([{ label: 'Output tokens counted by', comparable: false }])
  })

  test.each([
    ['seed', asked({ seed: 2 })],
    ['durationS', asked({ durationS: 2 })],
    ['Load levels', asked({ load: { kind: 'closed', concurrency: [1, 2] } })],
  ])('another %s is told and can be compared', (label, parts) => {
    const { differences } = compareSides([[comparedRun(0, level)], [comparedRun(1, level, parts)]])
    expect(differences).toMatchObject([{ group: 'benchmark', label, comparable: true }])
  })

  test('another machine is told by its hash and by what of it is another', () => {
    const { hardware } = runLog()
    const cores = { status: 'ok', value: 64, source: 'test' } as const
    const other = {
      ...hardware,
      host: { ...hardware.host, cpuCoresPhysical: cores },
      hwHash: 'other',
    }
    const { differences, machineChanges } = compareSides([
      [comparedRun(0, level)],
      [comparedRun(1, level, { hardware: other })],
    ])
    expect(differences).toMatchObject([{ group: 'hardware', label: 'Hardware hash' }])
    expect(machineChanges).toMatchObject([{ group: 'hardware', runs: ['B'] }])
    expect(machineChanges[0]?.text).toContain('64')
  })

  test('sides that were measured one after the other are warned of drift, interleaved ones are not', () => {
    const kinds = (a: number[], b: number[]) =>
      compareSides([
        a.map((n) => comparedRun(n, level)),
        b.map((n) => comparedRun(n, level)),
      ]).notes.map(({ kind }) => kind)
    expect(kinds([0, 1], [2, 3])).toContain('not-interleaved')
    expect(kinds([0, 2], [1, 3])).not.toContain('not-interleaved')
  })
})

describe('a thing held against itself', () => {
  /** Throughputs of runs that scatter by 2 % and differ by nothing else. */
  const simulated = (count: number, seed: number): number[] => {
    const random = seededRandom(seed)
    return Array.from({ length: count }, () => 100 * Math.exp(0.02 * randomNormal(random)))
  }

  test('by hand: 100, 102, 104 have a mean of 101.99 and a spread of 1.96 %', () => {
    const noise = noiseFloor(throughputs([100, 102, 104]))
    expect(noise.levels[0]?.metrics[0]).toMatchObject({
      metric: 'outputTokensPerS',
      runs: 3,
      min: 100,
      max: 104,
    })
    expect(noise.levels[0]?.metrics[0]?.mean).toBeCloseTo(101.987, 3)
    expect(noise.levels[0]?.metrics[0]?.spreadRatio).toBeCloseTo(Math.sqrt(0.000_384_58), 5)
  })

  test('runs that scatter by 2 % are found to, and five a side then see 4 %', () => {
    const metric = noiseFloor(throughputs(simulated(200, 1))).levels[0]?.metrics[0]
    expect(metric?.spreadRatio).toBeGreaterThan(0.018)
    expect(metric?.spreadRatio).toBeLessThan(0.022)
    const [three, five, ten] = metric?.floors ?? []
    expect(five?.runsPerSide).toBe(5)
    // At a spread of exactly 2 % it is 4.1 %; 200 runs tell the spread to a twentieth or so.
    expect(five?.smallestRatio).toBeGreaterThan(1.036)
    expect(five?.smallestRatio).toBeLessThan(1.046)
    expect(three?.smallestRatio).toBeGreaterThan(five?.smallestRatio ?? 9)
    expect(ten?.smallestRatio).toBeLessThan(five?.smallestRatio ?? 0)
  })

  test('a comparison of a thing with itself says better or worse about as often as it may', () => {
    // 100 comparisons at 0.05: at most 11 hits in 99 of 100 cases.
    let hits = 0
    for (let i = 0; i < 100; i++) {
      const runs = throughputs(simulated(6, 100 + i))
      const { word } = only([runs.slice(0, 3), runs.slice(3)])
      if (word === 'better' || word === 'worse') hits++
    }
    expect(hits).toBeGreaterThan(0)
    expect(hits).toBeLessThanOrEqual(selfComparisonBand(100, 0.05).max)
  })

  test('a single run that has a metric has no spread', () => {
    const noise = noiseFloor([comparedRun(0, [{ ttftP95Ms: 10 }]), comparedRun(1, [{}])])
    expect(noise.levels[0]?.metrics[0]).toMatchObject({
      runs: 1,
      floors: [],
      why: 'fewer than 2 runs have it above 0',
    })
  })
})
