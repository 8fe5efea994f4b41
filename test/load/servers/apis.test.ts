import { describe, expect, test } from 'vitest'
import { type ApiName, apiNames, takesMessages } from '../../../src/load/api-names.ts'
import { serverApis } from '../../../src/load/servers/index.ts'
import { type EventMeaning, headersOf, pathOf } from '../../../src/load/servers/server.ts'

const ask = { model: 'm', prompt: 'one two', outputTokens: 16, forceLength: false }

describe('a request', () => {
  /** What is sent always, and what is sent too to force the length. */
  const bodies: Record<Exclude<ApiName, `openai-c${string}`>, [object, object]> = {
    'openai-responses': [
      { model: 'm', input: 'one two', stream: true, store: false, max_output_tokens: 16 },
      { ignore_eos: true, min_tokens: 16 },
    ],
    'anthropic-messages': [
      {
        model: 'm',
        messages: [{ role: 'user', content: 'one two' }],
        stream: true,
        max_tokens: 16,
      },
      {},
    ],
    'ollama-chat': [
      {
        model: 'm',
        messages: [{ role: 'user', content: 'one two' }],
        stream: true,
        options: { num_predict: 16 },
      },
      {},
    ],
    'ollama-generate': [
      { model: 'm', prompt: 'one two', raw: true, stream: true, options: { num_predict: 16 } },
      {},
    ],
    'llama-cpp-completion': [
      { prompt: 'one two', stream: true, n_predict: 16 },
      { ignore_eos: true },
    ],
    'sglang-generate': [
      { text: 'one two', stream: true, sampling_params: { max_new_tokens: 16 } },
      { sampling_params: { max_new_tokens: 16, ignore_eos: true } },
    ],
    'tgi-generate': [{ inputs: 'one two', parameters: { max_new_tokens: 16, details: true } }, {}],
    'triton-generate': [
      { text_input: 'one two', stream: true, max_tokens: 16 },
      { ignore_eos: true, min_tokens: 16 },
    ],
  }

  test.each(Object.entries(bodies))(
    'of %s has these fields and no others',
    (name, [always, forced]) => {
      const api = serverApis[name as ApiName]
      expect(JSON.parse(api.body(ask))).toEqual(always)
      expect(JSON.parse(api.body({ ...ask, forceLength: true }))).toEqual({ ...always, ...forced })
      expect(api.canForceLength).toBe(Object.keys(forced).length > 0)
    },
  )

  test('holds a conversation where the API has a chat template, and is refused where it has none', () => {
    const prompt = [
      { role: 'system', content: 'Be brief.' },
      { role: 'user', content: 'one' },
      { role: 'assistant', content: 'two' },
      { role: 'user', content: 'three' },
    ] as const
    for (const name of apiNames) {
      const body = (): string => serverApis[name].body({ ...ask, prompt })
      if (!takesMessages(name)) expect(body).toThrow('takes no messages')
      else if (name === 'anthropic-messages')
        expect(JSON.parse(body())).toMatchObject({
          system: 'Be brief.',
          messages: prompt.slice(1),
        })
      else {
        const { messages, input } = JSON.parse(body()) as Record<string, unknown>
        expect(messages ?? input).toEqual(prompt)
      }
    }
  })

  test('goes to the path of its API, with the model where that is part of it', () => {
    expect(apiNames.map((name) => pathOf(serverApis[name], 'a/b c$&'))).toEqual([
      '/v1/chat/completions',
      '/v1/completions',
      '/v1/responses',
      '/v1/messages',
      '/api/chat',
      '/api/generate',
      '/completion',
      '/generate',
      '/generate_stream',
      '/v2/models/a%2Fb%20c%24%26/generate_stream',
    ])
  })

  test('has its key in the header of its API', () => {
    const bearer = ['authorization: Bearer k']
    for (const name of apiNames) {
      const expected =
        name === 'anthropic-messages' ? ['anthropic-version: 2023-06-01', 'x-api-key: k'] : bearer
      expect(headersOf(serverApis[name], 'k')).toEqual(expected)
      expect(headersOf(serverApis[name], undefined)).toEqual(expected.slice(0, -1))
    }
  })

  test('each API is listed under its own name', () => {
    for (const [name, api] of Object.entries(serverApis)) expect(api.name).toBe(name)
  })
})

