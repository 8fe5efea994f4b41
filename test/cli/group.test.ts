import { appendFile, cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { z } from 'zod'
import { jsonSchemas } from '../../src/cli/json-schemas.ts'
import { type RunGroup, seedOfRun } from '../../src/load/run-group.ts'
import type { GroupReport } from '../../src/report/group-report.ts'
import type { Report } from '../../src/report/report.ts'
import { startServer } from '../../src/serve/openai-server.ts'
import { simulatedEngine } from '../../src/serve/simulated.ts'
import { baremark, type Ran } from './program.ts'

const benchmarkText = `schemaVersion: 1
name: tiny
workload: { kind: synthetic, inputTokens: 16, outputTokens: 4 }
load: { kind: closed, concurrency: [1, 2] }
warmupS: 0
requests: 8
drainS: 20
seed: 5
`

// A run detects the machine twice, and a group makes several.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 })

let folder = ''
let file = ''
let server: Awaited<ReturnType<typeof startServer>>

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'baremark-group-'))
  file = join(folder, 'tiny.yaml')
  await writeFile(file, benchmarkText)
  server = await startServer({ engine: simulatedEngine({}), port: 0 })
})

afterAll(async () => {
  await server.close()
  await rm(folder, { recursive: true, force: true })
})

interface RanGroup extends Ran {
  /** Empty where none was kept. */
  readonly group: string
}

async function runGroup(
  name: string,
  flags: readonly string[],
  parts: Parameters<typeof baremark>[1] = {},
): Promise<RanGroup> {
  const out = join(folder, name)
  const argv = ['run', file, '--url', server.url, '--out', out, '--rest', '0', ...flags]
  const ran = await baremark(argv, parts)
  const [group] = await readdir(out).catch(() => [])
  return { ...ran, group: group === undefined ? '' : join(out, group) }
}

const readGroup = async (directory: string): Promise<GroupReport> =>
  JSON.parse(await readFile(join(directory, 'summary.json'), 'utf8')) as GroupReport

async function copyOf(group: string, name: string): Promise<string> {
  const copy = join(folder, name)
  await cp(group, copy, { recursive: true })
  return copy
}

/** A busy machine may make a run INVALID, and that is then what the group is. */
const exitCodeOr = async (group: string, code: number): Promise<number> =>
  (await readGroup(group)).summary.verdict === 'INVALID' ? 4 : code

const runsIn = async (directory: string): Promise<string[]> =>
  (await readdir(directory, { withFileTypes: true }))
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => join(directory, name))
    .sort()

const MEASURED = 'measured.outputTokensPerS'

