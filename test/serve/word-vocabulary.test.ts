import { expect, test } from 'vitest'
import { words } from '../../src/load/words.ts'
import { endToken, wordVocabulary } from '../../src/serve/word-vocabulary.ts'

test('each beginning of each word is one token, made by one merge, and shared beginnings come once', () => {
  const { tokens, merges } = wordVocabulary(['the', 'then', 'a'])
  // A space is written as Ġ.
  expect(tokens.slice(257)).toEqual(['Ġt', 'Ġth', 'Ġthe', 'Ġthen', 'Ġa'])
  expect(merges).toEqual(['Ġ t', 'Ġt h', 'Ġth e', 'Ġthe n', 'Ġ a'])
})

test('all 256 bytes come first, each as one character of its own', () => {
  const { tokens } = wordVocabulary([])
  expect(tokens).toHaveLength(257)
  expect(new Set(tokens.slice(0, 256)).size).toBe(256)
  expect(tokens.slice(0, 256).every((token) => [...token].length === 1)).toBe(true)
  expect(tokens[0x61]).toBe('a')
  expect(tokens[0x20]).toBe('Ġ')
  expect(tokens[0x0a]).toBe('Ċ')
  expect(tokens[256]).toBe(endToken)
})

test('only whole words and the end may be said', () => {
  const { tokens, speakable } = wordVocabulary(['the', 'then'])
  expect([...speakable].map((id) => tokens[id])).toEqual([endToken, 'Ġthe', 'Ġthen'])
})

test('the end is the only control token', () => {
  const { tokens, types } = wordVocabulary(words)
  expect(tokens.filter((_, id) => types[id] === 3)).toEqual([endToken])
})
