// How this process grows: with streams in flight, or with the records of answers that are over.
import { setTimeout as sleep } from 'node:timers/promises'
import { sender, sendNext } from './engine.mjs'
import { built, orders } from './harness.mjs'

const { toRecord } = await built('load/ended-request.js')

const STARTS_PER_TURN = 20
const TURN_MS = 10
const SETTLE_MS = 1500
const AT_ONCE = 20

/** Memory in use after all garbage is gone, in bytes. */
async function settledMemory() {
  for (let i = 0; i < 3; i++) {
    globalThis.gc()
    await sleep(50)
  }
  const { rss, heapUsed, external } = process.memoryUsage()
  return { rss, heap: heapUsed + external }
}

async function openStreams() {
  for (let id = 0; id < orders.streams; id++) {
    sendNext(() => {})
    if (id % STARTS_PER_TURN === 0) await sleep(TURN_MS)
  }
  await sleep(SETTLE_MS)
}

async function collectRecords() {
  const records = []
  let asked = 0
  const ask = async () => {
    while (asked++ < orders.answers)
      records.push(await new Promise((resolve) => sendNext((ended) => resolve(toRecord(ended)))))
  }
  await Promise.all(Array.from({ length: AT_ONCE }, ask))
  return records
}

const before = await settledMemory()
const records = orders.what === 'streams' ? await openStreams() : await collectRecords()
const after = await settledMemory()
const result = {
  what: orders.what,
  streams: orders.streams,
  connections: sender.connectionsOpened(),
  chunks: records?.reduce((sum, { chunkMs }) => sum + chunkMs.length, 0),
  residentBytes: after.rss - before.rss,
  heapBytes: after.heap - before.heap,
}
process.stdout.write(JSON.stringify(result), () => process.exit(0))
