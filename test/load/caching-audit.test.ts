import { describe, expect, test } from 'vitest'
import { auditCaching, auditLengths } from '../../src/load/caching-audit.ts'
import { startClock } from '../../src/load/clock.ts'
import { resolveEndpoint } from '../../src/load/http/connection.ts'
import { createSender } from '../../src/load/send.ts'
import { serverApis } from '../../src/load/servers/index.ts'
import { startServer } from '../../src/serve/openai-server.ts'
import { type SimulatedOptions, simulatedEngine } from '../../src/serve/simulated.ts'
import { benchmark } from '../measure/records.ts'

async function auditOf(law: Partial<SimulatedOptions>, signal = new AbortController().signal) {
  const server = await startServer({ engine: simulatedEngine(law), port: 0 })
  const { clock } = startClock()
  const sender = createSender({
    endpoint: await resolveEndpoint(new URL(server.url), { insecure: false }),
    api: serverApis['openai-chat'],
    clock,
    timeouts: benchmark().timeouts,
  })
  try {
    return await auditCaching(
      sender.send,
      {
        api: serverApis['openai-chat'],
        url: server.url,
        model: 'simulated',
        userAgent: 'test',
        forceLength: true,
        idPrefix: 'test',
      },
      {
        clock,
        seed: 1,
        salt: 'now',
        prompts: { kind: 'usage', overheadTokens: 0, tokensPerWord: 1 },
        inputTokens: 64,
        outputTokens: 2,
        signal,
      },
    )
  } finally {
    sender.close()
    await server.close()
  }
}

/** 64 tokens take 32 ms to read, and two answers a step of 1 ms. */
const law = { prefillTokensPerS: 2000, decodeBaseMs: 1, decodePerSequenceMs: 0, jitterRatio: 0 }
const medianOf = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN

describe('thirty pairs', () => {
  test('take the same time on a server that remembers nothing', async () => {
    const { pairs, failed, cutShort } = await auditOf(law)
    expect([pairs.length, failed, cutShort]).toEqual([30, 0, undefined])
    expect(medianOf(pairs.map(({ unique }) => unique.ttftMs))).toBeGreaterThanOrEqual(32)
    expect(medianOf(pairs.map(({ identical }) => identical.ttftMs))).toBeGreaterThanOrEqual(32)
  })

  test('show a prefix cache: what was asked before is not read again, and no two others are alike', async () => {
    const { pairs } = await auditOf({ ...law, prefixCache: true })
    expect(pairs.every(({ unique }) => unique.ttftMs >= 32)).toBe(true)
    // From the first pair on: the prompt was asked once before them.
    expect(medianOf(pairs.map(({ identical }) => identical.ttftMs))).toBeLessThan(16)
  })

  test('are not begun after an interrupt', async () => {
    const interrupted = AbortSignal.abort()
    expect(await auditOf(law, interrupted)).toMatchObject({ pairs: [], cutShort: 'interrupted' })
  })
})

test('lengths are those of the workload, where it says and they are quick to ask', () => {
  expect(auditLengths(benchmark().workload)).toEqual({ inputTokens: 16, outputTokens: 8 })
  const long = { kind: 'synthetic', inputTokens: 100_000, outputTokens: 1000 } as const
  expect(auditLengths(long)).toEqual({ inputTokens: 8192, outputTokens: 32 })
  const file = { kind: 'dataset', file: 'a.jsonl', format: 'jsonl' } as const
  expect(auditLengths(file as never)).toEqual({ inputTokens: 512, outputTokens: 32 })
})
