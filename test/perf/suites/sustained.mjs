// Ever more streams, until one thread no longer sees its events in time.
import { isQuiet } from '../machine.mjs'
import { streamRound } from '../rounds.mjs'
import { warmupFor } from './streams.mjs'

const LOAD = { ratePerS: 50, events: 100, rampS: 2, windowS: 2.5 }
const FIRST_STREAMS = 1250
const MORE_STREAMS = [1400, 1600, 1800, 2000, 2250, 2500]
const FEWER_STREAMS = [1000, 750, 500, 250, 100]
const MAX_DELAY_P99_MS = 5
const MIN_EVENTS_PER_S = 60_000
/** A step is passed by the first two of its rounds that agree. */
const AGREEING = 2
const MAX_DISTURBED = 3

/** The highest step at which the production path keeps up; `parts` of its orders may be set. */
export async function highestSustained(world, parts = {}) {
  let best = await tryStep(world, 'production', FIRST_STREAMS, parts)
  const up = best.passed
  for (const streams of up ? MORE_STREAMS : FEWER_STREAMS) {
    const step = await tryStep(world, 'production', streams, parts)
    if (step.passed) best = step
    if (step.passed !== up) break
  }
  return best
}

export async function measureSustained(world) {
  const best = await highestSustained(world)
  const next = MORE_STREAMS.find((streams) => streams > best.streams) ?? FIRST_STREAMS
  const yardstick = await tryStep(world, 'c', next)
  return [
    {
      what: `events/s before p99 delay passes ${MAX_DELAY_P99_MS} ms, one thread`,
      measured: `${best.passed ? Math.round(best.eventsPerS) : 'none'}${limitNote(yardstick)}`,
      required: `at least ${MIN_EVENTS_PER_S}`,
      met: best.passed && best.eventsPerS >= MIN_EVENTS_PER_S,
    },
  ]
}

/** Where the C client fails too, the server or the machine is at its end and not the client. */
function limitNote({ passed, streams }) {
  return passed ? '' : ` (C fails at ${streams} streams too: server at its limit)`
}

async function tryStep(world, client, streams, parts = {}) {
  const rounds = []
  let disturbed = 0
  for (;;) {
    const round = await streamRound(world, client, {
      ...LOAD,
      ...parts,
      streams,
      warmupS: warmupFor(client),
    })
    world.onRound({ suite: 'sustained', ...round })
    if (!isQuiet(round) && disturbed++ < MAX_DISTURBED) continue
    rounds.push(round)
    const passed = rounds.filter(keepsUp)
    if (passed.length === AGREEING) return { passed: true, streams, eventsPerS: lowest(passed) }
    if (rounds.length - passed.length === AGREEING) return { passed: false, streams }
  }
}

const keepsUp = ({ delayP99Ms, failed }) => delayP99Ms <= MAX_DELAY_P99_MS && failed === 0
const lowest = (rounds) => Math.min(...rounds.map(({ eventsPerS }) => eventsPerS))
