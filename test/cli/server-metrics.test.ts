import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { recordServerMetrics } from '../../src/cli/record-server-metrics.ts'
import { startClock } from '../../src/load/clock.ts'
import { identifyTarget } from '../../src/load/identify.ts'
import { readServerSamples } from '../../src/load/server-metrics.ts'
import type { Report } from '../../src/report/report.ts'
import { startServer } from '../../src/serve/openai-server.ts'
import { simulatedEngine } from '../../src/serve/simulated.ts'
import { checksumsOf } from '../../src/verify/checksums.ts'
import { baremark, type Ran } from './program.ts'

const benchmarkText = `schemaVersion: 1
name: told
workload: { kind: synthetic, inputTokens: 16, outputTokens: 8 }
load: { kind: closed, concurrency: [4] }
warmupS: 0.2
durationS: 1.6
drainS: 2
`

let folder = ''
let file = ''

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'baremark-told-'))
  file = join(folder, 'told.yaml')
  await writeFile(file, benchmarkText)
})

afterAll(() => rm(folder, { recursive: true, force: true }))

interface Told extends Ran {
  readonly directory: string
  readonly report: Report
}

async function run(url: string, parts = {}): Promise<Told> {
  const out = await mkdtemp(join(folder, 'out-'))
  const ran = await baremark(['run', file, '--url', url, '--out', out], parts)
  const [name = ''] = await readdir(out)
  const directory = join(out, name)
  const report = JSON.parse(await readFile(join(directory, 'summary.json'), 'utf8')) as Report
  return { ...ran, directory, report }
}

const open = { insecure: false }

const simulated = () => startServer({ engine: simulatedEngine({}), port: 0 })

const tokensOf = ({ report }: Told, direction: string, source: string): number | undefined =>
  report.summary.tokens.counts.find(
    (count) => count.direction === direction && count.source === source,
  )?.tokens

const alone = ({ report }: Told) =>
  report.summary.gates.find(({ gate }) => gate === 'alone-on-server')

describe('a run with the server to itself', () => {
  let told: Told
  beforeAll(async () => {
    const server = await simulated()
    told = await run(server.url)
    await server.close()
  })

  test('finds the same tokens on both sides, to the token, and passes', () => {
    expect(told.stderr).not.toMatch(/^(error|baremark):/m)
    const records = told.report.run.levels[0]?.issued ?? 0
    expect(tokensOf(told, 'output', 'usage')).toBe(8 * records)
    for (const source of ['chunks', 'server-counters'])
      expect(tokensOf(told, 'output', source), source).toBe(8 * records)
    expect(tokensOf(told, 'input', 'server-counters')).toBe(tokensOf(told, 'input', 'usage'))
    expect(told.report.summary.tokens.agreement.map(({ outcome }) => outcome)).toEqual(
      told.report.summary.tokens.agreement.map(() => 'agree'),
    )
    expect(alone(told)?.status).toBe('pass')
    expect(told.exitCode).toBe(0)
  })

  test('has a look from before the first request and one from after the last', async () => {
    const text = await readFile(join(told.directory, 'server-metrics.jsonl'), 'utf8')
    const samples = readServerSamples(text)
    const level = told.report.run.levels[0]
    expect(samples.length).toBeGreaterThanOrEqual(3)
    expect(samples[0]?.atMs).toBeLessThan(level?.startMs ?? 0)
    expect(samples.at(-1)?.atMs).toBeGreaterThanOrEqual(level?.endMs ?? Number.NaN)
    expect(told.report.summary.server?.samples).toBe(samples.length)
  })

  test('says where it read, and shows what it read', async () => {
    const { serverMetrics } = told.report.run
    expect(serverMetrics).toEqual({ address: `${told.report.run.config.url}/metrics` })
    expect(told.stdout).toContain('What the server says:')
    expect(told.stdout).toContain('Token counts by source')
    const page = await readFile(join(told.directory, 'report.html'), 'utf8')
    expect(page).toContain('Requests on the server over time')
    // The simulated server tells nothing of a cache.
    expect(page).not.toContain('KV cache in use over time')
  })

  test('can be verified, and is found out when a look is changed', async () => {
    expect(await baremark(['verify', told.directory])).toMatchObject({ exitCode: 0 })
    const copy = await copyOf(told.directory)
    const looks = join(copy, 'server-metrics.jsonl')
    const text = await readFile(looks, 'utf8')
    await writeFile(looks, text.replace(/"outputTokensTotal":\d+/, '"outputTokensTotal":0'))
    const checked = await baremark(['verify', copy])
    expect(checked.exitCode).toBe(1)
    expect(checked.stdout).toContain('server-metrics.jsonl: changed')
    expect(checked.stdout).toContain('Figures from the raw records: different')
  })

  test('is reported again to the letter from its looks, and without them says nothing of the server', async () => {
    const stored = await readFile(join(told.directory, 'summary.json'), 'utf8')
    const again = await baremark(['report', told.directory, '--format', 'json'])
    expect(again.stdout).toBe(stored)
    const copy = await copyOf(told.directory)
    await rm(join(copy, 'server-metrics.jsonl'))
    const without = await baremark(['report', copy])
    expect(without.exitCode).toBe(0)
    expect(without.stdout).not.toContain('What the server says')
  })

  test('whose last look was cut by a crash is read up to there', async () => {
    const copy = await copyOf(told.directory)
    const looks = join(copy, 'server-metrics.jsonl')
    await writeFile(looks, (await readFile(looks, 'utf8')).slice(0, -20))
    await writeFile(join(copy, 'SHA256SUMS'), await checksumsOf(copy))
    const again = await baremark(['report', copy, '--format', 'json'])
    const { summary } = JSON.parse(again.stdout) as Report
    expect(summary.server?.samples).toBe((told.report.summary.server?.samples ?? 0) - 1)
    // Nobody looked after the last request any more.
    expect(summary.tokens.countersUnusable).toMatch(/was not read/)
    expect(summary.gates[0]?.status).toBe('not-measured')
  })

  test.each([
    ['{"atMs":1,"tookMs":1}\n', 'look 1 is not one'],
    ['{"atMs":1,"tookMs":1,"readings":{"running":"many"}}\n', 'look 1 is not one'],
  ])('with %s for looks is the user’s to fix, not a bug', async (text, why) => {
    const copy = await copyOf(told.directory)
    await writeFile(join(copy, 'server-metrics.jsonl'), text)
    const ran = await baremark(['report', copy])
    expect(ran).toMatchObject({ exitCode: 2 })
    expect(ran.stderr).toContain(why)
  })
})

