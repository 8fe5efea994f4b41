import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { paretoFront, throughputAt, usdPerMillionTokensAt } from '../../src/price/frontier/front.ts'
import { type CurvePoint, monotoneCubic } from '../../src/price/frontier/monotone-cubic.ts'
import { usdPerMillionTokens } from '../../src/price/unit-cost.ts'

const at = (tokensPerSPerUser: number, tokensPerSPerGpu: number) => ({
  tokensPerSPerUser,
  tokensPerSPerGpu,
})

describe('the front', () => {
  test('leaves out what another point equals or beats on both', () => {
    expect(paretoFront([at(20, 700), at(10, 800), at(15, 100), at(30, 300)])).toEqual([
      at(10, 800),
      at(20, 700),
      at(30, 300),
    ])
    expect(paretoFront([at(10, 500), at(10, 800), at(20, 400)])).toEqual([at(10, 800), at(20, 400)])
    expect(paretoFront([at(10, 500), at(10, 500)])).toEqual([at(10, 500)])
    expect(paretoFront([])).toEqual([])
  })

  test('falls strictly, and no point lies beyond it', () => {
    const coordinate = fc.double({ min: 0, max: 1000, noNaN: true })
    fc.assert(
      fc.property(fc.array(fc.tuple(coordinate, coordinate)), (pairs) => {
        const points = pairs.map(([x, y]) => at(x, y))
        const front = paretoFront(points)
        const falls = front.every(({ tokensPerSPerUser, tokensPerSPerGpu }, i) => {
          const before = front[i - 1]
          return (
            before === undefined ||
            (before.tokensPerSPerUser < tokensPerSPerUser &&
              before.tokensPerSPerGpu > tokensPerSPerGpu)
          )
        })
        const covered = points.every((point) =>
          front.some(
            (kept) =>
              kept.tokensPerSPerUser >= point.tokensPerSPerUser &&
              kept.tokensPerSPerGpu >= point.tokensPerSPerGpu,
          ),
        )
        return falls && covered
      }),
    )
  })
})

describe('between its points', () => {
  test('two points are joined by a straight line, which the usual end rule would bend by 18.75 %', () => {
    expect(
      monotoneCubic(
        [
          [0, 0],
          [10, 100],
        ],
        5,
      ),
    ).toBe(50)
    expect(
      monotoneCubic(
        [
          [0, 0],
          [10, 100],
        ],
        2.5,
      ),
    ).toBe(25)
  })

  test('three points by hand: 2.3125 half-way from (0, 4) to (1, 1) with (2, 0) beyond', () => {
    // Secants -3 and -1, parabola -2: inner slope -2 x min(3, 1, 1) = -2, end slope (3 x -3 + 2) / 2 = -3.5.
    // Hermite at 1/2: (4 + 1) / 2 + (-3.5 + 2) / 8.
    const points: CurvePoint[] = [
      [0, 4],
      [1, 1],
      [2, 0],
    ]
    expect(monotoneCubic(points, 0.5)).toBeCloseTo(2.3125, 12)
    // On the other side the end slope is (3 x -1 + 2) / 2 = -0.5: 1/2 + (-2 + 0.5) / 8.
    expect(monotoneCubic(points, 1.5)).toBeCloseTo(0.3125, 12)
  })

  test('a flat stretch stays flat', () => {
    const points: CurvePoint[] = [
      [0, 2],
      [1, 1],
      [3, 1],
      [4, 0],
    ]
    expect(monotoneCubic(points, 2)).toBeCloseTo(1, 12)
  })

  test('a straight line through many points stays one', () => {
    const points: CurvePoint[] = [
      [0, 9],
      [1, 7],
      [3, 3],
      [4, 1],
    ]
    for (const x of [0.2, 1.7, 3.9]) expect(monotoneCubic(points, x)).toBeCloseTo(9 - 2 * x, 12)
  })

  const falling = fc
    .array(fc.tuple(fc.integer({ min: 1, max: 50 }), fc.integer({ min: 0, max: 500 })), {
      minLength: 2,
      maxLength: 9,
    })
    .map((steps) => {
      let x = 0
      let y = 5000
      return steps.map(([dx, dy]): CurvePoint => {
        x += dx
        y -= dy
        return [x, y]
      })
    })

  test('it passes through every point and never leaves the two it lies between', () => {
    fc.assert(
      fc.property(falling, fc.double({ min: 0, max: 1, noNaN: true }), (points, share) =>
        points.every(([x, y], i) => {
          const next = points[i + 1]
          if (monotoneCubic(points, x) !== y) return false
          if (next === undefined) return true
          const value = monotoneCubic(points, x + share * (next[0] - x)) ?? Number.NaN
          return value <= y + 1e-9 && value >= next[1] - 1e-9
        }),
      ),
    )
  })

  const front = [at(10, 800), at(20, 600), at(40, 200)]

  test('outside the measured ends there is no number', () => {
    expect(throughputAt(front, 9.999)).toBeUndefined()
    expect(throughputAt(front, 40.001)).toBeUndefined()
    expect(throughputAt(front, 40)).toBe(200)
    expect(throughputAt([], 10)).toBeUndefined()
    expect(throughputAt([at(10, 800)], 10)).toBe(800)
    expect(throughputAt([at(10, 800)], 11)).toBeUndefined()
    expect(usdPerMillionTokensAt(front, 50, 2)).toBeUndefined()
  })

  test('the cost is the rate over the throughput there, so the two never contradict each other', () => {
    for (const wanted of [10, 13, 29, 40]) {
      expect(usdPerMillionTokensAt(front, wanted, 2)).toBe(
        usdPerMillionTokens(2, throughputAt(front, wanted), 1),
      )
    }
    // Half-way between 800 and 600 on this line it is 700: 2 / 2.52.
    expect(usdPerMillionTokensAt([at(10, 800), at(20, 600)], 15, 2)).toBeCloseTo(2 / 2.52, 12)
  })
})

// SemiAnalysis, InferenceX blog, GB200 NVL72 against B200: DeepSeek-R1 FP4, 1k in, 1k out, GB200.
test('GB200 makes 14,125 tokens/s at 25 a user and 4,130 at 125, as InferenceX printed', () => {
  const gb200 = [
    at(286.4, 60.7),
    at(272.64, 111.8),
    at(257.11, 165.2),
    at(222.28, 274.8),
    at(207.3, 363.3),
    at(164.37, 1149.1),
    at(90.99, 7698),
    at(43.29, 12_659.7),
    at(17.82, 14_659.4),
  ]
  const front = paretoFront(gb200)
  expect(throughputAt(front, 25)).toBeCloseTo(14_125.02583, 4)
  expect(throughputAt(front, 125)).toBeCloseTo(4129.916276, 5)
  expect(throughputAt(front, 300)).toBeUndefined()
})
