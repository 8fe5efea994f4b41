import { type IncomingMessage, request } from 'node:http'
import { connect } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import type { Fault } from '../../src/serve/faults.ts'
import { type RunningServer, startServer } from '../../src/serve/openai-server.ts'
import { scriptedEngine } from './scripted-engine.ts'

let server: RunningServer
afterEach(() => server.close())

async function serveWith(...faults: Fault[]): Promise<void> {
  server = await startServer({ engine: scriptedEngine(['a', 'b', 'c', 'd']), port: 0, faults })
}

interface Ending {
  readonly status?: number
  readonly headers: IncomingMessage['headers']
  readonly text: string
  /** `end` when HTTP ended properly, else the code of the error. */
  readonly ended: string
}

function ask(stream = true): Promise<Ending> {
  return new Promise((resolve, reject) => {
    const body = { model: 'script', messages: [{ role: 'user', content: 'hi' }], stream }
    const url = `${server.url}/v1/chat/completions`
    const asking = request(url, { method: 'POST', agent: false }, (response) => {
      const { statusCode: status, headers } = response
      let text = ''
      const finish = (ended: string) => resolve({ status, headers, text, ended })
      response.setEncoding('utf8').on('data', (part) => {
        text += part
      })
      response.on('end', () => finish('end'))
      response.on('error', (error: NodeJS.ErrnoException) => finish(error.code ?? 'error'))
    })
    asking.on('error', reject).end(JSON.stringify(body))
  })
}

/** The words of the answer that a stream brought. */
function words({ text }: Ending): string {
  return [...text.matchAll(/"content":"(\w)"/g)].map(([, word]) => word).join('')
}

test('a fault happens to the requests it names, and to no other', async () => {
  await serveWith({ kind: 'http-status', status: 500, requests: [2] })
  const statuses = [await ask(), await ask(), await ask()].map(({ status }) => status)
  expect(statuses).toEqual([200, 500, 200])
})

test('a fault that names no request happens to all, and the first that fits wins', async () => {
  await serveWith(
    { kind: 'http-status', status: 429, retryAfterS: 2, requests: [1] },
    { kind: 'http-status', status: 500 },
  )
  const first = await ask()
  expect(first.status).toBe(429)
  expect(first.headers['retry-after']).toBe('2')
  expect(JSON.parse(first.text)).toMatchObject({ error: { message: 'scripted fault' } })
  expect((await ask()).status).toBe(500)
  expect((await ask()).status).toBe(500)
})

test('wrong-content-type answers 200 with a page', async () => {
  await serveWith({ kind: 'wrong-content-type' })
  const { status, headers, text } = await ask()
  expect(status).toBe(200)
  expect(headers['content-type']).toBe('text/html')
  expect(text).toContain('<!doctype html>')
})

test('cut closes the connection after that many chunks', async () => {
  await serveWith({ kind: 'cut', afterChunks: 2 })
  const ending = await ask()
  expect(words(ending)).toBe('ab')
  expect(ending.text).not.toContain('[DONE]')
  expect(ending.ended).toBe('ECONNRESET')
})

test('cut and reset differ on the wire: an end of file, and an error', async () => {
  await serveWith(
    { kind: 'cut', afterChunks: 1, requests: [1] },
    { kind: 'reset', afterChunks: 1, requests: [2] },
  )
  expect(await endOfSocket()).toBe('end of file')
  expect(await endOfSocket()).toBe('ECONNRESET')
  expect(server.stats()).toMatchObject({ requests: 2, aborted: 2, running: 0 })
})

function endOfSocket(): Promise<string> {
  const body = '{"model":"script","prompt":"hi","stream":true}'
  return new Promise((resolve) => {
    const socket = connect(server.port, '127.0.0.1')
    socket.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? 'error'))
    socket.on('end', () => resolve('end of file'))
    socket.resume()
    socket.write('POST /v1/completions HTTP/1.1\r\nhost: 127.0.0.1\r\n')
    socket.write(`content-length: ${body.length}\r\n\r\n${body}`)
  })
}

test('no-end-mark ends the answer properly by HTTP, and only by HTTP', async () => {
  await serveWith({ kind: 'no-end-mark', afterChunks: 3 })
  const ending = await ask()
  expect(words(ending)).toBe('abc')
  expect(ending.ended).toBe('end')
  expect(ending.text).not.toMatch(/\[DONE\]|"finish_reason":"/)
})

test('a fault after more chunks than there are strikes at the end', async () => {
  await serveWith({ kind: 'no-end-mark', afterChunks: 99 })
  const ending = await ask()
  expect(words(ending)).toBe('abcd')
  expect(ending.text).not.toContain('[DONE]')
})

test('error-event reports an error in the stream and ends it', async () => {
  await serveWith({ kind: 'error-event', afterChunks: 1 })
  const ending = await ask()
  expect(words(ending)).toBe('a')
  expect(ending.text).toMatch(
    /data: \{"error":\{"message":"scripted fault","type":"server_error".*\}\n\ndata: \[DONE\]\n\n$/,
  )
})

test('malformed-event spoils one event and lets the stream go on', async () => {
  await serveWith({ kind: 'malformed-event', afterChunks: 0 })
  const ending = await ask()
  const events = ending.text.split('\n\n').filter((event) => event && !event.endsWith('[DONE]'))
  const broken = events.filter((event) => {
    try {
      JSON.parse(event.slice('data: '.length))
      return false
    } catch {
      return true
    }
  })
  expect(broken).toHaveLength(1)
  expect(words(ending)).toBe('abcd')
  expect(ending.text).toMatch(/\[DONE\]\n\n$/)
})

test('empty-output is an answer in good order without a token', async () => {
  await serveWith({ kind: 'empty-output' })
  const streamed = await ask()
  expect(words(streamed)).toBe('')
  expect(streamed.text).toMatch(/"finish_reason":"stop".*\[DONE\]\n\n$/s)
  const whole = await ask(false)
  expect(JSON.parse(whole.text)).toMatchObject({
    choices: [{ message: { content: '' } }],
    usage: { completion_tokens: 0 },
  })
})

test.each<Fault>([{ kind: 'stall', afterChunks: 2 }, { kind: 'never-answer' }])(
  '$kind says nothing more until the client leaves, and then holds nothing',
  async (fault) => {
    await serveWith(fault)
    const leaving = new AbortController()
    setTimeout(() => leaving.abort(), 100)
    const body = JSON.stringify({ model: 'script', prompt: 'hi', stream: true })
    const read = async () => {
      let text = ''
      try {
        const url = `${server.url}/v1/completions`
        const response = await fetch(url, { method: 'POST', body, signal: leaving.signal })
        for await (const part of response.body ?? []) text += Buffer.from(part).toString()
      } catch {}
      return text
    }
    const texts = [...(await read()).matchAll(/"text":"(\w)"/g)].map(([, text]) => text)
    expect(leaving.signal.aborted).toBe(true)
    expect(texts).toEqual(fault.kind === 'stall' ? ['a', 'b'] : [])
    expect(server.stats()).toMatchObject({ requests: 1, running: 0, waiting: 0 })
  },
)

test('malformed-http is not HTTP', async () => {
  await serveWith({ kind: 'malformed-http' })
  await expect(ask()).rejects.toMatchObject({ code: expect.stringMatching(/^HPE_/) })
})

test('faults of a stream leave other answers alone', async () => {
  await serveWith({ kind: 'cut', afterChunks: 1 })
  const { status, text } = await ask(false)
  expect(status).toBe(200)
  expect(JSON.parse(text)).toMatchObject({ choices: [{ message: { content: 'abcd' } }] })
})
