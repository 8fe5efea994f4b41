import { setImmediate } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import type { Access } from '../../src/load/get.ts'
import type { ServerIdentity, ServerKindName } from '../../src/load/server-identity.ts'
import { countByServer } from '../../src/load/server-tokenizer.ts'
import { createPlan } from '../../src/load/workloads/plan.ts'
import { type Json, type Page, type Reply, startReplay } from './replay-server.ts'
import { vllmReplay } from './replays.ts'
import { startScriptedServer, write } from './scripted-server.ts'
import { selfSigned } from './self-signed.ts'
import { socketFile } from './socket-file.ts'
import { mergingTokens } from './speaking-servers.ts'

const open: Access = { insecure: false }
const never = new AbortController().signal

function target(kind: ServerKindName): { model: string; server: ServerIdentity } {
  return { model: 'm', server: { kind, proof: '', launch: {} } }
}

/** A vLLM whose tokenizer endpoint does this. */
function serving(tokenize: (body: Json) => Reply | Promise<Reply>, socketPath?: string) {
  return startReplay({ ...vllmReplay, replies: { '/tokenize': tokenize } }, socketPath)
}

const counted = (count: number): Page => ({ body: { count, max_model_len: 9, tokens: [] } })
const merging = ({ prompt }: Json): Page => counted(1 + mergingTokens(prompt as string))

async function countAt(url: URL, { kind = 'vllm' as ServerKindName, signal = never } = {}) {
  return countByServer(url, target(kind), open, [64, 1_000], signal)
}

async function bookAt(url: URL) {
  const result = await countAt(url)
  if (!('counted' in result)) throw new Error(result.notCounted)
  return result.counted
}

describe("words counted by the server's endpoint", () => {
  test('make prompts of exactly the length asked, though it merges words across spaces', async () => {
    const { url } = await serving(merging)
    const { wordbook, by } = await bookAt(url)
    expect(by).toEqual({ kind: 'server-tokenizer', path: '/tokenize' })
    // "d" at the end of a word takes the next one in.
    expect(wordbook.words.filter((word) => word.endsWith('d'))).toEqual([])
    expect(wordbook.words).toHaveLength(64)
    // The begin mark is the template's.
    expect(wordbook.leadTokens).toBe(0)
    for (const inputTokens of [24, 31, 64, 257, 1_777]) {
      const plan = createPlan(
        { kind: 'synthetic', inputTokens, outputTokens: 1 },
        { seed: 1, salt: 'now', level: 0, wordbook, overheadTokens: 9 },
      )
      if (plan.kind !== 'requests') throw new Error(plan.kind)
      for (const number of [0, 1, 12_345]) {
        const { prompt, inputTokens: told } = plan.requestAt(number)
        expect([mergingTokens(prompt as string) + 9, told]).toEqual([inputTokens, inputTokens])
      }
    }
  })

  test('cost it under 5,000 small requests, at most 4 at a time', async () => {
    let under = 0
    let most = 0
    const { url, asked } = await serving(async (body) => {
      under++
      most = Math.max(most, under)
      await setImmediate()
      under--
      return merging(body)
    })
    await bookAt(url)
    expect(asked.length).toBeGreaterThan(64 * 64)
    expect(asked.length).toBeLessThan(5_000)
    expect(new Set(asked)).toEqual(new Set(['POST /tokenize']))
    expect(most).toBeGreaterThan(1)
    expect(most).toBeLessThanOrEqual(4)
  })

  test('are as exact where it refuses an empty text: the begin mark then counts with each', async () => {
    const { url } = await serving((body) =>
      body.prompt === '' ? { status: 400, body: { error: 'empty' } } : merging(body),
    )
    const { wordbook } = await bookAt(url)
    const plan = createPlan(
      { kind: 'synthetic', inputTokens: 100, outputTokens: 1 },
      { seed: 1, salt: 'now', level: 0, wordbook, overheadTokens: 8 },
    )
    if (plan.kind !== 'requests') throw new Error(plan.kind)
    const { prompt } = plan.requestAt(3)
    expect(mergingTokens(prompt as string) + 1 + 8).toBe(100)
  })

  test('are asked for on a Unix socket too', async () => {
    const { url } = await serving(merging, socketFile())
    expect((await bookAt(url)).wordbook.words).toHaveLength(64)
  })
})

describe('a server that cannot count', () => {
  test('is not asked where its kind is not known to have an endpoint for it', async () => {
    const { url, asked } = await serving(merging)
    for (const kind of ['ollama', 'lm-studio', 'triton', 'openai', 'baremark'] as const)
      expect(await countAt(url, { kind })).toEqual({})
    expect(asked).toEqual([])
  })

  test.each<[string, Reply, string]>([
    ['has no such endpoint', { status: 404, body: { detail: 'Not Found' } }, 'HTTP 404'],
    ['redirects', { status: 307, headers: { location: '/x' }, body: '' }, 'HTTP 307'],
    ['answers with an error', { body: { error: 'no' } }, 'an answer without a count'],
    ['answers with a page', { body: '<html>' }, 'an answer without a count'],
  ])('is left alone at once when it %s, and that is the reason', async (_, reply, reason) => {
    const { url, asked } = await serving(() => reply)
    expect(await countAt(url)).toEqual({ notCounted: `POST /tokenize: ${reason}` })
    expect(asked).toHaveLength(1)
  })

  test('is left alone when it gives up half-way', async () => {
    let count = 0
    const { url, asked } = await serving((body) =>
      ++count > 1_000 ? { status: 503, body: '' } : merging(body),
    )
    expect(await countAt(url)).toEqual({ notCounted: 'POST /tokenize: HTTP 503' })
    expect(asked.length).toBeLessThan(1_010)
  })

  test('is not believed when it counts the same text otherwise each time', async () => {
    let drift = 0
    const { url } = await serving(({ prompt }) =>
      counted((prompt as string).split(' ').length + (drift++ % 2)),
    )
    expect(await countAt(url)).toEqual({
      notCounted: 'POST /tokenize: too few words keep their tokens to themselves',
    })
  })

  test('is not waited for', async () => {
    const { port } = await startScriptedServer([() => {}])
    const url = new URL(`http://127.0.0.1:${port}`)
    expect(await countAt(url)).toEqual({ notCounted: 'POST /tokenize: no answer within 5 s' })
  })
})

test('an interrupt ends the counting, and is no reason to go on without', async () => {
  const interrupt = new AbortController()
  let count = 0
  const { url } = await serving((body) => {
    if (++count === 300) interrupt.abort('SIGINT')
    return merging(body)
  })
  await expect(countAt(url, { signal: interrupt.signal })).rejects.toBe('SIGINT')
})

test('the key goes along, and the certificate is checked as in any request', async () => {
  const { key, cert } = selfSigned()
  const refusal = 'HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n'
  const { port, requests } = await startScriptedServer([write(refusal)], { key, cert })
  const url = new URL(`https://127.0.0.1:${port}`)
  const ask = (access: Access) =>
    countByServer(url, target('vllm'), { apiKey: 'sk-1', ...access }, [64], never)
  expect(await ask(open)).toEqual({ notCounted: expect.stringMatching(/self-signed/) })
  expect(requests).toEqual([])
  expect(await ask({ insecure: false, ca: cert })).toEqual({
    notCounted: 'POST /tokenize: HTTP 403',
  })
  expect(requests[0]).toMatch(/^POST \/tokenize HTTP\/1.1\r\n/)
  expect(requests[0]).toMatch(/^authorization: Bearer sk-1\r$/m)
  expect(requests[0]).toMatch(/\r\n\r\n\{"model":"m","prompt":"a word"\}$/)
})
