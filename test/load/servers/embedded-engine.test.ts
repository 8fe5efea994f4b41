import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test, vi } from 'vitest'
import type { Engine } from '../../../src/serve/engine.ts'
import { EngineUnavailable, llamaEngine } from '../../../src/serve/llama.ts'
import { startServer } from '../../../src/serve/openai-server.ts'
import { apiClient } from './api-client.ts'

const folder = mkdtempSync(join(tmpdir(), 'baremark-apis-'))
vi.stubEnv('BAREMARK_CACHE_DIR', folder)

/** Undefined where llama.cpp cannot run: its tests are then skipped. */
async function tryLlama(): Promise<Engine | undefined> {
  try {
    return await llamaEngine({ slots: 2, contextTokens: 1024 })
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
})
