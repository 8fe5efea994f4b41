import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { words } from '../../src/load/words.ts'
import type { Engine, GenerateRequest, Piece } from '../../src/serve/engine.ts'
import { EngineUnavailable, type LlamaOptions, llamaEngine } from '../../src/serve/llama.ts'
import { startServer } from '../../src/serve/openai-server.ts'
import { defaultRecipe, encodeRandomModel } from '../../src/serve/random-model.ts'

const folder = mkdtempSync(join(tmpdir(), 'baremark-llama-'))
vi.stubEnv('BAREMARK_CACHE_DIR', folder)

/** Undefined, with the reason told, where llama.cpp cannot run: its tests are then skipped. */
async function tryLlama(options: LlamaOptions): Promise<Engine | undefined> {
  try {
    return await llamaEngine(options)
  } catch (error) {
    if (!(error instanceof EngineUnavailable) || error.reason === 'no-model-file') throw error
    console.warn(`llama.cpp tests are skipped: ${error.message}`)
    return undefined
  }
}

const engine = await tryLlama({ slots: 2, contextTokens: 1024 })
afterAll(async () => {
  await engine?.close()
  vi.unstubAllEnvs()
  rmSync(folder, { recursive: true })
})

function ask(more: Partial<GenerateRequest> = {}): GenerateRequest {
  const { signal } = new AbortController()
  return { prompt: ' the large river', maxTokens: 32, minTokens: 32, seed: 1, signal, ...more }
}

async function read(pieces: AsyncIterable<Piece>): Promise<Piece[]> {
  const all: Piece[] = []
  for await (const piece of pieces) all.push(piece)
  return all
}

const textOf = (pieces: readonly Piece[]): string => pieces.map(({ text }) => text).join('')

function tokensOf(pieces: readonly Piece[]): number {
  return pieces.reduce((total, { tokens }) => total + tokens, 0)
}

describe.runIf(engine)('llama.cpp with random weights', () => {
  const llama = engine as Engine

  test('says what it is', () => {
    expect(llama).toMatchObject({
      name: 'llama.cpp',
      simulated: false,
      weights: 'random',
      slots: 2,
      contextTokens: 1024,
    })
    expect(llama.model).toMatch(/^random-llama-[0-9a-f]{12}$/)
  })

  test('every word of the list is one token after a space', () => {
    expect(words.filter((word) => llama.countTokens(` ${word}`) !== 1)).toEqual([])
    expect(llama.countTokens(words.map((word) => ` ${word}`).join(''))).toBe(words.length)
  })

  test('what is no word of the list is counted byte by byte', () => {
    // The space, then the three bytes of the sign.
    expect(llama.countTokens(' €')).toBe(4)
  })

  test('each token is visible text, and the text has as many tokens as were said', async () => {
    const pieces = await read(llama.generate(ask({ maxTokens: 100, minTokens: 100 })))
    expect(pieces).toHaveLength(100)
    expect(pieces.every(({ text, tokens }) => text !== '' && tokens === 1)).toBe(true)
    expect(llama.countTokens(textOf(pieces))).toBe(100)
    expect(new Set(pieces.map(({ text }) => text)).size).toBeGreaterThan(20)
  })

  test('nothing of one answer is left for the next: the same seed says the same', async () => {
    const one = textOf(await read(llama.generate(ask({ seed: 7 }))))
    const other = textOf(await read(llama.generate(ask({ seed: 8 }))))
    const again = textOf(await read(llama.generate(ask({ seed: 7 }))))
    expect(again).toBe(one)
    expect(other).not.toBe(one)
  })

  test('answers in the slots advance together, and the third waits its turn', async () => {
    const order: number[] = []
    const asked = [1, 2, 3].map(async (seed) => {
      for await (const _piece of llama.generate(ask({ seed }))) order.push(seed)
    })
    expect(llama.occupancy()).toEqual({ running: 1, waiting: 2 })
    await Promise.all(asked)
    const first = [order.indexOf(1), order.indexOf(2), order.indexOf(3)]
    expect(first[1]).toBeLessThan(order.lastIndexOf(1))
    expect(first[2]).toBeGreaterThan(Math.min(order.lastIndexOf(1), order.lastIndexOf(2)))
    expect(llama.occupancy()).toEqual({ running: 0, waiting: 0 })
  })

  test('an aborted answer ends at once and gives its slot to who waits', async () => {
    const leaving = new AbortController()
    const long = { maxTokens: 900, minTokens: 900, signal: leaving.signal }
    const leavers = [1, 2].map((seed) => read(llama.generate(ask({ ...long, seed }))))
    const waiter = read(llama.generate(ask({ maxTokens: 2 })))
    await new Promise((resolve) => setTimeout(resolve, 20))
    leaving.abort()
    expect(llama.occupancy()).toEqual({ running: 0, waiting: 1 })
    expect(tokensOf(await waiter)).toBe(2)
    for (const left of await Promise.all(leavers)) expect(tokensOf(left)).toBeLessThan(900)
  })

  test('a prompt longer than one batch is read whole', async () => {
    const prompt = ' river'.repeat(900)
    const one = textOf(await read(llama.generate(ask({ prompt }))))
    const other = textOf(await read(llama.generate(ask({ prompt: ` large${prompt.slice(6)}` }))))
    expect(one).not.toBe(other)
  })

  test('over HTTP a chat of three words is three tokens and one of the template', async () => {
    const server = await startServer({ engine: llama, port: 0 })
    const response = await fetch(`${server.url}/v1/chat/completions`, {
      method: 'POST',
      body: JSON.stringify({
        model: llama.model,
        messages: [{ role: 'user', content: 'the large river' }],
        max_tokens: 5,
        ignore_eos: true,
      }),
    })
    expect(await response.json()).toMatchObject({
      usage: { prompt_tokens: 4, completion_tokens: 5, total_tokens: 9 },
      choices: [{ finish_reason: 'length' }],
    })
    await server.close()
  })
})

