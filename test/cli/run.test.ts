import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { withCancellation } from '../../src/load/workloads/cancellation.ts'
import { figureFinder } from '../../src/price/cost-report.ts'
import type { Report } from '../../src/report/report.ts'
import { startServer } from '../../src/serve/openai-server.ts'
import { simulatedEngine } from '../../src/serve/simulated.ts'
import { decodeLine } from '../load/decode-line.ts'
import { baremark, type Ran } from './program.ts'

type Server = Awaited<ReturnType<typeof startServer>>

const benchmarkText = `schemaVersion: 1
name: tiny
workload: { kind: synthetic, inputTokens: 16, outputTokens: 4 }
load: { kind: closed, concurrency: [1, 2] }
warmupS: 0.1
durationS: 0.4
drainS: 2
`

let folder = ''
let file = ''
let server: Server

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'baremark-cli-'))
  file = join(folder, 'tiny.yaml')
  await writeFile(file, benchmarkText)
  server = await startServer({ engine: simulatedEngine({}), port: 0 })
})

afterAll(async () => {
  await server.close()
  await rm(folder, { recursive: true, force: true })
})

async function run(
  out: string,
  flags: readonly string[] = [],
  parts = {},
): Promise<Ran & { directory: string }> {
  const folderOfRun = join(folder, out)
  const ran = await baremark(
    ['run', file, '--url', server.url, '--out', folderOfRun, ...flags],
    parts,
  )
  const [name = ''] = await readdir(folderOfRun).catch(() => [])
  return { ...ran, directory: join(folderOfRun, name) }
}

const readReport = async (directory: string): Promise<Report> =>
  JSON.parse(await readFile(join(directory, 'summary.json'), 'utf8')) as Report

describe('a run against a server', () => {
  let ran: Awaited<ReturnType<typeof run>>
  beforeAll(async () => {
    ran = await run('whole', ['--isl', '20', '--seed', '7'])
  })

  test('ends well and says where the results are', () => {
    expect(ran.stderr).toContain('[2/2] 2 users')
    expect(ran.exitCode).toBe(0)
    expect(ran.stdout).toContain(`Results: ${ran.directory}`)
  })

  test('writes everything, and nothing half', async () => {
    expect((await readdir(ran.directory)).sort()).toEqual(
      [
        'SHA256SUMS',
        'pricing.json',
        'report.csv',
        'report.html',
        'report.md',
        'requests.jsonl',
        'run.json',
        'server-metrics.jsonl',
        'summary.json',
      ].sort(),
    )
  })

  test('says SIMULATED in the first line of every artefact for people, and first of all in the JSON', async () => {
    for (const name of ['report.csv', 'report.md']) {
      const [first] = (await readFile(join(ran.directory, name), 'utf8')).split('\n')
      expect(first, name).toContain('SIMULATED')
    }
    const html = await readFile(join(ran.directory, 'report.html'), 'utf8')
    expect(html.split('\n')[0]).toContain('SIMULATED')
    expect((await readFile(join(ran.directory, 'summary.json'), 'utf8')).slice(0, 60)).toContain(
      'SIMULATED',
    )
    expect(ran.stdout.split('\n')[0]).toContain('SIMULATED')
  })

  test('saves the configuration that was in force', async () => {
    const { run: log } = await readReport(ran.directory)
    expect(log.config.benchmark).toMatchObject({
      seed: 7,
      workload: { inputTokens: 20, outputTokens: 4 },
      durationS: 0.4,
    })
    expect(log.state).toBe('complete')
  })

  test('has a record for every request that was issued', async () => {
    const { run: log, summary } = await readReport(ran.directory)
    const lines = (await readFile(join(ran.directory, 'requests.jsonl'), 'utf8'))
      .trimEnd()
      .split('\n')
    expect(lines).toHaveLength(log.levels.reduce((total, { issued }) => total + issued, 0))
    for (const { requests } of summary.points) {
      expect(
        requests.completed +
          requests.failed +
          requests.timedOut +
          requests.cancelled +
          requests.abandoned +
          requests.lost,
      ).toBe(requests.issued)
    }
  })

  test('can be verified', async () => {
    expect(await baremark(['verify', ran.directory])).toMatchObject({ exitCode: 0 })
  })

  test('can be reported again to the letter', async () => {
    for (const [format, name] of [
      ['md', 'report.md'],
      ['csv', 'report.csv'],
      ['json', 'summary.json'],
      ['html', 'report.html'],
    ] as const) {
      const again = await baremark(['report', ran.directory, '--format', format])
      expect(again.exitCode).toBe(0)
      expect(again.stdout, format).toBe(await readFile(join(ran.directory, name), 'utf8'))
    }
  })

  test('can be priced as other hardware', async () => {
    const priced = await baremark([
      'price',
      ran.directory,
      '--hardware',
      'h200-sxm',
      '--gpus',
      '1',
      '--json',
    ])
    const cost = JSON.parse(priced.stdout) as Report['cost']
    expect(cost.options[0]?.name).toContain('H200')
    expect(figureFinder(cost)('options.own.usdPerYear')?.value).toBeGreaterThan(0)
  })

  test('is found out when a record is changed', async () => {
    const copy = await run('tampered')
    const journal = join(copy.directory, 'requests.jsonl')
    const text = await readFile(journal, 'utf8')
    await writeFile(journal, text.replaceAll(/"outputTokens":4/g, '"outputTokens":400'))
    const checked = await baremark(['verify', copy.directory])
    expect(checked.exitCode).toBe(1)
    expect(checked.stdout).toContain('requests.jsonl: changed')
    expect(checked.stdout).toContain('Figures from the raw records: different')
  })
})

