// Short answers one after another over kept connections: what a request costs. No requirement.
import { interleave, median, streamRound } from '../rounds.mjs'
import { warmupFor } from './streams.mjs'

const LOAD = { streams: 64, events: 1, rampS: 0.2, windowS: 2, instant: true }
const CLIENTS = { c: 'C client', production: 'production path', undici: 'undici dispatch' }

export async function measureRequests(world) {
  const clients = Object.keys(CLIENTS)
  const results = await interleave(world, 'requests', clients, (client) =>
    streamRound(world, client, { ...LOAD, warmupS: warmupFor(client) }),
  )
  return clients.map((client, i) => row(CLIENTS[client], results[i]))
}

function row(label, { rounds, note }) {
  const perS = median(rounds.map(({ eventsPerS }) => eventsPerS))
  const cpuUs = median(rounds.map(({ cpuUsPerEvent }) => cpuUsPerEvent))
  return {
    what: `keep-alive requests/s, 1-token answers, ${label}`,
    measured: `${Math.round(perS)} (${cpuUs.toFixed(1)} us CPU each)${note}`,
  }
}
