import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Report } from '../../src/report/report.ts'
import { startServer } from '../../src/serve/openai-server.ts'
import { simulatedEngine } from '../../src/serve/simulated.ts'
import { baremark, type Ran } from './program.ts'

type Server = Awaited<ReturnType<typeof startServer>>

const benchmarkText = `schemaVersion: 1
name: tiny
workload: { kind: synthetic, inputTokens: 16, outputTokens: 4 }
load: { kind: closed, concurrency: [1] }
warmupS: 0.1
durationS: 0.5
drainS: 2
`

let folder = ''
let file = ''
let server: Server

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'baremark-search-'))
  file = join(folder, 'tiny.yaml')
  await writeFile(file, benchmarkText)
  // A step takes 2 ms and 4 ms for each answer in it: 4 users see some 18 ms a token, 8 users 34 ms.
  const engine = simulatedEngine({ decodeBaseMs: 2, decodePerSequenceMs: 4, slots: 64 })
  server = await startServer({ engine, port: 0 })
})

afterAll(async () => {
  await server.close()
  await rm(folder, { recursive: true, force: true })
})

interface Searched extends Ran {
  readonly directory: string
}

async function search(
  command: 'sweep' | 'slo',
  out: string,
  flags: readonly string[],
  parts = {},
): Promise<Searched> {
  const base = ['--url', server.url, '--no-telemetry', '--rest', '0', '--certificate', 'none']
  const argv = [command, file, ...base, '--out', join(folder, out), ...flags]
  const ran = await baremark(argv, parts)
  const [name = ''] = await readdir(join(folder, out)).catch(() => [])
  return { ...ran, directory: join(folder, out, name) }
}

const readReport = async (directory: string): Promise<Report> =>
  JSON.parse(await readFile(join(directory, 'summary.json'), 'utf8')) as Report

describe('a search under limits, against a server', () => {
  let ran: Searched
  let report: Report
  beforeAll(async () => {
    ran = await search('slo', 'slo', ['--slo', 'tpot p50 <= 24', '--to', '16', '--confirm', '1'])
    report = await readReport(ran.directory)
  }, 60_000)

  test('says beforehand how many looks there will be, and of each level what it came to', () => {
    expect(ran.stderr).toContain(
      '2 looks at the load found, at most 5 loads put to that; fixed now',
    )
    expect(ran.stderr).toMatch(/\[1\] 1 user {2}done.*\n {2}held: TPOT p50 /)
    expect(ran.stderr).toContain('  missed: TPOT p50 ')
  })

  test('finds a load of 3 to 6 users, and prices that and no other', () => {
    // By the law 5 users have steps of 22 ms and 6 of 26 ms; this machine may add to both.
    const { search } = report.summary
    if (search?.question !== 'slo' || search.outcome.kind !== 'found')
      throw new Error(JSON.stringify(search))
    const { at, above, level } = search.outcome
    expect(at.size).toBeGreaterThanOrEqual(3)
    expect(at.size).toBeLessThanOrEqual(6)
    expect(above.size).toBe(at.size + 1)
    expect(at).toMatchObject({ held: 2, looks: 2 })
    expect(report.cost.pricedLevel).toBe(level)
    expect(ran.exitCode).toBe(0)
  })

  test('is told again from the records alone, and verified', async () => {
    const again = await baremark(['report', ran.directory, '--format', 'json'])
    expect((JSON.parse(again.stdout) as Report).summary.search).toEqual(report.summary.search)
    const verified = await baremark(['verify', ran.directory])
    expect(verified.stdout).toContain('Figures from the raw records: same')
    expect(verified.exitCode).toBe(0)
  })
})

test('limits that no load meets are unreachable, with an exit code of its own', async () => {
  const { exitCode, stdout } = await search('slo', 'never', ['--slo', 'tpot p50 <= 1'])
  expect(stdout).toContain('unreachable: the limits do not hold even at 1 user')
  expect(stdout).toContain('No load level could be priced')
  expect(exitCode).toBe(1)
})

test('limits that the highest load allowed meets are not bracketed', async () => {
  const flags = ['--slo', 'tpot p50 <= 1000', '--to', '2']
  const { exitCode, stdout } = await search('slo', 'always', flags)
  expect(stdout.replaceAll(/\s+/g, ' ')).toMatch(/not bracketed,.* they hold at the highest load/)
  expect(exitCode).toBe(1)
})

test('a sweep finds its own levels and marks the knee where there is one', async () => {
  const ran = await search('sweep', 'sweep', ['--to', '4', '--max-levels', '4'])
  const { summary, run } = await readReport(ran.directory)
  expect(summary.points.slice(0, 3).map(({ label }) => label)).toEqual([
    '1 user',
    '2 users',
    '4 users',
  ])
  expect(summary.search).toMatchObject({ question: 'sweep', axis: 'users' })
  expect(run.config.search).toMatchObject({ levels: { chosen: 'by-search', highest: 4 } })
  expect(ran.stdout).toContain('What the search found:')
  expect([0, 4]).toContain(ran.exitCode)
})

test('a sweep over levels that are given runs these, and says where the knee is or is not', async () => {
  const ran = await search('sweep', 'given', ['--request-rate', '5,10,20'])
  const { summary } = await readReport(ran.directory)
  expect(summary.points.map(({ label }) => label)).toEqual([
    '5 req/s Poisson',
    '10 req/s Poisson',
    '20 req/s Poisson',
  ])
  expect(summary.search).toMatchObject({ question: 'sweep', axis: 'rate' })
})

test('an interrupt leaves a partial result, and a search that was stopped', async () => {
  const interrupt = new AbortController()
  const stderr: string[] = []
  const ran = await search('slo', 'interrupted', ['--slo', 'tpot p50 <= 24'], {
    signal: interrupt.signal,
    stderr: (text: string) => {
      stderr.push(text)
      if (text.startsWith('[3]')) setTimeout(() => interrupt.abort('SIGINT'), 100)
    },
  })
  expect(ran.exitCode).toBe(130)
  const { run, summary } = await readReport(ran.directory)
  expect(run.state).toBe('partial')
  expect(run.levels.map(({ ended }) => ended)).toEqual(['complete', 'complete', 'interrupted'])
  expect(summary.search).toMatchObject({ outcome: { kind: 'not-bracketed', why: 'stopped-early' } })
  expect(ran.stdout).toContain('PARTIAL RUN: it stopped before its end, after 3 load levels')
})

test('a dead server is told before anything is made', async () => {
  const { exitCode, stderr } = await baremark([
    'slo',
    file,
    '--url',
    'http://127.0.0.1:9',
    '--slo',
    'tpot p50 <= 24',
    '--out',
    join(folder, 'dead'),
  ])
  expect(stderr).toContain('baremark: ')
  expect(exitCode).toBe(3)
  await expect(readdir(join(folder, 'dead'))).rejects.toThrow()
})
