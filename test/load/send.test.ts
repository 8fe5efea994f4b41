import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { Timeouts } from '../../src/load/benchmark.ts'
import { type Clock, startClock } from '../../src/load/clock.ts'
import { type EndedRequest, type PlannedRequest, toRecord } from '../../src/load/ended-request.ts'
import { type Endpoint, resolveEndpoint } from '../../src/load/http/connection.ts'
import type { RequestRecord } from '../../src/load/record.ts'
import { requestBytes } from '../../src/load/request-source.ts'
import { createSender, type Sender } from '../../src/load/send.ts'
import { openAiChat } from '../../src/load/servers/openai-chat.ts'
import type { ServerApi } from '../../src/load/servers/server.ts'
import {
  type Answer,
  chunk,
  closedPort,
  events,
  lastChunk,
  plain,
  startScriptedServer,
  stream,
  streamHead,
  write,
} from './scripted-server.ts'
import { selfSigned } from './self-signed.ts'
import { socketFile } from './socket-file.ts'

const delta = (content: object, finishReason: string | null = null): string =>
  JSON.stringify({ choices: [{ index: 0, delta: content, finish_reason: finishReason }] })
const role = delta({ role: 'assistant', content: '' })
const hello = delta({ content: 'Hello' })
const world = delta({ content: ' wörld' })
const stopped = delta({}, 'stop')
const usage = JSON.stringify({
  choices: [],
  usage: { prompt_tokens: 7, completion_tokens: 3, prompt_tokens_details: { cached_tokens: 4 } },
})
const done = '[DONE]'
const answer = [role, hello, world, stopped, usage, done]

/** For what happens by itself in a moment. */
const soon = { interval: 5, timeout: 20_000 }
const patient: Timeouts = {
  connectMs: 20_000,
  firstTokenMs: 20_000,
  idleMs: 20_000,
  totalMs: 20_000,
}

interface Client extends Sender {
  /** Sends one request with the next id. */
  readonly ask: (parts?: Partial<PlannedRequest>) => Promise<RequestRecord>
  readonly clock: Clock
  /** The same, telling the end as the sender does. */
  readonly sendNext: (onEnd: (ended: EndedRequest) => void, parts?: Partial<PlannedRequest>) => void
  /** Resolves when the client has read that event. */
  readonly hasRead: (data: string) => Promise<void>
}

interface ClientOptions {
  readonly url?: string
  readonly timeouts?: Partial<Timeouts>
  readonly insecure?: boolean
  readonly ca?: string
  readonly apiKey?: string
  readonly path?: string
  readonly onSweep?: (nowMs: number) => void
  /** In place of what the URL resolves to. */
  readonly endpoint?: Partial<Endpoint>
}

async function connect(port: number, options: ClientOptions = {}): Promise<Client> {
  const url = new URL(options.url ?? `http://127.0.0.1:${port}${options.path ?? ''}`)
  const { insecure = false, ca } = options
  const endpoint = { ...(await resolveEndpoint(url, { insecure, ca })), ...options.endpoint }
  const heard = new Map<string, () => void>()
  const api: ServerApi = {
    ...openAiChat,
    readEvent: (data) => {
      heard.get(data)?.()
      return openAiChat.readEvent(data)
    },
  }
  const { clock } = startClock()
  const sender = createSender({
    endpoint,
    api,
    clock,
    timeouts: { ...patient, ...options.timeouts },
    onSweep: options.onSweep,
  })
  onTestFinished(sender.close)
  const { apiKey } = options
  const template = {
    api,
    url: url.href,
    model: 'm',
    apiKey,
    userAgent: 'baremark/test',
    forceLength: false,
    idPrefix: 'run',
  }
  let nextId = 0
  const sendNext: Client['sendNext'] = (onEnd, parts = {}) =>
    sender.send(
      {
        id: nextId++,
        level: 0,
        phase: 'measured',
        bytes: requestBytes(template, { id: '7', prompt: 'Grüße', outputTokens: 16 }),
        requestedInputTokens: 8,
        requestedOutputTokens: 16,
        ...parts,
      },
      onEnd,
    )
  return {
    ...sender,
    clock,
    sendNext,
    hasRead: (data) => new Promise((resolve) => heard.set(data, resolve)),
    ask: (parts) => new Promise((resolve) => sendNext((ended) => resolve(toRecord(ended)), parts)),
  }
}

/** A client of a server that gives these answers. */
async function clientOf(
  answers: readonly (string | Answer)[],
  options: ClientOptions = {},
): Promise<{ client: Client; server: Awaited<ReturnType<typeof startScriptedServer>> }> {
  const server = await startScriptedServer(
    answers.map((text) => (typeof text === 'string' ? write(text) : text)),
  )
  return { client: await connect(server.port, options), server }
}

/** What a single request to a server with that answer comes to. */
async function askOnce(text: string | Answer, options?: ClientOptions): Promise<RequestRecord> {
  const { client } = await clientOf([text], options)
  return client.ask()
}

