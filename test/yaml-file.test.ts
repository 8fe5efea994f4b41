import { describe, expect, test } from 'vitest'
import { UserError } from '../src/errors.ts'
import { benchmarkSchema } from '../src/load/benchmark.ts'
import { parseYaml, readYamlFile } from '../src/yaml-file.ts'

const good = `schemaVersion: 1
name: b
workload: { kind: synthetic, inputTokens: 8, outputTokens: 8 }
load:
  kind: closed
  concurrency: [1, 2]
durationS: 5
`

function messageFor(text: string): string {
  try {
    parseYaml(text, 'b.yaml', benchmarkSchema)
  } catch (error) {
    if (error instanceof UserError) return error.message
    throw error
  }
  return 'accepted'
}

describe('a mistake in a YAML file is told with its place', () => {
  test('a good file is accepted', () => {
    expect(messageFor(good)).toBe('accepted')
  })

  test('a wrong type, at the value', () => {
    expect(messageFor(good.replace('[1, 2]', '[1, two]'))).toMatch(
      /^b\.yaml:6:20: load\.concurrency\.1: .*expected number/,
    )
  })

  test('an unknown key, at the key', () => {
    expect(messageFor(`${good}warmup: 5\n`)).toBe('b.yaml:8:1: warmup: unknown key "warmup"')
  })

  test('an unknown key inside, at the key', () => {
    expect(messageFor(good.replace('  concurrency', '  users: 3\n  concurrency'))).toBe(
      'b.yaml:6:3: load.users: unknown key "users"',
    )
  })

  test('broken syntax, where it breaks', () => {
    expect(messageFor(good.replace('[1, 2]', '[1, 2'))).toMatch(/^b\.yaml:\d+:\d+: /)
  })

  test('an alias that points nowhere', () => {
    expect(messageFor(good.replace('[1, 2]', '*nope'))).toMatch(/^b\.yaml: .*alias/i)
  })

  test('a missing key, at the nearest thing that is there', () => {
    expect(messageFor(good.replace('name: b\n', ''))).toMatch(/^b\.yaml:1:1: name: /)
  })

  test('nothing that ends the run', () => {
    expect(messageFor(good.replace('durationS: 5\n', ''))).toMatch(
      /durationS: expected durationS, requests or both/,
    )
  })

  test('a file that is not there', async () => {
    await expect(readYamlFile('/nowhere/b.yaml', benchmarkSchema)).rejects.toThrow(
      'No such file: /nowhere/b.yaml',
    )
  })
})
