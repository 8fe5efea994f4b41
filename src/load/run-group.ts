import { randomInteger, seededRandom } from '../random.ts'
import type { RunLog } from './run-log.ts'

/** More runs of one thing than are wanted when each is narrow enough. */
export interface Until {
  readonly kind: 'interval'
  /** Of output tokens/s at every level: both ends of its interval at most this far from the median, as a share of it. */
  readonly withinRatio: number
  /** Runs after which the interval is looked at, fixed before the first of them; the last is the most runs. */
  readonly looksAfter: readonly number[]
}

/** What was decided before the first run. */
export interface RunGroupPlan {
  /** How many runs; with `until`, the most. */
  readonly runs: number
  /** Rest of the server between two runs. */
  readonly pauseS: number
  readonly until?: Until
}

/** A run of a group: its folder inside the group's, and the seed it was given. */
export interface RunGroupMember {
  readonly directory: string
  readonly seed: number
}

/** Several runs of one benchmark; `group.json` of a group folder. What they came to is in their own folders. */
export interface RunGroup {
  readonly schemaVersion: 1
  readonly kind: 'baremark-group'
  readonly groupId: string
  readonly tool: RunLog['tool']
  /** ISO 8601 UTC. */
  readonly startedAt: string
  readonly benchmark: string
  /** The benchmark's, of which those of the runs are drawn. */
  readonly seed: number
  readonly plan: RunGroupPlan
  /** `running` is what a crash leaves behind. */
  readonly state: 'running' | 'ended'
  /** Why it ended before the plan was done; absent when it did not. */
  readonly stopped?: string
  /** In the order in which they were made. */
  readonly runs: readonly RunGroupMember[]
}

const SEEDS = 2 ** 31

/**
 * The seed of run 1, 2 ... of a group. Two groups of one benchmark have the same seeds in the same order, as a
 * comparison of them wants; groups of neighbouring seeds share none.
 */
export function seedOfRun(seed: number, run: number): number {
  return randomInteger(seededRandom(seed, `run-${run}`), SEEDS)
}