/** All of a record that does not depend on when. */
function timeless(record: RequestRecord): object {
  const { id, sentMs, connectMs, firstByteMs, firstEventMs, ...others } = record
  const { firstVisibleMs, finishMs, endMs, closedMs, ...rest } = others
  return {
    ...rest,
    chunkMs: record.chunkMs.length,
    reasoningFirst: firstVisibleMs !== undefined,
    roleFirst: firstEventMs !== undefined,
    finishedEmpty: finishMs !== undefined,
    ended: endMs !== undefined,
  }
}

describe('a whole answer', () => {
  test('is a completed record with usage, finish reason and a time for each chunk', async () => {
    const record = await askOnce(stream(events(answer)))
    expect(record).toMatchObject({
      id: 0,
      level: 0,
      phase: 'measured',
      outcome: { kind: 'completed' },
      httpStatus: 200,
      finishReason: 'stop',
      usage: { inputTokens: 7, outputTokens: 3, cachedInputTokens: 4 },
      requestedInputTokens: 8,
      requestedOutputTokens: 16,
    })
    // Role, finish, usage and [DONE] are no output: two of six events are.
    expect(record.chunkMs).toHaveLength(2)
    expect(record.dueMs).toBeUndefined()
    expect(record.firstVisibleMs).toBeUndefined()
  })

  test('has its times in the order things happen, to the microsecond', async () => {
    const { client } = await clientOf([stream(...answer.map((data) => events([data])))])
    const record = await client.ask({ dueMs: 0.0004 })
    const times = [
      ...[record.dueMs, record.sentMs, record.firstByteMs],
      ...[...record.chunkMs, record.endMs, record.closedMs],
    ]
    expect(times).not.toContain(undefined)
    expect(times).toEqual(times.toSorted((a = 0, b = 0) => a - b))
    for (const ms of times) expect(ms).toBe(Math.round((ms ?? 0) * 1_000) / 1_000)
    expect(record.connectMs).toBeGreaterThan(0)
    expect(record.connectMs).toBeLessThanOrEqual(record.sentMs ?? 0)
  })

  test('a chunk has the time of the read that brought it', async () => {
    const { client } = await clientOf([
      async (socket) => {
        const read = client.hasRead(hello)
        socket.write(streamHead + chunk(events([role, hello])))
        await read
        socket.write(chunk(events([world, world, stopped, done])) + lastChunk)
      },
    ])
    const { chunkMs } = await client.ask()
    const [first = 0, second = 0, third] = chunkMs
    expect(chunkMs).toHaveLength(3)
    expect(second).toBeGreaterThan(first)
    expect(third).toBe(second)
  })

  test('a role event before the output and a finish event after it are told, though they are no output', async () => {
    const { client } = await clientOf([
      async (socket) => {
        const reads = [client.hasRead(role), client.hasRead(hello)]
        socket.write(streamHead + chunk(events([role])))
        await reads[0]
        socket.write(chunk(events([hello])))
        await reads[1]
        socket.write(chunk(events([stopped, done])) + lastChunk)
      },
    ])
    const { firstByteMs, firstEventMs = 0, chunkMs, finishMs = 0, endMs } = await client.ask()
    expect(firstEventMs).toBe(firstByteMs)
    expect(chunkMs).toHaveLength(1)
    expect(firstEventMs).toBeLessThan(chunkMs[0] ?? 0)
    expect(finishMs).toBeGreaterThan(chunkMs[0] ?? 0)
    expect(finishMs).toBe(endMs)
  })

  test('a finish reason that comes with output, and an answer that begins with output, leave nothing to tell', async () => {
    const record = await askOnce(stream(events([hello, delta({ content: '!' }, 'length'), done])))
    expect(record.chunkMs).toHaveLength(2)
    expect(record.firstEventMs).toBeUndefined()
    expect(record.finishMs).toBeUndefined()
  })

  test('reasoning is output, and the first visible chunk is then told', async () => {
    const thought = delta({ reasoning_content: 'Hm.' })
    const { client } = await clientOf([
      async (socket) => {
        const read = client.hasRead(thought)
        socket.write(streamHead + chunk(events([role, thought])))
        await read
        socket.write(chunk(events([hello, stopped, done])) + lastChunk)
      },
    ])
    const record = await client.ask()
    expect(record).toMatchObject({ outcome: { kind: 'completed' } })
    expect(record.chunkMs).toHaveLength(2)
    expect(record.firstVisibleMs).toBe(record.chunkMs[1])
  })

  test('also where one read brings both the reasoning and the first visible chunk', async () => {
    const record = await askOnce(
      stream(events([role, delta({ reasoning: 'Hm.' }), hello, stopped, done])),
    )
    expect(record.chunkMs).toHaveLength(2)
    expect(record.firstVisibleMs).toBe(record.chunkMs[1])
  })

  test('an answer of nothing but reasoning has no visible chunk', async () => {
    const record = await askOnce(
      stream(events([delta({ reasoning: 'Hm.' }), delta({}, 'length'), done])),
    )
    expect(record).toMatchObject({ outcome: { kind: 'completed' }, finishReason: 'length' })
    expect(record.firstVisibleMs).toBeUndefined()
  })

  test('a clean end after a finish reason is an end without [DONE]', async () => {
    expect(await askOnce(stream(events([hello, stopped])))).toMatchObject({
      outcome: { kind: 'completed' },
    })
  })

  test('so is a finish reason before the server closes, where closing ends the body', async () => {
    const record = await askOnce((socket) =>
      socket.end(
        `HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n${events([hello, stopped])}`,
      ),
    )
    expect(record).toMatchObject({ outcome: { kind: 'completed' } })
  })

  test.each(['text/event-stream', 'text/event-stream;charset=utf-8', 'Text/Event-Stream'])(
    'the content type %s is a stream',
    async (type) => {
      const body = events([hello, stopped, done])
      const head = `HTTP/1.1 200 OK\r\ncontent-type: ${type}\r\ncontent-length: ${body.length}\r\n\r\n`
      expect((await askOnce(head + body)).outcome).toEqual({ kind: 'completed' })
    },
  )
})

