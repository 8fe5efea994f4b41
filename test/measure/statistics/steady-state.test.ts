import { existsSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { batchMeans, batchMeansInterval } from '../../../src/measure/statistics/batch-means.ts'
import { segments, warmupClass, warmupRule } from '../../../src/measure/statistics/changepoints.ts'
import { marginalErrors, mser } from '../../../src/measure/statistics/mser.ts'
import { localOutlierRule } from '../../../src/measure/statistics/outliers.ts'
import {
  georgesLimits,
  lastVaryLittle,
  lastWindowsAgree,
  perfAnalyzerRule,
} from '../../../src/measure/statistics/stability.ts'
import { trend } from '../../../src/measure/statistics/trend.ts'
import { randomNormal, seededRandom } from '../../../src/random.ts'
import { publishedCases } from './published-cases.ts'
import { repeated } from './series.ts'

describe('MSER', () => {
  test('by hand: four batches warm up, the rest is 5', () => {
    // g(0): mean 5.75, squares 30.25; g(1): 10.9091 / 11² ...; g(3) = 0 and is the first of the zeros.
    const values = [10, 8, 6, ...repeated(5, 9)].flatMap((value) => repeated(value, 5))
    expect(mser(values)).toEqual({ kind: 'steady', startIndex: 15, keptN: 45, mean: 5 })
    const errors = marginalErrors([1, 2, 3])
    // Squares around the means 2 and 2.5 over 3² and 2², the last alone.
    expect([...errors]).toEqual([2 / 9, 0.5 / 4, 0])
  })

  test('a constant series is steady from the start', () => {
    expect(mser(repeated(0.1, 100))).toMatchObject({ kind: 'steady', startIndex: 0, keptN: 100 })
  })

  test('a ramp has no steady state, and neither has what is shorter than a batch', () => {
    expect(mser(Array.from({ length: 100 }, (_, i) => i))).toEqual({
      kind: 'no-steady-state',
      reason: 'minimum-in-second-half',
    })
    expect(mser([1, 1, 1, 1])).toEqual({ kind: 'no-steady-state', reason: 'too-short' })
  })

  test('a value that is no number is our mistake', () => {
    expect(() => mser([...repeated(1, 20), Number.NaN])).toThrow(RangeError)
    expect(() => mser([...repeated(1, 20), Infinity])).toThrow(RangeError)
  })

  test('seldom says of 100 batches of noise that they have no steady state', () => {
    let none = 0
    for (let seed = 0; seed < 400; seed++) {
      const random = seededRandom(seed, 'mser')
      const noise = Array.from({ length: 500 }, () => randomNormal(random))
      if (mser(noise).kind === 'no-steady-state') none++
    }
    expect(none / 400).toBeLessThan(0.03)
  })

  test('does not see a slow rise in the second half, which the trend does', () => {
    const random = seededRandom(3, 'late')
    const values = Array.from(
      { length: 500 },
      (_, i) => 100 + randomNormal(random) + Math.max(0, i - 250) / 250,
    )
    expect(mser(values)).toMatchObject({ kind: 'steady' })
    const rise = trend(values.map((value, i) => ({ atMs: i, value })))
    expect(rise?.lowPerMs).toBeGreaterThan(0)
  })
})

describe('MSER on published series', () => {
  const all = publishedCases('mser.json')

  test('a warm-up that halves every 5.5 values is cut after a few halvings', () => {
    const values = Array.from({ length: 200 }, (_, i) => 20 + 100 * Math.exp(-i / 8) + (i % 3) - 1)
    const found = mser(values)
    expect(found).toMatchObject({ kind: 'steady' })
    if (found.kind !== 'steady') return
    expect(found.startIndex).toBeGreaterThan(20)
    expect(found.startIndex).toBeLessThan(60)
    expect(found.mean).toBeCloseTo(20, 0)
  })

  test.each(all.filter(({ inputs }) => Array.isArray(inputs.values)))(
    '$id',
    ({ inputs, expected }) => {
      const { argmin_batch, truncation_index, mean_after, mean_all, batch_means } = expected
      const found = mser(inputs.values, { batchSize: inputs.m })
      expect(found).toMatchObject({ kind: 'steady', startIndex: truncation_index })
      if (found.kind === 'steady') expect(found.mean).toBeCloseTo(mean_after, 9)
      expect(argmin_batch * inputs.m).toBe(truncation_index)
      const whole = batchMeans(inputs.values, inputs.values.length)
      expect(whole[0]).toBeCloseTo(mean_all, 9)
      if (batch_means) expect(batchMeans(inputs.values, inputs.m)).toEqual(batch_means)
    },
  )

  /** The series these cases put in words. */
  const series: Record<string, number[]> = {
    '100 x 1.0': repeated(1, 100),
    '4 x 1.0': repeated(1, 4),
    '0..99': Array.from({ length: 100 }, (_, i) => i),
    'contains NaN or Inf': [...repeated(1, 50), Number.NaN, Infinity],
  }

  test.each(all.filter(({ inputs }) => typeof inputs.values === 'string'))(
    '$id',
    ({ inputs, expected }) => {
      const values = series[inputs.values] ?? []
      expect(values.length).toBeGreaterThan(0)
      if (expected.error) expect(() => mser(values)).toThrow(RangeError)
      else {
        const found = mser(values, { batchSize: inputs.m })
        expect(found.kind === 'steady').toBe(expected.truncated)
        if (expected.start !== undefined && found.kind === 'steady')
          expect(found.startIndex).toBe(expected.start)
      }
    },
  )

  // The series is IBM/pymser's example_data/Cu-BTT_500165.0_198.000000.csv, Apache-2.0, 2.4 MB.
  const csv = process.env.BAREMARK_PYMSER_CSV ?? ''
  test.skipIf(!existsSync(csv)).each(all.filter(({ inputs }) => inputs.file !== undefined))(
    'needs the file that BAREMARK_PYMSER_CSV names: $id',
    ({ expected }) => {
      const values = readFileSync(csv, 'utf8')
        .trim()
        .split('\n')
        .slice(1)
        .map((line) => Number(line.split(',')[1]))
      const [m1, m5] = [mser(values, { batchSize: 1 }), mser(values)]
      expect(m1).toMatchObject({
        kind: 'steady',
        startIndex: expected.m1.start,
        keptN: expected.m1.kept,
      })
      if (m1.kind === 'steady') expect(m1.mean).toBeCloseTo(expected.m1.mean, 9)
      expect(m5).toMatchObject({ startIndex: expected.m5.start, keptN: expected.m5.kept })
    },
  )
})

describe('batch means', () => {
  test('by hand: means of pairs 1.5, 3.5, 5.5 and 7.5 are 4.5 +- 3.182 x 1.291', () => {
    // Variance (9 + 1 + 1 + 9) / 3 = 6.667, error sqrt(6.667 / 4) = 1.291, t of 3 is 3.1824.
    const found = batchMeansInterval([1, 2, 3, 4, 5, 6, 7, 8], { batches: 4 })
    expect(found).toMatchObject({ mean: 4.5, batches: 4, batchSize: 2 })
    expect(found?.high).toBeCloseTo(4.5 + 3.182446 * Math.sqrt(20 / 12), 5)
    expect(found?.low).toBeCloseTo(4.5 - 3.182446 * Math.sqrt(20 / 12), 5)
  })

  test('leave out what does not fill a batch, and need a value for each', () => {
    expect(batchMeans([1, 2, 3, 4, 5], 2)).toEqual([1.5, 3.5])
    expect(batchMeansInterval([100, 1, 2, 3, 4], { batches: 2 })?.mean).toBe(2.5)
    expect(batchMeansInterval(repeated(1, 19))).toBeUndefined()
    expect(batchMeansInterval(repeated(1, 20))).toMatchObject({ low: 1, high: 1 })
  })
})

describe('changes of a series', () => {
  const steps = (...parts: [mean: number, n: number][]): number[] => {
    const random = seededRandom(11, 'steps')
    return parts.flatMap(([mean, n]) =>
      Array.from({ length: n }, () => mean + 0.1 * randomNormal(random)),
    )
  }

  test('one step is found where it is', () => {
    const found = segments(steps([3, 100], [1, 600]))
    expect(found.map(({ fromIndex, untilIndex }) => [fromIndex, untilIndex])).toEqual([
      [0, 100],
      [100, 700],
    ])
    expect(found[1]?.mean).toBeCloseTo(1, 1)
  })

  test('a change of variance alone is one', () => {
    const random = seededRandom(4, 'variance')
    const values = Array.from({ length: 600 }, (_, i) => (i < 300 ? 0.1 : 2) * randomNormal(random))
    const found = segments(values)
    expect(found).toHaveLength(2)
    expect(Math.abs(Number(found[0]?.untilIndex) - 300)).toBeLessThan(5)
  })

  test('no other division costs less: all of them tried, on short series', () => {
    const costOf = (values: readonly number[]): number => {
      const mean = values.reduce((sum, value) => sum + value, 0) / values.length
      const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0)
      return values.length * (Math.log((2 * Math.PI * squares) / values.length) + 1)
    }
    const penalty = (n: number): number => 2 * Math.log(n)
    for (let seed = 0; seed < 40; seed++) {
      const random = seededRandom(seed, 'segments')
      const n = 60
      const values = Array.from(
        { length: n },
        (_, i) => Math.floor(i / 12) ** 2 * random() + randomNormal(random),
      )
      const least = [-penalty(n), Infinity]
      for (let end = 2; end <= n; end++) {
        const costs = Array.from(
          { length: end - 1 },
          (_, from) => Number(least[from]) + costOf(values.slice(from, end)) + penalty(n),
        )
        least[end] = Math.min(...costs)
      }
      const found = segments(values, { penaltyFactor: 2 })
      const cost = found.reduce(
        (sum, { fromIndex, untilIndex }) =>
          sum + costOf(values.slice(fromIndex, untilIndex)) + penalty(n),
        -penalty(n),
      )
      expect(found.length).toBeGreaterThan(1)
      expect(cost).toBeCloseTo(Number(least[n]), 6)
    }
  })

  test('noise has none, and what is too short to have a variance gives nothing', () => {
    expect(segments(steps([1, 800]))).toHaveLength(1)
    expect(segments([1])).toEqual([])
  })

  test('times that fall and stay are a warm-up, that rise a slowdown, that still change neither', () => {
    const classOf = (values: readonly number[]) => warmupClass(segments(values), 0.001)
    expect(classOf(steps([1, 800]))).toBe('flat')
    expect(classOf(steps([3, 100], [1, 600]))).toBe('warmup')
    expect(classOf(steps([1, 100], [3, 600]))).toBe('slowdown')
    expect(classOf(steps([3, 600], [1, 100]))).toBe('no-steady-state')
  })
})

