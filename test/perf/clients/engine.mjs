// The built load engine, set up against the mock server.
import { built, orders } from './harness.mjs'

const [
  { startClock },
  { createSender },
  { createRequestSource },
  { serverApis },
  { seededRandom },
] = await Promise.all(
  [
    'load/clock.js',
    'load/send.js',
    'load/request-source.js',
    'load/servers/index.js',
    'random.js',
  ].map(built),
)

const TIMEOUTS = { connectMs: 5_000, firstTokenMs: 120_000, idleMs: 60_000, totalMs: 600_000 }
const INPUT_TOKENS = 8

const api = serverApis['openai-chat']

export const { clock, epochMonotonicMs } = startClock()

export const template = {
  api,
  url: `http://127.0.0.1:${orders.port}`,
  model: 'mock',
  userAgent: 'baremark',
  forceLength: false,
  idPrefix: 'bench',
}

export const sender = createSender({
  endpoint: {
    host: '127.0.0.1',
    address: '127.0.0.1',
    port: orders.port,
    tls: false,
    insecure: false,
  },
  api,
  clock,
  timeouts: TIMEOUTS,
})

const nextRequest = createRequestSource(template, {
  wordCount: INPUT_TOKENS,
  outputTokens: orders.events,
  random: seededRandom(1),
  firstId: 0,
  idStep: 1,
})

/** Sends the next request; what came of it is told once. */
export function sendNext(onEnd) {
  const { id, bytes } = nextRequest()
  const request = {
    id,
    level: 0,
    phase: 'measured',
    bytes,
    requestedInputTokens: INPUT_TOKENS,
    requestedOutputTokens: orders.events,
  }
  sender.send(request, onEnd)
}