describe('the end of a request', () => {
  test('is told once, never before send returns, whatever becomes of it', async () => {
    const port = await closedPort()
    const { client, server } = await clientOf([
      stream(events(answer)),
      (socket) => socket.resetAndDestroy(),
      () => {},
      stream(events(answer)),
    ])
    const refused = await connect(port)
    const bad = await connect(port, { url: `https://127.0.0.1:${port}`, ca: 'no certificate' })
    const ends: string[] = []
    for (const [name, to] of Object.entries({ first: client, reset: client, refused, bad })) {
      to.sendNext(({ outcome }) => ends.push(`${name} ${outcome.kind}`))
      expect(ends.filter((text) => text.startsWith(name))).toEqual([])
      await expect.poll(() => ends.filter((text) => text.startsWith(name)), soon).toHaveLength(1)
    }
    client.sendNext(({ outcome }) => ends.push(`silent ${outcome.kind}`))
    await expect.poll(() => server.requests, soon).toHaveLength(3)
    client.cancelAll()
    client.cancelAll()
    expect((await client.ask()).outcome.kind).toBe('completed')
    client.close()
    await nextTurn()
    expect(ends).toEqual([
      'first completed',
      'reset failed',
      'refused failed',
      'bad failed',
      'silent cancelled',
    ])
  })

  test('the next request may be sent there and then, over the same connection', async () => {
    const { client } = await clientOf([stream(events(answer))])
    const counts: number[] = []
    await new Promise<void>((resolve) => {
      const sendOn = (ended: EndedRequest): void => {
        if (counts.length < 1_000) client.sendNext(sendOn)
        else resolve()
        // What is told stays as it is until this returns, though the next request is on its way.
        counts.push(ended.chunks.count)
      }
      client.sendNext(sendOn)
    })
    expect(counts).toEqual(Array(1_001).fill(2))
    expect(client.connectionsOpened()).toBe(1)
    expect(client.inFlight()).toBe(0)
  })

  test('those that are cancelled may send on as well, and these are left alone', async () => {
    const { client, server } = await clientOf([() => {}, () => {}, stream(events(answer))])
    const kinds: string[] = []
    const sendOn = ({ outcome }: EndedRequest): void => {
      kinds.push(outcome.kind)
      if (outcome.kind === 'cancelled') client.sendNext(sendOn)
    }
    client.sendNext(sendOn)
    client.sendNext(sendOn)
    await expect.poll(() => server.requests, soon).toHaveLength(2)
    client.cancelAll()
    await expect.poll(() => client.inFlight(), soon).toBe(0)
    expect(kinds.toSorted()).toEqual(['cancelled', 'cancelled', 'completed', 'completed'])
  })
})

test('what is under way is told as it comes: requests in flight, reads and chunks', async () => {
  const { client } = await clientOf([
    async (socket) => {
      const read = client.hasRead(hello)
      socket.write(streamHead + chunk(events([role, hello])))
      await read
      expect(client.inFlight()).toBe(1)
      await expect.poll(() => client.traffic().chunks, soon).toBe(1)
      expect(client.traffic().reads).toBe(1)
      socket.write(chunk(events([world, stopped, done])) + lastChunk)
    },
  ])
  expect(client.traffic()).toEqual({ reads: 0, chunks: 0 })
  expect((await client.ask()).outcome.kind).toBe('completed')
  expect(client.inFlight()).toBe(0)
  expect(client.traffic()).toEqual({ reads: 2, chunks: 2 })
})

test('each sweep of the timers is told, with the moment of it', async () => {
  const sweptMs: number[] = []
  const { client } = await clientOf([stream(events(answer))], {
    onSweep: (nowMs) => sweptMs.push(nowMs),
  })
  await expect.poll(() => sweptMs.length, soon).toBeGreaterThan(1)
  const { closedMs } = await client.ask()
  const last = sweptMs.at(-1) ?? Number.NaN
  expect(last).toBeGreaterThan(sweptMs[0] ?? Number.NaN)
  expect(closedMs).toBeGreaterThan(last)
  client.close()
})