describe('three runs of a real server', () => {
  let ran: RanGroup
  beforeAll(async () => {
    ran = await runGroup('three', ['--runs', '3'])
  })

  test('end well, and are reported as a group and not one by one', async () => {
    expect(ran.exitCode).toBe(await exitCodeOr(ran.group, 0))
    expect(ran.stdout).toContain('3 runs of tiny:')
    expect(ran.stdout).toContain(`Results: ${ran.group}`)
    expect(ran.stdout.match(/USD per million output tokens/g)).toBeNull()
    expect(ran.stderr).toContain('Run 3 of 3')
    expect(ran.stderr.match(/^Note: 1 user: .*p95/gm)).toHaveLength(1)
  })

  test('have a results directory each, with a seed drawn from that of the benchmark', async () => {
    const runs = await runsIn(ran.group)
    expect(runs).toHaveLength(3)
    for (const [i, directory] of runs.entries()) {
      const { run } = JSON.parse(await readFile(join(directory, 'summary.json'), 'utf8')) as Report
      expect(run.state).toBe('complete')
      expect(run.config.benchmark.seed).toBe(seedOfRun(5, i + 1))
    }
  })

  test('come to the median of what they came to', async () => {
    const { summary } = await readGroup(ran.group)
    const single = await Promise.all(
      (await runsIn(ran.group)).map(
        async (directory) =>
          JSON.parse(await readFile(join(directory, 'summary.json'), 'utf8')) as Report,
      ),
    )
    expect(summary.levels.map(({ label }) => label)).toEqual(['1 user', '2 users'])
    for (const [level, { metrics }] of summary.levels.entries()) {
      const figures = single
        .map(({ summary: { points } }) => points[level]?.outputTokensPerS ?? 0)
        .sort((a, b) => a - b)
      expect(metrics[0]).toMatchObject({
        metric: 'outputTokensPerS',
        min: figures[0],
        median: figures[1],
        max: figures[2],
      })
    }
  })

  test.each(['text', 'md', 'csv', 'json', 'html'])(
    'report makes %s again, as it was written',
    async (format) => {
      const again = await baremark(['report', ran.group, '--format', format])
      const names: Record<string, string> = { json: 'summary.json', text: '' }
      const name = names[format] ?? `report.${format}`
      if (name === '') expect(ran.stdout).toContain(again.stdout)
      else expect(again.stdout).toBe(await readFile(join(ran.group, name), 'utf8'))
    },
  )

  test('the JSON is what schemas/group-report.schema.json says', async () => {
    const schema = z.fromJSONSchema(
      jsonSchemas()['group-report.schema.json'] as Parameters<typeof z.fromJSONSchema>[0],
    )
    expect(schema.safeParse(await readGroup(ran.group)).error).toBeUndefined()
  })

  test('verify finds them as they were', async () => {
    const verified = await baremark(['verify', ran.group])
    expect(verified.exitCode).toBe(0)
    expect(verified.stdout).toContain('Figures from the records of its runs: same')
  })

  test('compare of two groups is that of their runs, to the byte', async () => {
    const other = await runGroup('two', ['--runs', '2'])
    const lists = await Promise.all(
      [ran.group, other.group].map(async (group) => (await runsIn(group)).join(',')),
    )
    const [byGroup, byRun] = [
      await baremark(['compare', ran.group, other.group, '--json']),
      await baremark(['compare', ...lists, '--json']),
    ]
    expect(byGroup.exitCode).toBe(0)
    expect(byGroup.stdout).toBe(byRun.stdout)
    expect(JSON.parse(byGroup.stdout).levels[0].metrics[0].runs).toEqual([3, 2])
  })

  test('price takes the group at the median of its highest level, the figure that its report has', async () => {
    const { summary } = await readGroup(ran.group)
    const [, two] = summary.levels
    const [figure] = two?.metrics ?? []
    const priced = await baremark(['price', ran.group, '--json'])
    expect(priced.exitCode, priced.stderr).toBe(0)
    const { notice, figures, pricedLevel } = JSON.parse(priced.stdout)
    expect(notice[0]).toContain('SIMULATED')
    expect(pricedLevel).toBe(1)
    const measured = figures.find(({ path }: { path: string }) => path === MEASURED)
    expect(measured).toMatchObject({
      value: figure?.median,
      uncertain: { kind: 'lognormal', low: figure?.interval?.low, high: figure?.interval?.high },
    })
  })

  test('a price of the group says of which runs it is the median, after what they were not', async () => {
    const explained = await baremark(['price', ran.group, '--explain', MEASURED])
    expect(explained.stdout).toMatch(/^SIMULATED: /)
    const text = explained.stdout.replaceAll(/\s+/g, ' ')
    expect(text).toMatch(/median of 3 runs: [\d.]+ \(\S+-tiny(-\d+)?\), /)
    expect(text).toContain('95 % interval between runs')
  })

  test('has a page of its prices, whose banner and verdict come before any figure', async () => {
    const { stdout } = await baremark(['price', ran.group, '--html'])
    const [banner, verdict, price] = [
      'SIMULATED: no model ran in',
      '<div class="verdict',
      '<h2>Cost',
    ].map((text) => stdout.indexOf(text))
    expect(banner).toBeGreaterThan(0)
    expect(verdict).toBeGreaterThan(banner ?? 0)
    expect(price).toBeGreaterThan(verdict ?? 0)
    expect(stdout).not.toContain('Reason: ')
  })

  test('what each run warns of is said of the price, once for all runs', async () => {
    const { stdout } = await baremark(['price', ran.group])
    expect(stdout.match(/R1, R2, R3: Client and server shared this machine/g)).toHaveLength(1)
  })

  test('--set, --solve and --diff ask of a group what they ask of a run', async () => {
    const solve = ['--solve', 'options.own.serverPriceUsd=own:rent']
    for (const flags of [['--set', 'options.own.lifeYears=4'], solve]) {
      const { exitCode, stderr, stdout } = await baremark(['price', ran.group, ...flags])
      expect(exitCode, stderr).toBe(0)
      expect(stdout).toMatch(/^SIMULATED: /)
    }
    const [run = ''] = await runsIn(ran.group)
    const diff = await baremark(['price', '--diff', ran.group, run])
    expect(diff.stdout).toMatch(/^ {2}- A: .*\(group/m)
    expect(diff.stdout).toContain('(run ')
  })

  test('its summary.json by itself is told to be that of a group, and with its folder is the group', async () => {
    const alone = join(folder, 'alone.json')
    await cp(join(ran.group, 'summary.json'), alone)
    const refused = await baremark(['price', alone])
    expect(refused.exitCode).toBe(2)
    expect(refused.stderr).toContain('summary of a group')
    const whole = await baremark(['price', ran.group])
    expect((await baremark(['price', join(ran.group, 'summary.json')])).stdout).toBe(whole.stdout)
  })

  test('a run beside the group that it is of is no second candidate', async () => {
    const [run = ''] = await runsIn(ran.group)
    const text = await readFile(join('scenarios', 'quickstart.yaml'), 'utf8')
    const scenario = join(folder, 'day.yaml')
    await writeFile(
      scenario,
      text.replace(
        /amount:\n.*\n.*/,
        'amount: { kind: output-tokens-per-day, outputTokensPerDay: { value: 1e8, source: gmi, kind: choice } }',
      ),
    )
    const { exitCode, stderr } = await baremark(['procure', ran.group, run, '--scenario', scenario])
    expect(exitCode).toBe(2)
    expect(stderr).toContain('are the same measurement')
  })

  test('runs that were priced with different things have no price until --scenario says with what', async () => {
    const group = await copyOf(ran.group, 'repriced')
    const [run = ''] = await runsIn(group)
    const file = join(run, 'pricing.json')
    await writeFile(file, (await readFile(file, 'utf8')).replace('"name": "', '"name": "other '))
    const refused = await baremark(['price', group])
    expect(refused.exitCode).toBe(2)
    expect(refused.stderr).toContain('--scenario')
    const given = ['--scenario', join('scenarios', 'quickstart.yaml')]
    expect((await baremark(['price', group, ...given])).exitCode).toBe(0)
  })

  test('compare --aa takes the group alone, and a gate takes it for a baseline', async () => {
    expect((await baremark(['compare', '--aa', ran.group])).stdout).toMatch(/Output tokens\/s +3 /)
    const policy = join(folder, 'policy.yaml')
    const rule = '{ metric: ttftP50Ms, maxWorseRatio: 90, needSignificance: false }'
    await writeFile(policy, `schemaVersion: 1\nrules:\n  - ${rule}\n`)
    const { group: alone } = await runGroup('alone', [])
    const gated = await baremark(['gate', alone, '--baseline', ran.group, '--policy', policy])
    expect([0, 4]).toContain(gated.exitCode)
    expect(gated.stdout.match(/^ {2}- A\d: /gm)).toHaveLength(3)
  })

  test('--as is of one run', async () => {
    const { exitCode, stderr } = await baremark(['report', ran.group, '--as', 'vllm'])
    expect(exitCode).toBe(2)
    expect(stderr).toContain('one of its runs')
  })

  test('verify finds out that a run was changed and its own checksums made anew', async () => {
    const group = await copyOf(ran.group, 'changed')
    const [run = ''] = await runsIn(group)
    expect((await baremark(['verify', group])).exitCode).toBe(0)
    await appendFile(join(run, 'SHA256SUMS'), '\n')
    const verified = await baremark(['verify', group])
    expect(verified.exitCode).toBe(1)
    expect(verified.stdout).toMatch(/SHA256SUMS: changed/)
  })

  test('verify finds out that a run is missing, which makes the report PARTIAL', async () => {
    const group = await copyOf(ran.group, 'missing')
    const [run = ''] = await runsIn(group)
    await rm(run, { recursive: true })
    const verified = await baremark(['verify', group])
    expect(verified.exitCode).toBe(1)
    expect(verified.stdout).toContain('no run that can be read')
    expect(verified.stdout).toContain('Figures from the records of its runs: different')
    const { stdout } = await baremark(['report', group])
    expect(stdout).toMatch(/^(PARTIAL|INVALID): .* 2 of 3 runs/m)
  })

  test('a run that is not its own is left out, and is no group as it was written', async () => {
    const group = await copyOf(ran.group, 'stranger')
    await cp((await runsIn(ran.group))[0] ?? '', join(group, 'stranger'), { recursive: true })
    const reported = await baremark(['report', group])
    expect(reported.stdout).toBe((await baremark(['report', ran.group])).stdout)
    expect(reported.stderr).toContain('stranger is no run that the group names')
    expect((await baremark(['verify', group])).exitCode).toBe(1)
  })

  test('a meter put beside a run writes the reports of the group again', async () => {
    const group = await copyOf(ran.group, 'metered')
    const [run = ''] = await runsIn(group)
    const { epoch } = JSON.parse(await readFile(join(run, 'run.json'), 'utf8')) as Report['run']
    const lines = Array.from({ length: 60 }, (_, second) => {
      return `${new Date(Date.parse(epoch) + 1_000 * second).toISOString()},250`
    })
    const log = join(folder, 'meter.csv')
    await writeFile(log, `time,watts\n${lines.join('\n')}\n`)
    expect((await baremark(['meter', run, log])).exitCode).toBe(0)
    const verified = await baremark(['verify', group])
    expect(verified.stdout).not.toContain('changed')
    expect(verified.exitCode).toBe(0)
  })

  test('what a crash leaves is reported of the runs in the folder', async () => {
    const group = await copyOf(ran.group, 'crashed')
    const log = JSON.parse(await readFile(join(group, 'group.json'), 'utf8')) as RunGroup
    await writeFile(
      join(group, 'group.json'),
      JSON.stringify({ ...log, state: 'running', runs: [] }),
    )
    const { stdout } = await baremark(['report', group, '--format', 'json'])
    expect((JSON.parse(stdout) as GroupReport).summary.levels).toEqual(
      (await readGroup(ran.group)).summary.levels,
    )
  })

  test('a group.json of another format is refused', async () => {
    const group = await copyOf(ran.group, 'future')
    await writeFile(join(group, 'group.json'), '{"schemaVersion": 2}')
    for (const command of ['report', 'verify']) {
      const refused = await baremark([command, group])
      expect(refused.exitCode).toBe(2)
      expect(refused.stderr).toContain('no group of runs that this version can read')
    }
  })

  test('what takes one run only says that this is a group', async () => {
    const { exitCode, stderr } = await baremark(['meter', ran.group, file])
    expect(exitCode).toBe(2)
    expect(stderr).toContain('group of runs')
  })
})

test('one run is no group', async () => {
  const { group } = await runGroup('single', ['--runs', '1'])
  expect(await readdir(group)).toContain('run.json')
})

/** Interrupts once the program has said this on stderr. */
function interruptAfter(words: RegExp): Parameters<typeof baremark>[1] {
  const interrupt = new AbortController()
  let said = ''
  return {
    signal: interrupt.signal,
    stderr: (text) => {
      said += text
      if (words.test(said)) interrupt.abort('SIGINT')
    },
  }
}

describe('a group that is interrupted in its second run', () => {
  let ran: RanGroup
  beforeAll(async () => {
    ran = await runGroup('cut', ['--runs', '3'], interruptAfter(/Run 2 of 3[\s\S]*1\/2] 1 user/))
  })

  test('leaves one whole run and a partial one, and says so', async () => {
    expect(ran.exitCode).toBe(130)
    const { group, summary } = await readGroup(ran.group)
    expect(summary.reasons.join()).toContain('1 of 3 runs went to their end: interrupted')
    expect(['PARTIAL', 'INVALID']).toContain(summary.verdict)
    expect(ran.stdout).toContain('1 of 3 runs went to their end: interrupted.')
    expect(group).toMatchObject({ state: 'ended', stopped: 'interrupted' })
    expect(summary.runs.map(({ state }) => state)).toEqual(['complete', 'partial'])
    const last = summary.levels.find(({ label }) => label === '2 users')
    expect(last?.metrics[0]?.figures.map(({ run }) => run)).toEqual(['R1'])
  })

  test('is as it was written', async () => {
    const verified = await baremark(['verify', ran.group])
    expect(verified.stdout).toContain('Figures from the records of its runs: same')
    expect(verified.exitCode).toBe(0)
  })
})