const meaning = (name: ApiName, event: object): EventMeaning =>
  serverApis[name].readEvent(JSON.stringify(event))

describe('an error inside the stream', () => {
  test.each<[ApiName, object, string]>([
    [
      'openai-responses',
      { type: 'error', sequence_number: 3, code: 'server_error', message: 'gone', param: null },
      'gone',
    ],
    [
      'openai-responses',
      {
        type: 'response.failed',
        response: { status: 'failed', error: { code: 'server_error', message: 'lost' } },
      },
      'lost',
    ],
    ['openai-responses', { error: { message: 'no memory', code: 500 } }, 'no memory'],
    [
      'anthropic-messages',
      { type: 'error', error: { type: 'overloaded_error', message: 'Overloaded' } },
      'Overloaded',
    ],
    ['ollama-chat', { error: 'an error was encountered' }, 'an error was encountered'],
    ['ollama-generate', { error: 'model runner has stopped' }, 'model runner has stopped'],
    [
      'llama-cpp-completion',
      { error: { code: 500, message: 'context is full', type: 'server_error' } },
      'context is full',
    ],
    ['tgi-generate', { error: 'Request failed', error_type: 'generation' }, 'Request failed'],
    ['triton-generate', { error: 'in ensemble: no memory' }, 'in ensemble: no memory'],
    ['sglang-generate', { error: { message: 'too long' } }, 'too long'],
    [
      'sglang-generate',
      {
        text: '',
        meta_info: { finish_reason: { type: 'abort', message: 'gave up', status_code: 503 } },
      },
      'gave up',
    ],
    [
      'sglang-generate',
      { text: 'a', meta_info: { finish_reason: { type: 'abort' }, completion_tokens: 1 } },
      'aborted by the server',
    ],
  ])('%s: %j', (name, event, error) => {
    expect(meaning(name, event)).toEqual({ error })
  })

  test.each(apiNames)('%s: what is no object is no event', (name) => {
    for (const data of ['', '{"a":', 'null', '5', '"text"', '<html>'])
      expect(() => serverApis[name].readEvent(data)).toThrow(SyntaxError)
  })

  test.each(apiNames)('%s: nothing that a JSON object can hold is a crash', (name) => {
    const fields = [
      ...['type', 'error', 'choices', 'usage', 'delta', 'message', 'content_block', 'response'],
      ...['done', 'stop', 'content', 'token', 'details', 'generated_text', 'text', 'meta_info'],
      ...['text_output', 'timings', 'item', 'finish_reason', 'status'],
    ]
    const types = [
      'message_start',
      'message_delta',
      'response.completed',
      'response.failed',
      'error',
    ]
    for (const field of fields) {
      for (const value of [null, 0, 1, true, '', 'x', [], {}, [null], { usage: 1 }, { text: 1 }]) {
        for (const type of types)
          expect(() => meaning(name, { type, [field]: value })).not.toThrow()
      }
    }
  })
})

describe('counts that cannot be', () => {
  const openAi = (usage: object): EventMeaning['usage'] =>
    meaning('openai-chat', { choices: [], usage }).usage

  test.each([-1, 1.5, '7', null, 1e300, {}, true])('%j is no count', (value) => {
    expect(openAi({ prompt_tokens: value, completion_tokens: 3 })).toEqual({ outputTokens: 3 })
    expect(
      meaning('ollama-chat', { done: true, prompt_eval_count: value, eval_count: 2 }),
    ).toMatchObject({ usage: { outputTokens: 2 }, serverTimings: { outputTokens: 2 } })
  })

  test('a part that is more than its whole is unknown, and the whole is kept', () => {
    expect(
      openAi({
        prompt_tokens: 7,
        completion_tokens: 3,
        prompt_tokens_details: { cached_tokens: 8 },
        completion_tokens_details: { reasoning_tokens: 4 },
      }),
    ).toEqual({ inputTokens: 7, outputTokens: 3 })
  })

  test.each([-1, '7', null, {}, 1e30])('%j is no duration', (value) => {
    const timings = { prompt_ms: value, predicted_ms: 2 }
    expect(meaning('openai-chat', { choices: [], timings })).toEqual({
      serverTimings: { decodeMs: 2 },
    })
    expect(meaning('openai-chat', { choices: [], timings: { prompt_ms: value } })).toEqual({})
  })
})

