// The production path: the sender, a line for each request, the lines on disk.
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { clock, epochMonotonicMs, sender, sendNext } from './engine.mjs'
import { built, handIn, keepBusy, orders, zeroNs } from './harness.mjs'

const { createLineWriter } = await built('load/record-line.js')

const NS_PER_US = 1e3
const US_PER_MS = 1e3
const FLUSH_MS = 200

const epochNs = zeroNs(clock.nowMs)
const file = await open(join(orders.folder, 'requests.jsonl'), 'a')
let writing = Promise.resolve()
const lines = createLineWriter((block) => {
  writing = writing.then(() => file.write(block))
})
setInterval(lines.flush, FLUSH_MS).unref()
const answers = []

/** Beside the line, only what the bench compares with the server's stamps. */
function keep({ request, chunks: { count, firstUs, gapsUs } }) {
  answers.push({ id: request.id, count, firstUs, gapsUs: gapsUs.slice(0, Math.max(0, count - 1)) })
}

const result = await keepBusy(
  () =>
    new Promise((resolve, reject) => {
      sendNext((ended) => {
        lines.write(ended)
        keep(ended)
        if (ended.outcome.kind === 'completed') resolve()
        else reject(new Error(ended.outcome.kind))
      })
    }),
)

sender.close()
lines.flush()
await writing
handIn(
  { ...result, epochErrorUs: epochMonotonicMs * US_PER_MS - epochNs / NS_PER_US },
  answers.map(({ id, count, firstUs, gapsUs }) => {
    let us = firstUs
    const stampsNs = Float64Array.from({ length: count }, (_, i) => {
      if (i > 0) us += gapsUs[i - 1]
      return epochNs + us * NS_PER_US
    })
    return { id, count: () => count, stampsNs }
  }),
)
