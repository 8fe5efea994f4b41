import { describe, expect, test } from 'vitest'
import { exitCodes, UserError } from '../../src/errors.ts'
import type { PlannedRequest } from '../../src/load/ended-request.ts'
import { type CountedWords, describeOutcome, probeTarget } from '../../src/load/probe.ts'
import type { RequestRecord } from '../../src/load/record.ts'
import type { Sender } from '../../src/load/send.ts'
import { openAiChat } from '../../src/load/servers/openai-chat.ts'
import type { ServerApi } from '../../src/load/servers/server.ts'
import { createStamps } from '../../src/load/stamps.ts'
import { seededRandom } from '../../src/random.ts'
import { sampleRecord } from './sample-record.ts'

interface Body {
  readonly messages: readonly { readonly content: string }[]
  readonly ignore_eos?: boolean
  readonly max_tokens: number
}

/** What a server makes of a request: its record, from the number of words and the body. */
type Treat = (words: number, body: Body) => Partial<RequestRecord>

async function probe(
  treat: Treat,
  inputTokens = 100,
  { counted, api = openAiChat }: { counted?: CountedWords; api?: ServerApi } = {},
) {
  const bodies: Body[] = []
  const requests: PlannedRequest[] = []
  const send: Sender['send'] = (request, onEnd) => {
    requests.push(request)
    const body = JSON.parse(request.bytes.toString().split('\r\n\r\n')[1] ?? '') as Body
    bodies.push(body)
    const { chunkMs, ...record } = sampleRecord(treat(wordsOf(body), body))
    setImmediate(onEnd, { ...record, request, chunks: createStamps(0) })
  }
  const url = 'http://127.0.0.1:8000'
  const template = { api, url, model: 'm', userAgent: 'baremark/test', idPrefix: 'run' }
  const result = await probeTarget(send, template, {
    inputTokens,
    random: seededRandom(1),
    counted,
  })
  return { result, bodies, requests }
}

const wordsOf = (body: Body): number => body.messages[0]?.content.split(' ').length ?? 0

const refuses = (httpStatus: number): Partial<RequestRecord> => ({
  httpStatus,
  outcome: { kind: 'failed', failure: 'http-status', detail: `${httpStatus} unknown field` },
  chunkMs: [],
})

