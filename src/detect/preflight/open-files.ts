/** Files that this process needs besides the load's connections: libraries, journal, reports. */
const OWN_FILES = 64

/** Files that a client needs open, given the connections it has open at once. */
export function filesNeeded(connections: number): number {
  return connections + OWN_FILES
}

/** Files that a process may have open (the soft limit), of the text of `/proc/self/limits`; unknown where it does not say or there is no limit. */
export function openFilesAllowed(limits: string | undefined): number | undefined {
  const soft = /^Max open files\s+(\d+)/m.exec(limits ?? '')?.[1]
  return soft === undefined ? undefined : Number(soft)
}

/**
 * How to let this process have so many files open. Node takes all that the hard limit allows as it
 * starts, so it is that one that is too low, and `ulimit -n` alone cannot raise it.
 */
export function raiseOpenFiles(needed: number): string {
  return `sudo prlimit --pid $$ --nofile=${needed}:${needed}`
}
