import { describe, expect, test } from 'vitest'
import {
  middlePart,
  middleSlice,
  type Nested,
  nestedMean,
  nestedRatioInterval,
  optimalRepetitions,
  varianceLevels,
} from '../../../src/measure/statistics/kalibera-jones.ts'
import {
  cachingSpeedup,
  limitVerdict,
  llmVerdict,
  outputLengthBand,
} from '../../../src/measure/statistics/mlperf-llm.ts'
import {
  localOutliers,
  medianAbsoluteDeviation,
  modifiedZOutliers,
  tukeyFences,
} from '../../../src/measure/statistics/outliers.ts'
import {
  exponentialDistance,
  kolmogorovLimit,
  poissonCheck,
  variationBandOf,
} from '../../../src/measure/statistics/poisson.ts'
import { randomExponential, randomNormal, seededRandom } from '../../../src/random.ts'
import { publishedCases, publishedFile } from './published-cases.ts'
import { repeated } from './series.ts'

/** Cases write nested data as lists by the place of their list, "outer,inner". */
function nestedOf(data: Record<string, number[]>): Nested {
  const outer: Nested[] = []
  for (const [place, values] of Object.entries(data)) {
    const [first = 0, second] = place.split(',').map(Number)
    if (second === undefined) outer[first] = values
    else outer[first] = [...((outer[first] ?? []) as Nested[]), values]
  }
  return outer
}

describe('Kalibera and Jones', () => {
  test('by hand: means 2 and 6 of pairs, each with a variance of 2', () => {
    // S1² = 2; S2² = ((2-4)² + (6-4)²) / 1 = 8; T2² = 8 - 2/2.
    const levels = varianceLevels([
      [1, 3],
      [5, 7],
    ])
    expect(levels).toEqual([
      { repetitions: 2, biased: 2, own: 2 },
      { repetitions: 2, biased: 8, own: 7 },
    ])
    // sqrt(50/1 x 2/7) = 3.78: four requests for each start that costs fifty.
    expect(optimalRepetitions(levels, [1, 50])).toEqual([
      { exact: expect.closeTo(Math.sqrt(100 / 7), 12), repetitions: 4 },
    ])
  })

  test('a level without a variance of its own sets no number below it', () => {
    const levels = varianceLevels([
      [1, 9],
      [9, 1],
    ])
    expect(levels[1]?.own).toBeLessThan(0)
    expect(optimalRepetitions(levels, [1, 50])).toEqual([
      { exact: undefined, repetitions: undefined },
    ])
  })

  test('levels of unequal length, or of one, are our mistake', () => {
    expect(() =>
      varianceLevels([
        [1, 2],
        [1, 2, 3],
      ]),
    ).toThrow(RangeError)
    expect(() => varianceLevels([[1], [2]])).toThrow(RangeError)
    expect(() => varianceLevels([])).toThrow(RangeError)
  })

  const file = 'kalibera-jones.json'

  test.each(publishedCases(file, /S1|optimal/))('$id', ({ inputs, expected }) => {
    const levels = varianceLevels(nestedOf(inputs.data))
    expect(levels.map(({ repetitions }) => repetitions)).toEqual(inputs.levels.toReversed())
    if (expected.S2_1 !== undefined) expect(levels[0]?.biased).toBeCloseTo(expected.S2_1, 4)
    for (const [i, own] of (expected.T2 ?? []).entries()) expect(levels[i]?.own).toBeCloseTo(own, 4)
    if (inputs.costs_high_to_low !== undefined) {
      const found = optimalRepetitions(levels, inputs.costs_high_to_low.toReversed())
      for (const [i, exact] of expected.unrounded.entries())
        expect(found[i]?.exact).toBeCloseTo(exact, 3)
      expect(found.map(({ repetitions }) => repetitions)).toEqual(expected.rounded)
    }
  })

  test.each(publishedCases(file, /^paper/))('$id', ({ inputs, expected }) => {
    const data = nestedOf(inputs.data)
    expect(nestedMean(data)).toBe(expected.mean)
    const levels = varianceLevels(data)
    // Printed to one decimal, and -5.65 as -5.7.
    for (const [i, biased] of expected.S2.entries())
      expect(Math.abs(Number(levels[i]?.biased) - biased)).toBeLessThan(0.0501)
    for (const [i, own] of expected.T2.entries())
      expect(Math.abs(Number(levels[i]?.own) - own)).toBeLessThan(0.0501)
  })

  test.each(publishedCases(file, /^confidence slice/))('$id', ({ inputs, expected }) => {
    const means = Array.from({ length: 1000 }, (_, x) => x + 15)
    const { low, median, high } = middlePart(means, inputs.confidence)
    expect({ lower: low, median, upper: high }).toEqual(expected)
  })

  test.each(publishedCases(file, /^slice/))('$id', ({ inputs, expected }) => {
    for (const [i, { n, c }] of inputs.entries()) {
      const { from, middle, until } = middleSlice(n, c)
      expect([from, middle, until]).toEqual(expected[i])
    }
  })

  test('the ratio of two sets of runs keeps their scatter, not only that of requests', () => {
    const random = seededRandom(3, 'nested')
    const side = (level: number): Nested =>
      Array.from({ length: 10 }, () => {
        const run = level * Math.exp(0.05 * randomNormal(random))
        return Array.from({ length: 200 }, () => run * Math.exp(0.01 * randomNormal(random)))
      })
    const { ratio, low, high } = nestedRatioInterval(side(100), side(120), {
      resamples: 300,
      random,
    })
    // Ten runs of 5 % a side: the ratio is known to about 5 % sqrt(2/10) = 2.2 %, twice that either way.
    expect(ratio).toBeGreaterThan(1.1)
    expect(ratio).toBeLessThan(1.3)
    expect(Number(high) / Number(low) - 1).toBeGreaterThan(0.05)
    expect(Number(high) / Number(low) - 1).toBeLessThan(0.15)
  })
})

