import { readdirSync, readFileSync, statSync } from 'node:fs'
import { type Maybe, sum } from '../arithmetic.ts'
import { openFilesAllowed } from '../detect/preflight/open-files.ts'
import { MS_PER_S } from '../units.ts'
import type { Headroom } from './run-log.ts'

/** What tells how near a process is to its limits; of Linux. Tests hand in their own. */
export interface LimitSources {
  /** Entries of a folder; throws where there is none. */
  readonly list: (path: string) => readonly string[]
  /** Size of a folder as the system tells it; throws where there is none. */
  readonly size: (path: string) => number
  /** Throws where it cannot be read. */
  readonly read: (path: string) => string
}

const thisSystem: LimitSources = {
  list: (path) => readdirSync(path),
  size: (path) => statSync(path).size,
  read: (path) => readFileSync(path, 'latin1'),
}

const LOOK_EVERY_MS = MS_PER_S

/** Watches open files and sockets from now until the returned function is called, and keeps the most. */
export function watchHeadroom(sources: LimitSources = thisSystem): () => Headroom {
  const orUnknown = <T>(ask: () => T): T | undefined => {
    try {
      return ask()
    } catch {
      return undefined
    }
  }
  let openFilesMost: Maybe
  let socketsMost: Maybe
  const look = (): void => {
    openFilesMost = most(
      openFilesMost,
      orUnknown(() => openFiles(sources)),
    )
    socketsMost = most(
      socketsMost,
      orUnknown(() => socketsIn(sources.read('/proc/net/sockstat'))),
    )
  }
  look()
  const timer = setInterval(look, LOOK_EVERY_MS)
  timer.unref()
  return () => {
    clearInterval(timer)
    look()
    return {
      openFilesMost,
      openFilesAllowed: orUnknown(() => openFilesAllowed(sources.read('/proc/self/limits'))),
      socketsMost,
      portsAllowed: orUnknown(() =>
        portsIn(sources.read('/proc/sys/net/ipv4/ip_local_port_range')),
      ),
    }
  }
}

/**
 * The folder's size is their number since Linux 6.2, and 0 before; naming thousands of them takes milliseconds
 * (Linux, proc/fd.c).
 */
function openFiles({ size, list }: LimitSources): number {
  return size('/proc/self/fd') || list('/proc/self/fd').length
}

function most(before: Maybe, now: Maybe): Maybe {
  return before === undefined || now === undefined ? (before ?? now) : Math.max(before, now)
}

/** TCP sockets in use and in TIME_WAIT, whose ports are taken for a minute more (Linux, net/ipv4/proc.c). */
function socketsIn(sockstat: string): Maybe {
  const of = (name: string): Maybe => {
    const found = new RegExp(`^TCP:.*\\b${name} (\\d+)`, 'm').exec(sockstat)?.[1]
    return found === undefined ? undefined : Number(found)
  }
  return sum([of('inuse'), of('tw')])
}

function portsIn(range: string): Maybe {
  const [, from, to] = /^(\d+)\s+(\d+)/.exec(range) ?? []
  return from === undefined || to === undefined ? undefined : Number(to) - Number(from) + 1
}
