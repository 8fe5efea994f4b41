import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { loadHardwareProfiles } from '../../src/detect/hardware-profile.ts'
import { packageRoot } from '../../src/package-files.ts'
import { checkNames } from '../../src/price/catalogue.ts'
import { type CostReport, figureFinder } from '../../src/price/cost-report.ts'
import { priceSheetSchema } from '../../src/price/price-sheet.ts'
import { priceSubject } from '../../src/price/price-subject.ts'
import { scenarioSchema } from '../../src/price/scenario.ts'
import { type Subject, statedSubject } from '../../src/price/subject.ts'
import { readYamlFile } from '../../src/yaml-file.ts'

const folder = join(packageRoot, 'scenarios')
const files = readdirSync(folder).filter((name) => name.endsWith('.yaml'))
const sheetFolder = join(packageRoot, 'price-sheets')
const catalogue = {
  profiles: await loadHardwareProfiles(join(packageRoot, 'hardware-profiles')),
  sheets: await Promise.all(
    readdirSync(sheetFolder).map((name) => readYamlFile(join(sheetFolder, name), priceSheetSchema)),
  ),
}

/** 4,000 output tokens/s from 8 GPUs together, at a load that met its SLO. */
const subject: Subject = {
  kind: 'run',
  what: 'a run',
  date: '2026-11-30',
  verdict: 'VALID',
  hasSlo: true,
  promptTokens: 1000,
  told: { gpus: 8 },
  points: [
    {
      level: 0,
      label: '64 users',
      outputTokensPerS: 4000,
      inputTokensPerS: 8000,
      requestsPerS: 10,
      cachedInputRatio: 0.25,
      meetsSlo: true,
      tokensPerSPerUser: 60,
      ttftP95Ms: 400,
      tpotP95Ms: 18,
      prefillSPerRequest: 0.2,
      decodeSPerRequest: 6,
      power: [],
    },
  ],
}

const load = (name: string) => readYamlFile(join(folder, `${name}.yaml`), scenarioSchema)

async function priced(name: string): Promise<CostReport> {
  return priceSubject(subject, await load(name), catalogue)
}

describe.each(files)('%s', (name) => {
  test('bears its own name, says in a sentence what for, and is completed by editors', async () => {
    const scenario = await readYamlFile(join(folder, name), scenarioSchema)
    expect(`${scenario.name}.yaml`).toBe(name)
    expect(scenario.description).toMatch(/^[A-Z].{20,}\.$/)
    expect(readFileSync(join(folder, name), 'utf8')).toMatch(
      /^# yaml-language-server: \$schema=\.\.\/schemas\/scenario\.schema\.json\n/,
    )
  })

  test('names only what the catalogue has, and uses every source it declares', async () => {
    const scenario = await readYamlFile(join(folder, name), scenarioSchema)
    checkNames(scenario, catalogue)
    const figures = JSON.stringify({ ...scenario, sources: {} })
    for (const key of Object.keys(scenario.sources)) expect(figures).toContain(`"source":"${key}"`)
  })

  test('prices a measured load by every option, or says what is missing', async () => {
    const report = await priced(name.replace('.yaml', ''))
    for (const { id, missing } of report.options) {
      const usd = figureFinder(report)(`options.${id}.usdPerYear`)?.value
      expect((usd ?? 0) > 0 || missing.length > 0, id).toBe(true)
    }
  })
})

