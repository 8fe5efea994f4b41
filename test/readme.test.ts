import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startServer } from '../src/serve/openai-server.ts'
import { simulatedEngine } from '../src/serve/simulated.ts'
import { baremark } from './cli/program.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const readme = await readFile(join(root, 'README.md'), 'utf8')
const blocks = [...readme.matchAll(/^```sh\n([\s\S]*?)^```/gm)].map(([, body = '']) => body)
const lines = blocks
  .flatMap((block) => block.split('\n'))
  .map((line) => line.trim())
  .filter((line) => line !== '' && !line.startsWith('#'))

/** What a command of the README names, and what it stands for here. */
const RUN = 'results/example-quickstart'

describe('every command of the README', () => {
  let server: Awaited<ReturnType<typeof startServer>>
  let folder = ''
  beforeAll(async () => {
    server = await startServer({ engine: simulatedEngine({}), port: 0 })
    folder = await mkdtemp(join(tmpdir(), 'baremark-readme-'))
  })
  afterAll(async () => {
    await server.close()
    await rm(folder, { recursive: true, force: true })
  })

  const npm = lines.filter((line) => line.startsWith('npm '))
  const own = lines.filter((line) => line.startsWith('npx baremark '))

  test('is of a kind that is tried here', () => {
    expect(lines.filter((line) => !npm.includes(line) && !own.includes(line))).toEqual([])
    expect(npm).toEqual(['npm ci && npm run quickstart', 'npm ci && npm test'])
    expect(own.length).toBeGreaterThan(3)
  })

  test('that is a script, is one of the package', async () => {
    const { scripts } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as {
      scripts: Record<string, string>
    }
    expect(scripts.quickstart).toBeDefined()
    expect(scripts.test).toBeDefined()
  })

  test.each(own)('%s', async (line) => {
    const words = (line.match(/"[^"]*"|\S+/g) ?? [])
      .slice(2)
      .map((word) => word.replaceAll('"', ''))
    const argv = words.map((word) => {
      if (word === 'http://127.0.0.1:8000') return server.url
      if (word.startsWith('benchmarks/') || word.startsWith(RUN)) return join(root, word)
      return word
    })
    // The same command, but short: a README shows durations that a test cannot wait for.
    const short = [
      '--duration',
      '300ms',
      '--warmup',
      '0',
      '--isl',
      '8',
      '--osl',
      '2',
      '--out',
      folder,
    ]
    const ran = await baremark(
      ['run', 'sweep', 'slo'].includes(argv[0] ?? '') ? [...argv, ...short] : argv,
    )
    expect(ran.stderr).not.toMatch(/^(error|baremark):/m)
    expect([0, 1, 4, 5]).toContain(ran.exitCode)
    expect(ran.stdout).not.toBe('')
  })
})
