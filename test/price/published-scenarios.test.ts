import { describe, expect, test } from 'vitest'
import type { Catalogue } from '../../src/price/catalogue.ts'
import { priceSheetSchema } from '../../src/price/price-sheet.ts'
import { type Scenario, scenarioSchema } from '../../src/price/scenario.ts'
import { statedSubject } from '../../src/price/subject.ts'
import { priced } from './stated.ts'

// What others published, reproduced by the whole model from a scenario: their inputs are the scenario's, and what they leave out is 0.

const sources = {
  lenovo: {
    title:
      'Lenovo Press LP2368, On-Premise vs Cloud: Generative AI Total Cost of Ownership, 2026 edition',
    date: '2026-02-04',
    url: 'https://lenovopress.lenovo.com/lp2368-on-premise-vs-cloud-generative-ai-total-cost-of-ownership-2026-edition',
  },
  nebius: { title: 'Nebius H100 by the GPU-hour, in the catalogue of SkyPilot', date: '2026' },
  nvidia: { title: 'NVIDIA DLI, notebook TCO-OnPrem-and-Cloud', date: '2024-11-13' },
  legitlads: {
    title: 'LegitLads, Accelerator ROI Console, its default case',
    date: '2026',
    url: 'https://www.legitlads.com/hub/tools/ai/ai-hardware/accelerator-roi-calculator/',
  },
  forward: { title: 'Comment on prices of AWS P5, Hacker News', date: '2024-05' },
}

const from = (source: keyof typeof sources) => (value: number, note?: string) => ({
  value,
  source,
  kind: 'list',
  note,
})

const rental = (id: string, gpus: number, usdPerHour: object, parts: object = {}) => ({
  kind: 'rental',
  id,
  provider: id,
  sku: id,
  hardwareProfile: 'server',
  gpus,
  usdPerHour,
  commitment: 'on-demand',
  billed: 'per-instance',
  ...parts,
})

/** Nothing that draws power is charged for it here: where the source counts energy, it states it by the hour. */
function catalogue(...rentals: object[]): Catalogue {
  const sheet = priceSheetSchema.parse({
    schemaVersion: 1,
    sources,
    entries: [
      {
        kind: 'electricity',
        id: 'none',
        where: 'stated by the hour',
        usdPerKwh: from('lenovo')(0),
      },
      ...rentals,
    ],
  })
  const profile = {
    schemaVersion: 1,
    id: 'server',
    name: 'The server of the source',
    vendor: 'any',
    unit: 'gpu',
    match: [],
    sources,
    prices: [],
  } as const
  return { profiles: [profile] as unknown as Catalogue['profiles'], sheets: [sheet] }
}

function scenario(parts: object): Scenario {
  return scenarioSchema.parse({
    schemaVersion: 2,
    name: 'published',
    sources,
    hardwareProfile: 'server',
    capitalMethod: 'straight-line',
    ...parts,
  })
}

const unpowered = (figure: (value: number) => object) => ({
  kind: 'owned',
  serverPowerW: { load: figure(0), idle: figure(0) },
  electricity: 'none',
  pueRatio: figure(1),
  residualRatio: figure(0),
})

describe('Lenovo LP2368, case 1: 8 H100 at 250,141.80 USD against three clouds', () => {
  const figure = from('lenovo')
  const { report, at } = priced(
    scenario({
      units: 8,
      horizonYears: 5,
      costOfCapitalRatioPerYear: figure(0, 'none in the source'),
      demand: { amount: { kind: 'share-of-server', ratio: figure(1, 'full around the clock') } },
      options: {
        own: {
          ...unpowered(figure),
          serverPriceUsd: figure(250_141.8),
          gpusPerServer: 8,
          lifeYears: figure(5),
          supportRatioPerYear: figure(0.12),
          serversPerRack: 1,
          spaceUsdPerRackMonth: figure((1500 * 730) / 720, '1,500 a month of 720 h'),
          yearly: [
            {
              id: 'power',
              what: 'Power and cooling',
              usdPerYear: figure(0.87 * 8760, '0.87 an hour'),
              per: 'server',
            },
          ],
        },
        azure: { kind: 'rented', rental: 'azure' },
        aws: { kind: 'rented', rental: 'aws' },
        nebius: { kind: 'rented', rental: 'nebius' },
      },
    }),
    statedSubject(30_576, undefined, '2026-02-04'),
    catalogue(
      rental('azure', 8, figure(98.32)),
      rental('aws', 8, figure(55.04)),
      rental('nebius', 8, from('nebius')(8 * 2.95)),
    ),
  )

  test.each([
    ['azure', 2720, 1],
    ['aws', 5139.5, 5.2],
    ['nebius', 14_518, 14.6],
  ])('%s is met after %d hours', (against, hours, tolerance) => {
    const months = at(`breakEvens.own.${against}.months.flat.atMonths`) as number
    expect(Math.abs(months * 730 - hours)).toBeLessThan(tolerance)
  })

  test('the headline of 3.7 months is a day of May 2026', () => {
    const azure = report.breakEvens.find(
      ({ against, axis }) => against === 'azure' && axis === 'months',
    )
    expect(azure?.date).toBe('2026-05-28')
  })

  test('the model of 70 billion parameters costs 0.11 USD per million tokens on premises, and 0.89 at Azure', () => {
    expect(at('options.own.usdPerMillionOutputTokens')).toBeCloseTo(0.11, 2)
    expect(at('options.azure.usdPerMillionOutputTokens')).toBeCloseTo(0.89, 2)
  })
})