describe('the clinic, by hand', async () => {
  const report = await priced('clinic-air-gapped')
  const line = (name: string) => figureFinder(report)(`options.own.lines.${name}.usdPerYear`)?.value
  const at = (path: string) => figureFinder(report)(path)?.value

  test('has one server that serves and one that stands by, of 8 L40S each', () => {
    expect(at('options.own.servingServers')).toBe(1)
    expect(at('options.own.servers')).toBe(2)
    expect(at('options.own.gpus')).toBe(16)
  })

  test('pays 2 x 79,000 USD by annuity: at 10 % over 5 years with a tenth left, 0.2474165 of the price a year', () => {
    // 1.1^5 = 1.61051: (1 - 0.1 / 1.61051) x 0.1 / (1 - 1 / 1.61051) = 0.9379079 x 0.2637975.
    expect(line('servers')).toBeCloseTo(158_000 * 0.9379079 * 0.2637975, 0)
  })

  test('pays 12 % of 158,000 for support, and half a person a server', () => {
    expect(line('support')).toBeCloseTo(18_960, 9)
    expect(line('operations')).toBe(2 * 0.5 * 175_000)
  })

  test('pays electricity: 1.6 kW idle and 0.0231 servers at 3.2 kW more, x 1.58 x 14.6 cents', () => {
    // 8 M tokens a day are 92.5926/s, of 4,000/s that a server makes.
    const kw = 2 * 0.8 + (92.5926 / 4000) * 3.2
    expect(line('electricity')).toBeCloseTo(kw * 8760 * 1.58 * 0.146, 1)
  })

  test('pays for the air gap what is bought because of it: spares, transfer station, a tenth of a person', () => {
    const annuity = 0.2637975
    const bought = (17_000 + 12_000) * annuity
    expect(at('requirements.airGap.usdPerYear')).toBeCloseTo(bought + 17_500, 0)
    const airGap = report.decision.requirements.find(({ requirement }) => requirement === 'airGap')
    expect(airGap?.removes).toEqual(['rent', 'api'])
    expect(airGap?.lines).toEqual([
      'options.own.lines.spare-gpus.usdPerYear',
      'options.own.lines.transfer-station.usdPerYear',
      'options.own.lines.update-transfer.usdPerYear',
    ])
  })

  test('would pay an API a hundredth for the tokens, and all its requirements cost the difference', () => {
    // A year: 2,920 M output, 4,380 M fresh and 1,460 M cached input tokens at 0.60, 0.15 and 0.075 USD.
    const api = 2920 * 0.6 + 4380 * 0.15 + 1460 * 0.075
    expect(at('options.api.usdPerYear')).toBeCloseTo(api, 6)
    expect(at('requirements.together.usdPerYear')).toBeCloseTo(
      (at('options.own.usdPerYear') ?? 0) - api,
      6,
    )
  })

  test('draws power as stated, so that no board stands for a server', () => {
    expect(report.warnings.map(({ kind }) => kind)).not.toContain('board-power-only')
  })
})

describe('the bank, by hand', async () => {
  const report = await priced('bank-eu')
  const at = (path: string) => figureFinder(report)(path)?.value

  test('is barred from operators under other law, and from who does not say', () => {
    const excluded = Object.fromEntries(
      report.options.map(({ id, excluded: reasons }) => [
        id,
        reasons.map(({ requirement }) => requirement),
      ]),
    )
    expect(excluded).toEqual({
      own: [],
      colo: [],
      'rent-eu': [],
      'rent-us-provider': ['operatorJurisdiction'],
      'api-eu': ['dataResidency', 'certifications'],
      'api-us': ['dataResidency', 'operatorJurisdiction', 'certifications'],
      mix: ['dataResidency', 'certifications'],
    })
  })

  test('rents two machines of 8 GPUs for 2 USD a GPU and hour, and pays one person and its keys', () => {
    expect(at('options.rent-eu.lines.rent.usdPerYear')).toBe(2 * 8 * 2 * 8760)
    expect(at('options.rent-eu.usdPerYear')).toBe(280_320 + 175_000 + 25_000)
    expect(at('requirements.operatorJurisdiction.usdPerYear')).toBe(25_000)
  })

  test('pays colocation by the kW under contract: 3 x 10.2 kW x 184.06 USD x 12, and not as dense', () => {
    expect(at('options.colo.kwPerRack')).toBeCloseTo(30.6, 9)
    expect(at('options.colo.lines.colocation.usdPerYear')).toBeCloseTo(30.6 * 184.06 * 12, 6)
  })

  test('has scores of what is left, from the weights it states', () => {
    expect(
      report.decision.options
        .filter(({ score }) => score !== undefined)
        .map(({ option }) => option),
    ).toEqual(['own', 'colo', 'rent-eu'])
    // Cheapest 1, security 2 of 4, control 2 of 4: (2 x 1 + 0.5 + 0.5) / 4.
    expect(at('options.rent-eu.score.weighted')).toBeCloseTo(0.75, 12)
  })
})

