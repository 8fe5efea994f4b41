import { describe, expect, test } from 'vitest'
import { identifyTarget } from '../../src/load/identify.ts'
import { changesOf, serverAfter } from '../../src/load/server-changes.ts'
import type { LaunchConfiguration, ServerIdentity } from '../../src/load/server-identity.ts'
import { startServer } from '../../src/serve/openai-server.ts'
import { simulatedEngine } from '../../src/serve/simulated.ts'
import { runLog } from '../measure/records.ts'

const told = <T>(value: T, source = 'GET /v1/models: max_model_len') => ({ value, source })
const server = (
  parts: Partial<ServerIdentity> = {},
  launch: LaunchConfiguration = {},
): ServerIdentity => ({ kind: 'vllm', proof: 'x', version: told('0.9.1'), launch, ...parts })
const before = { ...runLog().target, server: server({}, { kvCacheTokens: told(1000) }) }
const seen = (parts: Partial<Parameters<typeof changesOf>[1]> = {}) => ({
  server: server({}, { kvCacheTokens: told(1000) }),
  models: ['m'],
  simulated: false,
  ...parts,
})

describe('a server after a run', () => {
  test('that tells the same is unchanged', () => {
    expect(changesOf(before, seen())).toEqual({ changes: [] })
  })

  test('with another version, option or model is another one', () => {
    const changed = server({ version: told('0.9.2') }, { kvCacheTokens: told(500) })
    expect(changesOf(before, seen({ server: changed, models: ['other'] }))).toEqual({
      changes: [
        'The model m is no longer offered.',
        'Version was 0.9.1 and is 0.9.2.',
        'KV cache tokens was 1000 and is 500.',
      ],
    })
    expect(changesOf(before, seen({ server: server({ kind: 'sglang' }) }))).toMatchObject({
      changes: ['Server was vllm and is sglang.'],
    })
  })

  test('is held to what both accounts have from one source', () => {
    const silent = server({ version: undefined }, {})
    expect(changesOf(before, seen({ server: silent, models: [] }))).toEqual({ changes: [] })
    const elsewhere = server({}, { kvCacheTokens: told(7, 'GET /metrics: cache_config_info') })
    expect(changesOf(before, seen({ server: elsewhere }))).toEqual({ changes: [] })
  })

  test('that no longer tells what it is may still be the same', () => {
    expect(changesOf(before, seen({ server: server({ kind: 'openai' }) }))).toEqual({
      unknown: 'it no longer told what it is',
    })
  })
})

test('a real server is asked again: the same one, another one, and none', async () => {
  const first = await startServer({ engine: simulatedEngine({}), port: 0 })
  const url = new URL(first.url)
  const identity = await identifyTarget(url, undefined, { insecure: false })
  expect(await serverAfter(url, identity, { insecure: false })).toEqual({ changes: [] })
  const second = await startServer({ engine: simulatedEngine({ contextTokens: 1024 }), port: 0 })
  expect(await serverAfter(new URL(second.url), identity, { insecure: false })).toEqual({
    changes: ['Context length was 32768 and is 1024.'],
  })
  await Promise.all([first.close(), second.close()])
  expect(await serverAfter(url, identity, { insecure: false })).toMatchObject({
    unknown: expect.any(String),
  })
})
