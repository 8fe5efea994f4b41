// As many requests as half an hour or more of a busy run, as fast as they go: does memory stay flat?
import { readFileSync, rmSync, statSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { startRun } from './engine.mjs'
import { built, orders } from './harness.mjs'

const [{ startSummary }] = await Promise.all(['measure/summarize.js'].map(built))

const LOOK_MS = 500

/** Resident bytes of this process, all its threads. */
function residentBytes() {
  const [, pages] = readFileSync('/proc/self/statm', 'latin1').split(' ')
  return Number(pages) * 4096
}

const looks = []
const run = await startRun({
  load: { kind: 'closed', concurrency: [orders.streams] },
  warmupS: 0,
  requests: orders.requests,
})
let running = true
const ended = run.ended().finally(() => {
  running = false
})
while (running) {
  await sleep(LOOK_MS)
  looks.push({ residentBytes: residentBytes(), journalBytes: statSync(run.file).size })
}
const logs = await ended
const beforeSummary = residentBytes()
let peakBytes = beforeSummary
const watch = setInterval(() => {
  peakBytes = Math.max(peakBytes, residentBytes())
}, 50)
const log = {
  schemaVersion: 1,
  state: 'complete',
  config: { benchmark: run.benchmark, url: `http://127.0.0.1:${orders.port}` },
  target: { simulated: true },
  prompts: { kind: 'usage' },
  levels: logs,
}
const summary = startSummary(log)
await run.eachRecord((record) => summary.add(record))
const [point] = summary.finish().points
clearInterval(watch)
const result = {
  requests: point.requests.issued,
  completed: point.requests.completed,
  lost: point.requests.lost,
  chunks: point.interChunkMs.n + point.requests.completed,
  tookS: (logs[0].endMs - logs[0].startMs) / 1000,
  looks,
  heapUsedMain: process.memoryUsage().heapUsed,
  summaryBytes: Math.max(peakBytes, residentBytes()) - beforeSummary,
  journalBytes: statSync(run.file).size,
}
rmSync(run.file)
process.stdout.write(JSON.stringify(result), () => process.exit(0))
