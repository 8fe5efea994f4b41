import { setImmediate as nextTurn } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { type ApiName, apiNames } from '../../../src/load/api-names.ts'
import { createEventReader } from '../../../src/load/event-reader.ts'
import {
  createEventStream,
  endEventStream,
  readEventStream,
} from '../../../src/load/http/event-stream.ts'
import { serverApis } from '../../../src/load/servers/index.ts'
import type { EventMeaning } from '../../../src/load/servers/server.ts'
import { cutAt, pushReused } from '../http/cut.ts'
import { type Answer, chunk, lastChunk, startScriptedServer } from '../scripted-server.ts'
import { apiClient, toldBy } from './api-client.ts'
import { type ApiStream, apiStreams, withCrlf } from './api-streams.ts'

const head = ({ contentType }: ApiStream): string =>
  `HTTP/1.1 200 OK\r\ncontent-type: ${contentType}\r\ntransfer-encoding: chunked\r\n\r\n`

const whole = (stream: ApiStream): string => head(stream) + chunk(stream.text) + lastChunk

test('every API has a stream', () => {
  expect([...new Set(apiStreams.map(({ api }) => api))].sort()).toEqual([...apiNames].sort())
})

describe.each(apiStreams)('$api ($what)', (stream) => {
  test('comes to the tokens, counts, times and reason that the server told', async () => {
    const { port } = await startScriptedServer([(socket) => socket.write(whole(stream))])
    const record = await apiClient(stream.api, port).ask()
    expect(record.outcome).toEqual({ kind: 'completed' })
    expect(toldBy(record)).toEqual(stream.told)
  })

  test('so it does over a real socket, split at any byte, over connections that are used again', async () => {
    const bytes = Buffer.from(whole(stream))
    let cut = head(stream).length
    const answer: Answer = async (socket) => {
      socket.write(bytes.subarray(0, cut))
      await nextTurn()
      await nextTurn()
      socket.write(bytes.subarray(cut))
    }
    const { port } = await startScriptedServer([answer])
    const client = apiClient(stream.api, port)
    for (; cut < bytes.length; cut++) {
      const record = await client.ask()
      expect(record.outcome, `cut at ${cut}`).toEqual({ kind: 'completed' })
      expect(toldBy(record), `cut at ${cut}`).toEqual(stream.told)
    }
    // Where the end mark comes with the first part, the next request may be quicker than the last bytes.
    expect(client.connectionsOpened()).toBeLessThan(10)
  })

  test('and its events mean the same at every pair of splits, with LF or CRLF', () => {
    const expected = meanings(stream, [Buffer.from(stream.text)])
    for (const { text } of [stream, withCrlf(stream)]) {
      const bytes = Buffer.from(text)
      for (let cut = 0; cut <= bytes.length; cut++)
        expect(meanings(stream, cutAt(bytes, [cut, cut + 1])), `cut at ${cut}`).toEqual(expected)
    }
  })

  test('one byte a write, with CRLF, comes to the same', async () => {
    const bytes = Buffer.from(whole(withCrlf(stream)))
    const { port } = await startScriptedServer([
      async (socket) => {
        for (const byte of bytes) {
          socket.write(Buffer.from([byte]))
          await nextTurn()
        }
      },
    ])
    expect(toldBy(await apiClient(stream.api, port).ask())).toEqual(stream.told)
  })
})

/** What each event of a body means, through the readers that a run uses. */
function meanings({ api }: ApiStream, pieces: readonly Buffer[]): EventMeaning[] {
  const all: EventMeaning[] = []
  const readEvent = createEventReader(serverApis[api])
  const events = createEventStream<EventMeaning[]>(
    serverApis[api].framing,
    (to, bytes, from, end) => to.push(readEvent(bytes, from, end)),
  )
  pushReused((bytes, start, end) => readEventStream(events, all, bytes, start, end), pieces)
  endEventStream(events, all)
  return all
}

test('answers of one server to one connection never take counts from each other', async () => {
  for (const stream of apiStreams) {
    const { port } = await startScriptedServer([(socket) => socket.write(whole(stream))])
    const client = apiClient(stream.api, port)
    for (let i = 0; i < 3; i++) expect(toldBy(await client.ask()), stream.api).toEqual(stream.told)
  }
})

test.each<[ApiName, number]>([
  // All but the first piece of text of each kind: the second of two reasonings, and so on.
  ['openai-responses', 1],
  ['anthropic-messages', 1],
  ['ollama-chat', 2],
  ['ollama-generate', 3],
  ['triton-generate', 2],
])('%s: events that differ in their text only are not parsed again', (name, known) => {
  const stream = apiStreams.find(({ api }) => api === name)
  let parsed = 0
  const readEvent = createEventReader({
    ...serverApis[name],
    readEvent: (data) => {
      parsed++
      return serverApis[name].readEvent(data)
    },
  })
  let all = 0
  const events = createEventStream<undefined>(serverApis[name].framing, (_, bytes, from, end) => {
    all++
    readEvent(bytes, from, end)
  })
  const bytes = Buffer.from(stream?.text ?? '')
  readEventStream(events, undefined, bytes, 0, bytes.length)
  expect(all - parsed).toBe(known)
})
