import { describe, expect, test } from 'vitest'
import { stringify } from 'yaml'
import { hardwareProfileSchema } from '../../src/detect/hardware-profile.ts'
import { UserError } from '../../src/errors.ts'
import { figureFinder } from '../../src/price/cost-report.ts'
import { priceSheetSchema } from '../../src/price/price-sheet.ts'
import { priceSubject } from '../../src/price/price-subject.ts'
import { scenarioSchema } from '../../src/price/scenario.ts'
import { type Subject, statedSubject, subjectOfRun } from '../../src/price/subject.ts'
import { parseYaml } from '../../src/yaml-file.ts'
import { type Changes, catalogue, figure, measuredRun, scenario } from './fixtures.ts'

const sources = { s: { title: 'a test', date: '2026-11-01' }, undated: { title: 'hearsay' } }

/** What a file of that content is refused with; its place is before it. */
function refusal(content: object, schema: Parameters<typeof parseYaml>[2]): string {
  try {
    parseYaml(stringify(content), 'mine.yaml', schema)
  } catch (error) {
    expect(error).toBeInstanceOf(UserError)
    const { message } = error as UserError
    expect(message).toMatch(/^mine\.yaml:\d+:\d+: /)
    return message.replace(/^mine\.yaml:\d+:\d+: /, '')
  }
  return 'nothing'
}

const own = {
  kind: 'owned',
  lifeYears: figure(4),
  residualRatio: figure(0),
  pueRatio: figure(1.5),
  electricity: 'grid',
}
const scenarioFile = (changes: Changes): object => ({
  schemaVersion: 2,
  name: 'mine',
  sources,
  costOfCapitalRatioPerYear: figure(0.1),
  demand: { amount: { kind: 'share-of-server', ratio: figure(0.5) }, ...changes.demand },
  options: {
    own: { ...own, ...changes.own },
    rent: { kind: 'rented', ...changes.rent },
    api: { kind: 'api', api: 'api', ...changes.api },
  },
  ...changes.scenario,
})
const ofScenario = (changes: Changes) => refusal(scenarioFile(changes), scenarioSchema)

test('the file that the others differ from is fine', () => {
  expect(ofScenario({})).toBe('nothing')
})

