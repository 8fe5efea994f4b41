import type { ServingGpus } from '../detect/preflight/preflight.ts'
import { startSampler } from '../detect/telemetry/start-sampler.ts'
import type { Clock } from '../load/clock.ts'
import type { TelemetryLog } from '../load/run-log.ts'
import { MS_PER_S } from '../units.ts'
import type { Io } from './io.ts'

/** The machine, watched for as long as a run lasts. */
export interface MachineWatch {
  /** What has been noted so far. */
  readonly log: () => TelemetryLog
  /**
   * Lets the machine rest, the model loaded and nobody asking, so that its idle power is known. At once
   * where nothing is watched, or no rest is wanted.
   */
  readonly rest: (when: 'before' | 'after') => Promise<void>
  /** Takes a last look and ends. Never rejects. */
  readonly stop: () => Promise<void>
}

interface WatchOptions {
  /** Where readings go. */
  readonly file: string
  /** Whether the server is on this machine: another cannot be watched from here. */
  readonly loopback: boolean
  readonly serving: ServingGpus
  readonly clock: Clock
  readonly epochMonotonicMs: number
  readonly wanted: boolean
  /** How long the machine rests before and after the load. */
  readonly restS: number
}

/** Looks at GPUs, processors and power ten times a second from now on, in a process of its own. */
export async function watchMachine(options: WatchOptions, io: Io): Promise<MachineWatch> {
  const { file, serving, clock, epochMonotonicMs, restS } = options
  const notWatched = whyNotWatched(options)
  if (notWatched !== undefined) return unwatched(notWatched)
  const sampler = await startSampler({ file, epochMonotonicMs })
  if (sampler.kind === 'none') return unwatched(sampler.reason)
  const idle: { when: 'before' | 'after'; fromMs: number; toMs: number }[] = []
  let died: string | undefined
  void sampler.died.then((reason) => {
    died = reason
    io.stderr(`The machine is watched no longer: the sampler ended (${reason}).\n`)
  })
  return {
    log: () => ({ kind: 'recorded', serving: serving, idle: [...idle], died }),
    rest: async (when) => {
      if (restS === 0 || died !== undefined || io.signal.aborted) return
      io.stderr(`Letting the machine rest for ${restS} s, to know its idle power ...\n`)
      const fromMs = clock.nowMs()
      await clock.sleepUntil(fromMs + restS * MS_PER_S, io.signal)
      idle.push({ when, fromMs, toMs: clock.nowMs() })
    },
    stop: async () => {
      const ended = await sampler.stop()
      died ??= ended.died
    },
  }
}

/** A meter at the plug or a management controller that the user names may watch another machine. */
function whyNotWatched({ wanted, loopback }: WatchOptions): string | undefined {
  if (!wanted) return 'not wanted (--no-telemetry)'
  if (loopback || process.env.BAREMARK_REDFISH_URL !== undefined) return undefined
  return 'the server is on another machine, which cannot be watched from here'
}

function unwatched(reason: string): MachineWatch {
  return {
    log: () => ({ kind: 'none', reason }),
    rest: () => Promise.resolve(),
    stop: () => Promise.resolve(),
  }
}
