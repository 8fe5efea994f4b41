// Two measuring threads against one: what the second brings, where it has a core of its own.
import { availableParallelism } from 'node:os'
import { interleave, median, streamRound } from '../rounds.mjs'
import { warmupFor } from './streams.mjs'
import { highestSustained } from './sustained.mjs'

const LOAD = { ratePerS: 50, events: 100, rampS: 2, windowS: 4, streams: 750 }
const MIN_RATIO = 1.7
/** One for the server, one for each measuring thread, one for the main thread and the rest. */
const MIN_CORES = 4

export async function measureWorkers(world) {
  const cores = availableParallelism()
  const rows = [await cpuRow(world)]
  if (cores < MIN_CORES) {
    world.onTrouble(`two workers against one: ${MIN_CORES} cores are needed, here are ${cores}`)
    return rows
  }
  const one = await highestSustained(world, { workers: 1 })
  const two = await highestSustained(world, { workers: 2 })
  const ratio = two.eventsPerS / one.eventsPerS
  rows.push({
    what: 'events/s of two workers against one, p99 delay under 5 ms',
    measured: `${ratio.toFixed(2)} x (${Math.round(two.eventsPerS)} / ${Math.round(one.eventsPerS)})`,
    required: `at least ${MIN_RATIO} x`,
    met: ratio >= MIN_RATIO,
  })
  return rows
}

/** What more threads cost in all, on whatever cores there are: 1 would be sharing without loss. */
async function cpuRow(world) {
  const counts = [1, 2]
  const results = await interleave(world, 'workers', counts, (workers) =>
    streamRound(world, 'production', { ...LOAD, workers, warmupS: warmupFor('production') }),
  )
  const [one, two] = results.map(({ rounds }) =>
    median(rounds.map(({ cpuUsPerEvent }) => cpuUsPerEvent)),
  )
  const notes = results.map(({ note }) => note).join('')
  return {
    what: `CPU per event of two workers against one, ${LOAD.streams} streams`,
    measured: `${(two / one).toFixed(2)} x (${two.toFixed(1)} / ${one.toFixed(1)} us)${notes}`,
  }
}
