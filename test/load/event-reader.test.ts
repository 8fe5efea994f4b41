import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createEventReader } from '../../src/load/event-reader.ts'
import { openAiChat } from '../../src/load/servers/openai-chat.ts'
import { openAiCompletions } from '../../src/load/servers/openai-completions.ts'
import type { EventMeaning, ServerApi } from '../../src/load/servers/server.ts'
import { fuzzCases } from './fuzz-cases.ts'

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

/** What parsing says of an event. */
function parse(api: ServerApi, event: string): EventMeaning | 'no JSON' {
  try {
    return api.readEvent(event)
  } catch {
    return 'no JSON'
  }
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

  test('are known from stream to stream, whatever names an answer and when it was made', () => {
    const { api, parsed } = counting(openAiChat)
    const answer = (id: string, created: number): string[] =>
      stream.map((event) => event.replace('"id":"c-1"', `"id":"${id}","created":${created}`))
    const meanings = read(api, [...answer('c-1', 17), ...answer('c-234', 1_800)])
    expect(meanings.slice(6)).toEqual(meanings.slice(0, 6))
    expect(meanings[7]).toEqual({ output: 'content' })
    // Role, first text, finish and [DONE], of the first answer only.
    expect(parsed()).toBe(4)
  })

  test('are no longer learned where nothing is ever seen again', () => {
    let parts = 0
    const learned: ServerApi = {
      ...openAiChat,
      get outputFields() {
        parts++
        return openAiChat.outputFields
      },
    }
    read(
      learned,
      Array.from({ length: 1_000 }, (_, n) => chunk({ content: 'a' }, { at: `t${n}` })),
    )
    expect(parts).toBeLessThan(100)
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
    { numRuns: fuzzCases(2_000) },
  )
})

test('whatever the streams and whatever is wrong with their bytes, the meaning is what parsing gives', () => {
  const text = fc.oneof(
    fc.string(),
    fc.constantFrom('a', ' b', '"', '\\', '\\"', '\n', '\t', '漢', '{"id":"x"', '"content":"'),
  )
  const shape = fc.constantFrom<(content: string) => object>(
    (content) => ({ content }),
    (content) => ({ role: 'assistant', content }),
    (content) => ({ content: '', reasoning_content: content }),
    (content) => ({ content, tool_calls: [{ id: content, function: { name: content } }] }),
    () => ({}),
  )
  const event = fc
    .record({
      id: fc.oneof(fc.constantFrom('c-1', 'c-2', ''), text),
      created: fc.oneof(fc.nat(), fc.double(), fc.constantFrom(-1, 0, 1e30, '1')),
      content: text,
      shape,
      finish_reason: fc.constantFrom(null, null, null, 'stop', 'length'),
      more: fc.constantFrom({}, {}, { usage: null }, { usage: { prompt_tokens: 3 } }, { error: 1 }),
      space: fc.constantFrom(undefined, undefined, 1),
    })
    .map(({ id, created, content, shape, finish_reason, more, space }) => {
      const choices = [{ index: 0, delta: shape(content), finish_reason }]
      return JSON.stringify({ id, created, choices, ...more }, undefined, space)
    })
  const byte = fc.constantFrom(...Buffer.from('\\"{}[]:,0129.eEu\t\n x'), 0, 127, 195)
  const damage = fc.array(fc.tuple(fc.nat(300), byte), { maxLength: 2 })
  const damaged = fc.tuple(event, damage).map(([whole, changes]) => {
    const bytes = Buffer.from(whole)
    for (const [place, value] of changes) bytes[place % bytes.length] = value
    return bytes
  })
  const any = fc.oneof(
    event.map((whole) => Buffer.from(whole)),
    damaged,
    fc.constant(Buffer.from('[DONE]')),
  )
  fc.assert(
    fc.property(fc.array(any, { maxLength: 12 }), (all) => {
      const reader = createEventReader(openAiChat)
      for (const event of all) {
        const bytes = Buffer.concat([around, event, Buffer.from('\n\n"')])
        const expected = parse(openAiChat, event.toString('utf8'))
        const told = (): EventMeaning => reader(bytes, around.length, around.length + event.length)
        if (expected === 'no JSON') expect(told).toThrow(SyntaxError)
        else expect(told()).toEqual(expected)
      }
    }),
    { numRuns: fuzzCases(2_000) },
  )
})