describe('a few requests before the run', () => {
  test('tell how many tokens a word is, from a short prompt and one of the wanted length', async () => {
    // 1.5 tokens a word and 10 for the template: 58 for 32 words, 160 for 100.
    const { result, bodies } = await probe((words) => ({
      usage: { inputTokens: 10 + 1.5 * words },
    }))
    expect(bodies.map(wordsOf)).toEqual([32, 100])
    expect(result).toEqual({
      prompts: { kind: 'usage', tokensPerWord: 1.5, overheadTokens: 10 },
      forceLength: true,
    })
  })

  describe('with words that a tokenizer counted', () => {
    // Two tokens a word: 16 words are 32 tokens.
    const words = Array.from({ length: 20 }, (_, i) => `word${i}`)
    const wordbook = { words, costs: words.map(() => 2), leadTokens: 0 }
    const counted: CountedWords = { wordbook, by: { kind: 'tokenizer', sha256: 'abc' } }
    const byServer: CountedWords = {
      wordbook,
      by: { kind: 'server-tokenizer', path: '/tokenize' },
    }

    test("send prompts of exactly the tokens meant, and take the rest for the template's", async () => {
      const { result, bodies } = await probe(
        (count) => ({ usage: { inputTokens: 7 + 2 * count } }),
        100,
        { counted },
      )
      expect(bodies.map(wordsOf)).toEqual([16, 50])
      expect(result.prompts).toEqual({
        kind: 'tokenizer',
        sha256: 'abc',
        words: 20,
        tokensPerWord: 2,
        overheadTokens: 7,
      })
      expect(result.wordbook).toBe(wordbook)
    })

    test('count prompts by the words that were sent, where no words make the length asked for', async () => {
      // Words of 3 tokens: 32 tokens are 11 words (33 tokens), 100 are 33 words (99 tokens).
      const threes = { words, costs: words.map(() => 3), leadTokens: 0 }
      const { result, bodies } = await probe(
        (count) => ({ usage: { inputTokens: 7 + 3 * count } }),
        100,
        { counted: { ...counted, wordbook: threes } },
      )
      expect(bodies.map(wordsOf)).toEqual([11, 33])
      expect(result.prompts.overheadTokens).toBe(7)
    })

    test("say that the server's endpoint counted them, where it did", async () => {
      const { result } = await probe((count) => ({ usage: { inputTokens: 7 + 2 * count } }), 100, {
        counted: byServer,
      })
      expect(result.prompts).toEqual({
        kind: 'server-tokenizer',
        path: '/tokenize',
        words: 20,
        tokensPerWord: 2,
        overheadTokens: 7,
      })
      expect(result.wordbook).toBe(wordbook)
    })

    test("believe the server's usage where its endpoint counts otherwise, ask again, and say why", async () => {
      const { result, bodies } = await probe(
        (count) => ({ usage: { inputTokens: 7 + 3 * count } }),
        100,
        { counted: byServer },
      )
      // 16 words of 2 tokens and 50 of them; then 32 words and 100, whatever their tokens.
      expect(bodies.map(wordsOf)).toEqual([16, 50, 32, 100])
      expect(result.prompts).toEqual({
        kind: 'usage',
        tokensPerWord: 3,
        overheadTokens: 7,
        notCounted:
          'POST /tokenize: prompts of 32 and 100 tokens by it are 55 and 157 to the server',
      })
      expect(result.wordbook).toBeUndefined()
    })

    test("refuse a tokenizer that is not the server's", async () => {
      const other = probe((count) => ({ usage: { inputTokens: 7 + 3 * count } }), 100, { counted })
      await expect(other).rejects.toThrow('The tokenizer is not the server')
    })
  })

  test('the long prompt is twice the short one where the wanted length is less', async () => {
    const { bodies } = await probe(() => ({}), 40)
    expect(bodies.map(wordsOf)).toEqual([32, 64])
  })

  test('are short of answer, and no part of the measurement', async () => {
    const { bodies, requests } = await probe(() => ({}))
    expect(bodies.map((body) => body.max_tokens)).toEqual([2, 2])
    expect(requests.map(({ id, level, phase }) => [id, level, phase])).toEqual(
      Array(2).fill([-1, -1, 'warm-up']),
    )
  })

  test('are different prompts', async () => {
    const { bodies } = await probe(() => ({}))
    const [short = '', long = ''] = bodies.map((body) => body.messages[0]?.content)
    expect(long.startsWith(short)).toBe(false)
  })

  test('a server that does not count leaves the count assumed', async () => {
    const { result } = await probe(() => ({ usage: undefined }))
    expect(result.prompts).toMatchObject({ kind: 'assumed', tokensPerWord: 1 })
  })

  test.each([400, 422])(
    'a server that refuses the forced length with %i is asked without it',
    async (httpStatus) => {
      const { result, bodies } = await probe((words, body) =>
        body.ignore_eos ? refuses(httpStatus) : { usage: { inputTokens: words } },
      )
      expect(bodies.map((body) => body.ignore_eos)).toEqual([true, undefined, undefined])
      expect(bodies.map(wordsOf)).toEqual([32, 32, 100])
      expect(result).toEqual({
        prompts: { kind: 'usage', tokensPerWord: 1, overheadTokens: 0 },
        forceLength: false,
      })
    },
  )
})

