// The production path: the sender, one record a request, the journal on disk.
import { join } from 'node:path'
import { clock, epochMonotonicMs, sender, sendOne } from './engine.mjs'
import { built, handIn, keepBusy, orders, zeroNs } from './harness.mjs'

const { openJournal } = await built('load/journal.js')

const NS_PER_MS = 1e6
const NS_PER_US = 1e3
const US_PER_MS = 1e3

const epochNs = zeroNs(clock.nowMs)
const journal = await openJournal(join(orders.folder, 'records.jsonl'))
const records = []

const result = await keepBusy(async (id) => {
  const record = await sendOne(id)
  records.push(record)
  journal.append(record)
  if (record.outcome.kind !== 'completed') throw new Error(record.outcome.kind)
})

sender.cancelAll()
await new Promise((resolve) => setImmediate(resolve))
sender.close()
await journal.close()
handIn(
  { ...result, epochErrorUs: epochMonotonicMs * US_PER_MS - epochNs / NS_PER_US },
  records.map(({ id, chunkMs }) => ({
    id,
    count: () => chunkMs.length,
    stampsNs: Float64Array.from(chunkMs, (ms) => epochNs + ms * NS_PER_MS),
  })),
)
