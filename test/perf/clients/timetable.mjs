// The production open loop: the timetable, the prompts and the sender, as a run uses them.
import { clock, sender, template } from './engine.mjs'
import { built, orders } from './harness.mjs'

const [{ runLoad }, { arrivalsMs }, { benchmarkSchema, levelsOf }, { seededRandom }] =
  await Promise.all(
    ['load/run-load.js', 'load/arrivals.js', 'load/benchmark.js', 'random.js'].map(built),
  )

const MS_PER_S = 1e3
const US_PER_S = 1e6
/** Times in a record are rounded to the microsecond, so an honest one may seem early by as much. */
const ROUNDING_MS = 0.001

const benchmark = benchmarkSchema.parse({
  schemaVersion: 1,
  name: 'timetable',
  workload: { kind: 'synthetic', inputTokens: 8, outputTokens: 1 },
  load: { kind: orders.kind, ratePerS: [orders.ratePerS] },
  warmupS: orders.warmupS,
  durationS: orders.windowS,
})
const records = []
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

const [log] = await runLoad(benchmark, {
  clock,
  sender,
  template,
  prompts: { kind: 'assumed', overheadTokens: 0, tokensPerWord: 1, reason: 'mock' },
  promptSalt: '',
  signal: new AbortController().signal,
  onLevelStart: () => {},
  onRecord: (record) => records.push(record),
  onLevelEnd: () => {},
})
sender.close()

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
  connections: sender.connectionsOpened(),
  cpuCores: cpuUs / (orders.windowS * US_PER_S),
}
process.stdout.write(JSON.stringify(result), () => process.exit(0))
