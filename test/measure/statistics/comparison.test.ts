import { describe, expect, test } from 'vitest'
import { benchstatCentre, benchstatChange } from '../../../src/measure/statistics/benchstat.ts'
import { bootstrapInterval } from '../../../src/measure/statistics/bootstrap.ts'
import { compareMetrics } from '../../../src/measure/statistics/comparison.ts'
import { logWelch } from '../../../src/measure/statistics/log-welch.ts'
import { leastP, mannWhitney, smallestNForU } from '../../../src/measure/statistics/mann-whitney.ts'
import { geometricMean } from '../../../src/measure/statistics/moments.ts'
import {
  adjustedPValues,
  familyWiseError,
} from '../../../src/measure/statistics/multiple-testing.ts'
import {
  powerOfT,
  runsToDetect,
  smallestDetectableRatio,
} from '../../../src/measure/statistics/power.ts'
import { selfComparisonBand } from '../../../src/measure/statistics/self-comparison.ts'
import { type Random, randomNormal, seededRandom } from '../../../src/random.ts'
import { publishedCases, publishedFile } from './published-cases.ts'
import { autoregressive, repeated } from './series.ts'

describe("Mann and Whitney's U", () => {
  test('by hand: 1, 2 below 3, 4 is one arrangement of six', () => {
    expect(mannWhitney([1, 2], [3, 4])).toMatchObject({
      u: 0,
      pLess: 1 / 6,
      pGreater: 1,
      pTwoSided: 2 / 6,
      method: 'exact',
    })
  })

  test('by hand, with ties: of 1, 2 | 2, 3 the 2s share rank 2.5', () => {
    // Rank sums of the six pairs of 1, 2.5, 2.5, 4: 3.5 twice, 5 twice, 6.5 twice. Observed 3.5.
    expect(mannWhitney([1, 2], [2, 3])).toMatchObject({ u: 0.5, pLess: 2 / 6, pGreater: 1 })
  })

  test('both sides swapped give the other tail', () => {
    const [x, y] = [
      [3, 1, 4, 1, 5],
      [9, 2, 6, 5, 3, 5],
    ]
    const [one, other] = [mannWhitney(x, y), mannWhitney(y, x)]
    expect(one.pLess).toBeCloseTo(other.pGreater, 12)
    expect(one.u + other.u).toBe(30)
  })

  test('equal values tell nothing, exactly or not; an empty sample is our mistake', () => {
    expect(mannWhitney([2, 2, 2, 2], [2, 2, 2, 2]).pTwoSided).toBe(1)
    expect(mannWhitney(repeated(2, 60), repeated(2, 60)).pTwoSided).toBe(1)
    expect(() => mannWhitney([], [1])).toThrow(RangeError)
  })

  test('counted and approximated agree where both can be had', () => {
    const random = seededRandom(2, 'u')
    const sample = (n: number): number[] => Array.from({ length: n }, () => randomNormal(random))
    const [x, y] = [sample(50), sample(50)]
    const exact = mannWhitney(x, y)
    // One value more on either side, in the middle of both.
    const normal = mannWhitney([...x, 0], [...y, 0])
    expect([exact.method, normal.method]).toEqual(['exact', 'normal'])
    expect(Math.abs(exact.pTwoSided - normal.pTwoSided)).toBeLessThan(0.01)
  })

  test('three runs against three can never differ at 0.05; four can', () => {
    expect(leastP(3, 3)).toBeCloseTo(0.1, 12)
    expect(smallestNForU(0.05)).toBe(4)
    expect(mannWhitney([1, 2, 3], [4, 5, 6]).pTwoSided).toBeCloseTo(0.1, 12)
  })
})

const file = 'mann-whitney-and-benchstat.json'

