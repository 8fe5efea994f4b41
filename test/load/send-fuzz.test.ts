import { once } from 'node:events'
import type { Socket } from 'node:net'
import { setImmediate as nextTurn } from 'node:timers/promises'
import fc from 'fast-check'
import { expect, onTestFinished, test } from 'vitest'
import { startClock } from '../../src/load/clock.ts'
import { type EndedRequest, toRecord } from '../../src/load/ended-request.ts'
import type { Outcome, RequestRecord } from '../../src/load/record.ts'
import { requestBytes } from '../../src/load/request-source.ts'
import { createSender } from '../../src/load/send.ts'
import { openAiChat } from '../../src/load/servers/openai-chat.ts'
import { fuzzCases } from './fuzz-cases.ts'
import { anyCuts, cutAt } from './http/cut.ts'
import { interpret } from './http/interpret.ts'
import { lastChunk, startScriptedServer } from './scripted-server.ts'

type Told = Pick<RequestRecord, 'outcome' | 'httpStatus' | 'finishReason' | 'usage'> & {
  readonly chunks: number
  readonly reasoningFirst: boolean
}

const delta = (content: object, finish: string | null = null, id = 'c-1'): string =>
  JSON.stringify({
    id,
    created: 17,
    choices: [{ index: 0, delta: content, finish_reason: finish }],
  })

const anyData = fc.oneof(
  { weight: 6, arbitrary: fc.string({ unit: 'binary' }).map((content) => delta({ content })) },
  { weight: 3, arbitrary: fc.constantFrom('a', ' b', '"').map((c) => delta({ content: c })) },
  {
    weight: 4,
    arbitrary: fc.constantFrom(
      delta({ role: 'assistant', content: '' }),
      delta({ reasoning_content: 'Hm. ü' }),
      delta({ content: 'x' }, null, 'c-2'),
      delta({}, 'stop'),
      delta({ content: 'end' }, 'length'),
      JSON.stringify({ choices: [], usage: { prompt_tokens: 7, completion_tokens: 3 } }),
    ),
  },
  {
    weight: 2,
    arbitrary: fc.constantFrom('[DONE]', '{"error":{"message":"no"}}', '{"choices": [oops', '7'),
  },
)

/** A whole answer, and how much of it the server sends before it closes, if it does. */
const anyAnswer = fc
  .record({
    data: fc.array(anyData, { maxLength: 12 }),
    last: fc.constantFrom('[DONE]', '[DONE]', ': nothing'),
    newline: fc.constantFrom('\n', '\r\n', '\r'),
    comments: fc.boolean(),
    framing: fc.constantFrom('chunked', 'chunked', 'length', 'close'),
    chunkCuts: anyCuts,
    status: fc.constantFrom(200, 200, 200, 200, 500),
    type: fc.constantFrom('text/event-stream', 'Text/Event-Stream; charset=utf-8', 'text/html'),
    connection: fc.constantFrom('keep-alive', 'keep-alive', 'close'),
    truncateAt: fc.option(fc.nat(3_000), { freq: 5 }),
  })
  .map(({ data, last, newline, comments, framing, chunkCuts, status, type, ...rest }) => {
    const lines = [...data, last].map((text) => (text.startsWith(':') ? text : `data: ${text}`))
    const events = lines.map((line) => `${line}${newline}${newline}`)
    const text = (comments ? [`: ping${newline}`, ...events] : events).join('')
    const body = Buffer.from(text)
    const framed = {
      chunked: () => ['transfer-encoding: chunked', chunks(cutAt(body, chunkCuts))] as const,
      length: () => [`content-length: ${body.length}`, body] as const,
      close: () => ['x: y', body] as const,
    }
    const [header, bytes] = framed[framing as keyof typeof framed]()
    const head = [`HTTP/1.1 ${status} x`, `content-type: ${type}`, header]
    const headText = `${[...head, `connection: ${rest.connection}`].join('\r\n')}\r\n\r\n`
    const whole = Buffer.concat([Buffer.from(headText), bytes])
    const sent = whole.subarray(0, rest.truncateAt ?? whole.length)
    const closes = rest.truncateAt !== null || framing === 'close'
    return { status, type, framing, headBytes: headText.length, sent, closes }
  })
type Answer = typeof anyAnswer extends fc.Arbitrary<infer T> ? T : never

function chunks(pieces: readonly Buffer[]): Buffer {
  const some = pieces.filter(({ length }) => length > 0)
  const framed = some.flatMap((piece) => [
    Buffer.from(`${piece.length.toString(16)}\r\n`),
    piece,
    Buffer.from('\r\n'),
  ])
  return Buffer.concat([...framed, Buffer.from(lastChunk)])
}

/** The body as far as it was sent, and whether its HTTP message ended. */
function bodyOf({ framing, headBytes, sent, closes }: Answer): [body: Buffer, ended: boolean] {
  const rest = sent.subarray(headBytes)
  if (framing === 'close') return [rest, closes]
  if (framing === 'length') {
    const length = Number(/content-length: (\d+)/.exec(sent.toString('latin1'))?.[1])
    return [rest, rest.length === length]
  }
  const parts: Buffer[] = []
  for (let text = rest; ; ) {
    const line = text.indexOf('\r\n')
    const size = Number.parseInt(text.toString('latin1', 0, Math.max(0, line)), 16)
    if (line < 0) return [Buffer.concat(parts), false]
    if (size === 0) return [Buffer.concat(parts), text.length >= line + 4]
    parts.push(text.subarray(line + 2, line + 2 + size))
    text = text.subarray(line + 2 + size + 2)
  }
}

