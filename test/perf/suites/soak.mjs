// Half an hour and more of requests, accelerated: memory must not grow with them.
import { runNodeClient, withMock } from '../rounds.mjs'

const BYTES_PER_MIB = 2 ** 20
/** At 500 requests a second, 33 minutes; and long answers, at 20,000 chunks a second 42 minutes. */
const LOADS = [
  { what: '1,000,000 requests of one chunk', requests: 1_000_000, events: 1, streams: 64 },
  { what: '50,000 answers of 1,000 chunks', requests: 50_000, events: 1_000, streams: 64 },
]
/** Heaps have their size by then. */
const SETTLED_SHARE = 0.25
/** Between the first settled quarter and the end. */
const MAX_GROWTH_MIB = 32

export async function measureSoak(world) {
  const rows = []
  for (const { what, ...orders } of LOADS) {
    const { result } = await withMock(world, { instant: true, events: orders.events }, ({ port }) =>
      runNodeClient(world, 'soak', { ...orders, port }),
    )
    const { looks, ...told } = result
    world.onRound({ suite: 'soak', what, ...told })
    rows.push(row(what, orders, result))
  }
  return rows
}

function row(
  what,
  { requests },
  { looks, tookS, completed, lost, chunks, summaryBytes, journalBytes },
) {
  const settled = looks.slice(Math.floor(looks.length * SETTLED_SHARE))
  const quarter = Math.max(1, Math.floor(settled.length / 4))
  const meanMib = (some) =>
    some.reduce((sum, { residentBytes }) => sum + residentBytes, 0) / some.length / BYTES_PER_MIB
  const growthMib = meanMib(settled.slice(-quarter)) - meanMib(settled.slice(0, quarter))
  const peakMib = Math.max(...looks.map(({ residentBytes }) => residentBytes)) / BYTES_PER_MIB
  return {
    what: `soak: ${what}, memory from the first quarter to the last`,
    measured: `${growthMib >= 0 ? '+' : ''}${growthMib.toFixed(1)} MiB (peak ${peakMib.toFixed(0)} MiB) in ${tookS.toFixed(0)} s; ${completed} completed, ${lost} lost, ${chunks} chunks; journal ${(journalBytes / chunks).toFixed(1)} bytes a chunk; figures made with ${(summaryBytes / BYTES_PER_MIB).toFixed(0)} MiB more`,
    required: `at most ${MAX_GROWTH_MIB} MiB, none lost`,
    met: growthMib <= MAX_GROWTH_MIB && lost === 0 && completed === requests,
  }
}
