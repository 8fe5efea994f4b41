import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { createServer, type RequestListener } from 'node:http'
import { createServer as createSecureServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { describe, expect, onTestFinished, test } from 'vitest'
import { exitCodes, UserError } from '../../src/errors.ts'
import type { Access } from '../../src/load/get.ts'
import { identifyTarget, isLoopback, parseTargetUrl } from '../../src/load/identify.ts'
import { closedPort, startScriptedServer, write } from './scripted-server.ts'
import { selfSigned } from './self-signed.ts'
import { socketFile } from './socket-file.ts'

const open: Access = { insecure: false }

async function serve(listener: RequestListener, tls?: { key: string; cert: string }): Promise<URL> {
  const server = tls ? createSecureServer(tls, listener) : createServer(listener)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  return parseTargetUrl(`${tls ? 'https' : 'http'}://127.0.0.1:${port}`)
}

/** A server whose every answer is this one. */
function serveAnswer(status: number, body: unknown, headers = {}): Promise<URL> {
  return serve((_, response) => {
    response.writeHead(status, headers)
    response.end(typeof body === 'string' ? body : JSON.stringify(body))
  })
}

const models = (...data: readonly object[]): object => ({ object: 'list', data })

/** The user's error that this ends in. */
async function errorOf(work: Promise<unknown>): Promise<UserError> {
  const error: unknown = await work.then(
    () => 'no error',
    (reason: unknown) => reason,
  )
  if (!(error instanceof UserError)) throw new Error(`not a UserError: ${error}`)
  return error
}

describe('what a server says it is', () => {
  test('its first model is measured when none is named', async () => {
    const url = await serveAnswer(200, models({ id: 'a', max_model_len: 4_096 }, { id: 'b' }), {
      server: 'uvicorn',
    })
    expect(await identifyTarget(url, undefined, open)).toEqual({
      url: url.href.replace(/\/$/, ''),
      model: 'a',
      models: ['a', 'b'],
      serverHeader: 'uvicorn',
      engine: undefined,
      simulated: false,
      weights: undefined,
      contextTokens: 4_096,
      server: {
        kind: 'openai',
        proof: 'nothing tells it from other OpenAI-compatible servers',
        contextTokens: { value: 4_096, source: 'GET /v1/models: data[] max_model_len' },
        launch: {},
      },
      loopback: true,
    })
  })

  test('the model named is measured, with what is said of that one', async () => {
    const url = await serveAnswer(
      200,
      models({ id: 'a', max_model_len: 1 }, { id: 'b', max_model_len: 2 }),
    )
    expect(await identifyTarget(url, 'b', open)).toMatchObject({ model: 'b', contextTokens: 2 })
  })

  test("baremark's own server tells its engine and its weights", async () => {
    const own = { engine: 'llama.cpp', simulated: false, weights: 'random' }
    const url = await serveAnswer(200, models({ id: 'tiny', baremark: own }))
    expect(await identifyTarget(url, undefined, open)).toMatchObject(own)
  })

  test('a simulation is a simulation and has no weights', async () => {
    const own = { engine: 'simulated', simulated: true, weights: 'random' }
    const url = await serveAnswer(200, models({ id: 'tiny', baremark: own }))
    const identity = await identifyTarget(url, undefined, open)
    expect(identity).toMatchObject({ simulated: true, weights: undefined })
  })

  test('the list is asked for under the path of the address, with the key', async () => {
    const asked: (string | undefined)[] = []
    const url = await serve((request, response) => {
      asked.push(request.url, request.headers.authorization)
      response.end(JSON.stringify(models({ id: 'a' })))
    })
    const based = parseTargetUrl(`${url.href}base/v1/`)
    const identity = await identifyTarget(based, undefined, { ...open, apiKey: 'sk-1' })
    expect(asked.slice(0, 2)).toEqual(['/base/v1/models', 'Bearer sk-1'])
    expect(asked.every((text) => text === 'Bearer sk-1' || text?.startsWith('/base/'))).toBe(true)
    expect(identity.url).toBe(`${url.href}base`)
    expect(JSON.stringify(identity)).not.toContain('sk-1')
    asked.length = 0
    await identifyTarget(url, undefined, open)
    expect(asked.slice(0, 2)).toEqual(['/v1/models', undefined])
  })

  test('a list in several pieces is read whole', async () => {
    const body = JSON.stringify(models({ id: 'größe' }))
    const bytes = Buffer.from(body)
    const cut = bytes.indexOf(0xc3) + 1
    const url = await serve((_, response) => {
      response.write(bytes.subarray(0, cut), () => response.end(bytes.subarray(cut)))
    })
    expect((await identifyTarget(url, undefined, open)).models).toEqual(['größe'])
  })

  test('TLS is verified unless told not to', async () => {
    const identity = selfSigned()
    const url = await serve((_, response) => {
      response.end(JSON.stringify(models({ id: 'a' })))
    }, identity)
    const error = await errorOf(identifyTarget(url, undefined, open))
    expect(error.message).toMatch(/^Cannot reach https:.*self-signed certificate/)
    for (const access of [{ insecure: true }, { insecure: false, ca: identity.cert }]) {
      expect(await identifyTarget(url, undefined, access)).toMatchObject({ model: 'a' })
    }
  })
})

describe('a server that keeps its models to itself', () => {
  const silent: [string, number, unknown][] = [
    ['has no such page', 404, 'not found'],
    ['fails', 500, 'oops'],
    ['answers garbage', 200, '<html>'],
    ['answers null', 200, 'null'],
    ['answers no list', 200, { data: 'none' }],
    ['answers an empty list', 200, models()],
    ['answers a list of other things', 200, { data: [null, 5, {}, { id: 7 }] }],
  ]

  test.each(silent)(
    'one that %s can be measured by the name of a model',
    async (_, status, body) => {
      const url = await serveAnswer(status, body)
      const identity = await identifyTarget(url, 'mine', open)
      expect(identity).toMatchObject({ model: 'mine', models: [], simulated: false })
    },
  )

  test.each(silent)('one that %s cannot without', async (_, status, body) => {
    const url = await serveAnswer(status, body)
    const error = await errorOf(identifyTarget(url, undefined, open))
    expect(error).toMatchObject({
      message: `${url.origin} does not say which models it has.`,
      remedy: 'Name one with --model.',
      exitCode: exitCodes.setup,
    })
  })
})

describe('what the user can fix', () => {
  test('a model that the server does not have, with those that it has', async () => {
    const url = await serveAnswer(200, models({ id: 'a' }, { id: 'b' }))
    expect(await errorOf(identifyTarget(url, 'c', open))).toMatchObject({
      message: `${url.origin} has no model "c".`,
      remedy: 'Use one of: a, b.',
      exitCode: exitCodes.setup,
    })
  })

  test('of many models the first eight are named', async () => {
    const many = Array.from({ length: 20 }, (_, i) => ({ id: `m${i}` }))
    const error = await errorOf(identifyTarget(await serveAnswer(200, models(...many)), 'c', open))
    expect(error.remedy).toBe('Use one of: m0, m1, m2, m3, m4, m5, m6, m7, ....')
  })

  test.each([401, 403])('a key that is refused with %i', async (status) => {
    const url = await serveAnswer(status, 'no')
    const error = await errorOf(identifyTarget(url, 'a', { ...open, apiKey: 'sk-1' }))
    expect(error).toMatchObject({
      message: `${url.origin} refuses the key (HTTP ${status}).`,
      exitCode: exitCodes.setup,
    })
    expect(`${error.message} ${error.remedy}`).not.toContain('sk-1')
  })

  test.each([301, 302, 307, 308])('a redirect (%i) is not followed', async (status) => {
    const url = await serveAnswer(status, '', { location: 'http://127.0.0.1:9/' })
    expect(await errorOf(identifyTarget(url, 'a', open))).toMatchObject({
      message: `${url.origin} redirects (HTTP ${status}).`,
      exitCode: exitCodes.setup,
    })
  })

  test('nobody listens', async () => {
    const url = parseTargetUrl(`127.0.0.1:${await closedPort()}`)
    expect(await errorOf(identifyTarget(url, undefined, open))).toMatchObject({
      message: `Nobody listens at ${url.origin}.`,
      exitCode: exitCodes.setup,
    })
  })

  test.each([
    ['hangs up', ''],
    ['speaks another protocol', 'SSH-2.0-OpenSSH_9.6\r\n\r\n'],
    ['hangs up in the middle', 'HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{'],
  ])('somebody listens who %s', async (_, text) => {
    const server = await startScriptedServer([(socket) => socket.end(text)])
    const url = parseTargetUrl(`127.0.0.1:${server.port}`)
    const error = await errorOf(identifyTarget(url, 'a', open))
    expect(error.message).toMatch(/^Cannot reach http:\/\/127\.0\.0\.1:\d+: .+\.$/)
    expect(error.exitCode).toBe(exitCodes.setup)
  })

  test('an answer without end is not read to the end', async () => {
    const url = await serve((_, response) => {
      const piece = Buffer.alloc(1024 * 1024)
      const more = (): void => {
        if (!response.destroyed) response.write(piece, more)
      }
      more()
    })
    const error = await errorOf(identifyTarget(url, 'a', open))
    expect(error.message).toContain('the answer is over 4 MiB')
  })

  test('plain HTTP spoken to under https', async () => {
    const server = await startScriptedServer([write('no')])
    const url = parseTargetUrl(`https://127.0.0.1:${server.port}`)
    const asking = errorOf(identifyTarget(url, 'a', open))
    await expect.poll(() => server.sockets.length, { timeout: 20_000 }).toBeGreaterThan(0)
    for (const socket of server.sockets) socket.end('HTTP/1.1 400 Bad Request\r\n\r\n')
    expect((await asking).message).toMatch(/^Cannot reach https:/)
  })
})

describe('a server on a Unix socket', () => {
  test('is asked over it, and is on this machine', async () => {
    const path = socketFile()
    const server = createServer((request, response) => {
      response.end(JSON.stringify(models({ id: `${request.headers.host} ${request.url}` })))
    }).listen(path)
    await once(server, 'listening')
    onTestFinished(() => void server.close())
    const url = `http+unix://${encodeURIComponent(path)}/base`
    expect(await identifyTarget(parseTargetUrl(`${url}/v1`), undefined, open)).toMatchObject({
      url,
      model: 'localhost /base/v1/models',
      loopback: true,
    })
  })

  test('that is not there is told by its path', async () => {
    const path = socketFile()
    const error = await errorOf(identifyTarget(parseTargetUrl(`unix:${path}`), 'm', open))
    expect(error.message).toBe(`There is no socket at unix:${path}.`)
    expect(error.remedy).toMatch(/path of its socket/)
    expect(error.exitCode).toBe(exitCodes.setup)
  })

  test('that nobody listens on any more is told as such', async () => {
    const path = socketFile()
    writeFileSync(path, '')
    const error = await errorOf(identifyTarget(parseTargetUrl(`unix:${path}`), 'm', open))
    expect(error.message).toBe(`Nobody listens at unix:${path}.`)
  })
})

describe('an address', () => {
  test.each([
    ['http://127.0.0.1:8000', 'http://127.0.0.1:8000/'],
    ['127.0.0.1:8000', 'http://127.0.0.1:8000/'],
    ['localhost:8000', 'http://localhost:8000/'],
    ['box', 'http://box/'],
    ['[::1]:8000/', 'http://[::1]:8000/'],
    ['HTTPS://Api.Example.com', 'https://api.example.com/'],
    ['https://api.example.com/v1', 'https://api.example.com/'],
    ['https://api.example.com/v1/', 'https://api.example.com/'],
    ['https://api.example.com/v1/chat/completions', 'https://api.example.com/'],
    ['https://api.example.com/v1/completions/', 'https://api.example.com/'],
    ['https://api.example.com/openai/v1?x=1#y', 'https://api.example.com/openai'],
    ['https://api.example.com/base//', 'https://api.example.com/base'],
    ['http://box:8000/v1beta', 'http://box:8000/v1beta'],
    ['unix:/run/llm.sock', 'http+unix://%2Frun%2Fllm.sock'],
    ['unix:///run/my llm.sock', 'http+unix://%2Frun%2Fmy%20llm.sock'],
    ['http+unix://%2Frun%2Fllm.sock', 'http+unix://%2Frun%2Fllm.sock'],
    ['http+unix://%2Frun%2Fllm.sock/base/v1/?x=1', 'http+unix://%2Frun%2Fllm.sock/base'],
  ])('%s is the server at %s', (text, href) => {
    expect(parseTargetUrl(text).href).toBe(href)
  })

  test.each([
    '',
    'http://',
    'not an address',
    'http://box:99999',
    'http://[::1',
    'ftp://box/models',
    'file:///models',
    'ws://box:8000',
    'unix:run/llm.sock',
    'unix://run/llm.sock',
    'http+unix:///run/llm.sock',
    'http+unix://run',
    'http+unix://%2Frun%2',
  ])('%j is none', (text) => {
    expect(() => parseTargetUrl(text)).toThrow(UserError)
    expect(() => parseTargetUrl(text)).toThrow(`Not an address: ${text}`)
  })

  test.each(['http://me:secret@box:8000', 'me@box', 'https://:secret@box/v1'])(
    'one with a user name or password is refused, and not repeated: %s',
    (text) => {
      expect(() => parseTargetUrl(text)).toThrow('The address holds a user name or password.')
      expect(() => parseTargetUrl(text)).not.toThrow(/secret/)
    },
  )
})

describe('whether a server shares this machine', () => {
  test.each([
    'localhost',
    'api.localhost',
    '127.0.0.1',
    '127.8.9.10',
    '::1',
    '[::1]',
    '0.0.0.0',
    '[::]',
  ])('%s does', (host) => {
    expect(isLoopback(host)).toBe(true)
  })

  test.each([
    'box',
    '10.0.0.1',
    '128.0.0.1',
    'localhost.example.com',
    '127.example.com',
    '[fe80::1]',
  ])('%s does not, as far as its name tells', (host) => {
    expect(isLoopback(host)).toBe(false)
  })
})
