// The built load engine, set up against the mock server.
import { built, orders } from './harness.mjs'

const [{ startClock }, { createSender }, { requestBytes }, { serverApis }] = await Promise.all(
  ['clock', 'send', 'request-source', 'servers/index'].map((file) => built(`load/${file}.js`)),
)

const TIMEOUTS = { connectMs: 5_000, firstTokenMs: 120_000, idleMs: 60_000, totalMs: 600_000 }
const INPUT_TOKENS = 8

const api = serverApis['openai-chat']

export const { clock, epochMonotonicMs } = startClock()

export const template = {
  api,
  url: new URL(`http://127.0.0.1:${orders.port}`),
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

/** Sends one request; resolves with its record. */
export function sendOne(id) {
  return sender.send({
    id,
    level: 0,
    phase: 'measured',
    bytes: requestBytes(template, {
      id: String(id),
      prompt: 'Count to one hundred, please.',
      outputTokens: orders.events,
    }),
    requestedInputTokens: INPUT_TOKENS,
    requestedOutputTokens: orders.events,
  })
}