describe.runIf(engine)('llama.cpp with a model that ends every other token', () => {
  let ending: Engine
  beforeAll(async () => {
    const shape = { ...defaultRecipe.shape, embedding: 32, layers: 1, feedForward: 32 }
    const modelFile = join(folder, 'ending.gguf')
    writeFileSync(modelFile, encodeRandomModel({ seed: 1, shape, words: ['a'] }))
    ending = await llamaEngine({ modelFile, slots: 1, contextTokens: 256 })
  })
  afterAll(() => ending.close())

  test('a model of one’s own is not called random', () => {
    expect(ending).toMatchObject({ model: 'ending', weights: 'trained' })
  })

  test('its end is passed over until the tokens asked for are said', async () => {
    const pieces = await read(ending.generate(ask({ maxTokens: 60, minTokens: 60 })))
    expect(tokensOf(pieces)).toBe(60)
    expect(new Set(pieces.map(({ text }) => text))).toEqual(new Set([' a', '\n']))
  })

  test('its end ends the answer otherwise, but never before the first token', async () => {
    for (const seed of [1, 2, 3, 4]) {
      const tokens = tokensOf(
        await read(ending.generate(ask({ maxTokens: 200, minTokens: 0, seed }))),
      )
      expect(tokens).toBeGreaterThanOrEqual(1)
      expect(tokens).toBeLessThan(200)
    }
  })
})

describe.runIf(engine)('where llama.cpp cannot run it says why', () => {
  afterEach(() => vi.stubEnv('BAREMARK_CACHE_DIR', folder))

  test('a model that is not there', async () => {
    const opening = llamaEngine({ modelFile: join(folder, 'absent.gguf') })
    await expect(opening).rejects.toMatchObject({ reason: 'not-loaded', exitCode: 3 })
  })

  test('a cache folder that cannot be made', async () => {
    writeFileSync(join(folder, 'file'), '')
    vi.stubEnv('BAREMARK_CACHE_DIR', join(folder, 'file', 'cache'))
    await expect(llamaEngine()).rejects.toMatchObject({ reason: 'no-model-file', exitCode: 3 })
  })
})
