import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import {
  encodeRandomModel,
  type ModelRecipe,
  randomModelFile,
  randomModelName,
} from '../../src/serve/random-model.ts'

const recipe: ModelRecipe = {
  seed: 1,
  shape: {
    embedding: 8,
    layers: 2,
    heads: 2,
    headSize: 4,
    feedForward: 16,
    contextTokens: 64,
  },
  words: ['the', 'then', 'a'],
}

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'baremark-model-'))
  vi.stubEnv('BAREMARK_CACHE_DIR', join(folder, 'cache'))
})
afterEach(() => {
  vi.unstubAllEnvs()
  rmSync(folder, { recursive: true })
})

test('the header counts the tensors of every layer and those around them', () => {
  const bytes = Buffer.from(encodeRandomModel(recipe))
  expect(bytes.toString('latin1', 0, 4)).toBe('GGUF')
  expect(bytes.readUInt32LE(4)).toBe(3)
  // 9 in each of 2 layers; embedding, last norm and output.
  expect(bytes.readBigUInt64LE(8)).toBe(21n)
  expect(bytes.length % 32).toBe(0)
})

test('the same recipe makes the same bytes, another seed others of the same number', () => {
  const bytes = Buffer.from(encodeRandomModel(recipe))
  const other = Buffer.from(encodeRandomModel({ ...recipe, seed: 2 }))
  expect(bytes.equals(encodeRandomModel(recipe))).toBe(true)
  expect(bytes.equals(other)).toBe(false)
  expect(other.length).toBe(bytes.length)
})

test('the file is written once, whole, and nothing else is left beside it', async () => {
  const file = await randomModelFile(recipe)
  const writtenMs = statSync(file).mtimeMs
  expect(readFileSync(file).equals(encodeRandomModel(recipe))).toBe(true)
  expect(await randomModelFile(recipe)).toBe(file)
  expect(statSync(file).mtimeMs).toBe(writtenMs)
  expect(readdirSync(join(folder, 'cache'))).toEqual([`${randomModelName(recipe)}.gguf`])
})

test('processes that write it at the same time do not disturb each other', async () => {
  const files = await Promise.all([1, 2, 3, 4].map(() => randomModelFile(recipe)))
  expect(new Set(files).size).toBe(1)
  expect(readdirSync(join(folder, 'cache'))).toHaveLength(1)
})

test('any change of the recipe changes the name', () => {
  const names = [
    recipe,
    { ...recipe, seed: 2 },
    { ...recipe, words: ['the', 'a', 'then'] },
    { ...recipe, shape: { ...recipe.shape, layers: 3 } },
  ].map(randomModelName)
  expect(new Set(names).size).toBe(4)
  expect(names[0]).toMatch(/^random-llama-[0-9a-f]{12}$/)
})
