// What every client under test has in common: its orders, the closed loop, the window over which CPU
// is counted, and the file of stamps.
import { writeFileSync } from 'node:fs'
import { performance } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'

const NS_PER_MS = 1e6
const MS_PER_S = 1e3
const LF = 10
/** A role event comes before the content. */
const EVENTS_BEFORE = 1
/** A stamps file holds, for each answer, its id and the number of its stamps, then the stamps. */
const STAMP_HEAD = 2

/**
 * @typedef {object} Orders What the bench asks of a client; times in seconds.
 * @property {number} port
 * @property {number} streams
 * @property {number} events content events of one answer
 * @property {number} rampS streams start over this long, so that they are not in step
 * @property {number} warmupS
 * @property {number} windowS
 * @property {string} stamps file for the stamps
 * @property {string} folder for files of its own
 * @property {string} dist folder of the built code
 */

/** @type {Orders} */
export const orders = JSON.parse(process.argv[2] ?? '{}')

const CALIBRATIONS = 200

/**
 * Zero of a clock on the operating system's monotonic one, ns, so that its readings can be compared
 * with the mock's stamps. Of many tries the quickest, as the first call of anything is slow.
 */
export function zeroNs(nowMs) {
  let best = { tookNs: Number.POSITIVE_INFINITY, zero: 0 }
  for (let i = 0; i < CALIBRATIONS; i++) {
    const before = Number(process.hrtime.bigint())
    const ms = nowMs()
    const after = Number(process.hrtime.bigint())
    const tookNs = after - before
    if (tookNs < best.tookNs) best = { tookNs, zero: (before + after) / 2 - ms * NS_PER_MS }
  }
  return best.zero
}

const performanceZeroNs = zeroNs(() => performance.now())

/** Now on the operating system's monotonic clock, ns. */
export function monotonicNs() {
  return performanceZeroNs + performance.now() * NS_PER_MS
}

/** The built code of a source file. */
export function built(file) {
  return import(new URL(file, orders.dist).href)
}

export const body = JSON.stringify({
  messages: [{ role: 'user', content: 'Count to one hundred, please.' }],
  model: 'mock',
  stream: true,
  stream_options: { include_usage: true },
})

/**
 * Keeps `streams` requests in flight until the window is over.
 *
 * @param {(id: number) => Promise<void>} ask sends one request; resolves when its answer has ended
 * @returns {Promise<{ cpuUs: number, fromNs: number, toNs: number, failed: number }>}
 */
export async function keepBusy(ask) {
  let nextId = 0
  let failed = 0
  let over = false
  const keepAsking = async (user) => {
    await sleep((orders.rampS * MS_PER_S * user) / orders.streams)
    while (!over) {
      await ask(nextId++).catch(() => {
        if (!over) failed++
      })
    }
  }
  for (let user = 0; user < orders.streams; user++) void keepAsking(user)
  const window = await watchWindow()
  over = true
  return { ...window, failed }
}

/** CPU of this process, all its threads, over the window, and where that lay. */
export async function watchWindow() {
  await sleep((orders.rampS + orders.warmupS) * MS_PER_S)
  const before = process.cpuUsage()
  const fromNs = monotonicNs()
  await sleep(orders.windowS * MS_PER_S)
  const { user, system } = process.cpuUsage(before)
  return { cpuUs: user + system, fromNs, toNs: monotonicNs() }
}

/** Finds the events of one answer in its bytes, however they are split, and stamps the content. */
export function createScanner(id) {
  const stampsNs = new Float64Array(orders.events)
  let events = 0
  let afterLf = false
  return {
    id,
    stampsNs,
    count: () => Math.max(0, Math.min(orders.events, events - EVENTS_BEFORE)),
    /** An event ends with an empty line. */
    push: (bytes) => {
      const nowNs = monotonicNs()
      let previous = afterLf ? -1 : -2
      for (let at = bytes.indexOf(LF); at >= 0; at = bytes.indexOf(LF, at + 1)) {
        if (at - 1 === previous) {
          const index = events++ - EVENTS_BEFORE
          if (index >= 0 && index < orders.events) stampsNs[index] = nowNs
          previous = -2
        } else {
          previous = at
        }
      }
      afterLf = previous === bytes.length - 1
    },
  }
}

/** Hands the window and every stamp to the bench, and ends the process. */
export function handIn(result, answers) {
  const stride = STAMP_HEAD + orders.events
  const file = new Float64Array(1 + answers.length * stride)
  file[0] = stride
  for (const [index, { id, stampsNs, count }] of answers.entries()) {
    const at = 1 + index * stride
    file[at] = id
    file[at + 1] = count()
    file.set(stampsNs, at + STAMP_HEAD)
  }
  writeFileSync(orders.stamps, file)
  process.stdout.write(JSON.stringify(result), () => process.exit(0))
}