test('a pause is stated, and an interrupt ends it', async () => {
  const flags = ['--runs', '2', '--pause', '60s']
  const ran = await runGroup('paused', flags, interruptAfter(/Pause of 60 s/))
  expect(ran.exitCode).toBe(130)
  expect((await readGroup(ran.group)).group).toMatchObject({ plan: { runs: 2, pauseS: 60 } })
})

test('a group whose server is not there leaves nothing behind', async () => {
  const out = join(folder, 'nowhere')
  const url = 'http://127.0.0.1:9'
  const ran = await baremark(['run', file, '--url', url, '--out', out, '--runs', '3'])
  expect(ran.exitCode).toBe(3)
  expect(await readdir(out)).toEqual([])
})

test('a group whose server goes away in between keeps what it has, and says why', async () => {
  const own = await startServer({ engine: simulatedEngine({}), port: 0 })
  let closing: Promise<void> | undefined
  let said = ''
  const out = join(folder, 'gone')
  const argv = ['run', file, '--url', own.url, '--out', out, '--rest', '0', '--runs', '3']
  const ran = await baremark([...argv, '--pause', '500ms'], {
    stderr: (text) => {
      said += text
      if (said.includes('Pause of')) closing ??= own.close()
    },
  })
  await closing
  const [name = ''] = await readdir(out)
  const group = join(out, name)
  expect(ran.exitCode).toBe(await exitCodeOr(group, 5))
  const report = await readGroup(group)
  expect(report.summary.reasons.join()).toContain('1 of 3 runs went to their end: ')
  expect(report.summary).toMatchObject({ completeRuns: 1, wantedRuns: 3 })
  expect(report.group.stopped).toContain('127.0.0.1')
})

