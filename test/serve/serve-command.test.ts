import { PassThrough } from 'node:stream'
import { expect, test } from 'vitest'
import { type ServeIo, type ServeOptions, serveCommand } from '../../src/cli/serve.ts'

const simulated: ServeOptions = { engine: 'simulated', port: 0 }

/** A command under way, its streams, and its first line. */
function start(options: ServeOptions) {
  const stdout = new PassThrough().setEncoding('utf8')
  const stderr = new PassThrough().setEncoding('utf8')
  const stdin = new PassThrough()
  const ending = new AbortController()
  const io: ServeIo = { stdout, stderr, stdin, signal: ending.signal }
  const firstLine = new Promise<string>((resolve) => stdout.once('data', resolve))
  return { exitCode: serveCommand(options, io), firstLine, stdout, stderr, stdin, ending }
}

test('one line tells that the server is ready, what it is and where', async () => {
  const { exitCode, firstLine, stdout, ending } = start(simulated)
  const line = await firstLine
  expect(line).toMatch(/^\{"ready":true,"url":"http:\/\/127\.0\.0\.1:\d+",.*\}\n$/)
  const ready = JSON.parse(line) as { url: string }
  expect(ready).toEqual({
    ready: true,
    url: ready.url,
    engine: 'simulated',
    model: 'simulated',
    simulated: true,
    weights: 'random',
  })
  expect((await fetch(`${ready.url}/health`)).status).toBe(200)
  ending.abort()
  expect(await exitCode).toBe(0)
  expect(stdout.read()).toBe(null)
  await expect(fetch(`${ready.url}/health`)).rejects.toThrow()
})

test('it ends with its stdin where it is told to, and says nothing to a person then', async () => {
  const { exitCode, firstLine, stderr, stdin } = start({ ...simulated, untilStdinEnds: true })
  await firstLine
  stdin.end('ignored')
  expect(await exitCode).toBe(0)
  expect(stderr.read()).toBe(null)
})

test('the end of stdin means nothing otherwise', async () => {
  const { exitCode, firstLine, stderr, stdin, ending } = start(simulated)
  const { url } = JSON.parse(await firstLine) as { url: string }
  stdin.end()
  await new Promise((resolve) => setImmediate(resolve))
  expect((await fetch(`${url}/health`)).status).toBe(200)
  expect(stderr.read()).toBe('Serving simulated. Press Ctrl-C to end.\n')
  ending.abort()
  expect(await exitCode).toBe(0)
})

test('slots and the law of the simulation are handed on', async () => {
  const simulation = { contextTokens: 123 }
  const { exitCode, firstLine, ending } = start({ ...simulated, slots: 3, simulation })
  const { url } = JSON.parse(await firstLine) as { url: string }
  const models = await (await fetch(`${url}/v1/models`)).json()
  expect(models).toMatchObject({ data: [{ max_model_len: 123 }] })
  ending.abort()
  await exitCode
})

test('a signal that has already come ends it as soon as it is ready', async () => {
  const { exitCode, ending } = start(simulated)
  ending.abort()
  expect(await exitCode).toBe(0)
})

test('a model that cannot be loaded is the user’s to fix', async () => {
  const { exitCode, stdout } = start({ engine: 'llama', port: 0, modelFile: '/nowhere/model.gguf' })
  await expect(exitCode).rejects.toMatchObject({ name: 'EngineUnavailable', exitCode: 3 })
  expect(stdout.read()).toBe(null)
})