describe('a figure in another unit is refused with its path, what was expected and what was given', () => {
  test.each<[string, Changes, string]>([
    [
      'a share in per cent',
      { demand: { amount: { kind: 'share-of-server', ratio: figure(70) } } },
      'demand.amount.ratio.value: expected a ratio, not per cent, from 0.0001 to 1; given 70: 70 % is 0.7',
    ],
    [
      'a share over 1',
      { demand: { amount: { kind: 'share-of-server', ratio: figure(1.2) } } },
      'demand.amount.ratio.value: expected a ratio, not per cent, from 0.0001 to 1; given 1.2',
    ],
    [
      'interest in per cent',
      { scenario: { costOfCapitalRatioPerYear: figure(8) } },
      'costOfCapitalRatioPerYear.value: expected a ratio, not per cent, from 0 to 1; given 8: 8 % is 0.08',
    ],
    [
      'a range that leaves the bounds',
      { own: { residualRatio: figure(0.5, { range: { low: 0, high: 20 } }) } },
      'options.own.residualRatio.range: expected a ratio, not per cent, from 0 to 1; given 20: 20 % is 0.2',
    ],
    [
      'a PUE under 1',
      { own: { pueRatio: figure(0.63) } },
      'options.own.pueRatio.value: expected a ratio from 1 to 4; given 0.63: a building draws at least what its machines draw',
    ],
    [
      'a life in months',
      { own: { lifeYears: figure(60) } },
      'options.own.lifeYears.value: expected years from 0.5 to 30; given 60: 60 months are 5 years',
    ],
    [
      'power above the enforced cap',
      { own: { serverPowerW: { load: figure(900), enforcedCapW: figure(800) } } },
      'options.own.serverPowerW.load.value: expected W at the plug of one server, at most the enforced cap of 800; given 900',
    ],
    [
      'idle power above the load',
      { own: { serverPowerW: { load: figure(900), idle: figure(1200) } } },
      'options.own.serverPowerW.idle.value: expected W at the plug of one server, at most its load of 900; given 1200',
    ],
    [
      'a demand charge a year',
      {
        own: {
          demandCharge: { usdPerKwMonth: figure(180, { kind: 'list' }), intervalMinutes: 15 },
        },
      },
      'options.own.demandCharge.usdPerKwMonth.value: expected USD per kW and month from 0 to 100; given 180: a price a year would be 15 a month; where a contract or quote of yours does say so, give it that kind',
    ],
    [
      'a rack a year',
      { own: { spaceUsdPerRackMonth: figure(18_000, { kind: 'list' }) } },
      'options.own.spaceUsdPerRackMonth.value: expected USD per rack and month from 0 to 6000; given 18000: a price a year would be 1500 a month; where a contract or quote of yours does say so, give it that kind',
    ],
    [
      'carbon in kilograms',
      { own: { gridGPerKwh: figure(0.381) } },
      'options.own.gridGPerKwh.value: expected gCO2e per kWh, 0 or at least 1; given 0.381: 0.381 kg are 381 g',
    ],
    [
      'maintenance that leaves no capacity',
      { own: { maintenanceRatio: figure(1) } },
      'options.own.maintenanceRatio.value: expected a ratio, not per cent, from 0 to 0.9; given 1',
    ],
    [
      'machines that are never there',
      { rent: { availabilityRatio: figure(0) } },
      'options.rent.availabilityRatio.value: expected a ratio from 0.01 to 1; given 0',
    ],
    [
      'a demand of nothing',
      {
        demand: { amount: { kind: 'output-tokens-per-day', outputTokensPerDay: figure(0) } },
      },
      'demand.amount.outputTokensPerDay.value: expected tokens of 1 or more; given 0',
    ],
    [
      'hours that all want nothing',
      { demand: { hourWeights: Array.from({ length: 24 }, () => 0) } },
      'demand.hourWeights: expected an hour with a weight above 0',
    ],
    [
      'weights that weigh nothing',
      { scenario: { weights: { cost: 0 } } },
      'weights: expected a weight above 0',
    ],
    [
      'a price without source and date',
      { own: { serverPriceUsd: 320_000 } },
      'options.own.serverPriceUsd: expected { value, source, kind }, for a number alone has neither source nor date; given 320000',
    ],
    [
      'a price of a source without a date',
      { own: { serverPriceUsd: figure(320_000, { source: 'undated' }) } },
      'options.own.serverPriceUsd: expected a dated price: its source "undated" has no date under sources',
    ],
    [
      'a price in another currency',
      { own: { serverPriceEur: figure(320_000) } },
      'options.own.serverPriceEur: unknown key "serverPriceEur"',
    ],
    [
      'a country by its name',
      { own: { control: { dataLocation: 'Germany' } } },
      'options.own.control.dataLocation: expected a country by its two letters (DE), EU, EEA or premises',
    ],
    [
      'an item by the name of a line that is there anyway',
      {
        own: {
          yearly: [{ id: 'support', what: 'support', usdPerYear: figure(1), per: 'site' }],
        },
      },
      'options.own.yearly.0.id: expected another name: "support" is, or could be, that of a line which bills have anyway',
    ],
  ])('%s', (_, changes, message) => {
    expect(ofScenario(changes)).toBe(message)
  })

  test('what is no price may come from a source without a date', () => {
    expect(ofScenario({ own: { lifeYears: figure(4, { source: 'undated' }) } })).toBe('nothing')
  })

  test('what a contract says may be out of the ordinary', () => {
    const contract = figure(180, { kind: 'contract' })
    const demandCharge = { usdPerKwMonth: contract, intervalMinutes: 15 }
    expect(ofScenario({ own: { demandCharge } })).toBe('nothing')
    const paid = { usdPerKwMonth: figure(-1, { kind: 'contract' }), intervalMinutes: 15 }
    expect(ofScenario({ own: { demandCharge: paid } })).toMatch('; given -1')
  })
})

describe('an entry of a price sheet', () => {
  const entry = (parts: object) =>
    refusal({ schemaVersion: 1, sources, entries: [parts] }, priceSheetSchema)
  const list = (value: number, parts: object = {}) => figure(value, { kind: 'list', ...parts })
  const colocation = (usdPerKwMonth: object) =>
    entry({ kind: 'colocation', id: 'x', where: 'x', usdPerKwMonth })
  const electricity = (usdPerKwh: object) =>
    entry({ kind: 'electricity', id: 'x', where: 'x', usdPerKwh })
  const api = (usd: number) =>
    entry({
      kind: 'api',
      id: 'x',
      provider: 'x',
      model: 'x',
      usdPerMillionInputTokens: list(usd),
      usdPerMillionOutputTokens: list(1),
    })
  const rental = (usd: number, gpus: number) =>
    entry({
      kind: 'rental',
      id: 'x',
      provider: 'x',
      sku: 'x',
      hardwareProfile: 'x',
      gpus,
      usdPerHour: list(usd),
      commitment: 'on-demand',
      billed: 'per-instance',
    })

  test('of a kW and year is none of a kW and month', () => {
    expect(colocation(list(184.06))).toBe('nothing')
    expect(colocation(list(2208))).toBe(
      'entries.0.usdPerKwMonth.value: expected USD per kW and month from 10 to 400; given 2208: a price a year would be 184 a month; where a contract or quote of yours does say so, give it that kind',
    )
    // As one page prints it: 450 to 900 USD per kW and year.
    expect(colocation(list(450))).toContain('a price a year would be 37.5 a month')
    expect(colocation(figure(450, { kind: 'contract' }))).toBe('nothing')
  })

  test('in cents is none in USD', () => {
    expect(electricity(list(0.146))).toBe('nothing')
    expect(electricity(list(14.6))).toBe(
      'entries.0.usdPerKwh.value: expected USD per kWh from 0 to 2; given 14.6: 14.6 cents are 0.146 USD',
    )
  })

  test('of a token, or a thousand, is none of a million', () => {
    expect(api(0)).toBe('nothing')
    expect(api(0.005)).toBe('nothing')
    expect(api(0.0000025)).toBe(
      'entries.0.usdPerMillionInputTokens.value: expected USD per million tokens, 0 or at least 0.001; given 0.0000025: is it the price of a token, or of a thousand?',
    )
  })

  test('of a whole machine is none of each GPU', () => {
    expect(rental(142.416, 8)).toBe('nothing')
    expect(rental(98.32, 1)).toBe(
      'entries.0.usdPerHour: expected USD an hour for all of gpus together, up to 60 for each; given 98.32 for 1: is gpus the number in the whole machine?',
    )
  })

  test('has a date', () => {
    expect(electricity(list(0.1, { source: 'undated' }))).toBe(
      'entries.0.usdPerKwh: expected a dated price: its source "undated" has no date under sources',
    )
  })
})

