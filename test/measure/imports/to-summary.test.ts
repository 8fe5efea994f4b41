import { describe, expect, test } from 'vitest'
import type { Imported, ImportedPoint } from '../../../src/measure/imports/imported.ts'
import { joined } from '../../../src/measure/imports/index.ts'
import { toSummary } from '../../../src/measure/imports/to-summary.ts'
import { distribution } from '../../../src/measure/quantile.ts'

const told = (p50: number, n?: number) => ({
  key: 'k',
  n,
  mean: p50 + 1,
  percentiles: [
    { p: 50, value: p50 },
    { p: 99, value: p50 * 2 },
  ],
})

function imported(points: Partial<ImportedPoint>[], parts: Partial<Imported> = {}): Imported {
  return {
    tool: { name: 'Other', version: '1.2' },
    format: 'other',
    clockStart: 'sent',
    points: points.map((point) => ({ label: '', requests: {}, metrics: {}, ...point })),
    cannotTell: ['the GPU'],
    notes: [],
    ...parts,
  }
}

const closed = { kind: 'closed', concurrency: 8 } as const
const open = { kind: 'open', ratePerS: 2, arrivals: 'poisson' } as const

test('nothing imported is VALID, and why is told', () => {
  const { verdict, reasons } = toSummary(imported([{ load: closed }]))
  expect(verdict).toBe('NOT JUDGED')
  expect(reasons[0]).toContain('Other 1.2')
  expect(reasons[1]).toBe('The file does not tell the GPU.')
})

describe('interactivity', () => {
  test('is 1000 / median TPOT', () => {
    const { points } = toSummary(imported([{ metrics: { tpotMs: told(20) } }]))
    expect(points[0]?.tokensPerSPerUser).toBe(50)
  })

  test('is of the mean where no median is told, and that is said', () => {
    const tpotMs = { key: 'k', mean: 25, percentiles: [] }
    const { points, reasons } = toSummary(imported([{ metrics: { tpotMs } }]))
    expect(points[0]?.tokensPerSPerUser).toBe(40)
    expect(reasons.join()).toContain('mean TPOT')
  })

  test('is unknown without TPOT', () => {
    expect(toSummary(imported([{}])).points[0]?.tokensPerSPerUser).toBeUndefined()
  })
})

describe('percentiles', () => {
  const ttftOf = (n?: number) =>
    toSummary(imported([{ load: closed, metrics: { ttftMs: told(100, n) } }])).points[0]?.ttftMs

  test('of too few samples are withheld as ours are: 200 are enough for p95, not for p99', () => {
    expect(ttftOf(200)?.p50).toEqual({ p: 50, n: 200, value: 100 })
    expect(ttftOf(200)?.p99).toEqual({ p: 99, n: 200, withheldUntilN: 662 })
    expect(ttftOf(662)?.p99).toEqual({ p: 99, n: 662, value: 200 })
  })

  test('of an unknown number are shown without one, and never with an interval', () => {
    expect(ttftOf()?.p99).toEqual({ p: 99, value: 200 })
    expect(ttftOf()?.p95).toEqual({ p: 95 })
  })

  test('of records are ours, intervals included', () => {
    const fromRecords = distribution([10, 20, 30, 40, 50, 60, 70])
    const { points } = toSummary(
      imported([{ load: closed, metrics: { ttftMs: { ...told(100), fromRecords } } }]),
    )
    expect(points[0]?.ttftMs).toBe(fromRecords)
    expect(points[0]?.ttftMs?.p50).toMatchObject({ value: 40, low: 10, high: 70 })
  })
})

describe('the clock', () => {
  const metrics = { ttftMs: told(100), latencyMs: told(900) }

  test('from the send is ours in closed loop', () => {
    const [point] = toSummary(imported([{ load: closed, metrics }])).points
    expect(point?.ttftMs?.p50.value).toBe(100)
    expect(point?.latencyMs?.p50.value).toBe(900)
  })

  test('from the send is not ours under a rate', () => {
    const { points, reasons } = toSummary(imported([{ load: open, metrics }]))
    expect(points[0]?.ttftMs).toBeUndefined()
    expect(points[0]?.latencyMs).toBeUndefined()
    expect(points[0]?.ttftFromSentMs?.p50.value).toBe(100)
    expect(points[0]?.latencyFromSentMs?.p50.value).toBe(900)
    expect(reasons.join()).toContain('leave out the wait before')
  })

  test('inside the engine is not ours at all', () => {
    const [point] = toSummary(
      imported([{ load: closed, metrics }], { clockStart: 'engine' }),
    ).points
    expect(point?.ttftMs).toBeUndefined()
    expect(point?.ttftFromSentMs).toBeUndefined()
    expect(point?.latencyFromSentMs).toBeUndefined()
  })
})

test('points span a frontier', () => {
  const tpot = (ms: number) => ({ tpotMs: told(ms) })
  const { points, frontier } = toSummary(
    imported([
      { load: closed, outputTokensPerS: 100, metrics: tpot(10) },
      { load: open, outputTokensPerS: 90, metrics: tpot(20) },
      { load: { kind: 'unlimited' }, outputTokensPerS: 300, metrics: tpot(50) },
      { load: { kind: 'trace' }, metrics: tpot(5) },
    ]),
  )
  expect(points.map(({ label }) => label)).toEqual([
    '8 users',
    '2 req/s Poisson',
    'all at once',
    'trace',
  ])
  // Level 1 is beaten on both by level 0; level 3 has no throughput.
  expect(frontier).toEqual([
    { level: 2, outputTokensPerS: 300, tokensPerSPerUser: 20 },
    { level: 0, outputTokensPerS: 100, tokensPerSPerUser: 100 },
  ])
})

test('results of one tool join, and a version that differs is no version', () => {
  const one = imported([{ label: 'a' }], { notes: ['x', 'y'] })
  const two = imported([{ label: 'b' }], { notes: ['y'], tool: { name: 'Other', version: '2' } })
  const [both, ...others] = joined([one, two])
  expect(others).toEqual([])
  expect(both?.points.map(({ label }) => label)).toEqual(['a', 'b'])
  expect(both?.notes).toEqual(['x', 'y'])
  expect(both?.tool).toEqual({ name: 'Other' })
})
