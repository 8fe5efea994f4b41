import { describe, expect, test } from 'vitest'
import { openAiChat } from '../../../src/load/servers/openai-chat.ts'
import { openAiCompletions } from '../../../src/load/servers/openai-completions.ts'
import type { EventMeaning } from '../../../src/load/servers/server.ts'

const ask = { model: 'm', prompt: 'one two', outputTokens: 16, forceLength: true }

describe('a request', () => {
  test('puts a prompt to the chat API as a user message', () => {
    expect(JSON.parse(openAiChat.body(ask))).toEqual({
      model: 'm',
      messages: [{ role: 'user', content: 'one two' }],
      stream: true,
      stream_options: { include_usage: true },
      max_tokens: 16,
      ignore_eos: true,
      min_tokens: 16,
    })
  })

  test('puts a prompt to the completions API as it is', () => {
    expect(JSON.parse(openAiCompletions.body(ask))).toEqual({
      model: 'm',
      prompt: 'one two',
      stream: true,
      stream_options: { include_usage: true },
      max_tokens: 16,
      ignore_eos: true,
      min_tokens: 16,
    })
  })

  test.each([openAiChat, openAiCompletions])(
    '$name holds no field that only some servers know unless told to',
    (api) => {
      const body: unknown = JSON.parse(api.body({ ...ask, forceLength: false }))
      expect(body).toMatchObject({ max_tokens: 16, stream: true })
      expect(body).not.toHaveProperty('ignore_eos')
      expect(body).not.toHaveProperty('min_tokens')
    },
  )

  test('caps the answer by the name that the server takes', () => {
    const body: unknown = JSON.parse(
      openAiChat.body({ ...ask, maxTokensField: 'max_completion_tokens' }),
    )
    expect(body).toMatchObject({ max_completion_tokens: 16 })
    expect(body).not.toHaveProperty('max_tokens')
  })
})

const chat = (event: object): EventMeaning => openAiChat.readEvent(JSON.stringify(event))
const text = (event: object): EventMeaning => openAiCompletions.readEvent(JSON.stringify(event))
const delta = (content: object, finishReason: string | null = null): object => ({
  id: 'chatcmpl-1',
  object: 'chat.completion.chunk',
  created: 1_700_000_000,
  model: 'm',
  choices: [{ index: 0, delta: content, logprobs: null, finish_reason: finishReason }],
})
const output = (kind: 'content' | 'reasoning' | 'tool'): EventMeaning => ({ output: kind })

describe('what is output in a chat', () => {
  test.each([
    ['vLLM', { role: 'assistant', content: '' }],
    ['vLLM with a reasoning parser', { role: 'assistant', content: '', reasoning_content: null }],
    ['llama.cpp', { role: 'assistant', content: null }],
    ['SGLang', { role: 'assistant', content: '', reasoning_content: '', tool_calls: null }],
    ['OpenAI', { role: 'assistant', content: '', refusal: null }],
    ['a bare one', { role: 'assistant' }],
    ['an empty one', {}],
  ])('a role chunk is not (%s)', (_, content) => {
    expect(chat(delta(content))).toEqual({})
  })

  test('content is', () => {
    expect(chat(delta({ content: 'Hello' }))).toEqual(output('content'))
    expect(chat(delta({ role: 'assistant', content: ' ' }))).toEqual(output('content'))
  })

  test('reasoning is, under either name', () => {
    expect(chat(delta({ reasoning_content: 'Hm.' }))).toEqual(output('reasoning'))
    expect(chat(delta({ content: null, reasoning_content: 'Hm.' }))).toEqual(output('reasoning'))
    expect(chat(delta({ content: '', reasoning: 'Hm.' }))).toEqual(output('reasoning'))
  })

  test('visible text counts where a chunk has both', () => {
    expect(chat(delta({ content: 'So', reasoning_content: '.' }))).toEqual(output('content'))
  })

  test('a tool call is, by its name and its arguments', () => {
    const call = (fields: object): object => delta({ tool_calls: [{ index: 0, function: fields }] })
    expect(chat(call({ name: 'look', arguments: '' }))).toEqual(output('tool'))
    expect(chat(call({ arguments: '{"a":' }))).toEqual(output('tool'))
    expect(chat(call({ arguments: '' }))).toEqual({})
  })

  test('a chunk of several tokens is one output', () => {
    expect(chat(delta({ content: 'one two three' }))).toEqual(output('content'))
  })
})

