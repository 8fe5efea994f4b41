import { describe, expect, test } from 'vitest'
import { binomialCdf, binomialQuantile } from '../../../src/measure/binomial.ts'
import { orderStatisticRanks, rankOf } from '../../../src/measure/quantile.ts'
import {
  coverage,
  equalTailedRanks,
  medianInterval,
  narrowestRanks,
  smallestNForInterval,
} from '../../../src/measure/statistics/order-statistics.ts'
import { seededRandom } from '../../../src/random.ts'
import { publishedCases, publishedFile } from './published-cases.ts'

const file = 'quantile-ci-order-statistics.json'

describe('the equal-tailed interval of a quantile', () => {
  test('by hand: of six samples the whole range holds the median with 1 - 2/64', () => {
    const { lowRank, highRank, coverage } = equalTailedRanks(6, 50, 0.95)
    expect([lowRank, highRank]).toEqual([1, 6])
    expect(coverage).toBeCloseTo(0.96875, 12)
  })

  test('is at 95 % the one that percentiles are printed with', () => {
    for (const [n, p] of [
      [700, 99],
      [64, 90],
      [5000, 50],
    ] as const)
      expect(equalTailedRanks(n, p, 0.95)).toMatchObject(orderStatisticRanks(n, p))
  })

  test.each(publishedCases(file, /^equal-tail/))('$id', ({ inputs, expected }) => {
    const ranks = equalTailedRanks(inputs.n, inputs.q * 100, inputs.confidence)
    expect([ranks.lowRank, ranks.highRank]).toEqual([expected.lo_order, expected.hi_order])
    expect(ranks.highRank > inputs.n).toBe(expected.upper_unbounded)
    expect(ranks.lowRank < 1).toBe(expected.lower_unbounded)
    expect(ranks.coverage).toBeCloseTo(expected.actual_confidence, 8)
  })

  test('of p99 holds it 95 % of the time on a heavy-tailed law, with 1,000 samples', () => {
    // Pareto with a shape of 1.5: no variance. Its p99 is 0.01^(-1/1.5) = 21.54.
    const random = seededRandom(99, 'coverage')
    const p99 = 0.01 ** (-1 / 1.5)
    const { lowRank, highRank, coverage } = equalTailedRanks(1000, 99, 0.95)
    // Whole ranks cannot give 95 % to the digit; by the binomial law these two give 97.6 %.
    expect([lowRank, highRank]).toEqual([983, 997])
    expect(coverage).toBeCloseTo(0.976, 3)
    const samples = new Float64Array(1000)
    const trials = 2000
    let held = 0
    for (let trial = 0; trial < trials; trial++) {
      for (let i = 0; i < samples.length; i++) samples[i] = (1 - random()) ** (-1 / 1.5)
      samples.sort()
      if (Number(samples[lowRank - 1]) <= p99 && p99 < Number(samples[highRank - 1])) held++
    }
    expect(held / trials).toBeGreaterThan(0.93)
    expect(held / trials).toBeLessThan(0.99)
    // Four deviations of a share in 2,000 trials.
    expect(Math.abs(held / trials - coverage)).toBeLessThan(4 * Math.sqrt(0.0238 / 2000))
  })
})

describe('the narrowest interval of a quantile', () => {
  test.each(publishedCases(file, /^go /))('$id', ({ inputs, expected }) => {
    const ranks = narrowestRanks(inputs.n, inputs.q * 100, inputs.confidence)
    expect([ranks.lowRank, ranks.highRank]).toEqual([expected.lo_order, expected.hi_order])
    expect(ranks.coverage).toBeCloseTo(expected.actual_confidence, 12)
    expect(ranks.ambiguous).toBe(expected.ambiguous)
  })

  test.each(publishedCases(file, /^benchmath/))('$id', ({ inputs, expected }) => {
    const { median, low, high, coverage, neededN } = medianInterval(
      inputs.values,
      inputs.confidence,
    )
    expect(median).toBe(expected.center)
    expect([low ?? '-inf', high ?? 'inf']).toEqual([expected.lo, expected.hi])
    expect(coverage).toBeCloseTo(expected.actual_confidence, 12)
    const warning = `need >= ${neededN} samples for confidence interval at level ${inputs.confidence}`
    expect(neededN === undefined ? null : warning).toBe(expected.warning)
  })

  test('by hand: grows to the likelier side, for p90 of ten from rank 8 up', () => {
    // Binomial(10, 0.9): 9 has 0.3874, 10 has 0.3487, 8 has 0.1937, together 0.9298.
    expect(narrowestRanks(10, 90, 0.9)).toMatchObject({
      lowRank: 8,
      highRank: 11,
      coverage: expect.closeTo(0.9298, 4),
      ambiguous: false,
    })
  })

  test('is as wide as asked even where no pair of samples is', () => {
    expect(narrowestRanks(4, 50, 0.99)).toMatchObject({ lowRank: 0, highRank: 5, coverage: 1 })
    expect(medianInterval([3, 1, 2], 0.95)).toMatchObject({ median: 2, low: undefined, neededN: 6 })
  })
})

