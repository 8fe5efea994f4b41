import { hardwareProfileSchema } from '../../src/detect/hardware-profile.ts'
import type { RequestRecord } from '../../src/load/record.ts'
import type { RunLog } from '../../src/load/run-log.ts'
import { summarize } from '../../src/measure/summarize.ts'
import type { Summary } from '../../src/measure/summary.ts'
import type { Catalogue } from '../../src/price/catalogue.ts'
import { priceSheetSchema } from '../../src/price/price-sheet.ts'
import { type Scenario, scenarioSchema } from '../../src/price/scenario.ts'
import { benchmark, levelLog, record, runLog, shifted } from '../measure/records.ts'

const sources = {
  s: { title: 'a test', date: '2026-11-01' },
  old: { title: 'an old test', date: '2026-01-31' },
}
const figure = (value: number, parts: object = {}): object => ({
  value,
  source: 's',
  kind: 'quote',
  ...parts,
})

/** A box at 8,760 USD that draws 1 kW under load and 0.2 kW idle; and one kind of GPU, 8 to a server. */
const profiles = [
  {
    schemaVersion: 1,
    id: 'box',
    name: 'Test box',
    vendor: 'test',
    unit: 'host',
    match: [],
    sources,
    prices: [{ per: 'unit', usd: figure(8760), what: 'the box' }],
    powerW: { load: figure(1000), idle: figure(200) },
  },
  {
    schemaVersion: 1,
    id: 'gpu',
    name: 'Test GPU',
    vendor: 'test',
    unit: 'gpu',
    match: ['Test GPU 80GB'],
    sources,
    tdpW: figure(700, { kind: 'specification' }),
    prices: [
      { per: 'unit', usd: figure(30_000), what: 'board' },
      { per: 'server', unitsPerServer: 8, usd: figure(320_000), what: 'server of 8' },
    ],
  },
].map((profile) => hardwareProfileSchema.parse(profile))

const rental = (id: string, usd: number, gpus: number, parts: object = {}): object => ({
  kind: 'rental',
  id,
  provider: 'p',
  sku: id,
  hardwareProfile: 'gpu',
  gpus,
  usdPerHour: figure(usd),
  commitment: 'on-demand',
  billed: 'per-instance',
  ...parts,
})

const sheet = priceSheetSchema.parse({
  schemaVersion: 1,
  sources,
  entries: [
    { kind: 'electricity', id: 'grid', where: 'here', usdPerKwh: figure(0.1) },
    { kind: 'colocation', id: 'rack', where: 'there', usdPerKwMonth: figure(200) },
    {
      kind: 'api',
      id: 'api',
      provider: 'p',
      model: 'm',
      usdPerMillionInputTokens: figure(1),
      usdPerMillionOutputTokens: figure(4),
    },
    {
      kind: 'api',
      id: 'old-api',
      provider: 'p',
      model: 'm',
      usdPerMillionInputTokens: figure(1, { source: 'old' }),
      usdPerMillionOutputTokens: figure(4, { source: 'old' }),
    },
    rental('box-vm', 3, 1, { hardwareProfile: 'box' }),
    rental('dear', 80, 8),
    rental('middle', 4, 1),
    rental('cheap', 16, 8),
    rental('committed', 1, 1, { commitment: '3-year' }),
  ],
})

export const catalogue: Catalogue = { profiles, sheets: [sheet] }

/** What of the scenario of a test is another than usual: of the whole, of the demand, and of each option. */
export interface Changes {
  readonly scenario?: object
  readonly demand?: object
  readonly own?: object
  readonly rent?: object
  readonly api?: object
  readonly options?: object
}

/** Half of a server wanted, 4 years, no interest and no residual value, support 10 % a year, PUE 1.5. */
export function scenario(changes: Changes = {}): Scenario {
  return scenarioSchema.parse({
    schemaVersion: 2,
    name: 'test',
    sources,
    hardwareProfile: 'box',
    costOfCapitalRatioPerYear: figure(0),
    uncertainty: { draws: 200 },
    demand: { amount: { kind: 'share-of-server', ratio: figure(0.5) }, ...changes.demand },
    options: changes.options ?? {
      own: {
        kind: 'owned',
        lifeYears: figure(4),
        residualRatio: figure(0),
        supportRatioPerYear: figure(0.1),
        pueRatio: figure(1.5),
        electricity: 'grid',
        ...changes.own,
      },
      rent: { kind: 'rented', rental: 'box-vm', ...changes.rent },
      api: { kind: 'api', api: 'api', ...changes.api },
    },
    ...changes.scenario,
  })
}

export { figure }

/** One level: `perS` requests a second for a second, each 16 tokens in and 8 out. */
export function measuredRun(
  perS: number,
  parts: Partial<RunLog> = {},
  slo: object = {},
): { run: RunLog; summary: Summary; records: RequestRecord[] } {
  const records = Array.from({ length: perS }, (_, id) =>
    shifted(record(), (id * 700) / perS, { id }),
  )
  const run = runLog({
    levels: [levelLog({ issued: perS })],
    ...parts,
    config: { ...runLog().config, benchmark: benchmark({ slo }) },
  })
  return { run, summary: summarize(run, records), records }
}
