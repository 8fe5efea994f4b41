import { describe, expect, test } from 'vitest'
import type { Clock } from '../../src/load/clock.ts'
import { identifyTarget } from '../../src/load/identify.ts'
import type { ServerKindName } from '../../src/load/server-identity.ts'
import {
  accessFor,
  readServerSamples,
  type ServerSample,
  serverSampleLine,
  startScraper,
} from '../../src/load/server-metrics.ts'
import { startServer } from '../../src/serve/openai-server.ts'
import { simulatedEngine } from '../../src/serve/simulated.ts'
import { type Page, type Replay, startReplay } from './replay-server.ts'
import {
  llamaReplay,
  plainReplay,
  tgiReplay,
  tritonReplay,
  trtllmReplay,
  vllmReplay,
} from './replays.ts'
import { startScriptedServer } from './scripted-server.ts'
import { socketFile } from './socket-file.ts'

const open = { insecure: false }

/** A clock whose seconds take no time. */
function hurriedClock(): Clock {
  let nowMs = 0
  return {
    nowMs: () => nowMs,
    sleepUntil: (dueMs, signal) =>
      new Promise((resolve) => {
        setImmediate(() => {
          if (!signal?.aborted) nowMs = Math.max(nowMs, dueMs)
          resolve()
        })
      }),
  }
}

const server = (kind: ServerKindName) => ({ kind, proof: 'told by the test', launch: {} })

/** Scrapes until `count` samples came. */
async function scrape(url: URL, kind: ServerKindName, count: number) {
  const samples: ServerSample[] = []
  let enough = (): void => {}
  const waiting = new Promise<void>((resolve) => {
    enough = resolve
  })
  const scraper = await startScraper(
    { url: url.href.replace(/\/$/, ''), model: 'm', server: server(kind) },
    open,
    {
      clock: hurriedClock(),
      onSample: (sample) => {
        if (samples.push(sample) === count) enough()
      },
    },
  )
  if (scraper.address !== undefined) await waiting
  await scraper.stop()
  return { samples, scraper }
}

/** Answers with one page after the other; the last one for good. */
function pagesInTurn(...pages: readonly Page[]): Replay {
  let turn = 0
  return {
    notFound: { status: 404, body: '' },
    pages: {
      get '/metrics'(): Page {
        return pages[Math.min(turn++, pages.length - 1)] ?? { body: '' }
      },
    },
  }
}

const running = (count: number): Page => ({ body: `vllm:num_requests_running ${count}\n` })

