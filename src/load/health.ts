import { monitorEventLoopDelay } from 'node:perf_hooks'
import { NS_PER_MS, US_PER_MS } from '../units.ts'
import type { Clock } from './clock.ts'
import type { ClientHealth } from './run-log.ts'

const RESOLUTION_MS = 10

/** Watches this process from now until the returned function is called. */
export function watchHealth(clock: Clock): (connectionsOpened: number) => ClientHealth {
  const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS })
  delay.enable()
  const startMs = clock.nowMs()
  const startCpu = process.cpuUsage()
  return (connectionsOpened) => {
    delay.disable()
    const { user, system } = process.cpuUsage(startCpu)
    const wallMs = clock.nowMs() - startMs
    const overResolution = (ns: number): number => Math.max(0, ns / NS_PER_MS - RESOLUTION_MS)
    return {
      ...(delay.count > 0
        ? {
            loopDelayP50Ms: overResolution(delay.percentile(50)),
            loopDelayP99Ms: overResolution(delay.percentile(99)),
            loopDelayMaxMs: overResolution(delay.max),
          }
        : {}),
      cpuCores: wallMs > 0 ? (user + system) / US_PER_MS / wallMs : undefined,
      connectionsOpened,
    }
  }
}
