import { readlink } from 'node:fs/promises'
import type { Machine } from '../machine.ts'
import { thisMachine } from '../this-machine.ts'

/**
 * A machine whose processes can be looked into as they run, beside what detection asks of it. A
 * recorded bundle cannot: what runs on a machine is no part of what it is.
 */
export interface LiveMachine extends Machine {
  /** What a link says, not followed: what an open file of a process links to (`socket:[17]`) is no path. Rejects as `readText` does. */
  readonly readLink: (path: string) => Promise<string>
}

/** The machine that this process runs on, as it runs. */
export const thisLiveMachine: LiveMachine = { ...thisMachine, readLink: (path) => readlink(path) }
