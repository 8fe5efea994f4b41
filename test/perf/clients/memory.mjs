// How this process grows with streams in flight, and with the chunks that come on them.
import { setTimeout as sleep } from 'node:timers/promises'
import { createOwnSender, sendOne } from './engine.mjs'
import { orders } from './harness.mjs'

const STARTS_PER_TURN = 20
const TURN_MS = 10
const SETTLE_MS = 1500

const sender = createOwnSender()

/** Memory in use after all garbage is gone, in bytes. */
async function settledMemory() {
  for (let i = 0; i < 3; i++) {
    globalThis.gc()
    await sleep(50)
  }
  const { rss, heapUsed, external } = process.memoryUsage()
  return { rss, heap: heapUsed + external, chunks: sender.traffic().chunks }
}

async function openStreams() {
  for (let id = 0; id < orders.streams; id++) {
    void sendOne(sender, id)
    if (id % STARTS_PER_TURN === 0) await sleep(TURN_MS)
  }
  await sleep(SETTLE_MS)
}

if (orders.what === 'chunks') await openStreams()
const before = await settledMemory()
if (orders.what === 'chunks') await sleep(orders.growMs)
else await openStreams()
const after = await settledMemory()
const result = {
  what: orders.what,
  streams: orders.streams,
  connections: sender.connectionsOpened(),
  chunks: after.chunks - before.chunks,
  residentBytes: after.rss - before.rss,
  heapBytes: after.heap - before.heap,
}
process.stdout.write(JSON.stringify(result), () => process.exit(0))