describe('an API key', () => {
  test('is sent, and appears nowhere in the results', async () => {
    const key = 'sk-very-secret-0123456789'
    const ran = await run('key', ['--concurrency', '1'], { env: { BAREMARK_API_KEY: key } })
    expect(ran.exitCode).toBe(0)
    expect(ran.stdout + ran.stderr).not.toContain(key)
    for (const name of await readdir(ran.directory)) {
      expect(await readFile(join(ran.directory, name), 'utf8'), name).not.toContain(key)
    }
    expect((await readReport(ran.directory)).run.config.apiKeySource).toBe(
      'environment BAREMARK_API_KEY',
    )
  })
})

describe('a server that repeats the key in its error', () => {
  test('does not get it into the results', async () => {
    const key = 'sk-echoed-0123456789'
    const echo = createServer((request, response) => {
      request.resume()
      if (request.method === 'GET') response.end('{"data":[{"id":"m"}]}')
      else if (asked++ < 2)
        response.writeHead(200, { 'content-type': 'text/event-stream' }).end(answer)
      else
        response.writeHead(401).end(`${'x'.repeat(280)} bad key ${request.headers.authorization}`)
    })
    let asked = 0
    const answer =
      'data: {"choices":[{"delta":{"content":"a"}}]}\n\ndata: {"choices":[],"usage":{"prompt_tokens":40,"completion_tokens":1}}\n\ndata: [DONE]\n\n'
    await new Promise<void>((resolve) => echo.listen(0, '127.0.0.1', resolve))
    const { port } = echo.address() as AddressInfo
    const out = join(folder, 'echo')
    const env = { BAREMARK_API_KEY: key }
    const ran = await baremark(['run', file, '--url', `http://127.0.0.1:${port}`, '--out', out], {
      env,
    })
    echo.close()
    echo.closeAllConnections()
    expect(ran.exitCode).toBe(4)
    const [name = ''] = await readdir(out)
    for (const each of await readdir(join(out, name))) {
      expect(await readFile(join(out, name, each), 'utf8'), each).not.toContain('sk-echoed')
    }
    expect(ran.stdout + ran.stderr).not.toContain('sk-echoed')
  })
})

