// What a stream costs while it is in flight, and what one recorded chunk costs afterwards.
import { median, runNodeClient, withMock } from '../rounds.mjs'

const BYTES_PER_KIB = 1024
const NODE_FLAGS = ['--expose-gc']
const STREAMS = [2000, 8000]
const JUDGED_STREAMS = 8000
const MAX_STREAM_KIB = 20
/** So slow that nearly every stream is waiting when it is looked at. */
const IDLE_RATE_PER_S = 0.2
const SPARE_FILES = 200

const ANSWERS = 100
const SHORT = 200
const LONG = 2000
const FAST_RATE_PER_S = 2000
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

/** Records of long answers less as many of short ones: what is left is the chunks. */
async function chunkRow(world) {
  const held = {}
  for (const events of [SHORT, LONG]) {
    const orders = { what: 'records', answers: ANSWERS, events }
    held[events] = await memoryRound(world, { rate: FAST_RATE_PER_S, events }, orders)
  }
  const bytes =
    (held[LONG].heapBytes - held[SHORT].heapBytes) / (held[LONG].chunks - held[SHORT].chunks)
  const rounded = Number(bytes.toFixed(1))
  return {
    what: 'memory per recorded chunk',
    measured: `${rounded} bytes`,
    required: `at most ${MAX_CHUNK_BYTES} bytes`,
    met: rounded <= MAX_CHUNK_BYTES,
  }
}
