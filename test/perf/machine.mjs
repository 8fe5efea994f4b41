// The machine under the bench: its compiler, its cores, its limits, and who else is using it.
import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { availableParallelism, cpus, loadavg, totalmem } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

const TICKS_PER_S = 100
const MS_PER_S = 1000
const BYTES_PER_GIB = 2 ** 30
const MOCK_CORE = 0
const FIRST_CLIENT_CORE = 1

export function describeMachine() {
  const model = cpus()[0]?.model.trim() ?? 'unknown processor'
  const memoryGib = (totalmem() / BYTES_PER_GIB).toFixed(0)
  return {
    machine: `${model}, ${availableParallelism()} cores, ${memoryGib} GiB, ${process.platform}`,
    node: process.version,
    loadAverage: loadavg()[0],
  }
}

/** Why nothing can be measured here, if so. */
export function findObstacle() {
  if (process.platform !== 'linux') return 'the mock server needs Linux (epoll)'
  if (!findCompiler()) return 'there is no C compiler (gcc, cc or clang) for the mock server'
  return undefined
}

function works(command, args) {
  return spawnSync(command, args, { stdio: 'ignore' }).status === 0
}

function findCompiler() {
  return ['gcc', 'cc', 'clang'].find((name) => works(name, ['--version']))
}

/** Compiles the mock server and the C client into a folder. */
export function compile(folder) {
  for (const name of ['mock', 'client']) {
    const source = fileURLToPath(new URL(`${name}.c`, import.meta.url))
    const flags = ['-std=c11', '-O2', '-Wall', '-Wextra', '-o', join(folder, name), source]
    execFileSync(findCompiler(), flags, { stdio: ['ignore', 'inherit', 'inherit'] })
  }
}

/** Server and client on a core of their own; on one core, or without `taskset`, wherever they land. */
const LAST_CORE = availableParallelism() - 1
const CLIENT_CORES =
  LAST_CORE > FIRST_CLIENT_CORE ? `${FIRST_CLIENT_CORE}-${LAST_CORE}` : String(FIRST_CLIENT_CORE)
const canPin = availableParallelism() > 1 && works('taskset', ['-c', CLIENT_CORES, 'true'])

export const pinning = canPin
  ? `server on core ${MOCK_CORE}, client on ${CLIENT_CORES}`
  : 'server and client not pinned'

export const startMockProcess = (command, args) => start(MOCK_CORE, command, args)
export const startClientProcess = (command, args) => start(CLIENT_CORES, command, args)

/** Starts a program on a core, with as many file descriptors as it may have. */
function start(core, command, args) {
  const pin = canPin ? ['taskset', '-c', String(core)] : []
  const script = 'ulimit -n "$(ulimit -Hn)"; exec "$@"'
  const words = ['-c', script, 'sh', ...pin, command, ...args.map(String)]
  return spawn('sh', words, { stdio: ['ignore', 'pipe', 'inherit'] })
}

/** File descriptors that one process may have, once raised. */
export function fileLimit() {
  const text = execFileSync('sh', ['-c', 'ulimit -Hn'], { encoding: 'utf8' }).trim()
  return text === 'unlimited' ? Number.POSITIVE_INFINITY : Number(text)
}

/** CPU seconds used so far: by the whole machine, time stolen by its host included, and by each process. */
function cpuSeconds(pids) {
  const [, user, nice, system, , , irq, softirq, steal] = readFileSync('/proc/stat', 'utf8')
    .split('\n', 1)[0]
    .split(/\s+/)
    .map(Number)
  return {
    machineS: (user + nice + system + irq + softirq + steal) / TICKS_PER_S,
    processesS: pids.map((pid) => {
      // The name in brackets may hold blanks; user and system time are the 12th and 13th after it.
      const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1).split(' ')
      return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_S
    }),
  }
}

/** Cores that some processes use from now on, and that everyone else uses meanwhile. */
export function watchCpu(pids) {
  const before = cpuSeconds(pids)
  const startedMs = performance.now()
  return () => {
    const after = cpuSeconds(pids)
    const wallS = (performance.now() - startedMs) / MS_PER_S
    const cores = after.processesS.map((used, i) => (used - before.processesS[i]) / wallS)
    const own = cores.reduce((a, b) => a + b, 0)
    return { cores, otherCores: Math.max(0, (after.machineS - before.machineS) / wallS - own) }
  }
}

/** Cores used by others above which a round says more about them than about the client. */
const QUIET_CORES = 0.15
const LOOK_MS = 400
const MAX_WAIT_MS = 20_000
let waitLeftMs = 240_000

export const isQuiet = ({ otherCores }) => (otherCores ?? 0) <= QUIET_CORES

/** Waits for others to leave the machine alone, for a while; the bench must end in any case. */
export async function waitForQuiet() {
  const endMs = performance.now() + Math.min(MAX_WAIT_MS, waitLeftMs)
  while (performance.now() < endMs) {
    const read = watchCpu([])
    await sleep(LOOK_MS)
    if (isQuiet(read())) return
    waitLeftMs -= LOOK_MS
  }
}