describe('outliers', () => {
  test('by hand: around 50 with a deviation of 1, 64.9 is one and 64.8 is not', () => {
    const values = [49, 50, 51, 49, 50, 51, 49, 50, 51]
    expect(medianAbsoluteDeviation(values)).toBe(1)
    expect(modifiedZOutliers([...values, 64.8])).toEqual([])
    expect(modifiedZOutliers([...values, 64.9])).toEqual([9])
  })

  test('where most are equal, any other is one', () => {
    expect(modifiedZOutliers([10, 10, 10, 10, 11])).toEqual([4])
  })

  test.each(publishedCases('outliers.json', /^hyperfine/))('$id', ({ inputs, expected }) => {
    expect(modifiedZOutliers(inputs.values)).toHaveLength(expected.outliers)
  })

  test('by hand: of 1 to 5 the quartiles are 2 and 4, the fences -1, 7 and -4, 10', () => {
    expect(tukeyFences([5, 1, 4, 2, 3])).toEqual({
      lowSevere: -4,
      lowMild: -1,
      highMild: 7,
      highSevere: 10,
    })
    expect(tukeyFences([])).toBeUndefined()
  })

  const criterion = publishedFile('bootstrap-criterion.json')?.cases[0]?.inputs
  test.skipIf(criterion === undefined).each(publishedCases('outliers.json', /^criterion/))(
    '$id',
    ({ expected }) => {
      const { iterations, times_ns } = criterion
      const fences = tukeyFences(times_ns.map((time: number, i: number) => time / iterations[i]))
      const { lowSevere, lowMild, highMild, highSevere } = fences ?? {}
      for (const [i, fence] of [lowSevere, lowMild, highMild, highSevere].entries())
        expect(fence).toBeCloseTo(expected.fences_severe_mild[i], 9)
    },
  )

  test('a spike on a slow rise is one, the rise is not', () => {
    const values = Array.from({ length: 1000 }, (_, i) => i + (i === 600 ? 800 : 0))
    expect(localOutliers(values)).toEqual([600])
    expect(localOutliers([1, 2, 3])).toEqual([])
  })
})

describe('Poisson arrivals', () => {
  const gaps = (n: number, seed: number): number[] => {
    const random = seededRandom(seed, 'gaps')
    return Array.from({ length: n }, () => randomExponential(random, 20))
  }

  test('by hand: a single gap of its mean lies 1 - 1/e from the law', () => {
    // F jumps from 0 to 1 where the law has 1 - 1/e = 0.632.
    expect(exponentialDistance([20], 20)).toBeCloseTo(1 - 1 / Math.E, 12)
    expect(kolmogorovLimit(100, 0.01)).toBeCloseTo(0.16276, 5)
  })

  test('exponential gaps pass, but for one or two in a hundred', () => {
    const passed = Array.from(
      { length: 300 },
      (_, seed) => poissonCheck(gaps(500, seed), 20)?.passed,
    )
    const failed = passed.filter((each) => !each).length
    expect(failed).toBeGreaterThan(0)
    expect(failed).toBeLessThan(18)
  })

  test('equal gaps, bursts and another rate do not', () => {
    expect(poissonCheck(repeated(20, 500), 20)).toMatchObject({ variation: 0, passed: false })
    const bursts = gaps(500, 1).map((gapMs, i) => (i % 2 ? gapMs * 1.9 : gapMs * 0.1))
    expect(poissonCheck(bursts, 20)?.passed).toBe(false)
    const check = poissonCheck(gaps(2000, 1), 22)
    expect(check?.distance).toBeGreaterThan(Number(check?.distanceLimit))
    expect(poissonCheck([], 20)).toBeUndefined()
  })

  test.each(publishedCases('poisson-arrivals.json'))('$id', ({ inputs, expected }) => {
    // Published with 1.628 and 2.576 for 1.62762 and 2.57583.
    expect(kolmogorovLimit(inputs.n, inputs.alpha) / expected.ks_critical).toBeCloseTo(1, 3)
    const { low, high } = variationBandOf(inputs.n, inputs.alpha)
    expect(low).toBeCloseTo(expected.cv_band[0], 4)
    expect(high).toBeCloseTo(expected.cv_band[1], 4)
  })
})