describe('metrics while a run goes on', () => {
  test('a sample at the start, one a second, and one at the end', async () => {
    const { url } = await startReplay(vllmReplay)
    const { samples, scraper } = await scrape(url, 'vllm', 3)
    expect(scraper.address).toBe(`${url.href}metrics`)
    expect(samples.slice(0, 3).map(({ atMs }) => atMs)).toEqual([0, 1_000, 2_000])
    expect(samples.length).toBeGreaterThan(3)
    expect(samples.every((sample) => 'readings' in sample)).toBe(true)
  })

  test('a look that fails is a gap with its reason, and the next one counts again', async () => {
    const { url } = await startReplay(
      pagesInTurn(running(1), { status: 503, body: '' }, { body: '<html>' }, running(4)),
    )
    const { samples } = await scrape(url, 'vllm', 4)
    expect(samples.slice(0, 4)).toMatchObject([
      { readings: { running: 1 } },
      { gap: 'HTTP 503' },
      { gap: 'not readable: not a page of metrics' },
      { readings: { running: 4 } },
    ])
  })

  test('a server that goes away leaves gaps, and stopping still works', async () => {
    const page = 'vllm:num_requests_running 1\n'
    const scripted = await startScriptedServer([
      (socket) => socket.write(`HTTP/1.1 200 OK\r\ncontent-length: ${page.length}\r\n\r\n${page}`),
      (socket) => socket.destroy(),
    ])
    const { samples } = await scrape(new URL(`http://127.0.0.1:${scripted.port}`), 'vllm', 3)
    expect(samples[0]).toHaveProperty('readings')
    expect(samples[1]).toMatchObject({ gap: expect.stringMatching(/socket hang up|ECONNRESET/) })
  })

  test('a page without an end is cut off', async () => {
    const first = 'vllm:num_requests_running 1\n'
    const scripted = await startScriptedServer([
      (socket) =>
        socket.write(`HTTP/1.1 200 OK\r\ncontent-length: ${first.length}\r\n\r\n${first}`),
      (socket) => {
        socket.write('HTTP/1.1 200 OK\r\n\r\n')
        const more = (): void => {
          if (!socket.destroyed) socket.write('x'.repeat(1024 * 1024), more)
        }
        more()
      },
    ])
    const { samples } = await scrape(new URL(`http://127.0.0.1:${scripted.port}`), 'vllm', 2)
    expect(samples[1]).toMatchObject({ gap: 'the answer is over 4 MiB' })
  })

  test('llama.cpp without --metrics is watched through its slots', async () => {
    const { url } = await startReplay(llamaReplay)
    const { samples, scraper } = await scrape(url, 'llama.cpp', 1)
    expect(scraper.address).toBe(`${url.href}slots`)
    expect(samples[0]).toMatchObject({ readings: { running: 1 } })
  })

  test('llama.cpp without either says what it would take', async () => {
    const off: Page = { status: 501, body: {} }
    const { url } = await startReplay({
      ...llamaReplay,
      pages: { '/metrics': off, '/slots': off },
    })
    const { samples, scraper } = await scrape(url, 'llama.cpp', 1)
    expect(samples).toEqual([])
    expect(scraper.none).toBe(
      `No metrics: ${url.href}metrics: HTTP 501; ${url.href}slots: HTTP 501; it has to be started with --metrics.`,
    )
  })

  test('TensorRT-LLM: the list of iterations where there is no better page', async () => {
    const { url } = await startReplay(trtllmReplay)
    const { samples, scraper } = await scrape(url, 'tensorrt-llm', 1)
    expect(scraper.address).toBe(`${url.href}metrics`)
    expect(samples[0]).toMatchObject({ readings: { running: 2 } })
  })

  test('a page that has nothing to tell yet is watched all the same', async () => {
    const { url } = await startReplay({ ...tgiReplay, pages: { '/metrics': { body: '' } } })
    const { samples, scraper } = await scrape(url, 'tgi', 1)
    expect(scraper.address).toBe(`${url.href}metrics`)
    expect(samples[0]).toMatchObject({ readings: {} })
  })

  test.each([
    ['ollama', 'Ollama has no metrics.'],
    ['lm-studio', 'LM Studio has no metrics.'],
    ['openai', 'It is not known what metrics this server has.'],
  ] as const)('%s is not asked, and the reason is told', async (kind, none) => {
    const { url, asked } = await startReplay(plainReplay)
    const { samples, scraper } = await scrape(url, kind, 1)
    expect(scraper.none).toBe(none)
    expect(samples).toEqual([])
    expect(asked).toEqual([])
  })

  test('the key goes to the address it was given for, and to no other port', () => {
    const withKey = { ...open, apiKey: 'sk-1' }
    const target = 'https://box:8000/base'
    expect(accessFor(target, new URL('https://box:8000/metrics'), withKey)).toEqual(withKey)
    for (const other of ['https://box:8002/metrics', 'http://box:8000/metrics'])
      expect(accessFor(target, new URL(other), withKey).apiKey).toBeUndefined()
  })

  test('on a Unix socket there is no other port to look at', async () => {
    const { url, asked } = await startReplay({ ...tritonReplay }, socketFile())
    const { scraper } = await scrape(url, 'triton', 1)
    expect(asked).toEqual(['GET /metrics'])
    expect(scraper.none).toMatch(/HTTP 404/)
  })

  test("baremark's own server, for real", async () => {
    const own = await startServer({ engine: simulatedEngine({}), port: 0 })
    const target = await identifyTarget(new URL(own.url), undefined, open)
    const samples: ServerSample[] = []
    const scraper = await startScraper(target, open, {
      clock: hurriedClock(),
      onSample: (sample) => samples.push(sample),
    })
    await scraper.stop()
    await own.close()
    expect(samples[0]).toMatchObject({
      readings: { running: 0, waiting: 0, inputTokensTotal: 0, outputTokensTotal: 0 },
    })
  })
})

test('samples survive as lines, and half a line does not harm the others', () => {
  const samples: ServerSample[] = [
    {
      atMs: 0,
      tookMs: 2,
      readings: { running: 1, ttftMs: { sumMs: 1, count: 1, buckets: [[5, 1]] } },
    },
    { atMs: 1_000, tookMs: 2, gap: 'HTTP 503' },
  ]
  const text = samples.map(serverSampleLine).join('')
  expect(readServerSamples(`${text}{"atMs":2000,"to`)).toEqual(samples)
})
