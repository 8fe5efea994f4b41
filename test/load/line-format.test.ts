import { execFile, spawnSync } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, onTestFinished, test } from 'vitest'
import { parseLine } from '../../src/load/record-line.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))
const method = await readFile(join(root, 'docs', 'method.md'), 'utf8')
const journal = await readFile(join(root, 'results/example-quickstart/requests.jsonl'), 'utf8')
const lines = journal.split('\n').slice(0, 3)

/** The one block of that language in docs/method.md. */
const blockOf = (language: string): string => {
  const blocks = [...method.matchAll(new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\``, 'gm'))]
  expect(blocks).toHaveLength(1)
  return blocks[0]?.[1] ?? ''
}

async function printed(program: string, argv: readonly string[]): Promise<unknown[]> {
  const cwd = await mkdtemp(join(tmpdir(), 'baremark-format-'))
  onTestFinished(() => rm(cwd, { recursive: true }))
  await writeFile(join(cwd, 'requests.jsonl'), lines.map((line) => `${line}\n`).join(''))
  const { stdout } = await promisify(execFile)(program, argv, { cwd })
  return stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as unknown)
}

describe('a stranger who follows docs/method.md decodes a real line as baremark does', () => {
  const expected = lines.map((line) => {
    const { id, chunkMs } = parseLine(line) ?? { id: Number.NaN, chunkMs: [] }
    return [id, chunkMs]
  })

  test('in Node', async () => {
    expect(await printed(process.execPath, ['-e', blockOf('js')])).toEqual(expected)
  })

  test.runIf(spawnSync('python3', ['--version']).status === 0)('in Python', async () => {
    expect(await printed('python3', ['-c', blockOf('python')])).toEqual(expected)
  })
})
