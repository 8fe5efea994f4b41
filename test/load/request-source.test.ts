import fc from 'fast-check'
import { expect, test } from 'vitest'
import { apiNames } from '../../src/load/api-names.ts'
import {
  createRequestSource,
  type RequestTemplate,
  requestBytes,
} from '../../src/load/request-source.ts'
import { serverApis } from '../../src/load/servers/index.ts'
import { openAiChat } from '../../src/load/servers/openai-chat.ts'
import { headersOf, pathOf } from '../../src/load/servers/server.ts'
import type { RequestPlan } from '../../src/load/workloads/planned.ts'

const template: RequestTemplate = {
  api: openAiChat,
  url: 'http://127.0.0.1:8000',
  model: 'm',
  userAgent: 'baremark/test',
  forceLength: false,
  idPrefix: 'run',
}

interface Body {
  readonly messages: readonly { readonly role: string; readonly content: string }[]
  readonly max_tokens: number
}

const bodyOf = (bytes: Buffer): Body =>
  JSON.parse(bytes.toString().split('\r\n\r\n')[1] ?? '') as Body
const contentsOf = (bytes: Buffer): string[] => bodyOf(bytes).messages.map(({ content }) => content)

const numbered: RequestPlan = {
  kind: 'requests',
  requestAt: (number) => ({ prompt: `number ${number}`, inputTokens: number, outputTokens: 2 }),
}

test('a thread sends every count-th request of a plan, under ids that no other thread has', () => {
  const next = createRequestSource(template, numbered, { index: 1, count: 3, firstId: 100 })
  const sent = Array.from({ length: 40 }, () => next())
  expect(sent.map(({ id }) => id)).toEqual(sent.map((_, k) => 101 + 3 * k))
  expect(sent.map(({ bytes }) => contentsOf(bytes)[0])).toEqual(
    sent.map((_, k) => `number ${1 + 3 * k}`),
  )
  expect(sent[2]).toMatchObject({ requestedInputTokens: 7, requestedOutputTokens: 2 })
  expect(bodyOf(sent[0]?.bytes ?? Buffer.alloc(0)).max_tokens).toBe(2)
})

test('a request that is to be given up on purpose is told when', () => {
  const plan: RequestPlan = {
    kind: 'requests',
    requestAt: (number) => ({
      prompt: 'p',
      outputTokens: 2,
      cancelAfter: number === 1 ? { ms: 300 } : undefined,
    }),
  }
  const next = createRequestSource(template, plan, { index: 0, count: 1, firstId: 0 })
  expect([next(), next(), next()].map(({ cancelAfter }) => cancelAfter)).toEqual([
    undefined,
    { ms: 300 },
    undefined,
  ])
})

const sessions: RequestPlan = {
  kind: 'sessions',
  sessionAt: (session) => ({
    turns: session === 0 ? 3 : 2,
    requestAt: (turn) => ({
      prompt: [{ role: 'user', content: `session ${session} turn ${turn}` }],
      outputTokens: 1,
      session,
      turn,
    }),
  }),
}

test('each user goes through its own session turn by turn, and then begins the next that is free', async () => {
  const next = createRequestSource(template, sessions, { index: 0, count: 2, firstId: 0 })
  const said: string[] = []
  for (const user of [0, 2, 0, 0, 2, 0, 2]) {
    said.push(`${user}: ${contentsOf(next(user).bytes)[0]}`)
    await new Promise((resolve) => setImmediate(resolve))
  }
  expect(said).toEqual([
    '0: session 0 turn 0',
    '2: session 2 turn 0',
    '0: session 0 turn 1',
    '0: session 0 turn 2',
    '2: session 2 turn 1',
    '0: session 4 turn 0',
    '2: session 6 turn 0',
  ])
})

test('whatever the template and the prompt, the body is what the API makes of it and its length is told in bytes', () => {
  const text = fc.oneof(fc.string(), fc.constantFrom('ü', '"', '\\', '\u2028', '漢字', '\\u0000'))
  fc.assert(
    fc.property(
      fc.record({
        apiName: fc.constantFrom(...apiNames),
        model: text,
        prompt: text,
        forceLength: fc.boolean(),
        outputTokens: fc.integer({ min: 1, max: 9_999 }),
        id: fc.nat(),
      }),
      ({ apiName, id, ...ask }) => {
        const api = serverApis[apiName]
        const bytes = requestBytes({ ...template, ...ask, api }, { ...ask, id: String(id) })
        const [head = '', ...body] = bytes.toString('utf8').split('\r\n\r\n')
        expect(body.join('\r\n\r\n')).toBe(api.body(ask))
        expect(head.split('\r\n')).toEqual([
          `POST ${pathOf(api, ask.model)} HTTP/1.1`,
          'host: 127.0.0.1:8000',
          'content-type: application/json',
          `accept: ${api.contentType}`,
          'user-agent: baremark/test',
          `x-request-id: run-${id}`,
          ...headersOf(api, undefined),
          `content-length: ${bytes.length - Buffer.byteLength(head) - 4}`,
        ])
      },
    ),
  )
})