async function copyOf(directory: string): Promise<string> {
  const copy = await mkdtemp(join(tmpdir(), 'baremark-told-copy-'))
  onTestFinished(() => rm(copy, { recursive: true }))
  await cp(directory, copy, { recursive: true })
  return copy
}

test('a second client at the same time makes the run INVALID', async () => {
  const server = await simulated()
  const others: Promise<unknown>[] = []
  const askToo = (): Promise<unknown> =>
    fetch(`${server.url}/v1/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        model: 'simulated',
        prompt: 'a b c',
        max_tokens: 40,
        ignore_eos: true,
      }),
    }).then((response) => response.json())
  const told = await run(server.url, {
    stderr: (text: string) => {
      if (text.includes('[1/1]') && others.length === 0) others.push(askToo(), askToo(), askToo())
    },
  })
  const answers = (await Promise.all(others)) as { usage: { completion_tokens: number } }[]
  await server.close()
  expect(answers.map(({ usage }) => usage.completion_tokens)).toEqual([40, 40, 40])
  const own = tokensOf(told, 'output', 'usage') ?? Number.NaN
  expect(tokensOf(told, 'output', 'server-counters')).toBe(own + 120)
  expect(alone(told)).toMatchObject({ status: 'fail', severity: 'invalid' })
  expect(alone(told)?.value).toContain(`the server counted ${own + 120} output tokens of ${own}`)
  expect(told.exitCode).toBe(4)
  expect(told.stdout).toContain('alone-on-server')
  const warning = told.report.summary.warnings.find(({ kind }) => kind === 'token-mismatch')
  expect(warning?.text).toMatch(new RegExp(`${own},.* ${own + 120} `))
})

test('a server without metrics is measured all the same, and the log says why there are none', async () => {
  const server = await simulated()
  const proxied = await passOn(server.url)
  const told = await run(proxied.url)
  proxied.close()
  await server.close()
  expect(told.exitCode).toBe(0)
  expect(told.report.run.serverMetrics).toEqual({
    none: expect.stringContaining('/metrics: HTTP 404'),
  })
  expect(await readdir(told.directory)).not.toContain('server-metrics.jsonl')
  expect(alone(told)?.status).toBe('not-measured')
  expect(told.stdout).not.toContain('What the server says')
})

test('a full disk ends the run as it does for the records', async () => {
  const server = await simulated()
  const target = await identifyTarget(new URL(server.url), undefined, open)
  const { clock } = startClock()
  const recording = await recordServerMetrics('/dev/full', target, open, clock)
  await expect(recording.stop()).rejects.toThrow(/Cannot write \/dev\/full/)
  expect(recording.failed.aborted).toBe(true)
  await server.close()
})

/** Hands everything to a server but its metrics. */
async function passOn(target: string): Promise<{ url: string; close: () => void }> {
  const { request: ask } = await import('node:http')
  const pass: RequestListener = (request, response) => {
    if (request.url === '/metrics') {
      response.writeHead(404).end()
      return
    }
    const { method, headers, url = '' } = request
    const onward = ask(`${target}${url}`, { method, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 500, answer.headers)
      answer.pipe(response)
    })
    request.pipe(onward)
  }
  const proxy = createServer(pass)
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve))
  const { port } = proxy.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    close: () => {
      proxy.close()
      proxy.closeAllConnections()
    },
  }
}
