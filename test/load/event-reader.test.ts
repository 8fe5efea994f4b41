import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createEventReader } from '../../src/load/event-reader.ts'
import { openAiChat } from '../../src/load/servers/openai-chat.ts'
import { openAiCompletions } from '../../src/load/servers/openai-completions.ts'
import type { EventMeaning, ServerApi } from '../../src/load/servers/server.ts'

/** An API that counts how often JSON was parsed. */
function counting(api: ServerApi): { api: ServerApi; parsed: () => number } {
  let parsed = 0
  const readEvent = (data: string): EventMeaning => {
    parsed++
    return api.readEvent(data)
  }
  return { api: { ...api, readEvent }, parsed: () => parsed }
}

const around = Buffer.from('data: ')

/** Reads events as they lie in a longer buffer. */
function read(api: ServerApi, events: readonly string[]): EventMeaning[] {
  const reader = createEventReader(api)
  return events.map((event) => {
    const bytes = Buffer.concat([around, Buffer.from(event), Buffer.from('\n\n"')])
    return reader(bytes, around.length, bytes.length - 3)
  })
}

const chunk = (delta: object, more: object = {}): string =>
  JSON.stringify({
    id: 'c-1',
    object: 'chat.completion.chunk',
    model: 'm',
    choices: [{ index: 0, delta, finish_reason: null }],
    ...more,
  })

const stream = [
  chunk({ role: 'assistant', content: '' }),
  chunk({ content: 'Hello' }),
  chunk({ content: ' you' }),
  chunk({ content: ' there' }),
  chunk({}).replace('"finish_reason":null', '"finish_reason":"stop"'),
  '[DONE]',
]

describe('events that differ only in their text', () => {
  test('are parsed once', () => {
    const { api, parsed } = counting(openAiChat)
    expect(read(api, stream)).toEqual([
      {},
      { output: 'content' },
      { output: 'content' },
      { output: 'content' },
      { finishReason: 'stop' },
      { done: true },
    ])
    // Two of the six were known from their like: " you" and " there".
    expect(parsed()).toBe(4)
  })

  test('are parsed again when anything else changes', () => {
    const { api, parsed } = counting(openAiChat)
    read(api, [
      chunk({ content: 'a' }),
      chunk({ content: 'b' }, { created: 1 }),
      chunk({ content: 'c' }, { created: 1 }),
    ])
    expect(parsed()).toBe(2)
  })

  test('are known in completions too, and with a space after the colon', () => {
    const { api, parsed } = counting(openAiCompletions)
    const piece = (text: string): string =>
      `{"choices": [{"index": 0, "text": ${JSON.stringify(text)}}]}`
    expect(read(api, [piece('a'), piece('b'), piece('c')])).toEqual(
      Array(3).fill({ output: 'content' }),
    )
    expect(parsed()).toBe(1)
  })
})

describe('nothing is taken for output that is not', () => {
  const first = chunk({ content: 'a' })

  test('an empty text', () => {
    expect(read(openAiChat, [first, chunk({ content: '' })])[1]).toEqual({})
  })

  test('a text that ends in an escaped quote', () => {
    expect(
      read(openAiChat, [first, chunk({ content: 'say "' }), chunk({ content: '\\' })]),
    ).toEqual(Array(3).fill({ output: 'content' }))
  })

  test('an event that only begins and ends like output', () => {
    const trick = first.replace('"content":"a"', '"content":"","usage":{"x":"a"')
    expect(() => read(openAiChat, [first, trick])).toThrow(SyntaxError)
    const error = first.replace(
      '"content":"a"',
      '"content":"b"},"finish_reason":"length"},{"delta":{"content":"c"',
    )
    expect(read(openAiChat, [first, error])[1]).toEqual({
      output: 'content',
      finishReason: 'length',
    })
  })

  test('an event cut short', () => {
    expect(() => read(openAiChat, [first, first.slice(0, -9)])).toThrow(SyntaxError)
  })
})

test('whatever the stream, the meaning is what parsing every event gives', () => {
  const text = fc.oneof(
    fc.string(),
    fc.string({ unit: 'binary' }),
    fc.constantFrom('', '"', '\\', '\\"', '"}', '","content":"x', '\n', 'é', '😀'),
  )
  const event = fc.oneof(
    text.map((content) => chunk({ content })),
    text.map((content) => chunk({ content, reasoning_content: null })),
    text.map((reasoning_content) => chunk({ content: null, reasoning_content })),
    text.map((reasoning) => chunk({ reasoning })),
    text.map((content) =>
      chunk({ content }, { usage: { prompt_tokens: 1, completion_tokens: 2 } }),
    ),
    text.map((content) => chunk({ role: content, content: 'x' })),
    text.map((content) =>
      chunk({ content }).replace('"finish_reason":null', '"finish_reason":"length"'),
    ),
    text.map((name) => chunk({ tool_calls: [{ function: { name, arguments: name } }] })),
    fc.constant('[DONE]'),
  )
  fc.assert(
    fc.property(fc.array(event, { maxLength: 12 }), (events) => {
      expect(read(openAiChat, events)).toEqual(events.map((data) => openAiChat.readEvent(data)))
    }),
    { numRuns: 2_000 },
  )
})