describe('bytes may be split anywhere', () => {
  const thought = delta({ reasoning_content: 'Hm. ü' })
  const whole = (newline: string): Buffer =>
    Buffer.from(
      stream(events([role, thought, hello], newline), events([world, stopped, usage], newline)) //
        .replace(
          lastChunk,
          chunk(`: ping${newline}${newline}${events([done], newline)}`) + lastChunk,
        ),
    )

  test('every split of a stream, with LF or CRLF, gives the same record', async () => {
    const expected = timeless(await askOnce(whole('\n').toString()))
    expect(expected).toMatchObject({ chunkMs: 3, reasoningFirst: true, ended: true })
    for (const bytes of [whole('\n'), whole('\r\n')]) {
      let cut = 0
      const { client } = await clientOf([
        async (socket) => {
          socket.write(bytes.subarray(0, cut))
          await nextTurn()
          await nextTurn()
          socket.write(bytes.subarray(cut))
        },
      ])
      for (cut = 1; cut < bytes.length; cut++) {
        expect(timeless(await client.ask()), `cut at ${cut}`).toEqual(expected)
      }
    }
  })

  test('one byte a write gives the same record', async () => {
    const bytes = whole('\r\n')
    const record = await askOnce(async (socket) => {
      for (const byte of bytes) {
        socket.write(Buffer.from([byte]))
        await nextTurn()
      }
    })
    expect(timeless(record)).toEqual(timeless(await askOnce(whole('\n').toString())))
  })
})

describe('connections', () => {
  test('requests one after another use one connection', async () => {
    const { client, server } = await clientOf([stream(events(answer))])
    const records = [await client.ask(), await client.ask(), await client.ask()]
    expect(records.map(({ connectMs }) => connectMs !== undefined)).toEqual([true, false, false])
    expect(records.map(({ id }) => id)).toEqual([0, 1, 2])
    expect(client.connectionsOpened()).toBe(1)
    expect(server.sockets).toHaveLength(1)
  })

  test('a request leaves at once when a connection is idle', async () => {
    const { client } = await clientOf([stream(events(answer))])
    await client.ask()
    const beforeMs = client.clock.nowMs()
    const asked = client.ask()
    const afterMs = client.clock.nowMs()
    const { sentMs = Number.NaN } = await asked
    expect(sentMs).toBeGreaterThanOrEqual(beforeMs - 0.001)
    expect(sentMs).toBeLessThanOrEqual(afterMs + 0.001)
  })

  test('requests at the same time use a connection each', async () => {
    const { client, server } = await clientOf([stream(events(answer))])
    const records = await Promise.all([client.ask(), client.ask(), client.ask()])
    expect(records.map(({ outcome }) => outcome.kind)).toEqual(Array(3).fill('completed'))
    expect(client.connectionsOpened()).toBe(3)
    expect(server.sockets).toHaveLength(3)
  })

  test('a connection whose answer has not ended is not used for the next request', async () => {
    const { client } = await clientOf([streamHead + chunk(events(answer)), stream(events(answer))])
    await client.ask()
    const second = await client.ask()
    expect(second.connectMs).toBeDefined()
    expect(client.connectionsOpened()).toBe(2)
  })

  test('a connection whose answer ends some time after its [DONE] is then used again', async () => {
    const askedOn: Socket[] = []
    const { client } = await clientOf(
      [streamHead + chunk(events(answer)), stream(events(answer))].map((text) => (socket) => {
        askedOn.push(socket)
        socket.write(text)
      }),
    )
    await client.ask()
    const [first] = askedOn
    const timesUsed = (): number => askedOn.filter((socket) => socket === first).length
    first?.write(lastChunk)
    // Each time more requests at once than there are connections, so that every idle one is used.
    for (let users = 2; users < 200 && timesUsed() === 1; users += 2) {
      await Promise.all(Array.from({ length: users }, () => client.ask()))
    }
    expect(timesUsed()).toBeGreaterThan(1)
  })

  test('a connection whose answer never ends after its [DONE] is closed before long', async () => {
    const { client, server } = await clientOf([streamHead + chunk(events(answer))])
    expect((await client.ask()).outcome.kind).toBe('completed')
    const [socket] = server.sockets
    expect(socket?.destroyed).toBe(false)
    if (socket && !socket.destroyed) await once(socket, 'close')
    expect(client.inFlight()).toBe(0)
  })

  test('a connection that the server closed is not used again', async () => {
    const { client, server } = await clientOf([stream(events(answer))])
    await client.ask()
    const [socket] = server.sockets
    socket?.end()
    // Closed on this side only after the client has closed it on its own.
    if (socket) await once(socket, 'close')
    const second = await client.ask()
    expect(second).toMatchObject({ outcome: { kind: 'completed' } })
    expect(second.connectMs).toBeDefined()
    expect(client.connectionsOpened()).toBe(2)
  })

  test('a connection that the server says it closes is not used again', async () => {
    const closing = stream(events(answer)).replace('\r\n', '\r\nConnection: Close\r\n')
    const { client } = await clientOf([closing])
    expect((await client.ask()).connectMs).toBeDefined()
    expect((await client.ask()).connectMs).toBeDefined()
  })

  test('a connection on which a request failed is not used again', async () => {
    const { client } = await clientOf([plain('500 Oops', 'no'), stream(events(answer))])
    await client.ask()
    expect((await client.ask()).connectMs).toBeDefined()
  })

  test.each([
    ['idle', stream(events(answer))],
    ['whose answer never ended after [DONE]', streamHead + chunk(events(answer))],
  ])('closing the sender closes a connection %s', async (_, text) => {
    const { client, server } = await clientOf([text])
    expect((await client.ask()).outcome.kind).toBe('completed')
    const [socket] = server.sockets
    client.close()
    if (socket && !socket.destroyed) await once(socket, 'close')
    expect(socket?.destroyed).toBe(true)
  })

  test('closing the sender cancels what is in flight', async () => {
    const { client, server } = await clientOf([() => {}])
    const asked = client.ask()
    await expect.poll(() => server.requests, soon).toHaveLength(1)
    client.close()
    expect((await asked).outcome).toEqual({ kind: 'cancelled' })
  })
})

