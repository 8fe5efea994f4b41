import { describe, expect, test } from 'vitest'
import {
  autocorrelation,
  autocorrelationTime,
  effectiveSampleSize,
  lagOne,
} from '../../../src/measure/statistics/autocorrelation.ts'
import { batchMeansInterval } from '../../../src/measure/statistics/batch-means.ts'
import {
  type Blocks,
  blockLength,
  bootstrapInterval,
} from '../../../src/measure/statistics/bootstrap.ts'
import { median } from '../../../src/measure/statistics/moments.ts'
import { medianAbsoluteDeviation } from '../../../src/measure/statistics/outliers.ts'
import { seededRandom } from '../../../src/random.ts'
import { publishedCases, publishedFile } from './published-cases.ts'
import { autoregressive, repeated } from './series.ts'

const meanOf =
  (values: ArrayLike<number>) =>
  (indices: Uint32Array): number => {
    let total = 0
    for (const index of indices) total += Number(values[index])
    return total / indices.length
  }

describe('autocorrelation', () => {
  test('by hand: of 1, 2, 3, 4 at lag 1 it is 1.25 / 5', () => {
    // Distances -1.5, -0.5, 0.5, 1.5: products 0.75 - 0.25 + 0.75, squares 5.
    expect(lagOne([1, 2, 3, 4])).toBeCloseTo(0.25, 12)
    expect(autocorrelation([1, 2, 3, 4], 3)).toBeCloseTo(-2.25 / 5, 12)
  })

  test('a constant series has none', () => {
    expect(lagOne(repeated(3, 10))).toBeUndefined()
    expect(autocorrelationTime(repeated(3, 1000))).toBeUndefined()
  })

  test.each([
    // AR(1): (1 + rho) / (1 - rho).
    [0, 1],
    [0.3, 13 / 7],
    [0.6, 4],
    [0.9, 19],
  ])('with %d between neighbours, %d of them tell as much as one', (correlation, time) => {
    const values = [...autoregressive(50_000, correlation, seededRandom(5, 'tau'))]
    expect(lagOne(values)).toBeCloseTo(correlation, 1)
    expect(Number(autocorrelationTime(values)) / time).toBeGreaterThan(0.85)
    expect(Number(autocorrelationTime(values)) / time).toBeLessThan(1.15)
    expect(effectiveSampleSize(values)).toBeCloseTo(
      50_000 / Math.max(1, Number(autocorrelationTime(values))),
      6,
    )
  })

  test('a series that drifts all the way hangs together for too long to tell', () => {
    expect(effectiveSampleSize(Array.from({ length: 1000 }, (_, i) => i))).toBeUndefined()
  })

  test('values that avoid their neighbours do not count for more than they are', () => {
    const values = [...autoregressive(5000, -0.5, seededRandom(6, 'tau'))]
    expect(effectiveSampleSize(values)).toBe(5000)
  })
})

describe('intervals of the mean of values that hang together', () => {
  const correlation = 0.6
  const trials = 200

  /** How often an interval holds the true mean, 0. */
  function coverageOf(
    interval: (values: Float64Array, seed: number) => { low?: number; high?: number } | undefined,
  ): number {
    let held = 0
    for (let seed = 0; seed < trials; seed++) {
      const values = autoregressive(1000, correlation, seededRandom(seed, 'coverage'))
      const { low, high } = interval(values, seed) ?? {}
      if (Number(low) <= 0 && 0 <= Number(high)) held++
    }
    return held / trials
  }

  const byBootstrap = (blocks: Blocks) =>
    coverageOf((values, seed) =>
      bootstrapInterval({
        n: values.length,
        statistic: meanOf(values),
        blocks,
        resamples: 120,
        random: seededRandom(seed, 'bootstrap'),
      }),
    )

  test('batch means and blocks hold it some 95 % of the time; drawing values one by one does not', () => {
    const batches = coverageOf((values) => batchMeansInterval([...values]))
    expect(batches).toBeGreaterThan(0.9)
    expect(batches).toBeLessThan(0.985)
    expect(byBootstrap({ kind: 'stationary', meanLength: 25 })).toBeGreaterThan(0.87)
    expect(byBootstrap({ kind: 'moving', length: 25 })).toBeGreaterThan(0.87)
    // The true deviation of the mean is twice what independent values have: 67 %.
    expect(byBootstrap({ kind: 'independent' })).toBeLessThan(0.75)
  })
})

