import { describe, expect, test } from 'vitest'
import type { LoadLevel } from '../../src/load/benchmark.ts'
import type { RequestRecord } from '../../src/load/record.ts'
import { summarize } from '../../src/measure/summarize.ts'
import type { OperatingPoint, SteadyState } from '../../src/measure/summary.ts'
import { type Random, seededRandom } from '../../src/random.ts'
import { arrivals, closedLoop, openLoop, type Queue } from './queueing.ts'
import { benchmark, levelLog, operatingPoint, runLog } from './records.ts'

const WINDOW_MS = 60_000
const USERS = 16

function measured(
  records: readonly RequestRecord[],
  load: LoadLevel = { kind: 'closed', concurrency: USERS },
  windowStartMs = 0,
  windowEndMs = WINDOW_MS,
): OperatingPoint {
  const log = levelLog({ load, windowStartMs, windowEndMs, issued: records.length })
  return operatingPoint(log, records, benchmark())
}

function steadyOf({ steadyState }: OperatingPoint): Extract<SteadyState, { kind: 'steady' }> {
  if (steadyState?.kind !== 'steady') throw new Error(`not steady but ${steadyState?.kind}`)
  return steadyState
}

/** From 1 at `fromMs` to `end` at `toMs` in a straight line, and so before and after. */
function slope(ms: number, fromMs: number, toMs: number, start: number, end: number): number {
  const share = Math.min(1, Math.max(0, (ms - fromMs) / (toMs - fromMs)))
  return start + share * (end - start)
}

/** 39 gaps of 20 ms after a first token at 60 to 140 ms: 880 ms a request, so 16 x 40 / 0.88 s = 727.27 tokens/s. */
const TRUTH_PER_S = (USERS * 40) / 0.88
function server(random: Random, slowness: (ms: number) => number = () => 1): Queue {
  return {
    slots: USERS,
    tokens: 40,
    prefillMs: (ms) => (60 + 80 * random()) * slowness(ms),
    gapMs: (ms) => 20 * slowness(ms),
  }
}
const oneByOne = Array.from({ length: USERS }, (_, i) => (880 * i) / USERS)

describe('a slow start, a late drift and a drain, around 727.27 tokens/s', () => {
  // Three times as slow at first and for 8 s less so; from 48 s on more and more, and from 55 s on nobody asks any more.
  const slowness = (ms: number): number =>
    slope(ms, 0, 8000, 3, 1) * slope(ms, 48_000, 55_000, 1, 2)
  const runs = Array.from({ length: 20 }, (_, seed) =>
    measured(closedLoop(server(seededRandom(seed, 'slow'), slowness), oneByOne, 55_000)),
  )

  test('the steady part is within 1 % of the truth, which the whole window is not', () => {
    for (const point of runs) {
      const { outputTokensPerS } = steadyOf(point)
      expect(Math.abs(outputTokensPerS / TRUTH_PER_S - 1)).toBeLessThan(0.01)
      expect(point.outputTokensPerS).toBeLessThan(0.9 * TRUTH_PER_S)
      expect(point.wholeRunOutputTokensPerS).toBeLessThan(0.9 * TRUTH_PER_S)
    }
  })

  test('a warning says by how much the window is off it, and none where it is not', () => {
    const warningOf = (slow: (ms: number) => number, until: number) => {
      const records = closedLoop(server(seededRandom(4, 'warned'), slow), oneByOne, until)
      const levels = [levelLog({ windowEndMs: WINDOW_MS, issued: records.length })]
      const { warnings } = summarize(runLog({ levels }), records)
      return warnings.find(({ kind }) => kind === 'window-not-steady')?.text
    }
    expect(warningOf(slowness, 55_000)).toMatch(
      /^1 user: a start-up or tail inside the window moves its throughput by -1\d\.\d % against/,
    )
    expect(warningOf(() => 1, 62_000)).toBeUndefined()
  })

  test('it begins when the start is over, and ends before the drift has gone far', () => {
    for (const point of runs) {
      const { startMs, endMs } = steadyOf(point)
      expect(startMs).toBeGreaterThan(5000)
      expect(startMs).toBeLessThan(14_000)
      expect(endMs).toBeGreaterThan(42_000)
      expect(endMs).toBeLessThan(51_000)
    }
  })

  test("Little's law holds in it: 16 users are in flight", () => {
    for (const { littlesLaw } of runs) {
      expect(littlesLaw?.meanInFlight).toBeCloseTo(USERS, 1)
      expect(Math.abs(littlesLaw?.residualRatio ?? 1)).toBeLessThan(0.02)
    }
  })
})

