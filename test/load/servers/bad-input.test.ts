import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { gzipSync } from 'node:zlib'
import { describe, expect, onTestFinished, test } from 'vitest'
import { type ApiName, apiNames } from '../../../src/load/api-names.ts'
import type { FailureKind, RequestRecord } from '../../../src/load/record.ts'
import { serverApis } from '../../../src/load/servers/index.ts'
import { type Answer, chunk, lastChunk, plain, startScriptedServer } from '../scripted-server.ts'
import { apiClient, toldBy } from './api-client.ts'
import { type ApiStream, apiStreams } from './api-streams.ts'

const streamOf = (name: ApiName): ApiStream => {
  const stream = apiStreams.find(({ api }) => api === name)
  if (!stream) throw new Error(`no stream of ${name}`)
  return stream
}
const headOf = (name: ApiName, more = ''): string =>
  `HTTP/1.1 200 OK\r\ncontent-type: ${streamOf(name).contentType}\r\ntransfer-encoding: chunked\r\n${more}\r\n`
const whole = (name: ApiName): string => headOf(name) + chunk(streamOf(name).text) + lastChunk

/** One event in the API's framing. */
function framed(name: ApiName, event: object | string): string {
  const text = typeof event === 'string' ? event : JSON.stringify(event)
  return serverApis[name].framing === 'ndjson' ? `${text}\n` : `data: ${text}\n\n`
}

/** Up to and with the event that holds the first output. */
function beginning(name: ApiName): string {
  const { text } = streamOf(name)
  const separator = serverApis[name].framing === 'ndjson' ? '\n' : '\n\n'
  const events = text.split(separator).map((event) => event + separator)
  const isOutput = (event: string): boolean => {
    const data = event.replace(/^(:.*|event: .*)\n/gm, '').replace(/^data: /, '')
    return data.trim() !== '' && serverApis[name].readEvent(data).output !== undefined
  }
  return events.slice(0, events.findIndex(isOutput) + 1).join('')
}

/** A request that gets the bad answer, and then one that gets a good one. */
async function askTwice(name: ApiName, bad: Answer, apiKey?: string) {
  const { port, requests } = await startScriptedServer([bad, (socket) => socket.write(whole(name))])
  const client = apiClient(name, port, { apiKey })
  return { bad: await client.ask(), good: await client.ask(), requests }
}

const failure = (kind: FailureKind, detail: unknown = expect.any(String)): object => ({
  outcome: { kind: 'failed', failure: kind, detail },
})

describe.each(apiNames)('%s: one failed record, and the next request is none the worse', (name) => {
  const check = async (bad: Answer, expected: object): Promise<RequestRecord> => {
    const told = await askTwice(name, bad)
    expect(told.bad).toMatchObject(expected)
    expect(told.bad.endMs).toBeUndefined()
    expect(told.good.outcome).toEqual({ kind: 'completed' })
    expect(toldBy(told.good)).toEqual(streamOf(name).told)
    return told.bad
  }
  const error = {
    type: 'error',
    error: name.startsWith('ollama') ? 'no memory' : { message: 'no memory' },
  }

  test('early-close: in the middle of the answer', async () => {
    const record = await check(
      (socket) => socket.end(headOf(name) + chunk(beginning(name))),
      failure('early-close', 'closed before the answer ended'),
    )
    expect(record.chunkMs).toHaveLength(1)
  })

  test('early-close: also where only closing would end the body', async () => {
    const head = `HTTP/1.1 200 OK\r\ncontent-type: ${streamOf(name).contentType}\r\n\r\n`
    // The message ended as it should; that the stream did is not told by anything.
    const kind = serverApis[name].endsWith === 'message' ? 'early-close' : 'no-end-mark'
    await check((socket) => socket.end(head + beginning(name)), failure(kind))
  })

  test('error-event: after a 200 and some output', async () => {
    const record = await check(
      (socket) =>
        socket.write(headOf(name) + chunk(beginning(name) + framed(name, error)) + lastChunk),
      failure('error-event', 'no memory'),
    )
    expect(record).toMatchObject({ httpStatus: 200 })
    expect(record.chunkMs).toHaveLength(1)
  })

  test('malformed-event: a page in the middle', async () => {
    await check(
      (socket) => socket.write(headOf(name) + chunk(beginning(name) + framed(name, '<html>'))),
      failure('malformed-event', '<html>'),
    )
  })

  test('an answer without a word is no success', async () => {
    const kind = serverApis[name].endsWith === 'message' ? 'empty-output' : 'no-end-mark'
    await check((socket) => socket.write(headOf(name) + lastChunk), failure(kind))
  })

  test('wrong-content-type: a page with 200', async () => {
    const page = plain('200 OK', '<html><body>Welcome</body></html>')
    await check(
      (socket) => socket.write(page.replace('text/plain', 'text/html')),
      failure('wrong-content-type'),
    )
  })

  test('encoded-body: gzip, which nobody asked for', async () => {
    const body = gzipSync(streamOf(name).text)
    await check(
      (socket) => {
        socket.write(headOf(name, 'content-encoding: gzip\r\n'))
        socket.write(`${body.length.toString(16)}\r\n`)
        socket.write(body)
        socket.write(`\r\n${lastChunk}`)
      },
      failure('encoded-body', '200 with a body encoded as gzip'),
    )
  })

  test('malformed-http: 1 MiB of headers', async () => {
    await check(
      (socket) => socket.write(headOf(name, `x-filler: ${'x'.repeat(1_000)}\r\n`.repeat(1_024))),
      failure('malformed-http', 'response head over 64 KiB'),
    )
  })

  test('interim answers, however many, are passed over', async () => {
    const interim = 'HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n'
    const { bad } = await askTwice(name, (socket) =>
      socket.write(interim.repeat(500) + whole(name)),
    )
    expect(bad.outcome).toEqual({ kind: 'completed' })
    expect(toldBy(bad)).toEqual(streamOf(name).told)
  })

  test('http-status: a redirect is refused, and neither prompt nor key go where it points', async () => {
    let asked = 0
    const elsewhere = createServer((_, response) => {
      asked++
      response.end()
    }).listen(0, '127.0.0.1')
    await once(elsewhere, 'listening')
    onTestFinished(() => void elsewhere.close())
    const { port } = elsewhere.address() as AddressInfo
    const key = 'sk-very-secret'
    const to = `location: http://127.0.0.1:${port}/v1?was=${key}`
    const { bad, good, requests } = await askTwice(
      name,
      (socket) => socket.write(plain('307 Temporary Redirect', `go to ${key}`, [to])),
      key,
    )
    expect(bad).toMatchObject(failure('http-status', '307 go to ***'))
    expect(good.outcome).toEqual({ kind: 'completed' })
    expect(asked).toBe(0)
    // It was sent where it belongs, and is in no record.
    expect(requests[0]).toContain(key)
    expect(JSON.stringify([bad, good])).not.toContain(key)
  })
})