describe("go-moremath's published U tests", () => {
  test('2, 1, 3, 5 against 0, 4, 6, 7: 17 of 70 arrangements are as low', () => {
    // aclements/go-moremath stats/utest_test.go
    expect(mannWhitney([2, 1, 3, 5], [0, 4, 6, 7])).toMatchObject({
      u: 5,
      pLess: 17 / 70,
      pTwoSided: 34 / 70,
      pGreater: 58 / 70,
    })
  })

  test.each(publishedCases(file, /^\[/))('$id', ({ inputs, expected }) => {
    const found = mannWhitney(inputs.x, inputs.y)
    expect(found.method).toBe('exact')
    expect(found.u).toBe(expected.U)
    expect(found.pLess).toBeCloseTo(expected.p_less, 12)
    expect(found.pTwoSided).toBeCloseTo(expected.p_two_sided, 12)
    expect(found.pGreater).toBeCloseTo(expected.p_greater, 12)
  })

  test.each(publishedCases(file, /^all equal/))('$id', ({ inputs, expected }) => {
    expect(mannWhitney(inputs.x, inputs.y).pTwoSided).toBe(expected.p_two_sided)
  })

  const l1 = Array.from({ length: 500 }, (_, i) => 2 * i)
  const l2 = Array.from({ length: 600 }, (_, i) => 2 * i - 41)
  const large: Record<string, number[]> = {
    'large l1 vs l2': l2,
    'large l1 vs l1': l1,
    'large l1 vs l3': [...l1.slice(0, 30), ...l2.slice(30)],
  }
  test.each(publishedCases(file, /^large/))('$id', ({ id, expected }) => {
    const found = mannWhitney(l1, large[id] ?? [])
    expect(found.method).toBe('normal')
    expect(found.u).toBe(expected.U)
    expect(found.pLess).toBeCloseTo(expected.p_less, 12)
    expect(found.pTwoSided).toBeCloseTo(expected.p_two_sided, 12)
    expect(found.pGreater).toBeCloseTo(expected.p_greater, 12)
  })

  test.each(publishedCases(file, /^min p/))('$id', ({ inputs, expected }) => {
    expect(leastP(inputs.n1, inputs.n2)).toBeCloseTo(expected.min_p_two_sided, 14)
    const below = Array.from({ length: inputs.n1 }, (_, i) => i)
    const above = Array.from({ length: inputs.n2 }, (_, i) => 100 + i)
    expect(mannWhitney(below, above).pTwoSided).toBeCloseTo(expected.min_p_two_sided, 12)
  })
})

describe('benchstat', () => {
  test('prints a change only where the test tells one, and says how many runs it lacks', () => {
    // golang/perf benchmath: 4 runs a side at 0.05, 6 for an interval at 0.95.
    expect(benchstatChange([100], [101])).toEqual({
      deltaRatio: undefined,
      pValue: 1,
      neededN: 4,
    })
    expect(benchstatCentre([100])).toMatchObject({ median: 100, rangeRatio: undefined, neededN: 6 })
    const change = benchstatChange([10, 11, 12, 13], [20, 21, 22, 23])
    // Medians 11.5 and 21.5.
    expect(change.deltaRatio).toBeCloseTo(10 / 11.5, 12)
  })

  const percent = (share: number | undefined, digits: number): string =>
    share === undefined ? '∞' : `${(share * 100).toFixed(digits)}%`

  test.each(publishedCases(file, /^benchstat Encode/))('$id', ({ inputs, expected }) => {
    const { old_ns, new_ns, alpha, confidence } = inputs
    const [before, after] = [
      benchstatCentre(old_ns, confidence),
      benchstatCentre(new_ns, confidence),
    ]
    expect([before.median, after.median]).toEqual([expected.median_old, expected.median_new])
    expect(percent(before.rangeRatio, 0)).toBe(expected.range_old)
    expect(percent(after.rangeRatio, 0)).toBe(expected.range_new)
    const { deltaRatio, pValue } = benchstatChange(old_ns, new_ns, alpha)
    expect(deltaRatio === undefined ? '~' : percent(deltaRatio, 2)).toBe(expected.delta)
    expect(pValue.toFixed(3)).toBe(expected.p_printed)
    expect(old_ns).toHaveLength(expected.n)
  })

  test.each(publishedCases(file, /geomean/))('$id', ({ inputs, expected }) => {
    const [before, after] = [geometricMean(inputs.old), geometricMean(inputs.new)]
    expect(Number(before) / expected.geomean_old).toBeCloseTo(1, 12)
    expect(Number(after) / expected.geomean_new).toBeCloseTo(1, 12)
    expect(percent(Number(after) / Number(before) - 1, 2)).toBe(expected.delta)
  })

  test.each(publishedCases(file, /n=1$/).filter(({ id }) => id.startsWith('benchstat')))(
    '$id',
    ({ inputs, expected }) => {
      const centre = benchstatCentre(inputs.old)
      const change = benchstatChange(inputs.old, inputs.new)
      expect(percent(centre.rangeRatio, 0)).toBe(expected.range)
      expect(change.deltaRatio === undefined ? '~' : change.deltaRatio).toBe(expected.delta)
      expect(change.pValue.toFixed(3)).toBe(expected.p)
      expect([
        `need >= ${centre.neededN} samples for confidence interval at level 0.95`,
        `need >= ${change.neededN} samples to detect a difference at alpha level 0.05`,
      ]).toEqual(expected.warnings)
    },
  )

  test('a geometric mean of nothing, or of what is not above 0, is not known', () => {
    expect(geometricMean([1, 4])).toBeCloseTo(2, 12)
    expect(geometricMean([])).toBeUndefined()
    expect(geometricMean([1, 0])).toBeUndefined()
  })
})

describe('the ratio of two sets of runs', () => {
  test('by hand: e^0, e^1, e^2 against e^1, e^2, e^3 is e, from e^(1 - 2.267) to e^(1 + 2.267)', () => {
    // Variances 1 and 1, error sqrt(2/3) = 0.8165, 4 degrees of freedom, t 2.7764; T = 1.2247, p 0.2879.
    const found = logWelch([1, Math.E, Math.E ** 2], [Math.E, Math.E ** 2, Math.E ** 3])
    expect(found.ratio).toBeCloseTo(Math.E, 12)
    expect(found.degreesOfFreedom).toBeCloseTo(4, 12)
    expect(Math.log(Number(found.high))).toBeCloseTo(1 + 2.776445 * Math.sqrt(2 / 3), 5)
    expect(Math.log(Number(found.low))).toBeCloseTo(1 - 2.776445 * Math.sqrt(2 / 3), 5)
    expect(found.pValue).toBeCloseTo(0.28786, 4)
  })

  test('swapped sides give the reciprocal and the same p', () => {
    const [a, b] = [
      [100, 103, 99],
      [110, 108, 115, 111],
    ]
    const [one, other] = [logWelch(a, b), logWelch(b, a)]
    expect(Number(one.low) * Number(other.high)).toBeCloseTo(1, 12)
    expect(one.pValue).toBeCloseTo(Number(other.pValue), 12)
  })

  test('one run a side has a ratio and no interval; what is not above 0 has neither', () => {
    expect(logWelch([100], [110])).toEqual({
      ratio: expect.closeTo(1.1, 12),
      low: undefined,
      high: undefined,
      pValue: undefined,
      degreesOfFreedom: undefined,
    })
    expect(logWelch([5, 5], [5, 5])).toMatchObject({ ratio: 1, low: undefined })
    expect(logWelch([0, 1], [1, 2]).ratio).toBeUndefined()
    expect(logWelch([], [1, 2]).ratio).toBeUndefined()
  })
})

/** Figures of runs of one system: lognormal, 2 % from run to run. */
const runsOf = (n: number, random: Random, ratio = 1): number[] =>
  Array.from({ length: n }, () => 1000 * ratio * Math.exp(0.02 * randomNormal(random)))

describe('a comparison', () => {
  const compareOne = (before: number[], after: number[], options = {}) =>
    compareMetrics([{ name: 'tokens', before, after }], options)[0]

  test('of a thing with itself finds a difference 33 to 69 times in 1,000', () => {
    const { min, max } = selfComparisonBand(1000, 0.05)
    expect([min, max]).toEqual([33, 69])
    let hits = 0
    for (let seed = 0; seed < 1000; seed++) {
      const random = seededRandom(seed, 'itself')
      const found = compareOne(runsOf(5, random), runsOf(5, random), { adjustment: 'none' })
      if (Number(found?.pValue) <= 0.05) hits++
    }
    expect(hits).toBeGreaterThanOrEqual(min)
    expect(hits).toBeLessThanOrEqual(max)
  })

  test.each([
    ['higher', [100, 101, 99, 100], [110, 111, 109, 110]],
    ['lower', [110, 111, 109, 110], [100, 101, 99, 100]],
    // Told apart for sure, by 1 %, which does not matter.
    ['same', [100, 100.1, 99.9, 100], [101, 101.1, 100.9, 101]],
    ['unclear', [100, 130, 80, 100], [110, 140, 90, 110]],
    ['too-few-runs', [100], [200]],
  ] as const)('is %s', (verdict, before, after) => {
    expect(compareOne([...before], [...after])?.verdict).toBe(verdict)
  })

  test('a tenth metric must be surer than a first', () => {
    const [before, after] = [
      [100, 101, 99, 100],
      [103, 104.5, 102.5, 103],
    ]
    const alone = compareOne(before, after)
    expect(Number(alone?.pValue)).toBeLessThan(0.05)
    expect(Number(alone?.pValue)).toBeGreaterThan(0.0005)
    expect(alone?.verdict).toBe('higher')
    const noise = { name: 'noise', before: [100, 110, 90, 100], after: [101, 111, 91, 101] }
    const many = compareMetrics([
      { name: 'tokens', before, after },
      ...repeated(0, 60).map(() => noise),
    ])
    expect(many[0]?.adjustedPValue).toBeCloseTo(61 * Number(alone?.pValue), 9)
    expect(many[0]?.verdict).toBe('unclear')
  })

  test('a metric that cannot be tested does not make the others pay', () => {
    const [tokens, single] = compareMetrics([
      { name: 'tokens', before: [100, 101, 99, 100], after: [110, 111, 109, 110] },
      { name: 'single', before: [1], after: [2] },
    ])
    expect(tokens?.adjustedPValue).toBe(tokens?.pValue)
    expect(single).toMatchObject({ verdict: 'too-few-runs', adjustedPValue: undefined })
    expect(single?.ratio).toBeCloseTo(2, 12)
  })
})

describe('several tests at once', () => {
  test('by hand: 0.01, 0.02 and 0.04 become 0.03, 0.04 and 0.04 by Holm', () => {
    expect(adjustedPValues([0.04, 0.01, 0.02], 'holm')).toEqual([0.04, 0.03, 0.04])
    expect(adjustedPValues([0.04, 0.01, 0.02], 'bonferroni')).toEqual([0.12, 0.03, 0.06])
    // 0.01 x 3/1, 0.02 x 3/2, 0.04 x 3/3.
    expect(adjustedPValues([0.04, 0.01, 0.02], 'benjamini-hochberg')).toEqual([0.04, 0.03, 0.03])
    expect(adjustedPValues([0.04, 0.01], 'none')).toEqual([0.04, 0.01])
    expect(adjustedPValues([], 'holm')).toEqual([])
  })

  test('no adjusted p is over 1 or under the plain one', () => {
    const plain = [0.5, 0.9, 0.001, 0.3]
    for (const adjustment of ['bonferroni', 'holm', 'benjamini-hochberg'] as const)
      for (const [i, p] of adjustedPValues(plain, adjustment).entries()) {
        expect(p).toBeLessThanOrEqual(1)
        expect(p).toBeGreaterThanOrEqual(Number(plain[i]))
      }
  })

  test.each(publishedCases('multiple-testing.json', /ladder|mixed/))(
    '$id',
    ({ inputs, expected }) => {
      const names = { bonferroni: 'bonferroni', holm: 'holm', bh: 'benjamini-hochberg' } as const
      for (const [name, published] of Object.entries<number[]>(expected)) {
        const adjusted = adjustedPValues(inputs.p, names[name as keyof typeof names])
        expect(adjusted).toHaveLength(published.length)
        for (const [i, p] of published.entries()) expect(adjusted[i], name).toBeCloseTo(p, 12)
      }
    },
  )

  test.each(publishedCases('multiple-testing.json', /family/))('$id', ({ inputs, expected }) => {
    for (const [i, tests] of inputs.tests.entries())
      expect(familyWiseError(inputs.alpha, tests)).toBeCloseTo(expected.fwer[i], 12)
  })
})

describe('comparing a thing with itself', () => {
  test('by hand: twenty times at 5 % finds nothing to four times, 99 times in 100', () => {
    // Binomial(20, 0.05): P(0) = 0.358, P(<= 3) = 0.984, P(<= 4) = 0.9974.
    expect(selfComparisonBand(20, 0.05)).toEqual({ min: 0, max: 4 })
  })

  test.each(publishedCases('aa-test-acceptance.json'))('$id', ({ inputs, expected }) => {
    expect(selfComparisonBand(inputs.trials, inputs.alpha)).toEqual({
      min: expected.accept_false_positives_min,
      max: expected.accept_false_positives_max,
    })
  })

  interface Row {
    level: 'request' | 'run-welch-log' | 'run-mwu-exact'
    runs: number
    between: number
    rho: number
    fpr: number
  }
  const simulated = publishedFile('simulated-operating-characteristics.json')?.cases ?? []
  const rowsOf = (id: string) =>
    simulated.find((each: { id: string }) => each.id === id)?.rows ?? []
  const rows: Row[] = rowsOf('aa')

  const REQUESTS = 2000

  /** Latencies of one run: lognormal, 0.3 within a run, neighbours alike by rho. */
  function latencies({ between, rho }: Row, random: Random): number[] {
    const run = between * randomNormal(random)
    return Array.from(autoregressive(REQUESTS, rho, random), (z) => Math.exp(run + 0.3 * z))
  }

  function falseFindings(row: Row, trials: number): number {
    let found = 0
    for (let seed = 0; seed < trials; seed++) {
      const random = seededRandom(seed, 'false findings')
      const side = (): number[] =>
        row.level === 'request'
          ? latencies(row, random)
          : Array.from({ length: row.runs }, () => {
              const values = latencies(row, random)
              return values.reduce((sum, value) => sum + value, 0) / values.length
            })
      const [before, after] = [side(), side()]
      const pValue =
        row.level === 'run-mwu-exact'
          ? mannWhitney(before, after).pTwoSided
          : logWelch(before, after).pValue
      if (Number(pValue) <= 0.05) found++
    }
    return found / trials
  }

  test.each(rows)('simulated elsewhere: $level, $runs runs, $between between, rho $rho', (row) => {
    const trials = row.level === 'request' ? 300 : 200
    const share = falseFindings(row, trials)
    // Four deviations of a share in these trials and of one in theirs, of 1,000 at least.
    const spread = Math.max(0.03, row.fpr) * (1 - row.fpr)
    const noise = 4 * Math.sqrt(spread / trials + spread / 1000)
    expect(Math.abs(share - row.fpr)).toBeLessThan(noise)
  })

  const ratioRows: { runs: number; welch_log: number; boot: number }[] = rowsOf('ratio_cov')

  test.each(ratioRows)('simulated elsewhere: ratio of $runs runs', ({ runs, welch_log, boot }) => {
    const trials = 600
    let [byWelch, byBootstrap] = [0, 0]
    for (let seed = 0; seed < trials; seed++) {
      const random = seededRandom(seed, 'ratio')
      const [before, after] = [runsOf(runs, random), runsOf(runs, random)]
      const { low, high } = logWelch(before, after)
      if (Number(low) <= 1 && 1 <= Number(high)) byWelch++
      const drawn = bootstrapInterval({
        n: 2 * runs,
        // The first half of the draws stands for one side, the second for the other.
        statistic: (indices) => {
          let [from, to] = [0, 0]
          for (let i = 0; i < runs; i++) {
            from += Number(before[Number(indices[i]) % runs])
            to += Number(after[Number(indices[runs + i]) % runs])
          }
          return to / from
        },
        blocks: { kind: 'independent' },
        resamples: 400,
        random,
      })
      if (Number(drawn.low) <= 1 && 1 <= Number(drawn.high)) byBootstrap++
    }
    // Four deviations of a share in 600 trials and of one in 2,000.
    const noise = (share: number): number =>
      4 * Math.sqrt(share * (1 - share) * (1 / trials + 1 / 2000))
    expect(Math.abs(byWelch / trials - welch_log)).toBeLessThan(noise(welch_log))
    expect(Math.abs(byBootstrap / trials - boot)).toBeLessThan(noise(boot))
  })
})

describe('what so many runs can tell', () => {
  test.each([
    // Cohen 1988, table 2.4.1; G*Power 3.1, t tests, means of two groups, two-tailed.
    [64, 0.5, 0.801],
    [26, 0.8, 0.807],
    [17, 1, 0.807],
  ])('%i a side find an effect of %d with %d', (n, effect, power) => {
    expect(powerOfT(n, effect, 0.05)).toBeCloseTo(power, 3)
  })

  test('where there is no effect, the power is the level', () => {
    expect(powerOfT(3, 0, 0.05)).toBeCloseTo(0.05, 6)
    expect(powerOfT(30, 0, 0.01)).toBeCloseTo(0.01, 6)
  })

  test('five runs a side that scatter by 2 % find 4.1 % four times in five', () => {
    const ratio = smallestDetectableRatio(5, 0.02)
    // An effect of 2.0244 deviations (G*Power); exp(0.0405).
    expect(ratio).toBeCloseTo(Math.exp(2.0244 * 0.02), 3)
    const trials = 1000
    let found = 0
    for (let seed = 0; seed < trials; seed++) {
      const random = seededRandom(seed, 'power')
      const { pValue } = logWelch(runsOf(5, random), runsOf(5, random, ratio))
      if (Number(pValue) <= 0.05) found++
    }
    // Four deviations of 80 % in 1,000, and Welch loses a little against Student.
    expect(found / trials).toBeGreaterThan(0.74)
    expect(found / trials).toBeLessThan(0.86)
  })

  test('the runs that find a ratio are the fewest that do', () => {
    const ratio = smallestDetectableRatio(5, 0.02)
    // A hair more or less, as the last bit decides at the ratio itself.
    expect(runsToDetect(ratio * 1.0001, 0.02)).toBe(5)
    expect(runsToDetect(ratio / 1.0001, 0.02)).toBe(6)
    expect(runsToDetect(1 / 1.02, 0.02)).toBe(runsToDetect(1.02, 0.02))
    expect(runsToDetect(1, 0.02)).toBeUndefined()
  })
})
