import { type IncomingMessage, request } from 'node:http'
import { connect } from 'node:net'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { UserError } from '../../src/errors.ts'
import { type RunningServer, startServer } from '../../src/serve/openai-server.ts'
import { simulatedEngine } from '../../src/serve/simulated.ts'
import { scriptedEngine } from './scripted-engine.ts'

let server: RunningServer
beforeEach(async () => {
  server = await startServer({ engine: scriptedEngine(['Hello', ' "you"', '\n']), port: 0 })
})
afterEach(() => server.close())

const question = { model: 'script', messages: [{ role: 'user', content: 'one two' }] }

function post(path: string, body: unknown): Promise<Response> {
  return fetch(server.url + path, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  })
}

/** The body of a stream, with its one moving part, the time of day, made 0. */
async function streamOf(response: Response): Promise<string> {
  return (await response.text()).replaceAll(/"created":\d+/g, '"created":0')
}

test('a chat stream is a role, the pieces, a reason, the usage and the end mark', async () => {
  const response = await post('/v1/chat/completions', {
    ...question,
    stream: true,
    stream_options: { include_usage: true },
  })
  expect(response.status).toBe(200)
  expect(response.headers.get('content-type')).toBe('text/event-stream; charset=utf-8')
  const head =
    'data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":0,"model":"script","choices":'
  const choice = (delta: string, reason: string) =>
    `${head}[{"index":0,"delta":${delta},"logprobs":null,"finish_reason":${reason}}]}\n\n`
  expect(await streamOf(response)).toBe(
    choice('{"role":"assistant","content":""}', 'null') +
      choice('{"content":"Hello"}', 'null') +
      choice('{"content":" \\"you\\""}', 'null') +
      choice('{"content":"\\n"}', 'null') +
      choice('{}', '"stop"') +
      `${head}[],"usage":{"prompt_tokens":2,"completion_tokens":3,"total_tokens":5}}\n\n` +
      'data: [DONE]\n\n',
  )
})

test('a completion stream has no role, and no usage unless asked for', async () => {
  const response = await post('/v1/completions', {
    model: 'script',
    prompt: 'one two three',
    max_tokens: 2,
    stream: true,
  })
  const choice = (text: string, reason: string) =>
    'data: {"id":"cmpl-1","object":"text_completion","created":0,"model":"script",' +
    `"choices":[{"index":0,"text":${text},"logprobs":null,"finish_reason":${reason}}]}\n\n`
  expect(await streamOf(response)).toBe(
    choice('"Hello"', 'null') +
      choice('" \\"you\\""', 'null') +
      choice('""', '"length"') +
      'data: [DONE]\n\n',
  )
})

test('tokens so far can be had with every chunk', async () => {
  const response = await post('/v1/completions', {
    model: 'script',
    prompt: 'one',
    stream: true,
    stream_options: { continuous_usage_stats: true },
  })
  const counts = [...(await response.text()).matchAll(/"completion_tokens":(\d+)/g)]
  expect(counts.map(([, count]) => count)).toEqual(['1', '2', '3', '3'])
})

test('an answer that is not streamed comes whole, with its usage', async () => {
  const response = await post('/v1/chat/completions', { ...question, max_completion_tokens: 2 })
  expect(response.headers.get('content-type')).toBe('application/json')
  const { created, ...rest } = (await response.json()) as { created: number }
  expect(Math.abs(created - Date.now() / 1000)).toBeLessThan(60)
  expect(rest).toEqual({
    id: 'chatcmpl-1',
    object: 'chat.completion',
    model: 'script',
    choices: [
      {
        index: 0,
        message: { role: 'assistant', content: 'Hello "you"' },
        logprobs: null,
        finish_reason: 'length',
      },
    ],
    usage: { prompt_tokens: 2, completion_tokens: 2, total_tokens: 4 },
  })
})