describe('a results directory that is not whole', () => {
  test('is not verified: a report without a checksum, or no checksums at all', async () => {
    const { directory } = await run('unlisted')
    const sums = join(directory, 'SHA256SUMS')
    const lines = (await readFile(sums, 'utf8')).split('\n')
    await writeFile(sums, lines.filter((line) => !line.includes('report.md')).join('\n'))
    const unlisted = await baremark(['verify', directory])
    expect(unlisted).toMatchObject({ exitCode: 1 })
    expect(unlisted.stdout).toContain('report.md: unlisted')
    await rm(sums)
    expect(await baremark(['verify', directory])).toMatchObject({ exitCode: 1 })
  })

  test.each([
    ['run.json', '{"schemaVersion":1,"levels":[{}]}'],
    ['pricing.json', '{}'],
    ['run.json', 'garbage'],
  ])('with a damaged %s (%s) is the user’s to fix, not a bug', async (name, text) => {
    const { directory } = await run(`damaged-${name}-${text.length}`)
    await writeFile(join(directory, name), text)
    const ran = await baremark(['report', directory])
    expect(ran).toMatchObject({ exitCode: 2 })
    expect(ran.stderr).toContain(name)
  })
})

describe('open loop', () => {
  test('keeps a timetable and reports the rate', async () => {
    const ran = await run('open', [
      '--request-rate',
      '40',
      '--arrivals',
      'constant',
      '--requests',
      '20',
    ])
    const { summary } = await readReport(ran.directory)
    const point = summary.points[0]
    expect(point?.requests.issued).toBe(20)
    expect(point?.rate?.askedPerS).toBe(40)
    expect(point?.latenessMs?.min).toBeGreaterThanOrEqual(0)
  })
})

describe('a benchmark that gives up half of its requests', () => {
  const cancel = { share: 0.5, afterChunks: 2 }

  test('gives up those that the seed names, after two chunks, and loses none', async () => {
    const givingUp = join(folder, 'giving-up.yaml')
    await writeFile(
      givingUp,
      `${benchmarkText}cancel: ${JSON.stringify(cancel)}\nslo: { latencyMs: 60000 }\n`,
    )
    const out = join(folder, 'giving-up')
    const ran = await baremark([
      'run',
      givingUp,
      '--url',
      server.url,
      '--out',
      out,
      '--concurrency',
      '2',
      '--duration',
      '1s',
    ])
    expect(ran.exitCode).toBe(0)
    const [name = ''] = await readdir(out)
    const { run: log, summary } = await readReport(join(out, name))
    const records = (await readFile(join(out, name, 'requests.jsonl'), 'utf8'))
      .trimEnd()
      .split('\n')
      .map(decodeLine)
    const plan = withCancellation(
      { kind: 'requests', requestAt: () => ({ prompt: '', outputTokens: 4 }) },
      cancel,
      { seed: log.config.benchmark.seed, level: 0 },
    )
    if (plan.kind !== 'requests') throw new Error(plan.kind)
    expect(records.length).toBeGreaterThan(20)
    for (const { id, outcome, chunkMs, endMs } of records) {
      const marked = plan.requestAt(id).cancelAfter !== undefined
      expect({
        id,
        kind: outcome.kind,
        chunks: chunkMs.length,
        ended: endMs !== undefined,
      }).toEqual(
        marked
          ? { id, kind: 'abandoned', chunks: 2, ended: false }
          : { id, kind: 'completed', chunks: 4, ended: true },
      )
    }
    const [point] = summary.points
    const measured = records.filter(({ phase }) => phase === 'measured')
    const abandoned = measured.filter(({ outcome }) => outcome.kind === 'abandoned').length
    expect(abandoned).toBeGreaterThan(0)
    expect(point?.requests).toEqual({
      issued: measured.length,
      completed: measured.length - abandoned,
      failed: 0,
      timedOut: 0,
      cancelled: 0,
      abandoned,
      lost: 0,
      warmUp: records.length - measured.length,
    })
    expect(records).toHaveLength(log.levels[0]?.issued ?? 0)
    expect(point).toMatchObject({
      errors: [],
      goodput: { goodRatio: 1 },
      latencyMs: { n: measured.length - abandoned },
    })
    expect(await baremark(['verify', join(out, name)])).toMatchObject({ exitCode: 0 })
    const markdown = await readFile(join(out, name, 'report.md'), 'utf8')
    expect(markdown).toContain(`${abandoned} given up on purpose`)
    const html = await readFile(join(out, name, 'report.html'), 'utf8')
    expect(html).toContain('50 % of the requests, after 2 chunks')
  })
})