describe('a failure is a record', () => {
  const failure = (kind: string, detail: unknown = expect.any(String)): object => ({
    outcome: { kind: 'failed', failure: kind, detail },
  })

  test('connection-refused: nobody listens', async () => {
    const record = await (await connect(await closedPort())).ask()
    expect(record).toMatchObject(failure('connection-refused'))
    expect(record).toMatchObject({ sentMs: undefined, connectMs: undefined, chunkMs: [] })
  })

  test.each([
    ['name-not-found', 'a name that nobody has', { address: 'no-such-host.invalid' }],
    // A TCP connection to a multicast address has no route anywhere.
    ['network-unreachable', 'an address without a route', { address: '224.0.0.1' }],
    ['network-other', 'a socket inside of what is no folder', { socketPath: '/dev/null/llm.sock' }],
    ['client-other', 'a port that is none', { port: 99_999 }],
  ])('%s: %s', async (kind, _, endpoint) => {
    const client = await connect(9, { endpoint })
    expect(await client.ask()).toMatchObject({ ...failure(kind), sentMs: undefined })
  })

  test.each([
    ['500 Internal Server Error', 500],
    ['429 Too Many Requests', 429],
    ['307 Temporary Redirect', 307],
  ])('http-status: %s', async (status, httpStatus) => {
    const record = await askOnce(plain(status, 'no memory left'))
    expect(record).toMatchObject({
      ...failure('http-status', `${httpStatus} no memory left`),
      httpStatus,
      chunkMs: [],
      endMs: undefined,
    })
  })

  test('http-status: a long page is cut, and one without words is told by its number', async () => {
    const long = await askOnce(plain('502 Bad Gateway', 'x'.repeat(50_000)))
    expect(long.outcome).toEqual({
      kind: 'failed',
      failure: 'http-status',
      detail: `502 ${'x'.repeat(296)}`,
    })
    expect(await askOnce(plain('503 Busy', ''))).toMatchObject(failure('http-status', '503'))
  })

  test('http-status: letters of several bytes survive a split', async () => {
    const bytes = Buffer.from(plain('400 Bad Request', 'für später'))
    const cut = bytes.indexOf(0xc3) + 1
    const record = await askOnce(async (socket) => {
      socket.write(bytes.subarray(0, cut))
      await nextTurn()
      await nextTurn()
      socket.write(bytes.subarray(cut))
    })
    expect(record).toMatchObject(failure('http-status', '400 für später'))
  })

  test('wrong-content-type: an answer in one piece, or a page', async () => {
    expect(await askOnce(plain('200 OK', '{}'))).toMatchObject(
      failure('wrong-content-type', 'expected text/event-stream, got text/plain'),
    )
    const bare = 'HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n'
    expect(await askOnce(bare)).toMatchObject(
      failure('wrong-content-type', 'expected text/event-stream, got none'),
    )
  })

  test('error-event: an error in the middle of the stream', async () => {
    const error = JSON.stringify({ error: { message: 'out of memory', code: 500 } })
    const record = await askOnce(stream(events([role, hello, error, done])))
    expect(record).toMatchObject({ ...failure('error-event', 'out of memory'), httpStatus: 200 })
    expect(record.chunkMs).toHaveLength(1)
    expect(record.endMs).toBeUndefined()
  })

  test('empty-output: a clean stream that says nothing', async () => {
    for (const data of [
      [role, stopped, usage, done],
      [role, stopped],
    ]) {
      const record = await askOnce(stream(events(data)))
      expect(record).toMatchObject({ ...failure('empty-output'), endMs: undefined })
    }
  })

  test('early-close: before any answer', async () => {
    const record = await askOnce((socket) => socket.end())
    expect(record).toMatchObject(failure('early-close', 'closed before any answer'))
    expect(record.sentMs).toBeDefined()
    expect(record.firstByteMs).toBeUndefined()
  })

  test('early-close: in the middle of the answer', async () => {
    const record = await askOnce((socket) => socket.end(streamHead + chunk(events([role, hello]))))
    expect(record).toMatchObject(failure('early-close', 'closed before the answer ended'))
    expect(record.chunkMs).toHaveLength(1)
  })

  test('no-end-mark: a stream that just stops', async () => {
    const record = await askOnce(stream(events([role, hello])))
    expect(record).toMatchObject(failure('no-end-mark'))
    expect(record.endMs).toBeUndefined()
  })

  test.each([
    ['another protocol', 'SSH-2.0-OpenSSH_9.6\r\n\r\n'],
    ['a broken chunk', `${streamHead}zz\r\n`],
    ['a chunk that is longer than it says', `${streamHead}3\r\ndata: \r\n`],
  ])('malformed-http: %s', async (_, text) => {
    expect(await askOnce(text)).toMatchObject(failure('malformed-http'))
  })

  test('malformed-event: what is not JSON', async () => {
    const record = await askOnce(stream(events([role, hello, '{"choices": [oops', done])))
    expect(record).toMatchObject(failure('malformed-event', '{"choices": [oops'))
    expect(record.chunkMs).toHaveLength(1)
  })

  test('connection-reset: before any answer and in the middle of it', async () => {
    expect(await askOnce((socket) => socket.resetAndDestroy())).toMatchObject(
      failure('connection-reset'),
    )
    const { client } = await clientOf([
      async (socket) => {
        const read = client.hasRead(hello)
        socket.write(streamHead + chunk(events([role, hello])))
        await read
        socket.resetAndDestroy()
      },
    ])
    const record = await client.ask()
    expect(record).toMatchObject(failure('connection-reset'))
    expect(record.chunkMs).toHaveLength(1)
  })

  test('what comes after the end changes nothing', async () => {
    const record = await askOnce(stream(events([hello, stopped, done, world, '{"error":"late"}'])))
    expect(record).toMatchObject({ outcome: { kind: 'completed' } })
  })

  test('one failure leaves the sender as it was', async () => {
    const { client } = await clientOf([
      (socket) => socket.resetAndDestroy(),
      'nonsense\r\n\r\n',
      stream(events(answer)),
    ])
    await client.ask()
    await client.ask()
    expect((await client.ask()).outcome).toEqual({ kind: 'completed' })
  })
})

