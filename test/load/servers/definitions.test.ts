import { setImmediate as nextTurn } from 'node:timers/promises'
import { expect, test } from 'vitest'
import type { RequestRecord } from '../../../src/load/record.ts'
import { type RequestMetricName, requestMetrics } from '../../../src/measure/metrics.ts'
import { chunk, events, lastChunk, startScriptedServer, streamHead } from '../scripted-server.ts'
import { apiClient } from './api-client.ts'

type Moment = readonly [ms: number, event: object | string]

const choice = (delta: object, finish_reason: string | null = null, more: object = {}): object => ({
  choices: [{ index: 0, delta, finish_reason }],
  ...more,
})

/** One answer of which nine tools make TTFTs from 50 to 100 ms, TPOTs from 5.6 to 14 ms and 4 to 10 tokens. */
const stream: readonly Moment[] = [
  [50, choice({ role: 'assistant', content: '' })],
  [60, choice({ reasoning_content: 'three tokens here' })],
  [80, choice({ reasoning_content: ' and three more' })],
  [100, choice({ content: 'one' })],
  [120, choice({ content: ' two of' })],
  [140, choice({ content: ' it' }, 'stop')],
  [141, { choices: [], usage: { prompt_tokens: 20, completion_tokens: 10 } }],
  [150, '[DONE]'],
]

/** Plays a stream on a clock that shows each event's moment when its read is worked on. Sent at 0. */
async function play(moments: readonly Moment[]): Promise<RequestRecord> {
  let ms = 0
  const clock = { nowMs: () => ms, sleepUntil: () => Promise.reject(new Error('nobody sleeps')) }
  const { port } = await startScriptedServer([
    async (socket) => {
      for (const [i, [atMs, event]] of moments.entries()) {
        ms = atMs
        const text = typeof event === 'string' ? event : JSON.stringify(event)
        const last = i === moments.length - 1
        socket.write((i === 0 ? streamHead : '') + chunk(events([text])) + (last ? lastChunk : ''))
        while (client.reads() < i + 1) await nextTurn()
      }
    },
  ])
  const client = apiClient('openai-chat', port, { clock })
  return client.ask()
}

const of = (name: RequestMetricName, record: RequestRecord): number | undefined =>
  requestMetrics[name].of(record)

test('the definitions of docs/method.md, on a stream of which each tool makes something else', async () => {
  const record = await play(stream)
  expect(record.outcome).toEqual({ kind: 'completed' })
  expect(record.sentMs).toBe(0)
  // The role is no output, though it came at 50; reasoning is.
  expect(record.chunkMs).toEqual([60, 80, 100, 120, 140])
  expect(of('ttftMs', record)).toBe(60)
  expect(of('ttftFromSentMs', record)).toBe(60)
  expect(of('ttfvMs', record)).toBe(100)
  // The last output, not the usage at 141 or the end at 150: (140 - 60) / (10 - 1).
  expect(of('tpotMs', record)).toBe(80 / 9)
  expect(of('latencyMs', record)).toBe(150)
  // The server's count, not the five chunks, nor the three visible ones.
  expect(of('outputTokens', record)).toBe(10)
  expect(of('inputTokens', record)).toBe(20)
  expect(record.chunkMs.slice(1).map((ms, i) => ms - (record.chunkMs[i] ?? 0))).toEqual([
    20, 20, 20, 20,
  ])
  // Nothing told how many tokens each chunk brought: there is no time between tokens to be had.
  expect(record.chunkTokens).toBeUndefined()
})

test('where every event counts, each chunk has its tokens', async () => {
  const soFar = [0, 3, 6, 7, 9, 10]
  const counting = stream.map(([ms, event], i): Moment => {
    const completion_tokens = soFar[i]
    if (typeof event === 'string' || completion_tokens === undefined) return [ms, event]
    return [ms, { ...event, usage: { prompt_tokens: 20, completion_tokens } }]
  })
  const record = await play(counting)
  expect(record.chunkMs).toEqual([60, 80, 100, 120, 140])
  expect(record.chunkTokens).toEqual([3, 3, 1, 2, 1])
  expect(record.usage).toEqual({ inputTokens: 20, outputTokens: 10 })
})

test('without a count the chunks stand for tokens: (140 - 60) / (5 - 1)', async () => {
  const record = await play(stream.filter(([ms]) => ms !== 141))
  expect(of('outputTokens', record)).toBe(5)
  expect(of('tpotMs', record)).toBe(20)
})
