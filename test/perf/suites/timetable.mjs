// Open loop against instant answers: how late requests leave, and whether any leaves early.
import { interleave, median, runNodeClient, SETTLED_S, watchWindow, withMock } from '../rounds.mjs'

const LOADS = [
  { kind: 'poisson', ratePerS: 1000, label: 'Poisson 1,000 req/s' },
  { kind: 'constant', ratePerS: 2000, label: 'constant 2,000 req/s' },
]
const WINDOW_S = 4
const MAX_P50_MS = 0.2
const MAX_P99_MS = 0.7
const MAX_RATE_ERROR = 0.005

export async function measureTimetable(world) {
  const results = await interleave(world, 'timetable', LOADS, (load) => timetableRound(world, load))
  return LOADS.map((load, i) => row(load, results[i]))
}

async function timetableRound(world, { label, kind, ratePerS }) {
  const window = { warmupS: SETTLED_S, windowS: WINDOW_S }
  let cpu
  const { result } = await withMock(world, { instant: true }, ({ port, pid }) =>
    runNodeClient(
      world,
      'timetable',
      { port, kind, ratePerS, ...window },
      {
        onStart: (clientPid) => {
          cpu = watchWindow([pid, clientPid], { rampS: 0, ...window })
        },
      },
    ),
  )
  const usage = await cpu
  return { label, ...result, otherCores: usage?.otherCores }
}

function row({ label }, { rounds, note }) {
  const p50Ms = median(rounds.map(({ lateP50Ms }) => lateP50Ms))
  const p99Ms = median(rounds.map(({ lateP99Ms }) => lateP99Ms))
  const cpu = median(rounds.map(({ cpuCores }) => cpuCores))
  const rateRatio = median(rounds.map(({ sent, asked }) => sent / asked))
  const sum = (name) => rounds.reduce((total, round) => total + round[name], 0)
  const [early, failed] = [sum('early'), sum('failed')]
  return {
    what: `${label}: lateness p50/p99, rate, early`,
    measured: `${p50Ms.toFixed(3)} / ${p99Ms.toFixed(3)} ms, ${(100 * rateRatio).toFixed(2)} %, ${early} early, ${failed} failed, ${cpu.toFixed(2)} cores${note}`,
    required: `p50 < ${MAX_P50_MS} ms, p99 < ${MAX_P99_MS} ms, within ${100 * MAX_RATE_ERROR} %, none early`,
    met:
      p50Ms < MAX_P50_MS &&
      p99Ms < MAX_P99_MS &&
      Math.abs(rateRatio - 1) <= MAX_RATE_ERROR &&
      early + failed === 0,
  }
}