describe('the start-up, by hand', async () => {
  const report = await priced('startup-bursty')
  const at = (path: string) => figureFinder(report)(path)?.value

  test('pays the API 200 M output tokens a day at 4.50, with two of input each, a quarter cached', () => {
    const millions = 200 * 365
    const tokens = millions * (4.5 + 2 * (0.75 * 0.75 + 0.25 * 0.075))
    expect(at('options.api.usdPerYear')).toBeCloseTo(tokens + 17_500, 6)
  })

  test('needs five machines for its peak and a third of that on average', () => {
    // 2,314.8 tokens/s x 3.549 in the highest hour x 2 inside it, of 4,000.
    expect(at('options.rent-base.servers')).toBe(5)
    expect(at('options.rent-by-the-hour.servers')).toBeLessThan(2)
  })

  test('is served cheapest by one committed machine with the API on top', () => {
    expect(at('options.mix.servers')).toBe(1)
    const mix = at('options.mix.usdPerYear') ?? 0
    for (const id of ['api', 'rent-by-the-hour', 'rent-base', 'rent-committed'])
      expect(mix).toBeLessThan(at(`options.${id}.usdPerYear`) ?? 0)
  })
})

describe('the batch shop, by hand', async () => {
  const report = await priced('batch-shop')
  const at = (path: string) => figureFinder(report)(path)?.value

  test('rents spot machines for ten hours a night, a quarter more of them as they are there 80 % of the time', () => {
    // 600 M tokens in ten hours are 16,667/s: 5 machines; x 10/24 / 0.8 x 8 GPUs x 1.60 USD x 8,760 h.
    expect(at('options.spot.servers')).toBeCloseTo((5 * 10) / 24 / 0.8, 9)
    expect(at('options.spot.usdPerYear')).toBeCloseTo(((5 * 10) / 24 / 0.8) * 12.8 * 8760, 6)
  })

  test('pays half for what waits', () => {
    const now = at('options.api-now.usdPerYear') ?? 0
    expect(now).toBeCloseTo(600 * 365 * (0.6 + 2 * (0.75 * 0.15 + 0.25 * 0.075)), 6)
    expect(at('options.api-batch.usdPerYear')).toBeCloseTo(now / 2, 6)
  })

  test('pays for the peak of its own servers by the kW: 5 x 10.2 kW x 1.3 x 15 USD x 12', () => {
    // Without a known idle power the machines are taken to draw what they do under load.
    expect(at('options.own.lines.demand-charge.usdPerYear')).toBeCloseTo(
      5 * 10.2 * 1.3 * 15 * 12,
      6,
    )
  })
})

test('lenovo-lp2368 gives what the paper prints, by its own throughput: 0.11 USD, 0.89 at Azure, and 2,720 hours', async () => {
  const report = priceSubject(
    statedSubject(30_576, undefined, '2026-02-04'),
    await load('lenovo-lp2368'),
    catalogue,
  )
  const at = (path: string) => figureFinder(report)(path)?.value ?? Number.NaN
  // 250,141.80 / 5 / 8760 + 6.37 = 12.08 USD/h; 12.08 / (30,576 x 3600) = 0.1098 a million.
  expect(at('options.own.usdPerMillionOutputTokens')).toBeCloseTo(0.1098, 3)
  expect(at('options.azure.usdPerMillionOutputTokens')).toBeCloseTo(0.893, 3)
  expect(Math.abs(at('breakEvens.own.azure.months.flat.atMonths') * 730 - 2720)).toBeLessThan(1)
  // The paper's own table has AWS at half of that, and its headline leaves it out.
  expect(Math.abs(at('breakEvens.own.aws.months.flat.atMonths') * 730 - 5139.5)).toBeLessThan(6)
})