describe("NVIDIA's sizing notebook: 200 requests/s on servers that carry 41.6", () => {
  const figure = from('nvidia')
  // 200 tokens out of each request.
  const price = (demand: object) =>
    priced(
      scenario({
        units: 8,
        costOfCapitalRatioPerYear: figure(0),
        demand: {
          amount: {
            kind: 'output-tokens-per-day',
            outputTokensPerDay: figure(200 * 200 * 86_400),
          },
          outputTokensPerRequest: figure(200),
          inputPerOutputToken: figure(10),
          ...demand,
        },
        options: {
          own: {
            ...unpowered(figure),
            serverPriceUsd: figure(320_000),
            gpusPerServer: 8,
            lifeYears: figure(4),
            yearly: [
              { id: 'hosting', what: 'Hosting', usdPerYear: figure(3000), per: 'server' },
              { id: 'licence', what: 'Licences', usdPerYear: figure(4500), per: 'gpu' },
            ],
          },
        },
      }),
      statedSubject(41.6 * 200, 41.6 * 2000, '2024-11-13'),
      catalogue(),
    )

  test('it takes 5 whole servers, where the notebook prices 4.8077, at 119,000 USD a year each', () => {
    const { at } = price({})
    expect(at('options.own.servers')).toBe(5)
    expect(at('options.own.usdPerYear')).toBe(595_000)
  })

  test('a peak of 224, the 95 % quantile of Poisson arrivals in a second, takes 6', () => {
    const { at } = price({ peak: { kind: 'poisson', quantile: 0.95, perS: 1 } })
    expect(at('demand.withinHourFactor')).toBeCloseTo(224 / 200, 12)
    expect(at('options.own.servers')).toBe(6)
  })
})

test("LegitLads' 64 accelerators save 490,903 USD in 4 years and are worth -9,440 at 10 %", () => {
  const figure = from('legitlads')
  const { report, at } = priced(
    scenario({
      units: 64,
      horizonYears: 4,
      costOfCapitalRatioPerYear: figure(0.1),
      demand: { amount: { kind: 'share-of-server', ratio: figure(0.7) } },
      options: {
        own: {
          ...unpowered(figure),
          serverPriceUsd: figure(1_920_000),
          gpusPerServer: 64,
          lifeYears: figure(4),
          yearly: [
            {
              id: 'running',
              what: 'Energy and operation',
              usdPerYear: figure((2_648_681 - 1_920_000) / 4),
              per: 'site',
            },
          ],
        },
        cloud: { kind: 'rented', rental: 'cloud' },
      },
    }),
    statedSubject(1, undefined, '2026-01-01'),
    catalogue(
      rental('cloud', 64, figure(3_139_584 / 4 / 8760, '2 an hour each, 70 % of the time')),
    ),
  )
  expect(at('comparisons.own.cloud.savedUsd')).toBeCloseTo(490_903, 3)
  expect(Math.abs((at('comparisons.own.cloud.npvUsd') as number) + 9440)).toBeLessThan(1)
  expect(at('comparisons.own.cloud.paybackYears')).toBeCloseTo(3.2, 1)
  // Its value is below 0 at 10 %, so it earns less; with interest the money is not back.
  expect(at('comparisons.own.cloud.irrRatioPerYear')).toBeLessThan(0.1)
  expect(report.comparisons[0]).toMatchObject({ payback: 'after', discountedPayback: 'never' })
  expect(at('options.own.horizon.undiscountedUsd')).toBeCloseTo(2_648_681, 3)
})

test('commitments at 7.20 USD for a year and 5.40 for three imply 5.22 and 3.78 to come', () => {
  const figure = from('forward')
  const { at } = priced(
    scenario({
      units: 8,
      costOfCapitalRatioPerYear: figure(0),
      demand: { amount: { kind: 'share-of-server', ratio: figure(1) } },
      market: { commitments: { oneYear: 'one', threeYear: 'three' } },
      options: { rent: { kind: 'rented', rental: 'one' } },
    }),
    statedSubject(1000, undefined, '2024-05-01'),
    catalogue(
      rental('one', 8, figure(8 * 7.2), { commitment: '1-year' }),
      rental('three', 8, figure(8 * 5.4), { commitment: '3-year' }),
    ),
  )
  expect(at('market.commitments.oneYearUsdPerUnitHour')).toBeCloseTo(7.2, 9)
  expect(at('market.commitments.year2UsdPerUnitHour')).toBeCloseTo(5.218, 3)
  expect(at('market.commitments.year3UsdPerUnitHour')).toBeCloseTo(3.782, 3)
  expect(at('market.rentPriceRatioPerYear')).toBeCloseTo(0.7247, 4)
  // A year at each of the three prices costs what three years under the longer commitment do.
  const later = [2, 3].map((year) => at(`market.commitments.year${year}UsdPerUnitHour`) as number)
  expect(7.2 + (later[0] as number) + (later[1] as number)).toBeCloseTo(3 * 5.4, 9)
})