describe('a closed loop that stays as it is', () => {
  const runs = Array.from({ length: 40 }, (_, seed) =>
    measured(closedLoop(server(seededRandom(seed, 'even')), oneByOne, 62_000), undefined, 2000),
  )

  test('is steady throughout, or nearly', () => {
    for (const point of runs) {
      const { startMs, endMs } = steadyOf(point)
      expect(endMs - startMs).toBeGreaterThan(50_000)
    }
  })

  test('has the throughput of its steady part from the chunks of just that part', () => {
    const records = closedLoop(server(seededRandom(1, 'even')), oneByOne, 62_000)
    const { startMs, endMs, outputTokensPerS } = steadyOf(measured(records))
    const chunks = records
      .flatMap(({ chunkMs }) => chunkMs)
      .filter((ms) => ms >= startMs && ms < endMs)
    expect(outputTokensPerS).toBeCloseTo((1000 * chunks.length) / (endMs - startMs), 6)
  })
})

describe('95 % intervals of the throughput', () => {
  /** How often the truth is inside. 300 seeds: 95 % is 285, and three standard errors below it 273. */
  const covered = (
    interval: (point: OperatingPoint) => { low: number; high: number } | undefined,
  ) =>
    Array.from({ length: 300 }, (_, seed) => {
      const due = arrivals(seededRandom(seed, 'cover'), 8, 62_000)
      const point = measured(
        openLoop(server(seededRandom(seed, 'prefill')), due),
        { kind: 'poisson', ratePerS: 8 },
        2000,
      )
      const { low = Number.NaN, high = Number.NaN } = interval(point) ?? {}
      return low <= 8 * 40 && 8 * 40 <= high
    }).filter(Boolean).length

  test('hold the true rate of a Poisson load about as often as they say', () => {
    const inside = covered(({ outputTokensPerSInterval }) => outputTokensPerSInterval)
    expect(inside).toBeGreaterThanOrEqual(273)
    expect(inside).toBeLessThan(300)
  })
})

describe('an open loop', () => {
  const capacityPerS = USERS / 0.88
  const at = (share: number, seed: number) => {
    const ratePerS = share * capacityPerS
    const due = arrivals(seededRandom(seed, 'open'), ratePerS, 65_000)
    const queue = server(seededRandom(seed, 'queue'))
    return measured(openLoop(queue, due), { kind: 'poisson', ratePerS }, 5000, 65_000)
  }
  const gate = (point: OperatingPoint) =>
    point.gates.find(({ gate: name }) => name === 'steady-state')
  const seeds = Array.from({ length: 20 }, (_, seed) => seed)

  test('above capacity is refused a steady-state number, and INVALID', () => {
    for (const seed of seeds) {
      const point = at(1.3, seed)
      expect(point.steadyState?.kind).toBe('overloaded')
      expect(gate(point)).toMatchObject({ status: 'fail', severity: 'invalid' })
      expect(point.littlesLaw).toBeUndefined()
      expect(JSON.stringify(point.steadyState)).not.toContain('TokensPerS')
    }
  })

  test('at 70 % of capacity is not accused of it', () => {
    const kinds = seeds.map((seed) => at(0.7, seed).steadyState?.kind)
    expect(kinds.filter((kind) => kind === 'steady').length).toBeGreaterThanOrEqual(19)
    expect(kinds).not.toContain('overloaded')
  })

  test('that fills an empty server is not accused of it, with no warm-up at all', () => {
    for (const seed of seeds) {
      const due = arrivals(seededRandom(seed, 'cold'), 8, WINDOW_MS)
      const records = openLoop(server(seededRandom(seed, 'cold queue')), due)
      expect(measured(records, { kind: 'poisson', ratePerS: 8 }).steadyState?.kind).not.toBe(
        'overloaded',
      )
    }
  })

  test('whose rate is meant to change has no steady state to look for', () => {
    const load: LoadLevel = {
      kind: 'ramp',
      arrivals: 'poisson',
      stages: [{ forS: 60, ratePerS: 1, toRatePerS: 40 }],
    }
    const due = arrivals(seededRandom(1, 'ramp'), 1.3 * capacityPerS, WINDOW_MS)
    const point = measured(openLoop(server(seededRandom(1, 'ramp queue')), due), load)
    expect(point.steadyState).toEqual({
      kind: 'not-judged',
      reason: 'the load itself changes with time',
    })
    expect(gate(point)?.status).toBe('does-not-apply')
  })
})

