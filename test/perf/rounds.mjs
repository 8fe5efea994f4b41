// One round: a mock server, one client against it, and what came of it.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import {
  isQuiet,
  startClientProcess,
  startMockProcess,
  waitForQuiet,
  watchCpu,
} from './machine.mjs'
import { distWith, PEERS } from './peers.mjs'

const NS_PER_MS = 1e6
const MS_PER_S = 1e3
const STAMP_HEAD = 2
/**
 * From the start of a client of Node's to its window. Compilers of hot code are nearly done by then, and so is V8's
 * tidying of the main thread's idle heap, 8 to 9.5 s after the process started, which stops whatever shares its core;
 * a real run lasts minutes.
 */
export const SETTLED_S = 10
/** The CPU of others is looked at inside the window only, with room for a slow start. */
const WATCH_MARGIN_S = 0.3
const MAX_EXTRA_ROUNDS = 3

const clientFile = (name) => fileURLToPath(new URL(`clients/${name}.mjs`, import.meta.url))

/**
 * A mock server for as long as `use` takes, once the machine is quiet.
 *
 * @returns what came of `use`, and what the server told of itself
 */
export async function withMock(world, options, use) {
  const flags = Object.entries(options).flatMap(([name, value]) =>
    value === true ? [`--${name}`] : [`--${name}`, value],
  )
  await waitForQuiet()
  const mock = startMockProcess(join(world.folder, 'mock'), flags)
  let text = ''
  const exited = new Promise((done) => mock.once('close', done))
  mock.stdout.setEncoding('utf8')
  try {
    const port = await new Promise((resolve, reject) => {
      void exited.then(() => reject(new Error('the mock server did not start')))
      mock.stdout.on('data', (part) => {
        text += part
        if (text.includes('\n')) resolve(Number.parseInt(text, 10))
      })
    })
    const result = await use({ port, pid: mock.pid })
    mock.kill('SIGTERM')
    await exited
    return { result, told: JSON.parse(text.split('\n')[1]) }
  } finally {
    mock.kill('SIGTERM')
  }
}

/** Runs a client file of ours to its end and gives the JSON it printed. */
export function runNodeClient(world, name, orders, { nodeFlags = [], onStart = () => {} } = {}) {
  const all = JSON.stringify({ ...orders, folder: world.folder, dist: world.dist })
  const child = startClientProcess(process.execPath, [...nodeFlags, clientFile(name), all])
  onStart(child.pid)
  return finished(child, name)
}

function runCClient(world, orders, onStart) {
  const { port, streams, events, rampS, warmupS, windowS, stamps } = orders
  const flags = { port, streams, events, ramp: rampS, warmup: warmupS, window: windowS, stamps }
  const words = Object.entries(flags).flatMap(([name, value]) => [`--${name}`, value])
  const child = startClientProcess(join(world.folder, 'client'), words)
  onStart(child.pid)
  return finished(child, 'c')
}

async function finished(child, name) {
  let text = ''
  child.stdout.setEncoding('utf8').on('data', (part) => {
    text += part
  })
  const code = await new Promise((resolve) => child.once('close', resolve))
  if (code !== 0) throw new Error(`client ${name} ended with code ${code}`)
  return JSON.parse(text)
}

/**
 * Drives streams with one client and compares its stamps with the server's.
 *
 * @param {string} client `c`, `production`, or a peer: production with another HTTP client inside
 */