describe('an interrupt', () => {
  test('keeps what was measured and still writes a report, marked partial', async () => {
    const interrupt = new AbortController()
    const slow = run('interrupted', ['--duration', '20s'], { signal: interrupt.signal })
    setTimeout(() => interrupt.abort('SIGINT'), 1500)
    const ran = await slow
    expect(ran.exitCode).toBe(130)
    const { run: log, summary } = await readReport(ran.directory)
    expect(log.state).toBe('partial')
    expect(summary.points[0]?.requests.completed).toBeGreaterThan(0)
    expect(await readFile(join(ran.directory, 'report.md'), 'utf8')).toContain('PARTIAL RUN')
    expect(await baremark(['verify', ran.directory])).toMatchObject({ exitCode: 0 })
  })
})

describe('a server that fails', () => {
  test('half-way is a result, and an INVALID one', async () => {
    const failing = await startServer({
      engine: simulatedEngine({}),
      port: 0,
      faults: [
        { kind: 'http-status', status: 500, requests: Array.from({ length: 30 }, (_, i) => i + 6) },
      ],
    })
    const out = join(folder, 'failing')
    const ran = await baremark(['run', file, '--url', failing.url, '--out', out])
    await failing.close()
    expect(ran.exitCode).toBe(4)
    expect(ran.stdout).toContain('INVALID')
    expect(ran.stdout).toContain('http-status')
  })
})

describe('what the user can fix is one line and the right exit code', () => {
  const tells = async (argv: readonly string[], exitCode: number, text: string): Promise<void> => {
    const ran = await baremark(argv)
    expect(ran.stderr).toContain(text)
    expect(ran.exitCode).toBe(exitCode)
  }

  test('a file that is not there', () =>
    tells(['run', 'no.yaml', '--url', 'x'], 2, 'No such file: no.yaml. Check the path.'))

  test('an address nobody listens on', () =>
    tells(['run', file, '--url', 'http://127.0.0.1:1'], 3, 'Nobody listens at http://127.0.0.1:1.'))

  test('a model the server does not have', () =>
    tells(
      ['run', file, '--url', server.url, '--model', 'gpt-9'],
      3,
      'has no model "gpt-9". Use one of: ',
    ))

  test('a flag that does not exist, with a suggestion', () =>
    tells(['run', file, '--url', 'x', '--concurency', '2'], 2, '(Did you mean --concurrency?)'))

  test('a value that is none, with the flag', () =>
    tells(
      ['run', file, '--url', 'x', '--concurrency', '0'],
      2,
      "option '--concurrency <n,n,...>' argument '0' is invalid",
    ))

  test('a command that does not exist', () => tells(['rnu'], 2, '(Did you mean run?)'))

  test('a folder that is no results directory', () =>
    tells(['report', folder], 2, 'Is it a results directory?'))

  test('a format that does not exist', () =>
    tells(['report', folder, '--format', 'pdf'], 2, 'There is no format "pdf".'))

  test('a place that cannot be written', () =>
    tells(
      ['run', file, '--url', server.url, '--out', join(file, 'inside-a-file')],
      3,
      'Cannot write',
    ))

  test('an unknown hardware profile', () =>
    tells(
      ['run', file, '--url', server.url, '--hardware', 'h9000', '--out', join(folder, 'unpriced')],
      2,
      'There is no hardware profile "h9000".',
    ))
})