describe('what differs from server to server', () => {
  test('Ollama leaves a count of 0 out: a prompt from its cache is unknown, not 0', () => {
    expect(
      meaning('ollama-generate', { response: '', done: true, eval_count: 3, eval_duration: 5e6 }),
    ).toEqual({
      done: true,
      usage: { outputTokens: 3 },
      serverTimings: { decodeMs: 5, outputTokens: 3 },
    })
  })

  test('Ollama tells a tool call in one piece', () => {
    const call = { function: { name: 'look', arguments: {} } }
    expect(
      meaning('ollama-chat', { message: { content: '', tool_calls: [call] }, done: false }),
    ).toEqual({ output: 'tool' })
  })

  test('an older llama.cpp says no reason and no cache; what its slot holds is no cache', () => {
    expect(
      meaning('llama-cpp-completion', {
        content: '',
        stop: true,
        stopped_limit: true,
        tokens_predicted: 3,
        tokens_evaluated: 9,
        tokens_cached: 11,
        timings: { prompt_n: 9, prompt_ms: 4, predicted_n: 3, predicted_ms: 6 },
      }),
    ).toEqual({
      done: true,
      usage: { inputTokens: 9, outputTokens: 3 },
      serverTimings: { promptMs: 4, decodeMs: 6, inputTokens: 9, outputTokens: 3 },
    })
  })

  test('TGI without details still ends', () => {
    expect(
      meaning('tgi-generate', {
        token: { id: 5, text: '.', logprob: -1, special: false },
        generated_text: 'a.',
        details: null,
      }),
    ).toMatchObject({ output: 'content', tokens: { kind: 'chunk', tokens: 1 }, done: true })
  })

  test('Anthropic: text may begin with its block, and a tool with its name', () => {
    const start = (content_block: object): EventMeaning =>
      meaning('anthropic-messages', { type: 'content_block_start', index: 0, content_block })
    expect(start({ type: 'text', text: 'A' })).toEqual({ output: 'content' })
    expect(start({ type: 'text', text: '' })).toEqual({})
    expect(start({ type: 'tool_use', id: 't', name: 'look', input: {} })).toEqual({
      output: 'tool',
    })
    expect(
      meaning('anthropic-messages', {
        type: 'content_block_delta',
        delta: { type: 'input_json_delta', partial_json: '{"a"' },
      }),
    ).toEqual({ output: 'tool' })
  })

  test('Anthropic: what the last event tells of the prompt replaces what the first did', () => {
    const usage = { input_tokens: 9, cache_read_input_tokens: 3, output_tokens: 4 }
    expect(meaning('anthropic-messages', { type: 'message_delta', delta: {}, usage })).toEqual({
      usage: { inputTokens: 12, outputTokens: 4, cachedInputTokens: 3 },
    })
  })

  test('responses: a call is output by its name and its arguments, a refusal is visible text', () => {
    const added = (item: object): EventMeaning =>
      meaning('openai-responses', { type: 'response.output_item.added', item })
    expect(added({ type: 'function_call', name: 'look' })).toEqual({ output: 'tool' })
    expect(added({ type: 'message' })).toEqual({})
    const delta = (type: string): EventMeaning =>
      meaning('openai-responses', { type: `response.${type}.delta`, delta: 'x' })
    expect(delta('function_call_arguments')).toEqual({ output: 'tool' })
    expect(delta('refusal')).toEqual({ output: 'content' })
    expect(delta('reasoning_text')).toEqual({ output: 'reasoning' })
    expect(delta('custom_thing')).toEqual({})
  })

  test('responses: one that ran to its end says so', () => {
    const response = { status: 'completed', usage: { input_tokens: 3, output_tokens: 4 } }
    expect(meaning('openai-responses', { type: 'response.completed', response })).toEqual({
      done: true,
      finishReason: 'completed',
      usage: { inputTokens: 3, outputTokens: 4 },
    })
  })
})