describe('the bootstrap', () => {
  test('draws blocks as they lie, and the same ones for the same seed', () => {
    const drawn = (blocks: Blocks): number[][] => {
      const seen: number[][] = []
      bootstrapInterval({
        n: 12,
        statistic: (indices) => seen.push([...indices]),
        blocks,
        resamples: 50,
        random: seededRandom(1),
      })
      return seen
    }
    for (const indices of drawn({ kind: 'moving', length: 4 })) {
      for (const [at, index] of indices.entries()) {
        expect(index).toBeLessThan(12)
        if (at % 4 > 0) expect(index).toBe(Number(indices[at - 1]) + 1)
      }
    }
    const restarts = drawn({ kind: 'stationary', meanLength: 3 })
      .flatMap((indices) => indices.map((index, at) => index - Number(indices[at - 1])))
      .filter((step) => !Number.isNaN(step) && step !== 1 && step !== -11).length
    // 550 steps, of which a third starts anew and a twelfth of those goes on all the same: 168, sd 11.
    expect(restarts).toBeGreaterThan(124)
    expect(restarts).toBeLessThan(212)
    const joined = drawn({ kind: 'stationary', meanLength: 1e9 })
    for (const indices of joined)
      for (const [at, index] of indices.entries())
        if (at > 0) expect(index).toBe((Number(indices[at - 1]) + 1) % 12)
    expect(drawn({ kind: 'stationary', meanLength: 3 })).toEqual(
      drawn({ kind: 'stationary', meanLength: 3 }),
    )
  })

  test('blocks need be the longer the more neighbours are alike: (2 rho / (1 - rho²))^(2/3) n^(1/3)', () => {
    // For AR(1), from Politis and White's formula with G = 2 rho / (1 - rho)² and g = (1 + rho) / (1 - rho).
    for (const correlation of [0.3, 0.6]) {
      const length = Number(
        blockLength([...autoregressive(20_000, correlation, seededRandom(2, 'blocks'))]),
      )
      const best = ((2 * correlation) / (1 - correlation ** 2)) ** (2 / 3) * Math.cbrt(20_000)
      expect(length / best).toBeGreaterThan(0.75)
      expect(length / best).toBeLessThan(1.25)
    }
    expect(blockLength([...autoregressive(20_000, 0, seededRandom(2, 'blocks'))])).toBeLessThan(5)
    expect(blockLength(repeated(1, 100))).toBeUndefined()
  })
})

describe.skipIf(publishedFile('bootstrap-criterion.json') === undefined)(
  "Criterion's published intervals",
  () => {
    test.each(publishedCases('bootstrap-criterion.json'))('$id', ({ inputs, expected }) => {
      const { iterations, times_ns, confidence, nresamples } = inputs
      const each: number[] = times_ns.map((time: number, i: number) => time / iterations[i])
      const drawn = (indices: Uint32Array): number[] => Array.from(indices, (i) => Number(each[i]))
      /** Least squares through the origin. */
      const slope = (indices: Uint32Array): number => {
        let [products, squares] = [0, 0]
        for (const i of indices) {
          products += iterations[i] * times_ns[i]
          squares += iterations[i] ** 2
        }
        return products / squares
      }
      const deviation = (indices: Uint32Array): number => {
        const centre = meanOf(each)(indices)
        let squares = 0
        for (const i of indices) squares += (Number(each[i]) - centre) ** 2
        return Math.sqrt(squares / (indices.length - 1))
      }
      const statistics: Record<
        string,
        { of: (indices: Uint32Array) => number; resamples: number }
      > = {
        Mean: { of: meanOf(each), resamples: nresamples },
        Slope: { of: slope, resamples: nresamples },
        StdDev: { of: deviation, resamples: nresamples },
        // Sorting takes its time: fewer draws, whose noise is still a fifth of what is let pass.
        Median: { of: (indices) => Number(median(drawn(indices))), resamples: nresamples / 4 },
        MedianAbsDev: {
          of: (indices) => 1.4826 * Number(medianAbsoluteDeviation(drawn(indices))),
          resamples: nresamples / 4,
        },
      }
      const inOrder = Uint32Array.from(each, (_, i) => i)
      for (const [name, published] of Object.entries<Record<string, number>>(expected)) {
        const statistic = statistics[name]
        expect(statistic, name).toBeDefined()
        if (!statistic) continue
        expect(statistic.of(inOrder) / Number(published.point), name).toBeCloseTo(
          1,
          name === 'MedianAbsDev' ? 5 : 9,
        )
        const { low, high, standardError } = bootstrapInterval({
          n: each.length,
          statistic: statistic.of,
          blocks: { kind: 'independent' },
          resamples: statistic.resamples,
          confidence,
          random: seededRandom(1, name),
        })
        const tolerance = 0.1 * Number(published.se)
        expect(Math.abs(Number(low) - Number(published.lower)), `${name} low`).toBeLessThan(
          tolerance,
        )
        expect(Math.abs(Number(high) - Number(published.upper)), `${name} high`).toBeLessThan(
          tolerance,
        )
        expect(standardError / Number(published.se), `${name} error`).toBeCloseTo(1, 1)
      }
    })
  },
)
