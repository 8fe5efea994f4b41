import { availableParallelism } from 'node:os'
import { type LoadLevel, sizeOf } from './benchmark.ts'

/**
 * What one measuring thread is given at most: about half of what it carries before its own delays show
 * (`npm run bench -- sustained`). Below this, more threads only take cores from others.
 */
const STREAMS_PER_WORKER = 500
const EVENTS_PER_S_PER_WORKER = 20_000
const REQUESTS_PER_S_PER_WORKER = 1_000

/** What the number of threads depends on. */
export interface WorkerNeeds {
  /** Chunks of an answer are at most its tokens; all cores are used where that is unknown. */
  readonly outputTokens?: number
  /** Cores; those this process may use when absent. */
  readonly cores?: number
  /** The server is on this machine and needs cores too: then half are left to it. */
  readonly loopback: boolean
}

/** How many measuring threads a level needs: what its streams, rate and expected events ask for, within the cores there are. */
export function workersFor(
  load: LoadLevel,
  {
    outputTokens = Number.POSITIVE_INFINITY,
    cores = availableParallelism(),
    loopback,
  }: WorkerNeeds,
): number {
  const spare = Math.max(1, loopback ? Math.floor(cores / 2) : cores - 1)
  return Math.min(spare, wanted(load, outputTokens))
}

function wanted(load: LoadLevel, outputTokens: number): number {
  switch (load.kind) {
    case 'closed':
      return Math.ceil(load.concurrency / STREAMS_PER_WORKER)
    case 'constant':
    case 'poisson':
    case 'gamma':
    case 'ramp':
      return forRate(sizeOf(load) ?? 0, outputTokens)
    case 'trace':
      return Number.POSITIVE_INFINITY // Its peaks are not known here.
  }
}

function forRate(ratePerS: number, outputTokens: number): number {
  return Math.ceil(
    Math.max(
      ratePerS / REQUESTS_PER_S_PER_WORKER,
      (ratePerS * outputTokens) / EVENTS_PER_S_PER_WORKER,
    ),
  )
}

/** As many threads as were asked for, but never more than there are users to share out. */
export function shardsOf(load: LoadLevel, workers: number): number {
  return load.kind === 'closed' ? Math.min(workers, load.concurrency) : workers
}
