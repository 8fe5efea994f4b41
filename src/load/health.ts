import { readFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { monitorEventLoopDelay, PerformanceObserver } from 'node:perf_hooks'
import { difference, type Maybe, ratio } from '../arithmetic.ts'
import { NS_PER_MS, US_PER_MS } from '../units.ts'
import type { Clock } from './clock.ts'
import { watchHeadroom } from './headroom.ts'
import type { ClientHealth, WorkerHealth } from './run-log.ts'
import type { Sender } from './send.ts'

const RESOLUTION_MS = 10

/** Watches the thread that calls, from now until the returned function is called. */
export function watchWorker(
  clock: Clock,
  sender: Pick<Sender, 'connectionsOpened' | 'traffic'>,
  clockErrorMs: number,
): () => WorkerHealth {
  const loop = watchLoop()
  const pauses = watchGarbageCollection()
  const startMs = clock.nowMs()
  const startCpuMs = threadCpuMs()
  const openedBefore = sender.connectionsOpened()
  const before = sender.traffic()
  return () => {
    const after = sender.traffic()
    return {
      ...loop(),
      ...pauses(),
      cpuCores: ratio(difference(threadCpuMs(), startCpuMs), clock.nowMs() - startMs),
      reads: after.reads - before.reads,
      chunks: after.chunks - before.chunks,
      connectionsOpened: sender.connectionsOpened() - openedBefore,
      clockErrorMs,
    }
  }
}

/** Watches this process and the machine, from now until the returned function gets what its threads say. */
export function watchClient(clock: Clock): (workers: readonly WorkerHealth[]) => ClientHealth {
  const machine = watchMachine()
  const headroom = watchHeadroom()
  const startMs = clock.nowMs()
  const startCpu = process.cpuUsage()
  return (workers) => {
    const { user, system } = process.cpuUsage(startCpu)
    const worst = (of: (worker: WorkerHealth) => Maybe): Maybe => {
      const known = workers.map(of).filter((value) => value !== undefined)
      return known.length > 0 ? Math.max(...known) : undefined
    }
    const total = (of: (worker: WorkerHealth) => number): number =>
      workers.reduce((all, worker) => all + of(worker), 0)
    return {
      loopDelayP50Ms: worst(({ loopDelayP50Ms }) => loopDelayP50Ms),
      loopDelayP99Ms: worst(({ loopDelayP99Ms }) => loopDelayP99Ms),
      loopDelayMaxMs: worst(({ loopDelayMaxMs }) => loopDelayMaxMs),
      cpuCores: ratio((user + system) / US_PER_MS, clock.nowMs() - startMs),
      busiestWorkerCores: worst(({ cpuCores }) => cpuCores),
      machineCpuRatio: machine(),
      gcPauseTotalMs: worst(({ gcPauseTotalMs }) => gcPauseTotalMs),
      gcPauseMaxMs: worst(({ gcPauseMaxMs }) => gcPauseMaxMs),
      readsPerChunk: ratio(
        total(({ reads }) => reads),
        total(({ chunks }) => chunks),
      ),
      connectionsOpened: total(({ connectionsOpened }) => connectionsOpened),
      headroom: headroom(),
      workers,
    }
  }
}

/** CPU time of the calling thread so far, where the system tells: Linux, and newer versions of Node. */
function threadCpuMs(): Maybe {
  if ('threadCpuUsage' in process && typeof process.threadCpuUsage === 'function') {
    const { user, system } = process.threadCpuUsage() as NodeJS.CpuUsage
    return (user + system) / US_PER_MS
  }
  try {
    // First field: nanoseconds on a processor (kernel documentation, scheduler/sched-stats).
    const [onCpuNs] = readFileSync('/proc/thread-self/schedstat', 'latin1').split(' ')
    const ms = Number(onCpuNs) / NS_PER_MS
    return ms > 0 ? ms : undefined
  } catch {
    return undefined
  }
}

/** Delay of the event loop beyond the resolution of the timer that measures it. */
function watchLoop(): () => Pick<
  WorkerHealth,
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
function watchGarbageCollection(): () => Pick<WorkerHealth, 'gcPauseTotalMs' | 'gcPauseMaxMs'> {
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
