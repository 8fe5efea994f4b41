// The built load engine, set up against the mock server: as a run drives it, or its sender alone.
import { join } from 'node:path'
import { built, orders } from './harness.mjs'

const [
  { startClock },
  { createSender },
  { requestBytes },
  { serverApis },
  { runLoad },
  { openJournal },
  { eachRecord },
  { benchmarkSchema },
] = await Promise.all(
  [
    'clock',
    'send',
    'request-source',
    'servers/index',
    'run-load',
    'journal',
    'read-journal',
    'benchmark',
  ].map((file) => built(`load/${file}.js`)),
)

const TIMEOUTS = { connectMs: 5_000, firstTokenMs: 120_000, idleMs: 60_000, totalMs: 600_000 }
const INPUT_TOKENS = 8

const api = serverApis['openai-chat']
const started = startClock()
export const { clock, epochMonotonicMs } = started

const url = `http://127.0.0.1:${orders.port}`
const template = { model: 'mock', userAgent: 'baremark', forceLength: false, idPrefix: 'bench' }
const endpoint = {
  host: '127.0.0.1',
  address: '127.0.0.1',
  port: orders.port,
  tls: false,
  insecure: false,
}

/** A sender in this thread. */
export const createOwnSender = () => createSender({ endpoint, api, clock, timeouts: TIMEOUTS })

/** Sends one request with a sender of this thread; resolves with what came of it. */
export function sendOne(sender, id) {
  const { bytes } = requestBytesOf(id)
  return new Promise((resolve) => {
    sender.send(
      {
        id,
        level: 0,
        phase: 'measured',
        bytes,
        requestedInputTokens: INPUT_TOKENS,
        requestedOutputTokens: orders.events,
      },
      ({ outcome, chunks }) => resolve({ outcome: outcome.kind, chunks: chunks.count }),
    )
  })
}

function requestBytesOf(id) {
  const prompt = 'Count to one hundred, please.'
  const bytes = requestBytes(
    { ...template, api, url },
    { id: String(id), prompt, outputTokens: orders.events },
  )
  return { bytes }
}

/**
 * The production path, as `baremark run` has it: measuring threads, journal on disk, records read
 * back from it.
 */
export async function startRun(parts) {
  const file = join(orders.folder, 'requests.jsonl')
  const journal = await openJournal(file)
  const stop = new AbortController()
  const benchmark = benchmarkSchema.parse({
    schemaVersion: 1,
    name: 'bench',
    workload: { kind: 'synthetic', inputTokens: INPUT_TOKENS, outputTokens: orders.events ?? 1 },
    ...parts,
  })
  const running = runLoad(benchmark, {
    clock,
    setup: {
      epochMonotonicMs,
      endpoint,
      template: { ...template, url },
      prompts: { kind: 'assumed', overheadTokens: 0, tokensPerWord: 1, reason: 'mock' },
      promptSalt: '',
    },
    workersFor: () => orders.workers ?? 1,
    journal,
    signal: stop.signal,
    onLevelStart: () => {},
    onProgress: () => {},
    onLevelEnd: () => {},
  })
  return {
    benchmark,
    file,
    stop: () => stop.abort(),
    ended: async () => {
      const logs = await running
      await journal.close()
      return logs
    },
    /** Visits every record, from the journal. */
    eachRecord: (visit) => eachRecord(file, visit),
  }
}
