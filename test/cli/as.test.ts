import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { exitCodes } from '../../src/errors.ts'
import { rivals } from '../../src/measure/as/index.ts'
import { startServer } from '../../src/serve/openai-server.ts'
import { simulatedEngine } from '../../src/serve/simulated.ts'
import { baremark } from './program.ts'

const benchmark = `
schemaVersion: 1
name: short
workload: { kind: synthetic, inputTokens: 8, outputTokens: 4 }
load: { kind: closed, concurrency: [2] }
warmupS: 0.1
durationS: 0.4
`

interface RivalDocument {
  readonly levels: readonly {
    readonly figures: readonly {
      readonly key: string
      readonly value?: number
      readonly ours?: number
    }[]
  }[]
}

describe('baremark report --as', () => {
  let folder = ''
  let run = ''
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'baremark-as-'))
    const server = await startServer({ engine: simulatedEngine({}), port: 0 })
    const file = join(folder, 'short.yaml')
    await writeFile(file, benchmark)
    const out = join(folder, 'results')
    await baremark(['run', file, '--url', server.url, '--out', out])
    await server.close()
    run = join(out, (await readdir(out))[0] ?? '')
  })
  afterAll(() => rm(folder, { recursive: true, force: true }))

  const figureOf = async (tool: string, key: string) => {
    const ran = await baremark(['report', run, '--as', tool, '--format', 'json'])
    expect(ran).toMatchObject({ exitCode: exitCodes.valid, stderr: '' })
    const { levels } = JSON.parse(ran.stdout) as RivalDocument
    return levels[0]?.figures.find((each) => each.key === key)
  }

  test.each([
    ['vllm', 'mean_ttft_ms'],
    ['aiperf', 'time_to_first_token.avg'],
    ['guidellm', 'metrics.time_to_first_token_ms.successful.mean'],
    ['sglang', 'mean_ttft_ms'],
    ['mlperf', 'result_first_token_mean_latency_ns'],
    ['mlperf-endpoints', 'ttft.avg'],
    ['inference-perf', 'successes.latency.time_to_first_token.mean'],
  ])('gives the figures of %s from the raw records, ours beside them', async (tool, key) => {
    const figure = await figureOf(tool, key)
    expect(figure?.value).toBeGreaterThan(0)
    expect(figure?.ours).toBeGreaterThan(0)
  })

  test('knows the role event of a chat answer, at which the clock of vLLM stops', async () => {
    const { value = 0, ours = 0 } = (await figureOf('vllm', 'mean_ttft_ms')) ?? {}
    // The simulator sends it at once, and the first token a step of 20 ms later.
    expect(value).toBeLessThan(ours)
  })

  test('knows every tool that its help names, and no other', async () => {
    const { stdout } = await baremark(['report', '--help'])
    const help = stdout.replaceAll(/\s+/g, ' ')
    for (const { name } of rivals) expect(help).toContain(name)
    const ran = await baremark(['report', run, '--as', 'k6'])
    expect(ran.exitCode).toBe(exitCodes.usage)
    expect(ran.stderr).toContain('Use one of: vllm, aiperf, ')
  })

  test('has no rows for a spreadsheet, and says which formats there are', async () => {
    const ran = await baremark(['report', run, '--as', 'vllm', '--format', 'csv'])
    expect(ran.exitCode).toBe(exitCodes.usage)
    expect(ran.stderr).toContain('Use one of: text, md, json.')
  })

  test('writes to a file', async () => {
    const file = join(folder, 'as.md')
    const argv = ['report', run, '--as', 'sglang', '--format', 'md', '--output', file]
    expect(await baremark(argv)).toMatchObject({ exitCode: exitCodes.valid, stdout: '' })
    expect(await readFile(file, 'utf8')).toContain('| mean\\_ttft\\_ms |')
  })
})
