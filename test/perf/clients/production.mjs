// The production path: measuring threads, one record a request, the journal on disk.
import { rmSync } from 'node:fs'
import { clock, epochMonotonicMs, startRun } from './engine.mjs'
import { handIn, orders, watchWindow, zeroNs } from './harness.mjs'

const NS_PER_MS = 1e6
const NS_PER_US = 1e3
const US_PER_MS = 1e3
const FOR_EVER_S = 100_000
/** Users arrive over half of the warm-up. */
const RAMP_SHARE = 0.5

const epochNs = zeroNs(clock.nowMs)
const run = await startRun({
  load: { kind: 'closed', concurrency: [orders.streams] },
  warmupS: orders.rampS / RAMP_SHARE,
  durationS: FOR_EVER_S,
})
const window = await watchWindow()
run.stop()
await run.ended()

const answers = []
let failed = 0
await run.eachRecord(({ id, chunkMs, outcome }) => {
  if (outcome.kind !== 'completed' && outcome.kind !== 'cancelled') failed++
  answers.push({
    id,
    count: () => chunkMs.length,
    stampsNs: Float64Array.from(chunkMs, (ms) => epochNs + ms * NS_PER_MS),
  })
})
rmSync(run.file)
handIn(
  {
    ...window,
    failed,
    epochErrorUs: epochMonotonicMs * US_PER_MS - epochNs / NS_PER_US,
  },
  answers,
)
