import { setImmediate as nextTurn } from 'node:timers/promises'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { apiNames } from '../../src/load/api-names.ts'
import { makePrompt } from '../../src/load/prompts.ts'
import {
  createRequestSource,
  type RequestTemplate,
  requestBytes,
} from '../../src/load/request-source.ts'
import { serverApis } from '../../src/load/servers/index.ts'
import { openAiChat } from '../../src/load/servers/openai-chat.ts'
import { headersOf, pathOf } from '../../src/load/servers/server.ts'
import { seededRandom } from '../../src/random.ts'

const template: RequestTemplate = {
  api: openAiChat,
  url: 'http://127.0.0.1:8000',
  model: 'm',
  userAgent: 'baremark/test',
  forceLength: true,
  idPrefix: 'run',
}

test('requests hold the prompts that the seed gives, one after another, and count up', async () => {
  const shape = { wordCount: 20, outputTokens: 5, random: seededRandom(7), firstId: 9, idStep: 1 }
  const next = createRequestSource(template, shape)
  const random = seededRandom(7)
  // More than are prepared at first, in bursts and with turns of the event loop in between.
  for (let id = 9; id < 120; id++) {
    if (id % 50 === 0) await nextTurn()
    const prompt = makePrompt(random, 20)
    const bytes = requestBytes(template, { id: String(id), prompt, outputTokens: 5 })
    expect(next()).toEqual({ id, bytes })
  }
})

test('sources that share a level never give the same id', () => {
  const next = [5, 6, 7].map((firstId) =>
    createRequestSource(template, {
      wordCount: 1,
      outputTokens: 1,
      random: seededRandom(firstId),
      firstId,
      idStep: 3,
    }),
  )
  const ids = [0, 1, 2, 0, 1, 2, 0].map((source) => next[source]?.().id)
  expect(ids).toEqual([5, 6, 7, 8, 9, 10, 11])
})

test('whatever the template, the body is what the API makes of it and its length is told in bytes', () => {
  const text = fc.oneof(fc.string(), fc.constantFrom('ü', '"', '\\', '\u2028', '漢字', '\\u0000'))
  fc.assert(
    fc.property(
      fc.record({
        apiName: fc.constantFrom(...apiNames),
        model: text,
        forceLength: fc.boolean(),
        wordCount: fc.integer({ min: 1, max: 40 }),
        seed: fc.nat(),
        id: fc.nat(),
      }),
      ({ apiName, model, forceLength, wordCount, seed, id }) => {
        const api = serverApis[apiName]
        const shape = { wordCount, outputTokens: 3, firstId: id, idStep: 1 }
        const request = createRequestSource(
          { ...template, api, model, forceLength },
          { ...shape, random: seededRandom(seed) },
        )()
        const [head = '', ...body] = request.bytes.toString('utf8').split('\r\n\r\n')
        const prompt = makePrompt(seededRandom(seed), wordCount)
        expect(body.join('\r\n\r\n')).toBe(
          api.body({ model, prompt, outputTokens: 3, forceLength }),
        )
        const bodyBytes = request.bytes.length - Buffer.byteLength(head) - 4
        expect(head.split('\r\n')).toEqual([
          `POST ${pathOf(api, model)} HTTP/1.1`,
          'host: 127.0.0.1:8000',
          'content-type: application/json',
          `accept: ${api.contentType}`,
          'user-agent: baremark/test',
          `x-request-id: run-${id}`,
          ...headersOf(api, undefined),
          `content-length: ${bodyBytes}`,
        ])
      },
    ),
  )
})
