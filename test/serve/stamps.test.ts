import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { ServerStamp } from '../../src/measure/instrument.ts'
import { type RunningServer, startServer } from '../../src/serve/openai-server.ts'
import { simulatedEngine } from '../../src/serve/simulated.ts'
import { monotonicMs, openStampFile, readStampFile } from '../../src/serve/stamps.ts'
import { baremark } from '../cli/program.ts'
import { scriptedEngine } from './scripted-engine.ts'

const question = {
  model: 'script',
  prompt: 'one two',
  stream: true,
  stream_options: { include_usage: true },
}

function post(
  url: string,
  body: object,
  headers: Record<string, string> = {},
  signal?: AbortSignal,
) {
  return fetch(`${url}/v1/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
    signal,
  })
}

describe('a server that is told to stamps each request once, as its answer ends', () => {
  let stamps: ServerStamp[]
  let server: RunningServer
  beforeEach(async () => {
    stamps = []
    server = await startServer({
      engine: scriptedEngine(['a', '', 'b', 'c']),
      port: 0,
      onStamp: (stamp) => stamps.push(stamp),
      faults: [{ requests: [3], kind: 'cut', afterChunks: 1 }],
    })
  })
  afterEach(() => server.close())

  test('with the id that came along and the moments in between, on the clock of the machine', async () => {
    const beforeMs = monotonicMs()
    await (await post(server.url, question, { 'x-request-id': 'run-7' })).text()
    const afterMs = monotonicMs()
    const [stamp] = stamps
    expect(stamps.length).toBe(1)
    expect(Object.keys(stamp ?? {}).sort()).toEqual([
      'chunkMonotonicMs',
      'closedMonotonicMs',
      'ended',
      'openedMonotonicMs',
      'receivedMonotonicMs',
      'requestId',
    ])
    expect(stamp).toMatchObject({ requestId: 'run-7', ended: 'stop' })
    const times = [stamp?.receivedMonotonicMs ?? 0, ...(stamp?.chunkMonotonicMs ?? []), afterMs]
    // Text three times: a piece without any is no chunk of output, and nor is the usage.
    expect(stamp?.chunkMonotonicMs.length).toBe(3)
    expect([beforeMs, ...times]).toEqual([beforeMs, ...times].toSorted((a, b) => a - b))
  })

  test('also what was refused, what was cut, and what came whole', async () => {
    await post(server.url, { ...question, model: 'none' })
    await (await post(server.url, { ...question, stream: false, max_tokens: 1 })).text()
    await expect(post(server.url, question).then((response) => response.text())).rejects.toThrow()
    await server.close()
    expect(stamps.map(({ ended }) => ended)).toEqual(['refused', 'length', 'aborted'])
    expect(stamps.map(({ chunkMonotonicMs }) => chunkMonotonicMs.length)).toEqual([0, 1, 1])
    expect(stamps.map(({ requestId }) => requestId)).toEqual([undefined, undefined, undefined])
  })
})

test('nobody has a chunk before its stamp, nor an answer before it is stamped as sent', async () => {
  const stamps: ServerStamp[] = []
  const engine = simulatedEngine({ decodeBaseMs: 1, slots: 8 })
  const server = await startServer({ engine, port: 0, onStamp: (stamp) => stamps.push(stamp) })
  const seen = await Promise.all(
    Array.from({ length: 8 }, async (_, id) => {
      const body = { ...question, model: 'simulated', max_tokens: 20 }
      const response = await post(server.url, body, { 'x-request-id': String(id) })
      const at: number[] = []
      for await (const part of response.body ?? []) {
        const nowMs = monotonicMs()
        const events =
          Buffer.from(part)
            .toString()
            .match(/"text":" /g) ?? []
        at.push(...events.map(() => nowMs))
      }
      return at
    }),
  )
  await server.close()
  expect(stamps.length).toBe(8)
  for (const { requestId, chunkMonotonicMs } of stamps) {
    const at = seen[Number(requestId)] ?? []
    expect(chunkMonotonicMs.length).toBe(20)
    expect(at.length).toBe(20)
    for (const [i, ms] of at.entries()) {
      expect(ms - (chunkMonotonicMs[i] ?? Number.NaN)).toBeGreaterThanOrEqual(0)
    }
  }
})

describe('on disk', () => {
  let folder: string
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'baremark-stamps-'))
  })
  afterEach(() => rm(folder, { recursive: true, force: true }))

  const stamp: ServerStamp = {
    requestId: 'run-1',
    receivedMonotonicMs: 1.5,
    chunkMonotonicMs: [2, 3.25],
    ended: 'length',
  }

  test('a stamp is a line of JSON, and comes back as it was', async () => {
    const path = join(folder, 'stamps.jsonl')
    const file = await openStampFile(path)
    file.write(stamp)
    file.write({ ...stamp, requestId: undefined })
    await file.close()
    expect(await readFile(path, 'utf8')).toBe(
      '{"requestId":"run-1","receivedMonotonicMs":1.5,"chunkMonotonicMs":[2,3.25],"ended":"length"}\n' +
        '{"receivedMonotonicMs":1.5,"chunkMonotonicMs":[2,3.25],"ended":"length"}\n',
    )
    expect(await readStampFile(path)).toEqual([stamp, { ...stamp, requestId: undefined }])
  })

  test('a file that cannot be made is the user’s to fix', async () => {
    const path = join(folder, 'nowhere', 'stamps.jsonl')
    await expect(openStampFile(path)).rejects.toMatchObject({ name: 'UserError', exitCode: 3 })
  })

  test('serve --simulate commits the faults of a file', async () => {
    const script = join(folder, 'faults.yaml')
    await writeFile(script, '- { kind: http-status, status: 503, retryAfterS: 7, requests: [2] }\n')
    const ending = new AbortController()
    let tellUrl: (url: string) => void = () => {}
    const ready = new Promise<string>((resolve) => {
      tellUrl = resolve
    })
    const argv = ['serve', '--simulate', '--port', '0', '--faults', script]
    const ended = baremark(argv, {
      stdout: (text) => tellUrl((JSON.parse(text) as { url: string }).url),
      signal: ending.signal,
    })
    const url = await ready
    const body = { ...question, model: 'simulated' }
    const answers = [await post(url, body), await post(url, body), await post(url, body)]
    expect(answers.map(({ status }) => status)).toEqual([200, 503, 200])
    expect(answers[1]?.headers.get('retry-after')).toBe('7')
    ending.abort()
    expect((await ended).exitCode).toBe(0)
  })

  test('a script of faults that is none is the user’s to fix', async () => {
    const script = join(folder, 'faults.yaml')
    await writeFile(script, '- { kind: cut }\n')
    const { exitCode, stderr } = await baremark(['serve', '--simulate', '--faults', script])
    expect(exitCode).toBe(2)
    expect(stderr).toContain('faults.yaml:1:3')
    expect(stderr).toContain('afterChunks')
  })

  test('serve writes them, and obeys the law of its flags', async () => {
    const path = join(folder, 'stamps.jsonl')
    const ending = new AbortController()
    let tellUrl: (url: string) => void = () => {}
    const ready = new Promise<string>((resolve) => {
      tellUrl = resolve
    })
    const flags =
      '--engine simulated --port 0 --slots 2 --prefill-tokens-per-s 1e6 --decode-base-ms 1 --decode-per-sequence-ms 0 --jitter 0 --tokens-per-chunk 4 --seed 2 --spread --slow-start-s 1 --slow-start-factor 1.5 --prefix-cache --kv-tokens 100 --max-waiting 5 --overload-status 503'
    const ended = baremark(['serve', ...flags.split(' '), '--stamps', path], {
      stdout: (text) => tellUrl((JSON.parse(text) as { url: string }).url),
      signal: ending.signal,
    })
    const url = await ready
    const models = (await (await fetch(`${url}/v1/models`)).json()) as object
    expect(models).toMatchObject({ data: [{ max_model_len: 100 }] })
    const body = { ...question, model: 'simulated', max_tokens: 10 }
    await (await post(url, body, { 'x-request-id': 'a' })).text()
    // The client stays to the end of the server: that answer is cut short, and is stamped all the same.
    const cut = await post(url, { ...body, max_tokens: 90 }, { 'x-request-id': 'b' })
    const read = cut.text().catch(() => 'cut')
    ending.abort()
    expect((await ended).exitCode).toBe(0)
    expect(await read).toBe('cut')
    const stamps = await readStampFile(path)
    expect(stamps.map(({ requestId, ended }) => [requestId, ended])).toEqual([
      ['a', 'length'],
      ['b', 'aborted'],
    ])
    // 4, 4 and 2 tokens.
    expect(stamps[0]?.chunkMonotonicMs.length).toBe(3)
  })
})

test.each([
  ['a law for an engine that obeys none', ['--engine', 'llama', '--jitter', '0'], 'jitter'],
  [
    'a rate of nothing',
    ['--engine', 'simulated', '--prefill-tokens-per-s', '0'],
    'a number over 0',
  ],
  ['a time below zero', ['--engine', 'simulated', '--decode-base-ms', '-1'], 'at least 0'],
  ['half a place in the queue', ['--max-waiting', '0.5'], 'a whole number'],
  ['a status that is no overload', ['--overload-status', '500'], 'neither 429 nor 503'],
  ['no number', ['--engine', 'simulated', '--jitter', 'some'], 'at least 0'],
])('%s is refused', async (_what, flags, message) => {
  const { exitCode, stderr } = await baremark(['serve', ...flags])
  expect(exitCode).toBe(2)
  expect(stderr).toContain(message)
})