describe('the field that caps an answer', () => {
  // As OpenAI prints it.
  const useTheOther =
    '400 {"error":{"message":"Unsupported parameter: \'max_tokens\' is not supported with this model. ' +
    'Use \'max_completion_tokens\' instead.","type":"invalid_request_error","param":"max_tokens",' +
    '"code":"unsupported_parameter"}}'
  const refusesWith = (detail: string): Partial<RequestRecord> => ({
    ...refuses(400),
    outcome: { kind: 'failed', failure: 'http-status', detail },
  })
  const fieldsOf = (body: Body): string[] =>
    ['max_tokens', 'max_completion_tokens', 'ignore_eos'].filter((field) => field in body)

  test.each([
    ['before', true],
    ['after', false],
  ])('is the one that OpenAI names, %s it refuses the forced length', async (_, capFirst) => {
    const { result, bodies } = await probe((words, body) => {
      const refusals = [
        ...('max_tokens' in body ? [useTheOther] : []),
        ...('ignore_eos' in body ? ['400 Unrecognized request argument supplied: ignore_eos'] : []),
      ]
      const refusal = capFirst ? refusals[0] : refusals.at(-1)
      return refusal ? refusesWith(refusal) : { usage: { inputTokens: words } }
    })
    expect(bodies.map(fieldsOf)).toEqual([
      ['max_tokens', 'ignore_eos'],
      capFirst ? ['max_completion_tokens', 'ignore_eos'] : ['max_tokens'],
      ['max_completion_tokens'],
      ['max_completion_tokens'],
    ])
    expect(result).toMatchObject({ forceLength: false, maxTokensField: 'max_completion_tokens' })
  })

  test('stays where a refusal only mentions max_tokens', async () => {
    const { result, bodies } = await probe((_, body) =>
      body.ignore_eos ? refusesWith('400 ignore_eos needs max_tokens') : {},
    )
    expect(bodies.map(fieldsOf).slice(1)).toEqual([['max_tokens'], ['max_tokens']])
    expect(result.maxTokensField).toBeUndefined()
  })

  test('a server that refuses both is asked with each once, and told of', async () => {
    let asked = 0
    const probing = probe(() => {
      asked++
      return refusesWith(useTheOther)
    })
    await expect(probing).rejects.toBeInstanceOf(UserError)
    expect(asked).toBe(3)
  })
})

test('an API that cannot force a length is not asked to, and none is claimed', async () => {
  const { result, bodies } = await probe(() => ({}), 100, {
    api: { ...openAiChat, canForceLength: false },
  })
  expect(bodies.map((body) => body.ignore_eos)).toEqual([undefined, undefined])
  expect(result.forceLength).toBe(false)
})

describe('a server that does not answer a test request', () => {
  const failing: [string, Partial<RequestRecord>, string][] = [
    ['refuses everything', refuses(400), 'http-status (400 unknown field)'],
    ['has no such page', refuses(404), 'http-status (404 unknown field)'],
    [
      'is silent',
      { outcome: { kind: 'timed-out', timer: 'first-token' }, chunkMs: [] },
      'timed out waiting for the first token',
    ],
  ]

  test.each(failing)('one that %s cannot be measured', async (_, record, words) => {
    const probing = probe(() => record)
    await expect(probing).rejects.toBeInstanceOf(UserError)
    await expect(probing).rejects.toMatchObject({
      exitCode: exitCodes.setup,
      message: `http://127.0.0.1:8000/v1/chat/completions did not answer a test request: ${words}.`,
    })
  })

  test('nor one that fails with long prompts only', async () => {
    const probing = probe((words) => (words > 32 ? refuses(400) : {}))
    await expect(probing).rejects.toMatchObject({ exitCode: exitCodes.setup })
  })

  test('a failure that is no refusal is not tried again', async () => {
    let asked = 0
    const probing = probe(() => {
      asked++
      return refuses(500)
    })
    await expect(probing).rejects.toBeInstanceOf(UserError)
    expect(asked).toBe(1)
  })
})

test('an outcome in words', () => {
  expect(describeOutcome({ kind: 'completed' })).toBe('completed')
  expect(describeOutcome({ kind: 'cancelled' })).toBe('cancelled')
  expect(describeOutcome({ kind: 'abandoned' })).toBe('given up on purpose')
  expect(describeOutcome({ kind: 'timed-out', timer: 'idle' })).toBe(
    'timed out waiting for the idle timer',
  )
  expect(describeOutcome({ kind: 'failed', failure: 'tls-error', detail: 'expired' })).toBe(
    'tls-error (expired)',
  )
})