const failed = (failure: string, detail: string): Outcome =>
  ({ kind: 'failed', failure, detail: detail.slice(0, 300) }) as Outcome

/** What a plain reader of the whole answer says of it. */
function judge(answer: Answer): Told {
  const told = { chunks: 0, reasoningFirst: false, visible: false, usage: undefined } as {
    -readonly [K in keyof Told]?: Told[K]
  } & { chunks: number; reasoningFirst: boolean; visible: boolean }
  const outcome = readAll(answer, told)
  const { visible, ...rest } = told
  return { ...rest, outcome } as Told
}

function readAll(answer: Answer, told: Parameters<typeof note>[1]): Outcome {
  if (answer.sent.length < answer.headBytes)
    return failed('early-close', 'closed before any answer')
  told.httpStatus = answer.status
  const [body, ended] = bodyOf(answer)
  if (answer.status !== 200) return failed('http-status', `${answer.status} ${body}`.trim())
  if (answer.type === 'text/html')
    return failed('wrong-content-type', 'expected text/event-stream, got text/html')
  const finished = (): Outcome =>
    told.chunks > 0 ? { kind: 'completed' } : failed('empty-output', 'the stream held no output')
  for (const data of interpret(body)) {
    const outcome = note(data, told)
    if (outcome) return outcome === 'done' ? finished() : outcome
  }
  if (!ended) return failed('early-close', 'closed before the answer ended')
  if (told.finishReason !== undefined) return finished()
  return failed('no-end-mark', 'the stream ended without an end mark or a finish reason')
}

function note(
  data: string,
  told: { -readonly [K in keyof Told]?: Told[K] } & {
    chunks: number
    reasoningFirst: boolean
    visible: boolean
  },
): Outcome | 'done' | undefined {
  let meaning: ReturnType<typeof openAiChat.readEvent>
  try {
    meaning = openAiChat.readEvent(data)
  } catch {
    return failed('malformed-event', data)
  }
  if (meaning.error !== undefined) return failed('error-event', meaning.error)
  if (meaning.output !== undefined) {
    if (meaning.output !== 'reasoning' && !told.visible) {
      told.visible = true
      told.reasoningFirst = told.chunks > 0
    }
    told.chunks++
  }
  if (meaning.usage) told.usage = meaning.usage
  if (meaning.finishReason !== undefined) told.finishReason = meaning.finishReason
  return meaning.done ? 'done' : undefined
}

function toldBy(record: RequestRecord): Told {
  return {
    chunks: record.chunkMs.length,
    reasoningFirst: record.firstVisibleMs !== undefined,
    httpStatus: record.httpStatus,
    finishReason: record.finishReason,
    usage: record.usage,
    outcome: record.outcome,
  }
}

test('any answer, sent in any pieces over connections that are used again, is the record that a plain reader makes of it', async () => {
  let pieces: readonly Buffer[] = []
  let closes = false
  let served: Promise<unknown> = Promise.resolve()
  const serve = async (socket: Socket): Promise<void> => {
    for (const piece of pieces) {
      if (piece.length === 0) continue
      socket.write(piece)
      await nextTurn()
    }
    if (!closes) return
    socket.end()
    if (!socket.destroyed) await once(socket, 'close')
  }
  const server = await startScriptedServer([
    (socket) => {
      served = serve(socket)
    },
  ])
  const timeoutMs = 20_000
  const { clock } = startClock()
  const sender = createSender({
    endpoint: {
      host: '127.0.0.1',
      address: '127.0.0.1',
      port: server.port,
      tls: false,
      insecure: false,
    },
    api: openAiChat,
    clock,
    timeouts: {
      connectMs: timeoutMs,
      firstTokenMs: timeoutMs,
      idleMs: timeoutMs,
      totalMs: timeoutMs,
    },
  })
  onTestFinished(sender.close)
  const bytes = requestBytes(
    {
      api: openAiChat,
      url: 'http://127.0.0.1',
      model: 'm',
      userAgent: 'test',
      forceLength: false,
      idPrefix: 'r',
    },
    { id: '1', prompt: 'x', outputTokens: 4 },
  )
  const ask = (): Promise<EndedRequest> =>
    new Promise((resolve) => {
      const request = { id: 1, level: 0, phase: 'measured', bytes } as const
      sender.send({ ...request, requestedInputTokens: 1, requestedOutputTokens: 4 }, (ended) =>
        resolve({ ...ended, chunks: structuredClone(ended.chunks) }),
      )
    })
  await fc.assert(
    fc.asyncProperty(anyAnswer, anyCuts, async (answer, cuts) => {
      pieces = cutAt(answer.sent, cuts)
      closes = answer.closes
      expect(toldBy(toRecord(await ask()))).toEqual(judge(answer))
      // A connection that is just being closed would be taken for the next request.
      await served
      expect(sender.inFlight()).toBe(0)
    }),
    { numRuns: fuzzCases(500) },
  )
  expect(sender.connectionsOpened()).toBeLessThan(server.requests.length)
})