describe('fewest samples for an interval with two ends', () => {
  test('by hand: the median at 95 % needs 6, as 2/2^5 is over 5 % and 2/2^6 is not', () => {
    expect(smallestNForInterval(50, 0.95)).toBe(6)
  })

  test.each(publishedCases('quantile-ci-min-n.json'))('$id', ({ inputs, expected }) => {
    const [p, n] = [inputs.p * 100, expected.min_n]
    expect(smallestNForInterval(p, inputs.confidence)).toBe(n)
    expect(equalTailedRanks(n, p, inputs.confidence).highRank).toBeLessThanOrEqual(n)
    expect(equalTailedRanks(n - 1, p, inputs.confidence).highRank).toBe(n)
  })
})

describe('coverage simulated elsewhere, against what it is by the binomial law', () => {
  interface CoverageRow {
    p: number
    n: number
    orderstat_cov: number
    unbounded_upper: number
    boot_cov: number
  }
  const rows: CoverageRow[] =
    publishedFile('simulated-operating-characteristics.json')?.cases.find(
      ({ id }: { id: string }) => id === 'quantile_cov',
    )?.rows ?? []

  /** Four deviations of a share found in 600 trials. */
  const noise = (share: number): number => 4 * Math.sqrt((share * (1 - share)) / 600)

  test.each(rows)('order statistics: p$p of $n', ({ p, n, orderstat_cov, unbounded_upper }) => {
    const ranks = equalTailedRanks(n, p * 100, 0.95)
    expect(Math.abs(ranks.coverage - orderstat_cov)).toBeLessThan(noise(ranks.coverage))
    expect(ranks.highRank > n).toBe(unbounded_upper === 1)
  })

  /**
   * The percentile bootstrap of a sample's own quantile needs no draws: its k-th of n resampled values is
   * at most the j-th sample with P(Binomial(n, j/n) >= k) (Efron 1982).
   */
  function bootstrapRank(n: number, p: number, probability: number): number {
    const k = rankOf(n, p)
    for (let j = 1; ; j++) if (1 - binomialCdf(k - 1, n, j / n) >= probability) return j
  }

  test('a bootstrap of p99 of 100 samples covers it two times in three, not 95 in 100', () => {
    const share = coverage(100, 99, bootstrapRank(100, 99, 0.025), bootstrapRank(100, 99, 0.975))
    // Up to the largest sample only: 1 - 0.99^100 = 0.634, less what lies below.
    expect(share).toBeGreaterThan(0.6)
    expect(share).toBeLessThan(0.634)
  })

  test.each(rows)('bootstrap: p$p of $n', ({ p, n, boot_cov }) => {
    const [low, high] = [bootstrapRank(n, p * 100, 0.025), bootstrapRank(n, p * 100, 0.975)]
    const share = coverage(n, p * 100, low, high)
    // One rank more or less, as they read the quantile off between two samples.
    const slack = 1 / Math.sqrt(2 * Math.PI * n * p * (1 - p))
    expect(Math.abs(share - boot_cov)).toBeLessThan(noise(share) + 0.3 * slack)
  })
})

describe('the incomplete beta function at the sizes asked of it', () => {
  // Implementations that stop after 400 terms are off by 1e-4 here (mlcommons/endpoints docs/early_stopping.md).
  test('by hand: of ten million fair throws under half are heads with (1 - C(2m, m) / 4^m) / 2', () => {
    // C(2m, m) / 4^m = (1 - 1/(8m) + ...) / sqrt(pi m), m = 5,000,000.
    const middle = (1 - 1 / 40e6) / Math.sqrt(Math.PI * 5e6)
    expect(binomialCdf(4_999_999, 10_000_000, 0.5)).toBeCloseTo((1 - middle) / 2, 7)
  })

  test('a quantile of ten million is where the normal law puts it', () => {
    // Mean 9,900,000, deviation sqrt(99,000) = 314.643, 1.959964 of them.
    expect(binomialQuantile(0.975, 10_000_000, 0.99)).toBe(9_900_616)
  })
})
