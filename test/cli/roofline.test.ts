import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Report } from '../../src/report/report.ts'
import { startServer } from '../../src/serve/openai-server.ts'
import { simulatedEngine } from '../../src/serve/simulated.ts'
import { verifyRun } from '../../src/verify/verify-run.ts'
import { llama31x8b } from '../detect/model-configs.ts'
import { baremark } from './program.ts'

type Server = Awaited<ReturnType<typeof startServer>>

let folder = ''
let server: Server

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'baremark-roofline-'))
  await writeFile(join(folder, 'config.json'), JSON.stringify(llama31x8b))
  await writeFile(
    join(folder, 'tiny.yaml'),
    `schemaVersion: 1
name: tiny
workload: { kind: synthetic, inputTokens: 16, outputTokens: 16 }
load: { kind: closed, concurrency: [2] }
warmupS: 0.1
durationS: 0.6
drainS: 2
`,
  )
  server = await startServer({ engine: simulatedEngine({ decodeBaseMs: 10 }), port: 0 })
})

afterAll(async () => {
  await server.close()
  await rm(folder, { recursive: true, force: true })
})

const run = (flags: readonly string[]) =>
  baremark([
    ...['run', join(folder, 'tiny.yaml'), '--url', server.url, '--rest', '0'],
    ...['--out', join(folder, 'out'), ...flags],
  ])

test('a run whose model is described tells how near it came, and can be computed again from what it keeps', async () => {
  const ran = await run([
    ...['--model-config', join(folder, 'config.json')],
    ...['--hardware', 'h100-sxm', '--gpus', '1'],
  ])
  expect(ran.stdout).toContain('How near the server came to what its hardware can do:')
  const [name = ''] = await readdir(join(folder, 'out'))
  const directory = join(folder, 'out', name)
  const { run: log, summary } = JSON.parse(
    await readFile(join(directory, 'summary.json'), 'utf8'),
  ) as Report
  expect(log.roofline?.model.parameters).toBe(8_030_261_248)
  expect(log.roofline?.accelerator?.profile).toBe('h100-sxm')
  const { batch, stepsPerS, bytesPerS } = summary.points[0]?.roofline ?? {}
  expect(batch).toBeGreaterThan(1)
  expect(batch).toBeLessThan(2.2)
  expect(bytesPerS?.low).toBeGreaterThan((stepsPerS ?? Number.NaN) * 15_009_849_344)
  expect((await verifyRun(directory)).figures).toBe('same')
})

test('a file that is no config.json is refused before the run', async () => {
  const ran = await run(['--model-config', join(folder, 'tiny.yaml')])
  expect(ran.exitCode).toBe(2)
  expect(ran.stderr).toContain('is no JSON')
})