describe('the end of a chat', () => {
  test('[DONE] is the end mark and nothing else', () => {
    expect(openAiChat.readEvent('[DONE]')).toEqual({ done: true })
    expect(openAiCompletions.readEvent('[DONE]')).toEqual({ done: true })
  })

  test.each(['stop', 'length', 'tool_calls'])('finish reason %s is told', (finishReason) => {
    expect(chat(delta({}, finishReason))).toEqual({ finishReason })
    expect(chat(delta({ content: '' }, finishReason))).toEqual({ finishReason })
  })

  test('the last token may come with the finish reason', () => {
    expect(chat(delta({ content: '!' }, 'stop'))).toEqual({
      ...output('content'),
      finishReason: 'stop',
    })
  })
})

describe('usage', () => {
  test('in a chunk of its own without choices (OpenAI, vLLM)', () => {
    const usage = {
      prompt_tokens: 12,
      completion_tokens: 34,
      total_tokens: 46,
      prompt_tokens_details: { cached_tokens: 8, audio_tokens: 0 },
      completion_tokens_details: { reasoning_tokens: 20 },
    }
    expect(chat({ choices: [], usage })).toEqual({
      usage: { inputTokens: 12, outputTokens: 34, cachedInputTokens: 8, reasoningTokens: 20 },
    })
  })

  test('in the last chunk with choices (llama.cpp, Ollama)', () => {
    const usage = { completion_tokens: 2, prompt_tokens: 9, total_tokens: 11 }
    expect(chat({ ...delta({}, 'stop'), usage })).toEqual({
      usage: { inputTokens: 9, outputTokens: 2 },
      finishReason: 'stop',
    })
  })

  test('in every chunk, counting up', () => {
    const usage = { prompt_tokens: 9, completion_tokens: 1, total_tokens: 10 }
    expect(chat({ ...delta({ content: 'a' }), usage })).toEqual({
      ...output('content'),
      tokens: { kind: 'answer', tokens: 1 },
      usage: { inputTokens: 9, outputTokens: 1 },
    })
  })

  test('null details and null counts are absent, not 0 and not null', () => {
    const usage = {
      prompt_tokens: 9,
      completion_tokens: null,
      prompt_tokens_details: null,
      completion_tokens_details: { reasoning_tokens: null },
    }
    const meaning = chat({ choices: [], usage })
    expect(meaning.usage).toStrictEqual({
      inputTokens: 9,
      outputTokens: undefined,
      cachedInputTokens: undefined,
      reasoningTokens: undefined,
    })
  })

  test('null usage on the way is no usage', () => {
    expect(chat({ ...delta({ content: 'a' }), usage: null })).toEqual(output('content'))
  })
})

describe('errors inside the stream', () => {
  test.each([
    [
      'an object (vLLM, SGLang)',
      { error: { object: 'error', message: 'out of memory', type: 'Internal', code: 500 } },
      'out of memory',
    ],
    ['a string (Ollama)', { error: 'model is gone' }, 'model is gone'],
    ['an object without a message', { error: { code: 13 } }, '{"code":13}'],
    ['beside choices', { ...delta({ content: 'a' }), error: { message: 'late' } }, 'late'],
  ])('%s', (_, event, error) => {
    expect(chat(event)).toEqual({ error })
    expect(text(event)).toEqual({ error })
  })

  test('a null error is none', () => {
    expect(chat({ ...delta({ content: 'a' }), error: null })).toEqual(output('content'))
  })

  test.each(['', '{"choices":', 'null', '5', '"text"', '<html>'])('%j is no event', (data) => {
    expect(() => openAiChat.readEvent(data)).toThrow(SyntaxError)
    expect(() => openAiCompletions.readEvent(data)).toThrow(SyntaxError)
  })

  test.each([{}, { choices: null }, { choices: [null] }, { choices: [{ delta: null }] }])(
    '%j is an event of no interest',
    (event) => {
      expect(chat(event)).toEqual({})
    },
  )
})

describe('completions', () => {
  const piece = (content: string, finishReason: string | null = null): object => ({
    object: 'text_completion',
    choices: [{ index: 0, text: content, logprobs: null, finish_reason: finishReason }],
  })

  test('text is output, an empty one is not', () => {
    expect(text(piece('abc'))).toEqual(output('content'))
    expect(text(piece(''))).toEqual({})
    expect(text(piece('', 'length'))).toEqual({ finishReason: 'length' })
    expect(text(piece('.', 'stop'))).toEqual({ ...output('content'), finishReason: 'stop' })
  })

  test('usage is read as in a chat', () => {
    const usage = { prompt_tokens: 3, completion_tokens: 4 }
    expect(text({ choices: [], usage })).toEqual({ usage: { inputTokens: 3, outputTokens: 4 } })
  })
})