const MIB = 1024 * 1024

/** Sends an event of 100 MiB as fast as it is taken, as long as someone listens; how much of it was written. */
function flood(name: ApiName, filler: string): { answer: Answer; writtenMib: () => number } {
  let writtenMib = 0
  const piece = Buffer.alloc(MIB, filler)
  const framing = [`${MIB.toString(16)}\r\n`, '\r\n'].map((text) => Buffer.from(text))
  const framedPiece = Buffer.concat([framing[0] ?? piece, piece, framing[1] ?? piece])
  const answer: Answer = (socket) => {
    const goOn = (): void => {
      while (writtenMib < 100 && !socket.destroyed) {
        writtenMib++
        if (!socket.write(framedPiece)) return
      }
    }
    socket.on('drain', goOn)
    socket.write(headOf(name) + chunk(framed(name, '"').trimEnd()))
    goOn()
  }
  return { answer, writtenMib: () => writtenMib }
}

test.each<[ApiName, string, string]>([
  ['openai-chat', 'a line', 'x'],
  ['openai-chat', 'very many lines', `\ndata: ${'y'.repeat(57)}`],
  ['ollama-chat', 'a line', 'x'],
])(
  '%s: of an event of 100 MiB in %s no more than 16 MiB are taken, in bounded memory',
  async (name, _, filler) => {
    const { answer, writtenMib } = flood(name, filler)
    const { arrayBuffers: beforeBytes } = process.memoryUsage()
    let peakBytes = 0
    const watch = setInterval(() => {
      peakBytes = Math.max(peakBytes, process.memoryUsage().arrayBuffers - beforeBytes)
    }, 1)
    const { bad, good } = await askTwice(name, answer)
    clearInterval(watch)
    expect(bad).toMatchObject(failure('malformed-http', 'an event of over 16 MiB'))
    expect(good.outcome).toEqual({ kind: 'completed' })
    expect(writtenMib()).toBeLessThan(40)
    // What is kept, twice the room for more, and what was outgrown and not collected yet.
    expect(peakBytes).toBeLessThan(160 * MIB)
    if (process.env.SHOW_PEAKS) console.info(`peak ${(peakBytes / MIB).toFixed(0)} MiB`)
  },
)

describe('usage that is missing or cannot be', () => {
  const answer = (usage: object | undefined): string =>
    headOf('openai-chat') +
    chunk(
      [
        { choices: [{ delta: { content: 'a' }, finish_reason: null }] },
        { choices: [{ delta: { content: 'b' }, finish_reason: 'stop' }] },
        ...(usage ? [{ choices: [], usage }] : []),
      ]
        .map((event) => framed('openai-chat', event))
        .join('') + framed('openai-chat', '[DONE]'),
    ) +
    lastChunk

  test.each([
    ['missing', undefined, undefined],
    ['negative', { prompt_tokens: 4, completion_tokens: -2 }, { inputTokens: 4 }],
    [
      'contradictory',
      { prompt_tokens: 4, completion_tokens: 2, prompt_tokens_details: { cached_tokens: 5 } },
      { inputTokens: 4, outputTokens: 2 },
    ],
  ])('%s: what is wrong is unknown, and the answer is none the worse', async (_, usage, told) => {
    const { port } = await startScriptedServer([(socket) => socket.write(answer(usage))])
    const record = await apiClient('openai-chat', port).ask()
    expect(record.outcome).toEqual({ kind: 'completed' })
    expect(record.chunkMs).toHaveLength(2)
    expect(record.usage).toEqual(told)
  })
})
