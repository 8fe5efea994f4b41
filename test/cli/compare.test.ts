import { existsSync } from 'node:fs'
import { copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { jsonSchemas } from '../../src/cli/json-schemas.ts'
import type { RunLog } from '../../src/load/run-log.ts'
import { benchmark, levelLog, record, runLog, shifted } from '../measure/records.ts'
import { baremark } from './program.ts'

let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'baremark-compare-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

const REQUESTS = 140
const REQUEST_MS = 250

/**
 * A results directory of 140 requests one after the other, each of 8 tokens in 250 ms times `slowness`: 32 tokens/s
 * divided by it, TTFT 100 ms and TPOT 20 ms times it.
 */
async function writeRun(
  name: string,
  slowness: number,
  parts: Partial<RunLog> = {},
  failed = 0,
): Promise<string> {
  const directory = join(folder, name)
  const one = record()
  const chunkMs = one.chunkMs.map((ms) => ms * slowness)
  const endMs = REQUEST_MS * slowness
  const scaled = record({ chunkMs, firstByteMs: 90 * slowness, endMs, closedMs: endMs })
  const lines = Array.from({ length: REQUESTS }, (_, id) => {
    const outcome =
      id < failed
        ? ({ kind: 'failed', failure: { kind: 'http-status', status: 500, message: '' } } as const)
        : one.outcome
    const { chunkMs: times, ...rest } = shifted(scaled, id * endMs, { id })
    const us = times.map((ms) => Math.round(ms * 1000))
    const chunkGapsUs = us.map((at, i) => at - (us[i - 1] ?? 0))
    return JSON.stringify({ ...rest, outcome, chunkGapsUs })
  })
  const windowEndMs = REQUESTS * endMs
  const run = runLog({
    runId: name,
    epoch: new Date(Date.UTC(2026, 10, 23, 12, minute++)).toISOString(),
    levels: [levelLog({ issued: REQUESTS, windowEndMs, endMs: windowEndMs })],
    ...parts,
  })
  await mkdir(directory)
  await writeFile(join(directory, 'run.json'), JSON.stringify(run))
  await writeFile(join(directory, 'requests.jsonl'), `${lines.join('\n')}\n`)
  return directory
}
let minute = 0

/** Runs that differ by 2 % among themselves, all slower by `factor`. */
async function side(name: string, factor: number): Promise<string> {
  const paths: string[] = []
  for (const [i, spread] of [1, 1.02, 1.04].entries())
    paths.push(await writeRun(`${name}${i}`, factor * spread))
  return paths.join(',')
}

const asked = (parts: object) => ({
  config: { benchmark: benchmark(parts), url: 'http://127.0.0.1:8000' },
})

const withinColumns = (text: string): boolean =>
  text.split('\n').every((line) => [...line].length <= 100)

describe('three runs against three', () => {
  let [a, b] = ['', '']
  beforeAll(async () => {
    a = await side('a', 1)
    b = await side('b', 1.25)
  })

  test('a server 1.25 times slower is worse in all that was measured', async () => {
    const { stdout, exitCode } = await baremark(['compare', a, b, '--json'])
    expect(exitCode).toBe(0)
    const json = JSON.parse(stdout)
    const rows = new Map(json.levels[0].metrics.map((row: { metric: string }) => [row.metric, row]))
    // Each kind of time is 1.25 times as long; tokens per second are 0.8 of what they were.
    expect(rows.get('ttftP95Ms')).toMatchObject({ word: 'worse', runs: [3, 3] })
    expect((rows.get('ttftP95Ms') as { ratio: number }).ratio).toBeCloseTo(1.25, 4)
    expect(rows.get('outputTokensPerS')).toMatchObject({ word: 'worse' })
    expect((rows.get('outputTokensPerS') as { ratio: number }).ratio).toBeCloseTo(0.8, 4)
    expect(json.tests).toBe(6)
  })

  test('the other way round it is better', async () => {
    const { stdout } = await baremark(['compare', b, a])
    expect(stdout).toMatch(/Output tokens\/s .* 1\.250 .* better$/m)
    expect(stdout).toMatch(/TTFT p95, ms .* 0\.800 .* better$/m)
    expect(stdout).not.toContain('worse\n')
  })

  test('the text fits into 100 columns and names what differs before any figure', async () => {
    const { stdout } = await baremark(['compare', a, b])
    expect(withinColumns(stdout)).toBe(true)
    expect(stdout.indexOf('What differs')).toBeLessThan(stdout.indexOf('Output tokens/s'))
  })

  test('Markdown has a table', async () => {
    const { stdout } = await baremark(['compare', a, b, '--md'])
    expect(stdout).toContain('| Output tokens/s |')
  })

  test('a run held against one is not enough of them, and no word says better', async () => {
    const [first = ''] = a.split(',')
    const [other = ''] = b.split(',')
    const { stdout } = await baremark(['compare', first, other])
    expect(stdout).toMatch(/Output tokens\/s .* 0\.800 .* not enough runs$/m)
    expect(stdout).not.toMatch(/(better|worse)$/m)
  })

  test('three sides are two held against the first', async () => {
    const c = await side('c', 1)
    const { stdout } = await baremark(['compare', a, b, c])
    expect(stdout).toContain('1 user: B against A')
    expect(stdout).toContain('1 user: C against A')
    expect(stdout).toMatch(/Output tokens\/s .* 1\.000 .* no detectable difference$/m)
  })

  test('runs of one thing tell their own noise: ln 1, 1.02 and 1.04 scatter by 1.96 %', async () => {
    const { stdout, exitCode } = await baremark(['compare', '--aa', a])
    expect(exitCode).toBe(0)
    expect(stdout).toMatch(/Output tokens\/s +3 .* 1\.96 % /m)
    expect(withinColumns(stdout)).toBe(true)
  })

  describe('a gate', () => {
    const policy = async (name: string, rule: string): Promise<string> => {
      const file = join(folder, name)
      await writeFile(file, `schemaVersion: 1\nrules:\n  - ${rule}\n`)
      return file
    }
    const tested = 'needSignificance: true }'

    test('fails a run that is slower than the policy lets pass', async () => {
      const file = await policy('ten', `{ metric: ttftP95Ms, maxWorseRatio: 1.1, ${tested}`)
      const ran = await baremark(['gate', b, '--baseline', a, '--policy', file])
      expect(ran.exitCode).toBe(1)
      expect(ran.stdout).toMatch(/^REGRESSION: /)
      expect(ran.stdout).toMatch(/TTFT p95, ms +1 user +1\.250 .* REGRESSION$/m)
      expect(withinColumns(ran.stdout)).toBe(true)
    })

    test('passes it where the policy lets it be half as fast again', async () => {
      const file = await policy('fifty', `{ metric: ttftP95Ms, maxWorseRatio: 1.5, ${tested}`)
      const ran = await baremark(['gate', b, '--baseline', a, '--policy', file, '--md'])
      expect(ran.exitCode).toBe(0)
      expect(ran.stdout).toMatch(/^\*\*PASS: /)
    })

    test('asks for more runs where one a side cannot show significance', async () => {
      const file = await policy('one', `{ metric: ttftP95Ms, maxWorseRatio: 1.1, ${tested}`)
      const [first = ''] = a.split(',')
      const [other = ''] = b.split(',')
      const ran = await baremark(['gate', other, '--baseline', first, '--policy', file])
      expect(ran.exitCode).toBe(2)
      expect(ran.stdout).toMatch(/^NOT JUDGED: /)
    })

    test('says of an INVALID run that nothing follows from it', async () => {
      const file = await policy('any', `{ metric: ttftP50Ms, maxWorseRatio: 9, ${tested}`)
      const invalid = await writeRun('invalid', 1, {}, 40)
      const ran = await baremark(['gate', invalid, '--baseline', a, '--policy', file, '--json'])
      expect(ran.exitCode).toBe(4)
      expect(JSON.parse(ran.stdout)).toMatchObject({ outcome: 'invalid' })
    })

    test('refuses a baseline of another workload', async () => {
      const file = await policy('other', `{ metric: ttftP50Ms, maxWorseRatio: 9, ${tested}`)
      const workload = { kind: 'synthetic', inputTokens: 17, outputTokens: 8 }
      const other = await writeRun('other-workload', 1, asked({ workload }))
      const ran = await baremark(['gate', other, '--baseline', a, '--policy', file])
      expect(ran.exitCode).toBe(2)
      expect(ran.stdout).toBe('')
      expect(ran.stderr).toContain('workload.inputTokens: A 16; B 17')
    })

    test('names the line of a policy that asks for what there is not', async () => {
      const file = await policy('wrong', `{ metric: speed, maxWorseRatio: 9, ${tested}`)
      const ran = await baremark(['gate', b, '--baseline', a, '--policy', file])
      expect(ran.exitCode).toBe(2)
      expect(ran.stderr).toContain('wrong:3:')
    })

    test('takes the example policy', async () => {
      const file = fileURLToPath(new URL('../../docs/gate-policy.yaml', import.meta.url))
      const ran = await baremark(['gate', a, '--baseline', b, '--policy', file])
      expect(ran.exitCode).toBe(0)
    })
  })

  test.each([
    ['comparison.schema.json', () => ['compare', a, b]],
    ['noise-floor.schema.json', () => ['compare', '--aa', a]],
    ['gate.schema.json', () => ['gate', b, '--baseline', a, '--policy', join(folder, 'ten')]],
  ])('the JSON is what schemas/%s says', async (name, argv) => {
    const { stdout } = await baremark([...argv(), '--json'])
    const schema = z.fromJSONSchema(jsonSchemas()[name] as Parameters<typeof z.fromJSONSchema>[0])
    expect(schema.safeParse(JSON.parse(stdout)).error).toBeUndefined()
  })
})

describe('runs of different work', () => {
  let [some, other] = ['', '']
  beforeAll(async () => {
    some = await writeRun('some', 1)
    const workload = { kind: 'synthetic', inputTokens: 32, outputTokens: 8 }
    other = await writeRun('otherwise', 2, asked({ workload }))
  })

  test('are refused, with what differs', async () => {
    const ran = await baremark(['compare', some, other])
    expect(ran.exitCode).toBe(2)
    expect(ran.stdout).toBe('')
    expect(ran.stderr).toContain('Benchmark, workload.inputTokens: A 16; B 32')
    expect(ran.stderr).toContain('--force')
  })

  test.each([[[]], [['--md']], [['--json']]])(
    'are compared when forced, and %s says so first',
    async (flags) => {
      const ran = await baremark(['compare', some, other, '--force', ...flags])
      expect(ran.exitCode).toBe(0)
      expect(ran.stdout).toMatch(/^(\*\*|\{\s*"notice": \[\s*")?FORCED: /)
    },
  )

  test('are no runs of one thing', async () => {
    const ran = await baremark(['compare', '--aa', `${some},${other}`])
    expect(ran.exitCode).toBe(2)
    expect(ran.stderr).toContain('A1 16; A2 32')
  })
})

/**
 * As `vllm bench serve` writes it, invented: 1 user, 200 requests of 16 and 8 tokens, 20 tokens/s divided by `slowness`
 * and TTFT 200 ms times it.
 */
const vllmResult = (slowness: number) => ({
  date: '20260301-101500',
  backend: 'vllm',
  model_id: 'm',
  tokenizer_id: 'm',
  num_prompts: 200,
  request_rate: 'inf',
  max_concurrency: 1,
  duration: 80 * slowness,
  completed: 200,
  failed: 0,
  total_input_tokens: 3200,
  total_output_tokens: 1600,
  request_throughput: 2.5 / slowness,
  output_throughput: 20 / slowness,
  total_token_throughput: 60 / slowness,
  mean_ttft_ms: 201 * slowness,
  median_ttft_ms: 200 * slowness,
  p95_ttft_ms: 220 * slowness,
})

async function writeFileIn(name: string, content: unknown): Promise<string> {
  const file = join(folder, name)
  await writeFile(file, JSON.stringify(content))
  return file
}

describe("another tool's result file", () => {
  let [file, slower] = ['', '']
  beforeAll(async () => {
    file = await writeFileIn('vllm.json', vllmResult(1))
    slower = await writeFileIn('slower.json', vllmResult(1.25))
  })

  test('is a side: what it is first, then 16 tokens/s against 20', async () => {
    const { stdout, stderr, exitCode } = await baremark(['compare', file, slower])
    expect(stderr).toBe('')
    expect(exitCode).toBe(0)
    expect(stdout).toMatch(/^NOT JUDGED: A, B, imported from vLLM bench serve/)
    expect(stdout).toMatch(/Output tokens\/s \* +20\.0 +16\.0 +0\.800 .* not enough runs$/m)
    expect(withinColumns(stdout)).toBe(true)
  })

  test('is a side beside a run of ours at the same load, and several make one', async () => {
    const run = await writeRun('beside', 1)
    const { stdout, stderr } = await baremark(['compare', run, `${file},${slower}`])
    expect(stderr).toBe('')
    // 8 tokens in 250 ms, one after the other.
    expect(stdout).toMatch(/Output tokens\/s \*\* +32\.0 /m)
    expect(stdout).toContain('1 user: B against A, B1, B2 NOT JUDGED')
  })

  test.each([
    ['comparison.schema.json', () => ['compare', file, slower]],
    ['noise-floor.schema.json', () => ['compare', '--aa', `${file},${slower}`]],
  ])('is in JSON as schemas/%s says', async (name, argv) => {
    const { stdout } = await baremark([...argv(), '--json'])
    const schema = z.fromJSONSchema(jsonSchemas()[name] as Parameters<typeof z.fromJSONSchema>[0])
    const document = JSON.parse(stdout)
    expect(schema.safeParse(document).error).toBeUndefined()
    expect(document.notice[0]).toMatch(/^NOT JUDGED: /)
  })

  test('is no more than one run when it is given again under another name', async () => {
    const copy = join(folder, 'copy.json')
    await copyFile(file, copy)
    const ran = await baremark(['compare', file, copy])
    expect(ran.exitCode).toBe(2)
    expect(ran.stderr).toContain('are the same result')
  })

  test('of another model is refused, and compared when forced', async () => {
    const other = await writeFileIn('other-model.json', { ...vllmResult(2), model_id: 'n' })
    const refused = await baremark(['compare', file, other])
    expect(refused.exitCode).toBe(2)
    expect(refused.stderr).toContain('Model, Model: A m; B n')
    expect((await baremark(['compare', file, other, '--force'])).stdout).toMatch(/^FORCED: /)
  })

  test('passes no gate', async () => {
    const run = await writeRun('gated', 1)
    const policy = fileURLToPath(new URL('../../docs/gate-policy.yaml', import.meta.url))
    for (const [candidate, baseline] of [
      [file, run],
      [run, file],
    ] as const) {
      const ran = await baremark(['gate', candidate, '--baseline', baseline, '--policy', policy])
      expect(ran.exitCode).toBe(2)
      expect(ran.stdout).toBe('')
      expect(ran.stderr).toContain('a result of vLLM bench serve, which is NOT JUDGED')
      expect(ran.stderr).toContain('baremark compare')
    }
  })

  test.each([
    ['a folder without any', async () => mkdtemp(join(folder, 'empty-')), 'no result of a known'],
    ['a file of something else', async () => writeFileIn('else.json', { a: 1 }), 'run.json'],
    [
      'two results under one load',
      async () => writeFileIn('two.json', [vllmResult(1), vllmResult(2)]),
      'one result is one run',
    ],
    [
      'results of two tools',
      async () =>
        writeFileIn('tools.json', [
          vllmResult(1),
          { benchmarks: [{ metrics: { request_latency: { successful: { mean: 1 } } } }] },
        ]),
      'results of 2 tools',
    ],
  ])('is not %s', async (_, path, said) => {
    const ran = await baremark(['compare', file, await path()])
    expect(ran.exitCode).toBe(2)
    expect(ran.stdout).toBe('')
    expect(ran.stderr).toContain(said)
  })
})

describe('a summary that lies by itself', () => {
  test('is a side whose figures were not computed again', async () => {
    const directory = await writeRun('whole', 1)
    const other = await writeRun('records', 1.25)
    const { stdout: json } = await baremark(['report', directory, '--format', 'json'])
    const summary = join(folder, 'alone.json')
    await writeFile(summary, json)
    const ran = await baremark(['compare', other, summary])
    expect(ran.stderr).toBe('')
    expect(ran.stdout).toContain('FROM A SUMMARY: the records of B are not there')
    expect(ran.stdout).toMatch(/Output tokens\/s .* 1\.250 .* not enough runs$/m)
    const policy = fileURLToPath(new URL('../../docs/gate-policy.yaml', import.meta.url))
    const gate = await baremark(['gate', summary, '--baseline', other, '--policy', policy])
    expect(gate.exitCode).toBe(2)
    expect(gate.stderr).toContain('a summary without its records')
  })
})

// Result files of the tools themselves. They lie outside the repository: where they are missing, nothing is tested here.
const samples =
  process.env.BAREMARK_SAMPLES ?? fileURLToPath(new URL('../../../shared/samples', import.meta.url))

describe.skipIf(!existsSync(samples))('samples of other tools', () => {
  const [told, untold] = ['success', 'one_failed.PARTIAL'].map((name) =>
    join(samples, 'vllm', `bench_serve_random_1qps_${name}.json`),
  )

  test('of which one does not tell its load are not held against each other unless forced', async () => {
    const ran = await baremark(['compare', told ?? '', untold ?? ''])
    expect(ran.exitCode).toBe(2)
    expect(ran.stderr).toContain('Load levels: A 1 req/s Poisson; B load not told')
  })

  test('at one load are compared: a stage against the folder that it is of', async () => {
    const folderOf = join(samples, 'inference-perf')
    const stage = join(folderOf, 'stage_0_lifecycle_metrics.json')
    const { stdout, exitCode } = await baremark(['compare', folderOf, stage])
    expect(exitCode).toBe(0)
    expect(stdout).toMatch(/Output tokens\/s \* .* 1\.000 /m)
    expect(stdout).toContain('of an unknown number of samples')
    expect(withinColumns(stdout)).toBe(true)
  })
})

test('INVALID runs are said before DEGRADED ones, and both before any figure', async () => {
  const bad = await writeRun('bad', 1, {}, 40)
  const length = { kind: 'synthetic', inputTokens: 16, outputTokens: 12 }
  const good = await writeRun('short', 1, asked({ workload: length }))
  const { stdout } = await baremark(['compare', good, bad, '--force'])
  const [invalid, degraded] = [stdout.indexOf('INVALID: run B'), stdout.indexOf('DEGRADED: run A')]
  expect(invalid).toBeGreaterThan(0)
  expect(degraded).toBeGreaterThan(invalid)
  expect(stdout.indexOf('Output tokens/s')).toBeGreaterThan(degraded)
})

describe('wrong arguments', () => {
  let run = ''
  beforeAll(async () => {
    run = await writeRun('alone', 1)
  })

  test.each([
    ['one side alone', () => [run], '1 are given'],
    ['no side', () => [], '0 are given'],
    ['a run against itself', () => [run, run], 'are the same run'],
    ['a run twice on a side', () => [`${run},${run}`, run], 'are the same run'],
    ['nothing between commas', () => [`${run},,`, run], 'between two commas'],
    ['--aa with one run', () => ['--aa', run], '2 or more runs'],
    ['--aa with a side', () => [run, '--aa', `${run},${run}`], 'nothing beside it'],
    ['two formats', () => [run, run, '--json', '--md'], 'two formats'],
    ['no results directory', () => [run, join(folder, 'nowhere')], 'No such file or folder'],
  ])('%s', async (_, argv, said) => {
    const ran = await baremark(['compare', ...argv()])
    expect(ran.exitCode).toBe(2)
    expect(ran.stdout).toBe('')
    expect(ran.stderr).toContain(said)
  })

  test('a gate without a baseline', async () => {
    const ran = await baremark(['gate', run, '--policy', 'x'])
    expect(ran.exitCode).toBe(2)
    expect(ran.stderr).toContain('--baseline')
  })

  test('--help says how several runs of one side are given', async () => {
    expect((await baremark(['compare', '--help'])).stdout).toContain('A1,A2,A3')
  })
})
