import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test, vi } from 'vitest'
import type { Engine } from '../../../src/serve/engine.ts'
import { EngineUnavailable, type LlamaEngine, llamaEngine } from '../../../src/serve/llama.ts'
import { startServer } from '../../../src/serve/openai-server.ts'
import { apiClient } from './api-client.ts'

const folder = mkdtempSync(join(tmpdir(), 'baremark-apis-'))
vi.stubEnv('BAREMARK_CACHE_DIR', folder)

/** Undefined where llama.cpp cannot run: its tests are then skipped. */
const told: string[] = []

async function tryLlama(): Promise<LlamaEngine | undefined> {
  try {
    return await llamaEngine({
      slots: 2,
      contextTokens: 1024,
      onTimings: (line) => told.push(line),
    })
  } catch (error) {
    if (!(error instanceof EngineUnavailable) || error.reason === 'no-model-file') throw error
    return undefined
  }
}

const engine = await tryLlama()
afterAll(async () => {
  await engine?.close()
  vi.unstubAllEnvs()
  rmSync(folder, { recursive: true })
})

describe.runIf(engine)('llama.cpp, run for real', () => {
  test.each(['openai-chat', 'openai-completions'] as const)(
    '%s: its count, ours by event and the chunks are the same number',
    async (name) => {
      const server = await startServer({ engine: engine as Engine, port: 0 })
      const client = apiClient(name, server.port, {
        model: engine?.model,
        forceLength: true,
        fields: { stream_options: { include_usage: true, continuous_usage_stats: true } },
      })
      const record = await client.ask()
      await server.close()
      expect(record.outcome).toEqual({ kind: 'completed' })
      expect(record.finishReason).toBe('length')
      expect(record.usage?.outputTokens).toBe(16)
      expect(record.chunkMs).toHaveLength(16)
      expect(record.chunkTokens).toEqual(Array(16).fill(1))
      expect(record.usage?.inputTokens).toBeGreaterThanOrEqual(2)
    },
  )

  test('its own timings count the tokens that the client counts', async () => {
    const server = await startServer({ engine: engine as Engine, port: 0 })
    const client = apiClient('openai-chat', server.port, {
      model: engine?.model,
      forceLength: true,
      fields: { stream_options: { include_usage: true } },
    })
    /** Lines come a moment after they were asked for, the number of graphs last. */
    const timings = async (): Promise<string[]> => {
      told.length = 0
      await engine?.tellTimings()
      await expect.poll(() => told.at(-1)).toContain('graphs reused')
      return [...told]
    }
    await timings()
    // One after the other: of a batch, llama.cpp counts every token as one of a prompt.
    const records = [await client.ask(), await client.ask(), await client.ask()]
    const lines = await timings()
    await server.close()
    const countOf = (what: RegExp): number =>
      lines.reduce((sum, line) => sum + Number(what.exec(line)?.[1] ?? 0), 0)
    const of = (key: 'inputTokens' | 'outputTokens'): number =>
      records.reduce((sum, { usage }) => sum + (usage?.[key] ?? 0), 0)
    expect(records.map(({ chunkMs }) => chunkMs.length)).toEqual([16, 16, 16])
    expect(of('outputTokens')).toBe(48)
    // Reading a prompt gives the first token of its answer; each step after it one more.
    expect(countOf(/prompt eval time =[^/]*\/ +(\d+) tokens/)).toBe(of('inputTokens'))
    expect(countOf(/ eval time =[^/]*\/ +(\d+) runs/)).toBe(of('outputTokens') - records.length)
  })
})