describe('a timer', () => {
  test('first-token: headers and a role are no token', async () => {
    const record = await askOnce(streamHead + chunk(events([role])), {
      timeouts: { firstTokenMs: 150 },
    })
    expect(record).toMatchObject({
      outcome: { kind: 'timed-out', timer: 'first-token' },
      httpStatus: 200,
      chunkMs: [],
      endMs: undefined,
    })
    expect(record.closedMs - (record.sentMs ?? 0)).toBeGreaterThan(150)
  })

  test('idle: comments are no sign of life of the model', async () => {
    const record = await askOnce(
      (socket) => {
        socket.write(streamHead + chunk(events([role, hello])))
        const pings = setInterval(() => socket.write(chunk(': ping\n\n')), 20)
        socket.on('close', () => clearInterval(pings))
      },
      { timeouts: { idleMs: 150 } },
    )
    expect(record).toMatchObject({ outcome: { kind: 'timed-out', timer: 'idle' } })
    expect(record.chunkMs).toHaveLength(1)
    expect(record.closedMs - (record.chunkMs[0] ?? 0)).toBeGreaterThan(150)
  })

  test('total: an answer without end', async () => {
    const record = await askOnce(
      (socket) => {
        socket.write(streamHead)
        const tokens = setInterval(() => socket.write(chunk(events([hello]))), 20)
        socket.on('close', () => clearInterval(tokens))
      },
      { timeouts: { totalMs: 150 } },
    )
    expect(record).toMatchObject({ outcome: { kind: 'timed-out', timer: 'total' } })
    expect(record.closedMs - (record.sentMs ?? 0)).toBeGreaterThan(150)
  })

  test('connect: a server that takes the connection and never finishes the handshake', async () => {
    const { port, connected } = await silentServer()
    const client = await connect(port, {
      url: `https://127.0.0.1:${port}`,
      timeouts: { connectMs: 150 },
    })
    expect(await client.ask()).toMatchObject({
      outcome: { kind: 'timed-out', timer: 'connect' },
      sentMs: undefined,
      connectMs: undefined,
    })
    const socket = await connected
    if (!socket.destroyed) await once(socket, 'close')
    expect(client.connectionsOpened()).toBe(0)
  })
})

