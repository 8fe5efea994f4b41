// The production open loop, as a run uses it: does it keep its timetable?
import { rmSync } from 'node:fs'
import { startRun } from './engine.mjs'
import { built, orders } from './harness.mjs'

const [{ arrivalsMs }, { levelsOf }, { seededRandom }] = await Promise.all(
  ['load/arrivals.js', 'load/benchmark.js', 'random.js'].map(built),
)

const MS_PER_S = 1e3
const US_PER_S = 1e6
/** Times in a record are rounded to the microsecond, so an honest one may seem early by as much. */
const ROUNDING_MS = 0.001

let cpuBefore
let cpuUs
setTimeout(() => {
  cpuBefore = process.cpuUsage()
}, orders.warmupS * MS_PER_S)
setTimeout(
  () => {
    const { user, system } = process.cpuUsage(cpuBefore)
    cpuUs = user + system
  },
  (orders.warmupS + orders.windowS) * MS_PER_S - 1,
)

const run = await startRun({
  load: { kind: orders.kind, ratePerS: [orders.ratePerS] },
  warmupS: orders.warmupS,
  durationS: orders.windowS,
})
const { benchmark } = run
const [log] = await run.ended()
const records = []
await run.eachRecord((record) => records.push(record))
rmSync(run.file)

/** What the timetable holds inside the window, whether or not it was sent. */
function askedFor() {
  const random = seededRandom(benchmark.seed, 'arrivals-0')
  let asked = 0
  for (const offsetMs of arrivalsMs(levelsOf(benchmark.load)[0], random)) {
    const dueMs = log.startMs + offsetMs
    if (dueMs >= log.windowEndMs) return asked
    if (dueMs >= log.windowStartMs) asked++
  }
}

const measured = records.filter(({ phase }) => phase === 'measured')
const lateMs = Float64Array.from(measured, ({ dueMs, sentMs }) => sentMs - dueMs).sort()
const at = (q) => lateMs[Math.ceil(q * lateMs.length) - 1]
const result = {
  lateP50Ms: at(0.5),
  lateP99Ms: at(0.99),
  lateMaxMs: at(1),
  early: lateMs.filter((ms) => ms < -ROUNDING_MS).length,
  asked: askedFor(),
  sent: measured.filter(({ sentMs }) => sentMs <= log.windowEndMs).length,
  failed: records.filter(({ outcome }) => outcome.kind !== 'completed').length,
  connections: log.health.connectionsOpened,
  cpuCores: cpuUs / (orders.windowS * US_PER_S),
}
process.stdout.write(JSON.stringify(result), () => process.exit(0))