describe('rules of thumb', () => {
  const window = (throughputPerS: number, latencyMs: number) => ({ throughputPerS, latencyMs })

  test('the last three windows must agree to 10 % in throughput and in latency', () => {
    const early = window(50, 90)
    expect(lastWindowsAgree([early, window(100, 10), window(110, 10), window(105, 11)])).toBe(true)
    expect(lastWindowsAgree([early, window(100, 10), window(111, 10), window(105, 11)])).toBe(false)
    expect(lastWindowsAgree([early, window(100, 10), window(105, 10), window(105, 12)])).toBe(false)
    expect(lastWindowsAgree([window(100, 10), window(100, 10)])).toBe(false)
  })

  test('by hand: 99, 100 and 101 vary by 1 %, which the stricter limit does not let pass', () => {
    expect(lastVaryLittle([500, 99, 100, 101], 3)).toBe(true)
    expect(lastVaryLittle([500, 99, 100, 101], 3, georgesLimits.strict)).toBe(false)
    expect(lastVaryLittle([500, 99, 100, 101], 4)).toBe(false)
    expect(lastVaryLittle([99, 100], 3)).toBe(false)
  })

  const rules = publishedCases('steady-state-rules.yaml')
  const rule = (id: string) => rules.filter((each) => each.id === id)

  test.each(rule('MSER-5'))('parameters as published: $id', ({ batch, reject_when }) => {
    expect(mser(repeated(1, batch - 1))).toMatchObject({ reason: 'too-short' })
    expect(mser(repeated(1, batch))).toMatchObject({ kind: 'steady' })
    // k = 12: batch 5 may be the start and batch 6, at k/2, may not.
    expect(reject_when).toBe('argmin >= k/2')
    const warmingUpFor = (n: number) => [
      ...Array.from({ length: n }, (_, i) => 100 - i),
      ...repeated(1, 12 - n),
    ]
    expect(mser(warmingUpFor(5), { batchSize: 1 })).toMatchObject({ startIndex: 5 })
    expect(mser(warmingUpFor(6), { batchSize: 1 }).kind).toBe('no-steady-state')
  })

  test.each(rule('krun-warmup_stats'))('parameters as published: $id', (published) => {
    const { spreads, windowN } = localOutlierRule
    expect(published.outliers).toContain(`median +/- ${spreads}*(p90-p10) in window ${windowN}`)
    expect(published.changepoint).toContain(`penalty ${warmupRule.penaltyFactor}*ln(n)`)
    expect(published.steady_tail).toBe(warmupRule.steadyTailN)
    expect(published.classes).toHaveLength(4)
  })

  test.each(rule('perf_analyzer'))('parameters as published: $id', (published) => {
    const { windows, maxSpreadRatio, maxTrials } = perfAnalyzerRule
    expect(published.rule).toContain(`most recent ${windows} windows`)
    expect(published.rule).toContain(`default ${maxSpreadRatio * 100}%`)
    expect(published.max_trials).toBe(maxTrials)
  })

  test.each(rule('georges-2007'))('parameters as published: $id', (published) => {
    expect(published.rule).toContain(
      `CoV of last k iterations < ${georgesLimits.strict}..${georgesLimits.lax}`,
    )
  })
})