/** Takes a connection and says nothing. */
async function silentServer(): Promise<{ port: number; connected: Promise<Socket> }> {
  let onConnection: (socket: Socket) => void = () => {}
  const connected = new Promise<Socket>((resolve) => {
    onConnection = resolve
  })
  const server = createServer((socket) => {
    socket.on('error', () => {})
    socket.resume()
    onTestFinished(() => void socket.destroy())
    onConnection(socket)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  return { port: (server.address() as AddressInfo).port, connected }
}

describe('cancelling', () => {
  test('ends every request in flight as cancelled, and closes its connection', async () => {
    const { client, server } = await clientOf([streamHead + chunk(events([hello]))])
    const read = client.hasRead(hello)
    const asked = [client.ask(), client.ask(), client.ask()]
    await read
    await expect.poll(() => server.requests, soon).toHaveLength(3)
    client.cancelAll()
    const records = await Promise.all(asked)
    expect(records.map(({ outcome }) => outcome)).toEqual(Array(3).fill({ kind: 'cancelled' }))
    expect(records.every(({ endMs }) => endMs === undefined)).toBe(true)
    await expect.poll(() => server.sockets.every(({ destroyed }) => destroyed), soon).toBe(true)
  })

  test('ends a request that has no connection yet', async () => {
    const { port, connected } = await silentServer()
    const client = await connect(port, { url: `https://127.0.0.1:${port}` })
    const asked = client.ask()
    await connected
    client.cancelAll()
    expect(await asked).toMatchObject({ outcome: { kind: 'cancelled' }, sentMs: undefined })
  })

  test('leaves later requests alone', async () => {
    const { client, server } = await clientOf([() => {}, stream(events(answer))])
    const asked = client.ask()
    await expect.poll(() => server.requests, soon).toHaveLength(1)
    client.cancelAll()
    expect((await asked).outcome).toEqual({ kind: 'cancelled' })
    expect((await client.ask()).outcome).toEqual({ kind: 'completed' })
  })
})

describe('giving up on purpose', () => {
  test('after so many chunks ends with that chunk, though the read brought more and the end', async () => {
    const { client, server } = await clientOf([
      stream(events([role, hello, world, hello, stopped, usage, done])),
    ])
    const record = await client.ask({ cancelAfter: { chunks: 2 } })
    expect(record.outcome).toEqual({ kind: 'abandoned' })
    expect(record.chunkMs).toHaveLength(2)
    expect(record).toMatchObject({ endMs: undefined, finishReason: undefined, usage: undefined })
    await expect.poll(() => server.sockets[0]?.destroyed, soon).toBe(true)
    expect(client.inFlight()).toBe(0)
  })

  test('does not wait for the chunk after it', async () => {
    const { client } = await clientOf([streamHead + chunk(events([role, hello]))])
    const record = await client.ask({ cancelAfter: { chunks: 1 } })
    expect(record.outcome).toEqual({ kind: 'abandoned' })
    expect(record.closedMs).toBeGreaterThanOrEqual(record.chunkMs[0] ?? Number.NaN)
  })

  test('after more chunks than come does not happen, and the connection is used again', async () => {
    const { client } = await clientOf([stream(events(answer))])
    const kinds = []
    for (const chunks of [3, 4]) kinds.push((await client.ask({ cancelAfter: { chunks } })).outcome)
    expect(kinds).toEqual([{ kind: 'completed' }, { kind: 'completed' }])
    expect(client.connectionsOpened()).toBe(1)
  })

  test('after a time is not before it, and keeps what had come', async () => {
    const { client, server } = await clientOf([streamHead + chunk(events([role, hello]))])
    const { outcome, chunkMs, sentMs = 0, closedMs } = await client.ask({ cancelAfter: { ms: 60 } })
    expect(outcome).toEqual({ kind: 'abandoned' })
    expect(chunkMs).toHaveLength(1)
    expect(closedMs - sentMs).toBeGreaterThan(59.99)
    await expect.poll(() => server.sockets[0]?.destroyed, soon).toBe(true)
  })

  test('after a time too short for an answer leaves a record without output, never before `send` returns', async () => {
    const { client } = await clientOf([() => {}])
    let returned = false
    const kind = new Promise((resolve) =>
      client.sendNext(({ outcome, chunks }) => resolve([returned, outcome.kind, chunks.count]), {
        cancelAfter: { ms: 0.001 },
      }),
    )
    returned = true
    expect(await kind).toEqual([true, 'abandoned', 0])
  })

  test('after a time that the answer does not take leaves the next request on the connection alone', async () => {
    const { client } = await clientOf([
      stream(events(answer)),
      async (socket) => {
        socket.write(streamHead + chunk(events([role, hello])))
        await new Promise((resolve) => setTimeout(resolve, 80))
        socket.write(chunk(events([world, stopped, done])) + lastChunk)
      },
    ])
    expect((await client.ask({ cancelAfter: { ms: 40 } })).outcome).toEqual({ kind: 'completed' })
    // Were the first one's timer still set, it would end this one.
    expect((await client.ask()).outcome).toEqual({ kind: 'completed' })
    expect(client.connectionsOpened()).toBe(1)
  })

  test('a mark of one request is not that of the next on its connection', async () => {
    const { client } = await clientOf([
      stream(events([hello, stopped, done])),
      stream(events(answer)),
    ])
    await client.ask({ cancelAfter: { chunks: 2 } })
    const { outcome, chunkMs } = await client.ask()
    expect([outcome.kind, chunkMs.length]).toEqual(['completed', 2])
  })

  test('comes too late for what was cut off before', async () => {
    const { client, server } = await clientOf([() => {}])
    const asked = client.ask({ cancelAfter: { ms: 10_000 } })
    await expect.poll(() => server.requests, soon).toHaveLength(1)
    client.cancelAll()
    expect((await asked).outcome).toEqual({ kind: 'cancelled' })
  })
})

describe('the bytes that a server receives', () => {
  const received = async (options: ClientOptions): Promise<{ head: string[]; body: string }> => {
    const { client, server } = await clientOf([stream(events(answer))], options)
    await client.ask()
    const [head = '', body = ''] = server.requests[0]?.split('\r\n\r\n') ?? []
    return { head: head.replaceAll(String(server.port), 'PORT').split('\r\n'), body }
  }

  test('are one HTTP/1.1 request whose length counts bytes', async () => {
    const { head, body } = await received({})
    expect(head).toEqual([
      'POST /v1/chat/completions HTTP/1.1',
      'host: 127.0.0.1:PORT',
      'content-type: application/json',
      'accept: text/event-stream',
      'user-agent: baremark/test',
      'x-request-id: run-7',
      `content-length: ${body.length}`,
    ])
    const text = Buffer.from(body, 'latin1').toString('utf8')
    expect(text.length).toBe(body.length - 2) // ü and ß are two bytes each.
    expect(JSON.parse(text)).toMatchObject({ messages: [{ role: 'user', content: 'Grüße' }] })
  })

  test('hold the key, only where there is one', async () => {
    const { head } = await received({ apiKey: 'sk-1' })
    expect(head).toContain('authorization: Bearer sk-1')
  })

  test.each(['/base', '/base/'])('keep the path of the address: %s', async (path) => {
    const { head } = await received({ path })
    expect(head[0]).toBe('POST /base/v1/chat/completions HTTP/1.1')
  })
})

describe('TLS', () => {
  const identity = selfSigned()
  const secure = async (options: ClientOptions): Promise<RequestRecord[]> => {
    const server = await startScriptedServer([write(stream(events(answer)))], identity)
    const host = options.url ?? '127.0.0.1'
    const client = await connect(server.port, { ...options, url: `https://${host}:${server.port}` })
    return [await client.ask(), await client.ask()]
  }

  test('a certificate that nobody vouches for is refused', async () => {
    const [record] = await secure({})
    expect(record?.outcome).toMatchObject({ kind: 'failed', failure: 'tls-error' })
    expect(record?.sentMs).toBeUndefined()
  })

  test.each([
    ['when told not to verify', { insecure: true }],
    ['with its authority, by address', { ca: identity.cert }],
    ['with its authority, by name', { ca: identity.cert, url: 'localhost' }],
  ])('a server is measured as without TLS %s', async (_, options) => {
    const plainRecord = await askOnce(stream(events(answer)))
    const [first, second] = await secure(options)
    for (const record of [first, second]) {
      expect(record && timeless(record)).toEqual(timeless(plainRecord))
    }
    expect(first?.connectMs).toBeDefined()
    expect(second?.connectMs).toBeUndefined()
  })

  test('a server without TLS is a TLS error, not a crash', async () => {
    const server = await startScriptedServer([])
    const client = await connect(server.port, { url: `https://127.0.0.1:${server.port}` })
    const asked = client.ask()
    await expect.poll(() => server.sockets, soon).toHaveLength(1)
    server.sockets[0]?.end('HTTP/1.1 400 Bad Request\r\n\r\n')
    expect((await asked).outcome).toMatchObject({ kind: 'failed', failure: 'tls-error' })
  })
})

describe('a Unix socket', () => {
  test('is measured as any other server', async () => {
    const path = socketFile()
    const server = await startScriptedServer([write(stream(events(answer)))], undefined, path)
    const client = await connect(0, { url: `http+unix://${encodeURIComponent(path)}/base` })
    const records = [await client.ask(), await client.ask()]
    const expected = timeless(await askOnce(stream(events(answer))))
    for (const record of records) expect(timeless(record)).toEqual(expected)
    expect(records.map(({ connectMs }) => connectMs !== undefined)).toEqual([true, false])
    const [head = ''] = server.requests[0]?.split('\r\n\r\n') ?? []
    expect(head.split('\r\n').slice(0, 2)).toEqual([
      'POST /base/v1/chat/completions HTTP/1.1',
      'host: localhost',
    ])
  })

  test.each([
    ['no-such-socket', 'nothing there', () => {}],
    [
      'connection-refused',
      'a file that nobody listens on',
      (path: string) => writeFileSync(path, ''),
    ],
  ])('%s: %s', async (failure, _, prepare) => {
    const path = socketFile()
    prepare(path)
    const client = await connect(0, { url: `http+unix://${encodeURIComponent(path)}` })
    expect(await client.ask()).toMatchObject({ outcome: { kind: 'failed', failure } })
  })

  test('a path longer than any socket has is a failure, not a crash', async () => {
    const path = encodeURIComponent(`/tmp/${'x'.repeat(200)}`)
    const client = await connect(0, { url: `http+unix://${path}` })
    expect((await client.ask()).outcome.kind).toBe('failed')
  })
})
