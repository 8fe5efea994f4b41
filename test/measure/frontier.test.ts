import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  frontierOf,
  latencyFrontiersOf,
  paretoFront,
  readFrontier,
  throughputAt,
} from '../../src/measure/frontier.ts'
import { type CurvePoint, monotoneCubic } from '../../src/measure/monotone-cubic.ts'
import { servingGpus } from '../../src/measure/serving-gpus.ts'
import type { OperatingPoint, Percentile } from '../../src/measure/summary.ts'
import { runLog } from './records.ts'

const axes = {
  x: ([user]: CurvePoint) => user,
  y: ([, system]: CurvePoint) => system,
}
/** Of tokens/s of one user against tokens/s of the system. */
const frontOf = (points: readonly CurvePoint[]) =>
  paretoFront(points, { ...axes, better: 'higher' })
/** Of a time against tokens/s of the system. */
const frontOfTimes = (points: readonly CurvePoint[]) =>
  paretoFront(points, { ...axes, better: 'lower' })

describe('the front', () => {
  test('leaves out what another point equals or beats on both', () => {
    expect(
      frontOf([
        [20, 700],
        [10, 800],
        [15, 100],
        [30, 300],
      ]),
    ).toEqual([
      [10, 800],
      [20, 700],
      [30, 300],
    ])
    expect(
      frontOf([
        [10, 500],
        [10, 800],
        [20, 400],
      ]),
    ).toEqual([
      [10, 800],
      [20, 400],
    ])
    expect(
      frontOf([
        [10, 500],
        [10, 500],
      ]),
    ).toEqual([[10, 500]])
    expect(frontOf([])).toEqual([])
  })

  test('of times keeps the fastest of each throughput, and rises', () => {
    expect(
      frontOfTimes([
        [100, 300],
        [50, 200],
        [120, 250],
        [50, 100],
        [300, 300],
        [400, 900],
      ]),
    ).toEqual([
      [50, 200],
      [100, 300],
      [400, 900],
    ])
  })

  const coordinate = fc.double({ min: 0, max: 1000, noNaN: true })
  const points = fc.array(fc.tuple(coordinate, coordinate))

  test('falls strictly with what a user gets, and no point lies beyond it', () => {
    fc.assert(
      fc.property(points, (given) => {
        const front = frontOf(given)
        const falls = front.every(([x, y], i) => {
          const before = front[i - 1]
          return before === undefined || (before[0] < x && before[1] > y)
        })
        const covered = given.every(([x, y]) => front.some((kept) => kept[0] >= x && kept[1] >= y))
        return falls && covered
      }),
    )
  })

  test('of times is the front of their negatives, backwards', () => {
    fc.assert(
      fc.property(points, (given) => {
        const mirrored = frontOf(given.map(([x, y]): CurvePoint => [-x, y])).reverse()
        expect(frontOfTimes(given)).toEqual(mirrored.map(([x, y]): CurvePoint => [-x + 0, y]))
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

  test('outside the measured ends there is no number', () => {
    const front: CurvePoint[] = [
      [10, 800],
      [20, 600],
      [40, 200],
    ]
    expect(throughputAt(front, 9.999)).toBeUndefined()
    expect(throughputAt(front, 40.001)).toBeUndefined()
    expect(throughputAt(front, 40)).toBe(200)
    expect(throughputAt([], 10)).toBeUndefined()
    expect(throughputAt([[10, 800]], 10)).toBe(800)
    expect(throughputAt([[10, 800]], 11)).toBeUndefined()
  })
})

// SemiAnalysis, InferenceX blog, GB200 NVL72 against B200: DeepSeek-R1 FP4, 1k in, 1k out, GB200.
test('GB200 makes 14,125 tokens/s at 25 a user and 4,130 at 125, as InferenceX printed', () => {
  const front = frontOf([
    [286.4, 60.7],
    [272.64, 111.8],
    [257.11, 165.2],
    [222.28, 274.8],
    [207.3, 363.3],
    [164.37, 1149.1],
    [90.99, 7698],
    [43.29, 12_659.7],
    [17.82, 14_659.4],
  ])
  expect(throughputAt(front, 25)).toBeCloseTo(14_125.02583, 4)
  expect(throughputAt(front, 125)).toBeCloseTo(4129.916276, 5)
  expect(throughputAt(front, 300)).toBeUndefined()
})

const percentile = (value: number, withheldUntilN?: number): Percentile => ({
  p: 95,
  n: 200,
  ...(withheldUntilN === undefined ? { value } : { withheldUntilN }),
})

/** A level: tokens/s of a user and of all, and TTFT p95 in ms, which is withheld where it is 0. */
function level(level: number, user: number, outputTokensPerS: number, ttftMs: number) {
  const known = { p50: percentile(0, 1), p90: percentile(0, 1), p99: percentile(0, 1) }
  return {
    level,
    tokensPerSPerUser: user,
    outputTokensPerS,
    ttftMs: { n: 200, ...known, p95: percentile(ttftMs, ttftMs === 0 ? 130 : undefined) },
    tpotMs: { n: 200, ...known, p95: percentile(0, 130) },
  } as OperatingPoint
}

describe('the fronts of a run', () => {
  // Level 2 is beaten by level 1 on speed per user and throughput, and not on TTFT.
  const points = [
    level(0, 100, 100, 0),
    level(1, 80, 300, 90),
    level(2, 60, 250, 70),
    level(3, 40, 400, 200),
  ]
  const summary = { frontier: frontierOf(points), latencyFrontiers: latencyFrontiersOf(points) }
  const interactivity = { kind: 'interactivity' } as const
  const ttftP95 = { kind: 'latency', metric: 'ttftMs', percentile: 'p95' } as const

  test('are one against interactivity and one for each percentile that is known', () => {
    expect(summary.frontier.map(({ level }) => level)).toEqual([3, 1, 0])
    expect(summary.latencyFrontiers).toEqual([
      {
        metric: 'ttftMs',
        percentile: 'p95',
        points: [
          { level: 2, outputTokensPerS: 250, latencyMs: 70 },
          { level: 1, outputTokensPerS: 300, latencyMs: 90 },
          { level: 3, outputTokensPerS: 400, latencyMs: 200 },
        ],
      },
    ])
  })

  test('tell tokens/s a GPU where the GPUs that serve are known', () => {
    const [corner] = frontierOf(points, 8)
    expect(corner).toEqual({
      level: 3,
      outputTokensPerS: 400,
      outputTokensPerSPerGpu: 50,
      tokensPerSPerUser: 40,
    })
    expect(latencyFrontiersOf(points, 8)[0]?.points[0]?.outputTokensPerSPerGpu).toBe(31.25)
  })

  test('at a measured level they say what was measured there', () => {
    expect(readFrontier(summary, interactivity, 80)).toEqual({
      kind: 'measured',
      level: 1,
      outputTokensPerS: 300,
    })
  })

  test('between two levels they name both, and lie between their throughputs', () => {
    // Points (40, 400), (80, 300), (100, 100): secants -2.5 and -10, parabola (-2.5 x 20 - 10 x 40) / 60 = -7.5,
    // inner slope -2 x min(2.5, 10, 3.75) = -5, end slope (3 x -2.5 + 5) / 2 = -1.25.
    // Hermite at half: (400 + 300) / 2 + 40 (-1.25 + 5) / 8.
    expect(readFrontier(summary, interactivity, 60)).toEqual({
      kind: 'interpolated',
      between: [3, 1],
      outputTokensPerS: 368.75,
    })
    const reading = readFrontier(summary, ttftP95, 80)
    expect(reading).toMatchObject({ kind: 'interpolated', between: [2, 1] })
    expect('outputTokensPerS' in reading && reading.outputTokensPerS).toBeGreaterThan(250)
    expect('outputTokensPerS' in reading && reading.outputTokensPerS).toBeLessThan(300)
  })

  test('outside their ends they say which these are', () => {
    expect(readFrontier(summary, interactivity, 101)).toEqual({
      kind: 'outside',
      from: 40,
      to: 100,
    })
    expect(readFrontier(summary, ttftP95, 69)).toEqual({ kind: 'outside', from: 70, to: 200 })
    expect(readFrontier(summary, { ...ttftP95, percentile: 'p99' }, 100)).toEqual({
      kind: 'not-measured',
    })
  })
})

describe('the GPUs that serve', () => {
  const told = (value: number) => ({ value, source: 'test' })
  const serving = (pciAddresses: readonly string[]) =>
    ({
      kind: 'recorded',
      serving: { kind: 'known', pciAddresses, how: 'its processes', processes: [] },
      idle: [],
    }) as const
  const { config, target } = runLog()
  const server = (launch: object) => ({
    target: { ...target, server: { kind: 'vllm', proof: 'test', launch } as const },
  })

  test('are as stated, else as seen, else as the server was started', () => {
    const seen = { telemetry: serving(['a', 'b']) }
    const all = { tensorParallel: told(4), pipelineParallel: told(1), dataParallel: told(2) }
    expect(servingGpus(runLog({ ...seen, config: { ...config, gpus: 3 } }))?.count).toBe(3)
    expect(servingGpus(runLog({ ...seen, ...server(all) }))?.count).toBe(2)
    expect(servingGpus(runLog(server(all)))?.count).toBe(8)
  })

  test('are unknown where the server tells one way of sharing out and not the others, and on a machine without', () => {
    expect(servingGpus(runLog(server({ tensorParallel: told(4) })))).toBeUndefined()
    expect(servingGpus(runLog({ telemetry: serving([]) }))).toBeUndefined()
    expect(servingGpus(runLog())).toBeUndefined()
  })
})