export async function streamRound(world, client, load) {
  const served = join(world.folder, 'served.stamps')
  const seen = join(world.folder, 'seen.stamps')
  const { ratePerS, instant = false, events: perAnswer } = load
  const pace = instant ? { instant } : { rate: ratePerS }
  const options = { ...pace, events: perAnswer, stamps: served }
  let cpu
  const { result, told } = await withMock(world, options, ({ port, pid }) => {
    const orders = { ...load, port, stamps: seen }
    const onStart = (clientPid) => {
      cpu = watchWindow([pid, clientPid], load)
    }
    if (client === 'c') return runCClient(world, orders, onStart)
    const dist = client in PEERS ? distWith(world, client) : world.dist
    return runNodeClient({ ...world, dist }, 'production', orders, { onStart })
  })
  const usage = await cpu
  const { delaysMs, events, unmatched } = compare(readStamps(served), readStamps(seen), result)
  return {
    client,
    streams: load.streams,
    events,
    unmatched: instant ? undefined : unmatched,
    failed: result.failed,
    eventsPerS: events / ((result.toNs - result.fromNs) / NS_PER_MS / MS_PER_S),
    cpuUsPerEvent: result.cpuUs / events,
    delayP50Ms: quantile(delaysMs, 0.5),
    delayP99Ms: quantile(delaysMs, 0.99),
    delayMaxMs: quantile(delaysMs, 1),
    mockCores: usage?.cores[0],
    clientCores: usage?.cores[1],
    mockLateRatio: told.lateEvents / told.events,
    otherCores: usage?.otherCores,
    epochErrorUs: result.epochErrorUs,
  }
}

/**
 * Rounds of several subjects, A B C A B C, and some more for those that others disturbed.
 *
 * @returns for each subject the quiet rounds, or all of them and a note when there are none
 */
export async function interleave(world, suite, subjects, runRound) {
  const all = new Map(subjects.map((subject) => [subject, []]))
  const quietOf = (subject) => all.get(subject).filter(isQuiet)
  for (let i = 0; i < world.rounds + MAX_EXTRA_ROUNDS; i++) {
    for (const subject of subjects) {
      if (i >= world.rounds && quietOf(subject).length >= world.rounds) continue
      const round = await runRound(subject)
      world.onRound({ suite, ...round })
      all.get(subject).push(round)
    }
  }
  return subjects.map((subject) => {
    const quiet = quietOf(subject)
    return quiet.length > 0
      ? { rounds: quiet, note: '' }
      : { rounds: all.get(subject), note: ' (disturbed)' }
  })
}

/** CPU of the two processes and of everyone else inside the client's window; nothing if one ended early. */
export async function watchWindow(pids, { rampS, warmupS, windowS }) {
  await sleep((rampS + warmupS + WATCH_MARGIN_S) * MS_PER_S)
  try {
    const read = watchCpu(pids)
    await sleep((windowS - WATCH_MARGIN_S) * MS_PER_S)
    return read()
  } catch {
    return undefined
  }
}

function readStamps(file) {
  const bytes = readFileSync(file)
  const [stride] = new Float64Array(bytes.buffer, bytes.byteOffset, 1)
  return { stride, values: new Float64Array(bytes.buffer, bytes.byteOffset).subarray(1) }
}

/** Delay of each content event that the client saw inside its window: its stamp less the server's. */
function compare(served, seen, { fromNs, toNs }) {
  const servedAt = new Map()
  for (let at = 0; at < served.values.length; at += served.stride)
    servedAt.set(served.values[at], at)
  const delaysMs = []
  let unmatched = 0
  for (let at = 0; at < seen.values.length; at += seen.stride) {
    const other = servedAt.get(seen.values[at])
    const count = seen.values[at + 1]
    for (let i = 0; i < count; i++) {
      const seenNs = seen.values[at + STAMP_HEAD + i]
      if (seenNs < fromNs || seenNs > toNs) continue
      if (other === undefined || i >= served.values[other + 1]) unmatched++
      else delaysMs.push((seenNs - served.values[other + STAMP_HEAD + i]) / NS_PER_MS)
    }
  }
  return {
    delaysMs: Float64Array.from(delaysMs).sort(),
    events: delaysMs.length + unmatched,
    unmatched,
  }
}

/** Nearest rank. */
function quantile(sorted, q) {
  return sorted[Math.max(0, Math.ceil(q * sorted.length) - 1)]
}

export function median(values) {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length / 2
  return sorted.length % 2 ? sorted[Math.floor(middle)] : (sorted[middle - 1] + sorted[middle]) / 2
}