describe('until the interval is narrow', () => {
  test('a look that finds a width hardly to be missed is the last', async () => {
    const ran = await runGroup('wide', ['--until', 'ci:99%', '--runs', '8'])
    expect(ran.exitCode).toBe(await exitCodeOr(ran.group, 0))
    expect(ran.stderr).toMatch(/Note: looks=4, each at 98.8 %/)
    expect(ran.stderr).toMatch(/After \d runs: .* Reached\.\n$/)
    expect(ran.stdout).toContain('looks=4')
    const { summary, group } = await readGroup(ran.group)
    const last = summary.looks?.at(-1)
    expect(last?.reached).toBe(true)
    expect(summary.completeRuns).toBe(last?.afterRuns)
    expect(summary.wantedRuns).toBe(last?.afterRuns)
    expect(group.plan.until?.looksAfter).toEqual([3, 5, 7, 8])
    const { stdout } = await baremark(['compare', '--aa', ran.group])
    expect(stdout).toContain('were added until they agreed')
  })

  test('one that cannot be reached ends at the most runs with exit code 1', async () => {
    const ran = await runGroup('narrow', ['--until', 'ci:0.0001%', '--runs', '3'])
    expect(ran.exitCode).toBe(await exitCodeOr(ran.group, 1))
    expect(ran.stdout).toContain('NOT REACHED: ')
    expect((await readGroup(ran.group)).summary).toMatchObject({ completeRuns: 3, wantedRuns: 3 })
  })

  test.each([
    ['fewer runs than a first look', ['--until', 'ci:2%', '--runs', '2'], '3 runs before'],
    ['a pause without another run', ['--pause', '5s'], 'there is one'],
    ['no width', ['--until', '2'], 'ci:2%'],
    ['a width of nothing', ['--until', 'ci:0%'], 'ci:2%'],
    ['no run', ['--runs', '0'], 'at least 1'],
    ['more runs than anyone means', ['--runs', '1000'], 'up to 100'],
  ])('%s is refused', async (_, flags, said) => {
    const ran = await runGroup('refused', flags)
    expect(ran.exitCode).toBe(2)
    expect(ran.stderr).toContain(said)
  })
})
