// What a stream costs while it is in flight, and what each of its chunks costs.
import { median, runNodeClient, withMock } from '../rounds.mjs'

const BYTES_PER_KIB = 1024
const NODE_FLAGS = ['--expose-gc']
const STREAMS = [2000, 8000]
const JUDGED_STREAMS = 8000
const MAX_STREAM_KIB = 20
/** So slow that nearly every stream is waiting when it is looked at. */
const IDLE_RATE_PER_S = 0.2
const SPARE_FILES = 200

const CHUNK_STREAMS = 50
const LONG = 100_000
const FAST_RATE_PER_S = 500
const GROW_MS = 10_000
const MAX_CHUNK_BYTES = 8

export async function measureMemory(world) {
  const rows = []
  for (const streams of STREAMS) {
    if (world.fileLimit < streams + SPARE_FILES)
      world.onTrouble(`memory at ${streams} streams: only ${world.fileLimit} open files allowed`)
    else rows.push(await streamRow(world, streams))
  }
  rows.push(await chunkRow(world))
  return rows
}

async function memoryRound(world, pace, orders) {
  const { result } = await withMock(world, pace, ({ port }) =>
    runNodeClient(world, 'memory', { ...orders, port }, { nodeFlags: NODE_FLAGS }),
  )
  world.onRound({ suite: 'memory', ...result })
  return result
}

async function streamRow(world, streams) {
  const rounds = []
  for (let i = 0; i < world.rounds; i++) {
    const orders = { what: 'streams', streams, events: 100 }
    rounds.push(await memoryRound(world, { rate: IDLE_RATE_PER_S }, orders))
  }
  const kib = (name) => median(rounds.map((round) => round[name])) / streams / BYTES_PER_KIB
  const residentKib = kib('residentBytes')
  return {
    what: `memory per in-flight stream, ${streams} streams`,
    measured: `${residentKib.toFixed(1)} KiB resident (${kib('heapBytes').toFixed(1)} KiB allocated)`,
    ...(streams === JUDGED_STREAMS
      ? { required: `at most ${MAX_STREAM_KIB} KiB`, met: residentKib <= MAX_STREAM_KIB }
      : {}),
  }
}

/** Streams that are under way all the time: what grows is the chunks they brought. */
async function chunkRow(world) {
  const orders = { what: 'chunks', streams: CHUNK_STREAMS, events: LONG, growMs: GROW_MS }
  const { heapBytes, chunks } = await memoryRound(
    world,
    { rate: FAST_RATE_PER_S, events: LONG },
    orders,
  )
  const rounded = Number((heapBytes / chunks).toFixed(1))
  return {
    what: 'memory per recorded chunk, of an answer under way; none once it is on disk',
    measured: `${rounded} bytes (${chunks} chunks)`,
    required: `at most ${MAX_CHUNK_BYTES} bytes`,
    met: chunks > 0 && rounded <= MAX_CHUNK_BYTES,
  }
}
