import { readdirSync } from 'node:fs'
import { constants, setPriority } from 'node:os'

/**
 * Puts the runtime's own helper threads (compiler, garbage collector, file access) behind the measuring
 * threads that are started after this, and behind the main thread. Where a helper wakes on the core of
 * a measuring thread it would otherwise stop that for a millisecond at a time. Not lower: on a core that
 * is never idle the compiler would never get to work, and code that is not compiled costs more. Linux only, where a
 * thread has a priority of its own; elsewhere, and where it is not allowed, nothing happens.
 */
export function yieldHelperThreads(): void {
  for (const thread of ownThreads()) {
    try {
      if (thread !== process.pid) setPriority(thread, constants.priority.PRIORITY_BELOW_NORMAL)
    } catch {
      // It may have ended meanwhile.
    }
  }
}

function ownThreads(): number[] {
  try {
    return readdirSync('/proc/self/task').map(Number)
  } catch {
    return []
  }
}
