import { copyFileSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { priceSchemasByKind } from '../report/price-documents.ts'
import { baremark } from './program.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const example = join(root, 'results', 'example-quickstart')
const quickstart = join(root, 'scenarios', 'quickstart.yaml')
const folder = mkdtempSync(join(tmpdir(), 'baremark-price-'))

function fileOf(name: string, content: string): string {
  const file = join(folder, name)
  writeFileSync(file, content)
  return file
}

const changed = (name: string, from: string, to: string) =>
  fileOf(name, readFileSync(quickstart, 'utf8').replace(from, to))

// As `vllm bench serve` writes it, invented: for 20 s, and an input token for every two of output.
const vllm = (perS: number, name: string) =>
  fileOf(
    name,
    JSON.stringify({
      date: '20260301-101500',
      backend: 'vllm',
      model_id: 'some/model',
      tokenizer_id: 'some/model',
      num_prompts: 100,
      request_rate: 'inf',
      max_concurrency: 4,
      duration: 20,
      completed: 100,
      failed: 0,
      total_input_tokens: perS * 10,
      total_output_tokens: perS * 20,
      request_throughput: perS / 200,
      output_throughput: perS,
      total_token_throughput: perS * 1.5,
      mean_ttft_ms: 51,
      median_ttft_ms: 50,
      p99_ttft_ms: 80,
      mean_tpot_ms: 4,
      median_tpot_ms: 4,
      p99_tpot_ms: 5,
    }),
  )

async function price(...argv: string[]) {
  return baremark(['price', ...argv])
}

async function refused(...argv: string[]): Promise<string> {
  const { exitCode, stderr, stdout } = await price(...argv)
  expect(exitCode, stderr).toBe(2)
  expect(stdout).toBe('')
  return stderr
}

function fitsTerminal(text: string): void {
  for (const line of text.split('\n')) expect(line.length, line).toBeLessThanOrEqual(100)
}

describe('what can be priced', () => {
  test('a results directory, and its summary.json by name', async () => {
    const whole = await price(example, '--json')
    const named = await price(join(example, 'summary.json'), '--json')
    expect(whole.exitCode).toBe(0)
    expect(named.stdout).toBe(whole.stdout)
    expect(JSON.parse(whole.stdout).figures.length).toBeGreaterThan(20)
    expect(priceSchemasByKind(JSON.parse(whole.stdout))).toBeUndefined()
  })

  test('a summary by itself gives the same figures, and says that they were not computed again', async () => {
    const lone = join(folder, 'alone.json')
    copyFileSync(join(example, 'summary.json'), lone)
    const { stdout } = await price(lone, '--scenario', quickstart)
    expect(stdout).toMatch(/^FROM A SUMMARY/)
    const again = JSON.parse((await price(lone, '--scenario', quickstart, '--json')).stdout)
    const whole = JSON.parse((await price(example, '--scenario', quickstart, '--json')).stdout)
    expect(again.figures).toEqual(whole.figures)
  })

  test('another tool’s result, as not judged', async () => {
    const { stdout, exitCode } = await price(
      vllm(1000, 'a.json'),
      '--hardware',
      'h200-sxm',
      '--gpus',
      '8',
    )
    expect(exitCode).toBe(0)
    expect(stdout).toMatch(/^NOT JUDGED: vLLM/)
    expect(stdout).toContain('no SLO can be judged')
    expect(stdout).toMatch(/own: NVIDIA H200/)
    fitsTerminal(stdout)
  })

  test('a throughput that is stated, under a scenario', async () => {
    const { stdout } = await price(
      '--throughput',
      '1000',
      '--scenario',
      quickstart,
      '--set',
      'demand.outputTokensPerDay=86.4e6',
    )
    expect(stdout).toMatch(/^NOT JUDGED: \d+ output tokens\/s, as stated/)
    expect(stdout).toMatch(/own: .* 1 server, 100 % used/)
    fitsTerminal(stdout)
  })

  test('not a run in which no load met the SLO: that is an error which names the demand and what came nearest', async () => {
    const document = JSON.parse(readFileSync(join(example, 'summary.json'), 'utf8'))
    document.run.config.benchmark.slo = { ttftMs: 1 }
    for (const [i, point] of document.summary.points.entries())
      point.goodput = { requestsPerS: 0.1, goodRatio: i === 0 ? 0.5 : 0.25 }
    const file = fileOf('too-slow.json', JSON.stringify(document))
    const stderr = (await refused(file, '--scenario', quickstart)).replaceAll(/\s+/g, ' ')
    expect(stderr).toContain('demand: no demand can be served within the SLO')
    expect(stderr).toContain('(TTFT 1 ms); at best 50 % did, at 1 user')
    expect(stderr).toContain('expected at least one level that does')
    expect(stderr).toContain('--goodput')
  })

  test('nothing else', async () => {
    expect(await refused('/nowhere/at/all')).toContain('No such file or folder')
    expect(await refused(quickstart)).toContain('no result of a known format')
    expect(await refused()).toContain('nothing to price')
    expect(await refused(example, '--scenario', '/nowhere.yaml')).toContain('No such file')
  })

  test('a scenario of version 1 is told how it is changed', async () => {
    const old = fileOf('old.yaml', 'schemaVersion: 1\nname: old\nsources: {}\n')
    const stderr = await refused(example, '--scenario', old)
    expect(stderr).toContain('old.yaml:1:16')
    expect(stderr).toContain('demand.amount with kind share-of-server')
  })
})

describe('--html', () => {
  const lenovo = join(root, 'scenarios', 'lenovo-lp2368.yaml')
  const pictures = [
    'USD per million output tokens, by option.',
    'USD a year of each option, stacked by kind of cost.',
    'USD per million output tokens of each option against output tokens a day.',
    'USD per million output tokens of each option against the use of the machines.',
    'How far each uncertain input, moved alone from its low to its high end, moves the price.',
  ]

  test('is the page of a published comparison: every table, every picture, and first that nothing was measured', async () => {
    const { stdout } = await price('--throughput', '30576', '--scenario', lenovo, '--html')
    expect(stdout.startsWith('<!doctype html>')).toBe(true)
    const drawn = [...stdout.matchAll(/<title>NOT JUDGED\. ([^<]*)<\/title>/g)].map(
      ([, name]) => name,
    )
    expect(drawn).toEqual(expect.arrayContaining(pictures))
    expect(stdout).not.toContain('Chart left out')
    for (const table of ['Options', 'Break-evens', 'Investments', 'Decision', 'Assumptions'])
      expect(stdout).toContain(`aria-label="${table}"`)
    expect(stdout.indexOf('NOT JUDGED: 30576 output tokens/s')).toBeLessThan(
      stdout.indexOf('$0.110'),
    )
    expect(stdout).toContain('Prices older than 90 days')
  })

  test("of another tool's result holds the loads of its file", async () => {
    const argv = [vllm(1000, 'page.json'), '--hardware', 'h200-sxm', '--scenario', quickstart]
    const { stdout } = await price(...argv, '--html')
    expect(stdout).toContain('<h2>What the file tells</h2>')
    expect(stdout).toContain('<h2>NOT JUDGED: vLLM')
  })

  test('of a run is its whole report, and goes to a file where one is named', async () => {
    const file = join(folder, 'page.html')
    const { stdout, exitCode } = await price(example, '--html', '--output', file)
    expect([exitCode, stdout]).toEqual([0, ''])
    expect(readFileSync(file, 'utf8')).toContain('<h2>Cost</h2>')
  })

  test('is no part of a price, and no other format', async () => {
    for (const other of [['--json'], ['--explain', 'options.own'], ['--solve', 'a=own:api']])
      expect(await refused(example, '--html', ...other)).toContain('page of a whole price')
    expect(await refused('--throughput', '1', '--hourly', '1', '--html')).toContain('whole price')
  })

  test('that cannot be written is told by an exit code of its own', async () => {
    const { exitCode, stderr } = await price(example, '--output', '/nowhere/at/all.txt')
    expect(exitCode).toBe(6)
    expect(stderr).toContain('Choose another file')
  })
})

describe('--set', () => {
  test('changes one figure and leaves the stored ones as they were', async () => {
    const before = JSON.parse((await price(example, '--json')).stdout)
    const after = JSON.parse(
      (await price(example, '--json', '--set', 'options.own.lifeYears=4')).stdout,
    )
    const figureValue = (cost: typeof before, path: string) =>
      cost.figures.find((figure: { path: string }) => figure.path === path)?.value
    expect(figureValue(after, 'options.own.lifeYears')).toBe(4)
    expect(figureValue(after, 'options.own.usdPerYear')).toBeGreaterThan(
      figureValue(before, 'options.own.usdPerYear'),
    )
    for (const path of ['options.rent.usdPerYear', 'options.api.usdPerYear'])
      expect(figureValue(after, path)).toBe(figureValue(before, path))
    expect(after.notice.join()).toContain('options.own.lifeYears=4, set on the command line')
  })

  test('may be given many times', async () => {
    const { stdout } = await price(
      example,
      '--set',
      'options.own.lifeYears=4',
      '--set',
      'options.api.tariff.usdPerMillionOutputTokens=1',
    )
    expect(stdout).toContain('options.own.lifeYears=4, set on the command line')
    expect(stdout.replace(/\s+/g, ' ')).toContain(
      'options.api.tariff.usdPerMillionOutputTokens=1, set on the command line',
    )
  })

  test('is refused where it means nothing', async () => {
    expect(await refused(example, '--set', 'nonsense')).toContain('PATH=VALUE')
    expect(await refused(example, '--set', 'options.own.lifeYear=4')).toContain(
      'Did you mean options.own.lifeYears',
    )
    expect(await refused(example, '--set', 'demand.amount.ratio=45')).toContain('not per cent')
    expect(await refused(example, '--set', 'options.api.api=nobody')).toContain(
      'no api price "nobody"',
    )
  })
})

describe('a quick price', () => {
  test('is the published one', async () => {
    const { stdout, exitCode } = await price('--throughput', '30576', '--hourly', '12.08')
    expect(exitCode).toBe(0)
    // 12.08 / (30,576 x 3,600 / 1e6) = 0.109745.
    expect(stdout).toContain('= 0.109745 USD/M output tokens')
    expect(stdout).toContain('= 12.08 / (30,576 x 3600 s x 1 / 1e6)')
    expect(stdout).toContain('STATED, NOT MEASURED')
    expect(stdout).toContain('It leaves out:')
    fitsTerminal(stdout)
  })

  test('takes a utilisation as a ratio, and an input throughput', async () => {
    const { stdout } = await price(
      ...['--throughput', '1000', '--hourly', '3.6', '--utilisation', '0.5'],
      ...['--input-throughput', '1000', '--json'],
    )
    expect(priceSchemasByKind(JSON.parse(stdout))).toBeUndefined()
    const { figures } = JSON.parse(stdout)
    const figureValue = (name: string) =>
      figures.find(({ path }: { path: string }) => path === `stated.${name}`)?.value
    expect(figureValue('usdPerMillionOutputTokens')).toBeCloseTo(2, 12)
    expect(figureValue('usdPerMillionTotalTokens')).toBeCloseTo(1, 12)
    expect(
      await refused('--throughput', '1000', '--hourly', '3.6', '--utilisation', '45'),
    ).toContain('up to 1')
  })

  test('is refused in part, or mixed with what does not belong to it', async () => {
    const both = ['--throughput', '1000', '--hourly', '3']
    expect(await refused('--throughput', '1000')).toContain('--hourly in USD or --scenario')
    expect(await refused('--hourly', '3')).toContain('--throughput')
    expect(await refused(...both, '--scenario', quickstart)).toContain('by the hour or under')
    expect(await refused(example, ...both)).toContain('without any run')
    expect(await refused(...both, '--gpus', '8')).toContain('--gpus means nothing')
    expect(await refused(...both, '--set', 'a=1')).toContain('--set means nothing')
    expect(
      await refused('--throughput', '9', '--scenario', quickstart, '--utilisation', '0.5'),
    ).toContain('follows from the demand')
  })
})

describe('--explain', () => {
  test('prints a number with its formula, its inputs, their sources and dates', async () => {
    const { stdout, exitCode } = await price(
      ...[
        example,
        '--scenario',
        quickstart,
        '--explain',
        'options.own.lines.electricity.usdPerYear',
      ],
    )
    expect(exitCode).toBe(0)
    // 1 box at 65 W under load and 20 W idle, 45 % busy: 40.25 W x 8.76 x 1.58 x 0.146.
    expect(stdout).toMatch(/lines\.electricity\.usdPerYear = 81\.33/)
    expect(stdout.replace(/\s+/g, ' ')).toContain(
      '= (1 x 20 + 0.45 x (65 - 20)) / 1,000 x 8,760 h x 1.58 x 0.146',
    )
    expect(stdout).toMatch(/survey: Uptime Institute global data center survey \(2023\)/)
    expect(stdout).toContain('RANDOM WEIGHTS')
    fitsTerminal(stdout)
  })

  test('of a level is of that level alone', async () => {
    const { stdout } = await price(
      ...[example, '--explain', 'levels.1.usdPerMillionOutputTokens', '--depth', '1'],
    )
    expect(stdout).toContain('Priced at level 1, 2 users, alone.')
    const { levels } = JSON.parse((await price(example, '--json')).stdout)
    const usd = Number(levels[1].usdPerMillionOutputTokens.toPrecision(6))
    expect(stdout).toContain(`options.own.usdPerMillionOutputTokens = ${usd} USD`)
    expect(await refused(example, '--explain', 'levels.77.usdPerYear')).toContain('no level 77')
  })

  test('lists what is below a path, and what is near a wrong one', async () => {
    const { stdout } = await price(example, '--explain', 'options.own')
    expect(stdout).toMatch(/^options\.own\.lifeYears = 5 years/m)
    expect(stdout).not.toMatch(/^options\.rent/m)
    expect(await refused(example, '--explain', 'options.own.usdPerYears')).toContain(
      'Did you mean options.own.usdPerYear',
    )
  })

  test('for programs is what its schema says', async () => {
    for (const path of ['options.own', 'options.own.usdPerYear']) {
      const { stdout } = await price(example, '--explain', path, '--json')
      expect(priceSchemasByKind(JSON.parse(stdout))).toBeUndefined()
    }
  })
})

describe('--solve', () => {
  const flags = [example, '--scenario', quickstart]

  test('gives the price of a server at which owning costs what renting does', async () => {
    const { stdout, exitCode } = await price(
      ...[...flags, '--solve', 'options.own.serverPriceUsd=own:rent'],
    )
    expect(exitCode).toBe(0)
    // Renting is 876 USD a year. Of its price a server costs 0.247418 a year in capital and 0.12 in support, and 81.3355 USD of energy:
    // (876 - 81.3355) / 0.367418 = 2,162.83.
    expect(stdout).toMatch(
      /^At 2,162\.8\d+ USD\/server they cost the same: below it own costs less/m,
    )
    fitsTerminal(stdout)
  })

  test('says that there is one, or none', async () => {
    const { stdout } = await price(
      ...[...flags, '--solve', 'options.own.electricityUsdPerKwh=own:api', '--json'],
    )
    // Energy is 81.34 USD of 632.46, and the API costs 25,609: at 308 times the price of energy.
    expect(priceSchemasByKind(JSON.parse(stdout))).toBeUndefined()
    const { outcome, places } = JSON.parse(stdout)
    expect([outcome, places.length]).toEqual(['at', 1])
    const never = await price(...flags, '--solve', 'options.own.residualRatio=own:api')
    expect(never.stdout).toContain('There is no such value: api stays dearer.')
  })

  test('is refused for a wrong path, option or form', async () => {
    expect(await refused(...flags, '--solve', 'options.own.foo=own:api')).toContain(
      'options.own.foo',
    )
    expect(await refused(...flags, '--solve', 'options.own.lifeYears=own:nobody')).toContain(
      'nobody',
    )
    expect(await refused(...flags, '--solve', 'options.own.lifeYears')).toContain('PATH=A:B')
    expect(
      await refused(...flags, '--solve', 'options.own.lifeYears=own:api', '--explain', 'options'),
    ).toContain('two questions')
  })
})

describe('--diff', () => {
  test('of two scenarios tells the input, the lines and the totals', async () => {
    const five = changed('five.yaml', 'name: quickstart', 'name: five')
    const four = changed('four.yaml', 'lifeYears: { value: 5', 'lifeYears: { value: 4')
    const { stdout, exitCode } = await price(example, '--diff', five, four)
    expect(exitCode).toBe(0)
    expect(stdout).toContain('options.own.lifeYears: 5 years -> 4 years')
    // 1,500 USD over n years at 10 %, with a tenth left at the end: 371.13 and 440.89.
    expect(stdout).toMatch(/~ Servers\s+\$371\.13\s+\$440\.89\s+\+\$69\.76 \(\+18\.8 %\)/)
    fitsTerminal(stdout)
    const md = await price(example, '--diff', five, four, '--md')
    expect(md.stdout).toContain('### Inputs that differ')
    const json = await price(example, '--diff', five, four, '--json')
    expect(priceSchemasByKind(JSON.parse(json.stdout))).toBeUndefined()
  })

  test('of two measurements tells what they measured', async () => {
    const flags = ['--scenario', quickstart, '--set', 'demand.outputTokensPerDay=1e9']
    const { stdout, exitCode } = await price(
      ...['--diff', vllm(1000, 'slow.json'), vllm(2000, 'fast.json'), ...flags],
    )
    expect(exitCode).toBe(0)
    expect(stdout.replace(/\s+/g, ' ')).toContain('measured.outputTokensPerS: 1,000 tokens/s')
    // A billion a day is 11,574 a second: 12 servers of 1,000, 6 of 2,000.
    expect(stdout).toMatch(/~ Servers\s+12\s+6\s+-6 \(-50 %\)/)
  })

  test('is of two, and takes no other question', async () => {
    expect(await refused(example, '--diff', quickstart)).toContain('takes two')
    expect(
      await refused(example, '--diff', quickstart, quickstart, '--scenario', quickstart),
    ).toContain('needs no --scenario')
    expect(
      await refused(example, '--diff', quickstart, quickstart, '--explain', 'options.own'),
    ).toContain('two questions')
    expect(await refused(example, '--md')).toContain('format of --diff')
    expect(await refused(example, '--diff', quickstart, quickstart, '--md', '--json')).toContain(
      'two formats',
    )
  })
})

describe('procure', () => {
  const flags = ['--scenario', quickstart, '--set', 'demand.outputTokensPerDay=1e9']

  test('tells for each candidate what it takes, and which is dominated', async () => {
    const { stdout, exitCode } = await baremark([
      ...['procure', vllm(1000, 'slow.json'), vllm(2000, 'fast.json'), ...flags],
    ])
    expect(exitCode).toBe(0)
    // 12 boxes of 1,500 USD and 65 W, four to a rack, against 6.
    expect(stdout).toMatch(/^A\s+12\s+\$18,000\s.*0\.780\s+3\s.*none\s+NOT JUDGED$/m)
    expect(stdout).toMatch(/^B\s+6\s+\$9,000\s.*0\.390\s+2\s/m)
    expect(stdout).toContain('A: DOMINATED by B.')
    fitsTerminal(stdout)
    const named = ['procure', vllm(1000, 'slow.json'), vllm(2000, 'fast.json'), ...flags]
    const json = await baremark([...named, '--json'])
    expect(priceSchemasByKind(JSON.parse(json.stdout))).toBeUndefined()
    expect((await baremark([...named, '--md'])).stdout).toContain('| Candidate | servers |')
  })

  test('prices a candidate as the machine that is named after it', async () => {
    const { stdout } = await baremark([
      ...['procure', `${vllm(1000, 'slow.json')}@h200-sxm:8`, vllm(2000, 'fast.json'), ...flags],
    ])
    expect(stdout).toMatch(/A: NVIDIA H200 SXM/)
    expect(stdout).toMatch(/^A\s+12\s/m)
  })

  test('refuses measurements of different things unless forced', async () => {
    const given = ['procure', example, vllm(2000, 'fast.json'), ...flags]
    const { exitCode, stderr } = await baremark(given)
    expect(exitCode).toBe(2)
    expect(stderr).toContain('measured at different things')
    const forced = await baremark([...given, '--force'])
    expect(forced.exitCode).toBe(0)
    expect(forced.stdout).toMatch(/^FORCED/)
  })

  test('refuses one candidate, one twice, and a demand that is a share of each', async () => {
    const messages = async (...argv: string[]) => {
      const { exitCode, stderr } = await baremark(['procure', ...argv])
      expect(exitCode).toBe(2)
      return stderr
    }
    expect(await messages(example, ...flags)).toContain('1 is given')
    expect(await messages(example, example, ...flags)).toContain('the same measurement')
    expect(await messages(example, vllm(1, 'x.json'), '--scenario', quickstart)).toContain(
      'another demand for every candidate',
    )
    expect(
      await messages(example, vllm(1, 'x.json'), ...flags, '--option', 'rent', '--force'),
    ).toContain('no option rent')
  })
})

test('a run with others of another shape shares its bill by regression too, and without them says why not', async () => {
  const method = 'options.own.allocation.regression.usdPerMillionOutputTokens'
  const alone = JSON.parse((await price(example, '--json')).stdout)
  expect(alone.allocationRefused.map(({ method }: { method: string }) => method)).toContain(
    'regression',
  )
  const other = vllm(900, 'other-shape.json')
  const shared = JSON.parse((await price(example, '--with', other, '--json')).stdout)
  const found = shared.figures.find(({ path }: { path: string }) => path === method)
  expect(found?.value).toBeGreaterThan(0)
})