test('an engine that fails is an error event in a stream, and a 500 outside one', async () => {
  const broken = await startServer({ engine: scriptedEngine(['one', 'fail']), port: 0 })
  const ask = (stream: boolean) =>
    fetch(`${broken.url}/v1/chat/completions`, {
      method: 'POST',
      body: JSON.stringify({ ...question, stream }),
    })
  const streamed = await (await ask(true)).text()
  expect(streamed).toMatch(
    /data: \{"error":\{"message":"Error: the engine broke".*\}\n\ndata: \[DONE\]\n\n$/,
  )
  const whole = await ask(false)
  expect(whole.status).toBe(500)
  expect(broken.stats()).toMatchObject({ requests: 2, aborted: 2 })
  await broken.close()
})

test.each([
  ['text that is not JSON', '{"model":', 400, 'not a JSON object'],
  ['no model', { messages: question.messages }, 400, 'model: '],
  ['no messages', { model: 'script' }, 400, 'messages: '],
  ['an empty list of messages', { model: 'script', messages: [] }, 400, 'messages: '],
  ['no tokens', { ...question, max_tokens: 0 }, 400, 'max_tokens: '],
  ['half a token', { ...question, max_tokens: 1.5 }, 400, 'max_tokens: '],
  ['several choices', { ...question, n: 2 }, 400, 'n: '],
  ['another model', { ...question, model: 'gpt' }, 404, 'the model `gpt` does not exist'],
  ['an empty prompt', { model: 'script', messages: [{ role: 'user', content: '' }] }, 400, 'empty'],
  [
    'a prompt beyond the context of 100 tokens',
    { model: 'script', messages: [{ role: 'user', content: 'word '.repeat(100) }] },
    400,
    'context holds 100',
  ],
  [
    'an answer beyond the context',
    { ...question, max_tokens: 99 },
    400,
    'asked were 2 of the prompt and 99 of the answer',
  ],
])('%s is refused in OpenAI’s words', async (_what, body, status, message) => {
  const response = await post('/v1/chat/completions', body)
  expect(response.status).toBe(status)
  const { error } = (await response.json()) as { error: { message: string; type: string } }
  expect(error.message).toContain(message)
  expect(error.type).toBe('invalid_request_error')
  expect(server.stats()).toMatchObject({ requests: 1, refused: 1 })
})

test('a body over 8 MiB is refused with 413, one just under is read', async () => {
  const eightMib = 8 * 1024 * 1024
  expect((await post('/v1/completions', ' '.repeat(eightMib + 1))).status).toBe(413)
  expect((await post('/v1/completions', ' '.repeat(eightMib))).status).toBe(400)
})

test('the model says what it is', async () => {
  const response = await fetch(`${server.url}/v1/models`)
  expect(await response.json()).toEqual({
    object: 'list',
    data: [
      {
        id: 'script',
        object: 'model',
        created: expect.any(Number),
        owned_by: 'baremark',
        max_model_len: 100,
        baremark: { engine: 'scripted', simulated: true, weights: 'random' },
      },
    ],
  })
})

test('the counters count what was asked and answered', async () => {
  await (await post('/v1/chat/completions', { ...question, max_tokens: 2 })).text()
  await (await post('/v1/chat/completions', { ...question, stream: true })).text()
  const text = await (await fetch(`${server.url}/metrics`)).text()
  expect(text.split('\n').filter((line) => line && !line.startsWith('#'))).toEqual([
    'vllm:num_requests_running{model_name="script"} 0',
    'vllm:num_requests_waiting{model_name="script"} 0',
    'vllm:prompt_tokens_total{model_name="script"} 4',
    'vllm:generation_tokens_total{model_name="script"} 5',
    'vllm:request_success_total{model_name="script",finished_reason="length"} 1',
    'vllm:request_success_total{model_name="script",finished_reason="stop"} 1',
    'vllm:request_success_total{model_name="script",finished_reason="abort"} 0',
  ])
})

test('other paths, methods and host names are refused', async () => {
  expect((await fetch(`${server.url}/health`)).status).toBe(200)
  expect((await fetch(`${server.url}/v2`)).status).toBe(404)
  expect((await fetch(`${server.url}/v1/models`, { method: 'POST' })).status).toBe(405)
  expect((await fetch(`${server.url}/v1/completions`)).headers.get('allow')).toBe('POST')
  expect(await statusForHost('attacker.example')).toBe(403)
  expect(await statusForHost(`localhost:${server.port}`)).toBe(200)
})

function statusForHost(host: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const asking = request(`${server.url}/health`, { headers: { host } }, (response) => {
      response.resume()
      resolve(response.statusCode)
    })
    asking.on('error', reject).end()
  })
}

test('a client that leaves ends its answer and frees its slot for the next', async () => {
  const engine = simulatedEngine({ slots: 1, decodeBaseMs: 1, decodePerSequenceMs: 0 })
  const slow = await startServer({ engine, port: 0 })
  const body = JSON.stringify({ ...question, model: 'simulated', max_tokens: 30_000, stream: true })
  const asking = request(`${slow.url}/v1/chat/completions`, { method: 'POST' })
  asking.on('error', () => {}).end(body)
  const response = await new Promise<IncomingMessage>((resolve) => asking.once('response', resolve))
  await new Promise((resolve) => response.once('data', resolve))
  expect(slow.stats()).toMatchObject({ running: 1, aborted: 0 })
  asking.destroy()
  const next = await fetch(`${slow.url}/v1/chat/completions`, {
    method: 'POST',
    body: JSON.stringify({ ...question, model: 'simulated', max_tokens: 1 }),
  })
  expect(next.status).toBe(200)
  expect(slow.stats()).toMatchObject({ running: 0, waiting: 0, aborted: 1, finishedByLength: 1 })
  await slow.close()
})

test('a connection serves several requests, and is promised for at least two minutes', async () => {
  const socket = connect(server.port, '127.0.0.1')
  let text = ''
  socket.setEncoding('utf8').on('data', (part) => {
    text += part
  })
  const ask = async () => {
    const before = text.length
    socket.write('GET /health HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n')
    while (!text.slice(before).endsWith('{"status":"ok"}')) {
      await new Promise((resolve) => socket.once('data', resolve))
    }
  }
  await ask()
  await ask()
  expect(text.match(/HTTP\/1.1 200 OK/g)).toHaveLength(2)
  expect(Number(/timeout=(\d+)/.exec(text)?.[1])).toBeGreaterThanOrEqual(120)
  socket.destroy()
})

test('closing the server drops answers under way', async () => {
  const engine = simulatedEngine({ decodeBaseMs: 1000 })
  const slow = await startServer({ engine, port: 0 })
  const response = await fetch(`${slow.url}/v1/chat/completions`, {
    method: 'POST',
    body: JSON.stringify({ ...question, model: 'simulated', stream: true }),
  })
  await slow.close()
  await expect(response.text()).rejects.toThrow()
  expect(engine.occupancy()).toEqual({ running: 0, waiting: 0 })
  await engine.close()
})

test('a port that is taken is the user’s to change', async () => {
  const second = startServer({ engine: scriptedEngine([]), port: server.port })
  await expect(second).rejects.toThrow(UserError)
  await expect(second).rejects.toMatchObject({ exitCode: 3, remedy: expect.stringMatching(/port/) })
})
