import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect, test } from 'vitest'
import type { RequestRecord } from '../../src/load/record.ts'
import { startSummary } from '../../src/measure/summarize.ts'
import { levelLog, record, runLog } from './records.ts'

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

const MIB = 1024 * 1024
const CHUNKS = 20

/** Closed loop; a request every 50 us, its gaps of 5 to 45 ms in a sequence of their own. */
function* synthetic(from: number, to: number): Generator<RequestRecord> {
  for (let id = from; id < to; id++) {
    const sentMs = id / 20
    const chunkMs: number[] = []
    let us = Math.round(1000 * sentMs) + 100_000
    for (let i = 0; i < CHUNKS; i++) {
      chunkMs.push(us / 1000)
      us += 5000 + (((id * CHUNKS + i) * 7919) % 40_000)
    }
    const endMs = us / 1000
    const usage = { inputTokens: 16, outputTokens: CHUNKS }
    yield record({ id, sentMs, chunkMs, endMs, closedMs: endMs, usage })
  }
}

test('300,000 records of 20 chunks leave less than 2 MiB on the heap, and 8 to 16 bytes a metric outside', () => {
  const levels = [levelLog({ issued: 300_000, windowEndMs: 20_000 })]
  const summary = startSummary(runLog({ levels }))
  const used = (): { heap: number; outside: number } => {
    collectGarbage()
    collectGarbage() // The first leaves typed arrays to a sweeper that runs beside it.
    const { heapUsed, arrayBuffers } = process.memoryUsage()
    return { heap: heapUsed, outside: arrayBuffers }
  }
  const before = used()
  // A power of two fills the columns to the brim. Without due times and reasoning there are six.
  const full = 2 ** 18
  for (const each of synthetic(0, full)) summary.add(each)
  const brim = used()
  const perRequest = (brim.outside - before.outside) / full
  expect(perRequest).toBeGreaterThanOrEqual(6 * 8)
  // What is above are the counts of the gaps, less than 2^16 us long, and the columns without values.
  expect(perRequest).toBeLessThan(6 * 8 + (4 * 2 ** 16 + 65_536) / full)

  for (const each of synthetic(full, 300_000)) summary.add(each)
  const after = used()
  expect((after.outside - before.outside) / 300_000).toBeLessThan(6 * 16 + 2)
  expect(after.heap - before.heap).toBeLessThan(2 * MIB)

  const [point] = summary.finish().points
  expect(point?.requests.completed).toBe(300_000)
  expect(point?.interChunkMs.n).toBe(300_000 * (CHUNKS - 1))
  expect(point?.ttftMs).toMatchObject({ n: 300_000, p99: { value: 100 } })
})
