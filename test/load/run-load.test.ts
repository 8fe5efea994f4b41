import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { type Benchmark, benchmarkSchema } from '../../src/load/benchmark.ts'
import { startClock } from '../../src/load/clock.ts'
import { openJournal } from '../../src/load/journal.ts'
import { eachRecord } from '../../src/load/read-journal.ts'
import type { RequestRecord } from '../../src/load/record.ts'
import { type LoadWorld, runLoad } from '../../src/load/run-load.ts'
import type { LevelLog } from '../../src/load/run-log.ts'
import { shareLevel } from '../../src/load/shared-level.ts'
import { type MeasuringThread, type SpawnThread, spawnThread } from '../../src/load/threads.ts'

// Real threads run the built code: `npm run build` comes before the tests.

const CHUNKS = 4

/** Streams a few chunks, 5 ms apart; a request whose answer never comes is one with a gap without end. */
async function startStreamServer(gapMs = 5, onRequest = (_: number) => {}): Promise<string> {
  let requests = 0
  const server = createServer((request, response) => {
    request.resume()
    request.on('end', () => {
      onRequest(++requests)
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      let left = CHUNKS
      const timer = setInterval(() => {
        response.write(`data: {"choices":[{"index":0,"delta":{"content":"a${left}"}}]}\n\n`)
        if (--left > 0) return
        clearInterval(timer)
        response.write('data: {"choices":[{"index":0,"delta":{},"finish_reason":"length"}]}\n\n')
        response.end('data: [DONE]\n\n')
      }, gapMs)
      response.on('close', () => clearInterval(timer))
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

function benchmarkOf(parts: object): Benchmark {
  return benchmarkSchema.parse({
    schemaVersion: 1,
    name: 'test',
    workload: { kind: 'synthetic', inputTokens: 16, outputTokens: CHUNKS },
    load: { kind: 'closed', concurrency: [4] },
    warmupS: 0.1,
    durationS: 0.5,
    ...parts,
  })
}

interface Ran {
  readonly logs: LevelLog[]
  readonly records: RequestRecord[]
  readonly tookMs: number
}

/** Runs a load as a run does, journal on disk, and reads it back. */
async function run(
  url: string,
  benchmark: Benchmark,
  { workers = 2, ...parts }: Partial<LoadWorld> & { readonly workers?: number } = {},
): Promise<Ran> {
  const folder = await mkdtemp(join(tmpdir(), 'baremark-load-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  const file = join(folder, 'requests.jsonl')
  const journal = await openJournal(file)
  const { clock, epoch, epochMonotonicMs } = startClock()
  const { port } = new URL(url)
  const logs = await runLoad(benchmark, {
    clock,
    setup: {
      epochMonotonicMs,
      endpoint: {
        host: '127.0.0.1',
        address: '127.0.0.1',
        port: Number(port),
        tls: false,
        insecure: false,
      },
      template: { url, model: 'm', userAgent: 'test', forceLength: true, idPrefix: 'test' },
      prompts: { kind: 'usage', overheadTokens: 0, tokensPerWord: 1 },
      promptSalt: epoch,
    },
    workersFor: () => workers,
    journal,
    signal: new AbortController().signal,
    onLevelStart: () => {},
    onProgress: () => {},
    onLevelEnd: () => {},
    ...parts,
  })
  await journal.close()
  const records: RequestRecord[] = []
  await eachRecord(file, (record) => records.push(record))
  expect((await readFile(file, 'utf8')).split('\n').length - 1).toBe(records.length)
  return { logs, records, tookMs: clock.nowMs() }
}

describe('measuring threads', () => {
  test('share the users, and every request has one record in the one journal', async () => {
    const { logs, records } = await run(await startStreamServer(), benchmarkOf({}))
    const [log] = logs
    expect(log).toMatchObject({ ended: 'complete', issued: records.length })
    expect(new Set(records.map(({ id }) => id)).size).toBe(records.length)
    expect(records.every(({ outcome }) => outcome.kind === 'completed')).toBe(true)
    expect(records.every(({ chunkMs }) => chunkMs.length === CHUNKS)).toBe(true)
    const workers = log?.health.workers ?? []
    expect(workers.map(({ chunks }) => chunks > 0)).toEqual([true, true])
    expect(workers.reduce((sum, { chunks }) => sum + chunks, 0)).toBe(CHUNKS * records.length)
    expect(log?.health.connectionsOpened).toBe(4)
  })

  test('have one clock: what one of them stamps lies where all say the level lay', async () => {
    const { logs, records } = await run(await startStreamServer(), benchmarkOf({}), { workers: 3 })
    const [{ startMs, endMs, health } = { startMs: 0, endMs: 0, health: undefined }] = logs
    for (const { sentMs = 0, chunkMs, closedMs } of records) {
      expect(sentMs).toBeGreaterThanOrEqual(startMs)
      expect(chunkMs[0]).toBeGreaterThan(sentMs)
      expect(closedMs).toBeLessThanOrEqual(endMs + 0.001)
    }
    // Two clocks read right after each other: microseconds, whatever the machine is busy with.
    for (const { clockErrorMs } of health?.workers ?? []) expect(clockErrorMs).toBeLessThan(0.1)
    expect(health?.workers).toHaveLength(3)
  })

  test('keep one timetable between them: each request once, and never early', async () => {
    const load = { kind: 'constant', ratePerS: [200] }
    const { logs, records } = await run(
      await startStreamServer(),
      benchmarkOf({ load, warmupS: 0 }),
      { workers: 3 },
    )
    const startMs = logs[0]?.startMs ?? 0
    const due = records.map(({ dueMs = 0 }) => dueMs - startMs).sort((a, b) => a - b)
    expect(due).toHaveLength(100)
    for (const [k, ms] of due.entries()) expect(ms).toBeCloseTo(5 * k, 2)
    for (const { dueMs = 0, sentMs = 0 } of records) expect(sentMs).toBeGreaterThanOrEqual(dueMs)
  })

  test('are no more than the users there are', async () => {
    const load = { kind: 'closed', concurrency: [1, 3] }
    const { logs } = await run(await startStreamServer(), benchmarkOf({ load }), { workers: 2 })
    expect(logs.map(({ health }) => health.workers.length)).toEqual([1, 2])
  })

  test('number their requests on from level to level', async () => {
    const load = { kind: 'closed', concurrency: [2, 3] }
    const { records } = await run(await startStreamServer(), benchmarkOf({ load }), { workers: 2 })
    const idsOf = (level: number): number[] =>
      records.filter((record) => record.level === level).map(({ id }) => id)
    expect(Math.max(...idsOf(0))).toBeLessThan(Math.min(...idsOf(1)))
  })

  test('an interrupt reaches all of them, and what was in flight is recorded as cancelled', async () => {
    const interrupt = new AbortController()
    setTimeout(() => interrupt.abort('SIGINT'), 600)
    const { logs, records, tookMs } = await run(
      await startStreamServer(60_000),
      benchmarkOf({ durationS: 60 }),
      { signal: interrupt.signal },
    )
    expect(logs).toMatchObject([{ ended: 'interrupted', issued: 4 }])
    expect(records.map(({ outcome }) => outcome.kind)).toEqual(Array(4).fill('cancelled'))
    expect(tookMs).toBeLessThan(5_000)
  })

  test('tell how far they are while they run', async () => {
    const seen: number[] = []
    const { logs } = await run(await startStreamServer(), benchmarkOf({}), {
      onProgress: ({ ended }) => seen.push(ended),
    })
    expect(seen.length).toBeGreaterThan(1)
    expect(seen).toEqual([...seen].sort((a, b) => a - b))
    expect(seen.at(-1)).toBe(logs[0]?.issued)
  })
})

describe('a measuring thread that dies', () => {
  test('is noticed within a second: the level ends, and says what was lost', async () => {
    let spawned = 0
    let second: MeasuringThread | undefined
    let killedAtMs = 0
    const spawn: SpawnThread = async (setup) => {
      const index = spawned++
      const thread = await spawnThread(setup)
      if (index === 1) second = thread
      return thread
    }
    const killOnce = (requests: number): void => {
      if (requests < 4) return
      killedAtMs = performance.now()
      second?.kill('killed by the test')
    }
    const { logs, records } = await run(
      await startStreamServer(60_000, killOnce),
      benchmarkOf({ durationS: 60 }),
      { spawn },
    )
    expect(performance.now() - killedAtMs).toBeLessThan(1_000)
    const [log] = logs
    // Two users each: the dead thread's two requests have no record, the other's were given up.
    expect(log).toMatchObject({
      ended: 'worker-died',
      issued: 4,
      lostWorkers: [{ worker: 1, reason: 'killed by the test', lostRequests: 2 }],
    })
    expect(records.map(({ outcome }) => outcome.kind)).toEqual(['cancelled', 'cancelled'])
  })

  test('of an error of ours says which', async () => {
    const spawn: SpawnThread = (setup) =>
      spawnThread({ ...setup, template: { ...setup.template, url: 'no address' } })
    const { logs, records } = await run(await startStreamServer(), benchmarkOf({}), { spawn })
    expect(logs).toMatchObject([{ ended: 'worker-died', issued: 0 }])
    expect(logs[0]?.lostWorkers?.map(({ reason }) => reason)).toEqual([
      'Invalid URL',
      'Invalid URL',
    ])
    expect(records).toEqual([])
  })

  test('no further level is begun without it', async () => {
    const spawn: SpawnThread = async (setup) => {
      const thread = await spawnThread(setup)
      setTimeout(() => thread.kill('gone'), 300)
      return thread
    }
    const load = { kind: 'closed', concurrency: [1, 2, 3] }
    const { logs } = await run(await startStreamServer(), benchmarkOf({ load }), { spawn })
    expect(logs.map(({ ended }) => ended)).toEqual(['worker-died'])
  })
})

describe('a level in which nothing moves any more', () => {
  /** A thread that takes a job, issues one request, and does nothing but live, or not even that. */
  function idleThread(alive: boolean): { spawn: SpawnThread; told: string[] } {
    const told: string[] = []
    const spawn: SpawnThread = async () => {
      let beats = 0
      let end: (reason: string) => void = () => {}
      const thread: MeasuringThread = {
        runLevel: (job) => {
          const cells = shareLevel(1, job.memory).ofShard(0)
          cells.set('issued', 1)
          const timer = setInterval(() => alive && cells.set('beats', ++beats), 20)
          return new Promise((resolve) => {
            end = (reason) => {
              clearInterval(timer)
              resolve({ kind: 'died', reason })
            }
          })
        },
        stop: (ended) => {
          told.push(ended)
          end(ended)
        },
        kill: (reason) => end(reason),
        close: async () => {},
      }
      return thread
    }
    return { spawn, told }
  }

  /** Time runs a hundred times as fast. */
  const fast = { nowMs: () => performance.now() * 100, sleepUntil: async () => {} }

  test('is given up once every timer should have run out', async () => {
    const { spawn, told } = idleThread(true)
    await run('http://127.0.0.1:1', benchmarkOf({}), { spawn, workers: 1, clock: fast })
    expect(told[0]).toBe('no-progress')
  })

  test('a thread that shows no sign of life is ended', async () => {
    const { spawn } = idleThread(false)
    const { logs } = await run('http://127.0.0.1:1', benchmarkOf({}), {
      spawn,
      workers: 1,
      clock: fast,
    })
    expect(logs).toMatchObject([
      {
        ended: 'worker-died',
        lostWorkers: [{ reason: 'did not answer for 10 s', lostRequests: 1 }],
      },
    ])
  })
})

describe('levels that are found while the run goes on', () => {
  test('are asked for one by one, each after what those before it came to, until there is none', async () => {
    const asked: number[] = []
    const { logs, records } = await run(await startStreamServer(), benchmarkOf({}), {
      nextLevel: async (done) => {
        asked.push(done.length)
        return done.length < 2 ? { kind: 'closed', concurrency: 1 + done.length } : undefined
      },
    })
    expect(asked).toEqual([0, 1, 2])
    expect(logs.map(({ load }) => load)).toEqual([
      { kind: 'closed', concurrency: 1 },
      { kind: 'closed', concurrency: 2 },
    ])
    expect(new Set(records.map(({ level }) => level))).toEqual(new Set([0, 1]))
    expect(new Set(records.map(({ id }) => id)).size).toBe(records.length)
  })

  test('are not asked for after an interrupt', async () => {
    const interrupt = new AbortController()
    let asked = 0
    const { logs } = await run(await startStreamServer(), benchmarkOf({ durationS: 60 }), {
      signal: interrupt.signal,
      onLevelStart: () => setTimeout(() => interrupt.abort('SIGINT'), 200),
      nextLevel: async () => {
        asked++
        return { kind: 'closed', concurrency: 1 }
      },
    })
    expect(logs.map(({ ended }) => ended)).toEqual(['interrupted'])
    expect(asked).toBe(1)
  })
})