describe("MLPerf's rules for language models", () => {
  const limits = { ttftMs: 450, tpotMs: 40 }
  const at = (ttftMs: number, tpotMs: number, n = 1000) =>
    llmVerdict({ ttftMs: repeated(ttftMs, n), tpotMs: repeated(tpotMs, n) }, limits)

  test('p99 must lie under the limit, not at it', () => {
    expect(at(449, 39).passed).toBe(true)
    expect(at(450, 39)).toMatchObject({ passed: false, ttft: { p99Ms: 450, withinLimit: false } })
    expect(at(449, 40).passed).toBe(false)
  })

  test('and be proven: 400 requests are too few however fast', () => {
    const verdict = at(100, 10, 400)
    expect(verdict.ttft).toMatchObject({ withinLimit: true, earlyStopping: { additionalN: 59 } })
    expect(verdict.passed).toBe(false)
  })

  test('p99 may hold and early stopping not: 8 of 1,000 over are fewer than 1 %, and not surely so', () => {
    // floor(0.99 x 1000) = 990, the 10th slowest. 1,000 requests leave room for two over.
    const ttftMs = [...repeated(100, 992), ...repeated(500, 8)]
    const { ttft, passed } = llmVerdict({ ttftMs, tpotMs: repeated(10, 1000) }, limits)
    expect(ttft).toMatchObject({ p99Ms: 100, withinLimit: true })
    expect(ttft.earlyStopping.passed).toBe(false)
    expect(passed).toBe(false)
  })

  test('the same prompt ten times a second, others eight, is a quarter faster', () => {
    expect(cachingSpeedup(10, 8)).toBe(0.25)
    expect(cachingSpeedup(undefined, 8)).toBeUndefined()
  })

  const file = 'mlperf-llm-constraints.yaml'
  const published = publishedFile(file)
  const cases: {
    model: string
    scenario: string
    ttft_ms?: number
    tpot_ms?: number
    e2e_ms?: number
    tokens_per_sample_min?: number
    ref_tokens_per_sample?: number
  }[] = published?.cases ?? []

  test.each(cases.filter(({ ttft_ms, tpot_ms }) => ttft_ms && tpot_ms))(
    '$model, $scenario: TTFT $ttft_ms and TPOT $tpot_ms are too slow, a millisecond less is not',
    ({ ttft_ms = 0, tpot_ms = 0, tokens_per_sample_min, ref_tokens_per_sample = 0 }) => {
      const of = (lessMs: number) =>
        llmVerdict(
          { ttftMs: repeated(ttft_ms - lessMs, 459), tpotMs: repeated(tpot_ms - lessMs, 459) },
          { ttftMs: ttft_ms, tpotMs: tpot_ms },
        )
      expect(of(1).passed).toBe(true)
      expect(of(0)).toMatchObject({ ttft: { withinLimit: false }, tpot: { withinLimit: false } })
      if (tokens_per_sample_min)
        expect(outputLengthBand(ref_tokens_per_sample).min).toBeCloseTo(tokens_per_sample_min, 9)
    },
  )

  test.each(cases.filter(({ e2e_ms }) => e2e_ms))(
    '$model, $scenario: $e2e_ms ms in all are too slow, a millisecond less is not',
    ({ e2e_ms = 0 }) => {
      expect(limitVerdict(repeated(e2e_ms, 459), e2e_ms).withinLimit).toBe(false)
      expect(limitVerdict(repeated(e2e_ms - 1, 459), e2e_ms)).toMatchObject({
        withinLimit: true,
        earlyStopping: { passed: true },
      })
    },
  )

  test.each(published ? [published.output_length_audit_TEST09] : [])(
    'output length audit of $model: $min to $max tokens',
    ({ ref_mean, min, max }) => {
      const band = outputLengthBand(ref_mean)
      expect(band.min).toBeCloseTo(min, 1)
      expect(band.max).toBeCloseTo(max, 1)
    },
  )

  test.each(published ? [published.caching_audit_TEST04] : [])(
    'caching audit: up to $max_speedup faster',
    ({ max_speedup }) => {
      expect(cachingSpeedup(1.09, 1)).toBeLessThan(max_speedup)
      expect(cachingSpeedup(1.11, 1)).toBeGreaterThan(max_speedup)
    },
  )
})
