import { expect, test } from 'vitest'
import type { OperatingPoint, SteadyState } from '../../src/measure/summary.ts'
import type { Report } from '../../src/report/report.ts'
import { steadyLines, steadyTable, unsteadyLines } from '../../src/report/steady-facts.ts'
import { sampleReport } from './sample-report.ts'

/** The first level of the sample, its window of 120 s, and what else is told of it. */
function reportWith(parts: Partial<OperatingPoint>): Report {
  const { summary, ...rest } = sampleReport()
  const [first] = summary.points
  if (!first) throw new Error('the sample has a level')
  return { ...rest, summary: { ...summary, points: [{ ...first, ...parts }] } }
}

const lineOf = (steadyState: SteadyState): string | undefined =>
  steadyLines(reportWith({ steadyState }))[0]

test('a steady part is told in seconds since the window opened', () => {
  const { run } = sampleReport()
  const windowStartMs = run.levels[0]?.windowStartMs ?? Number.NaN
  const steadyState: SteadyState = {
    kind: 'steady',
    startMs: windowStartMs + 5500,
    endMs: windowStartMs + 99_000,
    outputTokensPerS: 170.25,
    interval: { low: 165, high: 175.5 },
  }
  expect(lineOf(steadyState)).toBe(
    '1 user: 164 tok/s (161 to 168); steady from 5.50 to 99.0 of 120 s: 170 tok/s (165 to 176)',
  )
})

test.each<[SteadyState, string]>([
  [
    { kind: 'overloaded', inFlightRatio: 0.412, ttftRatio: 1.37 },
    'no steady state, as the rate is above capacity: over half the window requests in flight grew by 41.2 % and TTFT by 137 %',
  ],
  [
    { kind: 'drifts', changeRatio: 0.0612, lowRatio: 0.0371, highRatio: 0.0848 },
    'no steady state, as throughput changed all the while: by +6.12 % (+3.71 % to +8.48 %)',
  ],
  [{ kind: 'never-settles' }, 'no steady state, as start-up or tail fill too much of the window'],
  [
    { kind: 'not-judged', reason: 'no request completed' },
    'steady state not judged: no request completed',
  ],
])('what has none says why and gives no number: %j', (steadyState, said) => {
  expect(lineOf(steadyState)).toBe(`1 user: 164 tok/s (161 to 168); ${said}`)
  const report = reportWith({ steadyState, littlesLaw: undefined })
  expect(unsteadyLines(report)).toEqual([`1 user: ${said}.`])
  expect(steadyTable(report)?.rows[0]?.slice(4)).toEqual(Array.from({ length: 6 }, () => 'n/a'))
})

test('a throughput whose interval cannot be told says n/a, and an unknown one nothing', () => {
  const steadyState = { kind: 'never-settles' } as const
  const lines = (parts: Partial<OperatingPoint>) =>
    steadyLines(reportWith({ steadyState, ...parts }))
  expect(lines({ outputTokensPerSInterval: undefined })[0]).toMatch(/^1 user: 164 tok\/s \(n\/a\);/)
  expect(lines({ outputTokensPerS: undefined })[0]).toMatch(/^1 user: no steady state/)
})

test('a run of which nobody looked for a steady state says nothing of it', () => {
  const report = reportWith({ steadyState: undefined })
  expect(steadyLines(report)).toEqual([])
  expect(steadyTable(report)).toBeUndefined()
})
