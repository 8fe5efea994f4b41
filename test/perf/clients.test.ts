import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, onTestFinished, test } from 'vitest'
import { type Replay, startReplay } from '../load/replay-server.ts'

// The bench runs the built code: `npm run build` comes before the tests.
const dist = new URL('../../dist/', import.meta.url).href

const CHUNKS = 3
const word = 'data: {"choices":[{"index":0,"delta":{"content":"a"}}]}\n\n'
const end =
  'data: {"choices":[{"index":0,"delta":{},"finish_reason":"length"}]}\n\ndata: [DONE]\n\n'
const answer = { contentType: 'text/event-stream', events: [word.repeat(CHUNKS) + end] }
const server: Replay = {
  pages: {},
  replies: { '/v1/chat/completions': () => answer },
  notFound: { status: 404, body: '' },
}

async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'baremark-bench-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  return folder
}

/** Runs one of the bench's clients to its end, as the bench does, and gives the JSON that it printed. */
async function runClient(name: string, orders: object): Promise<unknown> {
  const { url } = await startReplay(server)
  const file = fileURLToPath(new URL(`clients/${name}.mjs`, import.meta.url))
  const all = { ...orders, port: Number(url.port), folder: await temporaryFolder(), dist }
  const { stdout } = await promisify(execFile)(process.execPath, [file, JSON.stringify(all)])
  return JSON.parse(stdout)
}

test('the client of the soak sends as many requests as it was told, and makes their figures', async () => {
  expect(await runClient('soak', { requests: 40, streams: 2, events: CHUNKS })).toMatchObject({
    requests: 40,
    completed: 40,
    lost: 0,
    chunks: 40 * CHUNKS,
  })
})

test('the client of the timetable knows what was due, and finds nothing early and nothing failed', async () => {
  expect(
    await runClient('timetable', { kind: 'constant', ratePerS: 40, warmupS: 0.5, windowS: 1 }),
  ).toMatchObject({ asked: 40, early: 0, failed: 0 })
})

test('the client of the streams hands in its window and a stamp for every chunk', async () => {
  const stamps = join(await temporaryFolder(), 'seen.stamps')
  const load = { streams: 2, events: CHUNKS, rampS: 0.2, warmupS: 0.2, windowS: 0.5 }
  expect(await runClient('production', { ...load, stamps })).toMatchObject({ failed: 0 })
  const bytes = await readFile(stamps)
  const [stride = 0, ...answers] = new Float64Array(
    bytes.buffer,
    bytes.byteOffset,
    bytes.length / 8,
  )
  expect(stride).toBe(2 + CHUNKS)
  expect(answers.length % stride).toBe(0)
  // An id and a count before the stamps; the first answer was over long before the load was stopped.
  const [, count, ...ns] = answers.slice(0, stride)
  expect(count).toBe(CHUNKS)
  expect(ns).toEqual(ns.toSorted((a, b) => a - b))
  expect(ns[0]).toBeGreaterThan(0)
})
