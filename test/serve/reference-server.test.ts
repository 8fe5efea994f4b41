import { describe, expect, test } from 'vitest'
import type { ServerStamp } from '../../src/measure/instrument.ts'
import { type Overload, startServer } from '../../src/serve/openai-server.ts'
import { type SimulatedOptions, simulatedEngine } from '../../src/serve/simulated.ts'

/** What a client of no relation to baremark sees of one answer, ms from when it asked. */
interface Seen {
  readonly status: number
  readonly ttftMs: number
  readonly tpotMs: number
  readonly chunks: number
}

async function ask(url: string, promptTokens: number, outputTokens: number): Promise<Seen> {
  const startMs = performance.now()
  const response = await fetch(`${url}/v1/completions`, {
    method: 'POST',
    body: JSON.stringify({
      model: 'simulated',
      prompt: 'word '.repeat(promptTokens),
      max_tokens: outputTokens,
      ignore_eos: true,
      stream: true,
    }),
  })
  const at: number[] = []
  for await (const part of response.body ?? []) {
    const ms = performance.now() - startMs
    for (const _ of Buffer.from(part)
      .toString()
      .matchAll(/"text":" /g))
      at.push(ms)
  }
  const [first = Number.NaN] = at
  const tpotMs = ((at.at(-1) ?? Number.NaN) - first) / (outputTokens - 1)
  return { status: response.status, ttftMs: first, tpotMs, chunks: at.length }
}

interface Asked {
  readonly promptTokens: number
  readonly outputTokens: number
  /** When it is asked, ms after the first. */
  readonly atMs?: number
}

async function measure(
  law: Partial<SimulatedOptions>,
  asked: readonly Asked[],
  overload?: Overload,
): Promise<{ seen: Seen[]; stamps: ServerStamp[] }> {
  return withServer(law, overload, (url) =>
    Promise.all(
      asked.map(async ({ promptTokens, outputTokens, atMs = 0 }) => {
        await new Promise((resolve) => setTimeout(resolve, atMs))
        return ask(url, promptTokens, outputTokens)
      }),
    ),
  )
}

async function withServer<T>(
  law: Partial<SimulatedOptions>,
  overload: Overload | undefined,
  use: (url: string) => Promise<T>,
): Promise<{ seen: T; stamps: ServerStamp[] }> {
  const stamps: ServerStamp[] = []
  const server = await startServer({
    engine: simulatedEngine({ jitterRatio: 0, ...law }),
    port: 0,
    overload,
    onStamp: (stamp) => stamps.push(stamp),
  })
  try {
    // A connection's and a process's first request is slow for reasons that no law tells of.
    await ask(server.url, 1, 2)
    return { seen: await use(server.url), stamps }
  } finally {
    await server.close()
  }
}

/** Never earlier than the law but for the rounding of clocks, and later by what this machine adds. */
const EARLIER_MS = 1
const LATER_MS = 30

function expectMs(seenMs: number | undefined, predictedMs: number): void {
  expect(seenMs).toBeGreaterThan(predictedMs - EARLIER_MS)
  expect(seenMs).toBeLessThan(predictedMs + LATER_MS)
}

/** The timetable is absolute: over an answer the lateness of a machine averages out. */
function expectTpotMs(seenMs: number | undefined, predictedMs: number): void {
  expect(seenMs).toBeGreaterThan(predictedMs * 0.95)
  expect(seenMs).toBeLessThan(predictedMs * 1.05)
}

/** A prompt token takes 1 ms, a step 8 ms and 2 more for each answer in it. */
const law: Partial<SimulatedOptions> = {
  prefillTokensPerS: 1000,
  decodeBaseMs: 8,
  decodePerSequenceMs: 2,
  slots: 8,
}

describe('TTFT and TPOT are those that docs/reference-server.md predicts', { retry: 2 }, () => {
  test('alone: n / P, and a + b', async () => {
    const { seen } = await measure(law, [{ promptTokens: 120, outputTokens: 31 }])
    // 120 / 1000 s; 8 + 2 x 1.
    expectMs(seen[0]?.ttftMs, 120)
    expectTpotMs(seen[0]?.tpotMs, 10)
  })

  test('k at once: the prompts one after the other, then shared steps', async () => {
    const asked = Array.from({ length: 4 }, () => ({ promptTokens: 50, outputTokens: 41 }))
    const { seen } = await measure(law, asked)
    const ttftsMs = seen.map(({ ttftMs }) => ttftMs).sort((a, b) => a - b)
    // The i-th prompt is read at i x 50 ms; a step of four takes 8 + 2 x 4 = 16 ms.
    for (const [i, ttftMs] of ttftsMs.entries()) expectMs(ttftMs, 50 * (i + 1))
    const last = seen.find(({ ttftMs }) => ttftMs === ttftsMs[3])
    expectTpotMs(last?.tpotMs, 16)
    // The first had to wait for three more prompts: (3 x 50 + 40 x 16) / 40.
    const first = seen.find(({ ttftMs }) => ttftMs === ttftsMs[0])
    expectTpotMs(first?.tpotMs, 19.75)
  })

  test('k users in a closed loop: a round is all prompts and then the shared steps', async () => {
    const rounds = 3
    const { seen: tookMs } = await withServer(law, undefined, async (url) => {
      const startMs = performance.now()
      const user = async (): Promise<void> => {
        for (let round = 0; round < rounds; round++) await ask(url, 20, 21)
      }
      await Promise.all([user(), user(), user()])
      return performance.now() - startMs
    })
    // 3 x 20 + 20 x (8 + 2 x 3) = 340 ms.
    expect(tookMs).toBeGreaterThan(rounds * 340 - EARLIER_MS)
    expect(tookMs).toBeLessThan(rounds * (340 + LATER_MS))
  })

  test('beyond the slots the next waits for a whole answer', async () => {
    const asked = [0, 1].map((i) => ({ promptTokens: 40, outputTokens: 21, atMs: i * 10 }))
    const { seen } = await measure({ ...law, slots: 1 }, asked)
    // The first is done after 40 + 20 x 10 = 240 ms; the second came at 10 and takes 40 more.
    expectMs(seen[0]?.ttftMs, 40)
    expectMs(seen[1]?.ttftMs, 240 - 10 + 40)
    expectTpotMs(seen[1]?.tpotMs, 10)
  })

  test('g tokens a chunk: the first chunk comes with its last token', async () => {
    const { seen } = await measure({ ...law, tokensPerChunk: 5 }, [
      { promptTokens: 60, outputTokens: 22 },
    ])
    // 60 + 4 x 10; 5, 5, 5, 5 and 2 tokens.
    expectMs(seen[0]?.ttftMs, 100)
    expect(seen[0]?.chunks).toBe(5)
  })

  test('a known beginning of the prompt takes no time', async () => {
    const asked = [0, 300].map((atMs) => ({ promptTokens: 100, outputTokens: 2, atMs }))
    const { seen } = await measure({ ...law, prefixCache: true }, asked)
    expectMs(seen[0]?.ttftMs, 100)
    expectMs(seen[1]?.ttftMs, 0)
  })

  test('slow start: all that begins in the first seconds takes f times as long', async () => {
    // The request of no account before these begins the first work: 1 ms and a step of 10, twice that.
    const cold = { slowStartS: 0.4, slowStartFactor: 2 }
    const asked = [0, 600].map((atMs) => ({ promptTokens: 50, outputTokens: 11, atMs }))
    const { seen } = await measure({ ...law, ...cold }, asked)
    expectMs(seen[0]?.ttftMs, 100)
    expectTpotMs(seen[0]?.tpotMs, 20)
    expectMs(seen[1]?.ttftMs, 50)
    expectTpotMs(seen[1]?.tpotMs, 10)
  })

  test('KV limit: a request waits until its prompt and answer fit', async () => {
    const asked = [0, 10].map((atMs) => ({ promptTokens: 40, outputTokens: 21, atMs }))
    const { seen } = await measure({ ...law, kvTokens: 100 }, asked)
    // 61 + 61 tokens do not fit into 100, so it is as with one slot.
    expectMs(seen[1]?.ttftMs, 240 - 10 + 40)
  })
})

test('overload: beyond slots and queue a request is refused at once, and told when to come again', async () => {
  const asked = [0, 5, 10].map((atMs) => ({ promptTokens: 100, outputTokens: 11, atMs }))
  const law1 = { ...law, slots: 1 }
  for (const status of [429, 503] as const) {
    const { seen, stamps } = await measure(law1, asked, { maxWaiting: 1, status })
    expect(seen.map((each) => each.status)).toEqual([200, 200, status])
    expect(stamps.map(({ ended }) => ended)).toEqual(['length', 'refused', 'length', 'length'])
  }
  const { seen } = await measure(law1, asked, { maxWaiting: 2, status: 429 })
  expect(seen.map(({ status }) => status)).toEqual([200, 200, 200])
})

test('an overloaded server words it as OpenAI does, and has no queue where none is allowed', async () => {
  const engine = simulatedEngine({ ...law, slots: 1, prefillTokensPerS: 20 })
  const overload = { maxWaiting: 0, status: 429 } as const
  const server = await startServer({ engine, port: 0, overload })
  const post = (): Promise<Response> =>
    fetch(`${server.url}/v1/completions`, {
      method: 'POST',
      body: JSON.stringify({ model: 'simulated', prompt: 'a b c d e', max_tokens: 1 }),
    })
  const first = post()
  await expect.poll(() => server.stats().running).toBe(1)
  const second = await post()
  expect(second.status).toBe(429)
  expect(second.headers.get('retry-after')).toBe('1')
  expect(await second.json()).toMatchObject({
    error: { code: 'overloaded', message: 'the server is overloaded: 1 requests run and 0 wait' },
  })
  expect((await first).status).toBe(200)
  // Its place is free again.
  expect((await post()).status).toBe(200)
  expect(server.stats()).toMatchObject({ requests: 3, refused: 1, finishedByLength: 2 })
  await server.close()
})

test('every byte of a stream has a stamp: its head, each chunk, its end, in this order', async () => {
  const { stamps } = await measure(law, [{ promptTokens: 5, outputTokens: 3 }])
  for (const stamp of stamps) {
    const { receivedMonotonicMs, openedMonotonicMs, chunkMonotonicMs, closedMonotonicMs } = stamp
    const times = [receivedMonotonicMs, openedMonotonicMs, ...chunkMonotonicMs, closedMonotonicMs]
    const known = times.filter((ms) => ms !== undefined)
    expect(known.length).toBe(times.length)
    expect(known).toEqual(known.toSorted((a, b) => a - b))
  }
})