describe('help', () => {
  test('names every command and the exit codes', async () => {
    const { stdout, exitCode } = await baremark(['--help'])
    expect(exitCode).toBe(0)
    for (const command of ['quickstart', 'run', 'detect', 'price', 'report', 'verify', 'serve'])
      expect(stdout).toContain(command)
    expect(stdout).toContain('Exit codes: 0 valid')
  })

  test('the version is that of the package', async () => {
    const { version } = JSON.parse(
      await readFile(new URL('../../package.json', import.meta.url), 'utf8'),
    ) as { version: string }
    expect(await baremark(['--version'])).toMatchObject({ stdout: `${version}\n`, exitCode: 0 })
  })
})

describe('a run to publish', () => {
  let ran: Awaited<ReturnType<typeof run>>
  let report: Report
  beforeAll(async () => {
    ran = await run('publish', ['--for', 'publish', '--rest', '0', '--concurrency', '1'])
    report = await readReport(ran.directory)
  }, 60_000)

  test('is told beforehand what it needs', () => {
    expect(ran.stderr).toContain(
      'Note: 1 user: to publish, the window must last 600 s, and 662 requests must complete in it (p99). Planned: 0.4 s: too short to publish.',
    )
  })

  test('has its purpose in the configuration, and what only the end can tell in the log', () => {
    const { config, cachingAudit, serverAfter, levels } = report.run
    expect(config.purpose).toBe('publish')
    expect(cachingAudit).toMatchObject({ inputTokens: 16, outputTokens: 4, failed: 0 })
    expect(cachingAudit?.pairs).toHaveLength(30)
    expect(serverAfter).toEqual({ changes: [] })
    const { start = 0, end = 0 } = levels[0]?.wallEpochMs ?? {}
    expect(Math.abs(start - Date.parse(report.run.epoch))).toBeLessThan(50)
    expect(Math.abs(end - start)).toBeLessThan(50)
  })

  test('is not fit for it, and every report says so and why', async () => {
    const { verdict, fitToPublish, reasons } = report.summary
    expect([verdict === 'VALID', fitToPublish]).toEqual([false, false])
    const all = reasons.join('\n')
    expect(all).toContain('1 user: duration is 0.4 s, limit at least 600 s')
    expect(all).toContain('whole run: real-model is simulated: no model ran')
    expect(all).toContain('whole run: runs is not measured, as this is a single run')
    expect(all).toContain('instrument-error is not measured, as no certificate')
    for (const name of ['report.csv', 'report.md', 'report.html']) {
      const text = await readFile(join(ran.directory, name), 'utf8')
      expect(text, name).toContain(`Fit to publish: no, as it is ${verdict}.`)
    }
    expect(ran.stdout).toContain(`Fit to publish: no, as it is ${verdict}.`)
  })

  test('can be verified, the audit with it', async () => {
    expect(await baremark(['verify', ran.directory])).toMatchObject({ exitCode: 0 })
  })
})

test('a run to explore asks for no audit, and says that it may not be published', async () => {
  const { directory } = await run('explored', ['--rest', '0', '--concurrency', '1'])
  const { run: log, summary } = await readReport(directory)
  expect(log.cachingAudit).toBeUndefined()
  expect(summary).toMatchObject({ purpose: 'explore', fitToPublish: false })
  expect(summary.gates.find(({ gate }) => gate === 'caching-audit')).toMatchObject({
    status: 'not-measured',
    severity: 'note',
  })
})

test('a server that remembers prompts fails the audit, which weakens no figure of new prompts', async () => {
  // 32 tokens take 64 ms to read, the same ones again none.
  const law = { prefillTokensPerS: 500, decodeBaseMs: 1, prefixCache: true }
  const caching = await startServer({ engine: simulatedEngine(law), port: 0 })
  try {
    const flags = ['--audit-caching', '--rest', '0', '--concurrency', '1', '--isl', '32']
    const { directory } = await run('caching', ['--url', caching.url, ...flags])
    const { summary } = await readReport(directory)
    const gate = summary.gates.find(({ gate: name }) => name === 'caching-audit')
    expect(gate).toMatchObject({ status: 'fail', severity: 'note' })
    expect(summary.reasons.join()).not.toContain('caching-audit')
  } finally {
    await caching.close()
  }
}, 60_000)
