import { expect, test } from 'vitest'
import { serverKindNames } from '../../../src/load/server-identity.ts'
import { serverKindOf, serverKinds } from '../../../src/load/servers/kinds.ts'

const kind = serverKindOf

test('every kind has one file and one place in the order', () => {
  expect(serverKinds.map(({ name }) => name)).toEqual([...serverKindNames])
  for (const name of serverKindNames) expect(kind(name).name).toBe(name)
})

test('who answers the pages of another is asked before it', () => {
  const order = serverKinds.map(({ name }) => name)
  for (const [first, second] of [
    ['llama.cpp', 'ollama'],
    ['nim', 'vllm'],
    ['nim', 'sglang'],
    ['tensorrt-llm', 'vllm'],
    ['baremark', 'vllm'],
  ] as const)
    expect(order.indexOf(first), `${first} before ${second}`).toBeLessThan(order.indexOf(second))
  expect(order.at(-1)).toBe('openai')
})

test.each([
  ['vllm', { ignore_eos: true, min_tokens: 64 }],
  ['sglang', { ignore_eos: true, min_tokens: 64 }],
  ['tensorrt-llm', { ignore_eos: true, min_tokens: 64 }],
  ['nim', { ignore_eos: true, min_tokens: 64 }],
  ['llama.cpp', { ignore_eos: true, n_predict: 64 }],
] as const)('%s is made to answer with 64 tokens by %j', (name, fields) => {
  const { length } = kind(name)
  if (length.kind === 'capped') throw new Error(length.reason)
  expect(length.fields(64)).toEqual(fields)
})

test.each(['ollama', 'tgi', 'lm-studio', 'triton'] as const)(
  '%s cannot be made to, and says so',
  (name) => {
    expect(kind(name).length).toMatchObject({
      kind: 'capped',
      reason: expect.stringMatching(/\.$/),
    })
  },
)

test.each([
  ['vllm', { model: 'm', prompt: 'a b' }, { count: 3, max_model_len: 9, tokens: [1, 2, 3] }, 3],
  ['sglang', { model: 'm', prompt: 'a b' }, { tokens: [1, 2], count: 2, max_model_len: 9 }, 2],
  ['llama.cpp', { content: 'a b', add_special: true }, { tokens: [1, 2, 3, 4] }, 4],
  ['tgi', { inputs: 'a b' }, [{ id: 1, text: 'a', start: 0, stop: 1 }], 1],
  ['tensorrt-llm', { prompt: 'a b' }, { tokens: [1, 2] }, 2],
] as const)('%s counts the tokens of a text', (name, body, answer, count) => {
  const tokenizer = kind(name).tokenize
  expect(tokenizer?.body({ model: 'm', text: 'a b' })).toEqual(body)
  expect(tokenizer?.count(answer)).toBe(count)
  for (const other of [undefined, null, 'no', {}, { error: 'no' }, { count: -1 }])
    expect(tokenizer?.count(other)).toBeUndefined()
})

test('vLLM says with a 200 that it did not empty its cache', () => {
  const reset = kind('vllm').resetPrefixCache
  expect(reset?.requests({})).toEqual([{ method: 'POST', path: '/reset_prefix_cache' }])
  expect(reset?.succeeded(200, '{"success":true}')).toBe(true)
  expect(reset?.succeeded(200, '')).toBe(true)
  expect(reset?.succeeded(200, '{"success": false}')).toBe(false)
  expect(reset?.succeeded(404, '')).toBe(false)
})

test('SGLang refuses to empty its cache with a 400', () => {
  expect(kind('sglang').resetPrefixCache?.succeeded(400, '')).toBe(false)
  expect(kind('sglang').resetPrefixCache?.succeeded(200, '')).toBe(true)
})

test('llama.cpp empties one slot after the other', () => {
  const slots = { value: 2, source: 'GET /props: total_slots' }
  expect(kind('llama.cpp').resetPrefixCache?.requests({ maxRunning: slots })).toEqual([
    { method: 'POST', path: '/slots/0?action=erase' },
    { method: 'POST', path: '/slots/1?action=erase' },
  ])
})