describe('a hardware profile', () => {
  const profile = (parts: object) =>
    refusal(
      {
        schemaVersion: 1,
        id: 'x',
        name: 'x',
        vendor: 'x',
        unit: 'gpu',
        match: [],
        sources,
        prices: [],
        ...parts,
      },
      hardwareProfileSchema,
    )

  test('with sparse TFLOPS beside dense ones is refused, for 8 bits double 16 and no more', () => {
    const tflops = (bf16: number, fp8: number) => ({
      bf16DenseTflops: figure(bf16),
      fp8DenseTflops: figure(fp8),
    })
    expect(profile(tflops(989, 1979))).toBe('nothing')
    expect(profile(tflops(1835, 1835))).toBe('nothing')
    expect(profile(tflops(989, 3958))).toBe(
      'fp8DenseTflops: expected dense TFLOPS, at most double those of bf16DenseTflops (989); given 3958: is one of the two with sparsity, which doubles it?',
    )
  })

  test('with a price without a date is refused', () => {
    const usd = figure(30_000, { source: 'undated' })
    expect(profile({ prices: [{ per: 'unit', what: 'board', usd }] })).toBe(
      'prices.0.usd: expected a dated price: its source "undated" has no date under sources',
    )
  })
})

describe('what only shows with the measurement', () => {
  const measured = measuredRun(100)
  const price = (
    changes: Changes,
    subject: Subject = subjectOfRun(measured.run, measured.summary),
  ) => priceSubject(subject, scenario(changes), catalogue)

  test('a cap below what the hardware draws, by its profile, is refused', () => {
    const serverPowerW = { enforcedCapW: figure(800) }
    expect(() => price({ own: { serverPowerW } })).toThrow(
      'options.own.loadPowerW is 1000 W; expected at most the enforced cap of 800 W, serverPowerW.enforcedCapW.',
    )
  })

  test('idle power above what the hardware draws under load, by its profile, is refused', () => {
    const serverPowerW = { idle: figure(1100) }
    expect(() => price({ own: { serverPowerW } })).toThrow(
      'options.own.idlePowerW is 1100 W; expected at most the power under load, 1000 W.',
    )
  })

  test('power stated under load alone is not taken to be less than idle', () => {
    const report = price({
      scenario: { hardwareProfile: 'gpu', units: 8 },
      own: { serverPowerW: { load: figure(4000) } },
    })
    expect(figureFinder(report)('options.own.idlePowerW')?.value).toBe(4000)
  })

  test('a throughput of nothing serves no demand', () => {
    for (const nothing of [0, -1, Number.NaN])
      expect(() => statedSubject(nothing, undefined, '2026-11-30')).toThrow(
        `outputTokensPerS is ${nothing}.`,
      )
  })

  test('a demand that the SLO cannot serve has no price, and the report says what came nearest', () => {
    const slow = measuredRun(100, {}, { ttftMs: 99 })
    const report = price({}, subjectOfRun(slow.run, slow.summary))
    expect(report.pricedLevelReason).toBe(
      'no measured level let 95 % of its requests meet the SLO (TTFT 99 ms); at best 0 % did, at 1 user',
    )
    expect(report.warnings.find(({ kind }) => kind === 'slo-unreachable')?.text).toBe(
      'No demand can be served, so there is no price: no measured level let 95 % of its requests meet the SLO (TTFT 99 ms); at best 0 % did, at 1 user. Measure lower loads, or relax the SLO.',
    )
    expect(report.options.map(({ missing }) => missing.length > 0)).toEqual([true, true, true])
    expect(figureFinder(report)('options.own.usdPerYear')?.value).toBeUndefined()
  })
})
