import { once } from 'node:events'
import { openSync, readFileSync, writeSync } from 'node:fs'
import { constants, setPriority } from 'node:os'
import { createInterface } from 'node:readline'
import { messageOf } from '../../errors.ts'
import { MS_PER_S, NS_PER_MS, US_PER_MS } from '../../units.ts'
import { runCommand } from '../run-command.ts'
import { openSources } from './open-sources.ts'
import { recordTelemetry } from './record-telemetry.ts'
import type { TelemetryLine } from './sample.ts'
import type { SamplerMessage, SamplerOrder } from './sampler-messages.ts'
import type { SamplerWorld } from './source.ts'
import { telemetrySources } from './sources/index.ts'

/*
 * Entry of the sampler, a process of its own: a driver that stalls then stalls no load. Its order comes
 * on standard input (`SamplerOrder`), its answers go to standard output (`SamplerMessage`), its readings
 * to the order's file. It ends when its input does, and so also when its parent dies.
 */

const CLOCK_TICKS_PER_S = 100
/** After pid and name: state is field 3, `cutime` 16, `cstime` 17 (man 5 proc). */
const CUTIME_AFTER_NAME = 13

// Ctrl-C and a closed terminal reach the whole process group; only the parent knows when the run is over.
process.on('SIGINT', () => {})
process.on('SIGHUP', () => {})
process.stdout.on('error', () => {}) // The parent may be gone; its end of the input says so too.
yieldToTheLoad()

const input = createInterface({ input: process.stdin })
const told = Promise.race([once(input, 'close'), once(process, 'SIGTERM')])
input.once('line', (line) => {
  sample(JSON.parse(line) as SamplerOrder).then(leave, (error: unknown) => {
    leave({ kind: 'failed', reason: messageOf(error) })
  })
})
input.once('close', () => {
  // Without an order there is nothing to end.
  if (!ordered) process.exit()
})
let ordered = false

async function sample(order: SamplerOrder): Promise<SamplerMessage> {
  ordered = true
  const world = worldOf(order)
  const opened = await openSources(telemetrySources, world)
  const { devices, notUsed } = opened
  if (devices.length === 0) return { kind: 'none', notUsed }
  const file = openSync(order.file, 'w')
  return new Promise((resolve) => {
    const recording = recordTelemetry(opened, {
      nowMs: world.nowMs,
      periodMs: world.periodMs,
      cpuMs,
      write: (line) => writeLine(file, line),
      onFailure: (error) => resolve({ kind: 'failed', reason: messageOf(error) }),
    })
    say({ kind: 'ready', devices, notUsed })
    void told.then(() => recording.end()).then(() => resolve({ kind: 'ended' }))
  })
}

function worldOf({ epochMonotonicMs, periodMs, root }: SamplerOrder): SamplerWorld {
  return {
    platform: process.platform,
    nowMs: () => {
      const us = Number(process.hrtime.bigint()) / (NS_PER_MS / US_PER_MS)
      return Math.round(us - epochMonotonicMs * US_PER_MS) / US_PER_MS
    },
    periodMs,
    root,
    env: process.env,
    runCommand,
  }
}

/** Whole, or an error: on a full disk part of a line may be taken without one. */
function writeLine(file: number, line: TelemetryLine): void {
  const bytes = Buffer.from(`${JSON.stringify(line)}\n`)
  let written = 0
  while (written < bytes.length) written += writeSync(file, bytes, written)
}

/** Of this process, and of the tools it ran that have ended: on Linux, where that is told. */
function cpuMs(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / US_PER_MS + endedToolsCpuMs()
}

function endedToolsCpuMs(): number {
  if (process.platform !== 'linux') return 0
  try {
    const stat = readFileSync('/proc/self/stat', 'utf8')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    const ticks = Number(fields[CUTIME_AFTER_NAME]) + Number(fields[CUTIME_AFTER_NAME + 1])
    return (ticks / CLOCK_TICKS_PER_S) * MS_PER_S
  } catch {
    return 0
  }
}

function yieldToTheLoad(): void {
  try {
    setPriority(constants.priority.PRIORITY_BELOW_NORMAL)
  } catch {
    // Not allowed here: then it runs like any other.
  }
}

function say(message: SamplerMessage): void {
  process.stdout.write(`${JSON.stringify(message)}\n`)
}

/**
 * By a signal that cannot be waited for: a call that hangs in the driver on another thread would hold
 * an ordinary exit back for ever.
 */
function leave(message: SamplerMessage): void {
  const gone = (): void => void process.kill(process.pid, 'SIGKILL')
  process.stdout.write(`${JSON.stringify(message)}\n`, gone)
}