describe('what never settles', () => {
  const changing = (slowness: (ms: number) => number) =>
    measured(closedLoop(server(seededRandom(5, 'change'), slowness), oneByOne, 62_000))

  test('a server that grows slower all the while drifts, with the size of it', () => {
    const { steadyState, gates } = changing((ms) => slope(ms, 0, 60_000, 1, 1.25))
    expect(steadyState?.kind).toBe('drifts')
    // From 727 to 582 tokens/s around a median of 646: -22 % over the window.
    if (steadyState?.kind !== 'drifts') return
    expect(steadyState.changeRatio).toBeCloseTo(-0.22, 1)
    expect(steadyState.highRatio).toBeLessThan(0)
    expect(gates.find(({ gate }) => gate === 'steady-state')).toMatchObject({
      status: 'fail',
      severity: 'degraded',
    })
  })

  test('a drift of 1 % is too small to matter', () => {
    expect(changing((ms) => slope(ms, 0, 60_000, 1, 1.01)).steadyState?.kind).toBe('steady')
  })

  test('one speed for 60 % of the window and another after it are no steady state of either', () => {
    const { steadyState } = changing((ms) => (ms < 36_000 ? 1 : 1.5))
    expect(['drifts', 'never-settles']).toContain(steadyState?.kind)
  })
})

describe('what cannot be judged', () => {
  const even = closedLoop(server(seededRandom(9, 'short')), oneByOne, 70_000)
  const reasonOf = ({ steadyState }: OperatingPoint) =>
    steadyState?.kind === 'not-judged' ? steadyState.reason : steadyState?.kind

  test('a window of under ten median latencies', () => {
    expect(reasonOf(measured(even, undefined, 2000, 9000))).toMatch(
      /^the window is [78]\.\d median latencies long, and 10 are needed$/,
    )
  })

  test('fewer than 50 requests', () => {
    const one = closedLoop(server(seededRandom(9, 'one')), [0], 40_000)
    expect(reasonOf(measured(one, undefined, 0, 40_000))).toBe(
      '45 requests ended in the window, and 50 are needed',
    )
  })

  test('nothing completed', () => {
    const failed = even.map(
      (each): RequestRecord => ({
        ...each,
        endMs: undefined,
        chunkMs: [],
        outcome: { kind: 'failed', failure: 'http-status', detail: '500' },
      }),
    )
    expect(reasonOf(measured(failed))).toBe('no request completed')
    expect(measured(failed).outputTokensPerSInterval).toBeUndefined()
  })

  test('a window of no length', () => {
    expect(measured(even, undefined, 500, 500).steadyState?.kind).toBe('not-judged')
  })
})

describe("Little's law", () => {
  const records = closedLoop(server(seededRandom(3, 'little')), oneByOne, 62_000)
  const gate = (point: OperatingPoint) =>
    point.gates.find(({ gate: name }) => name === 'littles-law')

  test('by hand: 16 in flight, 16 / 0.88 ended a second, after 880 ms each', () => {
    const { littlesLaw } = measured(records, undefined, 2000)
    expect(littlesLaw?.meanInFlight).toBeCloseTo(16, 6)
    expect(littlesLaw?.endedPerS).toBeCloseTo(16 / 0.88, 0)
    expect(littlesLaw?.meanLatencyMs).toBeCloseTo(880, -1)
    expect(gate(measured(records, undefined, 2000))?.status).toBe('pass')
  })

  test('breaks where answers end by one clock and records close by another', () => {
    // Closed 100 ms after the end: 980 of 880 ms, so 16 seem to be 17.8 in flight.
    const late = records.map((each) => ({ ...each, closedMs: each.closedMs + 100 }))
    const point = measured(late, undefined, 2000)
    expect(point.littlesLaw?.residualRatio).toBeCloseTo(1 - 880 / 980, 2)
    expect(gate(point)?.status).toBe('fail')
  })

  test('is not asked of what is not steady', () => {
    expect(gate(measured(records, undefined, 2000, 9000))?.status).toBe('not-measured')
  })
})
