import { describe, expect, test } from 'vitest'
import { ratio } from '../../../src/arithmetic.ts'
import type { RequestRecord } from '../../../src/load/record.ts'
import { createColumn } from '../../../src/measure/column.ts'
import { valuesOf } from '../../../src/measure/metrics.ts'
import { distribution, nearestRank } from '../../../src/measure/quantile.ts'
import { record } from '../records.ts'
import { publishedCases } from './published-cases.ts'

interface Stall {
  rate: number
  duration_s: number
  service_ms: number
  stall_start_s: number
  stall_len_s: number
}

/** Requests due at a steady rate to a server that does one at a time, and none for a while. */
function withStall({ rate, duration_s, service_ms, stall_start_s, stall_len_s }: Stall) {
  const stallEndMs = (stall_start_s + stall_len_s) * 1000
  const records: RequestRecord[] = []
  let freeMs = 0
  for (let i = 0; i < rate * duration_s; i++) {
    const dueMs = (i * 1000) / rate
    const sentMs = Math.max(dueMs, freeMs)
    const startsMs = sentMs >= stall_start_s * 1000 && sentMs < stallEndMs ? stallEndMs : sentMs
    freeMs = startsMs + service_ms
    records.push(record({ dueMs, sentMs, chunkMs: [freeMs], endMs: freeMs }))
  }
  return records
}

const stall = { rate: 100, duration_s: 20, service_ms: 1, stall_start_s: 10, stall_len_s: 2 }

function figures(records: readonly RequestRecord[]): Record<string, number | undefined> {
  const column = createColumn()
  for (const value of valuesOf(records, 'latencyMs')) column.add(value)
  const samples = column.samples()
  const { n, max } = distribution(valuesOf(records, 'latencyMs'))
  const at = (p: number) => nearestRank(samples, p)
  return { n, p50: at(50), p90: at(90), p99: at(99), max }
}

/** As a client measures that starts its clock when it gets to send. */
const fromTheSend = (records: readonly RequestRecord[]): RequestRecord[] =>
  records.map(({ dueMs: _, ...rest }) => rest)

describe('coordinated omission', () => {
  test('by hand: a stall of 2 s hits the tenth of requests that were due in it, not one', () => {
    // The k-th request after the stall began waits 2,001 - 9 k ms, as the queue shortens by 9 ms a request:
    // p90 is the 201st slowest of 2,000 and p99 the 21st.
    const fromDue = figures(withStall(stall))
    expect(fromDue.p90).toBeCloseTo(2001 - 9 * 200, 6)
    expect(fromDue.p99).toBeCloseTo(2001 - 9 * 20, 6)
    const fromSent = figures(fromTheSend(withStall(stall)))
    expect(fromSent.p99).toBeCloseTo(1, 6)
    expect(fromSent.max).toBeCloseTo(2001, 6)
  })

  test.each(publishedCases('coordinated-omission-synthetic.json'))(
    '$id',
    ({ inputs, expected }) => {
      const records = withStall(inputs)
      expect(records).toHaveLength(expected.n)
      const [fromDue, fromSent] = [figures(records), figures(fromTheSend(records))]
      for (const [name, value] of Object.entries(expected.intended))
        expect(fromDue[name], name).toBeCloseTo(Number(value), 6)
      for (const [name, value] of Object.entries(expected.send_based))
        expect(fromSent[name], name).toBeCloseTo(Number(value), 6)
    },
  )

  test.each(publishedCases('coordinated-omission-hdr.json', /^wrk2/))(
    'published by its authors, without the run to compute it from: $id',
    ({ expected }) => {
      const { intended_start, send_time, ratio_p99 } = expected
      expect(ratio(intended_start.p99, send_time.p99)).toBeCloseTo(ratio_p99, 2)
      for (const [name, value] of Object.entries(send_time))
        expect(intended_start[name], name).toBeGreaterThan(Number(value))
    },
  )
})
