import { hardwareProfileSchema } from '../../src/detect/hardware-profile.ts'
import type { RunLog } from '../../src/load/run-log.ts'
import type { Summary } from '../../src/measure/summary.ts'
import type { Catalogue } from '../../src/price/catalogue.ts'
import type { CostReport } from '../../src/price/cost-report.ts'
import { priceSheetSchema } from '../../src/price/price-sheet.ts'
import { priceSubject } from '../../src/price/price-subject.ts'
import { type Scenario, scenarioSchema } from '../../src/price/scenario.ts'
import { subjectOfRun } from '../../src/price/subject.ts'

const sources = {
  tender: { title: 'Public tender, server with one GPU', date: '2026-01-18' },
  survey: { title: 'Industrial electricity prices', date: '2024-06' },
  list: { title: 'Price list', date: '2026-02-20' },
  us: { title: 'scenario', date: '2026-03-01' },
}

const figure = (value: number, source: string, kind: string, parts: object = {}) => ({
  value,
  source,
  kind,
  ...parts,
})

/** @param quoted whether anybody has a price for the server */
function sampleCatalogue(quoted: boolean): Catalogue {
  const profile = hardwareProfileSchema.parse({
    schemaVersion: 1,
    id: 'h200-sample',
    name: 'H200 server',
    vendor: 'nvidia',
    unit: 'gpu',
    match: ['NVIDIA H200', 'NVIDIA H100 80GB HBM3'],
    sources,
    prices: quoted
      ? [
          {
            per: 'server',
            unitsPerServer: 1,
            usd: figure(36_000, 'tender', 'tender', {
              range: { low: 32_000, high: 42_000, law: 'triangular' },
            }),
            what: 'server',
          },
        ]
      : [],
    tdpW: figure(700, 'list', 'specification'),
    powerW: {
      load: figure(880, 'list', 'specification'),
      idle: figure(300, 'list', 'specification'),
    },
  })
  const sheet = priceSheetSchema.parse({
    schemaVersion: 1,
    sources,
    entries: [
      {
        kind: 'electricity',
        id: 'industrial',
        where: 'industrial average',
        usdPerKwh: figure(0.14, 'survey', 'survey'),
      },
      {
        kind: 'colocation',
        id: 'rack',
        where: 'a rack',
        usdPerKwMonth: figure(170, 'list', 'list'),
      },
      {
        kind: 'rental',
        id: 'h200',
        provider: 'Cloud',
        sku: 'H200',
        hardwareProfile: 'h200-sample',
        gpus: 1,
        usdPerHour: figure(3.79, 'list', 'list'),
        commitment: 'on-demand',
        billed: 'per-gpu',
      },
      {
        kind: 'api',
        id: 'a',
        provider: 'Public API A,',
        model: 'Llama 3.1 8B',
        usdPerMillionInputTokens: figure(0.5, 'list', 'list'),
        usdPerMillionOutputTokens: figure(1.5, 'list', 'list'),
      },
      {
        kind: 'api',
        id: 'b',
        provider: 'Public API B,',
        model: 'Llama 3.1 8B',
        usdPerMillionInputTokens: figure(0.03, 'list', 'list'),
        usdPerMillionOutputTokens: figure(0.05, 'list', 'list'),
      },
    ],
  })
  return { profiles: [profile], sheets: [sheet] }
}

function sampleScenario(): Scenario {
  return scenarioSchema.parse({
    schemaVersion: 2,
    name: 'sample',
    sources,
    hardwareProfile: 'h200-sample',
    units: 1,
    costOfCapitalRatioPerYear: figure(0.08, 'us', 'choice'),
    demand: {
      amount: { kind: 'share-of-server', ratio: figure(0.4, 'us', 'choice') },
      hourWeights: [...Array(8).fill(1), ...Array(10).fill(4), ...Array(6).fill(2)],
      weekdayWeights: [5, 5, 5, 5, 5, 2, 2],
      users: figure(200, 'us', 'choice'),
    },
    options: {
      colo: {
        kind: 'colocated',
        name: 'H200 in colocation, 4 years',
        lifeYears: figure(4, 'us', 'choice'),
        residualRatio: figure(0.15, 'us', 'choice'),
        supportRatioPerYear: figure(0.1, 'us', 'choice'),
        colocation: 'rack',
        electricity: 'industrial',
        pueRatio: figure(1.3, 'us', 'choice'),
        staff: [
          {
            id: 'staff',
            what: 'Staff',
            fte: figure(0.02, 'us', 'choice'),
            per: 'server',
            usdPerFteYear: figure(100_000, 'us', 'placeholder', { note: 'nobody quoted it' }),
          },
        ],
        control: { dataLocation: 'DE', operatorJurisdiction: 'own', certifications: ['ISO 27001'] },
      },
      rent: { kind: 'rented', name: 'H200 on demand', rental: 'h200' },
      a: { kind: 'api', api: 'a' },
      b: { kind: 'api', api: 'b', control: { dataLocation: 'US' } },
      mix: { kind: 'hybrid', base: 'colo', api: 'a' },
    },
    requirements: {},
    uncertainty: { draws: 500, seed: 1 },
  })
}

/** What the sample's figures cost: the real model on a small catalogue. */
export function sampleCost(
  run: RunLog,
  summary: Pick<Summary, 'points' | 'verdict' | 'search'>,
  { quoted = true }: { quoted?: boolean } = {},
): CostReport {
  return priceSubject(subjectOfRun(run, summary), sampleScenario(), sampleCatalogue(quoted))
}
