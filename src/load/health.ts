import { cpus } from 'node:os'
import { monitorEventLoopDelay, PerformanceObserver } from 'node:perf_hooks'
import { ratio } from '../arithmetic.ts'
import { NS_PER_MS, US_PER_MS } from '../units.ts'
import type { Clock } from './clock.ts'
import type { ClientHealth } from './run-log.ts'
import type { Sender } from './send.ts'

const RESOLUTION_MS = 10

/** Watches this process, and the machine, from now until the returned function is called. */
export function watchHealth(
  clock: Clock,
  sender: Pick<Sender, 'connectionsOpened' | 'traffic'>,
): () => ClientHealth {
  const loop = watchLoop()
  const pauses = watchGarbageCollection()
  const machine = watchMachine()
  const startMs = clock.nowMs()
  const startCpu = process.cpuUsage()
  const openedBefore = sender.connectionsOpened()
  const before = sender.traffic()
  return () => {
    const { user, system } = process.cpuUsage(startCpu)
    const after = sender.traffic()
    return {
      ...loop(),
      ...pauses(),
      cpuCores: ratio((user + system) / US_PER_MS, clock.nowMs() - startMs),
      machineCpuRatio: machine(),
      readsPerChunk: ratio(after.reads - before.reads, after.chunks - before.chunks),
      connectionsOpened: sender.connectionsOpened() - openedBefore,
    }
  }
}

/** Delay of the event loop beyond the resolution of the timer that measures it. */
function watchLoop(): () => Pick<
  ClientHealth,
  'loopDelayP50Ms' | 'loopDelayP99Ms' | 'loopDelayMaxMs'
> {
  const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS })
  delay.enable()
  const overResolution = (ns: number): number => Math.max(0, ns / NS_PER_MS - RESOLUTION_MS)
  return () => {
    delay.disable()
    if (delay.count === 0) return {}
    return {
      loopDelayP50Ms: overResolution(delay.percentile(50)),
      loopDelayP99Ms: overResolution(delay.percentile(99)),
      loopDelayMaxMs: overResolution(delay.max),
    }
  }
}

/** Pauses in which the garbage collector stopped everything else. */
function watchGarbageCollection(): () => Pick<ClientHealth, 'gcPauseTotalMs' | 'gcPauseMaxMs'> {
  let gcPauseTotalMs = 0
  let gcPauseMaxMs = 0
  const observer = new PerformanceObserver((list) => {
    for (const { duration } of list.getEntries()) {
      gcPauseTotalMs += duration
      gcPauseMaxMs = Math.max(gcPauseMaxMs, duration)
    }
  })
  observer.observe({ entryTypes: ['gc'] })
  return () => {
    observer.disconnect()
    return { gcPauseTotalMs, gcPauseMaxMs }
  }
}

/** Share of all cores' time that was not idle, whoever used it; unknown where the system does not tell. */
function watchMachine(): () => number | undefined {
  const before = cpuTimes()
  return () => {
    const after = cpuTimes()
    return ratio(after.busyMs - before.busyMs, after.totalMs - before.totalMs)
  }
}

function cpuTimes(): { busyMs: number; totalMs: number } {
  let busyMs = 0
  let totalMs = 0
  for (const { times } of cpus()) {
    const total = times.user + times.nice + times.sys + times.idle + times.irq
    totalMs += total
    busyMs += total - times.idle
  }
  return { busyMs, totalMs }
}
