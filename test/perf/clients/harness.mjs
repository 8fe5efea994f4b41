// What every client under test has in common: its orders, the closed loop, the window over which CPU
// is counted, and the file of stamps.
import { writeFileSync } from 'node:fs'
import { performance } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'

const NS_PER_MS = 1e6
const MS_PER_S = 1e3
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

/** CPU of this process, all its threads, over the window, and where that lay. */
export async function watchWindow() {
  await sleep((orders.rampS + orders.warmupS) * MS_PER_S)
  const before = process.cpuUsage()
  const fromNs = monotonicNs()
  await sleep(orders.windowS * MS_PER_S)
  const { user, system } = process.cpuUsage(before)
  return { cpuUs: user + system, fromNs, toNs: monotonicNs() }
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
