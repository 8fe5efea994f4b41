// The same streams read by every client in turn: CPU per event and how late each event was seen.
import { PEERS } from '../peers.mjs'
import { interleave, median, SETTLED_S, streamRound } from '../rounds.mjs'

/** Streams start over as long as one answer takes, so that the answers end evenly. */
const LOAD = { ratePerS: 50, events: 100, rampS: 2, windowS: 4 }
const WARMUP_S = SETTLED_S - LOAD.rampS
const C_WARMUP_S = 0.5

const OTHERS = { undici: 1.4, http: 1.4, fetch: 2.2 }
/** The higher load fills the core of some, whose figure can then show no more. */
const AGAINST_OTHERS_AT = [250, 500]
const REQUIRED_AGAINST_OTHERS_AT = 500
/** With its core full a client takes what it gets: its CPU per event is the core's time over the events, and cannot show more. */
const FULL_CORE = 0.97
const MAX_CPU_RATIO = { 500: 1.7, 1000: 1.6 }
const DELAY_AT = 1000
const MAX_DELAY_P50_MS = 0.1
const MAX_DELAY_P99_MS = 2
const MAX_DELAY_P99_RATIO = 2

export function warmupFor(client) {
  return client === 'c' ? C_WARMUP_S : WARMUP_S
}

export async function measureStreams(world) {
  const rows = []
  for (const streams of [250, 500, 1000]) {
    const others = AGAINST_OTHERS_AT.includes(streams) ? Object.keys(OTHERS) : []
    const byClient = await compareClients(world, ['c', 'production', ...others], streams)
    rows.push(cpuRow(streams, byClient), delayRow(streams, byClient))
    for (const other of others) rows.push(otherRow(other, streams, byClient))
  }
  return rows
}

async function compareClients(world, clients, streams) {
  const results = await interleave(world, 'streams', clients, (client) =>
    streamRound(world, client, { ...LOAD, streams, warmupS: warmupFor(client) }),
  )
  return new Map(clients.map((client, i) => [client, medians(results[i])]))
}

function medians({ rounds, note }) {
  const of = (name) => median(rounds.map((round) => round[name]))
  return {
    cpuUs: of('cpuUsPerEvent'),
    cores: of('clientCores'),
    p50Ms: of('delayP50Ms'),
    p99Ms: of('delayP99Ms'),
    maxMs: of('delayMaxMs'),
    note: failureNote(rounds) + note,
  }
}

function failureNote(rounds) {
  const failed = rounds.reduce((sum, round) => sum + round.failed, 0)
  return failed > 0 ? `, ${failed} requests failed` : ''
}

function cpuRow(streams, byClient) {
  const [c, ours] = [byClient.get('c'), byClient.get('production')]
  const ratio = ours.cpuUs / c.cpuUs
  const limit = MAX_CPU_RATIO[streams]
  return {
    what: `CPU per stream event, ${streams} streams x ${LOAD.ratePerS}/s`,
    measured: `${ratio.toFixed(2)} x C's (${ours.cpuUs.toFixed(1)} / ${c.cpuUs.toFixed(1)} us)${ours.note}`,
    ...(limit === undefined ? {} : { required: `at most ${limit} x`, met: ratio <= limit }),
  }
}

function delayRow(streams, byClient) {
  const [c, ours] = [byClient.get('c'), byClient.get('production')]
  const times = ({ p50Ms, p99Ms, maxMs }) =>
    [p50Ms, p99Ms, maxMs].map((ms) => ms.toFixed(ms < 1 ? 3 : 1)).join(' / ')
  const met =
    ours.p50Ms < MAX_DELAY_P50_MS &&
    (ours.p99Ms < MAX_DELAY_P99_MS || ours.p99Ms <= MAX_DELAY_P99_RATIO * c.p99Ms)
  return {
    what: `detection delay p50/p99/max, ${streams} streams`,
    measured: `${times(ours)} ms (C ${times(c)})${ours.note}`,
    ...(streams === DELAY_AT
      ? {
          required: `p50 < ${MAX_DELAY_P50_MS} ms, p99 < ${MAX_DELAY_P99_MS} ms or ${MAX_DELAY_P99_RATIO} x C's`,
          met,
        }
      : {}),
  }
}

function otherRow(other, streams, byClient) {
  const [theirs, ours, c] = [other, 'production', 'c'].map((name) => byClient.get(name))
  const ratio = theirs.cpuUs / ours.cpuUs
  const isFull = theirs.cores >= FULL_CORE
  const above = [theirs, ours].map(({ cpuUs }) => (cpuUs - c.cpuUs).toFixed(1)).join(' / ')
  const full = isFull ? `; its core is full, delay p50 ${theirs.p50Ms.toFixed(0)} ms` : ''
  const required = streams === REQUIRED_AGAINST_OTHERS_AT
  return {
    what: `CPU per event of ${PEERS[other]}, ${streams} streams`,
    measured: `${isFull ? 'at least ' : ''}${ratio.toFixed(2)} x ours (${theirs.cpuUs.toFixed(1)} / ${ours.cpuUs.toFixed(1)} us, above C's ${above}${full})${theirs.note}`,
    ...(required ? { required: `at least ${OTHERS[other]} x`, met: ratio >= OTHERS[other] } : {}),
  }
}
